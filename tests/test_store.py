"""The ledger's engine, schema and rules, on SQLite and on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from triage.errors import InputError, LedgerMissing
from triage.ledger.cases import Submission, add_case
from triage.ledger.decisions import add_decision
from triage.ledger.events import add_event
from triage.ledger.store import Ledger
from triage.ledger.tables import Base


def test_migrations_make_exactly_the_tables_of_the_code(ledger: Ledger) -> None:
    with ledger.engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert difference == []


@pytest.mark.parametrize("act", ["update {} set created_at = created_at", "delete from {}"])
@pytest.mark.parametrize("table", ["decision", "event"])
def test_the_database_itself_refuses_to_change_a_record(ledger: Ledger, table: str, act: str) -> None:
    with ledger.write() as session:
        case = add_case(Submission(title="路灯", body="路灯不亮。"), session=session)
        add_decision(case, "section", "能源科", kind="confirm", who="李", session=session)
        add_event("received", who="李", session=session, case_id=case.id)
    with pytest.raises(DBAPIError, match="append-only"), ledger.write() as session:
        session.execute(text(act.format(table)))


def test_a_case_cannot_be_deleted(ledger: Ledger) -> None:
    with ledger.write() as session:
        add_case(Submission(title="路灯", body="路灯不亮。"), session=session)
    with pytest.raises(DBAPIError), ledger.write() as session:
        session.execute(text('delete from "case"'))


def test_an_error_inside_a_write_leaves_nothing_behind(ledger: Ledger) -> None:
    def fail_half_way() -> None:
        with ledger.write() as session:
            add_case(Submission(title="路灯", body="路灯不亮。"), session=session)
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
