"""Where the models were wrong: the label recommended first against the one that a person settled."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage.ledger.tables import CaseRow, DecisionRow, PredictionRow, WithdrawalRow

PERSONS = ("confirm", "override", "closed")  # what an untouched automatic decision is not


@dataclass(frozen=True)
class CaseRef:
    """As much of a case as a list needs."""

    id: int
    number: str
    title: str
    model_version: str


@dataclass(frozen=True)
class Confusion:
    """Cases of ``settled`` that were taken for ``recommended``."""

    settled: str
    recommended: str
    cases: Sequence[CaseRef]


@dataclass(frozen=True)
class Review:
    """How the first recommendations of one target stood up to people.

    Attributes:
        counts: settled label to recommended label to number of cases, right ones included.
        confusions: the wrong ones, most frequent first.
    """

    counts: dict[str, dict[str, int]]
    confusions: Sequence[Confusion]

    @property
    def total(self) -> int:
        return sum(n for row in self.counts.values() for n in row.values())

    @property
    def right(self) -> int:
        return sum(row.get(label, 0) for label, row in self.counts.items())


def review_target(target: str, *, session: Session, year: int | None = None) -> Review:
    """Cases that were recommended something and on which a person decided, of a year or of all.

    The newest recommendation is held against the newest decision that was not taken back.
    """
    predicted = (
        select(func.max(PredictionRow.id).label("id"))
        .where(PredictionRow.target == target)
        .group_by(PredictionRow.case_id)
        .subquery()
    )
    decided = (
        select(func.max(DecisionRow.id).label("id"))
        .where(
            DecisionRow.target == target,
            DecisionRow.id.not_in(select(WithdrawalRow.decision_id)),
        )
        .group_by(DecisionRow.case_id)
        .subquery()
    )
    query = (
        select(
            CaseRow.id,
            CaseRow.number,
            CaseRow.title,
            PredictionRow.ranked[(0, 0)].as_string().label("recommended"),
            PredictionRow.model_version,
            DecisionRow.label,
        )
        .join(PredictionRow, PredictionRow.case_id == CaseRow.id)
        .join(predicted, predicted.c.id == PredictionRow.id)
        .join(DecisionRow, DecisionRow.case_id == CaseRow.id)
        .join(decided, decided.c.id == DecisionRow.id)
        .where(DecisionRow.kind.in_(PERSONS))
        .order_by(CaseRow.id)
    )
    if year is not None:
        query = query.where(CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31)))
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    wrong: dict[tuple[str, str], list[CaseRef]] = defaultdict(list)
    for row in session.execute(query):
        counts[row.label][row.recommended] += 1
        if row.label != row.recommended:
            wrong[row.label, row.recommended].append(
                CaseRef(row.id, row.number, row.title, row.model_version)
            )
    ordered = sorted(wrong.items(), key=lambda item: (-len(item[1]), item[0]))
    return Review(
        {label: dict(row) for label, row in sorted(counts.items())},
        [Confusion(settled, recommended, cases) for (settled, recommended), cases in ordered],
    )
