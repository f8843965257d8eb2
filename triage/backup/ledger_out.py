"""The ledger into a backup, as it is at one moment, while others write.

SQLite hands over its whole file by its own backup. PostgreSQL copies each table out in one
transaction that sees one state; what can be made again from the cases stays behind.
"""

from __future__ import annotations

import errno
import io
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from triage.backup.archive import ArchiveWriter
from triage.backup.contents import SQLITE_FILE, TABLES
from triage.errors import Conflict, LedgerBusy
from triage.ledger.base import Base
from triage.ledger.chain import head
from triage.ledger.store import Ledger
from triage.ledger.transfer import snapshot

PART = 8 * 2**20  # bytes of a table held in memory before they go into the file
WAIT = 30.0  # seconds for whoever holds the SQLite file


@dataclass(frozen=True)
class Held:
    """What the ledger held at that moment; see Contents."""

    database: str
    revision: str
    tables: Mapping[str, Sequence[str]]
    rows: Mapping[str, int]
    anchor: str


def write_ledger(ledger: Ledger, archive: ArchiveWriter, scratch: Path) -> Held:
    """Put the whole ledger into the archive.

    Args:
        scratch: a file to write meanwhile, as large as a SQLite ledger; the caller removes it.

    Raises:
        LedgerMissing: there is none, or of another version.
        LedgerBusy: the database gave way.
        Conflict: the SQLite file is damaged.
    """
    ledger.check()
    try:
        return _sqlite(ledger.path, archive, scratch) if ledger.path else _postgresql(ledger, archive)
    except (OperationalError, psycopg.OperationalError) as error:
        raise LedgerBusy from error


def _sqlite(path: Path, archive: ArchiveWriter, scratch: Path) -> Held:
    try:
        with (
            closing(sqlite3.connect(path, timeout=WAIT)) as source,
            closing(sqlite3.connect(scratch)) as copy,
        ):
            source.backup(copy)  # all pages in one step: no writing comes between, and nobody waits
            damaged = [row[0] for row in copy.execute("pragma quick_check(3)") if row[0] != "ok"]
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(scratch)) from error
        if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise Conflict(f"台账文件 {path} 复制不了,没有备份:{error}。") from error
        damaged = [str(error)]
    if damaged:
        raise Conflict(
            f"台账文件 {path} 已损坏,没有备份:{damaged[0]}。请停止服务,留存这个文件,用以前的备份恢复。"
        )
    copied = Ledger(f"sqlite:///{scratch}")
    with closing(copied), copied.engine.connect() as connection:
        held = _held(copied, connection, {})
    archive.add_file(SQLITE_FILE, scratch)
    return held


def _postgresql(ledger: Ledger, archive: ArchiveWriter) -> Held:
    tables = {table.name: [c.name for c in table.columns] for table in Base.metadata.sorted_tables}
    # begun here: a session that began it would also end it, and the rest would be of another moment
    with snapshot(ledger) as connection, connection.begin():
        held = _held(ledger, connection, tables)
        connection.exec_driver_sql("set local datestyle = 'ISO'")
        driver = cast(psycopg.Connection, connection.connection.driver_connection)
        for table, columns in tables.items():
            _copy_out(driver, table, columns, archive)
    return held


def _copy_out(driver: psycopg.Connection, table: str, columns: Sequence[str], archive: ArchiveWriter) -> None:
    part, nth = io.BytesIO(), 0

    def put() -> None:
        archive.add_bytes(f"{TABLES}{table}/{nth:05}", part.getvalue())

    with driver.cursor() as cursor, cursor.copy(f"copy {quoted(table, columns)} to stdout") as copy:
        for data in copy:
            part.write(data)
            if part.tell() >= PART:
                put()
                part, nth = io.BytesIO(), nth + 1
    if part.tell():
        put()


def quoted(table: str, columns: Sequence[str]) -> str:
    """A table with its columns as COPY wants them; the names are of letters, digits and underscores."""
    listed = ", ".join(f'"{column}"' for column in columns)
    return f'"{table}" ({listed})'


def count_rows(connection: Connection) -> dict[str, int]:
    """How many rows each table of this program's ledger has."""
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
    }


def _held(ledger: Ledger, connection: Connection, tables: Mapping[str, Sequence[str]]) -> Held:
    with Session(connection) as session:
        last, running = head(session)
    return Held(
        database="sqlite" if ledger.is_sqlite else "postgresql",
        revision=str(ledger.revisions(connection)[0]),
        tables=tables,
        rows=count_rows(connection),
        anchor=f"{last}:{running}",
    )
