"""Opening the ledger: engine, transactions, migrations. SQLite (WAL) or PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, LedgerBusy, LedgerMissing, OutcomeUnknown
from triage.ledger.adoption import adopt
from triage.ledger.breakdowns import told
from triage.ledger.case_words import index_words
from triage.ledger.chain import RecordSession, seal
from triage.ledger.memberships import keep_labels
from triage.ledger.postgres_link import LINK, watch

MIGRATIONS = Path(__file__).parent / "migrations"
INTAKE_LOCK = 0x7472_6961  # PostgreSQL advisory lock: one writer at a time, as SQLite has it
DRIVERS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")
POOL = 20  # connections kept; as many again where many ask at once
POOL_SECONDS = 10  # who waits longer for one of them is told that the ledger is busy
PAUSES = (0.05, 0.2, 0.5, 1.0, 2.0, 4.0)  # seconds between tries of what was not written
LONGEST = sum(PAUSES)  # seconds after which nothing is tried again, however long each try took
# who holds the lock and falls silent (stopped, cut off) loses it after so long
HOLD = "5min"

_TAKE_LOCK = text(
    "select pg_advisory_xact_lock(:key), set_config('idle_in_transaction_session_timeout', :hold, true)"
)

Told = TypeVar("Told")


class Ledger:
    """One database. ``read()`` and ``write()`` hand out sessions; write() commits at its end.

    write() also keeps what must hold of every transaction: the labels that count stand on each
    case it changed, and its seal is in the chain.
    """

    def __init__(self, url: str, *, patience: float | None = None) -> None:
        """
        Args:
            patience: seconds that PostgreSQL may leave one statement unanswered; None: as long as it
                takes, as a command must that builds an index.

        Raises:
            InputError: the URL cannot be understood; the message does not repeat it.
        """
        parsed = _parse(url)
        self.url = url
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.path = Path(parsed.database) if self.is_sqlite and parsed.database else None
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.engine = create_engine(
            parsed,
            connect_args={"timeout": 30}
            if self.is_sqlite
            else {name: value for name, value in LINK.items() if name not in parsed.query},
            pool_pre_ping=not self.is_sqlite,
            pool_size=POOL,
            max_overflow=POOL,
            pool_timeout=POOL_SECONDS,
            hide_parameters=True,  # an error's text goes into logs; a case's text and people do not
        )
        # SQLite lets waiting writers poll; in one process they take turns instead
        self._turn: AbstractContextManager[Any] = threading.Lock() if self.is_sqlite else nullcontext()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            watch(self.engine, patience)
        self._writer = self.engine.execution_options(triage_write=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading; nothing is committed.

        Raises:
            LedgerBusy: the database is not to be had just now.
        """
        with Session(self.engine, expire_on_commit=False) as session, _in_words():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, the only writer; committed at the end, rolled back on any error.

        Raises:
            LedgerBusy: the database gave way before the end; nothing was written.
            DiskFull, LedgerUnwritable: it cannot write; nothing was written, trying again is of no use.
            OutcomeUnknown: the connection broke while committing; it may have been written.
        """
        with self._turn, RecordSession(self._writer, expire_on_commit=False) as session:
            with _in_words():
                if not self.is_sqlite:
                    session.execute(_TAKE_LOCK, {"key": INTAKE_LOCK, "hold": HOLD})
                yield session
                keep_labels(session)
                seal(session)
            with _in_words(committing=True):
                session.commit()

    def migrate(self) -> None:
        """Create or bring up to date the schema.

        Raises:
            Conflict: this account does not own the tables; see triage.ledger.grants.
            LedgerBusy: the database is not to be had, or somebody else has it for long.
            LedgerMissing: it cannot be reached or is none.
        """
        self._reach()
        with self.building() as connection:
            self.upgrade(connection)

    @contextmanager
    def building(self) -> Iterator[Connection]:
        """One writing transaction below the sessions, for the schema and for rows as they are.

        Raises:
            Conflict: this account does not own the tables; see triage.ledger.grants.
            LedgerBusy: the database is not to be had, or somebody else has it for long.
        """
        with _in_words(), self._writer.begin() as connection:
            if not self.is_sqlite:
                _check_owner(connection)
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INTAKE_LOCK})
            yield connection

    def upgrade(self, connection: Connection) -> None:
        """Bring the schema up to date, and what hangs on it: the chain, the index of words."""
        self.set_schema(connection, "head")
        with RecordSession(connection, expire_on_commit=False) as session:
            adopt(session)
            index_words(session)
            session.commit()

    def set_schema(self, connection: Connection, revision: str) -> None:
        """The tables of that revision or, where they are of an earlier one, the steps up to it."""
        command.upgrade(self._alembic(connection), revision)

    def revisions(self, connection: Connection) -> tuple[str | None, list[str]]:
        """The database's revision, None without tables, and all that this program knows, newest first."""
        known = ScriptDirectory.from_config(self._alembic(connection)).walk_revisions()
        return MigrationContext.configure(connection).get_current_revision(), [r.revision for r in known]

    def check(self) -> None:
        """Raises LedgerMissing where the schema is not there or not this program's."""
        if self.path is not None and not self.path.exists():
            raise LedgerMissing(f"还没有台账({self.path})。先运行 triage init 或 triage demo。")
        try:
            with self.engine.connect() as connection:
                current, known = self.revisions(connection)
        except DatabaseError as error:
            raise LedgerMissing(f"台账数据库打不开:{error.orig}") from None
        if current != known[0]:
            raise LedgerMissing("台账的结构与程序版本不一致,请运行 triage init 升级(数据不会丢失)。")

    @property
    def place(self) -> str:
        """The address without any password, for people."""
        return self.engine.url.difference_update_query(("password", "sslpassword")).render_as_string()

    def close(self) -> None:
        self.engine.dispose()

    def _reach(self) -> None:
        """Raises LedgerMissing where the database cannot be opened."""
        try:
            with self.engine.connect():
                pass
        except DatabaseError as error:
            raise LedgerMissing(f"台账数据库打不开:{error.orig}") from None

    def _alembic(self, connection: Connection) -> Config:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        return config


def _parse(url: str) -> URL:
    """Raises InputError where it is no address of ours. It may hold a password, so no part of it is told."""
    try:
        parsed = make_url(url)
        known = parsed.drivername in DRIVERS
    except (ArgumentError, ValueError):  # a port that is no number
        known = False
    if not known:
        raise InputError(
            "数据库地址无效:应写成 postgresql://账号:密码@主机/数据库名 或 sqlite:////文件路径(TRIAGE_DATABASE_URL)。"
        )
    if "@" in (parsed.host or ""):
        raise InputError("数据库地址无效:密码里的 @ 要写成 %40,: 写成 %3A,/ 写成 %2F,% 写成 %25。")
    return parsed


def _check_owner(connection: Connection) -> None:
    """Raises Conflict where this account may not make or change the tables."""
    owns = connection.execute(
        text(
            "select case when to_regclass('event') is null then has_schema_privilege(current_schema(), 'create') "
            "else (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('event')) end"
        )
    ).scalar()
    if not owns:
        raise Conflict("这个数据库账号不能建立或升级台账,请用台账所有者的账号运行 triage init。")


def retried(act: Callable[[], Told]) -> Told:
    """What ``act`` returns; tried again where the database gave way and nothing was written.

    Raises:
        LedgerBusy: it still does after the last of PAUSES, or after LONGEST seconds.
        LedgerUnwritable: at once, since a full disk is not emptied by waiting.
    """
    began = time.monotonic()
    for pause in PAUSES:
        try:
            return act()
        except LedgerBusy as error:
            if not error.passes or time.monotonic() - began > LONGEST:
                raise
            time.sleep(pause)
    return act()


def after_commit(act: Callable[[], Told]) -> Told:
    """As ``retried``, for what follows a commit: what was written stays written.

    Raises:
        OutcomeUnknown: the database does not come back; "nothing was written" would be wrong.
    """
    try:
        return retried(act)
    except LedgerBusy as error:
        raise OutcomeUnknown from error


@contextmanager
def _in_words(*, committing: bool = False) -> Iterator[None]:
    """Raise what the database said as what it means for the one who asked, where it means something."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        meant = told(error, committing=committing)
        if meant is None:
            raise
        raise meant from error


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
