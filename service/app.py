"""The FastAPI application: one desk, the API, the pages, static files from this machine only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

from service import (
    api,
    api_audit,
    api_files,
    api_handling,
    api_ledger,
    api_merges,
    api_trainings,
    health,
    openapi,
    pages,
    pages_accounts,
    pages_acts,
    pages_audit,
    pages_case,
    pages_entry,
    pages_intake,
    pages_intake_lists,
    pages_labels,
    pages_ledger,
    pages_models,
    pages_print,
    pages_queue,
    pages_related,
    pages_reports,
    pages_settings,
    pages_settings_office,
    pages_trainings,
    pages_year,
    problems,
)
from service.guards import Guard
from service.ledger_figures import LedgerFigures
from service.metrics import Metrics
from service.observer import Observer
from service.overload import Overload
from service.permissions import authorize, check_csrf
from service.report_view import signed
from service.warming import Warming
from triage import VERSION
from triage.batch_runner import BatchRunner
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.year import Share
from triage.ledger_watch import LedgerWatch
from triage.routing import percent

HERE = Path(__file__).parent


def make_app(settings: Settings, desk: Desk | None = None, *, at_once: bool = False) -> FastAPI:
    """The application for one office.

    Args:
        at_once: answer while models and index are still being loaded; /readyz tells when they are.

    Raises:
        TaxonomyError, LedgerMissing: the office is not set up.
    """
    desk = desk or Desk(settings)
    batches, watch = BatchRunner(desk), LedgerWatch(desk)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        def ready() -> None:
            app.state.figures.read()  # the first time it counts all that ever happened
            app.state.ready = True

        warming = Warming(desk, ready)
        if at_once:
            warming.start()
        else:
            desk.warm_up()
            ready()
        batches.start()
        watch.start()
        yield
        warming.end()
        watch.end()
        batches.end()
        desk.ledger.close()

    app = FastAPI(
        title="建议提案分办",
        description="读取人大代表建议和政协提案,推荐主题、办理类型、承办科室,提示可并案件,记入工作台账。",
        version=VERSION,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from outside; these offices have no internet
        redoc_url=None,
        openapi_url="/api/openapi.json",
        dependencies=[Depends(authorize), Depends(check_csrf)],
    )
    app.state.desk = desk
    app.state.ready = False
    app.state.batches = batches
    app.state.templates = _templates()
    app.state.metrics = Metrics()
    app.state.figures = LedgerFigures(desk)
    problems.install(app)
    openapi.describe(app)
    app.include_router(api.router)
    app.include_router(api_merges.router)
    app.include_router(api_ledger.router)
    app.include_router(api_audit.router)
    app.include_router(api_trainings.router)
    app.include_router(api_handling.router)
    app.include_router(api_files.router)
    app.include_router(pages_entry.router)
    app.include_router(pages_accounts.router)
    app.include_router(pages_queue.router)
    app.include_router(pages_reports.router)  # before the models': /models/drift is no target
    app.include_router(pages_audit.router)  # before the models' own, where its address would be a target
    app.include_router(pages_trainings.router)
    app.include_router(pages_labels.router)
    app.include_router(pages_models.router)
    app.include_router(pages.router)
    app.include_router(pages_ledger.router)
    app.include_router(pages_case.router)
    app.include_router(pages_acts.router)
    app.include_router(pages_related.router)
    app.include_router(pages_print.router)
    app.include_router(pages_year.router)
    app.include_router(pages_intake.router)
    app.include_router(pages_intake_lists.router)
    app.include_router(pages_settings.router)
    app.include_router(pages_settings_office.router)
    app.include_router(health.router)
    app.mount("/static/htmx", StaticFiles(packages=[("js_lib_htmx", "static/htmx")]))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    app.add_middleware(Guard, desk=desk)
    app.add_middleware(Overload)  # what is refused must cost nothing
    # the last added is the outermost: what is refused is counted too
    app.add_middleware(Observer, metrics=app.state.metrics)
    return app


def interval(right: int, of: int) -> str:
    """The 95 % Wilson interval of so many of so many, in words of the page."""
    low, high = Share(right, of).interval or (0.0, 1.0)
    return f"{low:.0%} 至 {high:.0%}"


def _templates() -> Jinja2Templates:
    templates = Jinja2Templates(directory=HERE / "templates")

    def local_time(value: datetime) -> str:
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")

    templates.env.filters["local_time"] = local_time
    templates.env.filters["percent"] = lambda share: f"{share:.0%}"
    templates.env.filters["probability"] = percent
    templates.env.filters["interval"] = interval
    templates.env.filters["signed"] = signed
    return templates
