"""Relations between cases: proposed at intake, shown from both sides."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from triage.ledger.events import add_event
from triage.ledger.tables import CaseRow, RelationRow
from triage.related import Related


def propose_relations(
    case: CaseRow, found: Sequence[Related], *, who: str, session: Session
) -> list[RelationRow]:
    """Record what was flagged for a new case, with an event for each."""
    rows = []
    for related in found:
        row = RelationRow(
            case_id=case.id,
            other_id=int(related.key),
            kind=related.kind,
            score=related.score,
            shared_terms=list(related.shared_terms),
        )
        session.add(row)
        rows.append(row)
        add_event(
            "related",
            who=who,
            session=session,
            case_id=case.id,
            other_id=int(related.key),
            relation=related.kind,
            score=related.score,
            shared_terms=list(related.shared_terms),
        )
    return rows


def relations_of(case_id: int, *, session: Session) -> list[tuple[RelationRow, CaseRow]]:
    """Relations of a case with the case on the other side, best first."""
    rows = session.scalars(
        select(RelationRow)
        .where(or_(RelationRow.case_id == case_id, RelationRow.other_id == case_id))
        .order_by(RelationRow.score.desc(), RelationRow.id)
    ).all()
    pairs = []
    for row in rows:
        other = session.get_one(CaseRow, row.other_id if row.case_id == case_id else row.case_id)
        pairs.append((row, other))
    return pairs
