"""Tokens: what a program shows to be let in, with the scopes it was given."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import InputError, NotFound
from triage.ledger.account_tables import TokenRow
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.keys import digest, new_key
from triage.ledger.sign_ins import MINUTE
from triage.ledger.texts import check_who, needed_text

PREFIX = "triage_"  # so that one that was left in a file is found


def add_token(
    name: str, scopes: Collection[str], *, known: Collection[str], who: str, session: Session
) -> str:
    """The token, which nobody can show again.

    Args:
        name: of the program; its events say it.
        known: scopes that there are.

    Raises:
        InputError: no name, no scope or an unknown one.
    """
    name = needed_text(name, 100, field="name", name="程序名称")
    if not scopes or set(scopes) - set(known):
        raise InputError("请选令牌可以做什么。", field="scopes")
    key = new_key(PREFIX)
    row = TokenRow(name=name, sha256=digest(key), scopes=sorted(scopes), who=check_who(who))
    session.add(row)
    session.flush()
    add_event("token_added", who=row.who, session=session, token=row.id, name=name, scopes=row.scopes)
    return key


def find_token(key: str, *, session: Session) -> TokenRow | None:
    """The token in use with this secret."""
    row = session.scalars(select(TokenRow).where(TokenRow.sha256 == digest(key))).first()
    return row if row is not None and row.revoked_at is None else None


def is_long_unused(row: TokenRow) -> bool:
    """Whether its use should be written down again: once a minute is enough."""
    return row.used_at is None or utc_now() - row.used_at > MINUTE


def touch_token(token_id: int, *, session: Session) -> None:
    """Note that it is in use."""
    session.get_one(TokenRow, token_id).used_at = utc_now()


def revoke_token(token_id: int, *, who: str, session: Session) -> TokenRow:
    """It lets nobody in any more; NotFound where there is none."""
    row = session.get(TokenRow, token_id)
    if row is None:
        raise NotFound("没有这个令牌。")
    if row.revoked_at is None:
        row.revoked_at = utc_now()
        add_event("token_revoked", who=check_who(who), session=session, token=row.id, name=row.name)
    return row


def list_tokens(*, session: Session) -> Sequence[TokenRow]:
    """All, newest first; revoked ones stay to be seen."""
    return session.scalars(select(TokenRow).order_by(TokenRow.id.desc())).all()
