"""Figures of one answer, all through training.evaluate, so that ours and the peers' mean the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluate import evaluate
from triage.prediction import Prediction

REPEATS = 1000
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Answer:
    """What a system says of n texts.

    Attributes:
        predictions: one a text, length n.
        auto: for each error budget, whether each text would be decided automatically.
    """

    predictions: list[Prediction]
    auto: dict[float, list[bool]]


def figures(answer: Answer, gold: Sequence[str], *, bootstrap: bool = False) -> dict[str, Any]:
    """Counts and figures, ready for JSON; counts, so that splits can be pooled."""
    metrics = evaluate(answer.predictions, gold)
    right = np.array([p.label == g for p, g in zip(answer.predictions, gold, strict=True)])
    found: dict[str, Any] = {
        "n": metrics.n,
        "right": int(right.sum()),
        "top3": round(metrics.top3_accuracy * metrics.n),
        "macro_f1": metrics.macro_f1,
        "log_loss": metrics.log_loss,
        "ece": metrics.ece,
        "auto": {
            f"{budget:g}": {
                "routed": sum(chosen),
                "right": int(right[np.array(chosen, dtype=bool)].sum()),
            }
            for budget, chosen in answer.auto.items()
        },
    }
    sets = [p.evidence.likely for p in answer.predictions]
    if all(sets):
        found["sets"] = {
            "labels": sum(len(labels) for labels in sets),
            "held": sum(g in labels for labels, g in zip(sets, gold, strict=True)),
        }
    if bootstrap:
        found["intervals"] = intervals([p.label for p in answer.predictions], gold)
    return found


def intervals(predicted: Sequence[str], gold: Sequence[str], seed: int = 0) -> dict[str, list[float]]:
    """95 % bootstrap intervals over the texts, of accuracy and macro-F1."""
    names = sorted({*predicted, *gold})
    said, true = (np.array([names.index(label) for label in labels]) for labels in (predicted, gold))
    draws = np.random.default_rng(seed).integers(0, len(true), (REPEATS, len(true)))
    accuracy = [(said[d] == true[d]).mean() for d in draws]
    macro = [_macro_f1(said[d], true[d], len(names)) for d in draws]
    return {
        name: [float(x) for x in np.percentile(values, [2.5, 97.5])]
        for name, values in (("accuracy", accuracy), ("macro_f1", macro))
    }


def _macro_f1(said: NDArray[np.int_], true: NDArray[np.int_], labels: int) -> float:
    """As training.evaluate's, some hundred times faster."""
    hits = np.bincount(true[said == true], minlength=labels)
    named = np.bincount(said, minlength=labels) + np.bincount(true, minlength=labels)
    return float((2 * hits[named > 0] / named[named > 0]).mean())


def wilson(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share."""
    share, z2 = right / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return float(middle - half), float(middle + half)
