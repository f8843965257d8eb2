"""Taking a ledger of an earlier version into the chain: what it holds is sealed as it is found."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from triage.ledger.base import Base
from triage.ledger.chain import add_seal, digest, event_hash, head, row_name, set_head
from triage.ledger.events import add_event
from triage.ledger.memberships import write_labels
from triage.ledger.tables import EventRow, MergeMemberRow, SealRow

BATCH = 1_000


def adopt(session: Session) -> None:
    """Chain the events that have no hash yet and seal every row that is there.

    A ledger that has a seal, or holds nothing, is left as it is.
    """
    if session.execute(select(SealRow.event_id).limit(1)).first():
        return
    held = [EventRow.__table__, *sealed_tables()]
    if not any(session.execute(select(1).select_from(table).limit(1)).first() for table in held):
        return
    _label_merged(session)
    _chain(session)
    digests = sealed_digests(session)
    while batch := dict(islice(digests, BATCH)):
        add_event("ledger_sealed", who="系统", session=session, rows=len(batch), why="台账升级")
        add_seal(batch, session)


def _chain(session: Session) -> None:
    """Give the events their hashes, a page at a time."""
    table = Base.metadata.tables[EventRow.__tablename__]
    page = select(table).order_by(table.c.id).limit(BATCH)
    write = update(table).where(table.c.id == bindparam("number")).values(hash=bindparam("found"))
    last, running = head(session)
    while rows := session.execute(page.where(table.c.id > last)).all():
        found = []
        for row in rows:
            running = event_hash(
                running, row.id, row.case_id, row.version, row.kind, row.who, row.detail, row.created_at
            )
            found.append({"number": row.id, "found": running})
        session.connection().execute(write, found)
        last = rows[-1].id
    set_head(last, running, session)


def _label_merged(session: Session) -> None:
    members = select(MergeMemberRow.case_id).where(MergeMemberRow.left_at.is_(None))
    write_labels(session.scalars(members).all(), session=session)
    session.flush()


def sealed_tables() -> list[Table]:
    """The tables of the record, referenced ones first."""
    sealed = {m.class_.__tablename__ for m in Base.registry.mappers if m.class_.sealed}
    return [table for table in Base.metadata.sorted_tables if table.name in sealed]


def sealed_digests(session: Session) -> Iterator[tuple[str, str]]:
    """(table:key, digest) of every row of the record as the database has it now."""
    for table in sealed_tables():
        keys = [column.name for column in table.primary_key]
        for row in session.execute(select(table).execution_options(yield_per=BATCH)).mappings():
            values: dict[str, Any] = dict(row)
            yield row_name(table.name, (values[key] for key in keys)), digest(values)
