"""The page of the whole ledger: filters, order, views, export; over HTTP and in a real browser."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from browsing import SCRIPT
from entry import sign_in
from fastapi.testclient import TestClient
from live_server import LiveServer
from playwright.sync_api import Browser, expect
from sqlalchemy import update
from test_pages import Page

from service.app import make_app
from triage.desk import Desk
from triage.ledger.keys import digest
from triage.ledger.tables import CaseRow

BASE_URL = "http://127.0.0.1:8000"


def as_person(desk: Desk, name: str, roles: tuple[str, ...] = ("clerk",), section: str = "") -> TestClient:
    """A client of a person who signed in."""
    client = TestClient(make_app(desk.settings, desk), base_url=BASE_URL)
    key = sign_in(desk.ledger, name, roles, section)
    client.cookies.set("triage", key)
    client.headers["x-csrf-token"] = digest(f"csrf:{key}")
    return client


@pytest.fixture
def seen(demo_desk: Desk) -> TestClient:
    """The sample office's ledger as a clerk sees it."""
    return as_person(demo_desk, "值班员", ("clerk", "administrator"))


def read(client: TestClient, query: str, status: int = 200) -> Page:
    response = client.get(f"/ledger{query}")
    assert response.status_code == status, response.text
    return Page(response.text)


def listed(page: Page) -> list[int]:
    return [
        int(own["href"].rsplit("/", 1)[1])
        for own, _ in page.all("a")
        if re.fullmatch(r"/cases/\d+", own["href"])
    ]


def total(page: Page) -> int:
    return int(re.sub(r"\D", "", page.text("p", class_="total")))


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("?state=closed&text=充电", {"state": "closed", "text": "充电"}),
        ("?state=in_review&state=assigned", {"state": "in_review,assigned"}),
        ("?section=能源科&year=2026", {"section": "能源科", "year": 2026}),
        ("?late=1", {"late_only": True}),
        ("?how=confirmed&month_received=3", {"how": "confirmed", "month_received": 3}),
        ("?kind=提案&contacted=no", {"kind": "提案", "contacted": "no"}),
        ("?text=没有人写过的字", {"text": "没有人写过的字"}),
    ],
)
def test_the_page_lists_what_the_api_lists_and_exports_as_much(
    seen: TestClient, query: str, asked: dict[str, Any]
) -> None:
    page = read(seen, query)
    found = seen.get("/api/cases", params={**asked, "limit": 50}).json()
    assert total(page) == found["total"]
    assert listed(page) == [case["id"] for case in found["cases"]]
    exports = [own["href"] for own, text in page.all("a") if text == "CSV"]
    assert bool(exports) == bool(found["total"])
    for address in exports:
        rows = list(csv.reader(io.StringIO(seen.get(address).content.decode("utf-8-sig"))))
        assert len(rows) - 1 == found["total"]


def test_every_page_and_every_order_has_each_case_once(seen: TestClient) -> None:
    for sort in ("", "number", "-number", "received", "-due", "due", "section", "-state"):
        paged: list[int] = []
        for number in range(1, 7):
            paged += listed(read(seen, f"?sort={sort}&page={number}"))
        assert len(paged) == len(set(paged)) == total(read(seen, "")), sort
    by_day = [text[:10] for _, text in read(seen, "?sort=received").all("td", class_="date")][::2]
    assert by_day == sorted(by_day)
    assert "没有第 99 页" in read(seen, "?page=99").text("p", class_="empty nothing")


def test_a_column_is_sorted_up_down_and_not_at_all(seen: TestClient) -> None:
    address, found = "/ledger?state=closed", []
    for _ in range(3):
        page = Page(seen.get(address).text)
        ((own, _),) = [(own, text) for own, text in page.all("a") if text.startswith("期限")]
        address = own["href"]
        found.append(address)
    assert found == [
        "/ledger?state=closed&sort=due",
        "/ledger?state=closed&sort=-due",
        "/ledger?state=closed",
    ]


def test_each_condition_is_a_chip_that_takes_it_away(seen: TestClient) -> None:
    page = read(seen, "?state=in_review,assigned&late=1&role=主办")
    chips = {text.removesuffix(" ×"): own["href"] for own, text in page.all("a", title="去掉这个条件")}
    assert list(chips) == ["状态:待认定、已分办", "承办角色:主办", "逾期"]
    assert Page(seen.get(chips["逾期"]).text).all("a", title="去掉这个条件")[1][1] == "承办角色:主办 ×"


def test_blank_fields_of_the_form_do_not_stay_in_the_address(seen: TestClient) -> None:
    sent = "/ledger?text=&state=closed&state=in_review&section=&late=1&year="
    response = seen.get(sent, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/ledger?state=in_review%2Cclosed&late=1"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?year=x&state=closed", "收件年份填写有误,没有采用。"),
        ("?state=lost", "状态填写有误,没有采用。"),
        ("?sort=color", "排序填写有误"),
        ("?section=没有的科", "本单位没有“没有的科”这个承办科室"),
        ("?due_from=2026-05-01&due_to=2026-01-01", "办理期限的起始日"),
    ],
)
def test_what_cannot_be_asked_is_told_on_the_page(seen: TestClient, query: str, said: str) -> None:
    page = read(seen, query, status=422)
    assert said in page.text("p", class_="notice bad", role="alert")
    assert page.all("form", class_="find")


def test_views_are_saved_opened_and_deleted_by_their_owner(demo_desk: Desk) -> None:
    client = as_person(demo_desk, "赵敏")
    client.post("/ledger/views", data={"query": "state=closed&text=充电", "name": "充电 <办结>"})
    page = read(client, "?state=closed&text=充电")
    ((own, name),) = page.all("a", class_="own")
    assert (own["aria-current"], name) == ("true", "充电 <办结>")
    refused = client.post("/ledger/views", data={"query": "late=1", "name": "充电 <办结>"})
    assert refused.status_code == 409
    typed = Page(refused.text).all("input", name="name")
    assert typed[0][0]["value"] == "充电 <办结>"
    other = as_person(demo_desk, "钱伟")
    assert read(other, "").all("a", class_="own") == []
    ((form, _),) = [f for f in page.all("form") if "/delete" in f[0]["action"]]
    assert other.post(form["action"]).status_code == 404
    assert client.post(form["action"], follow_redirects=False).status_code == 303
    assert read(client, "").all("a", class_="own") == []


def test_a_handler_sees_the_own_section_only(demo_desk: Desk) -> None:
    client = as_person(demo_desk, "孙丽", ("handler",), "能源科")
    own = {c["id"] for c in client.get("/api/cases", params={"limit": 500}).json()["cases"]}
    assert own
    page = read(client, "")
    assert total(page) == len(own)
    assert set(listed(page)) <= own
    assert total(read(client, "?section=基础设施科")) <= len(own)
    exported = client.get("/api/ledger.json").json()
    assert len(exported) == len(own)
    assert f"全部 {len(own)}" in page.text("nav", class_="views")
    everybody = as_person(demo_desk, "周静")
    groups = [Page(c.get("/groups").text).text("p", class_="counts") for c in (client, everybody)]
    assert groups[0] != groups[1]


def test_what_is_not_decided_is_marked_as_proposed_and_html_stays_text(
    seen: TestClient, demo_desk: Desk
) -> None:
    first = listed(read(seen, "?state=in_review"))[0]
    with demo_desk.ledger.write() as session:
        session.execute(update(CaseRow).where(CaseRow.id == first).values(handler="<b>李</b>"))
    page = seen.get("/ledger?state=in_review").text
    assert "<b>李</b>" not in page
    assert "&lt;b&gt;李&lt;/b&gt;" in page
    assert Page(page).all("span", class_="proposed")


@pytest.mark.parametrize("script", SCRIPT)
def test_search_open_go_back_and_export(server: LiveServer, browser: Browser, script: bool) -> None:
    context = browser.new_context(
        base_url=server.url,
        java_script_enabled=script,
        viewport={"width": 1366, "height": 768},
        accept_downloads=True,
    )
    context.add_cookies([server.cookie()])
    page = context.new_page()
    page.goto("/ledger")
    page.get_by_role("searchbox").fill("充电")
    page.get_by_role("button", name="查找").first.click()
    expect(page.locator(".chips")).to_contain_text("文字:充电")
    expect(page).to_have_url(re.compile(r"/ledger\?text=%E5%85%85%E7%94%B5$"))
    here = page.url
    page.locator("td.what a").first.click()
    expect(page).to_have_url(re.compile(r"/cases/\d+"))
    page.go_back()
    expect(page).to_have_url(here)
    expect(page.locator("td.what a").first).to_be_visible()
    with page.expect_download() as downloaded:
        page.get_by_role("link", name="CSV").click()
    assert downloaded.value.suggested_filename == "工作台账.csv"
    page.get_by_text("更多条件").click()
    page.get_by_label("案别").select_option("建议")
    if not script:
        page.get_by_role("button", name="查找").first.click()
    expect(page.locator(".chips")).to_contain_text("案别:建议")
    width = page.locator("html").evaluate("own => own.scrollWidth") if script else 1366
    assert width <= 1366
    context.close()
