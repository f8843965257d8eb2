"""The page of one case, the decisions made on it, and how every act on a case is done and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.case_view import case_context, told
from service.deciding import decide_as_chosen
from service.pages import render
from service.people import ThePerson, get_person
from service.related_view import told_since
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import LedgerBusy, NotFound, OutcomeUnknown, TriageError
from triage.ledger.cases import get_case

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


@router.get("/cases/{case_id}")
def case_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    done: Annotated[str, Query()] = "",
    since: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    return show_case(request, desk, case_id, done=done, since=since)


def show_case(
    request: Request,
    desk: Desk,
    case_id: int,
    *,
    refused: TriageError | None = None,
    done: str = "",
    since: int | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    """The page of one case.

    Args:
        refused: why an act was not done; typed: its form, with the form's name under ``act``.
        since: the case's newest event before what was ``done``; the page tells what came of it.
    """
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        warnings, linked = told_since(case, since, session=session) if since is not None else ([], [])
        return render(
            request,
            desk,
            "case.html",
            status=status_of(refused),
            case=case,
            done=done,
            done_says=told(done),
            warnings=warnings,
            linked=linked,
            refused=refused,
            **case_context(case, desk, get_person(request), typed or {}, refused, session=session),
        )


def status_of(refused: TriageError | None) -> int:
    """The answer's status: the page itself, somebody was first, or something is to be mended."""
    if refused is None:
        return 200
    return 409 if refused.code == "conflict" else 422


@router.post("/cases/{case_id}/decisions")
def decide_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    version: Annotated[int, Form()],
    why: Annotated[str, Form()] = "",
    section: Annotated[str, Form()] = "",
    topic: Annotated[str, Form()] = "",
    handling: Annotated[str, Form()] = "",
) -> Response:
    chosen = {"section": section, "topic": topic, "handling": handling}

    def act(session: Session) -> str:
        decide_as_chosen(desk, case_id, chosen, version=version, who=person.name, why=why, session=session)
        return "decided"

    return act_on_case(request, desk, case_id, act, {"act": "decide", **chosen, "why": why})


Shown = Callable[[TriageError], Response]


def act_on_case(
    request: Request,
    desk: Desk,
    case_id: int,
    act: Callable[[Session], str],
    typed: dict[str, Any],
    *,
    show: Shown | None = None,
) -> Response:
    """One act in one transaction, then the case's page, which tells what came of it.

    Where it is refused, the page says why and keeps what was typed.

    Args:
        act: does it and gives the word by which the page tells it.
        show: the page to show a refusal on, if not the case's own.
    """
    try:
        with desk.ledger.write() as session:
            events = get_case(case_id, session=session).events
            before = events[-1].id if events else 0
            done = act(session)
    except (LedgerBusy, OutcomeUnknown, NotFound):
        raise  # the route tries again what was not written; what is not there has no page
    except TriageError as error:
        return show(error) if show else show_case(request, desk, case_id, refused=error, typed=typed)
    query = urlencode({"done": done, "since": before})
    return RedirectResponse(f"/cases/{case_id}?{query}", status_code=303)
