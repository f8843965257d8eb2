"""Opening the ledger: engine, transactions, migrations. SQLite (WAL) or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from triage.errors import InputError, LedgerMissing

MIGRATIONS = Path(__file__).parent / "migrations"
INTAKE_LOCK = 0x7472_6961  # PostgreSQL advisory lock: one writer at a time, as SQLite has it


class Ledger:
    """One database. ``read()`` and ``write()`` hand out sessions; write() commits at its end."""

    def __init__(self, url: str) -> None:
        """Raises InputError where the URL cannot be understood."""
        try:
            parsed = make_url(url)
        except ArgumentError:
            raise InputError(f"数据库地址无效:{url}") from None
        self.url = url
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine = create_engine(
            parsed, connect_args={"timeout": 30} if self.is_sqlite else {}, pool_pre_ping=not self.is_sqlite
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writer = self.engine.execution_options(triage_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing is committed."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, the only writer; committed at the end, rolled back on any error."""
        with Session(self._writer, expire_on_commit=False) as session, session.begin():
            if not self.is_sqlite:
                session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INTAKE_LOCK})
            yield session

    def migrate(self) -> None:
        """Create or bring up to date the schema."""
        with self._writer.begin() as connection:
            command.upgrade(self._alembic(connection), "head")

    def check(self) -> None:
        """Raises LedgerMissing where the schema is not there or not this program's."""
        if self.path is not None and not self.path.exists():
            raise LedgerMissing(f"还没有台账({self.path})。先运行 triage init 或 triage demo。")
        try:
            with self.engine.connect() as connection:
                current = MigrationContext.configure(connection).get_current_revision()
                head = ScriptDirectory.from_config(self._alembic(connection)).get_current_head()
        except OperationalError as error:
            raise LedgerMissing(f"台账数据库打不开:{error.orig}") from None
        if current != head:
            raise LedgerMissing("台账的结构与程序版本不一致,请运行 triage init 升级(数据不会丢失)。")

    def close(self) -> None:
        self.engine.dispose()

    def _alembic(self, connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        return config


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")  # a public record survives a power cut
    cursor.execute("pragma foreign_keys = on")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # a writer takes the lock at once: a read that later turns into a write could only fail
    write = connection.get_execution_options().get("triage_write")
    connection.exec_driver_sql("begin immediate" if write else "begin")
