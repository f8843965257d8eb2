"""Who belongs to which merge, and what a case takes from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import extract, select
from sqlalchemy.orm import Session

from triage.errors import NotFound
from triage.ledger.cases import get_case
from triage.ledger.tables import CaseRow, DecisionRow, MergeMemberRow, MergeRow, WithdrawalRow
from triage.ledger.versions import raised_cases
from triage.taxonomy import TARGETS

SHARED = ("section", "handling")  # the topic stays each case's own


def case_name(case: CaseRow) -> str:
    """How a message names a case: by its number, else by its place in the ledger."""
    if not case.number:
        return f"台账第{case.id}件"
    return case.number if case.number.startswith("第") else f"第{case.number}号"


def names_of(cases: Sequence[CaseRow]) -> str:
    return "、".join(case_name(case) for case in cases)


def get_merge(merge_id: int, *, session: Session) -> MergeRow:
    """Raises NotFound; a dissolved merge is found too."""
    merge = session.get(MergeRow, merge_id) if 0 < merge_id < 2**63 else None
    if merge is None:
        raise NotFound(f"台账中没有编号为 {merge_id} 的并案。")
    return merge


def list_merges(*, session: Session, year: int | None = None) -> Sequence[MergeRow]:
    """Merges that were not dissolved, newest first; of one year by the day their lead came in."""
    query = select(MergeRow).where(MergeRow.dissolved_at.is_(None)).order_by(MergeRow.id.desc())
    if year is not None:
        query = query.join(CaseRow, CaseRow.id == MergeRow.lead_id).where(
            extract("year", CaseRow.received_on) == year
        )
    return session.scalars(query).all()


def active_merge(case: CaseRow) -> MergeRow | None:
    """The merge that the case is in now."""
    return next((m.merge for m in case.memberships if m.left_at is None), None)


def merge_of(case_id: int, *, session: Session) -> MergeRow | None:
    """The merge that the case is in now; NotFound where there is no such case."""
    return active_merge(get_case(case_id, session=session))


def active_members(merge: MergeRow) -> list[CaseRow]:
    """The cases in the merge, the lead first, the others by id."""
    cases = [m.case for m in merge.members if m.left_at is None]
    return sorted(cases, key=lambda case: (case.id != merge.lead_id, case.id))


def merge_due_on(merge: MergeRow) -> date | None:
    """The day a person set, else the earliest among the members'."""
    if merge.due_on is not None:
        return merge.due_on
    return min((c.due_on for c in active_members(merge) if c.due_on is not None), default=None)


def follows(case: CaseRow) -> MergeRow | None:
    """The merge in which the case follows another as its lead."""
    merge = active_merge(case)
    return merge if merge is not None and merge.lead_id != case.id else None


def shared_labels(case: CaseRow) -> dict[str, str]:
    """What the case takes from its merge; a closed case stands on its own record."""
    merge = active_merge(case) if case.state != "closed" else None
    return dict(merge.labels) if merge is not None else {}


def settled_labels(case: CaseRow) -> dict[str, str]:
    """Target to the label that counts: the merge's where it has one, else the case's own."""
    return {**{d.target: d.label for d in case.decisions}, **shared_labels(case)}


def keep_labels(session: Session) -> None:
    """Write the labels that count onto every case of this transaction, for lists and search."""
    session.flush()
    write_labels(raised_cases(session), session=session)


def write_labels(case_ids: Collection[int], *, session: Session) -> None:
    """Section, topic and handling type of those cases as their decisions and merges have them."""
    labels: dict[int, dict[str, str]] = {case_id: {} for case_id in case_ids}
    decided = (
        select(DecisionRow.case_id, DecisionRow.target, DecisionRow.label)
        .where(DecisionRow.case_id.in_(case_ids), DecisionRow.id.not_in(select(WithdrawalRow.decision_id)))
        .order_by(DecisionRow.id)
    )
    for case_id, target, label in session.execute(decided):
        labels[case_id][target] = label
    shared = (
        select(MergeMemberRow.case_id, MergeRow.labels)
        .join(MergeRow, MergeRow.id == MergeMemberRow.merge_id)
        .where(MergeMemberRow.case_id.in_(case_ids), MergeMemberRow.left_at.is_(None))
    )
    merged = {row.case_id: row.labels for row in session.execute(shared)}
    for case_id, own in labels.items():
        case = session.get_one(CaseRow, case_id)
        if case.state != "closed":
            own |= merged.get(case_id, {})
        for target in TARGETS:
            if getattr(case, target) != own.get(target):
                setattr(case, target, own.get(target))
