"""A replay of years: each one triaged by what was learned before it, decided by its labels, learned at its end.

A simulation of what an office lives through. Cases that the model is not sure of, and the audit sample, get
the file's label, as a person would give it. Of the automatic ones a wrong label is noticed and put right with
a given chance; else it stays, and counts as what the section signed for and closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from training.backtest import LabelledFile
from training.evaluate import evaluate
from training.gate import compare
from training.gold import EARNED_WEIGHTS, GoldExample
from triage.classifier import Example, TargetModel
from triage.documents.fields import read_date
from triage.documents.rows import Row
from triage.errors import InputError
from triage.prediction import Prediction
from triage.reading import Reader, Suggestion
from triage.taxonomy import TARGET_NAMES, Taxonomy

LEAST_IN_YEAR = 20  # cases, for calendar years to be replayed rather than equal slices
SLICES = 6  # the first is learned from, five are replayed


@dataclass(frozen=True)
class Way:
    """How an office learns at the end of each year.

    Attributes:
        retrains: whether it does; else the first slice's model serves all the time.
        weights: how an example was earned to what it counts; 0 leaves it out.
        gated: whether a challenger must pass the gate.
        itself: whether automatic decisions are learned as the model made them, as if a person had.
        drawn: whether what was drawn stands for what it was drawn from, and untouched labels prove nothing.
    """

    name: str
    retrains: bool = True
    weights: Mapping[str, float] = field(default_factory=lambda: EARNED_WEIGHTS)
    gated: bool = True
    itself: bool = False
    drawn: bool = True


OURS = Way("ours")
NEVER = Way("never retrained", retrains=False)
ITSELF = Way(
    "retrained on its own decisions",
    gated=False,
    itself=True,
    drawn=False,
    weights=dict.fromkeys(EARNED_WEIGHTS, 1.0),
)
WAYS = (OURS, NEVER, ITSELF)


@dataclass(frozen=True)
class Office:
    """What stays the same through the years.

    Attributes:
        audit_share: of the automatic ones that a person reviews blind.
        unnoticed: share of the wrong automatic labels that nobody puts right.
    """

    target: str
    taxonomy: Taxonomy
    reader: Reader
    error_budget: float = 0.05
    audit_share: float = 0.1
    unnoticed: float = 0.5


def slices_of(file: LabelledFile, target: str, count: int | None = None) -> list[tuple[str, list[Row]]]:
    """Rows with a label of ``target``, in order of time, by calendar year or in equal parts.

    Args:
        count: so many equal parts; None: years where each has LEAST_IN_YEAR rows, else SLICES parts.

    Raises:
        InputError: a row has no day, or there are too few rows.
    """
    rows = sorted(file.labelled(target), key=lambda row: (_day(row), row.line))
    if len(rows) < 2 * LEAST_IN_YEAR:
        raise InputError(
            f"文件里有{TARGET_NAMES[target]}的行只有 {len(rows)} 行,至少要 {2 * LEAST_IN_YEAR} 行。"
        )
    years: dict[str, list[Row]] = {}
    for row in rows:
        years.setdefault(str(_day(row).year), []).append(row)
    if count is None and 3 <= len(years) <= 12 and min(map(len, years.values())) >= LEAST_IN_YEAR:
        return list(years.items())
    count = count or SLICES
    if not 2 <= count <= len(rows) // 5:
        raise InputError(f"{len(rows)} 行不能分成 {count} 份,可分 2 到 {len(rows) // 5} 份。")
    cuts = [round(i * len(rows) / count) for i in range(count + 1)]
    parts = [rows[a:b] for a, b in pairwise(cuts)]
    return [(f"{_day(part[0])}..{_day(part[-1])}", part) for part in parts]


def _day(row: Row) -> date:
    try:
        found = read_date(row.get("received_on"))
    except ValueError:
        found = None
    if found is None:
        raise InputError(f"第 {row.line} 行没有收件日期(received_on),或日期读不懂。")
    return found


@dataclass(frozen=True)
class Year:
    """What one way made of one year; ``right`` has shape (n,)."""

    figures: dict[str, Any]
    right: np.ndarray[Any, Any]


def live(office: Office, way: Way, slices: Sequence[tuple[str, list[Row]]], seed: int) -> list[Year]:
    """All years but the first slice, which a person labelled before there was a model."""
    rng = np.random.default_rng(seed)
    gold = [_gold(row, office.target, "recorded") for row in slices[0][1]]
    champion, known = _fit(office, way, gold, seed), {g.example.case for g in gold}
    years = []
    for name, rows in slices[1:]:
        predictions = champion.predict([Suggestion(r.get("title"), r.get("body")) for r in rows])
        truth = [row.get(office.target) for row in rows]
        drawn = rng.random(len(rows)) < office.audit_share
        noticed = rng.random(len(rows)) >= office.unnoticed
        if way.itself:
            drawn[:] = noticed[:] = False
        metrics = evaluate(predictions, truth)
        reviewed = [not p.auto or bool(d) for p, d in zip(predictions, drawn, strict=True)]
        right = np.array([p.label == t for p, t in zip(predictions, truth, strict=True)])
        figures: dict[str, Any] = {
            "name": name,
            "n": len(rows),
            "accuracy": metrics.accuracy,
            "macro_f1": metrics.macro_f1,
            "coverage": metrics.coverage,
            "precision": metrics.precision,
            "override_rate": float(1 - right[reviewed].mean()) if any(reviewed) else None,
            "calibration_error": metrics.ece,
            "learned_from": len(known),
        }
        years.append(Year(figures, right))
        gold += [
            _earned(row, office, p, reviewed[i], bool(drawn[i]), bool(noticed[i]))
            for i, (row, p) in enumerate(zip(rows, predictions, strict=True))
        ]
        if way.retrains and _passes(office, way, gold, champion, known, seed, figures):
            champion, known = _fit(office, way, gold, seed), {g.example.case for g in gold}
    return years


def _gold(row: Row, target: str, earned: str, *, label: str = "", stands_for: float = 1.0) -> GoldExample:
    text = row.reference, row.get("title"), row.get("body")
    return GoldExample(_day(row), Example(*text, label or row.get(target), stands_for=stands_for), earned)


def _earned(
    row: Row, office: Office, prediction: Prediction, reviewed: bool, drawn: bool, noticed: bool
) -> GoldExample:
    """What the year teaches of one case, and how that was earned."""
    target = office.target
    right = prediction.label == row.get(target)
    if reviewed and prediction.auto and drawn:
        how = "audited" if right else "overridden"
        return _gold(row, target, how, stands_for=1 / office.audit_share)
    if reviewed:
        return _gold(row, target, "confirmed" if right else "overridden")
    if not right and noticed:  # one that only shows when it is wrong says nothing of how often that is
        return _gold(row, target, "overridden", stands_for=0.0)
    return _gold(row, target, "untouched", label=prediction.label, stands_for=0.0)


def _weighed(way: Way, gold: Sequence[GoldExample]) -> list[Example]:
    return [
        replace(
            g.example, weight=way.weights[g.earned], stands_for=g.example.stands_for if way.drawn else 1.0
        )
        for g in gold
        if way.weights[g.earned] > 0
    ]


def _fit(office: Office, way: Way, gold: Sequence[GoldExample], seed: int) -> TargetModel:
    return TargetModel.fit(
        office.target,
        office.taxonomy.labels(office.target),
        _weighed(way, gold),
        office.reader,
        error_budget=office.error_budget,
        seed=seed,
    )


def _passes(
    office: Office,
    way: Way,
    gold: Sequence[GoldExample],
    champion: TargetModel,
    known: set[str],
    seed: int,
    figures: dict[str, Any],
) -> bool:
    if not way.gated:
        return True
    weighed = {e.case: e for e in _weighed(way, gold)}
    kept = [
        GoldExample(g.received_on, weighed[g.example.case], g.earned)
        for g in gold
        if g.example.case in weighed
    ]
    verdict = compare(
        office.target,
        office.taxonomy,
        kept,
        champion,
        known,
        office.reader,
        error_budget=office.error_budget,
        seed=seed,
    )
    figures["promoted"], figures["gate"] = verdict.promote, verdict.reason
    return verdict.promote
