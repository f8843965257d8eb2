"""How much more examples are worth: the same latest cases, asked of models that learned from fewer."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import bdtrc
from sklearn.metrics import f1_score

from training.gate import Split, split_in_time
from training.gold import GoldExample
from training.quality import share_of
from triage.classifier import TargetModel
from triage.duties import describes
from triage.reading import Reader, Suggestion
from triage.taxonomy import Label

SIZES = (5, 10, 20, 50, 100, 200)  # examples a label
MOST_FITS = 6  # one without examples and one with all among them
DRAWS = 2  # of the smallest sizes, where it matters which examples are drawn
CHANCE = 0.2  # that as much is won by luck, below which it is called a gain
FEW = 20  # examples of a label below which more are the first thing to try
WELL_FOUND = 0.8  # share of a label's cases found from which nothing is asked for

Fit = Callable[[Sequence[GoldExample]], TargetModel]


def learning_curve(
    target: str, labels: Sequence[Label], gold: Sequence[GoldExample], reader: Reader, *, seed: int
) -> dict[str, Any] | None:
    """Share right on the latest cases by how many examples a label were learned; None: too few cases.

    Args:
        gold: oldest first.
        reader: best one that remembers what it has read.
    """
    split = split_in_time(gold, set())
    if split is None:
        return None

    def fit(examples: Sequence[GoldExample]) -> TargetModel:
        return TargetModel.fit(target, labels, [g.example for g in examples], reader, seed=seed)

    counts = Counter(g.example.label for g in split.earlier)
    sizes = [size for size in SIZES if size < max(counts.values())]
    fits: list[tuple[int | None, int]] = [(0, 1)] if describes(labels) else []
    spare = MOST_FITS - 1 - len(fits) - len(sizes)
    for place, size in enumerate(sizes):
        fits.append((size, DRAWS if place < spare else 1))
    fits.append((None, 1))
    points, rights = [], []
    for k, draws in fits:
        point, right = _point(split, k, draws, fit, seed)
        points.append(point)
        rights.append(right)
    return {
        "held_out": len(split.latest),
        "from": split.latest[0].received_on.isoformat(),
        "to": split.latest[-1].received_on.isoformat(),
        "points": points,
        "end": _end(points, rights) if len(points) > 1 else None,
    }


def _point(split: Split, k: int | None, draws: int, fit: Fit, seed: int) -> tuple[dict[str, Any], Any]:
    """One size; with it what the last of its models got right, shape (held out,)."""
    texts = [Suggestion(g.example.title, g.example.body) for g in split.latest]
    truth = [g.example.label for g in split.latest]
    sizes, accuracies, scores = [], [], []
    right = np.zeros(len(truth), dtype=bool)
    for draw in range(draws):
        examples = split.earlier if k is None else draw_examples(split.earlier, k, seed + draw)
        first = [p.label for p in fit(examples).predict(texts)]
        right = np.array([a == b for a, b in zip(first, truth, strict=True)])
        sizes.append(len(examples))
        accuracies.append(float(right.mean()))
        scores.append(float(f1_score(truth, first, average="macro", zero_division=0)))
    n = len(truth)
    accuracy = float(np.mean(accuracies))
    return {
        "per_label": k,
        "examples": round(float(np.mean(sizes))),
        "fits": draws,
        "accuracy": round(accuracy, 4),
        "interval": share_of(round(accuracy * n), n)["interval"],
        "macro_f1": round(float(np.mean(scores)), 4),
    }, right


def draw_examples(examples: Sequence[GoldExample], k: int, seed: int) -> list[GoldExample]:
    """At most ``k`` of each label, in the order of ``examples``; the same ones for the same seed."""
    by_label: dict[str, list[int]] = defaultdict(list)
    for i in np.random.default_rng(seed).permutation(len(examples)):
        by_label[examples[i].example.label].append(int(i))
    return [examples[i] for i in sorted(i for own in by_label.values() for i in own[:k])]


def _end(points: Sequence[dict[str, Any]], rights: Sequence[Any]) -> dict[str, Any]:
    """What the last step brought: the cases it won and lost, and whether that may be luck."""
    won, lost = int((rights[-1] & ~rights[-2]).sum()), int((rights[-2] & ~rights[-1]).sum())
    luck = float(bdtrc(won - 1, won + lost, 0.5)) if won else 1.0  # won or more of a fair coin
    return {
        "from_examples": points[-2]["examples"],
        "to_examples": points[-1]["examples"],
        "won": won,
        "lost": lost,
        "rising": won > lost and luck < CHANCE,
        "luck": round(luck, 4),
    }


def wanting_labels(
    by_label: Sequence[dict[str, Any]], counts: dict[str, int], confusions: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Labels that more examples would help, or something else, those that miss most cases first.

    Args:
        by_label: see Unseen.by_label; confusions: see Unseen.confusions.
        counts: examples a label, those included that judge nobody.
    """
    found = []
    for one in by_label:
        label, examples, recall = one["label"], counts.get(one["label"], 0), one["recall"]
        poor = recall["rate"] is not None and recall["rate"] < WELL_FOUND
        if examples and not poor:
            continue
        taken = next((c["first"] for c in confusions if c["gold"] == label), None)
        found.append(
            {
                "label": label,
                "examples": examples,
                "found": recall["count"],
                "of": recall["of"],
                "few": examples < FEW,
                "taken_for": taken,
            }
        )
    return sorted(found, key=lambda one: (one["found"] - one["of"], one["examples"], one["label"]))
