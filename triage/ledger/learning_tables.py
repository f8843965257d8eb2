"""Tables of how the models are checked and taught: audits, stops, mapped labels, trainings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from triage.ledger.base import Base, utc_now


class AuditRow(Base):
    """A case that the router was sure of and that was drawn to be reviewed blind. Append-only."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), unique=True)
    share: Mapped[float] = mapped_column(Float, doc="of sure cases that were drawn at that time")
    promise: Mapped[float] = mapped_column(Float, doc="share right that was promised at that time")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class RoutingStopRow(Base):
    """A label that a model may not decide by itself any more, until another serves or a person says so."""

    __tablename__ = "routing_stop"

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    model_version: Mapped[str] = mapped_column(String(60))
    why: Mapped[str] = mapped_column(Text)
    stopped_at: Mapped[datetime] = mapped_column(default=utc_now)
    resumed_at: Mapped[datetime | None]
    resumed_by: Mapped[str] = mapped_column(String(100), default="", doc="who let it go on")
    resumed_why: Mapped[str] = mapped_column(Text, default="")


class LabelMappingRow(Base):
    """What a closed case teaches under today's labels, where its own label was split. Append-only; newest counts."""

    __tablename__ = "label_mapping"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    target: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200), doc="a label in use then")
    who: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class TrainingRow(Base):
    """One training: who asked for it, how far it is, and the report it ended with."""

    __tablename__ = "training"
    __table_args__ = (
        CheckConstraint("state in ('waiting','running','done','failed','lost')", name="ck_training_state"),
    )
    sealed = False  # work under way; what it changed is in the events

    id: Mapped[int] = mapped_column(primary_key=True)
    who: Mapped[str] = mapped_column(String(100), doc="who asked for it")
    targets: Mapped[list[Any]] = mapped_column(doc="what was to be trained")
    seed: Mapped[int] = mapped_column(default=0)
    host: Mapped[str] = mapped_column(String(100), default="", doc="the machine that it runs on")
    state: Mapped[str] = mapped_column(String(20), index=True, doc="waiting, running, done, failed, lost")
    step: Mapped[str] = mapped_column(String(200), default="", doc="what it does just now")
    done: Mapped[int] = mapped_column(default=0, doc="steps that are through")
    total: Mapped[int] = mapped_column(default=0, doc="steps in all, 0 until they are counted")
    report: Mapped[dict[str, Any]] = mapped_column(doc="what came of it; empty until it is done")
    problem: Mapped[str] = mapped_column(Text, default="", doc="why it failed")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    alive_at: Mapped[datetime] = mapped_column(default=utc_now, doc="when its process was last heard of")
    ended_at: Mapped[datetime | None]


Index("ix_routing_stop_open", RoutingStopRow.target, RoutingStopRow.resumed_at)
Index("ix_label_mapping_target", LabelMappingRow.target, LabelMappingRow.case_id)
