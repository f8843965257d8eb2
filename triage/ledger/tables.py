"""The ledger's tables. Migrations create them; a test holds the two against each other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database; SQLite would hand back naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class CaseRow(Base):
    """One incoming suggestion, from intake to closing. The text is never changed."""

    __tablename__ = "case"
    __table_args__ = (
        UniqueConstraint("session", "number", name="uq_case_session_number"),
        UniqueConstraint("idempotency_key", name="uq_case_idempotency_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    session: Mapped[str] = mapped_column(String(200), default="")
    number: Mapped[str | None] = mapped_column(String(100))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20), default="")
    title: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    deputy: Mapped[str] = mapped_column(Text, default="")
    delegation: Mapped[str] = mapped_column(Text, default="")
    role: Mapped[str] = mapped_column(String(20), default="", server_default="")
    received_on: Mapped[date]
    content_sha256: Mapped[str] = mapped_column(String(64), index=True)
    state: Mapped[str] = mapped_column(String(20), index=True)
    route: Mapped[str] = mapped_column(String(10))
    route_reason: Mapped[str] = mapped_column(Text, default="")
    certainty: Mapped[float | None] = mapped_column(Float)  # of the first section at intake
    version: Mapped[int] = mapped_column(default=1)  # raised by each change; guards decisions
    result_class: Mapped[str | None] = mapped_column(String(20))
    reply_number: Mapped[str] = mapped_column(String(100), default="")
    closed_on: Mapped[date | None]
    due_on: Mapped[date | None]  # when the reply is due; empty in cases older than this column
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    predictions: Mapped[list[PredictionRow]] = relationship(order_by="PredictionRow.id")
    decisions: Mapped[list[DecisionRow]] = relationship(order_by="DecisionRow.id")
    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.id")
    memberships: Mapped[list[MergeMemberRow]] = relationship(
        order_by="MergeMemberRow.id", back_populates="case"
    )
    commitments: Mapped[list[CommitmentRow]] = relationship(order_by="CommitmentRow.id")


class PredictionRow(Base):
    """Ranked labels for one target of one case, as they were then. Append-only."""

    __tablename__ = "prediction"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    target: Mapped[str] = mapped_column(String(20))
    model_version: Mapped[str] = mapped_column(String(60))
    ranked: Mapped[list[Any]]
    evidence: Mapped[dict[str, Any]]
    auto: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DecisionRow(Base):
    """What was settled for one target, by whom, on which prediction. Append-only; newest counts."""

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint("kind in ('auto','confirm','override','closed')", name="ck_decision_kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    target: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(100))
    why: Mapped[str] = mapped_column(Text, default="")
    prediction_id: Mapped[int | None] = mapped_column(ForeignKey("prediction.id"))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class RelationRow(Base):
    """Between two cases; ``case_id`` came later. Status changes are events."""

    __tablename__ = "relation"
    __table_args__ = (
        UniqueConstraint("case_id", "other_id", name="uq_relation_pair"),
        CheckConstraint("kind in ('duplicate','related','precedent')", name="ck_relation_kind"),
        CheckConstraint("status in ('proposed','confirmed','dismissed')", name="ck_relation_status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    score: Mapped[float] = mapped_column(Float)
    shared_terms: Mapped[list[Any]]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(String(20), default="proposed")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class MergeRow(Base):
    """Cases handled together under one lead; each of them still gets its own reply.

    ``labels`` are the lead's section and handling type, which all members share. ``due_on``
    is there only where a person set it. A dissolved merge keeps its rows.
    """

    __tablename__ = "merge"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    lead_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    plan: Mapped[str] = mapped_column(Text, default="")
    labels: Mapped[dict[str, Any]]
    due_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)  # raised by each change
    dissolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)

    lead: Mapped[CaseRow] = relationship()
    members: Mapped[list[MergeMemberRow]] = relationship(order_by="MergeMemberRow.id", back_populates="merge")


class MergeMemberRow(Base):
    """One case's stay in a merge; leaving sets ``left_at``, the row remains."""

    __tablename__ = "merge_member"

    id: Mapped[int] = mapped_column(primary_key=True)
    merge_id: Mapped[int] = mapped_column(ForeignKey("merge.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    joined_at: Mapped[datetime] = mapped_column(default=utc_now)
    left_at: Mapped[datetime | None]

    merge: Mapped[MergeRow] = relationship(back_populates="members")
    case: Mapped[CaseRow] = relationship(back_populates="memberships")


class CommitmentRow(Base):
    """What a reply promised, by when, and when it was kept."""

    __tablename__ = "commitment"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    what: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    kept_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class EventRow(Base):
    """Who did what, when and why. Append-only; ``case_id`` is empty for acts on models."""

    __tablename__ = "event"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    who: Mapped[str] = mapped_column(String(100))
    detail: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class VectorRow(Base):
    """A case's sentence vectors under one encoder (float32 bytes): a cache, can be rebuilt."""

    __tablename__ = "case_vector"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    encoder: Mapped[str] = mapped_column(String(60), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    title: Mapped[bytes] = mapped_column(LargeBinary)


class CaseReadingRow(Base):
    """What finding related cases needs of a case's text (triage.pairs.CaseText): a cache as well."""

    __tablename__ = "case_reading"

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    reading: Mapped[str] = mapped_column(String(40))  # how it was read; another one is read again
    bag: Mapped[bytes] = mapped_column(LargeBinary)
    codes: Mapped[bytes] = mapped_column(LargeBinary)
    core: Mapped[int]


class ModelVersionRow(Base):
    """Every model version that was ever trained here, with its manifest."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("target", "version", name="uq_model_version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(String(20))
    version: Mapped[str] = mapped_column(String(60))
    sha256: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


Index("ix_decision_case_target", DecisionRow.case_id, DecisionRow.target)
Index("ix_case_received_on", CaseRow.received_on)
Index(
    "uq_merge_member_active",
    MergeMemberRow.case_id,
    unique=True,
    sqlite_where=MergeMemberRow.left_at.is_(None),
    postgresql_where=MergeMemberRow.left_at.is_(None),
)
