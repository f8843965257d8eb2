"""What belongs to a section: the cases it leads, has a duty in, or has joined with one of these."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, or_, select, union
from sqlalchemy.orm import Session, aliased

from triage.ledger.handling_tables import DutyRow
from triage.ledger.tables import CaseRow, MergeMemberRow


def is_within(case: CaseRow, section: str, *, session: Session) -> bool:
    """Whether the case belongs to the section; the same as being found with CaseFilter.within."""
    if _is_own(case.section, case.id, section, session):
        return True
    merges = select(MergeMemberRow.merge_id).where(
        MergeMemberRow.case_id == case.id, MergeMemberRow.left_at.is_(None)
    )
    others = session.execute(
        select(CaseRow.section, CaseRow.id)
        .join(MergeMemberRow, MergeMemberRow.case_id == CaseRow.id)
        .where(MergeMemberRow.merge_id.in_(merges), MergeMemberRow.left_at.is_(None))
    ).all()
    return any(_is_own(led_by, case_id, section, session) for led_by, case_id in others)


def within(section: str, case_id: ColumnElement[int], led_by: ColumnElement[str]) -> ColumnElement[bool]:
    """The same as a condition on a case with this number and lead section."""
    has_duty = select(DutyRow.case_id).where(DutyRow.section == section, DutyRow.withdrawn_on.is_(None))
    return or_(led_by == section, case_id.in_(union(has_duty, _joined(section))))


def _joined(section: str) -> Select[int]:
    """Numbers of the cases in one merge with a case of the section."""
    other, case = aliased(MergeMemberRow), aliased(CaseRow)
    leads = select(case.id).where(case.section == section)
    has_duty = select(DutyRow.case_id).where(DutyRow.section == section, DutyRow.withdrawn_on.is_(None))
    own = or_(other.case_id.in_(leads), other.case_id.in_(has_duty))
    merges = select(other.merge_id).where(other.left_at.is_(None), own)
    return select(MergeMemberRow.case_id).where(
        MergeMemberRow.left_at.is_(None), MergeMemberRow.merge_id.in_(merges)
    )


def _is_own(led_by: str | None, case_id: int, section: str, session: Session) -> bool:
    if led_by == section:
        return True
    duty = select(DutyRow.id).where(
        DutyRow.case_id == case_id, DutyRow.section == section, DutyRow.withdrawn_on.is_(None)
    )
    return session.scalar(duty.limit(1)) is not None
