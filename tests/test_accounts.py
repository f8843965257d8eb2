"""Accounts, sign-ins, links and tokens in the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from entry import sign_in
from sqlalchemy import select, update

from triage.errors import Conflict, InputError, NotFound, Refused, TooMany
from triage.ledger import sign_ins
from triage.ledger.account_tables import AccountRow, AttemptRow, InviteRow, SignInRow, TokenRow
from triage.ledger.accounts import add_account, change_account, has_accounts, is_password, set_password
from triage.ledger.base import utc_now
from triage.ledger.invites import LASTS, add_invite, find_invite, use_first_invite, use_invite
from triage.ledger.keys import digest
from triage.ledger.sign_ins import (
    IDLE,
    LONGEST,
    MOST_HERE,
    MOST_OF_ADDRESS,
    begin_sign_in,
    check_password,
    find_sign_in,
    note_failure,
)
from triage.ledger.store import Ledger
from triage.ledger.tables import EventRow
from triage.ledger.tokens import add_token, find_token, revoke_token

PASSWORD = "云澜 yunlan 2026"
HERE = "10.0.0.5"


def first(ledger: Ledger) -> int:
    """An office whose first administrator came in by the link."""
    with ledger.write() as session:
        key = add_invite(None, who="系统", session=session)
        return use_first_invite(key, login="Li", name="李主任", password=PASSWORD, session=session).id


def events(ledger: Ledger) -> list[tuple[str, str, dict[str, Any]]]:
    with ledger.read() as session:
        rows = session.scalars(select(EventRow).where(EventRow.case_id.is_(None)).order_by(EventRow.id))
        return [(row.kind, row.who, row.detail) for row in rows]


def test_the_first_link_makes_an_administrator_once(ledger: Ledger) -> None:
    with ledger.write() as session:
        assert not has_accounts(session)
        key = add_invite(None, who="系统", session=session)
    with ledger.write() as session:
        account = use_first_invite(key, login=" Li ", name="李主任", password=PASSWORD, session=session)
        assert (account.login, account.roles) == ("li", ["clerk", "administrator"])
    with ledger.write() as session:
        assert has_accounts(session)
        with pytest.raises(Refused, match="用过"):
            use_first_invite(key, login="x2", name="王", password=PASSWORD, session=session)
        with pytest.raises(Conflict, match="已经有管理员"):
            add_invite(None, who="系统", session=session)
    kinds = [(kind, who) for kind, who, _ in events(ledger)]
    assert kinds == [("account_added", "李主任"), ("password_set", "李主任")]


def test_a_new_first_link_ends_the_one_before(ledger: Ledger) -> None:
    with ledger.write() as session:
        old = add_invite(None, who="系统", session=session)
        add_invite(None, who="系统", session=session)
        with pytest.raises(Refused):
            find_invite(old, session=session)


def test_a_link_lasts_a_day(ledger: Ledger) -> None:
    with ledger.write() as session:
        key = add_invite(None, who="系统", session=session)
        session.flush()
        session.execute(update(InviteRow).values(expires_at=utc_now() - timedelta(seconds=1)))
        session.expire_all()
        with pytest.raises(Refused):
            find_invite(key, session=session)
    assert timedelta(hours=1) < LASTS <= timedelta(days=2)


def test_no_secret_is_kept_as_it_is(ledger: Ledger) -> None:
    first(ledger)
    with ledger.write() as session:
        account = session.scalars(select(AccountRow)).one()
        link = add_invite(account.id, who="李主任", session=session)
        cookie = begin_sign_in(account, address=HERE, session=session)
        token = add_token("办公系统", ["read"], known=("read",), who="李主任", session=session)
    with ledger.read() as session:
        kept = repr(
            [
                [getattr(row, column.key) for column in row.__table__.columns]
                for table in (AccountRow, SignInRow, InviteRow, TokenRow, EventRow)
                for row in session.scalars(select(table))
            ]
        )
    for secret in (PASSWORD, link, cookie, token):
        assert secret not in kept
    assert "$argon2id$" in kept


@pytest.mark.parametrize("password", ["short", "1234567890" * 21, "aaaaaaaaaaaaaaa", "my-name-is-li-2026"])
def test_a_poor_password_is_refused(ledger: Ledger, password: str) -> None:
    account = first(ledger)
    with ledger.write() as session:
        row = session.get_one(AccountRow, account)
        with pytest.raises(InputError, match="密码"):
            set_password(row, password, who="李主任", session=session)
        assert is_password(row, PASSWORD)


def test_a_wrong_password_and_an_unknown_name_sound_the_same(ledger: Ledger) -> None:
    first(ledger)
    said = []
    for login, password in (("li", "something else"), ("nobody", PASSWORD)):
        with ledger.read() as session, pytest.raises(Refused) as refused:
            check_password(login, password, address=HERE, session=session)
        said.append(refused.value.message)
    assert said[0] == said[1]


def test_an_account_without_a_password_cannot_be_entered_by_one(ledger: Ledger) -> None:
    first(ledger)
    with ledger.write() as session:
        add_account("wang", "王工", ["handler"], section="能源科", who="李主任", session=session)
        for password in ("", "nobody", "!"):
            with pytest.raises(Refused):
                check_password("wang", password, address=HERE, session=session)


def test_after_five_failures_even_the_right_password_is_not_looked_at_from_there(ledger: Ledger) -> None:
    first(ledger)
    with ledger.write() as session:
        for _ in range(MOST_HERE):
            note_failure("LI ", address=HERE, session=session)
    with ledger.read() as session:
        with pytest.raises(TooMany, match="15 分钟"):
            check_password("li", PASSWORD, address=HERE, session=session)
        assert check_password("li", PASSWORD, address="10.0.0.6", session=session).name == "李主任"
    with ledger.write() as session:
        session.execute(update(AttemptRow).values(created_at=utc_now() - sign_ins.WINDOW))
    with ledger.read() as session:
        assert check_password("li", PASSWORD, address=HERE, session=session)


def test_trying_many_names_from_one_address_is_throttled_too(ledger: Ledger) -> None:
    first(ledger)
    with ledger.write() as session:
        for n in range(MOST_OF_ADDRESS):
            note_failure(f"name{n}", address=HERE, session=session)
    with ledger.read() as session, pytest.raises(TooMany):
        check_password("li", PASSWORD, address=HERE, session=session)


@pytest.mark.parametrize(
    ("column", "ago"), [("created_at", LONGEST), ("seen_at", IDLE), ("ended_at", timedelta(0))]
)
def test_a_session_ends(ledger: Ledger, column: str, ago: timedelta) -> None:
    key = sign_in(ledger)
    with ledger.read() as session:
        assert find_sign_in(key, session=session) is not None
        assert find_sign_in(key + "x", session=session) is None
    with ledger.write() as session:
        session.execute(update(SignInRow).values({column: utc_now() - ago}))
    with ledger.read() as session:
        assert find_sign_in(key, session=session) is None


def test_a_new_password_or_an_account_out_of_use_ends_every_session_and_link(ledger: Ledger) -> None:
    own = first(ledger)
    with ledger.write() as session:
        wang = add_account("wang", "王工", ["handler"], section="能源科", who="李主任", session=session)
        number, link = wang.id, add_invite(wang.id, who="李主任", session=session)
        use_invite(link, password=PASSWORD, session=session)
        key, again = (
            begin_sign_in(wang, address=HERE, session=session),
            add_invite(number, who="李主任", session=session),
        )
    with ledger.write() as session:
        change_account(
            number,
            name="王工",
            roles=["handler"],
            section="能源科",
            active=False,
            who="李主任",
            session=session,
        )
    with ledger.write() as session:
        assert find_sign_in(key, session=session) is None
        for used in (link, again):
            with pytest.raises(Refused):
                use_invite(used, password=PASSWORD, session=session)
        with pytest.raises(Refused):
            check_password("wang", PASSWORD, address=HERE, session=session)
        with pytest.raises(Conflict, match="停用"):
            add_invite(number, who="李主任", session=session)
    key = sign_in(ledger, "李主任")
    with ledger.write() as session:
        set_password(session.get_one(AccountRow, own), PASSWORD + "!", who="李主任", session=session)
    with ledger.read() as session:
        assert find_sign_in(key, session=session) is None


def test_the_last_administrator_stays(ledger: Ledger) -> None:
    own = first(ledger)
    for roles, active in ((["clerk"], True), (["administrator"], False)):
        with pytest.raises(Conflict, match="管理员"), ledger.write() as session:
            change_account(own, name="李主任", roles=roles, active=active, who="李主任", session=session)
    with ledger.read() as session:
        assert session.get_one(AccountRow, own).roles == ["clerk", "administrator"]


def test_each_change_of_an_account_is_on_record_with_what_was_before(ledger: Ledger) -> None:
    own = first(ledger)
    with ledger.write() as session:
        change_account(own, name="李主任", roles=["administrator"], who="李主任", session=session)
        change_account(
            own, name="李主任", roles=["administrator"], who="李主任", session=session
        )  # nothing new
    changes = [(who, detail) for kind, who, detail in events(ledger) if kind == "account_changed"]
    assert len(changes) == 1
    assert changes[0][0] == "李主任"
    assert changes[0][1]["before"]["roles"] == ["clerk", "administrator"]
    assert changes[0][1]["roles"] == ["administrator"]


@pytest.mark.parametrize(
    ("login", "name", "roles", "section", "says"),
    [
        ("li", "王工", ["clerk"], "", "已经有了"),
        ("wang", "李主任", ["clerk"], "", "已有账号"),
        ("wang", "王工", [], "", "角色"),
        ("wang", "王工", ["king"], "", "角色"),
        ("wang", "王工", ["handler"], " ", "科室"),
        ("wang gong", "王工", ["clerk"], "", "登录名"),
        ("", "王工", ["clerk"], "", "登录名"),
        ("wang", " ", ["clerk"], "", "姓名"),
    ],
)
def test_an_account_that_cannot_be_is_refused_in_words(
    ledger: Ledger, login: str, name: str, roles: list[str], section: str, says: str
) -> None:
    first(ledger)
    with ledger.write() as session, pytest.raises(InputError, match=says):
        add_account(login, name, roles, section=section, who="李主任", session=session)


def test_a_token_works_until_it_is_revoked_and_says_what_it_is_for(ledger: Ledger) -> None:
    with ledger.write() as session:
        key = add_token("办公系统", {"read", "intake"}, known=("read", "intake"), who="李", session=session)
        with pytest.raises(InputError):
            add_token("办公系统", {"accounts"}, known=("read", "intake"), who="李", session=session)
        with pytest.raises(InputError):
            add_token("办公系统", set(), known=("read",), who="李", session=session)
    with ledger.write() as session:
        found = find_token(key, session=session)
        assert found is not None
        assert found.scopes == ["intake", "read"]
        assert find_token(digest(key), session=session) is None
        revoke_token(found.id, who="李", session=session)
        revoke_token(found.id, who="李", session=session)
        with pytest.raises(NotFound):
            revoke_token(999, who="李", session=session)
    with ledger.read() as session:
        assert find_token(key, session=session) is None
    assert [kind for kind, _, _ in events(ledger)] == ["token_added", "token_revoked"]
