"""How fast the pages of the ledger and the queue come in a large ledger, through the whole application.

Run as ``python tests/measure_pages.py FOLDER`` (see training.measure_ledger for what FOLDER has): its
ledger on SQLite and PostgreSQL, with thousands of cases in review, predictions, deadlines, contacts,
relations, merges and duties. Wall time beside processor time of this process: where others use the
machine too the second says more; what PostgreSQL does is in the first alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from entry import come_in
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from service.app import make_app
from service.warming import settle_memory
from training import sample_office
from training.measure_ledger import BATCH, _given, _parser, _postgresql, _sqlite, fill
from triage.config import Settings
from triage.desk import Desk
from triage.documents.rows import BadRow, read_csv
from triage.errors import InputError
from triage.ledger.base import Base
from triage.ledger.handling_tables import ContactRow, DeadlineRow, DutyRow
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow, MergeMemberRow, MergeRow, PredictionRow, RelationRow
from triage.reading import Suggestion
from triage.taxonomy import TARGETS, Taxonomy

IN_REVIEW = 3_000
BASELINE = "/healthz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data or database missing."""
    asked = _parser().parse_args(arguments)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    try:
        for place in (_given,) if asked.database else (_sqlite, _postgresql):
            with place(asked) as url, tempfile.TemporaryDirectory(prefix="triage-office-") as home:
                measure(url, Path(home), asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def measure(url: str, home: Path, asked: argparse.Namespace) -> None:
    """Fill the ledger unless it is filled already; print a line for each page."""
    settings = Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": "none"})
    settings = replace(settings, database_url=url)
    sample_office.install_office(settings)
    ledger = Ledger(url)
    ledger.migrate()
    desk = Desk(settings, ledger=ledger)
    with ledger.read() as session:
        inside = session.scalar(select(func.count()).select_from(CaseRow)) or 0
        deadlines = session.scalar(select(func.count()).select_from(DeadlineRow))
    if not inside:
        rows = [row for row in read_csv(asked.data / "messages.csv") if not isinstance(row, BadRow)]
        sources = [Suggestion(row.get("title"), row.get("body")) for row in rows]
        fill(ledger, sources, desk.taxonomy, asked.cases, asked.seed)
    if not deadlines:
        add_work(ledger, desk.taxonomy, random.Random(asked.seed))
    print(f"\n{ledger.engine.dialect.name}, {inside or asked.cases:,} cases", flush=True)
    print(f"{'page':58} {'median':>7} {'p95 ms':>7} {'median':>8} {'p95 ms of the processor':>8}")
    # without the lifespan: the index of related cases is no part of these pages
    client = come_in(TestClient(make_app(settings, desk), base_url="http://127.0.0.1:8000"), ledger)
    client.get("/queue")  # what the service loads before it serves
    settle_memory()
    for address in (BASELINE, *addresses(desk.taxonomy)):
        wall, used = timed(client, address, asked.runs)
        told = [*np.percentile(wall, [50, 95]), *np.percentile(used, [50, 95])]
        print(f"{address[:58]:58} " + " ".join(f"{ms:7.1f}" for ms in told), flush=True)
    ledger.close()


def timed(client: TestClient, address: str, runs: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each run, by the clock and of the processor; the first run is left out."""
    wall, used = [], []
    for _ in range(runs + 1):
        started, began = time.perf_counter(), time.process_time()
        response = client.get(address)
        wall.append(1000 * (time.perf_counter() - started))
        used.append(1000 * (time.process_time() - began))
        assert response.status_code == 200, (address, response.status_code)
    return wall[1:], used[1:]


def addresses(taxonomy: Taxonomy) -> list[str]:
    """A page of each kind."""
    section, year = taxonomy.section[0].name, date.today().year - 2
    leader = taxonomy.section[0].leader
    asked = [
        "",
        *(
            "page=1000",
            "page=2000",
            "sort=number",
            "sort=-received",
            "sort=due",
            "sort=section",
            "sort=state",
        ),
        *("state=closed", "state=closed&sort=number", "state=closed&sort=due&page=900", "state=in_review"),
        *("state=assigned,accepted,in_handling", f"section={section}", f"leader={leader}", "handler=李强"),
        *("late=1", "late=1&sort=due", "key=1", f"year={year}", f"year={year}&month_received=5"),
        *(
            "kind=建议",
            "role=主办",
            "result_class=A",
            "flag=not_ours",
            "merged=1",
            "on_time=no",
            "contacted=no",
        ),
        *(f"year={year}&{name}=yes" for name in ("on_time", "contacted", "met", "satisfied")),
        *(
            "how=auto",
            f"year={date.today().year}&how=auto",
            "text=磁悬浮",
            "text=小区",
            "text=的",
            "deputy=王",
        ),
        *(
            "text=建议&sort=due",
            "text=的&state=closed&sort=number",
            "number=081",
            f"text=小区&section={section}",
        ),
    ]
    return [
        *(f"/ledger?{query}" for query in asked),
        "/queue",
        "/queue?page=20",
        "/queue?text=小区",
        "/queue?why=unsure",
        f"/queue?section={section}",
    ]


def add_work(ledger: Ledger, taxonomy: Taxonomy, drawn: random.Random) -> None:
    """What the pages show beside the cases: cases in review with predictions, and what is done with others."""
    started = time.perf_counter()
    with ledger.engine.execution_options(triage_write=True).begin() as connection:
        session = Session(connection)
        newest = session.scalars(select(CaseRow.id).order_by(CaseRow.id.desc()).limit(IN_REVIEW)).all()
        waiting = dict.fromkeys(("section", "topic", "handling", "result_class", "replied_on", "closed_on"))
        session.execute(
            update(CaseRow)
            .where(CaseRow.id.in_(newest))
            .values(**waiting, state="in_review", handler="", due_on=date.today() + timedelta(days=30))
        )
        cases = session.execute(
            select(
                CaseRow.id, CaseRow.deputy, CaseRow.received_on, CaseRow.due_on, CaseRow.replied_on
            ).order_by(CaseRow.id)
        ).all()
        ids = [case.id for case in cases]
        _put(session, PredictionRow, [_prediction(i, t, taxonomy, drawn) for i in newest for t in TARGETS])
        _put(session, DeadlineRow, [_deadline(case) for case in cases])
        _put(
            session,
            ContactRow,
            [
                {
                    "case_id": case.id,
                    "deputy": case.deputy,
                    "how": drawn.choice(("phone", "visit")),
                    "held_on": case.received_on,
                    "what": "",
                    "who": "测量",
                }
                for case in cases
                if drawn.random() < 0.4
            ],
        )
        _put(
            session,
            RelationRow,
            [
                {"case_id": i, "other_id": i - 1 - drawn.randrange(50), "kind": "related", "score": 0.7}
                | {"shared_terms": [], "evidence": {}, "status": "proposed"}
                for i in ids[60:]
                if drawn.random() < 0.3
            ],
        )
        sections = [section.name for section in taxonomy.section]
        _put(
            session,
            DutyRow,
            [
                {"case_id": i, "section": drawn.choice(sections), "kind": "assist", "task": "意见"}
                for i in ids
                if drawn.random() < 0.05
            ],
        )
        leads = ids[10::100]
        merges = [{"id": n, "name": "并案", "lead_id": i, "labels": {}} for n, i in enumerate(leads, start=1)]
        _put(session, MergeRow, merges)
        members = [{"merge_id": m["id"], "case_id": m["lead_id"] + k} for m in merges for k in range(3)]
        _put(session, MergeMemberRow, [m for m in members if m["case_id"] <= ids[-1]])
        session.flush()
    if not ledger.is_sqlite:
        with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze"))  # as autovacuum does in time
    print(f"{time.perf_counter() - started:.0f} s to write what is done with them", flush=True)


def _put(session: Session, table: type[Base], rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        session.execute(insert(table), rows[start : start + BATCH])


def _prediction(case_id: int, target: str, taxonomy: Taxonomy, drawn: random.Random) -> dict[str, Any]:
    names = [label.name for label in taxonomy.labels(target)]
    drawn.shuffle(names)
    ranked = [[name, round(0.6 / 2**n, 4)] for n, name in enumerate(names)]
    evidence = {name: [["道路", 0.4], ["小区", 0.2], ["停车", 0.1]] for name in names}
    made = {"model_version": "测量", "auto": False, "reason": "", "ranked": ranked, "evidence": evidence}
    return {"case_id": case_id, "target": target, **made}


def _deadline(case: Any) -> dict[str, Any]:
    days = {"start_on": case.received_on, "due_on": case.due_on, "met_on": case.replied_on}
    return {"case_id": case.id, "kind": "reply", "rule": "3个月", **days}


if __name__ == "__main__":
    sys.exit(main())
