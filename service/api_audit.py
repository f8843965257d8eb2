"""The API on the audit sample: how often the router is right where it decides alone."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from service.api import TheDesk
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas_audit import AuditOut, StopOut
from triage.desk import Desk
from triage.ledger.audits import audit_record
from triage.ledger.decisions import lead_target
from triage.ledger.routing_stops import list_stops

router = APIRouter(prefix="/api", route_class=RetryingRoute)


@router.get("/audit", summary="抽查:自动认定的正确率和停止的记录", responses=documented(422))
def get_audit(
    desk: TheDesk,
    year: Annotated[int | None, Query(ge=1990, le=2100, description="收件年份,不写为今年")] = None,
    target: Annotated[
        Literal["section", "topic", "handling"] | None, Query(description="不写为承办科室")
    ] = None,
) -> AuditOut:
    return describe_audit(desk, year or date.today().year, target)


def describe_audit(desk: Desk, year: int, target: str | None = None) -> AuditOut:
    """What the sample says of the cases received in ``year``, of the lead target unless another is named."""
    taxonomy = desk.taxonomy
    with desk.ledger.read() as session:
        record = audit_record(
            target or lead_target(taxonomy) or "section", session=session, taxonomy=taxonomy, year=year
        )
        binding = {row.id for row in desk.stops(session)}
        stops = [StopOut.of(row, binding=row.id in binding) for row in list_stops(session=session)]
        return AuditOut.of(record, year, stops)
