"""Tables of the people and programs that may enter: accounts, sign-ins, tokens, links, saved views."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from triage.ledger.base import Base, utc_now


class AccountRow(Base):
    """A person who may sign in. Its name is what the record calls this person; never deleted."""

    __tablename__ = "account"
    sealed = False  # each change is an event

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(100), unique=True, doc="what is typed to sign in, lower case")
    name: Mapped[str] = mapped_column(String(100), unique=True, doc="who, in events and decisions")
    password: Mapped[str] = mapped_column(
        String(200), default="", doc="argon2 hash; empty: by single sign-on or link only"
    )
    roles: Mapped[list[Any]] = mapped_column(doc="clerk, handler, leader, administrator, reader")
    section: Mapped[str] = mapped_column(String(200), default="", doc="of a handler")
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SignInRow(Base):
    """One sign-in of a browser, from the password to the end of the session."""

    __tablename__ = "sign_in"
    sealed = False

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True, doc="of the cookie's secret")
    address: Mapped[str] = mapped_column(String(100), default="", doc="where it came from")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now, doc="to the minute")
    ended_at: Mapped[datetime | None] = mapped_column(doc="signed out, or ended by an administrator")

    account: Mapped[AccountRow] = relationship(lazy="joined", innerjoin=True)


class AttemptRow(Base):
    """A try to sign in that failed; old ones are cleared."""

    __tablename__ = "sign_in_attempt"
    __table_args__ = (Index("ix_sign_in_attempt_login", "login", "created_at"),)
    sealed = False

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(100))
    address: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(default=utc_now, index=True)


class InviteRow(Base):
    """A link that works once: to become the first administrator, or to set one's password."""

    __tablename__ = "invite"
    sealed = False

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True, doc="of the link's secret")
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id"), doc="empty: for the first administrator"
    )
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime] = mapped_column()
    used_at: Mapped[datetime | None] = mapped_column()


class TokenRow(Base):
    """A program's key, with what it may do. Shown once; kept as its hash."""

    __tablename__ = "token"
    sealed = False  # each change is an event

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), doc="of the program, in its events")
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]] = mapped_column(doc="permissions")
    who: Mapped[str] = mapped_column(String(100), doc="who made it")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    used_at: Mapped[datetime | None] = mapped_column(doc="last, to the minute")
    revoked_at: Mapped[datetime | None] = mapped_column()


class ViewRow(Base):
    """A view of the ledger that a person saved."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("account_id", "name", name="uq_saved_view_name"),)
    sealed = False

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    query: Mapped[str] = mapped_column(Text, doc="as in the page's address")
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
