"""Signing in and out: a password tried slowly, a session that ends."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from triage.errors import Refused, TooMany
from triage.ledger.account_tables import AccountRow, AttemptRow, SignInRow
from triage.ledger.accounts import find_account, is_password
from triage.ledger.base import utc_now
from triage.ledger.keys import digest, new_key

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
WINDOW = timedelta(minutes=15)
# failures within WINDOW after which no password is looked at: of one name from one address, of one
# name from anywhere, from one address (an office may share one)
MOST_HERE, MOST_ANYWHERE, MOST_OF_ADDRESS = 5, 30, 60
MINUTE = timedelta(minutes=1)


def check_password(login: str, password: str, *, address: str, session: Session) -> AccountRow:
    """The account that this is the password of.

    A failure is not written here but by ``note_failure``, in a transaction that outlives the refusal.

    Raises:
        TooMany: too many failures of late; the password was not looked at.
        Refused: no such account, or another password; the sentence does not say which.
    """
    _check_throttle(login, address, session)
    account = find_account(login, session=session)
    if not is_password(account, password) or account is None:
        raise Refused("登录名或密码不对。")
    return account


def note_failure(login: str, *, address: str, session: Session) -> None:
    """Count a refused try; those of earlier days are forgotten."""
    session.execute(delete(AttemptRow).where(AttemptRow.created_at < utc_now() - timedelta(days=1)))
    session.add(AttemptRow(login=login.strip().lower()[:100], address=address[:100]))


def begin_sign_in(account: AccountRow, *, address: str, session: Session) -> str:
    """The secret of a new session; it is shown to the browser and kept as its hash."""
    key = new_key()
    session.add(SignInRow(account_id=account.id, sha256=digest(key), address=address[:100]))
    session.execute(
        delete(AttemptRow).where(AttemptRow.login == account.login, AttemptRow.address == address[:100])
    )
    return key


def find_sign_in(key: str, *, session: Session) -> SignInRow | None:
    """The session of this secret if it has not ended, not been idle too long, and its account is in use."""
    row = session.scalars(select(SignInRow).where(SignInRow.sha256 == digest(key))).first()
    if row is None or row.ended_at is not None or not row.account.active:
        return None
    now = utc_now()
    return row if now - row.created_at < LONGEST and now - row.seen_at < IDLE else None


def is_stale(row: SignInRow) -> bool:
    """Whether its last use should be written down again: once a minute is enough."""
    return utc_now() - row.seen_at > MINUTE


def touch(sign_in_id: int, *, session: Session) -> None:
    """Note that the session is in use."""
    row = session.get_one(SignInRow, sign_in_id)
    row.seen_at = utc_now()


def end_sign_in(sign_in_id: int, *, account_id: int, session: Session) -> None:
    """End one session of this account; somebody else's stays."""
    row = session.get(SignInRow, sign_in_id)
    if row is not None and row.account_id == account_id and row.ended_at is None:
        row.ended_at = utc_now()


def list_sign_ins(account_id: int, *, session: Session) -> list[SignInRow]:
    """The sessions of an account that are open, newest first."""
    now = utc_now()
    rows = session.scalars(
        select(SignInRow)
        .where(
            SignInRow.account_id == account_id,
            SignInRow.ended_at.is_(None),
            SignInRow.created_at > now - LONGEST,
            SignInRow.seen_at > now - IDLE,
        )
        .order_by(SignInRow.id.desc())
    )
    return list(rows)


def _check_throttle(login: str, address: str, session: Session) -> None:
    now = utc_now()
    # what lies in the future was before the clock was set back; nobody is kept out until it has come
    recent = AttemptRow.created_at.between(now - WINDOW, now + WINDOW)
    login, address = login.strip().lower()[:100], address[:100]

    def failures(*conditions: object) -> int:
        count = select(func.count()).select_from(AttemptRow).where(recent)
        for condition in conditions:
            count = count.where(condition)  # type: ignore[arg-type]
        return session.scalar(count) or 0

    own, here = AttemptRow.login == login, AttemptRow.address == address
    if (
        failures(own, here) >= MOST_HERE
        or failures(own) >= MOST_ANYWHERE
        or failures(here) >= MOST_OF_ADDRESS
    ):
        raise TooMany(f"登录失败次数太多,请 {WINDOW.seconds // 60} 分钟后再试,或请管理员发一次性链接。")
