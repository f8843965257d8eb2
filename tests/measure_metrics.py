"""How long a scrape of /metrics takes with a large ledger, through the whole application.

Run as ``python tests/measure_metrics.py``. The cases are made up: the sample office's titles, for each
case six events, three predictions and three decisions, one case in twenty drawn for the audit sample.
Measures SQLite in a new folder and a PostgreSQL server of its own; --only for one of them. A scrape is
timed after something happened, with nothing told again from the one before it.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from fastapi.testclient import TestClient
from sqlalchemy import insert, text

from service.app import make_app
from training import sample_office
from training.measure_ledger import BATCH, _postgresql, _row, _sqlite
from triage.config import Settings
from triage.desk import Desk
from triage.documents.rows import BadRow, read_csv
from triage.ledger.events import add_event
from triage.ledger.learning_tables import AuditRow
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow, DecisionRow, EventRow, PredictionRow, SealRow
from triage.reading import Suggestion
from triage.taxonomy import TARGETS, Taxonomy

VERSION, DRAWN = "20250101-000000-aaaaaa", 20  # one case in so many is drawn
KINDS = ("received", "queued", "drawn", "assigned", "accepted", "closed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0."""
    parser = argparse.ArgumentParser(prog="python tests/measure_metrics.py")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    asked = parser.parse_args(arguments)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    for name, place in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        if asked.only in (None, name):
            with place(asked) as url, tempfile.TemporaryDirectory(prefix="triage-office-") as home:
                measure(url, Path(home), asked)
    return 0


def measure(url: str, home: Path, asked: argparse.Namespace) -> None:
    """Fill the ledger; print a line for each kind of scrape."""
    settings = replace(
        Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": "none"}), database_url=url
    )
    sample_office.install_office(settings)
    ledger = Ledger(url)
    ledger.migrate()
    desk = Desk(settings, ledger=ledger)
    started = time.perf_counter()
    fill(ledger, desk.taxonomy, asked.cases)
    print(f"\n{ledger.engine.dialect.name}, {asked.cases:,} cases", flush=True)
    print(f"{time.perf_counter() - started:.0f} s to write them")
    desk.champions.models()  # what the service loads before it serves
    app = make_app(settings, desk)
    figures = app.state.figures
    figures.keep_seconds = 0
    client = TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 1))
    client.get("/healthz")  # the first request of all makes the routes
    # an audit count just now, so that what follows an answer is not timed with it
    figures._audit_at, figures._audit_of = time.time(), ()
    begun = time.perf_counter()
    figures.read()
    show("what is counted once, at the start", [1000 * (time.perf_counter() - begun)])
    taken = []
    for _ in range(asked.runs):
        with ledger.write() as session:
            add_event("office_changed", who="测量", session=session)
        taken.append(scrape(client))
    show("a scrape after something happened", taken)
    figures.keep_seconds = 60
    show("a scrape of what was just read", [scrape(client) for _ in range(asked.runs)])
    figures._audit_at = 0.0
    counted = []
    for _ in range(3):
        begun = time.perf_counter()
        figures.count_audit()
        counted.append(1000 * (time.perf_counter() - begun))
        figures._audit_at = 0.0
    show(f"the audit sample ({figures._audit['section'].judged:,} judged), after the answer", counted)
    ledger.close()


def scrape(client: TestClient) -> float:
    """Milliseconds of one scrape."""
    begun = time.perf_counter()
    assert client.get("/metrics").status_code == 200
    return 1000 * (time.perf_counter() - begun)


def show(name: str, taken: Sequence[float]) -> None:
    print(f"{name:60} median {np.median(taken):7.1f} ms, most {max(taken):7.1f} ms", flush=True)


def fill(ledger: Ledger, taxonomy: Taxonomy, cases: int) -> None:
    """Write the cases with what belongs to them; their events are not chained: nothing here is verified."""
    drawn = random.Random(0)
    read = [row for row in read_csv(sample_office.CLOSED_YEAR) if not isinstance(row, BadRow)]
    sources = [Suggestion(row.get("title"), row.get("body")) for row in read]
    events = 0
    for start in range(1, cases + 1, BATCH):
        ids = range(start, min(start + BATCH, cases + 1))
        with ledger.write() as session:
            session.execute(insert(CaseRow), [_row(i, cases, sources, taxonomy, drawn) for i in ids])
            told = list(_events(ids, taxonomy))
            numbered = [{"id": events + n, **event} for n, event in enumerate(told, start=1)]
            session.execute(insert(EventRow), numbered)
            events += len(numbered)
            rows = [(i, t, _label(t, i, taxonomy)) for i in ids for t in TARGETS]
            ranked = [{"case_id": i, "target": t, "ranked": [[label, 0.9]]} for i, t, label in rows]
            more = {"model_version": VERSION, "evidence": {}, "auto": True, "reason": "把握 90%"}
            session.execute(insert(PredictionRow), [row | more for row in ranked])
            settled = [{"case_id": i, "target": t, "label": label} for i, t, label in rows]
            session.execute(
                insert(DecisionRow),
                [
                    row | {"kind": drawn.choice(("auto", "confirm", "override")), "who": "李"}
                    for row in settled
                ],
            )
            audits = [{"case_id": i, "share": 0.1, "promise": 0.95} for i in ids if i % DRAWN == 0]
            session.execute(insert(AuditRow), audits)
    with ledger.write() as session:
        session.execute(insert(SealRow).values(event_id=events, rows={}, hash="-"))
    if not ledger.is_sqlite:
        with ledger.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(
                text("""select setval(pg_get_serial_sequence('event', 'id'), max(id)) from event""")
            )
            connection.execute(text("vacuum analyze"))  # as autovacuum does in time


def _events(ids: Sequence[int], taxonomy: Taxonomy) -> Iterator[dict[str, Any]]:
    """What happened to each case; a drawn one is also confirmed, in the same change as it is assigned."""
    for i in ids:
        own = {"case_id": i, "who": "李", "hash": "-"}
        for version, kind in enumerate(KINDS):
            if kind != "drawn":
                yield {**own, "kind": kind, "version": version, "detail": {"state": "assigned"}}
            elif i % DRAWN == 0:
                yield {**own, "kind": kind, "version": version, "detail": {"share": 0.1}}
            if kind == "assigned":
                for target in TARGETS:
                    label = _label(target, i if i % 11 else i + 1, taxonomy)
                    detail = {"target": target, "label": label}
                    yield {**own, "kind": "confirmed", "version": version, "detail": detail}


def _label(target: str, number: int, taxonomy: Taxonomy) -> str:
    labels = taxonomy.labels(target)
    return labels[number % len(labels)].name


if __name__ == "__main__":
    sys.exit(main())
