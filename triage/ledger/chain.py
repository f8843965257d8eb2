"""The chain: each event has the hash of the one before; each transaction seals the rows it wrote.

An event's hash covers the running hash and the whole event. The seal of a transaction's last
event holds a digest of every row of the record that the transaction wrote; its own hash covers
that event's hash and the digests, and the next event goes on from it. So no event can be
altered, removed or put in, and no row changed, without the chain telling (triage.ledger.verify).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session, UOWTransaction

from triage.ledger.base import Base
from triage.ledger.tables import EventRow, SealRow

_HEAD, _CHANGED, _LINKED = "triage_head", "triage_changed", "triage_linked"
_GUARD = "version"  # counts changes, says nothing of a case; raised apart from the other columns
DIGEST_CHARS = 32


class RecordSession(Session):
    """A session that remembers which rows of the record it wrote."""


@event.listens_for(RecordSession, "after_flush")
def _remember(session: Session, _context: UOWTransaction) -> None:
    changed = session.info.setdefault(_CHANGED, {})
    for row in (*session.new, *session.dirty):
        if isinstance(row, Base) and row.sealed:
            changed[id(row)] = row


def link(row: EventRow, session: Session) -> None:
    """Give a new event its place behind the last one; its content must be complete."""
    last, running = head(session)
    row.id = last + 1
    row.hash = event_hash(
        running, row.id, row.case_id, row.version, row.kind, row.who, row.detail, row.created_at
    )
    session.info[_HEAD] = (row.id, row.hash)
    session.info[_LINKED] = True


def head(session: Session) -> tuple[int, str]:
    """The last event's number and the running hash; (0, "") of an empty ledger."""
    if _HEAD not in session.info:
        newest = select(SealRow.event_id, SealRow.hash).order_by(SealRow.event_id.desc()).limit(1)
        with session.no_autoflush:
            found = session.execute(newest).first()
        session.info[_HEAD] = (found.event_id, found.hash) if found else (0, "")
    last: tuple[int, str] = session.info[_HEAD]
    return last


def set_head(last: int, running: str, session: Session) -> None:
    """Go on from there: for chaining what an earlier version left unchained."""
    session.info[_HEAD] = (last, running)


def seal(session: Session) -> None:
    """Write the seal of this transaction; to be called once, at its end.

    Raises:
        RuntimeError: something of the record changed without an event that says who and why.
    """
    session.flush()
    changed = session.info.pop(_CHANGED, {}).values()
    if not session.info.pop(_LINKED, False):
        if changed:
            raise RuntimeError(f"changed without an event: {sorted({type(row).__name__ for row in changed})}")
        return
    add_seal(dict(row_digest(row) for row in changed), session)


def add_seal(rows: dict[str, str], session: Session) -> None:
    """Close the last event of the chain with these digests."""
    last, running = head(session)
    row = SealRow(event_id=last, rows=rows, hash=seal_hash(running, rows))
    session.add(row)
    session.flush()
    session.info[_HEAD] = (last, row.hash)


def event_hash(
    running: str,
    number: int,
    case_id: int | None,
    version: int | None,
    kind: str,
    who: str,
    detail: Mapping[str, Any],
    created_at: datetime,
) -> str:
    """SHA-256, hex, of the running hash and an event's whole content."""
    return _sha256(
        [running, number, case_id, version, kind, who, detail, created_at.astimezone(UTC).isoformat()]
    )


def seal_hash(running: str, rows: Mapping[str, str]) -> str:
    """SHA-256, hex, of the event's hash and the digests beside it."""
    return _sha256([running, rows])


def row_digest(row: Base) -> tuple[str, str]:
    """(table:key, digest) of a row as it is now."""
    mapper = inspect(type(row))
    values = {column.key: getattr(row, column.key) for column in mapper.column_attrs}
    return row_name(type(row).__tablename__, mapper.primary_key_from_instance(row)), digest(values)


def row_name(table: str, key: Iterable[Any]) -> str:
    """How seals call a row, e.g. ``case:12``."""
    return f"{table}:{','.join(str(part) for part in key)}"


def digest(values: Mapping[str, Any]) -> str:
    """Of a row's values; empty ones count as missing, so that a column added later changes nothing."""
    kept = {k: _plain(v) for k, v in values.items() if k != _GUARD and not _empty(v)}
    return _sha256(kept)[:DIGEST_CHARS]


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _sha256(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
