"""Too many requests at once: the surplus is told at once to come again, and what is taken is answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import BASE_URL
from entry import come_in
from fastapi.testclient import TestClient

from service import overload
from service.app import make_app
from triage.desk import Desk

Held = tuple[TestClient, threading.Event, threading.Semaphore]


@pytest.fixture
def held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """A service for two writes at a time whose intakes wait until they are let go."""
    go, under_way = threading.Event(), threading.Semaphore(0)
    take_in = desk.take_in

    def wait(*args: object, **named: object) -> object:
        under_way.release()
        assert go.wait(20)
        return take_in(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(desk, "take_in", wait)
    monkeypatch.setattr(overload, "WRITES", 2)
    with TestClient(make_app(desk.settings, desk), base_url=BASE_URL) as client:
        come_in(client, desk.ledger)
        yield client, go, under_way
        go.set()


def intake(client: TestClient, number: int) -> tuple[int, dict[str, object], str]:
    body = {"title": f"关于第{number}处停车场的建议", "body": "停车难。"}
    answer = client.post("/api/cases", json=body)
    return answer.status_code, answer.json(), answer.headers.get("retry-after", "")


def test_what_is_over_is_refused_at_once_and_what_is_taken_is_answered(held: Held) -> None:
    client, go, under_way = held
    with ThreadPoolExecutor(2) as pool:
        taken = [pool.submit(intake, client, number) for number in (1, 2)]
        assert all(under_way.acquire(timeout=20) for _ in taken)
        status, problem, retry_after = intake(client, 3)
        assert (status, problem["type"], retry_after) == (503, "/problems/overloaded", "2")
        assert "没有写入任何内容" in str(problem["detail"])
        assert client.get("/api/cases").status_code == 200  # reading has places of its own
        assert client.get("/healthz").status_code == 200
        go.set()
        assert [answer.result()[0] for answer in taken] == [201, 201]
    assert intake(client, 3)[0] == 201  # the place is free again, and nothing of it was written before
