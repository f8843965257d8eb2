"""The office's calendar: days off and weekend days that are worked, kept by the clerk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import InputError
from triage.ledger.deadlines import recount
from triage.ledger.events import add_event
from triage.ledger.handling_tables import HolidayRow
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_text, check_who
from triage.periods import HOLIDAY_KINDS

MAX_HOLIDAY_NAME = 100


def set_holidays(
    days: Sequence[tuple[date, str, str]], *, who: str, session: Session
) -> tuple[list[HolidayRow], list[CaseRow]]:
    """Enter or change days, and count the open deadlines in working days anew.

    Args:
        days: (day, kind, name); kind is a key of HOLIDAY_KINDS, ``plain`` takes an entry back.

    Returns:
        The changed days, and the cases whose deadlines moved.

    Raises:
        InputError: no name, no day, an unknown kind, a day named twice.
    """
    who = check_who(who)
    if not days:
        raise InputError("没有要登记的日子。", field="days")
    if len({day for day, _, _ in days}) < len(days):
        raise InputError("同一天写了两次。", field="days")
    changed = []
    for day, kind, name in days:
        if kind not in HOLIDAY_KINDS:
            raise InputError(f"“{kind}”无效,可选:{'、'.join(HOLIDAY_KINDS)}。", field="kind")
        name = check_text(name, MAX_HOLIDAY_NAME, field="name", name="节假日名称")
        row = session.get(HolidayRow, day)
        before = [row.kind, row.name] if row else None
        if before == [kind, name] or (row is None and kind == "plain"):
            continue
        row = row or HolidayRow(day=day)
        row.kind, row.name = kind, name
        session.add(row)
        changed.append(row)
        add_event(
            "holiday_set",
            who=who,
            session=session,
            day=day.isoformat(),
            holiday=kind,
            name=name,
            before=before,
        )
    session.flush()
    return changed, recount(who=who, session=session) if changed else []


def list_holidays(*, session: Session, year: int | None = None) -> Sequence[HolidayRow]:
    """The days that differ from their weekday, in order; of one year or of all."""
    query = select(HolidayRow).where(HolidayRow.kind != "plain").order_by(HolidayRow.day)
    if year is not None:
        query = query.where(HolidayRow.day.between(date(year, 1, 1), date(year, 12, 31)))
    return session.scalars(query).all()
