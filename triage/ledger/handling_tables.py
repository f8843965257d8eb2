"""Tables of what happens to a case once a section has it, and of the office's calendar and reminders."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from triage.ledger.base import Base, utc_now


class DeadlineRow(Base):
    """By when something is due in a case, under which rule it was counted, and when it was met."""

    __tablename__ = "deadline"
    __table_args__ = (
        CheckConstraint(
            "kind in ('reply','assist','objection','feedback','redo')",
            name="ck_deadline_kind",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    duty_id: Mapped[int | None] = mapped_column(ForeignKey("duty.id"), doc="whose it is, if not the case's")
    kind: Mapped[str] = mapped_column(String(20), doc="reply, assist, objection, feedback, redo")
    rule: Mapped[str] = mapped_column(String(60), doc="the period it was counted by; empty: set by hand")
    start_on: Mapped[date] = mapped_column(doc="the day before the first that counts")
    due_on: Mapped[date] = mapped_column(index=True, doc="the last day in time")
    met_on: Mapped[date | None] = mapped_column(doc="empty while open")
    dropped_on: Mapped[date | None] = mapped_column(doc="when it no longer mattered")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class DutyRow(Base):
    """One section's part in a case beside the lead: an opinion to give, or a part to handle."""

    __tablename__ = "duty"
    __table_args__ = (CheckConstraint("kind in ('assist','split')", name="ck_duty_kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    section: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(20), doc="assist: an opinion for the lead; split: a part")
    task: Mapped[str] = mapped_column(Text, doc="what is asked of the section; a split one needs it")
    handler: Mapped[str] = mapped_column(String(100), default="")
    answer: Mapped[str] = mapped_column(Text, default="", doc="the opinion, or what was done")
    answered_on: Mapped[date | None] = mapped_column(doc="when it reached the lead section")
    withdrawn_on: Mapped[date | None] = mapped_column(doc="when the section was let off")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class StageRow(Base):
    """One stage of a case that is handled in stages."""

    __tablename__ = "stage"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    what: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date]
    done_on: Mapped[date | None]
    dropped_on: Mapped[date | None] = mapped_column(doc="when it was taken out of the plan")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ContactRow(Base):
    """A contact with a deputy. A wrong entry is struck out, never removed."""

    __tablename__ = "contact"
    __table_args__ = (CheckConstraint("how in ('phone','visit','meeting','letter')", name="ck_contact_how"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    deputy: Mapped[str] = mapped_column(String(200), index=True, doc="with whom")
    how: Mapped[str] = mapped_column(String(20), doc="phone, visit, meeting, letter")
    held_on: Mapped[date]
    what: Mapped[str] = mapped_column(Text, doc="what was said")
    who: Mapped[str] = mapped_column(String(100), doc="who spoke for the bureau")
    struck_on: Mapped[date | None] = mapped_column(doc="entered by mistake")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ReplyRow(Base):
    """A reply that went out: to the deputy, or as an opinion to the lead unit. Append-only."""

    __tablename__ = "reply"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    number: Mapped[str] = mapped_column(String(100), doc="number of the letter")
    replied_on: Mapped[date]
    addressee: Mapped[str] = mapped_column(Text, doc="the deputies, or the unit that leads")
    signer: Mapped[str] = mapped_column(String(100), doc="who signed the letter")
    who: Mapped[str] = mapped_column(String(100), doc="who entered it")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class ResultRow(Base):
    """A result class as it was found on a day; another class later is another entry. Append-only."""

    __tablename__ = "result"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    result_class: Mapped[str] = mapped_column(String(20))
    found_on: Mapped[date]
    why: Mapped[str] = mapped_column(Text)
    who: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class FeedbackRow(Base):
    """What a deputy said of a reply. A wrong entry is struck out, never removed."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("verdict in ('满意','基本满意','不满意')", name="ck_feedback_verdict"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("reply.id"), doc="the reply it is about")
    deputy: Mapped[str] = mapped_column(String(200))
    verdict: Mapped[str] = mapped_column(String(20), doc="满意, 基本满意, 不满意")
    given_on: Mapped[date]
    comment: Mapped[str] = mapped_column(Text)
    struck_on: Mapped[date | None] = mapped_column(doc="entered by mistake")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class MeetingRow(Base):
    """A meeting on a case and what it settled. A wrong entry is struck out, never removed."""

    __tablename__ = "meeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    held_on: Mapped[date]
    chair: Mapped[str] = mapped_column(String(100), doc="who led it")
    attendees: Mapped[str] = mapped_column(Text)
    settled: Mapped[str] = mapped_column(Text, doc="what was settled")
    struck_on: Mapped[date | None] = mapped_column(doc="entered by mistake")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class HolidayRow(Base):
    """A day that differs from its weekday: a day off, or a weekend day that is worked."""

    __tablename__ = "holiday"
    __table_args__ = (CheckConstraint("kind in ('off','work','plain')", name="ck_holiday_kind"),)

    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), doc="off, work; plain: as its weekday, after all")
    name: Mapped[str] = mapped_column(String(100), default="")


class ReminderRow(Base):
    """A reminder that was told, so that it is told once."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("mark", name="uq_reminder_mark"),)
    sealed = False  # a list of messages sent, not of what happened to a case

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(200), doc="what makes it the same reminder")
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20), doc="due, late, lacks")
    message: Mapped[str] = mapped_column(Text)
    due_on: Mapped[date | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    told_at: Mapped[datetime | None] = mapped_column(doc="when it was shown or taken by the webhook")
    claimed_at: Mapped[datetime | None] = mapped_column(doc="when a process set out to tell it")
