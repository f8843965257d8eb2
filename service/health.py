"""Whether the process lives, whether it is ready and how it does, for whoever starts and watches it.

Not inside make_app: FastAPI keeps every route function it has seen, and with it what the function
holds; one that held the desk would keep its models in memory after the app is gone.
"""

from __future__ import annotations

import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client.metrics_core import Metric
from sqlalchemy import text
from starlette.background import BackgroundTask

from service import problems
from service.api import TheDesk
from service.ledger_figures import READ_SECONDS, LedgerFigures, unreachable
from service.metrics import CONTENT_TYPE, Metrics

router = APIRouter()


@router.get("/healthz", summary="进程是否活着")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz", summary="模型与台账是否就绪")
def readyz(request: Request, desk: TheDesk) -> Response:
    if not request.app.state.ready:
        return problems.problem(request, 503, "正在装载模型,请稍候。")
    with desk.ledger.read() as session:
        session.execute(text("select 1"))
    return JSONResponse({"status": "ok", "problems": desk.problems()})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Also where the database is down or hangs: that is what a figure is for."""
    counted: Metrics = request.app.state.metrics
    figures: LedgerFigures = request.app.state.figures
    series: list[Metric] = [unreachable()]
    with anyio.move_on_after(READ_SECONDS):
        series = await anyio.to_thread.run_sync(figures.read, abandon_on_cancel=True)
    # a thread of the pool, after the answer has gone out
    after = BackgroundTask(figures.count_audit)
    return Response(counted.text(series), media_type=CONTENT_TYPE, background=after)
