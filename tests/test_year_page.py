"""The year's figures by counts made by hand, on both databases; and their page, on paper as well."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import date
from html import unescape
from typing import Any

import openpyxl
import pypdfium2
import pytest
from arrivals import arrive
from axe_playwright_python.sync_playwright import Axe
from browsing import SCRIPT
from fastapi import FastAPI
from fastapi.testclient import TestClient
from live_server import LiveServer
from playwright.sync_api import Browser, Page, expect

from service.people import Person, get_person
from service.year_view import figure_link, ledger_link
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.carried import count_carried
from triage.ledger.closing import close_case
from triage.ledger.commitments import add_commitment
from triage.ledger.contacts import add_contact, add_feedback
from triage.ledger.decisions import decide
from triage.ledger.key_cases import mark_key
from triage.ledger.merges import merge_cases
from triage.ledger.replies import reply_to_case
from triage.ledger.returns import return_case
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.year import UNKNOWN, GroupFigures, Share, YearFigures, year_figures
from triage.ledger.year_cases import FIGURE_NAMES, NOW_NAMES, counts_now, figure_cases
from triage.taxonomy import Taxonomy, load_taxonomy

YEAR = date.today().year - 1  # it is over: what is not answered is late
A4 = (595, 842)  # points


def fill(ledger: Ledger, taxonomy: Taxonomy) -> None:
    """Eight cases of the year and one of the year before, each with another story."""
    first, second = (s.name for s in taxonomy.section[:2])
    one, other = (t.name for t in taxonomy.topic[:2])
    handling = taxonomy.handling[0].name

    def act(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with ledger.write() as session:
            return function(*args, **{"who": "李科员", **more}, session=session)

    def put(n: int, on: date, section: str = "", topic: str = one, role: str = "主办") -> int:
        given = {"title": f"第{n}件事情", "body": f"正文{n}。", "number": f"第{n}号", "deputy": "张三"}
        labels = {"section": section, "topic": topic, "handling": handling}
        with ledger.write() as session:
            case = arrive(Submission(**given, role=role, received_on=on), session=session)
            if section:
                decide(case.id, labels, who="赵六", why="看过", session=session, taxonomy=taxonomy)
            return case.id

    def answer(case_id: int, on: date, result: str) -> None:
        sent = {"number": f"云〔{case_id}〕号", "result_class": result, "replied_on": on, "why": "依据"}
        act(reply_to_case, case_id, **sent, taxonomy=taxonomy)

    in_time = put(1, date(YEAR, 1, 10), first)
    act(add_contact, in_time, "visit", held_on=date(YEAR, 1, 20))
    answer(in_time, date(YEAR, 2, 1), "A")
    act(add_feedback, in_time, "满意", given_on=date(YEAR, 2, 3), rules=taxonomy.rules)
    act(close_case, in_time, result_class="A", closed_on=date(YEAR, 2, 5), taxonomy=taxonomy)
    late = put(2, date(YEAR, 1, 12), first, other)
    act(add_contact, late, "phone", held_on=date(YEAR, 1, 20))
    act(mark_key, late, why="主任会议督办")
    answer(late, date(YEAR, 12, 1), "B")
    act(add_feedback, late, "基本满意", given_on=date(YEAR, 12, 3), rules=taxonomy.rules)
    act(add_commitment, late, "先修一段", kept_on=date(YEAR, 11, 1))
    act(add_commitment, late, "再修一段", date(YEAR, 10, 1))
    act(add_commitment, late, "逐年投入")
    put(3, date(YEAR, 3, 3), second, role="会办")
    gone = put(4, date(YEAR, 3, 4), second, role="分办")
    act(return_case, gone, why="不属本局", proposed_unit="市水利局", consent="交办单位同意")
    put(5, date(YEAR, 3, 5), role="")
    pair = [put(n, date(YEAR, 6, n), first, role="独办") for n in (6, 7)]
    act(merge_cases, pair, lead_id=pair[0], name="一并办理")
    again = put(8, date(YEAR, 7, 7), second)
    answer(again, date(YEAR, 7, 20), "B")
    act(add_feedback, again, "不满意", given_on=date(YEAR, 7, 22), rules=taxonomy.rules)
    before = put(9, date(YEAR - 1, 5, 5), second)
    act(close_case, before, result_class="C", closed_on=date(YEAR - 1, 6, 1), taxonomy=taxonomy)


@pytest.fixture
def office(ledger: Ledger, settings: Settings) -> tuple[Ledger, Taxonomy]:
    """The nine cases in a ledger of each kind."""
    sample_office.install_office(settings)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    fill(ledger, taxonomy)
    return ledger, taxonomy


def figures_of(office: tuple[Ledger, Taxonomy], year: int = YEAR, section: str | None = None) -> YearFigures:
    ledger, taxonomy = office
    with ledger.read() as session:
        return year_figures(year, session=session, taxonomy=taxonomy, section=section)


def test_the_years_figures_are_those_counted_by_hand(office: tuple[Ledger, Taxonomy]) -> None:
    found = figures_of(office)
    assert found.total == 8
    assert found.roles == {"主办": 3, "会办": 1, "分办": 1, UNKNOWN: 1, "独办": 2}
    assert found.classes == {"A": 1, "B": 2, "C": 0}
    assert (found.key_cases, found.merged, found.redone, found.states["returned"]) == (1, 2, 1, 1)
    assert found.closed == Share(1, 7)
    assert (found.contacted, found.met, found.satisfied) == (Share(2, 6), Share(1, 6), Share(2, 3))
    assert found.on_time == Share(2, 7)
    assert (found.commitments, found.overdue_commitments) == (Share(1, 3), 1)
    assert [m.cases for m in found.months] == [2, 0, 3, 0, 0, 2, 1, *[0] * 5]
    first, second = (s.name for s in office[1].section[:2])
    told = [(s.name, s.cases, s.closed, s.on_time, s.late, s.returned, s.open) for s in found.sections]
    assert told == [
        (first, 4, 1, 1, 3, 0, 3),
        (second, 3, 0, 1, 1, 1, 2),
        (UNKNOWN, 1, 0, 0, 1, 0, 1),
    ]


def test_a_rate_without_a_record_is_none_not_nought(office: tuple[Ledger, Taxonomy]) -> None:
    before = figures_of(office, YEAR - 1)
    assert (before.contacted.count, before.contacted.of) == (0, 1)
    assert [s.rate for s in (before.contacted, before.met, before.satisfied)] == [None] * 3
    assert before.closed.rate == 1.0
    assert figures_of(office).met.rate == pytest.approx(1 / 6)


def test_months_sections_and_topics_add_up(office: tuple[Ledger, Taxonomy]) -> None:
    found = figures_of(office)

    def added(groups: list[GroupFigures]) -> tuple[int, ...]:
        names = ("cases", "closed", "open", "returned", "on_time", "late")
        counted = [sum(getattr(g, name) for g in groups) for name in names]
        return (*counted, *(sum(g.classes.get(code, 0) for g in groups) for code in "ABC"))

    assert added(found.months) == added(found.sections) == added(found.topics)
    assert added(found.months) == (8, 1, 6, 1, 2, 5, 1, 2, 0)
    parts = [figures_of(office, section=s.name).total for s in found.sections if s.name != UNKNOWN]
    assert sum(parts) == 7


def test_the_cases_behind_a_figure_are_as_many_as_it_says(office: tuple[Ledger, Taxonomy]) -> None:
    ledger, taxonomy = office
    expected = {
        "redone": ["第8号"],
        "promised": ["第2号"],
        "kept": ["第2号"],
        "owed": ["第2号"],
        "overdue": ["第2号"],
        "undecided": ["第5号"],
        "no_section": ["第5号"],
        "no_topic": ["第5号"],
        "no_role": ["第5号"],
        "late_now": ["第3号", "第5号", "第6号", "第7号", "第8号"],
        "due_soon": [],
        "no_handler": ["第3号", "第6号", "第7号", "第8号"],
        "key_open": ["第2号"],
    }
    with ledger.read() as session:
        found = {
            what: [case.number for case in figure_cases(what, session=session, year=YEAR)]
            for what in FIGURE_NAMES
        }
        assert {what: sorted(map(str, numbers)) for what, numbers in found.items()} == expected
        assert counts_now(session=session) == {what: len(expected[what]) for what in NOW_NAMES}
        assert figure_cases("no_section", session=session, year=YEAR, month=4) == []
        assert count_carried(YEAR, session=session, taxonomy=taxonomy) == 1
        assert count_carried(YEAR - 1, session=session, taxonomy=taxonomy) == 0
        with pytest.raises(InputError, match="这项统计"):
            figure_cases("nothing", session=session)


def test_an_address_asks_for_what_the_figure_counts() -> None:
    assert ledger_link(year=2026, on_time="no", section="能源科") == (
        "/ledger?year=2026&on_time=no&section=%E8%83%BD%E6%BA%90%E7%A7%91"
    )
    assert ledger_link(late=True, section=None) == "/ledger?late=true"
    assert ledger_link(year=2026, section=UNKNOWN) == "/year/cases?what=no_section&year=2026"
    assert ledger_link(year=2026, section=UNKNOWN, late=True) == ""
    assert figure_link("undecided", year=2026, month=3) == "/year/cases?what=undecided&year=2026&month=3"


def addresses(html: str) -> set[str]:
    return {unescape(found) for found in re.findall(r'href="([^"]*)"', html)}


def test_the_page_leads_from_each_figure_to_its_cases(client: TestClient, desk: Desk) -> None:
    fill(desk.ledger, desk.taxonomy)
    page = client.get("/year")
    assert page.status_code == 200
    assert f"{YEAR}年建议提案办理情况" in page.text
    first = desk.taxonomy.section[0].name
    wanted = [
        {"late": True},
        {"year": YEAR},
        {"year": YEAR, "role": "会办"},
        {"year": YEAR, "result_class": "A"},
        {"year": YEAR, "month_received": "3", "state": "returned"},
        {"year": YEAR, "month_received": "6", "on_time": "no"},
        {"year": YEAR, "on_time": "yes", "section": first},
        {"year": YEAR, "result_class": "B", "topic": desk.taxonomy.topic[1].name},
        {"year": YEAR, "contacted": "yes"},
        {"year": YEAR, "met": "yes"},
        {"year": YEAR, "satisfied": "yes"},
        {"year": YEAR, "key": True},
        {"year": YEAR, "merged": True},
    ]
    found = addresses(page.text)
    assert [query for query in wanted if ledger_link(**query) not in found] == []
    assert {f"/year?year={YEAR - 1}", f"/api/ledger.xlsx?year={YEAR}", figure_link("key_open")} <= found
    for address in sorted(a for a in found if a.startswith("/year/cases")):
        assert client.get(address).status_code == 200
    assert "第9号" in client.get(figure_link("carried", year=YEAR)).text


def test_the_page_has_no_style_of_its_own_and_tells_its_pictures(client: TestClient, desk: Desk) -> None:
    fill(desk.ledger, desk.taxonomy)
    html = client.get("/year").text
    assert " style=" not in html
    pictures = re.findall(r"<svg(?![^>]*aria-hidden).*?</svg>", html, re.S)
    assert len(pictures) > 5
    assert [p for p in pictures if not re.search(r"<title>.+?</title><desc>.+?</desc>", p)] == []


def test_a_year_with_nothing_says_so(client: TestClient, desk: Desk) -> None:
    assert "没有收件" in client.get("/year").text
    fill(desk.ledger, desk.taxonomy)
    assert "2001年没有收件" in client.get("/year?year=2001").text
    before = client.get(f"/year?year={YEAR - 1}").text
    assert before.count('<dd class="none">无记录</dd>') == 4
    assert "没有经过推荐的件" in before
    refused = client.get("/year/cases?what=nothing")
    assert refused.status_code == 422
    assert "这项统计" in refused.text


def test_who_handles_for_one_section_sees_its_year(client: TestClient, desk: Desk) -> None:
    fill(desk.ledger, desk.taxonomy)
    second = desk.taxonomy.section[1].name
    app = client.app
    assert isinstance(app, FastAPI)
    app.dependency_overrides[get_person] = lambda: Person("周工", ("handler",), second)
    html = client.get("/year").text
    assert f"<h1>{YEAR}年建议提案办理情况</h1>" in html
    found = addresses(html)
    assert ledger_link(section=second, year=YEAR) in found
    assert [a for a in found if a.startswith("/ledger?") and "section=" not in a] == []
    assert "第3件事情" in html
    assert "第6件事情" not in html
    assert "第6号" not in client.get(figure_link("no_handler")).text


def test_the_workbook_says_where_nothing_was_recorded(client: TestClient, desk: Desk) -> None:
    fill(desk.ledger, desk.taxonomy)
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/api/ledger.xlsx").content))["年度统计"]
    rows = {str(row[0].value): [cell.value for cell in row[1:3]] for row in sheet.iter_rows(min_row=3)}
    assert [cell.value for cell in sheet[3]][1:3] == [f"{YEAR - 1}年", f"{YEAR}年"]
    assert rows["联系率"] == ["无记录", pytest.approx(2 / 6)]
    assert rows["满意率"] == ["无记录", pytest.approx(2 / 3)]


@pytest.fixture
def page(server: LiveServer, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    context = browser.new_context(
        base_url=server.url,
        viewport={"width": 1366, "height": 768},
        java_script_enabled=request.param,
        bypass_csp=True,  # axe is put into the page
    )
    context.add_cookies([server.cookie()])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("page", SCRIPT, indirect=True)
def test_the_year_in_a_browser_and_on_a4(page: Page, request: pytest.FixtureRequest) -> None:
    script = request.node.callspec.params["page"]
    page.goto("/queue")
    page.get_by_role("link", name="年度", exact=True).click()
    expect(page.locator("h1")).to_contain_text("建议提案办理情况")
    expect(page.locator(".strip")).to_have_css("display", "grid")  # its looks came along
    expect(page.get_by_role("button", name="打印")).to_have_count(1 if script else 0)
    late = page.locator(".strip a").first
    expect(late).to_have_attribute("href", "/ledger?late=true")
    row = page.locator("table.bars").first.locator("tbody tr").first
    section = row.locator("th").inner_text()
    expect(row.locator("td a").first).to_have_attribute("href", re.compile(r"/ledger\?year=\d{4}&section=%"))
    expect(row.locator("svg > title")).to_have_text(section)
    if script:
        found = Axe().run(page, "main").response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []
    page.emulate_media(media="print")
    with pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True)) as printed:
        sizes = {tuple(round(side) for side in sheet.get_size()) for sheet in printed}
        words = "".join(sheet.get_textpage().get_text_range() for sheet in printed)
    assert sizes == {A4}
    assert "各承办科室" in words
    assert "推荐分办的成效" in words
    expect(page.locator("header.top")).to_be_hidden()
    for picture in page.locator("figure.chart").all():
        expect(picture).to_have_css("break-inside", "avoid")
