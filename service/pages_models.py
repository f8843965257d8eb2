"""The pages of the models: which serve, how good they are, what they confuse, and which else may serve."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from service.api import TheDesk, describe_models
from service.pages import render
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from triage.champions import DUTIES_ONLY
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, ModelRefused, NotFound, OutcomeUnknown
from triage.ledger.confusions import review_target
from triage.ledger.groups import list_years
from triage.ledger.tables import EventRow
from triage.ledger.trainings import STATE_NAMES as TRAINING_STATES
from triage.ledger.trainings import list_trainings
from triage.promotion import needs_reason, promote_version, roll_back
from triage.registry import Manifest
from triage.taxonomy import TARGET_NAMES

SHOWN = 8  # latest events of training
_KINDS = ("model_trained", "model_promoted", "model_kept", "model_rolled_back")

router = APIRouter(
    prefix="/models", include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute
)
Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def models_page(request: Request, desk: TheDesk, done: Annotated[str, Query(max_length=40)] = "") -> Response:
    return show_models(request, desk, done=done)


def show_models(
    request: Request, desk: Desk, *, done: str = "", status: int = 200, error: str = ""
) -> Response:
    """What serves, its trainings, and what a person may do about it; error: why something was refused."""
    with desk.ledger.read() as session:
        history = {target: _history(target, session) for target in TARGET_NAMES}
        return render(
            request,
            desk,
            "models.html",
            status=status,
            models=describe_models(desk),
            history=history,
            done=done,
            error=error,
            stops=desk.stops(session),
            trainings=list_trainings(session=session),
            training_states=TRAINING_STATES,
        )


@router.get("/{target}")
def target_page(
    request: Request,
    desk: TheDesk,
    target: str,
    year: Annotated[int | None, Query(ge=1990, le=2100)] = None,
) -> Response:
    _check_target(target)
    with desk.ledger.read() as session:
        review = review_target(target, session=session, year=year)
        labels = sorted({*review.counts, *(x for row in review.counts.values() for x in row)})
        return render(
            request,
            desk,
            "models_target.html",
            target=target,
            review=review,
            labels=labels,
            year=year,
            years=sorted({date.today().year, *list_years(session=session)}, reverse=True),
        )


@router.get("/{target}/versions/{version}")
def version_page(request: Request, desk: TheDesk, target: str, version: str) -> Response:
    return _version(request, desk, target, version)


@router.post("/{target}/versions/{version}/promote")
def promote_page(
    request: Request, desk: TheDesk, person: ThePerson, target: str, version: str, why: Text = ""
) -> Response:
    _check_target(target)
    try:
        promote_version(desk, target, version, who=person.name, why=why)
    except (ModelRefused, InputError) as error:
        return _version(request, desk, target, version, error=error)
    return RedirectResponse("/models?done=promoted", status_code=303)


@router.post("/{target}/rollback")
def rollback_page(
    request: Request, desk: TheDesk, person: ThePerson, target: str, why: Text = ""
) -> Response:
    _check_target(target)
    try:
        roll_back(desk, target, who=person.name, why=why)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except ModelRefused as error:
        return _version(request, desk, target, str(desk.registry.champion(target)), error=error)
    return RedirectResponse("/models?done=rolled_back", status_code=303)


def _version(
    request: Request, desk: Desk, target: str, version: str, *, error: ModelRefused | InputError | None = None
) -> Response:
    """One version beside the one that serves: what would change if it served."""
    _check_target(target)
    asked = desk.registry.manifest(target, version)
    champions = desk.registry.champions(target)
    serving = champions[-1] if champions else None
    return render(
        request,
        desk,
        "models_version.html",
        status=STATUS[error.code] if error else 200,
        target=target,
        asked=asked,
        serving=_manifest(desk, target, serving),
        serves=version == serving,
        needs_reason=needs_reason(asked),
        earlier=champions[-2] if len(champions) > 1 else DUTIES_ONLY,
        error=error.message if error else "",
    )


def _manifest(desk: Desk, target: str, version: str | None) -> Manifest | None:
    if version is None:
        return None
    try:
        return desk.registry.manifest(target, version)
    except (ModelRefused, NotFound):
        return None  # the notice on every page says what is wrong with it


def _history(target: str, session: Session) -> list[dict[str, Any]]:
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.kind.in_(_KINDS), EventRow.detail["target"].as_string() == target)
        .order_by(EventRow.id.desc())
        .limit(SHOWN)
    )
    return [{"kind": r.kind, "who": r.who, "when": r.created_at, **r.detail} for r in rows]


def _check_target(target: str) -> None:
    if target not in TARGET_NAMES:
        raise NotFound(f"没有名为“{target[:40]}”的预测目标。")
