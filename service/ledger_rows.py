"""The lines of the ledger's page, read as bare columns: the texts, which are long, stay where they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from triage.ledger.audits import blind_cases
from triage.ledger.search import DONE
from triage.ledger.tables import CaseRow, MergeMemberRow, PredictionRow, RelationRow
from triage.taxonomy import TARGETS, Taxonomy

SOON = 10  # days before its deadline at which a case is marked
_OWN = ("id", "session", "number", "kind", "title", "deputy", "delegation", "section", "topic", "handling")
_MORE = ("role", "leader", "handler", "received_on", "due_on", "state", "result_class", "key_on", "closed_on")


@dataclass(frozen=True)
class LedgerLine:
    """One case as the ledger lists it.

    Attributes:
        case: its columns; start: of its text, for one without a title.
        leader: set on the case, or else in charge of its section.
        proposed: target to the first label and its probability, where nothing is decided.
        days: until it is due, below zero where it is late; None where nothing is due any more.
        related: how many cases it is related to; merged: how many its merge has, itself included.
    """

    case: Any
    leader: str
    proposed: dict[str, tuple[str, float]]
    days: int | None
    related: int
    merged: int

    @property
    def is_late(self) -> bool:
        return self.days is not None and self.days < 0

    @property
    def is_soon(self) -> bool:
        return self.days is not None and 0 <= self.days <= SOON


def ledger_lines(
    ids: Sequence[int], *, session: Session, taxonomy: Taxonomy, today: date
) -> list[LedgerLine]:
    """The lines of these cases, in this order."""
    columns = [getattr(CaseRow, name) for name in (*_OWN, *_MORE)]
    start = func.substr(CaseRow.body, 1, 40).label("start")
    found = {row.id: row for row in session.execute(select(*columns, start).where(CaseRow.id.in_(ids))).all()}
    open_ids = [i for i in ids if any(getattr(found[i], target) is None for target in TARGETS)]
    proposed = _proposed(open_ids, session)
    related, merged = _related(ids, session), _merged(ids, session)
    leaders = {section.name: section.leader for section in taxonomy.section}
    return [
        LedgerLine(
            case=case,
            leader=case.leader or leaders.get(case.section, ""),
            proposed={t: p for t, p in proposed.get(case.id, {}).items() if getattr(case, t) is None},
            days=(case.due_on - today).days if case.due_on and case.state not in DONE else None,
            related=related[case.id],
            merged=merged.get(case.id, 0),
        )
        for case in (found[i] for i in ids)
    ]


def _proposed(ids: Sequence[int], session: Session) -> dict[int, dict[str, tuple[str, float]]]:
    """The newest prediction's first label, not of a blind case; the others, and the evidence, are not read."""
    if not ids:
        return {}
    label, sure = PredictionRow.ranked[(0, 0)].as_string(), PredictionRow.ranked[(0, 1)].as_float()
    made = select(PredictionRow.case_id, PredictionRow.target, label, sure)
    found: dict[int, dict[str, tuple[str, float]]] = {}
    for case_id, target, first, p in session.execute(
        made.where(PredictionRow.case_id.in_(ids), PredictionRow.case_id.not_in(blind_cases())).order_by(
            PredictionRow.id
        )
    ):
        found.setdefault(case_id, {})[target] = (first, p)
    return found


def _related(ids: Sequence[int], session: Session) -> Counter[int]:
    counted: Counter[int] = Counter()
    for side in (RelationRow.case_id, RelationRow.other_id):
        query = select(side, func.count()).where(side.in_(ids), RelationRow.status != "dismissed")
        counted.update({row[0]: row[1] for row in session.execute(query.group_by(side))})
    return counted


def _merged(ids: Sequence[int], session: Session) -> dict[int, int]:
    own, others = MergeMemberRow, aliased(MergeMemberRow)
    query = (
        select(own.case_id, func.count())
        .join(others, others.merge_id == own.merge_id)
        .where(own.case_id.in_(ids), own.left_at.is_(None), others.left_at.is_(None))
        .group_by(own.case_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
