"""The tables case_sieve and case_axes: what the database itself needs to name a case's likely partners."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from triage.bag import Bag
from triage.encoder import Vectors
from triage.pairs import CaseText, Collection, weighted_words
from triage.short_sense import SHORT, Axes

TABLES = ("case_axes", "case_sieve")
INDEXES = {
    # every intake adds a row and wants it found at once: no list of pending words to go through
    "ix_case_sieve_words": "gin (words) with (fastupdate = off)",
    "ix_case_sieve_sense": "hnsw (sense halfvec_cosine_ops)",
    "ix_case_sieve_title_sense": "hnsw (title_sense halfvec_cosine_ops)",
}
NEAREST = 100  # cases nearest by meaning, and as many by the title's
SEARCHED = 120  # pgvector's hnsw.ef_search: more finds more, slower
ROWS = 4000  # most cases looked at for their words, whatever their words promise

# one word of a case: its share of the length of the words' vector, and of the title's words', times 255
HELD = np.dtype([("id", "<u4"), ("share", "u1"), ("title", "u1")], align=False)
_INT4 = 23  # PostgreSQL's type number of the integers in words
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_END = struct.pack("!h", -1)
_SIEVE = "select case_id, held, halfvec_send(sense), halfvec_send(title_sense) from case_sieve "
_BY_WORDS = f"({_SIEVE} where words && %(words)s::integer[] limit {ROWS})"
_BY_SENSE = f"({_SIEVE} order by sense <=> %(sense)s::halfvec({SHORT}) limit %(nearest)s)"
_BY_TITLE = f"({_SIEVE} order by title_sense <=> %(title)s::halfvec({SHORT}) limit %(nearest)s)"


@dataclass(frozen=True)
class AxesPair:
    """The axes in use, of whole texts and of titles.

    Attributes:
        cases: how many cases there were when they were made.
    """

    id: int
    made_for: str
    cases: int
    document: Axes
    title: Axes


@dataclass(frozen=True)
class Likely:
    """n cases that the sieve let through, none twice, with enough to put them in order.

    Attributes:
        of: which of the n cases each of the words belongs to, shape (words,).
        held: their words, shape (words,).
        sense, title_sense: short forms, unit rows or zero, shape (n, SHORT).
    """

    ids: NDArray[np.int64]
    of: NDArray[np.int64]
    held: NDArray[np.void]
    sense: Vectors
    title_sense: Vectors


def is_there(session: Session) -> bool:
    """Whether this database has a sieve at all; see migration 0004."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return session.execute(text("select to_regclass('case_sieve')")).scalar() is not None


def newest_axes(session: Session, known: int = 0) -> AxesPair | None:
    """The axes in use, where they are other than those of number ``known``."""
    row = session.execute(
        text("select * from case_axes where id > :known order by id desc limit 1"), {"known": known}
    ).first()
    if row is None:
        return None
    document = Axes.from_bytes(row.mean, row.directions)
    title = Axes.from_bytes(row.title_mean, row.title_directions)
    return AxesPair(row.id, row.made_for, row.cases, document, title)


def start_over(document: Axes, title: Axes, *, made_for: str, cases: int, session: Session) -> None:
    """Empty the sieve and keep new axes; fill it and call make_indexes next.

    Nothing here waits for readers (as truncate or drop index would): the thread that asks may
    be reading in another session at the same time, and would wait for itself.
    """
    session.execute(text("delete from case_sieve"))
    session.execute(
        text(
            "insert into case_axes (made_for, cases, mean, directions, title_mean, title_directions) "
            "values (:made_for, :cases, :mean, :directions, :title_mean, :title_directions)"
        ),
        {
            "made_for": made_for,
            "cases": cases,
            "mean": document.mean.tobytes(),
            "directions": document.directions.tobytes(),
            "title_mean": title.mean.tobytes(),
            "title_directions": title.directions.tobytes(),
        },
    )


def make_indexes(cases: int, session: Session) -> None:
    """Index a filled sieve; the graphs of ``cases`` cases are made in memory where 2 GB are enough.

    Only the table's owner may: another account must find them made, see triage.ledger.grants.
    """
    memory = min(2048, 64 + cases // 500)
    session.execute(text(f"set local maintenance_work_mem = '{memory}MB'"))
    for name, how in INDEXES.items():
        if session.scalar(text("select to_regclass(:name)"), {"name": name}) is None:
            session.execute(text(f"create index {name} on case_sieve using {how}"))
    session.execute(text("analyze case_sieve"))


def put(
    cases: Sequence[CaseText],
    senses: Vectors,
    title_senses: Vectors,
    among: Collection,
    session: Session,
) -> None:
    """Add n cases of the ledger, in the session's own transaction.

    Args:
        senses, title_senses: short forms, shape (n, SHORT).
    """
    session.flush()
    held = hold([case.bag for case in cases], among)
    with _cursor(session) as cursor, cursor.copy("copy case_sieve from stdin (format binary)") as copy:
        copy.write(_COPY_HEAD)
        for case, words, sense, title in zip(cases, held, senses, title_senses, strict=True):
            copy.write(_row(int(case.key), words, sense, title))
        copy.write(_COPY_END)


def hold(bags: Sequence[Bag], among: Collection) -> list[NDArray[np.void]]:
    """The words of n bags as the sieve keeps them (HELD)."""
    ends = np.cumsum([len(bag) for bag in bags])
    whole = np.concatenate(bags)
    case = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])
    weights = weighted_words(whole, among)
    held = np.zeros(len(whole), dtype=HELD)
    held["id"] = whole["id"]
    for name, values in (("share", weights), ("title", weights * (whole["title"] > 0))):
        length = np.sqrt(np.bincount(case, values**2, minlength=len(bags)))
        held[name] = np.rint(255 * np.clip(values / np.where(length > 0, length, 1.0)[case], 0, 1))
    return np.split(held, ends[:-1])


def likely(words: Iterable[int], sense: Vectors, title_sense: Vectors, session: Session) -> Likely:
    """Cases that hold one of the words, or are near by one of the short vectors of shape (SHORT,)."""
    asked = {
        "words": np.array(list(words), dtype="<u4").view("<i4").tolist(),
        "sense": _literal(sense),
        "title": _literal(title_sense),
        "nearest": NEAREST,
    }
    parts = [_BY_WORDS]
    if sense.any():
        parts.append(_BY_SENSE)
    if title_sense.any():
        parts.append(_BY_TITLE)
    with _cursor(session) as cursor:
        cursor.execute("select set_config('hnsw.ef_search', %s, true)", (str(SEARCHED),))
        cursor.execute(" union all ".join(parts), asked)
        rows = {row[0]: row for row in cursor.fetchall()}
    ids = np.array(sorted(rows), dtype=np.int64)
    ordered = [rows[i] for i in ids.tolist()]
    return Likely(
        ids,
        np.repeat(np.arange(len(ids)), [len(row[1]) // HELD.itemsize for row in ordered]),
        np.frombuffer(b"".join(row[1] for row in ordered), dtype=HELD),
        _vectors([row[2] for row in ordered]),
        _vectors([row[3] for row in ordered]),
    )


def _cursor(session: Session) -> psycopg.Cursor[Any]:
    """Of the session's own connection, with answers in binary: half the bytes, and nothing to parse."""
    connection = session.connection().connection.driver_connection
    if not isinstance(connection, psycopg.Connection):
        raise TypeError("the sieve needs the psycopg driver")
    return connection.cursor(binary=True)


def _row(case_id: int, held: NDArray[np.void], sense: Vectors, title: Vectors) -> bytes:
    """One row as COPY's binary format has it."""
    values = np.empty((len(held), 2), dtype=">u4")
    values[:, 0], values[:, 1] = 4, held["id"]
    size = len(held)
    head = struct.pack("!iiiii", 1, 0, _INT4, size, 1) if size else struct.pack("!iii", 0, 0, _INT4)
    array, packed = head + values.tobytes(), held.tobytes()
    return b"".join(
        [
            struct.pack("!hiii", 5, 4, case_id, len(array)),
            array,
            struct.pack("!i", len(packed)),
            packed,
            _half(sense),
            _half(title),
        ]
    )


def _half(vector: Vectors) -> bytes:
    """A halfvec with its length before it; NULL for a zero vector, which has no direction."""
    if not vector.any():
        return struct.pack("!i", -1)
    data = struct.pack("!hh", SHORT, 0) + vector.astype(">f2").tobytes()
    return struct.pack("!i", len(data)) + data


def _vectors(kept: Sequence[bytes | None]) -> Vectors:
    """Unit rows of what halfvec_send gave, zero for NULL, shape (n, SHORT)."""
    nothing = bytes(4 + 2 * SHORT)
    whole = np.frombuffer(b"".join(k or nothing for k in kept), dtype=">f2").reshape(-1, 2 + SHORT)
    return whole[:, 2:].astype(np.float32)


def _literal(vector: Vectors) -> str:
    return "[" + ",".join(f"{x:.5g}" for x in vector.tolist()) + "]"
