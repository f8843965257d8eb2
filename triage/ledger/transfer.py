"""Moving a whole ledger into another database, mainly from SQLite to PostgreSQL.

The rows go over as they are, in one transaction: numbers, hashes and times stay, so the chain
holds on the other side, which is checked before anything is committed. What can be made again
from the cases (the index of words, the sieve) is made there and not copied.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import Connection, Table, func, insert, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, LedgerMissing
from triage.ledger.adoption import BATCH
from triage.ledger.base import Base
from triage.ledger.chain import head
from triage.ledger.events import add_event
from triage.ledger.file_tables import OriginalRow
from triage.ledger.store import Ledger
from triage.ledger.tables import EventRow
from triage.ledger.texts import check_who
from triage.ledger.verify import verify_ledger

SHOWN = 3  # problems named where the record does not hold

Progress = Callable[[str, int, int], None]


def move_ledger(
    source: Ledger, target: Ledger, *, who: str, progress: Progress = lambda what, done, total: None
) -> dict[str, int]:
    """Copy every row of ``source`` into the empty ``target`` and say so in its record.

    Nobody should write into the source meanwhile. It stays as it was; where anything fails, the
    target has no rows.

    Args:
        progress: what, done, total.

    Returns:
        Table name to how many rows were copied.

    Raises:
        InputError: no name; both are the same ledger.
        LedgerMissing: the source is not there or of another version; the target cannot be opened.
        Conflict: the target holds something, a row does not fit, the record does not hold, or
            somebody wrote into the source meanwhile.
    """
    who = check_who(who)
    source.check()
    if _same(source, target):
        raise InputError("新旧台账是同一个数据库,不能迁移。")
    try:
        with target.read() as session:
            _check_empty(session)
    except DBAPIError as error:
        raise LedgerMissing(f"目标数据库打不开:{error.orig}") from None
    target.migrate()
    with snapshot(source) as reading, target.write() as session:
        _check_empty(session)
        counts = _copy(reading, session.connection(), progress)
        _check(session, progress)
        last, running = head(session)
        add_event("ledger_moved", who=who, session=session, rows=counts, last_event=last, hash=running)
        _check_unchanged(source, last)
        if not target.is_sqlite:
            set_sequences(session)
    target.migrate()  # what can be made again
    return counts


def _same(source: Ledger, target: Ledger) -> bool:
    """Two names of one PostgreSQL database are not seen here; it is not empty, then."""
    if source.path is not None and target.path is not None:
        return source.path.resolve() == target.path.resolve()
    return make_url(source.url) == make_url(target.url)


def _check_empty(session: Session) -> None:
    there = inspect(session.connection()).get_table_names()
    for table in Base.metadata.sorted_tables:
        if table.name in there and session.execute(select(1).select_from(table).limit(1)).first():
            raise Conflict("目标数据库里已有台账记录,只能迁移到空的数据库。", table=table.name)


def snapshot(source: Ledger) -> AbstractContextManager[Connection]:
    """A connection that sees one state of the source, whatever is written there meanwhile."""
    connection = source.engine.connect()
    if not source.is_sqlite:  # on SQLite every reading transaction is like that
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    return connection


def _copy(reading: Connection, writing: Connection, progress: Progress) -> dict[str, int]:
    tables = Base.metadata.sorted_tables
    counts = {table.name: _count(reading, table) for table in tables}
    total, done = sum(counts.values()), 0
    for table in tables:
        size = 1 if table is OriginalRow.__table__ else BATCH  # files are large
        rows = reading.execute(select(table).execution_options(yield_per=size)).mappings()
        for batch in rows.partitions():
            try:
                writing.execute(insert(table), [dict(row) for row in batch])
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                reason = str(error.orig).splitlines()[0]
                raise Conflict(
                    f"表 {table.name} 中有写不进目标数据库的记录,没有迁移:{reason}", table=table.name
                ) from error
            done += len(batch)
            progress("复制记录", done, total)
        if _count(writing, table) != counts[table.name]:
            raise Conflict(f"表 {table.name} 复制后的行数不一致,没有迁移。", table=table.name)
    return counts


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _check(session: Session, progress: Progress) -> None:
    """Raises Conflict where the copied record does not hold."""
    progress("核对记录", 0, 1)
    problems = verify_ledger(session).problems
    if problems:
        more = f"等 {len(problems)} 处" if len(problems) > SHOWN else ""
        raise Conflict(f"台账核对没有通过,没有迁移:{''.join(problems[:SHOWN])}{more}", problems=problems)
    progress("核对记录", 1, 1)


def _check_unchanged(source: Ledger, last: int) -> None:
    with source.read() as session:
        newest = session.scalar(select(func.max(EventRow.id))) or 0
    if newest != last:
        raise Conflict("迁移时旧台账又有新的记录,没有迁移。请先停止服务,再迁移。", last_event=newest)


def set_sequences(session: Session) -> None:
    """New rows are numbered after the copied ones; last of all, since no rollback undoes it."""
    for table in Base.metadata.sorted_tables:
        key = table.autoincrement_column
        if key is None:
            continue
        name = session.get_bind().dialect.identifier_preparer.format_table(table)
        session.execute(
            text("select setval(pg_get_serial_sequence(:name, :key), :newest)"),
            {"name": name, "key": key.name, "newest": session.scalar(select(func.max(key)))},
        )
