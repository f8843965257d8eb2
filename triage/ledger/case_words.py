"""The index of words: which cases have a phrase in their number, their people, their text.

The table ``case_words`` is a cache beside the record and can be made again. SQLite keeps overlapping
pairs of characters in FTS5, where a phrase of pairs is a substring. PostgreSQL keeps the pairs as
numbers under a GIN index and looks at the text itself for phrases longer than a pair. Single
characters stand beside the pairs in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    and_,
    column,
    func,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from triage.ledger.tables import CaseRow
from triage.text import normalise

FIELDS = ("number", "deputy", "cosigners", "words")  # words: title and body
BATCH = 500
MANY = 1_000  # after so many at once the index is put in order
_BITS = 21  # of a code point
_FTS = table("case_words", column("rowid", Integer))
_GRAMS = table(
    "case_words",
    column("case_id", Integer),
    column("grams", ARRAY(BigInteger)),
    *(column(name, Text) for name in FIELDS),
)
_PUT = {
    "sqlite": "insert into case_words (rowid, number, deputy, cosigners, words) "
    "values (:case_id, :number, :deputy, :cosigners, :words)",
    "postgresql": "insert into case_words (case_id, number, deputy, cosigners, words, grams) "
    "values (:case_id, :number, :deputy, :cosigners, :words, :grams)",
}


@dataclass(frozen=True)
class Phrase:
    """What must stand, as it is, in one of these fields; ``text`` as fold() gives it, not empty."""

    text: str
    fields: tuple[str, ...]


def fold(raw: str) -> str:
    """The form in which texts and phrases are compared: normalised, without upper case."""
    return normalise(raw).casefold()


def put_words(cases: Sequence[Any], *, session: Session) -> None:
    """Make these cases findable; rows or anything else with the columns of a case."""
    if cases:
        dialect = session.get_bind().dialect.name
        make = _tokens if dialect == "sqlite" else _grams
        session.execute(text(_PUT[dialect]), [{"case_id": c.id, **make(_folded(c))} for c in cases])


def index_words(session: Session) -> None:
    """Make every case findable that is not yet."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    known = select(_FTS.c.rowid if sqlite else _GRAMS.c.case_id)
    missing = session.scalars(select(CaseRow.id).where(CaseRow.id.not_in(known)).order_by(CaseRow.id)).all()
    read = select(CaseRow.id, CaseRow.number, CaseRow.deputy, CaseRow.cosigners, CaseRow.title, CaseRow.body)
    for start in range(0, len(missing), BATCH):
        batch = read.where(CaseRow.id.in_(missing[start : start + BATCH]))
        put_words(session.execute(batch).all(), session=session)
    if sqlite:
        if len(missing) >= MANY:
            session.execute(text("insert into case_words (case_words) values ('optimize')"))
        return
    # made after the rows: much quicker where there are many
    session.execute(
        text(
            "create index if not exists ix_case_words_grams on case_words "
            "using gin (grams) with (fastupdate = off)"
        )
    )
    if len(missing) >= MANY:
        session.execute(text("analyze case_words"))


def having(phrases: Sequence[Phrase], *, session: Session) -> Select[int]:
    """The numbers, called id, of the cases that have all of the phrases; for use inside a query."""
    if session.get_bind().dialect.name == "sqlite":
        asked = " AND ".join(f'({{{" ".join(p.fields)}}} : "{_phrase(p.text)}")' for p in phrases)
        return select(_FTS.c.rowid.label("id")).where(column("case_words").op("match")(asked))
    return select(_GRAMS.c.case_id.label("id")).where(
        *(or_(*(_has(f, p.text) for f in p.fields)) for p in phrases)
    )


def _folded(case: Any) -> dict[str, str]:
    return {
        "number": fold(case.number or ""),
        "deputy": fold(case.deputy),
        "cosigners": fold(case.cosigners),
        # a phrase never has a line break, so none is found across title and body
        "words": f"{fold(case.title)}\n{fold(case.body)}",
    }


def _tokens(folded: dict[str, str]) -> dict[str, str]:
    """Pairs in their order, then the characters; in hex, so that FTS5 never splits one."""
    made = {}
    for field, value in folded.items():
        codes = [f"{ord(c):x}" for c in value]
        made[field] = " ".join([*(f"{a}x{b}" for a, b in pairwise(codes)), *dict.fromkeys(codes)])
    return made


def _phrase(folded: str) -> str:
    codes = [f"{ord(c):x}" for c in folded]
    return " ".join(f"{a}x{b}" for a, b in pairwise(codes)) or codes[0]


def _grams(folded: dict[str, str]) -> dict[str, Any]:
    grams: set[int] = set()
    for field, value in folded.items():
        grams.update(_pairs(field, value))
        grams.update(_single(field, c) for c in set(value))
    return {**folded, "grams": sorted(grams)}


def _has(field: str, folded: str) -> ColumnElement[bool]:
    if len(folded) == 1:
        return _GRAMS.c.grams.contains([_single(field, folded)])
    pairs = _GRAMS.c.grams.contains(sorted(_pairs(field, folded)))
    return pairs if len(folded) == 2 else and_(pairs, func.strpos(_GRAMS.c[field], folded) > 0)


def _pairs(field: str, folded: str) -> set[int]:
    tag = FIELDS.index(field) << 2 * _BITS
    return {tag | ord(a) << _BITS | ord(b) for a, b in pairwise(folded)}


def _single(field: str, character: str) -> int:
    return FIELDS.index(field) << 2 * _BITS | ord(character)
