"""A large ledger of made cases, whole as intake and closing leave them, on SQLite or PostgreSQL.

The texts are sentences of some thousand real ones put together anew: enough for speed and growth,
no evidence of quality.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, text

from training.made_cases import Query, Sentences, read_sentences
from training.sample_office import OFFICE
from triage.encoder import Encoder
from triage.ledger.base import Base
from triage.ledger.store import Ledger
from triage.ledger_index import reading_of
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy
from triage.text import Segmenter

BATCH = 1_000
YEARS = 5
WAITING = 200  # newest cases that nobody decided yet
_TABLES = ("case", "case_reading", "case_vector", "decision", "deadline", "event")


def make_ledger(
    url: str, source: Path, cases: int, *, segmenter: Segmenter, encoder: Encoder, seed: int = 0
) -> Sentences:
    """A new ledger with ``cases`` cases: all closed with their labels but the newest WAITING.

    Args:
        source: a CSV with title and body, whose sentences the cases are made of.

    Returns:
        The sentences, for texts that are in no ledger.
    """
    sentences = read_sentences(source, segmenter, encoder)
    ledger = Ledger(url)
    ledger.migrate()
    taxonomy = load_taxonomy(OFFICE)
    marks = reading_of(segmenter), encoder.name
    for start in range(1, cases + 1, BATCH):
        ids = range(start, min(start + BATCH, cases + 1))
        drawn = random.Random(f"{seed} {start}")
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        for number in ids:
            made = sentences.make(str(number), drawn)
            for name, row in _rows(number, cases, made, marks, taxonomy, drawn):
                rows[name].append(row)
        with ledger.engine.begin() as connection:
            for name in _TABLES:
                _insert(connection, Base.metadata.tables[name], rows[name])
        if start % 50_000 == 1:
            print(f"已写入 {ids[-1]} 件", flush=True)
    if not ledger.is_sqlite:
        _count_on(ledger)
    ledger.migrate()  # chains and seals what it finds, and makes it findable
    if not ledger.is_sqlite:
        with ledger.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze"))
    ledger.close()
    return sentences


def _insert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _count_on(ledger: Ledger) -> None:
    """PostgreSQL hands out numbers after the highest one that is there."""
    with ledger.engine.begin() as connection:
        for name in ("case", "decision", "deadline", "event"):
            connection.execute(
                text(f"""select setval(pg_get_serial_sequence('"{name}"', 'id'), max(id)) from "{name}" """)  # noqa: S608
            )


def _rows(
    number: int,
    cases: int,
    made: Query,
    marks: tuple[str, str],
    taxonomy: Taxonomy,
    drawn: random.Random,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row of all that a case has."""
    received = date.today() - timedelta(days=(cases - number) * 365 * YEARS // cases)
    due, now = received + timedelta(days=91), datetime.now(UTC)
    closed = number <= cases - WAITING
    labels = {t: _label(taxonomy, t, made.source) if closed else None for t in TARGETS}
    yield (
        "case",
        {
            "id": number,
            "session": f"第{received.year}届",
            "number": f"第{number:07d}号",
            "kind": "建议",
            "title": f"关于{made.suggestion.title}的建议"[:500],
            "body": made.suggestion.body,
            "deputy": f"代表{drawn.randrange(500)}",
            "received_on": received,
            "content_sha256": hashlib.sha256(str(number).encode()).hexdigest(),
            "state": "closed" if closed else "in_review",
            "route": "review",
            "route_reason": "测量用,虚构",
            "certainty": drawn.random(),
            "due_on": due,
            "result_class": drawn.choice("ABC") if closed else None,
            "closed_on": received + timedelta(days=80) if closed else None,
            "created_at": now,
            **labels,
        },
    )
    yield (
        "case_reading",
        {
            "case_id": number,
            "reading": marks[0],
            "bag": made.case.bag.tobytes(),
            "codes": made.case.codes.astype("<u2").tobytes(),
            "core": made.case.core,
        },
    )
    yield (
        "case_vector",
        {
            "case_id": number,
            "encoder": marks[1],
            "document": made.vector.astype("<f4").tobytes(),
            "title": made.title_vector.astype("<f4").tobytes(),
        },
    )
    for place, (target, label) in enumerate(labels.items() if closed else ()):
        decided = {"case_id": number, "target": target, "label": label, "kind": "confirm", "who": "测量"}
        yield "decision", {"id": 3 * number + place, **decided, "why": "", "created_at": now}
    yield (
        "deadline",
        {
            "id": number,
            "case_id": number,
            "kind": "reply",
            "rule": "3 months",
            "start_on": received,
            "due_on": due,
            "met_on": received + timedelta(days=80) if closed else None,
            "created_at": now,
        },
    )
    told = {"sha256": "0" * 64, "state": "closed" if closed else "received"}
    yield (
        "event",
        {
            "id": number,
            "case_id": number,
            "kind": "imported",
            "who": "测量",
            "detail": told,
            "created_at": now,
        },
    )


def _label(taxonomy: Taxonomy, target: str, source: int) -> str:
    """One that goes with the text, so that a model has something to learn."""
    names = [label.name for label in taxonomy.labels(target)]
    return names[source % len(names)]
