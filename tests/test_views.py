"""Saved views: each person's own, under names of their own; on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.account_tables import AccountRow
from triage.ledger.store import Ledger
from triage.ledger.views import MAX_NAME, MOST, add_view, delete_view, list_views


def account(ledger: Ledger, name: str) -> int:
    """An account's number."""
    with ledger.write() as session:
        row = AccountRow(login=name, name=name, roles=["clerk"])
        session.add(row)
        session.flush()
        return row.id


def names(ledger: Ledger, account_id: int) -> list[tuple[str, str]]:
    with ledger.read() as session:
        return [(view.name, view.query) for view in list_views(account_id, session=session)]


def test_a_view_is_kept_for_its_owner_and_deleted_by_nobody_else(ledger: Ledger) -> None:
    own, other = account(ledger, "甲"), account(ledger, "乙")
    with ledger.write() as session:
        kept = add_view(own, " 我的逾期 ", "late=1", session=session).id
        add_view(own, "能源", "section=能源科", session=session)
        add_view(other, "能源", "topic=能源", session=session)
    assert names(ledger, own) == [("我的逾期", "late=1"), ("能源", "section=能源科")]
    assert names(ledger, other) == [("能源", "topic=能源")]
    for wrong in (kept + 100, 2**40, -1):
        with ledger.write() as session, pytest.raises(NotFound, match="没有这个视图"):
            delete_view(wrong, own, session=session)
    with ledger.write() as session, pytest.raises(NotFound):
        delete_view(kept, other, session=session)
    with ledger.write() as session:
        delete_view(kept, own, session=session)
    assert names(ledger, own) == [("能源", "section=能源科")]


def test_a_name_is_needed_and_stands_once(ledger: Ledger) -> None:
    own = account(ledger, "甲")
    with ledger.write() as session:
        add_view(own, "逾期", "late=1", session=session)
        with pytest.raises(Conflict, match="已有名为“逾期”的视图"):
            add_view(own, "逾期", "key=1", session=session)
        for name in ("", "  ", "长" * (MAX_NAME + 1), "\x00"):
            with pytest.raises(InputError, match="视图名称"):
                add_view(own, name, "late=1", session=session)
        with pytest.raises(InputError, match="查询条件太长"):
            add_view(own, "长", "text=" + "长" * 2_000, session=session)
    assert names(ledger, own) == [("逾期", "late=1")]


def test_a_person_keeps_so_many_views_and_no_more(ledger: Ledger) -> None:
    own = account(ledger, "甲")
    with ledger.write() as session:
        for n in range(MOST):
            add_view(own, f"视图{n}", "late=1", session=session)
        with pytest.raises(Conflict, match=f"已存了 {MOST} 个"):
            add_view(own, "再一个", "late=1", session=session)
