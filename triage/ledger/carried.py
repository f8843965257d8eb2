"""What earlier years leave to this one (跨年度): open cases, classes that are not solved, promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import exists, or_, select
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


def carried_cases(year: int, *, session: Session, taxonomy: Taxonomy) -> Sequence[Carried]:
    """Cases received before ``year`` that come back in its list, oldest first.

    A class found later, or a promise kept, takes a case off the list.
    """
    names = {r.code: r.name for r in taxonomy.result_classes}
    codes = [r.code for r in taxonomy.result_classes if r.carried]
    promised = exists().where(CommitmentRow.case_id == CaseRow.id, CommitmentRow.kept_on.is_(None))
    found = session.scalars(
        select(CaseRow)
        .where(
            CaseRow.received_on < date(year, 1, 1),
            CaseRow.state != "returned",
            or_(CaseRow.state.in_(OPEN), CaseRow.result_class.in_(codes), promised),
        )
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
