"""Deadlines: opened under a rule, met, dropped, extended, counted anew when the calendar changes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.claims import begin_act
from triage.ledger.events import add_event
from triage.ledger.handling_tables import DeadlineRow, HolidayRow
from triage.ledger.submissions import check_role
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.texts import check_text, needed_text, needed_why
from triage.periods import Calendar, Period, Rules, parse_period

DEADLINE_NAMES = {
    "reply": "答复",
    "assist": "会办意见",
    "objection": "退办",
    "feedback": "代表反馈",
    "redo": "重新办理",
}
MAIN = ("reply", "assist")  # what a case as a whole is due for; one of the two, by its role


def load_calendar(*, session: Session) -> Calendar:
    """The office's working days."""
    return Calendar({row.day: row.kind for row in session.scalars(select(HolidayRow))})


def open_deadline(
    case: CaseRow,
    kind: str,
    rule: Period,
    start_on: date,
    *,
    session: Session,
    duty_id: int | None = None,
) -> DeadlineRow:
    """A new deadline of ``kind``, counted from ``start_on``; the caller writes the event."""
    row = DeadlineRow(
        case_id=case.id,
        duty_id=duty_id,
        kind=kind,
        rule=str(rule),
        start_on=start_on,
        due_on=rule.end(start_on, load_calendar(session=session)),
    )
    session.add(row)
    if kind in MAIN and duty_id is None:
        case.due_on = row.due_on
    session.flush()
    session.expire(case, ["deadlines"])
    return row


def open_main_deadline(case: CaseRow, rules: Rules, *, session: Session) -> DeadlineRow | None:
    """By the bureau's role: an opinion is due sooner, a case for reading not at all."""
    case.due_on = None
    if case.role == "参阅":
        return None
    if case.role == "会办":
        return open_deadline(case, "assist", rules.assist, case.received_on, session=session)
    rule = rules.hard_reply if case.hard_on else rules.reply
    return open_deadline(case, "reply", rule, case.received_on, session=session)


def is_open(row: DeadlineRow) -> bool:
    return row.met_on is None and row.dropped_on is None


def open_deadlines(case: CaseRow, kinds: Collection[str], duty_id: int | None = None) -> list[DeadlineRow]:
    """The case's own open deadlines of those kinds, or one duty's."""
    return [d for d in case.deadlines if d.kind in kinds and d.duty_id == duty_id and is_open(d)]


def owed(case: CaseRow) -> list[DeadlineRow]:
    """What is still due of the case as a whole and of the sections that assist in it."""
    return [d for d in case.deadlines if d.kind in MAIN and is_open(d)]


def meet(case: CaseRow, kinds: Collection[str], met_on: date, duty_id: int | None = None) -> None:
    """What was due is there."""
    for row in open_deadlines(case, kinds, duty_id):
        row.met_on = met_on


def drop(case: CaseRow, kinds: Collection[str], dropped_on: date, duty_id: int | None = None) -> None:
    """It no longer matters whether it is met."""
    for row in open_deadlines(case, kinds, duty_id):
        row.dropped_on = dropped_on


def replace_main_deadline(case: CaseRow, rules: Rules, *, session: Session) -> None:
    """Count the case's deadline anew after its role or difficulty changed; the old one is dropped."""
    drop(case, MAIN, date.today())
    open_main_deadline(case, rules, session=session)


def extend(
    case_id: int,
    due_on: date,
    *,
    why: str,
    consent: str,
    who: str,
    session: Session,
    rules: Rules,
    seen_version: int | None = None,
) -> CaseRow:
    """Make the reply or opinion due later, with a reason and with consent.

    Args:
        consent: who agreed, and how: the office that handed the case out, a letter's number.

    Raises:
        InputError: no name, reason or consent; not later, or later than the rules allow.
        Conflict: nothing is due any more; somebody changed the case meanwhile.
    """
    why = needed_why(why, "请写明延期的理由。")
    consent = needed_text(consent, 500, field="consent", name="同意延期的单位和文号")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    found = open_deadlines(case, MAIN)
    if not found:
        raise Conflict("本件没有未到的答复期限,不需要延期。", state=case.state)
    row = found[-1]
    if due_on <= row.due_on:
        raise InputError(f"延期后的日期应晚于现在的期限({row.due_on})。", field="due_on")
    days = load_calendar(session=session)
    first = parse_period(row.rule).end(row.start_on, days) if row.rule else _first_due(case, row)
    latest = rules.extension.end(first, days)
    if due_on > latest:
        raise InputError(f"最多可延期到 {latest}(原期限 {first} 之后{rules.extension})。", field="due_on")
    before = row.due_on
    row.due_on = case.due_on = due_on
    add_event(
        "extended",
        who=who,
        session=session,
        case_id=case.id,
        deadline=row.kind,
        deadline_id=row.id,
        before=before.isoformat(),
        due_on=due_on.isoformat(),
        consent=consent,
        why=why,
    )
    return case


def mark_hard(
    case_id: int,
    *,
    why: str,
    who: str,
    session: Session,
    rules: Rules,
    seen_version: int | None = None,
) -> CaseRow:
    """The case touches much and is hard (涉及面广、处理难度大): more time by the rules.

    Raises:
        InputError: no name or reason.
        Conflict: it was marked already, is replied to, or is none of ours to reply.
    """
    why = needed_why(why, "请写明认定为难件的理由。")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.hard_on is not None:
        raise Conflict(f"本件已于 {case.hard_on} 认定为难件。")
    if not open_deadlines(case, ("reply",)):
        raise Conflict("本件没有未到的答复期限,不需要认定为难件。", state=case.state)
    before = case.due_on
    case.hard_on = date.today()
    replace_main_deadline(case, rules, session=session)
    add_event("hard_marked", who=who, session=session, case_id=case.id, **_due_change(before, case), why=why)
    return case


def set_role(
    case_id: int,
    role: str,
    *,
    who: str,
    session: Session,
    rules: Rules,
    lead_unit: str = "",
    why: str = "",
    seen_version: int | None = None,
) -> CaseRow:
    """Set the bureau's part in a case; its deadline follows from it.

    Raises:
        InputError: no name, an unknown role.
        Conflict: replied to already, or somebody changed it meanwhile.
    """
    role = check_role(role)
    lead_unit = check_text(lead_unit, 200, field="lead_unit", name="主办单位")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.replied_on or case.state in ("closed", "returned"):
        raise Conflict("本件已答复、办结或退办,不能再改承办角色。", state=case.state)
    before = {"role": case.role, "lead_unit": case.lead_unit}
    due_before = case.due_on
    changed = role != case.role
    case.role, case.lead_unit = role, lead_unit
    if changed:
        replace_main_deadline(case, rules, session=session)
    add_event(
        "role_set",
        who=who,
        session=session,
        case_id=case.id,
        label=role,
        lead_unit=lead_unit,
        role_before=before,
        **_due_change(due_before, case),
        why=why,
    )
    return case


def recount(*, who: str, session: Session) -> list[CaseRow]:
    """Count open deadlines in working days anew; the cases of those that moved, each with an event.

    One that a person extended stays where it was put.
    """
    days = load_calendar(session=session)
    moved: dict[int, CaseRow] = {}
    open_rows = select(DeadlineRow).where(
        DeadlineRow.rule.like("%工作日"), DeadlineRow.met_on.is_(None), DeadlineRow.dropped_on.is_(None)
    )
    for row in session.scalars(open_rows).all():
        due_on = parse_period(row.rule).end(row.start_on, days)
        case = session.get_one(CaseRow, row.case_id)
        if due_on == row.due_on or _extensions(case, row):
            continue
        before, row.due_on = row.due_on, due_on
        if row.kind in MAIN and row.duty_id is None:
            case.due_on = due_on
        moved[case.id] = case
        add_event(
            "recounted",
            who=who,
            session=session,
            case_id=case.id,
            deadline=row.kind,
            before=before.isoformat(),
            due_on=due_on.isoformat(),
            why="节假日表有变动",
        )
    return list(moved.values())


def _extensions(case: CaseRow, row: DeadlineRow) -> list[EventRow]:
    """When somebody made this deadline later, the first one first."""
    return [e for e in case.events if e.kind == "extended" and _is_of(e, row)]


def _is_of(extension: EventRow, row: DeadlineRow) -> bool:
    detail = extension.detail
    if "deadline_id" in detail:
        return bool(detail["deadline_id"] == row.id)
    # written before events named the deadline; only the case's own could be extended, never a duty's
    return row.duty_id is None and bool(detail["deadline"] == row.kind)


def _first_due(case: CaseRow, row: DeadlineRow) -> date:
    """What a deadline without a rule was before anybody extended it."""
    extensions = _extensions(case, row)
    return date.fromisoformat(extensions[0].detail["before"]) if extensions else row.due_on


def _due_change(before: date | None, case: CaseRow) -> dict[str, str | None]:
    return {
        "before": before.isoformat() if before else None,
        "due_on": case.due_on.isoformat() if case.due_on else None,
    }
