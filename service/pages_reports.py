"""The report of each training as a page, as data and as a Word file; this year against the year before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from service.api import TheDesk
from service.pages import render
from service.report_docx import report_document
from service.report_view import check_report, report_page
from service.retrying import RetryingRoute
from training.drift import drift
from triage.desk import Desk
from triage.errors import NotFound
from triage.ledger.groups import list_years
from triage.ledger.learning_tables import TrainingRow

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

router = APIRouter(
    prefix="/models", include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute
)


@router.get("/trainings/{training_id}/report")
def training_page(desk: TheDesk, training_id: int) -> Response:
    return HTMLResponse(report_page(_report(desk, training_id), number=training_id))


@router.get("/trainings/{training_id}/report.json")
def training_data(desk: TheDesk, training_id: int) -> Response:
    content = json.dumps(_report(desk, training_id), ensure_ascii=False, indent=1)
    return Response(content, media_type="application/json")


@router.get("/trainings/{training_id}/report.docx")
def training_document(desk: TheDesk, training_id: int) -> Response:
    content = report_document(_report(desk, training_id))
    name = f'attachment; filename="training-{training_id}.docx"'
    return Response(content, media_type=DOCX, headers={"content-disposition": name})


@router.get("/drift")
def drift_page(
    request: Request, desk: TheDesk, year: Annotated[int | None, Query(ge=1990, le=2100)] = None
) -> Response:
    found = drift(desk, year=year)
    with desk.ledger.read() as session:
        years = list_years(session=session)
    shown = sorted({found["year"], *years}, reverse=True)
    return render(request, desk, "models_drift.html", drift=found, years=shown)


def _report(desk: Desk, training_id: int) -> Mapping[str, Any]:
    with desk.ledger.read() as session:
        row = session.get(TrainingRow, training_id)
        if row is None:
            raise NotFound(f"没有第 {training_id} 次训练。")
        return check_report(row.report, training_id)
