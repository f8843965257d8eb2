"""The ledger's engine, schema and rules, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from arrivals import arrive
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from triage import sieve
from triage.errors import InputError, LedgerMissing
from triage.ledger import postgres_link
from triage.ledger.cases import get_case
from triage.ledger.decisions import add_decision
from triage.ledger.events import add_event
from triage.ledger.relations import relations_of
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import Base

OLD_CASE = """insert into "case" (id, session, kind, title, body, deputy, delegation, received_on,
    content_sha256, state, route, route_reason, version, reply_number, created_at)
    values (:id, '', '', '路灯', '路灯不亮。', '', '', '2026-01-05', '', 'in_review', 'review', '', 1, '', :now)"""
OLD_RELATION = """insert into relation (case_id, other_id, kind, score, shared_terms, status, created_at)
    values (2, 1, 'related', 0.5, '[]', 'proposed', :now)"""


def test_migrations_make_exactly_the_tables_of_the_code(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        # caches made by hand: the sieve's tables, see triage.sieve, and the index of words

        def is_ours(name: str | None, kind: str, _: object) -> bool:
            return kind != "table" or not (name in sieve.TABLES or str(name).startswith("case_words"))

        options = {"include_name": is_ours}
        difference = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    assert difference == []


def test_a_ledger_of_the_first_version_is_brought_up_to_date_with_all_it_holds(bare_ledger: Ledger) -> None:
    with bare_ledger._writer.begin() as connection:
        command.upgrade(bare_ledger._alembic(connection), "0001")
        for case_id in (1, 2):
            connection.execute(text(OLD_CASE), {"id": case_id, "now": datetime.now(UTC)})
        connection.execute(text(OLD_RELATION), {"now": datetime.now(UTC)})
    with pytest.raises(LedgerMissing, match="triage init"):
        bare_ledger.check()
    bare_ledger.migrate()
    bare_ledger.check()
    with bare_ledger.read() as session:
        case = get_case(2, session=session)
        assert (case.title, case.role, case.due_on, case.memberships) == ("路灯", "", None, [])
        ((row, other),) = relations_of(2, session=session)
        assert (row.evidence, row.score, other.id) == ({}, 0.5, 1)
    with pytest.raises(DBAPIError), bare_ledger.write() as session:
        session.execute(text('delete from "case"'))  # its triggers are still there


@pytest.mark.parametrize("act", ["update {} set created_at = created_at", "delete from {}"])
@pytest.mark.parametrize("table", ["decision", "event"])
def test_the_database_itself_refuses_to_change_a_record(ledger: Ledger, table: str, act: str) -> None:
    with ledger.write() as session:
        case = arrive(Submission(title="路灯", body="路灯不亮。"), session=session)
        add_decision(case, "section", "能源科", kind="confirm", who="李", session=session)
        add_event("received", who="李", session=session, case_id=case.id)
    with pytest.raises(DBAPIError, match="append-only"), ledger.write() as session:
        session.execute(text(act.format(table)))


@pytest.mark.parametrize("column", ["title", "body", "content_sha256"])
def test_the_database_itself_refuses_to_change_what_was_handed_in(ledger: Ledger, column: str) -> None:
    with ledger.write() as session:
        arrive(Submission(title="路灯", body="路灯不亮。"), session=session)
    with pytest.raises(DBAPIError, match=r"never changed|append-only"), ledger.write() as session:
        session.execute(text(f"update \"case\" set {column} = 'x'"))


def test_a_case_cannot_be_deleted(ledger: Ledger) -> None:
    with ledger.write() as session:
        arrive(Submission(title="路灯", body="路灯不亮。"), session=session)
    with pytest.raises(DBAPIError), ledger.write() as session:
        session.execute(text('delete from "case"'))


def test_an_error_inside_a_write_leaves_nothing_behind(ledger: Ledger) -> None:
    def fail_half_way() -> None:
        with ledger.write() as session:
            arrive(Submission(title="路灯", body="路灯不亮。"), session=session)
            raise RuntimeError("stop here")

    with pytest.raises(RuntimeError):
        fail_half_way()
    with ledger.read() as session:
        assert session.execute(text('select count(*) from "case"')).scalar() == 0


def test_sqlite_ledger_is_in_wal_mode_and_durable(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.sqlite3'}")
    ledger.migrate()
    with ledger.engine.connect() as connection:
        assert connection.execute(text("pragma journal_mode")).scalar() == "wal"
        assert connection.execute(text("pragma synchronous")).scalar() == 2  # full
    ledger.close()


def test_a_missing_ledger_is_named_in_words(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing, match="triage init"):
        Ledger(f"sqlite:///{tmp_path / 'none.sqlite3'}").check()


def test_an_unreadable_url_is_named_in_words() -> None:
    with pytest.raises(InputError, match="数据库地址无效"):
        Ledger("nonsense")


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_both_ends_of_a_connection_notice_within_seconds_that_the_other_is_cut_off(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        assert (
            connection.scalar(text("show client_connection_check_interval")) == f"{postgres_link.INTERVAL}s"
        )
        parameters = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
        assert not connection.connection.driver_connection.autocommit  # type: ignore[union-attr]
    assert parameters["tcp_user_timeout"] == str(1000 * postgres_link.NOTICED_SECONDS)
    assert parameters["keepalives_idle"] == str(postgres_link.IDLE)
