"""Trainings: who asked for one, how far it is, and what came of it; one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, NotFound
from triage.ledger.base import utc_now
from triage.ledger.learning_tables import TrainingRow
from triage.ledger.leases import is_silent
from triage.ledger.texts import check_who

STATE_NAMES = {
    "waiting": "等待开始",
    "running": "训练中",
    "done": "已完成",
    "failed": "未能完成",
    "lost": "没有做完",
}
MOVING = ("waiting", "running")
GONE = "训练的进程已不在,没有做完。现用的模型没有受影响,可以再训练一次。"


def add_training(
    *, who: str, targets: Sequence[str], seed: int = 0, host: str, session: Session
) -> TrainingRow:
    """One that is about to begin.

    Raises:
        InputError: no name of a person. Conflict: another one is under way.
    """
    who = check_who(who)
    give_up_lost(session=session)
    moving = session.scalars(select(TrainingRow).where(TrainingRow.state.in_(MOVING))).first()
    if moving is not None:
        since = moving.created_at.astimezone().strftime("%m月%d日 %H:%M")
        raise Conflict(f"{moving.who}于{since}开始的训练还没有结束,同时只做一个。", training=moving.id)
    row = TrainingRow(who=who, targets=list(targets), seed=seed, host=host, state="waiting", report={})
    session.add(row)
    session.flush()
    return row


def get_training(training_id: int, *, session: Session) -> TrainingRow:
    """Raises NotFound."""
    row = session.get(TrainingRow, training_id) if 0 < training_id < 2**31 else None
    if row is None:
        raise NotFound(f"没有第 {training_id} 次训练。")
    return row


def list_trainings(*, session: Session, limit: int = 8) -> Sequence[TrainingRow]:
    """The newest first."""
    return session.scalars(select(TrainingRow).order_by(TrainingRow.id.desc()).limit(limit)).all()


def give_up_lost(*, session: Session, host: str = "", now: datetime | None = None) -> None:
    """Mark those whose process is gone.

    Args:
        host: of a caller that holds the lock of its machine: whatever moves there by the ledger is dead.
    """
    now = now or utc_now()
    silent = is_silent(TrainingRow.alive_at, now)
    dead = silent | (TrainingRow.host == host) if host else silent
    for row in session.scalars(select(TrainingRow).where(TrainingRow.state.in_(MOVING), dead)):
        end_training(row.id, "lost", problem=GONE, session=session)


def note_training(training_id: int, step: str, done: int, total: int, *, session: Session) -> None:
    """What it does now and how far it is."""
    row = get_training(training_id, session=session)
    row.state, row.step, row.done, row.total, row.alive_at = "running", step, done, total, utc_now()


def touch_training(training_id: int, *, session: Session) -> None:
    """Its process lives."""
    get_training(training_id, session=session).alive_at = utc_now()


def end_training(
    training_id: int,
    state: str,
    *,
    session: Session,
    report: Mapping[str, Any] | None = None,
    problem: str = "",
) -> None:
    """It is done, failed or lost."""
    row = get_training(training_id, session=session)
    row.state, row.problem = state, problem
    row.ended_at = row.alive_at = utc_now()
    if report is not None:
        row.report = dict(report)
