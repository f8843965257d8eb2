"""Very many cases made of the sentences of some thousand texts, written into a ledger in bulk."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from sqlalchemy import text

from training.sample_office import OFFICE
from triage.bag import WORD, Bag, bag_of
from triage.case_index import TITLE_COUNTS
from triage.documents.rows import BadRow, read_csv
from triage.encoder import Encoder, Vectors, unit_rows
from triage.grams import Codes, codes_of
from triage.ledger.store import Ledger
from triage.pairs import CaseText
from triage.reading import Suggestion
from triage.taxonomy import load_taxonomy
from triage.text import Segmenter, clean, title_core
from triage.words import matter_words

BATCH = 2000
_SENTENCE = re.compile(r"[^。!?;!?;]+[。!?;!?;]?")
_STOP = codes_of("。")
_FIRST_DAY = date(2015, 1, 1)
_TABLES = {
    "case": "id, session, number, kind, title, body, deputy, delegation, received_on, content_sha256, "
    "state, route, route_reason, version, reply_number, created_at",
    "case_reading": "case_id, reading, bag, codes, core",
    "case_vector": "case_id, encoder, document, title",
    "decision": "case_id, target, label, kind, who, why, created_at",
}
Fork = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Query:
    """A made text that is in no ledger, with its vectors of shape (dimensions,).

    Attributes:
        source: number of the text that its title begins with.
    """

    suggestion: Suggestion
    case: CaseText
    vector: Vectors
    title_vector: Vectors
    source: int = 0


@dataclass(frozen=True)
class Sentences:
    """n pieces, each read and encoded once; the titles are pieces as well.

    Attributes:
        titles: piece of each source's title; bodies: pieces of each source's body.
        vectors: shape (n, dimensions).
    """

    texts: Sequence[str]
    bags: Sequence[Bag]
    codes: Sequence[Codes]
    vectors: Vectors
    titles: Sequence[int]
    bodies: Sequence[Sequence[int]]

    def make(self, key: str, drawn: random.Random) -> Query:
        """A text out of the sentences of two or three sources, under the titles of two of them.

        Its words and characters are those of the text, as far as sentences are read apart;
        its vectors are the mean of its pieces' vectors.
        """
        sources = drawn.sample(range(len(self.titles)), drawn.choice((2, 3)))
        head = [self.titles[s] for s in sources[:2]]
        body: list[int] = []
        for source in sources:
            own = self.bodies[source]
            start = drawn.randrange(len(own))
            body += own[start : start + max(1, len(own) // len(sources))]
        core = np.concatenate([self.codes[p] for p in head])
        case = CaseText(
            key=key,
            bag=join_bags([self.bags[p] for p in head], [self.bags[p] for p in body]),
            codes=np.concatenate([core, _STOP, *(self.codes[p] for p in body)]),
            core=len(core),
        )
        title, vectors = unit_rows(self.vectors[head].mean(axis=0)[None, :])[0], self.vectors[head + body]
        suggestion = Suggestion("".join(self.texts[p] for p in head), "".join(self.texts[p] for p in body))
        return Query(suggestion, case, unit_rows(vectors.mean(axis=0)[None, :])[0], title, sources[0])

    def queries(self, drawn: random.Random, count: int) -> list[Query]:
        """``count`` texts to search for."""
        return [self.make("", drawn) for _ in range(count)]


def read_sentences(path: Path, segmenter: Segmenter, encoder: Encoder) -> Sentences:
    """The sentences of a file's texts. Raises InputError where the file cannot be read."""
    rows = [row for row in read_csv(path) if not isinstance(row, BadRow)]
    texts: list[str] = []
    titles, bodies = [], []
    for row in rows:
        core = title_core(row.get("title"))
        found = [clean(s) for s in _SENTENCE.findall(row.get("body"))]
        own = [s for s in found if len(s) > 5] or [core]
        if core:
            titles.append(len(texts))
            bodies.append(range(len(texts) + 1, len(texts) + 1 + len(own)))
            texts += [core, *own]
    is_title = set(titles)
    bags = []
    for i, piece in enumerate(texts):
        words = matter_words(piece, segmenter)
        bags.append(bag_of(words, words if i in is_title else {}))
    vectors = np.vstack([encoder.encode(texts[i : i + 64]) for i in range(0, len(texts), 64)])
    return Sentences(texts, bags, [codes_of(t) for t in texts], vectors, titles, bodies)


def join_bags(title: Sequence[Bag], body: Sequence[Bag]) -> Bag:
    """One bag of the pieces' words; the title's words count TITLE_COUNTS times."""
    whole = np.concatenate([*title, *body])
    times = np.ones(len(whole), dtype=int)
    times[: sum(len(b) for b in title)] = TITLE_COUNTS
    ids, first, at = np.unique(whole["id"], return_index=True, return_inverse=True)
    joined = np.empty(len(ids), dtype=WORD)
    for name in ("id", "title", "kind", "expected"):
        joined[name] = whole[name][first]  # a title's pieces come first
    joined["count"] = np.minimum(255, np.bincount(at, whole["count"].astype(int) * times))
    return joined


def fill(
    url: str, sentences: Sentences, marks: tuple[str, str], cases: int, *, workers: int, seed: int
) -> None:
    """Write ``cases`` made cases, half of them closed, each with one decided section.

    Args:
        marks: of the reading and of the encoder.
    """
    sections = [x.name for x in load_taxonomy(OFFICE).section]
    # forked: every worker has the sentences without a copy
    jobs = [
        Fork.Process(target=_fill_part, args=(url, sentences, marks, sections, start, cases, workers, seed))
        for start in range(workers)
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    if any(job.exitcode for job in jobs):
        raise RuntimeError("filling the ledger failed, see above")
    ledger = Ledger(url)
    with ledger.write() as session:
        session.execute(
            text("""select setval(pg_get_serial_sequence('"case"', 'id'), max(id)) from "case" """)
        )
    ledger.close()


def _fill_part(
    url: str,
    sentences: Sentences,
    marks: tuple[str, str],
    sections: Sequence[str],
    worker: int,
    cases: int,
    workers: int,
    seed: int,
) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for start in range(worker * BATCH, cases, workers * BATCH):
            ids = range(start + 1, min(start + BATCH, cases) + 1)
            drawn = random.Random(f"{seed} {start}")
            rows = [_rows(i, sentences.make(str(i), drawn), marks, drawn.choice(sections)) for i in ids]
            with connection.cursor() as cursor:
                for table, columns in _TABLES.items():
                    with cursor.copy(f'copy "{table}" ({columns}) from stdin') as copy:
                        for row in rows:
                            copy.write_row(row[table])
            connection.commit()
            if start % 100_000 < BATCH:
                print(f"已写入约 {start} 件", flush=True)


def _rows(number: int, made: Query, marks: tuple[str, str], section: str) -> dict[str, Sequence[Any]]:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    day, now = _FIRST_DAY + timedelta(days=number % 4000), datetime.now(UTC)
    state = "closed" if number % 2 else "decided"
    title, body = made.suggestion.title, made.suggestion.body
    return {
        "case": (
            *(number, "", f"第{number}号", "建议", title, body, "", "", day, digest),
            *(state, "review", "", 1, "", now),
        ),
        "case_reading": (
            *(number, marks[0], made.case.bag.tobytes()),
            *(made.case.codes.astype("<u2").tobytes(), made.case.core),
        ),
        "case_vector": (
            *(number, marks[1]),
            *(made.vector.astype("<f4").tobytes(), made.title_vector.astype("<f4").tobytes()),
        ),
        "decision": (number, "section", section, "closed", "测量", "", now),
    }
