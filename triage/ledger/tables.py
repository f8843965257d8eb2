"""The ledger's tables. Migrations create them; a test holds the two against each other."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    and_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from triage.ledger import account_tables as account_tables  # on the metadata with the others
from triage.ledger.base import Base, utc_now
from triage.ledger.file_tables import CaseFileRow
from triage.ledger.handling_tables import (
    ContactRow,
    DeadlineRow,
    DutyRow,
    FeedbackRow,
    MeetingRow,
    ReplyRow,
    ResultRow,
    StageRow,
)
from triage.ledger.learning_tables import AuditRow


class CaseRow(Base):
    """One incoming suggestion, from intake to closing. What was handed in is never changed."""

    __tablename__ = "case"
    __table_args__ = (
        UniqueConstraint("session", "number", name="uq_case_session_number"),
        UniqueConstraint("idempotency_key", name="uq_case_idempotency_key"),
        Index("ix_case_state_certainty", "state", "certainty", "id"),
        Index("ix_case_section", "section", "id"),
        Index("ix_case_due_on", "due_on"),
        Index("ix_case_received_on", "received_on"),
        # every column that cases are looked for by: a count touches nothing else
        Index(
            "ix_case_facets",
            *("state", "route", "section", "topic", "handling", "leader", "handler", "role"),
            *("result_class", "session", "number", "kind", "key_on", "received_on", "due_on", "closed_on"),
            *("certainty", "id"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, doc="the case's place in the ledger")
    session: Mapped[str] = mapped_column(String(200), default="", doc="session of the congress")
    number: Mapped[str | None] = mapped_column(String(100), doc="number in its session")
    idempotency_key: Mapped[str | None] = mapped_column(String(200), doc="what makes a repeat known")
    kind: Mapped[str] = mapped_column(String(20), default="", doc="建议, 提案, 议案 or empty")
    title: Mapped[str] = mapped_column(Text, doc="as handed in")
    body: Mapped[str] = mapped_column(Text, doc="as handed in")
    deputy: Mapped[str] = mapped_column(Text, default="", doc="the first signer")
    cosigners: Mapped[str] = mapped_column(Text, default="", server_default="", doc="the other signers")
    delegation: Mapped[str] = mapped_column(Text, default="", doc="delegation or sector")
    role: Mapped[str] = mapped_column(
        String(20), default="", server_default="", doc="the bureau's part: 主办, 会办, 分办, 独办, 参阅"
    )
    lead_unit: Mapped[str] = mapped_column(
        String(200), default="", server_default="", doc="who leads where the bureau only assists"
    )
    phone: Mapped[str] = mapped_column(String(500), default="", server_default="", doc="the deputy's")
    proposed_unit: Mapped[str] = mapped_column(
        String(500), default="", server_default="", doc="who should handle it, as the deputy sees it"
    )
    received_on: Mapped[date] = mapped_column(doc="deadlines are counted from it")
    content_sha256: Mapped[str] = mapped_column(String(64), index=True, doc="of what was handed in")
    state: Mapped[str] = mapped_column(String(20), index=True, doc="see States")
    route: Mapped[str] = mapped_column(String(10), doc="auto or review")
    route_reason: Mapped[str] = mapped_column(Text, default="", doc="why so")
    certainty: Mapped[float | None] = mapped_column(Float, doc="of the first section at intake")
    version: Mapped[int] = mapped_column(default=1, doc="raised once by each change; guards them")
    section: Mapped[str | None] = mapped_column(String(200), doc="section that counts now")
    topic: Mapped[str | None] = mapped_column(String(200), doc="topic that counts now")
    handling: Mapped[str | None] = mapped_column(String(200), doc="handling type that counts now")
    leader: Mapped[str] = mapped_column(
        String(100), default="", server_default="", index=True, doc="leader in charge"
    )
    handler: Mapped[str] = mapped_column(
        String(100), default="", server_default="", index=True, doc="handler in the section"
    )
    hard_on: Mapped[date | None] = mapped_column(doc="when it was found hard, which gives more time")
    key_on: Mapped[date | None] = mapped_column(doc="since when it is a key case")
    reasons: Mapped[str] = mapped_column(Text, default="", server_default="", doc="why it must wait")
    measures: Mapped[str] = mapped_column(Text, default="", server_default="", doc="what is done meanwhile")
    due_on: Mapped[date | None] = mapped_column(doc="when the reply or opinion is due")
    replied_on: Mapped[date | None] = mapped_column(doc="day of the newest reply")
    reply_number: Mapped[str] = mapped_column(String(100), default="", doc="of the newest reply")
    result_class: Mapped[str | None] = mapped_column(String(20), index=True, doc="the newest one")
    closed_on: Mapped[date | None] = mapped_column(doc="empty again while a redo is open")
    created_at: Mapped[datetime] = mapped_column(default=utc_now, doc="when it was entered")

    predictions: Mapped[list[PredictionRow]] = relationship(order_by="PredictionRow.id")
    # those that count: what was taken back is in the events, and its row in its table
    decisions: Mapped[list[DecisionRow]] = relationship(
        order_by="DecisionRow.id",
        primaryjoin=lambda: and_(
            DecisionRow.case_id == CaseRow.id, DecisionRow.id.not_in(select(WithdrawalRow.decision_id))
        ),
        viewonly=True,
    )
    events: Mapped[list[EventRow]] = relationship(order_by="EventRow.id")
    audit: Mapped[AuditRow | None] = relationship()
    memberships: Mapped[list[MergeMemberRow]] = relationship(
        order_by="MergeMemberRow.id", back_populates="case"
    )
    commitments: Mapped[list[CommitmentRow]] = relationship(order_by="CommitmentRow.id")
    deadlines: Mapped[list[DeadlineRow]] = relationship(order_by="DeadlineRow.id")
    duties: Mapped[list[DutyRow]] = relationship(order_by="DutyRow.id")
    stages: Mapped[list[StageRow]] = relationship(order_by="StageRow.id")
    contacts: Mapped[list[ContactRow]] = relationship(order_by="ContactRow.id")
    replies: Mapped[list[ReplyRow]] = relationship(order_by="ReplyRow.id")
    results: Mapped[list[ResultRow]] = relationship(order_by="ResultRow.id")
    feedback: Mapped[list[FeedbackRow]] = relationship(order_by="FeedbackRow.id")
    meetings: Mapped[list[MeetingRow]] = relationship(order_by="MeetingRow.id")
    files: Mapped[list[CaseFileRow]] = relationship(order_by="CaseFileRow.id")


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


class WithdrawalRow(Base):
    """A decision that was taken back by whoever made it; it counts no more. Append-only."""

    __tablename__ = "withdrawal"

    id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decision.id"), unique=True)
    who: Mapped[str] = mapped_column(String(100))
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

    look_backs: Mapped[list[LookBackRow]] = relationship(order_by="LookBackRow.id")


class LookBackRow(Base):
    """One look back (回头看) at a commitment: how far it has come. Append-only."""

    __tablename__ = "look_back"

    id: Mapped[int] = mapped_column(primary_key=True)
    commitment_id: Mapped[int] = mapped_column(ForeignKey("commitment.id"), index=True)
    looked_on: Mapped[date]
    progress: Mapped[str] = mapped_column(Text, doc="what was found")
    who: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class EventRow(Base):
    """Who did what, when and why. Append-only; each carries the hash of the one before.

    ``case_id`` is empty for acts on the office: models, holidays, the ledger itself.
    """

    __tablename__ = "event"
    sealed = False  # chained instead

    id: Mapped[int] = mapped_column(primary_key=True, doc="1, 2, 3 without gaps; the feed's cursor")
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40), index=True, doc="see Events")
    who: Mapped[str] = mapped_column(String(100), doc="a person, a program, or 系统")
    detail: Mapped[dict[str, Any]] = mapped_column(doc="what exactly; before and after where it changed")
    version: Mapped[int | None] = mapped_column(doc="version of the case that this made")
    hash: Mapped[str] = mapped_column(String(64), default="", server_default="", doc="see The chain")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SealRow(Base):
    """What rows a transaction wrote, as digests; one for the last event of each. Append-only."""

    __tablename__ = "seal"
    sealed = False

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"), primary_key=True, autoincrement=False)
    rows: Mapped[dict[str, Any]] = mapped_column(doc="table:key to digest")
    hash: Mapped[str] = mapped_column(String(64), doc="the next event goes on from it")


class VectorRow(Base):
    """A case's sentence vectors under one encoder (float32 bytes): a cache, can be rebuilt."""

    __tablename__ = "case_vector"
    sealed = False

    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), primary_key=True)
    encoder: Mapped[str] = mapped_column(String(60), primary_key=True)
    document: Mapped[bytes] = mapped_column(LargeBinary)
    title: Mapped[bytes] = mapped_column(LargeBinary)


class CaseReadingRow(Base):
    """What finding related cases needs of a case's text (triage.pairs.CaseText): a cache as well."""

    __tablename__ = "case_reading"
    sealed = False

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
Index(
    "uq_merge_member_active",
    MergeMemberRow.case_id,
    unique=True,
    sqlite_where=MergeMemberRow.left_at.is_(None),
    postgresql_where=MergeMemberRow.left_at.is_(None),
)
