"""Coming in by the browser: signing in and out, links, and what is tried to get in without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from entry import make_token, sign_in
from fastapi.testclient import TestClient
from sqlalchemy import select
from test_problems import office_at, rows

from service.app import make_app
from service.command import main
from triage.desk import Desk
from triage.ledger.account_tables import AttemptRow
from triage.ledger.accounts import add_account, list_accounts, set_password
from triage.ledger.invites import add_invite
from triage.ledger.keys import digest

BASE_URL = "http://127.0.0.1:8000"
PASSWORD = "云澜 yunlan 2026"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An office with one administrator, 李主任, who signs in as li."""
    with office_at(tmp_path, known=False) as (desk, _):
        with desk.ledger.write() as session:
            account = add_account("li", "李主任", ["administrator", "clerk"], who="系统", session=session)
            set_password(account, PASSWORD, who="李主任", session=session)
        yield desk


@pytest.fixture
def browser(desk: Desk) -> TestClient:
    return TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)


def enter(browser: TestClient, **more: str) -> str:
    """Sign in as a person does; the cookie's value."""
    answer = browser.post("/sign-in", data={"login": "li", "password": PASSWORD, **more})
    assert answer.status_code == 303, answer.text
    return str(browser.cookies["triage"])


def csrf_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_a_person_signs_in_reaches_the_page_asked_for_and_signs_out(browser: TestClient) -> None:
    led = browser.get("/groups?year=2026")
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Fgroups%3Fyear%3D2026")
    form = browser.get(led.headers["location"])
    assert 'value="/groups?year=2026"' in unescape(form.text)
    answer = browser.post(
        "/sign-in", data={"login": " LI", "password": PASSWORD, "next": "/groups?year=2026"}
    )
    assert answer.headers["location"] == "/groups?year=2026"
    page = browser.get("/groups")
    assert "李主任" in page.text
    key = browser.cookies["triage"]
    assert browser.post("/sign-out", data={"csrf": csrf_in(page.text)}).status_code == 303
    assert "triage" not in browser.cookies
    browser.cookies.set("triage", key)  # the old secret is worth nothing now
    assert browser.get("/groups").status_code == 303


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(browser: TestClient, desk: Desk) -> None:
    answer = browser.post("/sign-in", data={"login": "li", "password": PASSWORD})
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told
    assert "secure" not in told
    desk.settings = replace(desk.settings, public_url="https://fenban.example")
    answer = browser.post("/sign-in", data={"login": "li", "password": PASSWORD})
    told = answer.headers["set-cookie"].lower()
    assert told.startswith("__host-triage=")
    assert "secure" in told
    assert "path=/" in told


@pytest.mark.parametrize(
    "asked",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\n/x", ""],
)
def test_nobody_is_led_to_another_site_after_signing_in(browser: TestClient, asked: str) -> None:
    answer = browser.post("/sign-in", data={"login": "li", "password": PASSWORD, "next": asked})
    assert answer.headers["location"] == "/"


def test_a_session_planted_before_signing_in_is_not_the_one_after(browser: TestClient, desk: Desk) -> None:
    planted = "planted-by-somebody-else"
    browser.cookies.set("triage", planted)
    assert browser.get("/me").status_code == 303
    browser.post("/sign-in", data={"login": "li", "password": PASSWORD})
    assert browser.cookies.get("triage", domain="127.0.0.1") not in (None, planted)
    thief = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)
    thief.cookies.set("triage", planted)
    assert thief.get("/me").status_code == 303
    other = sign_in(desk.ledger, "王工")  # the thief's own session, planted, is not taken over either
    victim = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)
    victim.headers["cookie"] = f"triage={other}"
    answer = victim.post("/sign-in", data={"login": "li", "password": PASSWORD})
    assert other not in answer.headers["set-cookie"]
    thief.cookies.set("triage", other)
    assert "李主任" not in thief.get("/me").text


def test_wrong_passwords_are_refused_counted_and_then_not_looked_at(browser: TestClient, desk: Desk) -> None:
    for _ in range(5):
        answer = browser.post("/sign-in", data={"login": "li", "password": "wrong", "next": "/groups"})
        assert answer.status_code == 403
        assert "登录名或密码不对" in answer.text
        assert 'value="/groups"' in answer.text  # what was asked for is not lost
    answer = browser.post("/sign-in", data={"login": "li", "password": PASSWORD})
    assert answer.status_code == 429
    assert "triage" not in browser.cookies
    with desk.ledger.write() as session:  # as after the clock was set back: nobody waits for that hour
        for row in session.scalars(select(AttemptRow)):
            row.created_at += timedelta(hours=1)
    assert browser.post("/sign-in", data={"login": "li", "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("shown", [None, "", "0" * 64, "é"])
def test_a_form_that_is_not_ours_writes_nothing(browser: TestClient, desk: Desk, shown: str | None) -> None:
    key = enter(browser)
    before = rows(desk)
    data = {"login": "wang", "name": "王工", "roles": "clerk"}
    if shown is not None:
        data["csrf"] = shown
    answer = browser.post("/settings/accounts", data=data)
    assert answer.status_code == 403
    assert "没有写入" in answer.text
    assert rows(desk) == before
    own = digest(f"csrf:{key}")
    assert browser.post("/settings/accounts", data={**data, "csrf": own}).status_code == 200


def test_the_form_of_another_session_is_not_taken(browser: TestClient, desk: Desk) -> None:
    enter(browser)
    other = sign_in(desk.ledger, "王工")
    answer = browser.post("/me/end", data={"sign_in_id": "1", "csrf": digest(f"csrf:{other}")})
    assert answer.status_code == 403


def test_a_session_reads_the_api_and_does_not_write_through_it(browser: TestClient, desk: Desk) -> None:
    key = enter(browser)
    assert browser.get("/api/cases").status_code == 200
    before = rows(desk)
    answer = browser.post(
        "/api/cases", json={"body": "停车"}, headers={"x-csrf-token": digest(f"csrf:{key}")}
    )
    assert answer.status_code == 403
    assert "令牌" in answer.json()["detail"]
    assert rows(desk) == before


def test_what_a_program_writes_says_for_whom_and_through_what(browser: TestClient, desk: Desk) -> None:
    browser.headers["authorization"] = f"Bearer {make_token(desk.ledger)}"
    case = browser.post("/api/cases", json={"body": "小区没有充电桩"}, headers={"x-who": "clerk"}).json()
    events = browser.get(f"/api/cases/{case['id']}").json()["events"]
    assert {(e["who"], e["detail"]["via"]) for e in events if e["kind"] == "received"} == {
        ("clerk", "测试程序")
    }


def test_somebody_sets_a_password_by_a_link_and_it_works_once(browser: TestClient, desk: Desk) -> None:
    page = browser.get("/settings/accounts", headers={"cookie": f"triage={enter(browser)}"}).text
    data = {"login": "wang", "name": "王工", "roles": "handler", "section": "能源科", "csrf": csrf_in(page)}
    made = browser.post("/settings/accounts", data=data).text
    link = re.search(r"/link\?key=[\w-]+", made)
    assert link is not None
    other = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)
    assert "王工" in other.get(link[0]).text
    key = link[0].split("=")[1]
    for typed, says in (
        ({"password": "short", "again": "short"}, "至少 10"),
        ({"password": PASSWORD, "again": PASSWORD + "x"}, "不一样"),
    ):
        answer = other.post("/link", data={"key": key, **typed})
        assert answer.status_code == 422
        assert says in answer.text
    answer = other.post("/link", data={"key": key, "password": PASSWORD, "again": PASSWORD})
    assert answer.status_code == 303
    assert "王工" in other.get("/me").text
    assert other.get(link[0]).status_code == 403
    assert link[0] not in browser.get("/settings/accounts").text


def test_a_changed_password_ends_the_sessions_elsewhere(browser: TestClient, desk: Desk) -> None:
    enter(browser)
    elsewhere = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)
    enter(elsewhere)
    csrf = csrf_in(browser.get("/me").text)
    new = {"password": "another 2026 one", "again": "another 2026 one", "csrf": csrf}
    assert "不对" in browser.post("/me/password", data={**new, "old": "wrong"}).text
    answer = browser.post("/me/password", data={**new, "old": PASSWORD})
    assert answer.status_code == 303
    assert "密码已改" in browser.get("/me?done=password").text
    assert elsewhere.get("/me").status_code == 303


def test_one_ends_ones_own_sessions_and_nobody_elses(browser: TestClient, desk: Desk) -> None:
    enter(browser)
    theirs = sign_in(desk.ledger, "王工")
    csrf = csrf_in(browser.get("/me").text)
    for number in ("1", "2", "999"):
        browser.post("/me/end", data={"sign_in_id": number, "csrf": csrf})
    other = TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False)
    other.cookies.set("triage", theirs)
    assert other.get("/me").status_code == 200
    assert browser.get("/me").status_code == 303  # number 1 was the own one


def test_markup_in_names_is_shown_and_never_run(browser: TestClient, desk: Desk) -> None:
    enter(browser)
    csrf = csrf_in(browser.get("/settings/accounts").text)
    name = "<script>alert(1)</script>"
    data = {"login": "wang", "name": name, "roles": "handler", "section": '"><img src=x>', "csrf": csrf}
    pages = [browser.post("/settings/accounts", data=data).text, browser.get("/settings/accounts").text]
    pages.append(browser.post("/settings/tokens", data={"name": name, "scopes": "read", "csrf": csrf}).text)
    pages.append(browser.post("/sign-in", data={"login": name, "password": "x", "next": f"/{name}"}).text)
    pages.append(browser.get(f"/sign-in?next=/{quote(name)}").text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page
    assert sum("&lt;script&gt;alert(1)&lt;/script&gt;" in page for page in pages) == len(pages)


def test_an_upload_over_the_limit_is_stopped_before_it_is_read(browser: TestClient, desk: Desk) -> None:
    key = enter(browser)
    for path, size in (("/settings/accounts", 9 * 2**20), ("/api/files", 52 * 2**20)):
        headers = {
            "content-length": str(size),
            "content-type": "application/x-www-form-urlencoded",
            "x-csrf-token": digest(f"csrf:{key}"),
        }
        assert browser.post(path, content=b"csrf=1", headers=headers).status_code == 413, path


def test_nobody_unknown_has_a_body_read(browser: TestClient) -> None:
    def body() -> Iterator[bytes]:
        raise AssertionError("the body was asked for")
        yield b""

    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert browser.post("/api/files", content=body(), headers=headers).status_code == 401


def test_the_first_start_gives_a_link_that_makes_an_administrator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with office_at(tmp_path, known=False) as (desk, browser):
        with desk.ledger.write() as session:
            key = add_invite(None, who="系统", session=session)
        form = {"key": key, "login": "li", "name": "李主任", "password": PASSWORD, "again": PASSWORD}
        assert "设立第一个管理员" in browser.get(f"/first?key={key}").text
        assert "不一样" in browser.post("/first", data={**form, "again": "x" * 12}).text
        assert 'value="李主任"' in browser.post("/first", data={**form, "login": "l i"}).text
        entered = browser.post("/first", data=form, follow_redirects=False)
        assert entered.status_code == 303
        assert "李主任" in browser.get("/me").text
        assert browser.post("/first", data={**form, "login": "x2", "name": "贼"}).status_code == 403
        with desk.ledger.read() as session:
            assert [a.name for a in list_accounts(session=session)] == ["李主任"]


def test_the_command_line_lists_accounts_and_makes_links_and_tokens(
    desk: Desk, browser: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", desk.settings.database_url)
    assert main(["accounts"]) == 0
    assert "李主任" in capsys.readouterr().out
    assert main(["accounts", "--link", "li", "--who", "李"]) == 0
    link = re.search(r"/link\?key=[\w-]+", capsys.readouterr().out)
    assert link is not None
    assert "李主任" in browser.get(link[0]).text
    assert main(["accounts", "--link", "nobody"]) == 1
    assert "没有登录名" in capsys.readouterr().err
    assert main(["token", "办公系统", "--scope", "read", "--who", "李"]) == 0
    token = capsys.readouterr().out.strip()
    bearer = {"authorization": f"Bearer {token}"}
    assert browser.get("/api/cases", headers=bearer).status_code == 200
    assert browser.post("/api/cases", json={"body": "停车"}, headers=bearer).status_code == 403
