"""The page of the whole ledger (工作台账): tabs, filters, the table, saved views, exports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.ledger_query import (
    CHOICES,
    FIELD_NAMES,
    LedgerQuery,
    Tab,
    built_in_views,
    chips_of,
    is_tidy,
    read_query,
)
from service.ledger_rows import ledger_lines
from service.pages import render
from service.people import Person, ThePerson, get_person
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.account_tables import ViewRow
from triage.ledger.groups import list_years
from triage.ledger.search import CaseFilter, count_by_state, count_cases, find_page
from triage.ledger.views import add_view, delete_view, list_views
from triage.taxonomy import TARGETS

PAGE = 50
# the filters that are always in sight; the others unfold
_FIRST = ("text", "state", "section", "topic", "handling", "late_only", "key_only")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


@router.get("/ledger")
def ledger_page(request: Request, desk: TheDesk) -> Response:
    pairs = request.query_params.multi_items()
    query, wrong = read_query(pairs)
    if not wrong and not is_tidy(pairs):  # what a form sends blank does not stay in the address
        return RedirectResponse(query.address(page=query.page), status_code=303)
    error = f"{'、'.join(wrong)}填写有误,没有采用。" if wrong else ""
    return show_ledger(request, desk, query, status=422 if error else 200, error=error)


def show_ledger(
    request: Request,
    desk: Desk,
    query: LedgerQuery,
    *,
    status: int = 200,
    error: str = "",
    view_name: str = "",
) -> Response:
    """The page for what is asked; ``view_name``: as typed into a refused form."""
    person, today = get_person(request), date.today()
    with desk.ledger.read() as session:
        ids: list[int] = []
        total, refused = 0, False
        try:
            wanted = query.wanted(desk.taxonomy, within=person.bound_to)
            ids, total = find_page(
                wanted, session=session, limit=PAGE, offset=PAGE * (query.page - 1), sort=query.sort
            )
        except InputError as problem:
            status, error, refused = 422, problem.message, True
        saved = list_views(person.account_id, session=session) if person.account_id is not None else []
        return render(
            request,
            desk,
            "ledger.html",
            status=status,
            query=query,
            lines=ledger_lines(ids, session=session, taxonomy=desk.taxonomy, today=today),
            total=total,
            first=PAGE * (query.page - 1) + 1,
            pages=max(1, -(-total // PAGE)),
            tabs=_tabs(person, query, saved),
            tab_counts=_counts(person, session),
            chips=chips_of(query, {r.code: r.name for r in desk.taxonomy.result_classes}),
            unfolded=any(
                _is_asked(query, name) for name in FIELD_NAMES if name not in (*_FIRST, "page", "sort")
            ),
            error=error,
            refused=refused,
            view_name=view_name,
            field_names=FIELD_NAMES,
            choices=CHOICES,
            years=list_years(session=session),
            labels={t: [x.name for x in desk.taxonomy.labels(t)] for t in TARGETS},
            leaders=sorted({x.leader for x in desk.taxonomy.section if x.leader}),
            result_classes=desk.taxonomy.result_classes,
        )


def _is_asked(query: LedgerQuery, name: str) -> bool:
    return bool(getattr(query, name) != LedgerQuery.model_fields[name].default)


def _tabs(person: Person, query: LedgerQuery, saved: Sequence[ViewRow]) -> list[Tab]:
    here = query.address(sort="")
    tabs = [Tab(name, view, view.address(), view.address() == here) for name, view in built_in_views(person)]
    for row in saved:
        view, _ = read_query(parse_qsl(row.query))
        tabs.append(Tab(row.name, view, view.address(), view.address() == query.address(), row.id))
    return tabs


def _counts(person: Person, session: Session) -> dict[str, int]:
    """How many cases each of the views has that everybody has; by address."""
    states = count_by_state(session, person.bound_to)
    found = {}
    for _, view in built_in_views(person):
        asked = view.said()
        if not asked:
            found[view.address()] = sum(states.values())
        elif set(asked) == {"state"}:
            found[view.address()] = sum(states[state] for state in view.states)
        else:
            wanted = CaseFilter(
                handler=view.handler,
                section=view.section,
                late_only=view.late_only,
                key_only=view.key_only,
                within=person.bound_to,
            )
            found[view.address()] = count_cases(wanted, session=session)
    return found


@router.post("/ledger/views")
def save_view(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    query: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
) -> Response:
    asked, _ = read_query(parse_qsl(query))
    try:
        if person.account_id is None:
            raise InputError("登录以后才能保存视图。")
        with desk.ledger.write() as session:
            kept = asked.address().partition("?")[2]
            add_view(person.account_id, name, kept, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        status = 409 if error.code == "conflict" else 422
        return show_ledger(request, desk, asked, status=status, error=error.message, view_name=name)
    return RedirectResponse(asked.address(), status_code=303)


@router.post("/ledger/views/{view_id}/delete")
def remove_view(desk: TheDesk, person: ThePerson, view_id: int) -> Response:
    with desk.ledger.write() as session:
        delete_view(view_id, person.account_id or 0, session=session)
    return RedirectResponse("/ledger", status_code=303)
