"""Accounts: who may sign in, under which name the record knows them, in which roles."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.account_tables import AccountRow, InviteRow, SignInRow
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.texts import check_text, check_who, needed_text

ROLE_NAMES = {
    "clerk": "办公室经办",
    "handler": "科室经办",
    "leader": "分管领导",
    "administrator": "管理员",
    "reader": "查阅",
}
MIN_PASSWORD, MAX_PASSWORD = 10, 200
_LOGIN = re.compile(r"[\w.@-]{2,100}")
_HASHER = PasswordHasher()  # argon2id with the library's parameters, which follow RFC 9106
# verified where there is no account, so that the time taken does not tell which names exist
_NOBODY = _HASHER.hash("nobody")


def add_account(
    login: str,
    name: str,
    roles: Sequence[str],
    *,
    who: str,
    session: Session,
    section: str = "",
) -> AccountRow:
    """A new account, which gets its password by a link or comes by single sign-on.

    Raises:
        InputError: a name that is taken, unknown roles, a handler without a section.
    """
    login = needed_text(login, 100, field="login", name="登录名").lower()
    if not _LOGIN.fullmatch(login):
        raise InputError("登录名用字母、数字、汉字和 . _ - @,2 到 100 个字符,不能有空格。", field="login")
    if _by_login(login, session) is not None:
        raise InputError(f"登录名“{login}”已经有了。", field="login")
    account = AccountRow(login=login, name=_free_name(name, None, session), password="")
    account.roles, account.section = _checked(roles, section)
    session.add(account)
    session.flush()
    add_event("account_added", who=check_who(who), session=session, **_told(account))
    return account


def change_account(
    account_id: int,
    *,
    who: str,
    session: Session,
    name: str,
    roles: Sequence[str],
    section: str = "",
    active: bool = True,
) -> AccountRow:
    """Other roles, another section or name, in use or not; whoever is out is signed out at once.

    Raises:
        NotFound, InputError: see add_account.
        Conflict: nobody would be left to manage the accounts.
    """
    account = get_account(account_id, session=session)
    before = _told(account)
    account.name = _free_name(name, account_id, session)
    account.roles, account.section = _checked(roles, section)
    account.active = active
    if not any("administrator" in other.roles for other in list_accounts(session=session) if other.active):
        raise Conflict("至少要留一个在用的管理员账号。")
    after = _told(account)
    if after == before:
        return account
    add_event("account_changed", who=check_who(who), session=session, **after, before=before)
    if not active:
        end_sign_ins(account_id, session=session)
    return account


def set_password(account: AccountRow, password: str, *, who: str, session: Session) -> None:
    """A new password; every sign-in with the old one ends.

    Raises:
        InputError: too short, too long, or the login name itself.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise InputError(f"密码至少 {MIN_PASSWORD} 个字符,最多 {MAX_PASSWORD} 个。", field="password")
    if account.login in password.lower() or len(set(password)) < 5:
        raise InputError("密码太容易猜:不要包含登录名,也不要总是那几个字符。", field="password")
    account.password = _HASHER.hash(password)
    end_sign_ins(account.id, session=session)
    add_event("password_set", who=check_who(who), session=session, account=account.id, login=account.login)


def is_password(account: AccountRow | None, password: str) -> bool:
    """Whether it is this account's; takes as long where there is no account or no password."""
    kept = account.password if account is not None and account.password else _NOBODY
    try:
        _HASHER.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not _NOBODY


def get_account(account_id: int, *, session: Session) -> AccountRow:
    """Raises NotFound where there is none."""
    account = session.get(AccountRow, account_id)
    if account is None:
        raise NotFound(f"没有第 {account_id} 号账号。")
    return account


def find_account(login: str, *, session: Session) -> AccountRow | None:
    """The account in use with that login name."""
    account = _by_login(login.strip().lower(), session)
    return account if account is not None and account.active else None


def list_accounts(*, session: Session) -> Sequence[AccountRow]:
    """All, those in use first."""
    return session.scalars(select(AccountRow).order_by(AccountRow.active.desc(), AccountRow.id)).all()


def has_accounts(session: Session) -> bool:
    """Whether anybody can manage the office yet."""
    return any(a.active and "administrator" in a.roles for a in list_accounts(session=session))


def end_sign_ins(account_id: int, *, session: Session) -> None:
    """Sign this account out everywhere; links that were sent do not work any more."""
    now = utc_now()
    for row in session.scalars(
        select(SignInRow).where(SignInRow.account_id == account_id, SignInRow.ended_at.is_(None))
    ):
        row.ended_at = now
    for invite in session.scalars(
        select(InviteRow).where(InviteRow.account_id == account_id, InviteRow.used_at.is_(None))
    ):
        invite.used_at = now


def _by_login(login: str, session: Session) -> AccountRow | None:
    return session.scalars(select(AccountRow).where(AccountRow.login == login)).first()


def _free_name(name: str, own: int | None, session: Session) -> str:
    name = check_who(name)
    taken = session.scalars(select(AccountRow).where(AccountRow.name == name)).first()
    if taken is not None and taken.id != own:
        raise InputError(f"姓名“{name}”已有账号;同名的请加上科室以便区分,如“{name}(能源科)”。", field="name")
    return name


def _checked(roles: Sequence[str], section: str) -> tuple[list[Any], str]:
    found = [role for role in ROLE_NAMES if role in roles]
    if not found or set(roles) - set(ROLE_NAMES):
        raise InputError(f"请选角色:{'、'.join(ROLE_NAMES.values())}。", field="roles")
    section = check_text(section, 200, field="section", name="科室")
    if "handler" in found and not section:
        raise InputError("科室经办须选所属科室。", field="section")
    return found, section


def _told(account: AccountRow) -> dict[str, Any]:
    return {
        "account": account.id,
        "login": account.login,
        "name": account.name,
        "roles": list(account.roles),
        "section": account.section,
        "active": account.active,
    }
