"""Trainings killed at any moment under load: what serves goes on, nothing is half, the next one succeeds."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from live_server import REPO, LiveServer, clean_env
from small_office import LABELS, OFFICE, THINGS, import_year
from sqlalchemy import select

from training.run import run_training
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger
from triage.ledger.tables import EventRow, ModelVersionRow
from triage.ledger.trainings import list_trainings
from triage.ledger.verify import verify_ledger

KILLS = 10
SWITCH_SECONDS = 5.0


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An office with sixty closed cases."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "office.toml").write_text(OFFICE, encoding="utf-8")
    with closing(Ledger(settings_of(tmp_path).database_url)) as ledger:
        ledger.migrate()
    return tmp_path


def settings_of(home: Path) -> Settings:
    return Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": "none", "TRIAGE_AUDIT_SHARE": "0"})


@pytest.fixture
def office(home: Path) -> Iterator[Desk]:
    with closing(Ledger(settings_of(home).database_url)) as ledger:
        desk = Desk(settings_of(home), ledger=ledger)
        close_more(desk, 0, 60)
        yield desk


def close_more(desk: Desk, start: int, count: int) -> None:
    import_year(desk, date(2024, 1, 1) + timedelta(days=start), start, count)


class Caller:
    """Hands cases in, one after the other, until it is told to stop; keeps every answer."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.statuses: list[int] = []
        self.versions: list[tuple[float, str]] = []
        self.errors: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        n = 0
        with self.server.client() as client:
            while not self._over.wait(0.05):
                n += 1
                thing = THINGS[LABELS[n % 3]][n // 3 % 3]
                case = {"title": thing, "body": f"{thing},新{n}件", "number": f"{self.server.port}-{n}"}
                try:
                    answer = client.post("/api/cases", json=case)
                except httpx2.TransportError as error:
                    self.errors.append(repr(error))
                    continue
                self.statuses.append(answer.status_code)
                if answer.status_code == 201:
                    (prediction,) = answer.json()["predictions"]
                    self.versions.append((time.time(), prediction["model_version"]))

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def begin(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "service.command", "--home", str(home), "retrain", "--who", "管理员"]
    with (home / "retrain.log").open("ab") as log:
        return subprocess.Popen(
            command, cwd=REPO, env=clean_env(TRIAGE_ENCODER="none"), stdout=log, stderr=log
        )


def on_record(desk: Desk) -> set[str]:
    with desk.ledger.read() as session:
        return set(session.scalars(select(ModelVersionRow.version)))


def test_a_training_killed_at_ten_moments_harms_nothing_and_the_next_serves_everywhere_within_five_seconds(
    home: Path, office: Desk
) -> None:
    started = time.monotonic()
    assert begin(home).wait(60) == 0
    took = time.monotonic() - started
    first = office.registry.champion("section")
    assert first is not None
    rng = random.Random(8)
    moments = [took * (k + rng.random()) / KILLS for k in range(KILLS)]
    rng.shuffle(moments)
    with LiveServer(home, TRIAGE_ENCODER="none") as one, LiveServer(home, TRIAGE_ENCODER="none") as two:
        callers = [Caller(one), Caller(two)]
        try:
            killed = 0
            for k, moment in enumerate(moments):
                close_more(office, 60 + 3 * k, 3)  # or there would be nothing to train
                process = begin(home)
                time.sleep(moment)
                process.send_signal(signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
                champion = office.registry.champion("section")
                assert champion in on_record(office)
                for manifest in office.registry.versions("section"):
                    office.registry.load("section", manifest.version)  # whole, or it is not there
            close_more(office, 60 + 3 * KILLS, 3)
            assert begin(home).wait(120) == 0
            last = office.registry.champion("section")
            assert last is not None
            time.sleep(SWITCH_SECONDS)
        finally:
            for caller in callers:
                caller.end()
    with office.ledger.read() as session:
        promoted = session.scalars(
            select(EventRow).where(EventRow.kind == "model_promoted").order_by(EventRow.id.desc())
        ).first()
    assert promoted is not None
    assert promoted.detail["version"] == last
    told: dict[str, Any] = {"killed": killed, "took": round(took, 1)}
    for caller in callers:
        assert caller.errors == []
        assert len(caller.statuses) > 20
        assert set(caller.statuses) == {201}
        assert {version for _, version in caller.versions} <= on_record(office)
        since = [at for at, version in caller.versions if version == last]
        assert since, "the new champion never served"
        switched = since[0] - promoted.created_at.timestamp()
        told[f"switched after, {caller.server.port}"] = round(switched, 2)
        assert switched < SWITCH_SECONDS
        assert caller.versions[-1][1] == last
    assert killed >= KILLS - 3  # one under load takes longer, so nearly all were still at work
    assert not list(office.registry.root.glob("*/.*-*"))
    with office.ledger.read() as session:
        states = [row.state for row in list_trainings(session=session, limit=20)]
        assert verify_ledger(session).problems == []
    assert states[0] == "done"
    assert set(states) <= {"done", "lost"}
    print(told, states)


def test_a_service_started_after_an_upgrade_trains_anew_before_it_answers(home: Path, office: Desk) -> None:
    old = run_training(office, who="管理员").outcomes[0].version
    assert old is not None
    path = office.registry.root / "section" / old / "manifest.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told["libraries"]["scikit-learn"] = "1.0.0"
    path.write_text(json.dumps(told), encoding="utf-8")
    office.registry.key.write_signature(path.parent, path.read_bytes())
    with LiveServer(home, TRIAGE_ENCODER="none") as server, server.client() as client:
        (serving,) = [m["serving"] for m in client.get("/api/models").json() if m["target"] == "section"]
        assert serving != old
        assert serving in on_record(office)
        assert client.get("/readyz").json()["problems"] == {}
        said = server.log.read_text(encoding="utf-8")
    assert "程序库升级了" in said
    assert "scikit-learn 1.0.0 换成" in said
