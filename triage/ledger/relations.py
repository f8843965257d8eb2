"""Relations between cases: proposed at intake, confirmed or dismissed by people, shown from both sides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.cases import get_case
from triage.ledger.events import add_event
from triage.ledger.memberships import active_merge
from triage.ledger.tables import CaseRow, RelationRow
from triage.ledger.texts import check_who, check_why
from triage.related import Related

BY_PERSON = {"by": "person"}  # the evidence of a pair that no model proposed


def propose_relations(
    case: CaseRow, found: Sequence[Related], *, who: str, session: Session
) -> list[RelationRow]:
    """Record what was flagged for a case, with an event for each.

    A pair that has a row already, from whichever side, is left as it is: what a person
    confirmed or dismissed is never proposed again.
    """
    if not found:
        return []
    pairs = select(RelationRow.case_id, RelationRow.other_id).where(
        or_(RelationRow.case_id == case.id, RelationRow.other_id == case.id)
    )
    known = {number for pair in session.execute(pairs) for number in pair}
    rows = []
    for related in found:
        if int(related.key) in known:
            continue
        row = RelationRow(
            case_id=case.id,
            other_id=int(related.key),
            kind=related.kind,
            score=related.score,
            shared_terms=list(related.shared_terms),
            evidence=dict(related.likeness),
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
            likeness=dict(related.likeness),
        )
    return rows


def relations_of(case_id: int, *, session: Session) -> list[tuple[RelationRow, CaseRow]]:
    """Relations of a case with the case on the other side, best first."""
    rows = session.scalars(
        select(RelationRow)
        .where(or_(RelationRow.case_id == case_id, RelationRow.other_id == case_id))
        .order_by(RelationRow.score.desc(), RelationRow.id)
    ).all()
    ids = [row.other_id if row.case_id == case_id else row.case_id for row in rows]
    others = {case.id: case for case in session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)))}
    return [(row, others[i]) for row, i in zip(rows, ids, strict=True)]


def dismiss(case_id: int, other_id: int, *, who: str, session: Session, why: str = "") -> RelationRow:
    """Two cases do not belong together: never propose the pair again.

    Raises:
        InputError: no name, or one case twice.
        Conflict: the two are in one merge.
    """
    who, why = check_who(who), check_why(why)
    if case_id == other_id:
        raise InputError("请选两件不同的建议。", field="other_id")
    case, other = get_case(case_id, session=session), get_case(other_id, session=session)
    merge = active_merge(case)
    if merge is not None and merge is active_merge(other):
        raise Conflict(f"两件同在并案“{merge.name}”中,请先解除并案。", merge_id=merge.id)
    row = find_relation(case, other, session=session)
    if row is not None and row.status == "dismissed":
        return row
    before = describe(row) if row is not None else None
    row = set_status(case, other, "dismissed", session=session)
    for own, far in ((case, other), (other, case)):
        add_event(
            "dismissed",
            who=who,
            session=session,
            case_id=own.id,
            other_id=far.id,
            before=before,
            why=why,
        )
    session.flush()
    return row


def link_precedent(case: CaseRow, closed: CaseRow, *, who: str, why: str, session: Session) -> RelationRow:
    """A person says that a closed case is a precedent of an open one."""
    row = set_status(case, closed, "confirmed", session=session)
    row.kind = "precedent"
    for own, far in ((case, closed), (closed, case)):
        add_event(
            "precedent_linked",
            who=who,
            session=session,
            case_id=own.id,
            other_id=far.id,
            precedent=closed.id,
            why=why,
        )
    return row


def set_status(case: CaseRow, other: CaseRow, status: str, *, session: Session) -> RelationRow:
    """The pair's one row with that status, whichever side it is kept from; made where missing."""
    row = find_relation(case, other, session=session)
    if row is None:
        older, newer = sorted((case, other), key=lambda c: (c.received_on, c.id))
        row = RelationRow(
            case_id=newer.id,
            other_id=older.id,
            kind="related",
            score=0.0,
            shared_terms=[],
            evidence=dict(BY_PERSON),
        )
        session.add(row)
    row.status = status
    session.flush()
    return row


def find_relation(case: CaseRow, other: CaseRow, *, session: Session) -> RelationRow | None:
    """The row of a pair in either orientation."""
    return session.scalars(
        select(RelationRow)
        .where(
            or_(
                (RelationRow.case_id == case.id) & (RelationRow.other_id == other.id),
                (RelationRow.case_id == other.id) & (RelationRow.other_id == case.id),
            )
        )
        .order_by(RelationRow.id)
    ).first()


def confirm_pairs(pairs: Iterable[tuple[CaseRow, CaseRow]], *, session: Session) -> list[dict[str, Any]]:
    """Confirm every pair, and tell how each stood before."""
    stood = []
    for case, other in pairs:
        row = find_relation(case, other, session=session)
        if row is not None:
            stood.append(describe(row))
        set_status(case, other, "confirmed", session=session)
    return stood


def pairs_of(cases: Sequence[CaseRow]) -> list[tuple[CaseRow, CaseRow]]:
    """Every two of the cases, once."""
    return list(combinations(cases, 2))


def describe(row: RelationRow) -> dict[str, Any]:
    """A relation as an event keeps it."""
    return {
        "case_id": row.case_id,
        "other_id": row.other_id,
        "relation": row.kind,
        "status": row.status,
        "score": row.score,
        "shared_terms": row.shared_terms,
        "evidence": row.evidence,
    }
