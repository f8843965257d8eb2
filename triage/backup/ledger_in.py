"""A ledger out of a backup into an empty place: loaded, brought up to date, checked, and only then there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path
from typing import cast

import psycopg
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.orm import Session

from triage.backup.archive import CHUNK, Archive, Hashed
from triage.backup.contents import SQLITE_FILE, TABLES, Contents
from triage.backup.ledger_out import quoted
from triage.backup.places import keep_as, named, sqlite_files
from triage.errors import InputError, LedgerBusy, LedgerMissing
from triage.ledger.base import Base
from triage.ledger.chain import RecordSession, head, seal
from triage.ledger.events import add_event
from triage.ledger.store import Ledger
from triage.ledger.transfer import set_sequences
from triage.ledger.verify import Verdict, verify_ledger

NOTHING = "没有恢复任何内容。"


def tables_there(ledger: Ledger) -> list[str]:
    """The ledger's tables that a PostgreSQL database has already.

    Raises:
        LedgerMissing: it cannot be opened.
    """
    ours = {"alembic_version", *Base.metadata.tables}
    try:
        with ledger.engine.connect() as connection:
            return sorted(ours & set(inspect(connection).get_table_names()))
    except DBAPIError as error:
        raise LedgerMissing(f"数据库打不开:{error.orig}") from None


@contextmanager
def loaded_ledger(ledger: Ledger, archive: Archive, *, who: str) -> Iterator[tuple[Session, Verdict]]:
    """The ledger of the backup in an empty place, checked; it is there once the block has ended well.

    Raises:
        InputError: the backup contradicts itself, or is of a later program.
        LedgerBusy: the database gave way.
        Conflict: a ledger has come to be there, or this account may not make tables.
        OSError: it cannot be written.
    """
    try:
        loading = _sqlite(ledger.path, archive) if ledger.path else _postgresql(ledger, archive)
        with loading as (place, connection), _checked(place, connection, archive.contents, who) as found:
            yield found
    except (OperationalError, psycopg.OperationalError) as error:
        raise LedgerBusy from error


@contextmanager
def _sqlite(path: Path, archive: Archive) -> Iterator[tuple[Ledger, Connection]]:
    staged = staged_ledger(path)
    for _, stream in archive.members(SQLITE_FILE):
        write_out(stream, staged)
    try:
        with closing(Ledger(f"sqlite:///{staged}")) as place, place.building() as connection:
            _check_revision(place, connection, archive.contents)
            yield place, connection
    except DatabaseError as error:
        raise InputError(f"备份里的台账打不开或写不下:{error.orig}。{NOTHING}") from error
    keep_as(staged, path)


@contextmanager
def _postgresql(ledger: Ledger, archive: Archive) -> Iterator[tuple[Ledger, Connection]]:
    contents = archive.contents
    with ledger.building() as connection:
        _check_revision(ledger, connection, contents, empty=True)
        ledger.set_schema(connection, contents.revision)
        driver = cast(psycopg.Connection, connection.connection.driver_connection)
        members = archive.members(TABLES)
        for table, parts in groupby(members, key=lambda one: one[0].name.split("/")[1]):
            try:
                with (
                    driver.cursor() as cursor,
                    cursor.copy(f"copy {quoted(table, contents.tables[table])} from stdin") as copy,
                ):
                    for _, stream in parts:
                        while data := stream.read(CHUNK):
                            copy.write(data)
            except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError) as error:
                reason = str(error).splitlines()[0]
                raise InputError(f"备份里的表 {table} 装不进数据库:{reason}。{NOTHING}") from error
        yield ledger, connection


@contextmanager
def _checked(
    place: Ledger, connection: Connection, contents: Contents, who: str
) -> Iterator[tuple[Session, Verdict]]:
    """Hold what was loaded against the list, bring it up to date, and walk the chain."""
    for table, listed in contents.rows.items():
        found = connection.execute(text(f'select count(*) from "{table}"')).scalar_one()  # noqa: S608 - checked names
        if found != listed:
            raise InputError(f"备份自相矛盾:表 {table} 应有 {listed} 行,实有 {found} 行。{NOTHING}")
    with Session(connection) as session:
        last, running = head(session)
    if f"{last}:{running}" != contents.anchor:
        raise InputError(f"备份自相矛盾:台账的末尾不是清单上的锚点。{NOTHING}")
    place.upgrade(connection)
    with RecordSession(connection, expire_on_commit=False) as session:
        if not place.is_sqlite:
            set_sequences(session)
        verdict = verify_ledger(session, anchor=contents.anchor)
        yield session, verdict
        add_event(
            "ledger_restored",
            who=who,
            session=session,
            backup_of=contents.created_at,
            last_event=last,
            hash=running,
        )
        seal(session)
        session.commit()


def _check_revision(
    place: Ledger, connection: Connection, contents: Contents, *, empty: bool = False
) -> None:
    current, known = place.revisions(connection)
    if contents.revision not in known:
        raise InputError(
            f"备份由更新的程序({contents.program})写出,本程序不认识它的台账结构 {contents.revision}。"
            f"请用不旧于它的程序恢复。{NOTHING}"
        )
    if current != (None if empty else contents.revision):
        raise InputError(f"备份自相矛盾:台账的结构是 {current},不是清单上的 {contents.revision}。{NOTHING}")


def staged_ledger(path: Path) -> Path:
    """Where a SQLite ledger is made ready; always the same, so that the next try clears what a kill left."""
    return path.with_name(f".{path.name}.restoring")


def clear_staged_ledger(path: Path) -> None:
    for file in sqlite_files(staged_ledger(path)):
        file.unlink(missing_ok=True)


def write_out(stream: Hashed, path: Path) -> None:
    """A member into a new file, on the disk when this returns; OSError where that cannot be."""
    with named(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        while data := stream.read(CHUNK):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
