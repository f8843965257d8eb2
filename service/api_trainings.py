"""The API on trainings: which there were, how far one is, its report. A person begins one, on the page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from service.api import TheDesk
from service.problems import documented
from service.retrying import RetryingRoute
from triage.ledger.learning_tables import TrainingRow
from triage.ledger.trainings import get_training, list_trainings

router = APIRouter(prefix="/api", route_class=RetryingRoute)


class TrainingSummary(BaseModel):
    """How far a training is."""

    id: int
    who: str
    targets: list[str]
    seed: int
    state: str = Field(description="waiting, running, done, failed, lost")
    step: str
    done: int
    total: int
    problem: str
    created_at: datetime
    alive_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: TrainingRow) -> TrainingSummary:
        return cls.model_validate(row, from_attributes=True)


class TrainingOut(TrainingSummary):
    """The same with the report that it ended with."""

    report: dict[str, Any] = Field(description="未完成时为空")


@router.get("/trainings", summary="训练,最近的在前", responses=documented(422))
def get_trainings(desk: TheDesk, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> list[TrainingSummary]:
    with desk.ledger.read() as session:
        return [TrainingSummary.of(row) for row in list_trainings(session=session, limit=limit)]


@router.get("/trainings/{training_id}", summary="一次训练和它的报告", responses=documented(404))
def get_one_training(training_id: int, desk: TheDesk) -> TrainingOut:
    with desk.ledger.read() as session:
        return TrainingOut.model_validate(get_training(training_id, session=session), from_attributes=True)
