"""The pages on cases that belong together: acts on the case page, two cases side by side, the groups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.marking import mark_words
from service.pages import back, render, show_case
from service.related_view import group_lines
from service.retrying import RetryingRoute
from service.schemas_merges import RelatedOut
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.cases import get_case
from triage.ledger.groups import list_groups, list_years
from triage.ledger.merge_changes import change_lead, set_merge_due, set_plan
from triage.ledger.merges import add_to_merge, merge_cases, unmerge
from triage.ledger.relations import dismiss, find_relation

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)

Number = Annotated[int, Form()]
Numbers = Annotated[list[int], Form(default_factory=list)]
Text = Annotated[str, Form()]


@router.get("/groups")
def groups_page(
    request: Request, desk: TheDesk, year: Annotated[int | None, Query(ge=1990, le=2100)] = None
) -> Response:
    chosen = year or date.today().year
    with desk.ledger.read() as session:
        lines = group_lines(list_groups(session=session, year=chosen), session=session)
        years = sorted({chosen, *list_years(session=session)}, reverse=True)
        return render(request, desk, "groups.html", lines=lines, year=chosen, years=years)


@router.get("/cases/{case_id}/with/{other_id}")
def compare_page(request: Request, desk: TheDesk, case_id: int, other_id: int) -> Response:
    with desk.ledger.read() as session:
        compared = desk.compare(case_id, other_id, session)
        case, other = get_case(case_id, session=session), get_case(other_id, session=session)
        row = find_relation(case, other, session=session)
        shared = dict.fromkeys((word.lower() for word in compared.shared), "shared")
        sides = [
            {
                "case": c,
                "title": mark_words(c.title or "(无标题)", shared),
                "body": mark_words(c.body, shared),
                "only": only,
            }
            for c, only in ((case, compared.only_first), (other, compared.only_second))
        ]
        relation = RelatedOut.of(row, other, session=session) if row else None
        return render(
            request,
            desk,
            "compare.html",
            case=case,
            sides=sides,
            shared=compared.shared,
            relation=relation,
        )


@router.post("/cases/{case_id}/dismiss")
def dismiss_page(
    request: Request, desk: TheDesk, case_id: int, other_id: Number, who: Text = "", why: Text = ""
) -> Response:
    def act(session: Session) -> str:
        dismiss(case_id, other_id, who=who, why=why, session=session)
        return "dismissed"

    return _do(request, desk, case_id, act, {"act": f"dismiss-{other_id}", "who": who, "why": why})


@router.post("/cases/{case_id}/merge")
def merge_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    cases: Numbers,
    lead: Number = 0,
    name: Text = "",
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        outcome = merge_cases(cases, lead_id=lead, name=name, who=who, why=why, session=session)
        return "merged" if outcome.merge is not None else "linked"

    typed = {"act": "merge", "cases": cases, "lead": lead, "name": name, "who": who, "why": why}
    return _do(request, desk, case_id, act, typed)


@router.post("/cases/{case_id}/join")
def join_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    cases: Numbers,
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        add_to_merge(merge_id, cases, who=who, why=why, seen_version=version, session=session)
        return "joined"

    typed = {"act": f"join-{merge_id}", "cases": cases, "who": who, "why": why}
    return _do(request, desk, case_id, act, typed)


@router.post("/cases/{case_id}/lead")
def lead_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    lead: Number = 0,
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        if not lead:
            raise InputError("请选新的主件。", field="lead")
        change_lead(merge_id, lead, who=who, why=why, seen_version=version, session=session)
        return "lead"

    return _do(request, desk, case_id, act, {"act": "lead", "lead": lead, "who": who, "why": why})


@router.post("/cases/{case_id}/leave")
def leave_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    lead: Number = 0,
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        unmerge(
            merge_id,
            [case_id],
            lead_id=lead or None,
            who=who,
            why=why,
            seen_version=version,
            session=session,
        )
        return "left"

    return _do(request, desk, case_id, act, {"act": "leave", "lead": lead, "who": who, "why": why})


@router.post("/cases/{case_id}/dissolve")
def dissolve_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        unmerge(merge_id, who=who, why=why, seen_version=version, session=session)
        return "dissolved"

    return _do(request, desk, case_id, act, {"act": "dissolve", "who": who, "why": why})


@router.post("/cases/{case_id}/due")
def due_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    due_on: Text = "",
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        set_merge_due(merge_id, _day(due_on), who=who, why=why, seen_version=version, session=session)
        return "due"

    return _do(request, desk, case_id, act, {"act": "due", "due_on": due_on, "who": who, "why": why})


@router.post("/cases/{case_id}/plan")
def plan_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    merge_id: Number,
    version: Number,
    plan: Text = "",
    name: Text = "",
    who: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        set_plan(merge_id, plan, name=name, who=who, why=why, seen_version=version, session=session)
        return "plan"

    return _do(
        request, desk, case_id, act, {"act": "plan", "plan": plan, "name": name, "who": who, "why": why}
    )


def _do(
    request: Request, desk: Desk, case_id: int, act: Callable[[Session], str], typed: dict[str, Any]
) -> Response:
    """One act in one transaction, then the case's page, which tells what came of it.

    Where it is refused, the page says why and keeps what was typed.
    """
    try:
        with desk.ledger.write() as session:
            before = max((event.id for event in get_case(case_id, session=session).events), default=0)
            done = act(session)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        status = 409 if error.code == "conflict" else 422
        return show_case(request, desk, case_id, status=status, error=error.message, typed=typed)
    return back(case_id, done, str(typed["who"]), since=before)


def _day(typed: str) -> date | None:
    """A day as a browser sends it, None where the field was empty."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise InputError(f"“{typed}”不是日期,应写成 2026-05-31。", field="due_on") from None
