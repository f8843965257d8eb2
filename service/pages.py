"""The pages for people: queue, ledger, case, models. They work without JavaScript."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from markupsafe import Markup

from service.api import TheDesk
from service.marking import mark
from service.people import ThePerson, csrf_of, find_person
from service.related_view import DONE, related_context, told_since
from service.retrying import RetryingRoute
from service.schemas_handling import HandlingOut
from triage.desk import Desk
from triage.errors import LedgerBusy, OutcomeUnknown, TriageError
from triage.flags import FLAG_NAMES
from triage.ledger.accounts import ROLE_NAMES
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import DECISION_NAMES, decide, newest_predictions, settled
from triage.ledger.events import EVENT_NAMES, flags_of
from triage.ledger.groups import grouped_cases
from triage.ledger.memberships import SHARED, follows
from triage.ledger.relations import relations_of
from triage.ledger.search import CaseFilter, count_by_state, list_cases
from triage.ledger.states import STATE_NAMES
from triage.related import KIND_NAMES
from triage.taxonomy import TARGET_NAMES, TARGETS

PAGE = 50
WHO_COOKIE = "who"
HANDLED = ("assigned", "accepted", "in_handling", "replied")

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


def render(request: Request, desk: Desk, name: str, status: int = 200, **context: object) -> Response:
    """A page with everything that all pages need."""
    templates: Jinja2Templates = request.app.state.templates
    return templates.TemplateResponse(
        request,
        name,
        {
            "office": desk.taxonomy.office,
            "person": find_person(request),
            "role_names": ROLE_NAMES,
            "csrf_field": Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_of(request)),
            "invented": desk.taxonomy.invented,
            "problems": desk.champions.problems(),
            "target_names": TARGET_NAMES,
            "state_names": STATE_NAMES,
            "kind_names": KIND_NAMES,
            "decision_names": DECISION_NAMES,
            "event_names": EVENT_NAMES,
            "flag_names": FLAG_NAMES,
            **context,
        },
        status_code=status,
    )


@router.get("/")
def home(person: ThePerson) -> Response:
    return RedirectResponse("/queue" if person.may("decide") else "/ledger", status_code=303)


@router.get("/queue")
def queue(
    request: Request,
    desk: TheDesk,
    state: Annotated[str, Query()] = "in_review",
    section: Annotated[str, Query()] = "",
    flag: Annotated[str, Query()] = "",
    text: Annotated[str, Query(max_length=100)] = "",
    leader: Annotated[str, Query(max_length=100)] = "",
    handler: Annotated[str, Query(max_length=100)] = "",
    only: Annotated[Literal["", "late", "key"], Query()] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    wanted = CaseFilter(
        state="" if state == "all" else state,
        section=section,
        text=text,
        flag=flag,
        leader=leader,
        leader_sections=desk.taxonomy.sections_of(leader),
        handler=handler,
        late_only=only == "late",
        key_only=only == "key",
    )
    with desk.ledger.read() as session:
        # unsure ones first: that is where a person is needed most
        rows, total = list_cases(
            wanted,
            session=session,
            limit=PAGE,
            offset=PAGE * (page - 1),
            unsure_first=state == "in_review",
        )
        counts = count_by_state(session)
        items = []
        years = {case.received_on.year for case in rows if case.state != "closed"}
        grouped = set().union(*(grouped_cases(session=session, year=year) for year in years))
        for case in rows:
            predictions, decisions = newest_predictions(case), settled(case)
            cells = {}
            for target in TARGETS:
                if target in decisions:
                    cells[target] = (decisions[target].label, None, decisions[target].kind)
                elif target in predictions:
                    label, p = predictions[target].ranked[0]
                    cells[target] = (label, p, "")
            proposed = [r for r, _ in relations_of(case.id, session=session) if r.status != "dismissed"]
            items.append(
                {
                    "case": case,
                    "cells": cells,
                    "relations": proposed,
                    "flags": flags_of(case),
                    "grouped": case.id in grouped,
                }
            )
        filters: dict[str, Any] = {"section": section, "flag": flag, "text": text}
        filters |= {"leader": leader, "handler": handler, "only": only}
        query = {"state": state, **filters}
        return render(
            request,
            desk,
            "queue.html",
            items=items,
            total=total,
            counts=counts,
            page=page,
            pages=max(1, -(-total // PAGE)),
            state=state,
            filtered=any(filters.values()),
            **filters,
            today=date.today(),
            base_query=urlencode({k: v for k, v in query.items() if v}),
            export_query=urlencode(_as_asked_of_the_api(wanted)),
            sections=[x.name for x in desk.taxonomy.section],
            leaders=sorted({x.leader for x in desk.taxonomy.section if x.leader}),
        )


def _as_asked_of_the_api(wanted: CaseFilter) -> dict[str, str]:
    """The same filter as the addresses under /api take it."""
    said = ("state", "section", "text", "flag", "leader", "handler")
    switched = [name for name in ("late_only", "key_only") if getattr(wanted, name)]
    return {n: getattr(wanted, n) for n in said if getattr(wanted, n)} | dict.fromkeys(switched, "true")


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
    status: int = 200,
    error: str = "",
    done: str = "",
    since: int | None = None,
    form: dict[str, str] | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    """The page of one case.

    Args:
        since: the case's newest event before what was ``done``; the page tells what came of it.
        form: what was typed into a refused decision or closing; typed: into another form.
    """
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        predictions = newest_predictions(case)
        waiting, total = list_cases(
            CaseFilter(state="in_review"), session=session, limit=2, unsure_first=True
        )
        ids = [c.id for c in waiting if c.id != case_id]
        warnings, linked = told_since(case, since, session=session) if since is not None else ([], [])
        return render(
            request,
            desk,
            "case.html",
            status=status,
            case=case,
            predictions=predictions,
            decisions=settled(case),
            from_lead=SHARED if follows(case) else (),
            flags=flags_of(case),
            **related_context(case, typed=typed or {}, session=session),
            result_of_act=DONE.get(done, ""),
            warnings=warnings,
            linked=linked,
            today=date.today(),
            title_pieces=mark(case.title or "(无标题)", case.predictions),
            body_pieces=mark(case.body, case.predictions),
            choices={t: [x.name for x in desk.taxonomy.labels(t) if x.active] for t in TARGETS},
            leaders={x.name: x.leader for x in desk.taxonomy.section},
            leader=case.leader or desk.taxonomy.leader_of(case.section),
            handling=HandlingOut.of(case),
            handled_states=HANDLED,
            result_classes=desk.taxonomy.result_classes,
            error=error,
            done=done,
            form=form or {},
            who=unquote(request.cookies.get(WHO_COOKIE, "")),
            next_id=ids[0] if ids else None,
            waiting=total,
        )


@router.post("/cases/{case_id}/decisions")
def decide_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    version: Annotated[int, Form()],
    who: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
    section: Annotated[str, Form()] = "",
    topic: Annotated[str, Form()] = "",
    handling: Annotated[str, Form()] = "",
) -> Response:
    chosen = {"section": section, "topic": topic, "handling": handling}
    try:
        with desk.ledger.write() as session:
            before = settled(get_case(case_id, session=session))
            # what a person settled and nobody changes now needs no second decision
            labels = {
                t: label
                for t, label in chosen.items()
                if label and not (t in before and before[t].kind != "auto" and before[t].label == label)
            }
            decide(
                case_id,
                labels,
                who=who,
                why=why,
                seen_version=version,
                session=session,
                taxonomy=desk.taxonomy,
            )
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        # what was typed stays on the page
        return show_case(
            request,
            desk,
            case_id,
            status=409 if error.code == "conflict" else 422,
            error=error.message,
            form={**chosen, "who": who, "why": why},
        )
    return back(case_id, "decided", who)


@router.post("/cases/{case_id}/close")
def close_page(
    request: Request,
    desk: TheDesk,
    case_id: int,
    who: Annotated[str, Form()] = "",
    result_class: Annotated[str, Form()] = "",
    reply_number: Annotated[str, Form()] = "",
) -> Response:
    try:
        with desk.ledger.write() as session:
            close_case(
                case_id,
                result_class=result_class,
                reply_number=reply_number.strip(),
                who=who.strip(),
                session=session,
                taxonomy=desk.taxonomy,
            )
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        return show_case(
            request,
            desk,
            case_id,
            status=409 if error.code == "conflict" else 422,
            error=error.message,
            form={"who": who, "reply_number": reply_number},
        )
    return back(case_id, "closed", who)


def back(case_id: int, done: str, who: str, *, since: int | None = None) -> Response:
    """To the case's page, which says what was done; the name is remembered."""
    query = urlencode({"done": done} if since is None else {"done": done, "since": since})
    response = RedirectResponse(f"/cases/{case_id}?{query}", status_code=303)
    response.set_cookie(
        WHO_COOKIE, quote(who.strip()), max_age=90 * 24 * 3600, httponly=True, samesite="strict"
    )
    return response
