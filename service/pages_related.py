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
from service.pages import render
from service.pages_case import act_on_case, status_of
from service.people import ThePerson
from service.related_view import group_lines
from service.retrying import RetryingRoute
from service.schemas_merges import RelatedOut
from triage.desk import Desk
from triage.errors import InputError, TriageError
from triage.ledger.cases import get_case
from triage.ledger.groups import list_groups, list_years
from triage.ledger.memberships import active_merge
from triage.ledger.merge_changes import change_lead, set_merge_due, set_plan
from triage.ledger.merges import add_to_merge, merge_cases, unmerge
from triage.ledger.relations import dismiss, find_relation
from triage.ledger.search import CaseFilter, find_ids

GROUPS = 40  # on a page

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)

Number = Annotated[int, Form()]
Numbers = Annotated[list[int], Form(default_factory=list)]
Text = Annotated[str, Form()]


@router.get("/groups")
def groups_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    chosen = year or date.today().year
    with desk.ledger.read() as session:
        groups = list_groups(session=session, year=chosen)
        if person.bound_to is not None:
            own = set(find_ids(CaseFilter(within=person.bound_to, year=chosen), session=session))
            groups = [group for group in groups if any(case.id in own for case in group.cases)]
        shown = groups[GROUPS * (page - 1) : GROUPS * page]
        return render(
            request,
            desk,
            "groups.html",
            lines=group_lines(shown, session=session),
            total=len(groups),
            cases=sum(len(group.cases) for group in groups),
            page=page,
            pages=max(1, -(-len(groups) // GROUPS)),
            year=chosen,
            years=sorted({chosen, *list_years(session=session)}, reverse=True),
        )


@router.get("/cases/{case_id}/with/{other_id}")
def compare_page(request: Request, desk: TheDesk, case_id: int, other_id: int) -> Response:
    return show_compared(request, desk, case_id, other_id)


def show_compared(
    request: Request,
    desk: Desk,
    case_id: int,
    other_id: int,
    *,
    refused: TriageError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    """Two cases side by side, with what can be done about the two.

    Args:
        refused: why an act was not done; typed: its form.
    """
    with desk.ledger.read() as session:
        compared = desk.compare(case_id, other_id, session)
        case, other = get_case(case_id, session=session), get_case(other_id, session=session)
        row = find_relation(case, other, session=session)
        owner = {word.lower(): "shared" for word in compared.shared}
        sides = [
            {
                "case": c,
                "title": mark_words(
                    c.title or "(无标题)", owner | dict.fromkeys(map(str.lower, only), "own")
                ),
                "body": mark_words(c.body, owner | dict.fromkeys(map(str.lower, only), "own")),
                "only": only,
                "merge": active_merge(c),
            }
            for c, only in ((case, compared.only_first), (other, compared.only_second))
        ]
        return render(
            request,
            desk,
            "compare.html",
            status=status_of(refused),
            case=case,
            other=other,
            sides=sides,
            shared=compared.shared,
            relation=RelatedOut.of(row, other, session=session) if row else None,
            refused=refused,
            typed=typed or {},
        )


@router.post("/cases/{case_id}/dismiss")
def dismiss_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    other_id: Number,
    why: Text = "",
    beside: Number = 0,
) -> Response:
    def act(session: Session) -> str:
        dismiss(case_id, other_id, who=person.name, why=why, session=session)
        return "dismissed"

    typed = {"act": f"dismiss-{other_id}", "why": why}
    return _do(request, desk, case_id, act, typed, beside=beside)


@router.post("/cases/{case_id}/merge")
def merge_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    cases: Numbers,
    lead: Number = 0,
    name: Text = "",
    why: Text = "",
    beside: Number = 0,
) -> Response:
    def act(session: Session) -> str:
        outcome = merge_cases(cases, lead_id=lead, name=name, who=person.name, why=why, session=session)
        return "merged" if outcome.merge is not None else "linked"

    typed = {"act": "merge", "cases": cases, "lead": lead, "name": name, "why": why}
    return _do(request, desk, case_id, act, typed, beside=beside)


@router.post("/cases/{case_id}/join")
def join_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    cases: Numbers,
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        add_to_merge(merge_id, cases, who=person.name, why=why, seen_version=version, session=session)
        return "joined"

    typed = {"act": f"join-{merge_id}", "cases": cases, "why": why}
    return _do(request, desk, case_id, act, typed)


@router.post("/cases/{case_id}/lead")
def lead_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    lead: Number = 0,
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        if not lead:
            raise InputError("请选新的主件。", field="lead")
        change_lead(merge_id, lead, who=person.name, why=why, seen_version=version, session=session)
        return "lead"

    return _do(request, desk, case_id, act, {"act": "lead", "lead": lead, "why": why})


@router.post("/cases/{case_id}/leave")
def leave_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    lead: Number = 0,
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        unmerge(
            merge_id,
            [case_id],
            lead_id=lead or None,
            who=person.name,
            why=why,
            seen_version=version,
            session=session,
        )
        return "left"

    return _do(request, desk, case_id, act, {"act": "leave", "lead": lead, "why": why})


@router.post("/cases/{case_id}/dissolve")
def dissolve_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        unmerge(merge_id, who=person.name, why=why, seen_version=version, session=session)
        return "dissolved"

    return _do(request, desk, case_id, act, {"act": "dissolve", "why": why})


@router.post("/cases/{case_id}/due")
def due_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    due_on: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        set_merge_due(merge_id, _day(due_on), who=person.name, why=why, seen_version=version, session=session)
        return "due"

    return _do(request, desk, case_id, act, {"act": "due", "due_on": due_on, "why": why})


@router.post("/cases/{case_id}/plan")
def plan_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    merge_id: Number,
    version: Number,
    plan: Text = "",
    name: Text = "",
    why: Text = "",
) -> Response:
    def act(session: Session) -> str:
        set_plan(merge_id, plan, name=name, who=person.name, why=why, seen_version=version, session=session)
        return "plan"

    return _do(request, desk, case_id, act, {"act": "plan", "plan": plan, "name": name, "why": why})


def _do(
    request: Request,
    desk: Desk,
    case_id: int,
    act: Callable[[Session], str],
    typed: dict[str, Any],
    *,
    beside: int = 0,
) -> Response:
    """One act; refused beside another case, it is told where the two stand side by side."""

    def compared(error: TriageError) -> Response:
        return show_compared(request, desk, case_id, beside, refused=error, typed=typed)

    return act_on_case(request, desk, case_id, act, typed, show=compared if beside else None)


def _day(typed: str) -> date | None:
    """A day as a browser sends it, None where the field was empty."""
    if not typed.strip():
        return None
    try:
        return date.fromisoformat(typed.strip())
    except ValueError:
        raise InputError(f"“{typed}”不是日期,应写成 2026-05-31。", field="due_on") from None
