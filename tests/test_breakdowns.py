"""A database that refuses, falls silent or goes: a sentence within bounds, nothing written, back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import new_database
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from training.chaos.link import Link
from triage.desk import Desk
from triage.errors import LedgerBusy, LedgerUnwritable, OutcomeUnknown
from triage.ledger.postgres_link import LINK
from triage.ledger.store import HOLD, Ledger, retried

PATIENCE = 0.6


def limit(ledger: Ledger, pragma: str) -> None:
    """From now on every connection has it."""
    ledger.engine.dispose()
    event.listen(ledger.engine, "connect", lambda connection, _: connection.execute(f"pragma {pragma}"))


@pytest.mark.parametrize(
    ("broken", "whole", "status", "said"),
    [
        ("max_page_count = 1", "max_page_count = 1073741823", 507, "磁盘满了"),
        ("query_only = on", "query_only = off", 503, "写不进"),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_that_cannot_be_written_is_named_in_words_and_reading_goes_on(
    client: TestClient, desk: Desk, broken: str, whole: str, status: int, said: str
) -> None:
    first = client.post("/api/cases", json={"body": "停车场收费太乱", "number": "第001号"}).json()
    second = {"body": "路灯不亮,请修。" * 2_000, "number": "第002号"}
    limit(desk.ledger, broken)
    began = time.monotonic()
    answer = client.post("/api/cases", json=second)
    assert answer.status_code == status
    assert said in answer.json()["detail"]
    assert int(answer.headers["retry-after"]) > 0
    assert time.monotonic() - began < 3  # waiting does not empty a disk
    assert client.get(f"/api/cases/{first['id']}").status_code == 200
    assert client.get("/api/cases").json()["total"] == 1
    assert client.get("/queue").status_code == 200
    limit(desk.ledger, whole)
    assert client.post("/api/cases", json=second).status_code == 201


@pytest.fixture
def link(postgres_server: Any, migrated_database: str) -> Iterator[Link]:
    with Link(new_database(postgres_server, migrated_database)) as link:
        yield link


@pytest.fixture
def distant(link: Link) -> Iterator[Ledger]:
    """A ledger behind a link that can fall silent."""
    ledger = Ledger(link.url, patience=PATIENCE)
    ledger.check()
    yield ledger
    link.state = "open"
    ledger.close()


def ask(ledger: Ledger) -> None:
    with ledger.read() as session:
        session.execute(text("select 1"))


def write(ledger: Ledger) -> None:
    with ledger.write() as session:
        session.execute(text("create table if not exists written (x int)"))


@pytest.mark.parametrize("state", ["silent", "cut"])
def test_a_database_that_falls_silent_is_given_up_in_time_and_is_there_again_by_itself(
    distant: Ledger, link: Link, state: str
) -> None:
    ask(distant)
    link.state = state
    began = time.monotonic()
    with pytest.raises(LedgerBusy):
        ask(distant)
    assert time.monotonic() - began < PATIENCE + LINK["connect_timeout"] + 1.5  # the kept one and a new one
    link.state = "open"
    retried(lambda: write(distant))
    ask(distant)


def test_silence_while_committing_is_not_called_unwritten(distant: Ledger, link: Link) -> None:
    def fall_silent(_: object) -> None:
        link.state = "silent"

    event.listen(distant._writer, "commit", fall_silent)
    with pytest.raises(OutcomeUnknown):
        write(distant)


def test_a_slow_statement_is_no_silence_where_the_ledger_waits_for_it(link: Link) -> None:
    ledger = Ledger(link.url)
    with ledger.read() as session:
        assert session.execute(text(f"select 1 from pg_sleep({2 * PATIENCE})")).scalar() == 1
    ledger.close()


def test_a_writer_that_falls_silent_does_not_keep_everybody_out(distant: Ledger) -> None:
    with distant.write() as session:
        assert session.execute(text("show idle_in_transaction_session_timeout")).scalar() == HOLD
    with distant.read() as session:  # an export may take its time
        assert session.execute(text("show idle_in_transaction_session_timeout")).scalar() == "0"


def test_nothing_is_tried_again_on_a_full_disk() -> None:
    tries = []

    def act() -> None:
        tries.append(1)
        raise LedgerUnwritable

    with pytest.raises(LedgerUnwritable):
        retried(act)
    assert len(tries) == 1
