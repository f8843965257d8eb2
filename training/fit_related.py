"""Fit the pair score on the sample office's same-matter groups and print weights and quality.

Run as ``python -m training.fit_related``. Pairs: all cases of the closed year and the
incoming pile; a pair belongs together where the two share a slug in the ``matter``
column. The texts and the groups are invented, so the figures say how well the score fits
invented texts, no more.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from training.sample_office import CLOSED_YEAR, INCOMING, INCOMING_LABELS, OFFICE
from triage.case_index import CaseIndex, make_case_text
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.documents import BadRow, Row, read_csv
from triage.encoder import get_encoder
from triage.reading import RememberingReader, Suggestion
from triage.related import CaseText, Similarities, agreement, pair_score
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy
from triage.text import get_segmenter

FEATURES = ("text", "title", "title_sense", "sense", "section")


@dataclass(frozen=True)
class Pair:
    """Two cases, how near they are, and whether they belong together."""

    a: CaseText
    b: CaseText
    near: Similarities
    together: bool


def main() -> None:
    """Print the fitted weights, and quality of the weights in triage.related at thresholds."""
    settings = Settings.from_env()
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms(), settings.cache_dir)
    reader = RememberingReader(segmenter, get_encoder(settings.encoder))
    index, pairs = sample_pairs(reader, taxonomy)
    together = np.array([p.together for p in pairs])
    print(f"pairs {len(pairs)}, together {together.sum()}")
    table = np.array(
        [
            [
                p.near.text,
                p.near.title,
                p.near.title_sense,
                p.near.sense,
                agreement(p.a, p.b, "section") or 0.0,
            ]
            for p in pairs
        ]
    )
    for names in (FEATURES, FEATURES[:-1]):
        columns = table[:, : len(names)]
        model = LogisticRegression(C=10, max_iter=2000)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        out_of_fold = cross_val_predict(model, columns, together, cv=folds, method="predict_proba")[:, 1]
        model.fit(columns, together)
        weights = dict(zip(names, model.coef_[0].round(1), strict=True))
        print(f"fitted: bias {model.intercept_[0]:.1f}, {weights}")
        report("  out of fold", out_of_fold, together, (0.33,))
    words = index.section_words
    for name, known in (("in use", words), ("without the same-matter rule", {})):
        scores = np.array(
            [pair_score(p.a, p.b, p.near, known.get(_first(p.a), frozenset()), len(index)) for p in pairs]
        )
        report(f"weights of triage.related, {name}", scores, together, (0.2, 0.33, 0.5))


def sample_pairs(reader: RememberingReader, taxonomy: Taxonomy) -> tuple[CaseIndex, list[Pair]]:
    """All pairs of the sample office; the incoming pile carries predicted labels, as in use."""
    closed, incoming, labels = _rows(CLOSED_YEAR), _rows(INCOMING), _read_matters()
    suggestions = [Suggestion(r.get("title"), r.get("body")) for r in [*closed, *incoming]]
    known: list[dict[str, dict[str, float]]] = [{t: {r.get(t): 1.0} for t in TARGETS} for r in closed]
    predicted: list[dict[str, dict[str, float]]] = [{} for _ in incoming]
    for target in TARGETS:
        examples = [Example(r.get("number"), r.get("title"), r.get("body"), r.get(target)) for r in closed]
        model = TargetModel.fit(target, taxonomy.labels(target), examples, reader)
        for own, p in zip(predicted, model.predict(suggestions[len(closed) :]), strict=True):
            own[target] = dict(p.ranked)
    index = CaseIndex(reader.segmenter, reader.encoder, taxonomy)
    documents, titles = index.encode(suggestions)
    cases = []
    for i, row in enumerate([*closed, *incoming]):
        case = make_case_text(
            str(i),
            suggestions[i],
            reader.segmenter,
            received_on=row.date("received_on"),
            labels=[*known, *predicted][i],
        )
        index.add(case, documents[i], titles[i])
        cases.append(case)
    near = [index.similarities(case, documents[i], titles[i]) for i, case in enumerate(cases)]
    matters = [labels[r.get("session"), r.get("number")] for r in [*closed, *incoming]]
    pairs = [
        Pair(cases[j], cases[i], near[j][i], bool(matters[i] & matters[j]))
        for i, j in itertools.combinations(range(len(cases)), 2)
    ]
    return index, pairs


def report(
    name: str, scores: NDArray[np.float64], together: NDArray[np.bool_], thresholds: Sequence[float]
) -> None:
    """Average precision, ROC AUC, and what is proposed at each threshold."""
    print(
        f"{name}: average precision {average_precision_score(together, scores):.3f}, "
        f"ROC AUC {roc_auc_score(together, scores):.3f}"
    )
    for threshold in thresholds:
        proposed = scores >= threshold
        print(
            f"    at {threshold}: {proposed.sum()} proposed, {together[proposed].mean():.2f} of them right, "
            f"{together[proposed].sum() / together.sum():.2f} of all found"
        )


def _first(case: CaseText) -> str:
    section = case.labels["section"]
    return max(section, key=section.__getitem__)


def _rows(path: Path) -> list[Row]:
    return [row for row in read_csv(path) if not isinstance(row, BadRow)]


def _read_matters() -> dict[tuple[str, str], set[str]]:
    matters = {}
    for path in (CLOSED_YEAR, INCOMING_LABELS):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                slugs = {slug for slug in row["matter"].split(";") if slug}
                matters[row["session"], row["number"]] = slugs
    return matters


if __name__ == "__main__":
    main()
