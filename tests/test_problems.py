"""Whatever is wrong with a request, the answer is a Chinese sentence and the ledger is untouched."""

from __future__ import annotations

import itertools
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from entry import come_in
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from service.app import make_app
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger
from triage.ledger.tables import Base

BASE_URL = "http://127.0.0.1:8000"
CJK = re.compile(r"[\u4e00-\u9fff]")
MB = 1024 * 1024
JSON = {"content-type": "application/json"}
NUMBERS = itertools.count(1)


def check_problem(response: Any, status: int) -> dict[str, Any]:
    """The problem details of ``response``, after looking at everything RFC 9457 asks of them."""
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["type"] == "about:blank" or found["type"].startswith("/problems/")
    assert CJK.search(found["title"])
    assert CJK.search(found["detail"])
    assert "Traceback" not in response.text
    return found


def rows(where: Desk | Ledger) -> dict[str, int]:
    """How many rows each table of the ledger has."""
    ledger = where.ledger if isinstance(where, Desk) else where
    with ledger.read() as session:
        tables = Base.metadata.sorted_tables
        return {t.name: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}


def post_case(client: TestClient, **fields: str) -> dict[str, Any]:
    """One case through the API, whole."""
    number = f"第{next(NUMBERS):04d}号"
    sent = {"body": "停车场收费太乱,请明码标价。", "number": number, **fields}
    response = client.post("/api/cases", json=sent)
    assert response.status_code == 201, response.text[:500]
    found: dict[str, Any] = response.json()
    return found


def apart(folder: Path) -> Settings:
    """Settings of an empty office in ``folder``."""
    return Settings.from_env(
        {
            "TRIAGE_HOME": str(folder),
            "TRIAGE_DATABASE_URL": f"sqlite:///{folder / 'ledger.sqlite3'}",
            "TRIAGE_MODELS_DIR": str(folder / "models"),
            "TRIAGE_TAXONOMY": str(folder / "office.toml"),
            "TRIAGE_ENCODER": "none",
        }
    )


@contextmanager
def office_at(folder: Path, *, known: bool = True) -> Iterator[tuple[Desk, TestClient]]:
    """An empty office and a client of the service over it, of somebody known there."""
    settings = apart(folder)
    sample_office.install_office(settings)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    desk = Desk(settings, ledger=ledger)
    with TestClient(make_app(settings, desk), base_url=BASE_URL) as client:
        yield desk, come_in(client, ledger) if known else client
    ledger.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return apart(tmp_path)


@pytest.fixture(scope="module")
def quiet_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, TestClient]]:
    """One office for all requests that must leave no trace in it."""
    with office_at(tmp_path_factory.mktemp("quiet")) as office:
        yield office


@pytest.fixture
def quiet_desk(quiet_office: tuple[Desk, TestClient]) -> Desk:
    return quiet_office[0]


@pytest.fixture
def quiet(quiet_office: tuple[Desk, TestClient]) -> TestClient:
    return quiet_office[1]


@pytest.mark.parametrize("path", ["/api/triage", "/api/cases"])
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ('{"body": "停车', "不是有效的 JSON"),
        ("", "缺少必填项"),
        ("null", ""),
        ("[]", "应为 JSON 对象"),
        ('"停车"', "应为 JSON 对象"),
        ("{}", "body:缺少必填项"),
        ('{"body": 5}', "body:应为文字"),
        ('{"body": null}', "body:应为文字"),
        ('{"body": ["停车"]}', "body:应为文字"),
        ('{"body": ""}', "正文为空"),
        ('{"body": " \\u3000\\n\\t\\u200b "}', "正文为空"),
        ('{"body": "停车", "body_text": "收费"}', "body_text:不认识的项"),
        ('{"body": "停车", "kind": "意见"}', "建议、提案、议案"),
        ('{"body": "停车", "received_on": "去年"}', "2026-01-15"),
        ('{"body": "停车", "received_on": "2026-02-30"}', "2026-01-15"),
        ('{"body": "停车", "received_on": 20260115.5}', "received_on:"),
        ('{"body": "停\\u0000车"}', "无法保存"),
        (json.dumps({"body": "停车", "title": "车" * 501}), "标题太长"),
        (json.dumps({"body": "停车", "deputy": "张" * 2_001}), "最多 2000 字"),
        (json.dumps({"body": "停车", "number": "1" * 101}), "最多 100 字"),
    ],
)
def test_a_malformed_submission_is_named_in_words_and_writes_nothing(
    quiet: TestClient, quiet_desk: Desk, path: str, sent: str, said: str
) -> None:
    before = rows(quiet_desk)
    found = check_problem(quiet.post(path, content=sent.encode(), headers=JSON), 422)
    assert said in found["detail"]
    assert "?" not in found["detail"]  # every sentence found what it was to be filled with
    assert rows(quiet_desk) == before


def test_half_a_surrogate_pair_in_the_text_is_refused_in_words(quiet: TestClient, quiet_desk: Desk) -> None:
    before = rows(quiet_desk)
    check_problem(quiet.post("/api/cases", content=b'{"body": "\\ud83d"}', headers=JSON), 422)
    assert rows(quiet_desk) == before


def test_bytes_that_are_no_text_are_refused_in_words(quiet: TestClient, quiet_desk: Desk) -> None:
    before = rows(quiet_desk)
    response = quiet.post("/api/cases", content='{"body": "停车"}'.encode("gb18030"), headers=JSON)
    assert response.status_code in (400, 422)
    check_problem(response, response.status_code)
    assert rows(quiet_desk) == before


def test_several_mistakes_are_all_named_with_their_fields(quiet: TestClient) -> None:
    response = quiet.post("/api/cases", json={"title": 1, "received_on": "x", "colour": "red"})
    found = check_problem(response, 422)
    assert {e["field"] for e in found["errors"]} == {"title", "body", "received_on", "colour"}
    assert all(CJK.search(e["message"]) for e in found["errors"])


def test_a_body_of_two_megabytes_is_called_too_long_with_its_length(
    quiet: TestClient, quiet_desk: Desk
) -> None:
    before = rows(quiet_desk)
    found = check_problem(quiet.post("/api/cases", json={"body": "x" * (2 * MB)}), 422)
    assert "2,097,152" in found["detail"]
    assert "50,000" in found["detail"]
    assert rows(quiet_desk) == before


def test_a_request_over_eight_megabytes_is_refused(quiet: TestClient, quiet_desk: Desk) -> None:
    before = rows(quiet_desk)
    sent = json.dumps({"body": "x" * (8 * MB)}).encode()
    found = check_problem(quiet.post("/api/cases", content=sent, headers=JSON), 413)
    assert "8 MB" in found["detail"]
    assert rows(quiet_desk) == before


def test_a_request_over_eight_megabytes_without_a_length_is_refused(
    quiet: TestClient, quiet_desk: Desk
) -> None:
    before = rows(quiet_desk)

    def chunks() -> Iterator[bytes]:
        yield b'{"body": "'
        for _ in range(9):
            yield b"x" * MB
        yield b'"}'

    found = check_problem(quiet.post("/api/cases", content=chunks(), headers=JSON), 413)
    assert "8 MB" in found["detail"]
    assert rows(quiet_desk) == before


def test_a_form_over_eight_megabytes_is_refused_on_a_page(quiet: TestClient, quiet_desk: Desk) -> None:
    case = post_case(quiet)
    before = rows(quiet_desk)
    response = quiet.post(f"/cases/{case['id']}/decisions", data={"version": "1", "why": "x" * (8 * MB)})
    assert response.status_code == 413
    assert "8 MB" in response.text
    assert rows(quiet_desk) == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/cases/999", 404),
        ("GET", "/api/cases/abc", 422),
        ("GET", "/api/cases/99999999999999999999", 404),
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/cases", 405),
        ("PUT", "/api/cases/1", 405),
        ("GET", "/api/cases?state=lost", 422),
        ("GET", "/api/cases?route=perhaps", 422),
        ("GET", "/api/cases?limit=0", 422),
        ("GET", "/api/cases?limit=501", 422),
        ("GET", "/api/cases?limit=many", 422),
        ("GET", "/api/cases?offset=-1", 422),
        ("GET", "/api/cases?offset=99999999999999999999", 422),
        ("GET", "/api/cases?year=1900", 422),
        ("GET", "/api/cases?text=" + "x" * 101, 422),
    ],
)
def test_a_request_that_cannot_be_met_is_answered_with_a_problem(
    quiet: TestClient, method: str, path: str, status: int
) -> None:
    check_problem(quiet.request(method, path), status)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/cases/999", 404),
        ("/cases/abc", 422),
        ("/cases/99999999999999999999", 404),
        ("/queue?received_from=lost", 422),
        ("/ledger?state=lost", 422),
        ("/queue?page=0", 422),
        ("/static/nothing.css", 404),
    ],
)
def test_a_person_who_goes_astray_gets_a_chinese_page(quiet: TestClient, path: str, status: int) -> None:
    response = quiet.get(path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html")
    main = re.search(r"<main>(.*)</main>", response.text, re.DOTALL)
    assert main is not None
    assert 'href="/"' in main[1] or "ledger" in path  # the ledger's page shows its filters again
    said = re.sub(r"<[^>]*>", "", main[1])
    assert len(CJK.findall(said.replace("回到首页", ""))) > 6
    assert not re.search(r"[A-Za-z_]+ [A-Za-z]+", said)  # no English sentence


def test_a_decision_on_an_unknown_case_is_404(quiet: TestClient) -> None:
    sent = {"who": "李", "decisions": [{"target": "section", "label": "能源科"}]}
    check_problem(quiet.post("/api/cases/999/decisions", json=sent), 404)
    check_problem(quiet.post("/api/cases/999/close", json={"who": "李", "result_class": "A"}), 404)


@pytest.mark.parametrize(
    "changed",
    [
        {"who": ""},
        {"who": "  "},
        {"who": "李" * 101},
        {"decisions": []},
        {"decisions": [{"target": "colour", "label": "能源科"}]},
        {"decisions": [{"target": "section", "label": ""}]},
        {"decisions": [{"target": "section"}]},
        {"decisions": {"section": "能源科"}},
        {"version": "newest"},
        {"version": 1.5},
        {"why": "因" * 2_001},
        {"note": "x"},
    ],
)
def test_a_malformed_decision_is_refused_and_writes_nothing(
    quiet: TestClient, quiet_desk: Desk, changed: dict[str, Any]
) -> None:
    case = post_case(quiet)
    first = case["predictions"][0]["ranked"][0]["label"]
    sent = {"who": "李", "decisions": [{"target": "section", "label": first}], **changed}
    before = rows(quiet_desk)
    check_problem(quiet.post(f"/api/cases/{case['id']}/decisions", json=sent), 422)
    assert rows(quiet_desk) == before


def test_a_version_that_no_case_can_have_is_refused_in_words(quiet: TestClient, quiet_desk: Desk) -> None:
    case = post_case(quiet)
    before = rows(quiet_desk)
    first = case["predictions"][0]["ranked"][0]["label"]
    sent = {"who": "李", "version": 10**20, "decisions": [{"target": "section", "label": first}]}
    response = quiet.post(f"/api/cases/{case['id']}/decisions", json=sent)
    assert response.status_code in (409, 422)
    check_problem(response, response.status_code)
    form = {"who": "李", "version": str(10**20), "section": first}
    assert quiet.post(f"/cases/{case['id']}/decisions", data=form).status_code in (409, 422)
    assert rows(quiet_desk) == before


def test_an_unforeseen_error_is_a_chinese_problem_without_innards(client: TestClient, desk: Desk) -> None:
    assert desk.ledger.path is not None
    calm = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, raise_server_exceptions=False)
    come_in(calm, desk.ledger)
    with sqlite3.connect(desk.ledger.path) as connection:
        connection.execute("alter table relation rename to lost")
    connection.close()
    response = calm.post("/api/cases", json={"body": "停车场收费太乱"})
    detail = check_problem(response, 500)["detail"]
    assert "核对" in detail  # the act may have been committed before the error: no false promise
    assert "sql" not in response.text.lower()
    assert "content-security-policy" in response.headers


def test_a_ledger_that_cannot_be_read_is_not_called_ready(desk: Desk) -> None:
    calm = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, raise_server_exceptions=False)
    with calm:
        assert calm.get("/readyz").status_code == 200
        desk.ledger.close()  # so that the next connection is a new one
        assert desk.ledger.path is not None
        desk.ledger.path.write_bytes(b"not a database" * 1_000)
        response = calm.get("/readyz")
        assert response.status_code >= 500
        check_problem(response, response.status_code)
