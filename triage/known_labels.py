"""What is known of a case's labels: decided ones for certain, the others as predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.ledger.memberships import settled_labels
from triage.ledger.predictions import newest_predictions
from triage.ledger.tables import CaseRow, PredictionRow
from triage.taxonomy import TARGETS


def known_labels(case: CaseRow) -> dict[str, dict[str, float]]:
    """Decided labels with certainty 1, predicted ones with their probabilities."""
    labels: dict[str, dict[str, float]] = {
        target: dict(row.ranked) for target, row in newest_predictions(case).items()
    }
    for target, label in settled_labels(case).items():
        labels[target] = {label: 1.0}
    return {t: labels[t] for t in TARGETS if t in labels}


def labels_on_record(cases: Sequence[Any], session: Session) -> dict[int, Mapping[str, Mapping[str, float]]]:
    """For each case what known_labels gives, by a query for many: rows with id and the settled labels."""
    open_ids = [case.id for case in cases if any(getattr(case, target) is None for target in TARGETS)]
    predicted: dict[int, dict[str, Mapping[str, float]]] = {i: {} for i in open_ids}
    if open_ids:
        made = (PredictionRow.case_id, PredictionRow.target, PredictionRow.ranked)
        rows = select(*made).where(
            PredictionRow.case_id.between(open_ids[0], open_ids[-1]), PredictionRow.case_id.in_(open_ids)
        )
        for row in session.execute(rows.order_by(PredictionRow.id)):
            predicted[row.case_id][row.target] = dict(row.ranked)
    return {case.id: _settled_over(case, predicted.get(case.id, {})) for case in cases}


def _settled_over(
    case: Any, predicted: Mapping[str, Mapping[str, float]]
) -> Mapping[str, Mapping[str, float]]:
    settled = tuple(getattr(case, target) for target in TARGETS)
    if None not in settled:
        return _certain(settled)
    own = {t: {label: 1.0} for t, label in zip(TARGETS, settled, strict=True) if label is not None}
    return {t: own.get(t) or predicted[t] for t in TARGETS if t in own or t in predicted}


@lru_cache(maxsize=10_000)
def _certain(settled: tuple[str, ...]) -> Mapping[str, Mapping[str, float]]:
    """One mapping for all cases that are labelled alike: there are few of them, and many cases."""
    return {target: {label: 1.0} for target, label in zip(TARGETS, settled, strict=True)}
