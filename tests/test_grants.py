"""The service's own PostgreSQL account: it does its work, and the server refuses it everything else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from arrivals import enter_closed
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError
from test_transfer import GRID, close, decide_all

from training.sample_office import install_office
from triage.backup.taking import take_backup
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, InputError
from triage.ledger.base import Base
from triage.ledger.commitments import Commitment, keep_commitment, look_back
from triage.ledger.contacts import add_contact
from triage.ledger.grants import ADDED_TO, CACHES, CHANGING, PASSING, grant_application
from triage.ledger.merges import merge_cases, unmerge
from triage.ledger.store import Ledger
from triage.ledger.verify import verify_ledger


@dataclass
class Accounts:
    """One ledger, as its owner and as the service sees it."""

    server: Any
    role: str
    owner: Ledger
    service: Ledger


@pytest.fixture
def accounts(postgres_server: Any) -> Iterator[Accounts]:
    """A migrated ledger with a second login role that has its grants."""
    name = f"t{uuid.uuid4().hex}"
    role = f"Triage 100% '服务:x' {name}"  # a name that must be quoted
    postgres_server.psql(f"create database {name};")
    postgres_server.psql(f'create role "{role}" login;')
    owner = Ledger(postgres_server.get_uri(database=name))
    owner.migrate()
    grant_application(owner, role)
    url = make_url(owner.url).set(username=role)
    service = Ledger(url.render_as_string(hide_password=False))
    yield Accounts(postgres_server, role, owner, service)
    service.close()
    owner.close()


def test_the_service_account_may_back_the_ledger_up(
    accounts: Accounts, settings: Settings, tmp_path: Path
) -> None:
    install_office(settings)
    place = replace(settings, database_url=accounts.service.url)
    desk = Desk(place, ledger=accounts.service)
    desk.take_in(GRID, who="李")
    _, contents = take_backup(place, tmp_path / "a.tar.gz")
    assert (contents.database, contents.rows["case"]) == ("postgresql", 1)


@pytest.mark.parametrize("memory_cases", [100_000, 0])
def test_the_whole_work_is_done_by_the_service(
    accounts: Accounts, settings: Settings, memory_cases: int
) -> None:
    ledger = accounts.service
    ledger.check()
    install_office(settings)
    own = replace(settings, database_url=ledger.url, memory_cases=memory_cases)
    desk = Desk(own, ledger=ledger)
    enter_closed(
        desk,
        replace(GRID, number="第1号", received_on=date(2025, 1, 20)),
        {"section": "能源科"},
        who="李",
        result_class="A",
        reply_number="云发改〔2025〕1号",
        commitments=[Commitment("投产", date(2026, 6, 30))],
    )
    first, second, third = (
        desk.take_in(replace(GRID, number=number), who="李").case_id for number in ("2", "3", "4")
    )
    with ledger.write() as session:
        decide_all(first, desk, session)
    with ledger.write() as session:
        merge_id = merge_cases([first, second, third], lead_id=first, who="李", session=session).merge.id  # type: ignore[union-attr]
    with ledger.write() as session:
        unmerge(merge_id, [third], who="李", why="两回事", session=session)
        look_back(1, "已开工", who="李", session=session)
        add_contact(first, "phone", who="李", what="说明进展", session=session)
    with ledger.write() as session:
        keep_commitment(1, who="李", session=session)
    close(first, desk)
    with ledger.read() as session:
        sieved = session.scalar(text("select count(*) from case_sieve"))
        assert sieved == (0 if memory_cases else 4)
        verdict = verify_ledger(session)
    assert verdict.problems == []
    assert verdict.events > 10


@pytest.mark.parametrize(
    "act",
    [
        "update event set who = 'x'",
        "update event set hash = 'x' where hash = ''",
        "update seal set hash = 'x'",
        "update decision set label = 'x'",
        "delete from decision",
        "delete from event",
        'delete from "case"',
        "delete from deadline",
        "truncate prediction",
        'truncate "case" cascade',
        "truncate case_vector",
        "drop trigger event_no_update on event",
        "alter table event disable trigger all",
        "alter table event disable trigger event_no_update",
        "alter table event add column more text",
        "drop table seal cascade",
        "create table more (id integer)",
        "create trigger more before insert on event for each row execute function triage_append_only()",
        "create or replace function triage_append_only() returns trigger language plpgsql as "
        "$$ begin return null; end $$",
        "drop function triage_append_only() cascade",
        "update alembic_version set version_num = '0001'",
        "select setval('case_id_seq', 1)",
        "set session_replication_role = replica",
    ],
)
def test_the_server_refuses_the_service_everything_else(accounts: Accounts, act: str) -> None:
    with accounts.service.engine.connect() as connection, pytest.raises(ProgrammingError) as refusal:
        connection.execute(text(act))
    assert refusal.value.orig.sqlstate == "42501"  # insufficient_privilege: not the triggers' word


def test_every_table_is_of_one_kind() -> None:
    names = [*CHANGING, *ADDED_TO, *CACHES, *PASSING]
    assert len(names) == len(set(names))
    assert {table.name for table in Base.metadata.sorted_tables} <= set(names)


def test_the_service_cannot_upgrade_the_ledger(accounts: Accounts) -> None:
    with pytest.raises(Conflict, match="所有者的账号运行 triage init"):
        accounts.service.migrate()


def test_an_account_without_rights_cannot_begin_a_ledger(accounts: Accounts) -> None:
    name = f"t{uuid.uuid4().hex}"
    accounts.server.psql(f"create database {name};")
    url = make_url(accounts.service.url).set(database=name)
    ledger = Ledger(url.render_as_string(hide_password=False))
    with pytest.raises(Conflict, match="所有者的账号运行 triage init"):
        ledger.migrate()
    ledger.close()


def test_granting_again_takes_back_what_was_too_much(accounts: Accounts) -> None:
    with accounts.owner.engine.begin() as connection:
        connection.execute(text(f'grant all on all tables in schema public to "{accounts.role}"'))
        connection.execute(text(f'grant all on schema public to "{accounts.role}"'))
    grant_application(accounts.owner, accounts.role)
    test_the_server_refuses_the_service_everything_else(accounts, "truncate prediction")
    test_the_server_refuses_the_service_everything_else(accounts, "create table more (id integer)")


def test_an_account_that_no_grant_binds_is_refused(accounts: Accounts) -> None:
    with pytest.raises(Conflict, match="超级用户"):
        grant_application(accounts.owner, "postgres")
    with pytest.raises(InputError, match="没有“nobody'\"; drop”这个账号"):
        grant_application(accounts.owner, "nobody'\"; drop")
    with accounts.owner.engine.begin() as connection:
        connection.execute(text("grant update on event to public"))
    with pytest.raises(Conflict, match="仍可改动 event"):
        grant_application(accounts.owner, accounts.role)
    with accounts.owner.engine.begin() as connection:
        connection.execute(text("revoke update on event from public"))
        connection.execute(text("grant create on schema public to public"))
    with pytest.raises(Conflict, match="仍可在台账所在的模式中建表"):
        grant_application(accounts.owner, accounts.role)


def test_on_sqlite_there_are_no_accounts(desk: Desk) -> None:
    with pytest.raises(InputError, match="只适用于 PostgreSQL"):
        grant_application(desk.ledger, "triage")
