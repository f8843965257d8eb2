"""The index of words: which cases have a phrase in their number, their people, their text.

The table ``case_words`` is a cache beside the record and can be made again. SQLite keeps overlapping
pairs of characters in FTS5, where a phrase of pairs is a substring. PostgreSQL keeps the pairs, and
of the text the threes, as numbers under a GIN index; where a phrase is longer it looks at what these
let through. Single characters stand beside the pairs in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
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
    union,
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
    if not sqlite and len(missing) >= MANY:  # made after the rows: much quicker where there are many
        session.execute(text("drop index if exists ix_case_words_grams"))
    for start in range(0, len(missing), BATCH):
        batch = read.where(CaseRow.id.in_(missing[start : start + BATCH]))
        put_words(session.execute(batch).all(), session=session)
    if sqlite:
        if len(missing) >= MANY:
            session.execute(text("insert into case_words (case_words) values ('optimize')"))
        return
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
    # each found as a whole: asked of one row after another, each would have its grams unpacked
    first, *others = (_holding(p).cte().prefix_with("MATERIALIZED") for p in phrases)
    return select(first.c.id).where(*(first.c.id.in_(select(other.c.id)) for other in others))


def _holding(phrase: Phrase) -> Select[int] | CompoundSelect[int]:
    case_id = _GRAMS.c.case_id.label("id")
    conditions = [_has(field, phrase.text) for field in phrase.fields]
    if len(phrase.text) <= 2:
        return select(case_id).where(or_(*(and_(*c) for c in conditions)))
    # a union: of an "or" the database would look at every row again, unpacking its grams
    return union(*(select(case_id).where(*c) for c in conditions))


@contextmanager
def indexes_only(session: Session) -> Iterator[None]:
    """PostgreSQL must not read whole tables here: it takes no account of unpacking long rows."""
    if session.get_bind().dialect.name == "sqlite":
        yield
        return
    session.execute(text("set local enable_seqscan = off"))
    yield  # after an error there is nothing to set back: the transaction is over
    session.execute(text("set local enable_seqscan = default"))


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
    grams.update(_threes(folded["words"]))
    return {**folded, "grams": sorted(grams)}


def _has(field: str, folded: str) -> list[ColumnElement[bool]]:
    exact = len(folded) <= (3 if field == "words" else 2)
    if len(folded) == 1:
        grams = {_single(field, folded)}
    elif len(folded) == 2 or field != "words":
        grams = _pairs(field, folded)
    else:
        grams = _threes(folded)
    let_through = _GRAMS.c.grams.contains(sorted(grams))
    return [let_through] if exact else [let_through, func.strpos(_GRAMS.c[field], folded) > 0]


def _pairs(field: str, folded: str) -> set[int]:
    tag = FIELDS.index(field) << 2 * _BITS
    return {tag | ord(a) << _BITS | ord(b) for a, b in pairwise(folded)}


def _threes(folded: str) -> set[int]:
    # no bit is left for the field: they are negative, and of the text only
    return {
        -(ord(a) << 2 * _BITS | ord(b) << _BITS | ord(c))
        for a, b, c in zip(folded, folded[1:], folded[2:], strict=False)
    }


def _single(field: str, character: str) -> int:
    return FIELDS.index(field) << 2 * _BITS | ord(character)
