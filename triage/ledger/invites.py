"""Links that work once: to become the first administrator, or to set one's own password."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, Refused
from triage.ledger.account_tables import AccountRow, InviteRow
from triage.ledger.accounts import add_account, get_account, has_accounts, set_password
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.keys import digest, new_key

LASTS = timedelta(hours=24)


def add_invite(account_id: int | None, *, who: str, session: Session) -> str:
    """The secret of a new link; an earlier one for the same purpose stops working.

    Args:
        account_id: whose password it sets; None: whoever has it becomes the first administrator.

    Raises:
        Conflict: there is an administrator already.
    """
    now = utc_now()
    for earlier in session.scalars(
        select(InviteRow).where(InviteRow.account_id.is_not_distinct_from(account_id))
    ):
        earlier.used_at = earlier.used_at or now
    if account_id is None and has_accounts(session):
        raise Conflict("已经有管理员了。")
    if account_id is not None:
        account = get_account(account_id, session=session)
        if not account.active:
            raise Conflict(f"{account.name}的账号已停用,先恢复再发链接。")
        add_event("link_made", who=who, session=session, account=account.id, login=account.login)
    key = new_key()
    session.add(InviteRow(sha256=digest(key), account_id=account_id, expires_at=now + LASTS))
    return key


def find_invite(key: str, *, session: Session) -> InviteRow:
    """The link of this secret; Refused where it was used, has expired or never was."""
    row = session.scalars(select(InviteRow).where(InviteRow.sha256 == digest(key))).first()
    if row is None or row.used_at is not None or row.expires_at < utc_now():
        raise Refused("这个链接已经用过、过期或不完整。请管理员重新发一个,或重新启动服务得到新的。")
    return row


def use_first_invite(key: str, *, login: str, name: str, password: str, session: Session) -> AccountRow:
    """The first administrator, who may do the office's daily work too until others have accounts."""
    invite = find_invite(key, session=session)
    if invite.account_id is not None or has_accounts(session):
        raise Refused("已经有管理员了,这个链接不再有效。")
    account = add_account(login, name, ("administrator", "clerk"), who=name, session=session)
    set_password(account, password, who=account.name, session=session)
    invite.used_at = utc_now()
    return account


def use_invite(key: str, *, password: str, session: Session) -> AccountRow:
    """The account whose password was set by its link."""
    invite = find_invite(key, session=session)
    if invite.account_id is None:
        raise Refused("这个链接是设立管理员用的。")
    account = get_account(invite.account_id, session=session)
    set_password(account, password, who=account.name, session=session)
    invite.used_at = utc_now()
    return account
