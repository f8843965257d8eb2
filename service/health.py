"""Whether the process lives and whether it is ready, for whoever starts and watches it.

Not inside make_app: FastAPI keeps every route function it has seen, and with it what the function
holds; one that held the desk would keep its models in memory after the app is gone.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from sqlalchemy import text

from service import problems
from service.api import TheDesk

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
