"""The cases behind those figures that no filter of the ledger's list gives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, exists, extract, func, or_, select
from sqlalchemy.orm import Session, load_only

from triage.errors import InputError
from triage.ledger.handling_tables import DeadlineRow
from triage.ledger.search import DONE
from triage.ledger.states import OPEN
from triage.ledger.tables import CaseRow, CommitmentRow
from triage.ledger.triage_record import WAITING
from triage.ledger.year import of_year

SOON_DAYS = 15
AT_WORK = ("assigned", "accepted", "in_handling")
# figures of today, whatever the year; the others are of a year's cases
NOW_NAMES = {
    "late_now": "已逾期",
    "due_soon": f"{SOON_DAYS} 天内到期",
    "no_handler": "未落实承办人",
    "key_open": "重点督办在办",
}
FIGURE_NAMES = {
    **NOW_NAMES,
    "redone": "重新办理",
    "promised": "有承诺事项",
    "kept": "承诺已兑现",
    "owed": "承诺未兑现",
    "overdue": "承诺已逾期",
    "undecided": "未认定",
    "no_section": "未认定科室",
    "no_topic": "未认定主题",
    "no_role": "未定承办角色",
}


def figure_cases(
    what: str,
    *,
    session: Session,
    year: int | None = None,
    month: int | None = None,
    section: str | None = None,
    today: date | None = None,
) -> Sequence[CaseRow]:
    """The cases of one figure, by the day they are due.

    Args:
        what: a key of FIGURE_NAMES; year, month: of receipt, where the figure is one of a year.
        section: whose cases alone are wanted.

    Raises:
        InputError: no such figure.
    """
    wanted = _conditions(what, today or date.today())
    if year is not None and what not in NOW_NAMES:
        wanted += of_year(year)
    if month is not None and what not in NOW_NAMES:
        wanted.append(extract("month", CaseRow.received_on) == month)
    if section is not None:
        wanted.append(CaseRow.section == section)
    shown = load_only(
        CaseRow.number,
        CaseRow.title,
        CaseRow.section,
        CaseRow.handler,
        CaseRow.state,
        CaseRow.received_on,
        CaseRow.due_on,
    )
    order = (CaseRow.due_on.is_(None), CaseRow.due_on, CaseRow.id)
    return session.scalars(select(CaseRow).where(*wanted).order_by(*order).options(shown)).all()


def counts_now(*, session: Session, section: str | None = None, today: date | None = None) -> dict[str, int]:
    """How many cases each figure of NOW_NAMES has; of one section where it is named."""
    today = today or date.today()
    own = [] if section is None else [CaseRow.section == section]
    counted = [func.count().filter(and_(*_conditions(what, today))) for what in NOW_NAMES]
    row = session.execute(select(*counted).select_from(CaseRow).where(*own)).one()
    return dict(zip(NOW_NAMES, row, strict=True))


def _conditions(what: str, today: date) -> list[ColumnElement[bool]]:
    promised = CommitmentRow.case_id == CaseRow.id
    found: dict[str, list[ColumnElement[bool]]] = {
        "late_now": [CaseRow.due_on < today, CaseRow.state.not_in(DONE)],
        "due_soon": [
            CaseRow.due_on.between(today, today + timedelta(days=SOON_DAYS)),
            CaseRow.state.not_in(DONE),
        ],
        "no_handler": [CaseRow.handler == "", CaseRow.state.in_(AT_WORK)],
        "key_open": [CaseRow.key_on.is_not(None), CaseRow.state.in_(OPEN)],
        "redone": [exists().where(DeadlineRow.case_id == CaseRow.id, DeadlineRow.kind == "redo")],
        "promised": [exists().where(promised)],
        "kept": [exists().where(promised, CommitmentRow.kept_on.is_not(None))],
        "owed": [exists().where(promised, CommitmentRow.kept_on.is_(None))],
        "overdue": [exists().where(promised, CommitmentRow.kept_on.is_(None), CommitmentRow.due_on < today)],
        "undecided": [or_(CaseRow.section.is_(None), CaseRow.state.in_(WAITING))],
        "no_section": [CaseRow.section.is_(None)],
        "no_topic": [CaseRow.topic.is_(None)],
        "no_role": [CaseRow.role == ""],
    }
    if what not in found:
        raise InputError(f"没有“{what[:40]}”这项统计,可选:{'、'.join(found)}。", field="what")
    return found[what]
