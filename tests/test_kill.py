"""A running service: killed in the middle of intake, given a new champion, given a broken one."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from live_server import LiveServer, wait_until
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from service.command import main
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.decisions import newest_decisions
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow, RelationRow, VectorRow
from triage.taxonomy import TARGETS, load_taxonomy

CASES = 250
KILL_AFTER = 80
SENDERS = 2
SESSION = "云澜市六届人大六次会议"
PLACES = ("板杉镇", "柳塘镇", "清溪县", "白沙区", "江口新区")
Pile = Sequence[dict[str, str]]


def make_pile(settings: Settings) -> Pile:
    """Suggestions, no two alike, on every section's matters."""
    sections = load_taxonomy(settings.taxonomy_path).section
    matters = [(s, term) for s in sections for term in s.terms]
    wanted = [(place, s, term) for place in PLACES for s, term in matters][:CASES]
    assert len(wanted) == CASES
    return [
        {
            "title": f"关于{place}{term}的建议",
            "body": f"{place}群众第{n}次反映{term}的问题,请{section.name}加快{term}工作。",
            "session": SESSION,
            "number": f"第{n:03d}号",
            "kind": "建议",
            "received_on": "2027-01-12",
        }
        for n, (place, section, term) in enumerate(wanted, start=1)
    ]


class Senders:
    """Client threads that post a pile; they stop where the service is gone."""

    def __init__(self, server: LiveServer, pile: Pile) -> None:
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {}
        self.errors: list[str] = []
        self._server = server
        self._rest = iter(pile)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        with self._server.client() as client:
            while True:
                with self._lock:
                    item = next(self._rest, None)
                if item is None:
                    return
                try:
                    response = client.post("/api/cases", json=item)
                except httpx2.TransportError:
                    return  # killed
                with self._lock:
                    if response.status_code in (200, 201):
                        self.answers[item["number"]] = (response.status_code, response.json())
                    else:
                        self.errors.append(f"{response.status_code} {response.text}")

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=90)
            assert not thread.is_alive()
        assert self.errors == []


def check_whole(settings: Settings) -> int:
    """Every case in the database has all that belongs to it; returns how many there are."""
    ledger = Ledger(settings.database_url)
    ledger.check()
    with ledger.read() as session:
        loaded = (selectinload(x) for x in (CaseRow.predictions, CaseRow.decisions, CaseRow.events))
        cases = session.scalars(select(CaseRow).options(*loaded)).all()
        vectors = {x for (x,) in session.execute(select(VectorRow.case_id))}
        related = dict(
            session.execute(select(RelationRow.case_id, func.count()).group_by(RelationRow.case_id)).all()
        )
        for case in cases:
            kinds = [e.kind for e in case.events]
            assert case.id in vectors
            if case.state == "closed":
                assert kinds[0] == "imported"
                continue
            assert kinds.count("received") == 1
            assert [p.target for p in case.predictions] == list(TARGETS)
            assert {d.prediction_id for d in case.decisions} <= {p.id for p in case.predictions}
            assert kinds.count("routed") == len([d for d in case.decisions if d.kind == "auto"])
            assert kinds.count("related") == related.get(case.id, 0)
            assert kinds.count("queued") == (1 if case.route == "review" else 0)
            assert (case.state == "assigned") == ("section" in newest_decisions(case))
    with ledger.engine.connect() as connection:
        assert connection.exec_driver_sql("pragma integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("pragma foreign_key_check").all() == []
    ledger.close()
    return len(cases)


def test_a_service_killed_during_intake_loses_nothing_and_halves_nothing(demo_settings: Settings) -> None:
    pile = make_pile(demo_settings)
    before = check_whole(demo_settings)
    server = LiveServer(demo_settings.home)
    try:
        server.start()
        first = Senders(server, pile)
        wait_until(lambda: len(first.answers) >= KILL_AFTER, f"{KILL_AFTER} cases answered", 90)
        server.kill()
        first.join()
        answered = dict(first.answers)
        assert KILL_AFTER <= len(answered) < CASES
        assert all(status == 201 for status, _ in answered.values())

        # at most what was under way when the power went was written without an answer
        held = check_whole(demo_settings)
        assert before + len(answered) <= held <= before + len(answered) + SENDERS

        server.start()
        with server.client() as client:
            for number, (_, told) in answered.items():
                case = client.get(f"/api/cases/{told['id']}").json()
                assert case["number"] == number
                assert [p["target"] for p in case["predictions"]] == list(TARGETS)
                assert case["events"][0]["kind"] == "received"
                same = ("predictions", "decisions", "labels", "events", "route", "route_reason", "state")
                assert {k: case[k] for k in same} == {k: told[k] for k in same}

            second = Senders(server, pile)
            second.join()
            assert set(second.answers) == {item["number"] for item in pile}
            for number, (status, told) in second.answers.items():
                assert told["differs"] is False
                if number in answered:
                    assert (status, told["id"]) == (200, answered[number][1]["id"])
            assert {d["kind"] for _, told in second.answers.values() for d in told["decisions"]} == {"auto"}
            assert client.get("/api/cases?limit=1").json()["total"] == before + CASES
        server.stop()
        assert check_whole(demo_settings) == before + CASES
    finally:
        server.stop()


@pytest.fixture
def served(demo_settings: Settings) -> Iterator[httpx2.Client]:
    """A client of the real service over a copy of the sample office."""
    with LiveServer(demo_settings.home) as server, server.client() as client:
        yield client


def serving(client: httpx2.Client) -> dict[str, str]:
    return {m["target"]: m["serving"] for m in client.get("/api/models").json()}


def trial(client: httpx2.Client | TestClient) -> dict[str, Any]:
    """A recommendation for the section; it must be a whole one."""
    sent = {"title": "停车场收费", "body": "停车场收费不公示,请明码标价。"}
    response = client.post("/api/triage", json=sent)
    assert response.status_code == 200
    section: dict[str, Any] = response.json()["predictions"][0]
    assert section["target"] == "section"
    assert sum(x["probability"] for x in section["ranked"]) == pytest.approx(1, abs=1e-6)
    return section


def test_a_running_service_takes_a_new_champion_and_survives_a_broken_one(
    demo_settings: Settings, served: httpx2.Client
) -> None:
    old = serving(served)
    assert trial(served)["model_version"] == old["section"]

    # a new version, trained elsewhere, promoted by another process than the service
    desk = Desk(demo_settings)
    model = desk.registry.load("section", old["section"])
    manifest = desk.registry.manifest("section", old["section"])
    new = desk.registry.save(model, data=manifest.data, metrics=manifest.metrics).version
    desk.ledger.close()
    assert new != old["section"]
    assert serving(served) == old
    assert main(["--home", str(demo_settings.home), "promote", "section", new, "--who", "李"]) == 0
    assert trial(served)["model_version"] == new
    assert serving(served) == {**old, "section": new}

    # the new champion's file is cut short, and the service is made to look again
    folder = demo_settings.models_dir / "section"
    path = folder / new / "model.joblib"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    os.utime(folder / "champion")
    ready = served.get("/readyz")
    assert ready.status_code == 200
    problem = ready.json()["problems"]["section"]
    assert new in problem
    assert re.search(r"[\u4e00-\u9fff]", problem)
    assert "校验值不符" in problem
    assert trial(served)["model_version"] == new  # the good one that is still in memory
    assert problem in served.get("/queue").text
    assert served.post("/api/cases", json={"body": "请增建充电桩"}).status_code == 201

    # the next good promotion ends the trouble
    assert main(["--home", str(demo_settings.home), "promote", "section", old["section"]]) == 0
    assert served.get("/readyz").json()["problems"] == {}
    assert trial(served)["model_version"] == old["section"]


def test_a_service_started_on_a_broken_champion_serves_from_the_duties_and_says_so(
    demo_settings: Settings, request: pytest.FixtureRequest
) -> None:
    pointer = demo_settings.models_dir / "section" / "champion"
    version = pointer.read_text("utf-8").split()[-1]
    (pointer.parent / version / "model.joblib").write_bytes(b"")
    client: TestClient = request.getfixturevalue("demo_client")  # started only now, on the broken file
    assert version in client.get("/readyz").json()["problems"]["section"]
    section = trial(client)
    assert section["ranked"][0]["label"] == "价格收费管理科"
    assert section["auto"] is False
    assert section["model_version"] != version
    assert client.get("/queue").status_code == 200
