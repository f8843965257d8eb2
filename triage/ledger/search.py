"""Looking for cases: by words, number, people, section, state, dates; a page at a time, with the count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from triage.errors import InputError
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, EventRow


@dataclass(frozen=True)
class CaseFilter:
    """What to list; empty means any."""

    state: str = ""
    route: str = ""
    section: str = ""
    text: str = ""
    year: int | None = None
    flag: str = ""


def list_cases(
    wanted: CaseFilter,
    *,
    session: Session,
    limit: int = 50,
    offset: int = 0,
    unsure_first: bool = False,
) -> tuple[Sequence[CaseRow], int]:
    """A page of cases, newest first or least certain first, and how many there are in all."""
    query = select(CaseRow)
    if wanted.state:
        if wanted.state not in STATE_NAMES:
            raise InputError(f"没有“{wanted.state}”这个状态,可选:{'、'.join(STATE_NAMES)}。")
        query = query.where(CaseRow.state == wanted.state)
    if wanted.route:
        query = query.where(CaseRow.route == wanted.route)
    if wanted.text:
        pattern = "%" + wanted.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        query = query.where(
            or_(
                *(
                    column.like(pattern, escape="\\")
                    for column in (CaseRow.title, CaseRow.body, CaseRow.number, CaseRow.deputy)
                )
            )
        )
    if wanted.year:
        query = query.where(CaseRow.received_on.between(date(wanted.year, 1, 1), date(wanted.year, 12, 31)))
    if wanted.flag:
        query = query.where(
            CaseRow.id.in_(
                select(EventRow.case_id).where(
                    EventRow.kind == "flagged", EventRow.detail["flag"].as_string() == wanted.flag
                )
            )
        )
    if wanted.section:
        query = query.where(CaseRow.section == wanted.section)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = [CaseRow.certainty, CaseRow.id] if unsure_first else [CaseRow.id.desc()]
    rows = session.scalars(query.order_by(*order).limit(limit).offset(offset)).all()
    return rows, total
