"""The acts of handling in the browser: one address for each, made from the list of acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from service.act_fields import read_fields
from service.act_forms import ACTS, ENTRY_ACTS, Act
from service.api import TheDesk
from service.pages_case import act_on_case
from service.people import Person, ThePerson
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.claims import claim

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


async def sent_form(request: Request) -> dict[str, str]:
    """The texts of a form, whatever its fields; the acts know which they take."""
    form = await request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}


Sent = Annotated[dict[str, str], Depends(sent_form)]


def do_act(
    request: Request,
    desk: Desk,
    person: Person,
    act: Act,
    case_id: int,
    sent: dict[str, str],
    entry_id: int | None = None,
) -> Response:
    """Check the form, then do the act in one transaction on the version that the person saw."""

    def run(session: Session) -> str:
        seen = sent.get("version", "")
        if not (seen.isascii() and seen.isdigit()):
            raise InputError("这张表单不完整,请从本件的页面登记。")
        given = read_fields(act.fields, act.schema, sent, who=person.name)
        case = get_case(case_id, session=session)
        claim(case, int(seen), session=session)
        if entry_id is not None and entry_id not in [row.id for row in getattr(case, act.entry)]:
            raise NotFound("本件没有这条记录。")
        on = case_id if entry_id is None else entry_id
        act.run(on, **given, **act.taken_of(desk.taxonomy), session=session)
        return act.slug if entry_id is None else f"{act.entry}-{act.slug}"

    typed = {**sent, "act": act.key(entry_id)}
    return act_on_case(request, desk, case_id, run, typed)


def _on_case(act: Act) -> Callable[..., Response]:
    def route(request: Request, desk: TheDesk, person: ThePerson, case_id: int, sent: Sent) -> Response:
        return do_act(request, desk, person, act, case_id, sent)

    return route


def _on_entry(act: Act) -> Callable[..., Response]:
    def route(
        request: Request, desk: TheDesk, person: ThePerson, case_id: int, entry_id: int, sent: Sent
    ) -> Response:
        return do_act(request, desk, person, act, case_id, sent, entry_id)

    return route


def _register(act: Act, route: Callable[..., Any]) -> None:
    router.add_api_route(act.path, route, methods=["POST"], name=f"{act.entry or 'case'}_{act.slug}")


for one in ACTS:
    _register(one, _on_case(one))
for one in ENTRY_ACTS:
    _register(one, _on_entry(one))
