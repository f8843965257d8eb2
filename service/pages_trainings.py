"""The pages of trainings: begin one, watch it, see what came of it."""

from __future__ import annotations

import socket

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.api import TheDesk
from service.pages import render
from service.pages_models import show_models
from service.people import ThePerson
from service.retrying import RetryingRoute
from service.training_process import start_training
from triage.desk import Desk
from triage.errors import Conflict
from triage.ledger.trainings import MOVING, STATE_NAMES, add_training, get_training
from triage.taxonomy import TARGETS

router = APIRouter(
    prefix="/models/trainings",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=RetryingRoute,
)


@router.post("")
def begin(request: Request, desk: TheDesk, person: ThePerson) -> Response:
    try:
        with desk.ledger.write() as session:
            row = add_training(
                who=person.name, targets=TARGETS, host=socket.gethostname()[:100], session=session
            )
    except Conflict as error:
        return show_models(request, desk, status=409, error=error.message)
    start_training(desk, row.id)
    return RedirectResponse(f"/models/trainings/{row.id}", status_code=303)


@router.get("/{training_id}")
def training_page(request: Request, desk: TheDesk, training_id: int) -> Response:
    return _show(request, desk, training_id, "models_training.html")


@router.get("/{training_id}/progress")
def training_progress(request: Request, desk: TheDesk, training_id: int) -> Response:
    return _show(request, desk, training_id, "models_training_progress.html")


def _show(request: Request, desk: Desk, training_id: int, template: str) -> Response:
    with desk.ledger.read() as session:
        row = get_training(training_id, session=session)
        return render(
            request,
            desk,
            template,
            row=row,
            moving=row.state in MOVING,
            training_states=STATE_NAMES,
            outcomes=row.report.get("targets", []),
        )
