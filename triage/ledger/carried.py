"""What earlier years leave to this one (跨年度): open cases, classes that are not solved, promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from triage.ledger.states import OPEN, STATE_NAMES
from triage.ledger.tables import CaseRow, CommitmentRow
from triage.taxonomy import Taxonomy


@dataclass(frozen=True)
class Carried:
    """One case of an earlier year that is not done with, and why."""

    case: CaseRow
    reasons: list[str]
    commitments: list[CommitmentRow]


def carried_cases(
    year: int, *, session: Session, taxonomy: Taxonomy, section: str | None = None
) -> Sequence[Carried]:
    """Cases received before ``year`` that come back in its list, oldest first; of one section if named.

    A class found later, or a promise kept, takes a case off the list.
    """
    names = {r.code: r.name for r in taxonomy.result_classes}
    codes = [r.code for r in taxonomy.result_classes if r.carried]
    found = session.scalars(
        select(CaseRow)
        .where(*_left_over(year, taxonomy, section))
        .order_by(CaseRow.received_on, CaseRow.id)
        .options(selectinload(CaseRow.commitments).selectinload(CommitmentRow.look_backs))
    )
    carried = []
    for case in found:
        owed = [c for c in case.commitments if c.kept_on is None]
        reasons = []
        if case.state in OPEN:
            reasons.append(f"还没有办结({STATE_NAMES[case.state]})")
        if case.result_class in codes:
            reasons.append(f"办理结果 {case.result_class}({names[str(case.result_class)]})")
        if owed:
            reasons.append(f"{len(owed)} 项承诺未兑现")
        carried.append(Carried(case, reasons, owed))
    return carried


def count_carried(year: int, *, session: Session, taxonomy: Taxonomy, section: str | None = None) -> int:
    """How many carried_cases gives."""
    query = select(func.count()).select_from(CaseRow).where(*_left_over(year, taxonomy, section))
    return session.scalar(query) or 0


def _left_over(year: int, taxonomy: Taxonomy, section: str | None) -> list[ColumnElement[bool]]:
    codes = [r.code for r in taxonomy.result_classes if r.carried]
    promised = exists().where(CommitmentRow.case_id == CaseRow.id, CommitmentRow.kept_on.is_(None))
    found = [
        CaseRow.received_on < date(year, 1, 1),
        CaseRow.state != "returned",
        or_(CaseRow.state.in_(OPEN), CaseRow.result_class.in_(codes), promised),
    ]
    return found if section is None else [*found, CaseRow.section == section]
