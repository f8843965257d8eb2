"""The page of the audit sample: how often the router is right, and where it was stopped."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.api import TheDesk
from service.pages import render
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import LedgerBusy, NotFound, OutcomeUnknown, TriageError
from triage.ledger.audits import audit_record
from triage.ledger.decisions import lead_target
from triage.ledger.groups import list_years
from triage.ledger.routing_stops import list_stops, resume
from triage.taxonomy import TARGET_NAMES, TARGETS

SHOWN = 20  # drawn cases; the others fold

router = APIRouter(
    prefix="/models/audit",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=RetryingRoute,
)


@router.get("")
def audit_page(
    request: Request,
    desk: TheDesk,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
    target: Annotated[str, Query(max_length=20)] = "",
    done: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    return _show(request, desk, year=year, target=target, done=done)


@router.post("/stops/{stop_id}/resume")
def resume_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    stop_id: int,
    why: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    try:
        with desk.ledger.write() as session:
            resume(stop_id, who=person.name, why=why, session=session)
    except (LedgerBusy, OutcomeUnknown, NotFound):
        raise
    except TriageError as error:
        return _show(request, desk, error=error, stop_id=stop_id, why=why)
    return RedirectResponse("/models/audit?done=resumed", status_code=303)


def _show(
    request: Request,
    desk: Desk,
    *,
    year: int | None = None,
    target: str = "",
    done: str = "",
    error: TriageError | None = None,
    stop_id: int | None = None,
    why: str = "",
) -> Response:
    """The page of a year and a target; a refused resumption with what was typed.

    Raises:
        NotFound: no such target.
    """
    if target and target not in TARGET_NAMES:
        raise NotFound(f"没有名为“{target[:40]}”的预测目标。")
    taxonomy, chosen = desk.taxonomy, year or date.today().year
    with desk.ledger.read() as session:
        asked = target or lead_target(taxonomy) or TARGETS[0]
        binding = desk.stops(session)
        return render(
            request,
            desk,
            "models_audit.html",
            status=STATUS[error.code] if error else 200,
            record=audit_record(asked, session=session, taxonomy=taxonomy, year=chosen),
            target=asked,
            targets=[t for t in TARGETS if taxonomy.labels(t)],
            year=chosen,
            years=sorted({chosen, date.today().year, *list_years(session=session)}, reverse=True),
            share=desk.settings.audit_share,
            promise=1 - desk.settings.error_budget,
            stopped={stop.label: stop for stop in binding if stop.target == asked},
            binding=binding,
            stops=list_stops(session=session),
            shown=SHOWN,
            done=done,
            error=error.message if error else "",
            refused=stop_id,
            why=why,
        )
