"""The log: every line JSON, each request once, its number everywhere, nothing private anywhere."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from entry import sign_in
from fastapi.testclient import TestClient
from live_server import LiveServer
from sqlalchemy.exc import SQLAlchemyError

from service.app import make_app
from service.logs import REQUEST_ID, JsonLines, PlainLines
from service.masking import secrets_of
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow
from triage.text import MASK

PHONE, WIDE_PHONE, ID_NUMBER = "13812345678", "１３８-１２３４-５６７８", "11010519491231002X"
TOKEN = "triage_Zk3vQm8RrT1yLx0WcB7nH5dJ2pF6sG9aEuIoKtVbNwM"
PASSWORD = "Drachen-8842-Fluss"
CLIENT_SECRET = "oidc-Geheimnis-5521"
DEPUTY, BODY = "欧阳明华", "村口的桥塌了半边,请尽快修缮。"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("any.library", logging.WARNING, __file__, 1, message, args, told)


@pytest.mark.parametrize(
    ("message", "args", "hidden", "kept"),
    [
        ("asked for %s twice", (PHONE,), PHONE, "twice"),
        (f"wide {WIDE_PHONE} number", (), WIDE_PHONE, "number"),
        ("holder %r", ([{"id": ID_NUMBER}],), ID_NUMBER, "holder"),
        ("to wang.wei@example.cn", (), "wang.wei", "to"),
        ("Authorization: Bearer %s", (TOKEN,), TOKEN, "Authorization"),
        (f"{{'authorization': 'Bearer {TOKEN}'}}", (), TOKEN, "authorization"),
        ("a bearer abc.def.ghi came", (), "abc.def", "came"),
        (f"token {TOKEN} refused", (), TOKEN, "refused"),
        ("cookie: triage=%s; other=1", ("k" * 43,), "kkkk", "cookie"),
        ("GET /first?key=Abc-123&x=1", (), "Abc-123", "x=1"),
        ("GET /sign-in/single/back?state=s3cr3t&code=0xF00 HTTP", (), "0xF00", "HTTP"),
        (f"form password={PASSWORD}&login=li", (), PASSWORD, "login=li"),
        (f'{{"login": "li", "password": "{PASSWORD}"}}', (), PASSWORD, "login"),
        ("could not reach postgresql://triage:%s@db.example/office", (PASSWORD,), PASSWORD, "office"),
        ("client_secret: %s", (CLIENT_SECRET,), CLIENT_SECRET, "client_secret"),
        ("odd words %s here", (CLIENT_SECRET,), CLIENT_SECRET, "here"),  # named by the settings only
        ("random %s word", ("aB3" + "xY9" * 14,), "xY9xY9", "word"),
    ],
)
def test_what_is_private_is_masked_in_any_record_and_the_rest_stays(
    settings: Settings, message: str, args: tuple[object, ...], hidden: str, kept: str
) -> None:
    secrets = secrets_of(replace(settings, oidc_client_secret=CLIENT_SECRET))
    for form in (JsonLines(secrets), PlainLines(secrets)):
        line = form.format(record(message, *args))
        assert hidden not in line
        assert MASK in line
        assert kept in line


def test_what_is_not_private_is_not_masked() -> None:
    said = "Started server process [4711], 3 cases of 2026-03-02 in 0.123 s, state: running, 第3次"
    assert json.loads(JsonLines().format(record(said)))["message"] == said


def test_a_traceback_is_kept_without_what_it_quotes() -> None:
    def fails(text: str) -> None:
        raise ValueError(f"cannot read {text!r} of {PHONE}, password={PASSWORD}")

    try:
        fails(DEPUTY + BODY)
    except ValueError as error:
        told = json.loads(JsonLines().format(record("failed", error=error)))["traceback"]
    assert "in fails" in told
    assert "ValueError: cannot read" in told
    assert not any(private in told for private in (DEPUTY, "桥塌", PHONE, PASSWORD))


def test_a_database_that_refuses_a_row_does_not_tell_what_was_in_it(ledger: Ledger) -> None:
    row = {"title": "修桥", "body": BODY, "deputy": DEPUTY, "phone": PHONE, "delegation": "Hexi team"}
    with pytest.raises(SQLAlchemyError) as caught, ledger.write() as session:
        session.execute(CaseRow.__table__.insert().values(**row))  # much is missing
    line = JsonLines().format(record("%s", str(caught.value), error=caught.value))
    assert "IntegrityError" in line
    assert not any(private in line for private in (DEPUTY, "桥塌", PHONE, "Hexi"))


def test_a_line_break_in_a_message_begins_no_record_of_its_own() -> None:
    forged = record("gone\n2026-01-01 00:00:00 ERROR all is lost")
    assert "\n" not in JsonLines().format(forged)
    assert "\n" not in PlainLines().format(forged)


def test_the_form_of_the_log_is_asked_for_and_nothing_else_is_understood() -> None:
    assert Settings.from_env({}).log == "text"
    assert Settings.from_env({"TRIAGE_LOG": "json"}).to_env()["TRIAGE_LOG"] == "json"
    with pytest.raises(InputError, match="TRIAGE_LOG"):
        Settings.from_env({"TRIAGE_LOG": "xml"})


def test_every_answer_has_a_number_its_own_or_the_one_that_came_with_the_request(client: TestClient) -> None:
    def number(asked: str = "", path: str = "/api/cases/999") -> str:
        response = client.get(path, headers={"x-request-id": asked} if asked else {})
        given: str = response.headers["x-request-id"]
        if response.headers["content-type"] == "application/problem+json":
            assert response.json()["request_id"] == given
        return given

    assert number("proxy-7.A_b") == "proxy-7.A_b"
    for insane in ("x" * 65, "two words", "a;b", "", PHONE, TOKEN):
        made = number(insane)
        assert made != insane
        assert made.isalpha()
        assert len(made) == 10
    assert number() != number()
    for path in ("/static/style.css", "/nothing", "/queue", "/metrics"):
        assert number("abc", path) == "abc"
    assert "abc" in client.get("/cases/999", headers={"x-request-id": "abc"}).text  # a page says it, too
    assert REQUEST_ID.get() == ""


def test_who_goes_away_in_the_middle_of_a_form_is_no_error_of_the_program(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {
        "host": "127.0.0.1:8000",
        "cookie": f"triage={sign_in(desk.ledger)}",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "100",
    }
    asked = {"type": "http", "method": "POST", "path": "/sign-out", "query_string": b""}
    asked |= {"headers": [(k.encode(), v.encode()) for k, v in headers.items()], "client": ("127.0.0.1", 5)}
    asked |= {"scheme": "http", "http_version": "1.1", "server": ("127.0.0.1", 8000), "root_path": ""}
    with caplog.at_level(logging.INFO), ThreadPoolExecutor(1) as thread:
        # in a thread: in this one another test's browser may have a loop running
        thread.submit(lambda: asyncio.run(make_app(desk.settings, desk)(asked, receive, send))).result()
    assert sent == []
    told = [(r.levelname, r.getMessage().rpartition(" 499 ")[0]) for r in caplog.records]
    assert told == [("INFO", "POST /sign-out")]


@pytest.fixture
def served(desk: Desk) -> Iterator[LiveServer]:
    """The service as a process that logs JSON, over an office in which nobody has an account yet."""
    env = {"TRIAGE_LOG": "json", "TRIAGE_ENCODER": "none", "TRIAGE_OIDC_CLIENT_SECRET": CLIENT_SECRET}
    with LiveServer(desk.settings.home, **env) as server:
        yield server


def lines(server: LiveServer) -> tuple[list[dict[str, Any]], str]:
    """The records that were logged, and what was written for the person at the console."""
    written = server.log.read_text(encoding="utf-8").splitlines()
    logged = [line for line in written if line.startswith("{")]
    return [json.loads(line) for line in logged], "\n".join(line for line in written if line not in logged)


def test_a_service_logs_each_request_once_with_nothing_private_in_any_line(served: LiveServer) -> None:
    _, console = lines(served)
    key = console.split("/first?key=")[1].split()[0]  # the link is for the person, and works
    with httpx2.Client(base_url=served.url, trust_env=False, timeout=60) as browser:
        assert browser.get(f"/first?key={key}").status_code == 200
        form = {"key": key, "login": "wangli", "name": "王丽", "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/first", data=form).status_code == 303
        browser.cookies.clear()
        browser.post("/sign-in", data={"login": PHONE, "password": PASSWORD + "x"})
    program = served.client()
    session = program.cookies["triage"]
    private = {"deputy": DEPUTY, "phone": PHONE, "body": f"{BODY}身份证{ID_NUMBER}"}
    assert program.post("/api/cases", json=private).status_code == 201
    program.get("/ledger", params={"text": f"{DEPUTY}{PHONE}"})
    program.get("/api/cases/999", headers={"x-request-id": "from-the-proxy"})
    program.post("/api/cases", content=json.dumps(private)[:-9].encode())
    program.get(f"/first?key={key}")
    program.get("/api/cases", headers={"authorization": "Bearer " + TOKEN, "cookie": ""})
    ledger = served.ledger()
    assert ledger.path is not None
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("alter table relation rename to lost")
    connection.close()
    failed = program.post("/api/cases", json={**private, "body": "另一件:" + private["body"]})
    assert failed.status_code == 500
    program.close()
    ledger.close()
    served.stop()

    records, after = lines(served)
    logged = json.dumps(records, ensure_ascii=False)
    secrets = (key, PASSWORD, session, served.token, TOKEN, CLIENT_SECRET, PHONE, ID_NUMBER)
    for hidden in (*secrets, DEPUTY, "桥塌", "王丽", "wangli", "值班员"):
        assert hidden not in logged, hidden
    assert key in after
    assert "Traceback" not in after  # nobody writes beside the log
    for one in records:
        assert {"time", "level", "logger", "message", "request_id"} <= set(one)
        assert one["time"][-6] in "+-"  # with its zone

    access = [one for one in records if one["logger"] == "triage.access"]
    asked = [(one["method"], one["path"], one["status"]) for one in access]
    assert asked.count(("POST", "/api/cases", 201)) == 1
    assert ("GET", "/api/cases/{case_id}", 404) in asked
    assert ("GET", "/ledger", 200) in asked
    assert ("GET", "-", 401) in asked  # stopped before it came to a route
    assert not any(path == "/readyz" and status == 200 for _, path, status in asked)
    by_page = next(one for one in access if one["path"] == "/ledger")
    by_program = next(one for one in access if one["status"] == 201)
    assert (by_page["who"], by_program["who"]) == ("clerk,administrator", "program:测试程序")
    assert 0 < by_program["duration_ms"] < 60_000
    assert [one["status"] for one in access if one["request_id"] == "from-the-proxy"] == [404]

    of_failed = [one for one in records if one["request_id"] == failed.json()["request_id"]]
    assert failed.headers["x-request-id"] == failed.json()["request_id"]
    told, line = of_failed
    assert (told["level"], line["level"], line["status"]) == ("ERROR", "WARNING", 500)
    assert "no such table" in told["traceback"]
    assert "take_in" in told["traceback"]
