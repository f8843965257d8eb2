"""The settings pages on the office itself: deadlines, result classes, letter head, calendar."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

import tomlkit
from fastapi import APIRouter, Form, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.commands.record import read_holidays
from service.pages_settings import MAX_NAME, change, show
from service.people import ThePerson
from service.retrying import RetryingRoute
from service.settings_view import (
    LETTER_NAMES,
    RULE_EXAMPLES,
    RULE_NAMES,
    SAVED,
    WEEKDAYS,
    lines_of,
    months_of,
    one_line,
    words_of,
)
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.deadlines import DEADLINE_NAMES
from triage.ledger.holidays import list_holidays, set_holidays
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.texts import check_text, needed_text
from triage.office_file import add_entry, change_entry, find_entry, part_of
from triage.periods import HOLIDAY_KINDS, Rules, parse_period

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


@router.get("/settings/rules")
def rules_page(request: Request, desk: TheDesk, done: Annotated[str, Query()] = "") -> Response:
    return show_rules(request, desk, done=SAVED.get(done, ""))


def show_rules(request: Request, desk: Desk, **context: Any) -> Response:
    return show(
        request,
        desk,
        "settings_rules.html",
        "rules",
        rule_names=RULE_NAMES,
        examples=RULE_EXAMPLES,
        **{"form": {}, **context},
    )


@router.post("/settings/rules")
def change_rules(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    reply: Annotated[str, Form()] = "",
    hard_reply: Annotated[str, Form()] = "",
    assist: Annotated[str, Form()] = "",
    objection: Annotated[str, Form()] = "",
    extension: Annotated[str, Form()] = "",
    feedback: Annotated[str, Form()] = "",
    redo: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    typed = {
        "reply": reply,
        "hard_reply": hard_reply,
        "assist": assist,
        "objection": objection,
        "extension": extension,
        "feedback": feedback,
        "redo": redo,
    }
    before = desk.taxonomy.rules

    def edit(document: tomlkit.TOMLDocument) -> None:
        changed: dict[str, str] = {}
        for rule in fields(Rules):
            try:
                period = parse_period(typed[rule.name])
            except InputError as error:
                raise InputError(f"{RULE_NAMES[rule.name][0]}:{error.message}", field=rule.name) from None
            if rule.name == "extension" and period.unit == "year_day":
                raise InputError("最多可延期:应为一段时间,如 3个月。", field="extension")
            if period != getattr(before, rule.name):
                changed[rule.name] = str(period)
        if not changed:
            raise InputError("没有要保存的改动。")
        if "reply" in changed and "reply_months" in document.get("office", {}):
            del part_of(document, "office")["reply_months"]  # the older way to say the same
        change_entry(part_of(document, "deadlines"), changed)

    def refused(**told: Any) -> Response:
        return show_rules(request, desk, form={**typed, "why": why}, **told)

    return change(
        desk,
        edit,
        refused,
        "/settings/rules",
        act="edited",
        seen=seen,
        part="deadlines",
        who=person.name,
        why=why,
    )


@router.get("/settings/results")
def results_page(request: Request, desk: TheDesk, done: Annotated[str, Query()] = "") -> Response:
    return show_results(request, desk, done=SAVED.get(done, ""))


def show_results(request: Request, desk: Desk, **context: Any) -> Response:
    with desk.ledger.read() as session:
        column = CaseRow.result_class
        query = select(column, func.count()).where(column.is_not(None)).group_by(column)
        counts = {row[0]: row[1] for row in session.execute(query)}
    return show(request, desk, "settings_results.html", "results", counts=counts, **{"form": {}, **context})


@router.post("/settings/results")
def change_results(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    code: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    carried: Annotated[str, Form()] = "",
    old: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    """A new class, or the words of one that is there; its letter stays what the record has."""

    def edit(document: tomlkit.TOMLDocument) -> None:
        said = needed_text(one_line(name), 200, field="name", name="含义")
        if old:
            entry = find_entry(document, "result_class", "code", old)
            given = next(r for r in desk.taxonomy.result_classes if r.code == old).carried
            change_entry(entry, {"name": said})
            if given != (carried == "yes"):
                change_entry(entry, {"carried": carried == "yes"})
        else:
            letter = needed_text(code, 10, field="code", name="类别")
            add_entry(document, "result_class", {"code": letter, "name": said})
            entry = find_entry(document, "result_class", "code", letter)
            change_entry(entry, {"carried": carried == "yes"})

    def refused(**told: Any) -> Response:
        form = {"code": code, "name": name, "carried": carried, "old": old, "why": why}
        return show_results(request, desk, form=form, **told)

    act = "edited" if old else "added"
    return change(
        desk,
        edit,
        refused,
        "/settings/results",
        act=act,
        seen=seen,
        part="result_class",
        label=old or code.strip(),
        who=person.name,
        why=why,
    )


@router.get("/settings/office")
def office_page(request: Request, desk: TheDesk, done: Annotated[str, Query()] = "") -> Response:
    return show_office(request, desk, done=SAVED.get(done, ""))


def show_office(request: Request, desk: Desk, **context: Any) -> Response:
    taxonomy = desk.taxonomy
    form = {
        "name": taxonomy.office,
        "terms": "、".join(taxonomy.office_terms),
        "bureau": taxonomy.letter.bureau,
        "mark": taxonomy.letter.mark,
        "assist_mark": taxonomy.letter.assist_mark,
        "copies": "\n".join(taxonomy.letter.copies),
        "copies_proposal": "\n".join(taxonomy.letter.copies_proposal),
    }
    return show(
        request,
        desk,
        "settings_office.html",
        "office",
        letter_names=LETTER_NAMES,
        **{"form": form, **context},
    )


@router.post("/settings/office")
def change_office_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    name: Annotated[str, Form()] = "",
    terms: Annotated[str, Form()] = "",
    bureau: Annotated[str, Form()] = "",
    mark: Annotated[str, Form()] = "",
    assist_mark: Annotated[str, Form()] = "",
    copies: Annotated[str, Form()] = "",
    copies_proposal: Annotated[str, Form()] = "",
    seen: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    def edit(document: tomlkit.TOMLDocument) -> None:
        office = {"name": needed_text(one_line(name), 100, field="name", name="单位名称")}
        change_entry(part_of(document, "office"), {**office, "terms": words_of(terms)})
        letter = {
            "bureau": check_text(bureau, 100, field="bureau", name="落款单位"),
            "mark": check_text(mark, MAX_NAME, field="mark", name="发文机关代字"),
            "assist_mark": check_text(assist_mark, MAX_NAME, field="assist_mark", name="会办意见代字"),
            "copies": lines_of(copies),
            "copies_proposal": lines_of(copies_proposal),
        }
        if any(letter.values()) or "letter" in document:
            change_entry(part_of(document, "letter"), letter)

    def refused(**told: Any) -> Response:
        form = {
            "name": name,
            "terms": terms,
            "bureau": bureau,
            "mark": mark,
            "assist_mark": assist_mark,
            "copies": copies,
            "copies_proposal": copies_proposal,
            "why": why,
        }
        return show_office(request, desk, form=form, **told)

    return change(
        desk,
        edit,
        refused,
        "/settings/office",
        act="edited",
        seen=seen,
        part="office",
        who=person.name,
        why=why,
    )


@router.get("/settings/holidays")
def holidays_page(
    request: Request,
    desk: TheDesk,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
    since: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    return show_holidays(request, desk, year or date.today().year, since=since)


def show_holidays(
    request: Request, desk: Desk, year: int, *, since: int | None = None, **context: Any
) -> Response:
    with desk.ledger.read() as session:
        known = list_holidays(session=session)
        done, moved = _since(since, session) if since is not None else (0, [])
    today = date.today()
    years = sorted({day.day.year for day in known} | {today.year, today.year + 1, year})
    return show(
        request,
        desk,
        "settings_holidays.html",
        "holidays",
        year=year,
        years=years,
        months=months_of(year),
        marked={row.day: row for row in known if row.day.year == year},
        kinds=HOLIDAY_KINDS,
        weekdays=WEEKDAYS,
        deadline_names=DEADLINE_NAMES,
        today=today,
        entered=done,
        moved=moved,
        told=since is not None,
        **{"form": {}, **context},
    )


def _since(event_id: int, session: Session) -> tuple[int, list[EventRow]]:
    """How many days were entered after an event, and the deadlines that were counted anew."""
    kinds = ("holiday_set", "recounted")
    query = select(EventRow).where(EventRow.id > event_id, EventRow.kind.in_(kinds)).order_by(EventRow.id)
    found = session.scalars(query).all()
    return sum(e.kind == "holiday_set" for e in found), [e for e in found if e.kind == "recounted"]


@router.post("/settings/holidays")
def change_holidays(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    year: Annotated[int, Form(ge=1990, le=2100)],
    day: Annotated[str, Form()] = "",
    kind: Annotated[str, Form()] = "off",
    name: Annotated[str, Form()] = "",
    table: Annotated[str, Form()] = "",
    file: UploadFile | None = None,
) -> Response:
    """One day, or a table of days pasted or uploaded."""
    try:
        days = _days(day, kind, name, table, file)
        with desk.ledger.write() as session:
            since = session.scalar(select(func.max(EventRow.id))) or 0
            set_holidays(days, who=person.name, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        form = {"day": day, "kind": kind, "name": name, "table": table}
        return show_holidays(request, desk, year, status=422, error=error.message, form=form)
    query = urlencode({"year": days[0][0].year, "since": since})
    return RedirectResponse(f"/settings/holidays?{query}", status_code=303)


def _days(day: str, kind: str, name: str, table: str, file: UploadFile | None) -> list[tuple[date, str, str]]:
    """Raises InputError where nothing was given or it cannot be read."""
    if file is not None and file.filename:
        try:
            return read_holidays(file.file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise InputError("文件不是 UTF-8 编码,请另存为 UTF-8 的 CSV。", field="file") from None
    if table.strip():
        return read_holidays(table.strip().replace(",", ",").replace("\t", ","))
    try:
        return [(date.fromisoformat(day.strip()), kind, name)]
    except ValueError:
        raise InputError("请选择日期,写成 2026-01-01。", field="day") from None
