"""Tables of the files that were handed in, and of the lists that are being taken in."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from triage.ledger.base import Base, utc_now


class OriginalRow(Base):
    """A file as it was handed in, kept once under the hash of its content. Append-only.

    The hash is its seal: ``verify`` holds each content against its key.
    """

    __tablename__ = "original"
    sealed = False

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True, doc="of the content")
    size: Mapped[int] = mapped_column(doc="bytes")
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class CaseFileRow(Base):
    """A file that a case was read from: its own document, or the sheet it stood in. Append-only."""

    __tablename__ = "case_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case.id"), index=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("original.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(200), doc="its name when it was handed in")
    place: Mapped[str] = mapped_column(String(300), default="", doc="sheet and line; empty: the whole file")
    who: Mapped[str] = mapped_column(String(100), doc="who handed it in")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class WaitingFileRow(Base):
    """A file that waits for a person: what was read of it, and what that person corrected so far."""

    __tablename__ = "waiting_file"
    __table_args__ = (
        CheckConstraint("kind in ('intake','import')", name="ck_waiting_file_kind"),
        CheckConstraint("holds in ('document','list')", name="ck_waiting_file_holds"),
        CheckConstraint("state in ('waiting','taken','started','set_aside')", name="ck_waiting_file_state"),
    )
    sealed = False  # work under way; what became of it is in the events

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), doc="intake: new suggestions; import: a ledger kept so far")
    holds: Mapped[str] = mapped_column(String(20), doc="document: one suggestion; list: one in each row")
    sha256: Mapped[str] = mapped_column(ForeignKey("original.sha256"), index=True)
    name: Mapped[str] = mapped_column(String(200), doc="the file's name")
    who: Mapped[str] = mapped_column(String(100), doc="who handed it in")
    read: Mapped[dict[str, Any]] = mapped_column(doc="what the program read")
    corrected: Mapped[dict[str, Any]] = mapped_column(doc="what a person made of it so far")
    state: Mapped[str] = mapped_column(
        String(20), index=True, doc="waiting; taken: it is a case; started: it is a batch; set_aside"
    )
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"), doc="that it became")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"), doc="that takes it in")
    why: Mapped[str] = mapped_column(Text, default="", doc="why it was set aside")
    changed_by: Mapped[str] = mapped_column(
        String(100), default="", doc="who corrected it, took it in or set it aside"
    )
    version: Mapped[int] = mapped_column(default=1, doc="raised by each change")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


class BatchRow(Base):
    """A file whose rows are being taken in, how far that is, and its report so far."""

    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("kind in ('intake','import')", name="ck_batch_kind"),
        CheckConstraint("state in ('waiting','running','stopped','done','failed')", name="ck_batch_state"),
    )
    sealed = False  # work under way; what it wrote is in the cases' own events

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), doc="intake: new suggestions; import: a ledger kept so far")
    sha256: Mapped[str] = mapped_column(ForeignKey("original.sha256"))
    name: Mapped[str] = mapped_column(String(200), doc="the file's name")
    options: Mapped[dict[str, Any]] = mapped_column(doc="session and mapping")
    who: Mapped[str] = mapped_column(String(100), doc="who handed it in")
    state: Mapped[str] = mapped_column(String(20), index=True, doc="waiting, running, stopped, done, failed")
    done: Mapped[int] = mapped_column(default=0, doc="rows that are through")
    total: Mapped[int] = mapped_column(default=0, doc="rows in all, 0 until they are counted")
    report: Mapped[dict[str, Any]] = mapped_column(doc="what became of the rows so far")
    problem: Mapped[str] = mapped_column(Text, default="", doc="why it failed")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    alive_at: Mapped[datetime] = mapped_column(default=utc_now, doc="when its process was last heard of")
