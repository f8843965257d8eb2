"""The settings pages: what the office decides by, changed by people, and on record."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsing import SCRIPT, Open
from fastapi.testclient import TestClient
from live_server import LiveServer
from playwright.sync_api import Browser, Page, expect

from triage.desk import Desk
from triage.ledger.decisions import decide
from triage.ledger.events import EVENT_NAMES
from triage.ledger.office_versions import list_changes
from triage.ledger.submissions import Submission
from triage.office_file import read_office

GRID = Submission(
    title="改造乡里的电网", body="变压器老旧,春节停电,请改造农村电网,更换变电站线路。", number="9"
)
PAGES = (
    "/settings/labels/section",
    "/settings/labels/topic",
    "/settings/labels/handling",
    "/settings/labels/section/edit?name=能源科",
    "/settings/rules",
    "/settings/results",
    "/settings/office",
    "/settings/holidays",
    "/settings/changes",
)


def post(client: TestClient, desk: Desk, address: str, **typed: Any) -> Any:
    seen = read_office(desk.settings.taxonomy_path).sha256
    return client.post(address, data={"seen": seen, **typed}, follow_redirects=False)


def edit(client: TestClient, desk: Desk, act: str, old: str, **typed: Any) -> Any:
    return post(client, desk, "/settings/labels/section/edit", act=act, old=old, **typed)


def changes(desk: Desk) -> list[tuple[str, str, str]]:
    with desk.ledger.read() as session:
        found = list_changes(session=session)
    return [(e.who, e.detail["act"], e.detail["label"]) for e in found if e.kind == "office_changed"]


@pytest.mark.parametrize("address", PAGES)
def test_every_page_says_what_is_in_force_without_english(client: TestClient, address: str) -> None:
    page = client.get(address)
    assert page.status_code == 200
    said = re.sub(r"<(script|style|head)\b.*?</\1>|<[^>]+>", " ", page.text, flags=re.S)
    words = set(re.findall(r"[A-Za-z]{2,}", said)) - {"triage", "retrain", "CSV"}
    assert words == set()


def test_the_menu_begins_with_the_sections(client: TestClient) -> None:
    page = client.get("/settings")
    assert page.url.path == "/settings/labels/section"
    assert page.text.count('href="/settings/labels/section/edit?name=') == 15
    assert client.get("/settings/labels/colour").status_code == 404
    assert client.get("/settings/labels/section/edit?name=无").status_code == 404


def test_a_section_is_added_and_told(client: TestClient, desk: Desk) -> None:
    answer = post(
        client,
        desk,
        "/settings/labels/section",
        name=" 数据科 ",
        description="统筹公共数据\r\n开放共享。",
        terms="公共数据、政务数据,公共数据\n数据要素",
        leader="梁副主任",
        phone="0000-1",
        why="机构改革",
    )
    assert answer.status_code == 303
    added = desk.taxonomy.section[-1]
    assert (added.name, added.description) == ("数据科", "统筹公共数据开放共享。")
    assert (added.terms, added.leader, added.phone) == (
        ("公共数据", "政务数据", "数据要素"),
        "梁副主任",
        "0000-1",
    )
    page = client.get(answer.headers["location"]).text
    assert "已增加,并记入台账" in page
    assert changes(desk) == [("值班员", "added", "数据科")]
    record = client.get("/settings/changes").text
    assert all(
        said in record for said in ("增加承办科室“数据科”", "机构改革", EVENT_NAMES["office_changed"][2:])
    )
    again = post(client, desk, "/settings/labels/section", name="数据科", description="写了很多")
    assert again.status_code == 422
    assert "重复" in again.text
    assert "写了很多" in again.text


def test_a_renamed_section_keeps_its_record_and_an_open_case_is_shown(client: TestClient, desk: Desk) -> None:
    case_id = desk.take_in(GRID, who="李").case_id
    with desk.ledger.write() as session:
        decide(case_id, {"section": "能源科"}, who="李", why="归口", session=session, taxonomy=desk.taxonomy)
    answer = edit(client, desk, "renamed", "能源科", name="能源和电力科")
    assert answer.status_code == 303
    assert desk.taxonomy.current_name("section", "能源科") == "能源和电力科"
    assert desk.advise([GRID])[0].predictions["section"].label == "能源和电力科"
    page = client.get(answer.headers["location"]).text
    assert "还有 1 件在办的记在“能源科”名下" in page
    found = client.get("/api/cases", params={"section": "能源科"}).json()["cases"]
    assert [c["id"] for c in found] == [case_id]
    assert found[0]["leader"] == desk.taxonomy.leader_of("能源和电力科") != ""
    decision = {"who": "李", "why": "改", "decisions": [{"target": "section", "label": "能源科"}]}
    assert "现在是“能源和电力科”" in client.post(f"/api/cases/{case_id}/decisions", json=decision).text
    assert "更名为" in client.get("/settings/labels/section").text
    back = edit(client, desk, "renamed", "能源和电力科", name="能源科")
    assert back.status_code == 303
    assert desk.taxonomy.current_name("section", "能源和电力科") == "能源科"


def test_a_retired_section_has_its_successors_and_is_not_recommended(client: TestClient, desk: Desk) -> None:
    assert edit(client, desk, "retired", "能源科", successors=["产业发展科"]).status_code == 303
    assert desk.taxonomy.current_name("section", "能源科") == "产业发展科"
    assert "能源科" not in dict(desk.advise([GRID])[0].predictions["section"].ranked)
    # whoever took over goes too, and to two
    answer = edit(client, desk, "retired", "产业发展科", successors=["基础设施科", "农村经济科"])
    assert answer.status_code == 303
    assert desk.taxonomy.current_name("section", "能源科") is None
    page = client.get("/settings/labels/section").text
    assert "由 基础设施科、农村经济科 接替" in page
    refused = edit(client, desk, "retired", "社会发展科", successors=["能源局"])
    assert (refused.status_code, "不是在用的承办科室" in refused.text) == (422, True)
    assert edit(client, desk, "restored", "能源科").status_code == 303
    assert desk.taxonomy.check_label("section", "能源科") == "能源科"
    assert [act for _, act, _ in changes(desk)] == ["restored", "retired", "retired"]


def test_who_comes_second_is_told_what_differs_and_keeps_what_was_typed(
    client: TestClient, desk: Desk
) -> None:
    seen = read_office(desk.settings.taxonomy_path).sha256
    assert (
        edit(client, desk, "edited", "能源科", description="电力", leader="沈", terms="电网").status_code
        == 303
    )
    late = edit(client, desk, "edited", "能源科", description="煤炭", terms="煤", seen=seen)
    assert late.status_code == 409
    assert "被改动过,没有保存" in late.text
    assert "+duties = &#34;电力&#34;" in late.text
    assert ">煤炭</textarea>" in late.text
    assert desk.taxonomy.phone_of("能源科") == ""  # the first one's form left it empty


def test_rules_change_for_what_is_counted_from_now_on(client: TestClient, desk: Desk) -> None:
    rules = {
        "reply": "3个月",
        "hard_reply": "6个月",
        "extension": "3个月",
        "assist": "1个月",
        "objection": "7个工作日",
        "feedback": "15个工作日",
        "redo": "1个月",
    }
    wrong = post(client, desk, "/settings/rules", **{**rules, "reply": "三天"})
    assert wrong.status_code == 422
    assert "答复代表:“三天”不是期限" in wrong.text
    assert 'value="三天"' in wrong.text
    assert "没有要保存的改动" in post(client, desk, "/settings/rules", **rules).text
    assert post(client, desk, "/settings/rules", **{**rules, "reply": "6月30日"}).status_code == 303
    assert str(desk.taxonomy.rules.reply) == "6月30日"
    assert 'reply = "6月30日"          # 主办' in desk.settings.taxonomy_path.read_text(encoding="utf-8")


def test_classes_and_letter_head_are_changed(client: TestClient, desk: Desk) -> None:
    assert post(client, desk, "/settings/results", code="D", name="留作参考").status_code == 303
    assert post(client, desk, "/settings/results", old="C", name="暂难解决", carried="").status_code == 303
    kept = {r.code: (r.name, r.carried) for r in desk.taxonomy.result_classes}
    assert (kept["D"], kept["C"]) == (("留作参考", False), ("暂难解决", False))
    office = {"name": "某委", "terms": "特色小镇、冷链", "mark": "某发", "copies": "甲\n\n乙 "}
    assert post(client, desk, "/settings/office", **office).status_code == 303
    assert (desk.taxonomy.office, desk.taxonomy.office_terms) == ("某委", ("特色小镇", "冷链"))
    assert (desk.taxonomy.letter.mark, desk.taxonomy.letter.copies) == ("某发", ("甲", "乙"))
    assert desk.taxonomy.bureau == "某委"  # nothing of its own under letters any more
    topic = post(client, desk, "/settings/labels/handling/edit", act="renamed", old="立即办理", name="马上办")
    assert topic.status_code == 303
    assert desk.taxonomy.way_of("马上办") == "at_once"


def test_holidays_are_entered_taken_back_and_deadlines_counted_anew(client: TestClient, desk: Desk) -> None:
    path = desk.settings.taxonomy_path
    path.write_text(path.read_text(encoding="utf-8").replace('"3个月"', '"7个工作日"', 1), encoding="utf-8")
    desk.office.look_now()
    desk.take_in(GRID, who="李")
    day = next(d for d in (date.today() + timedelta(days=n) for n in (1, 2, 3)) if d.weekday() < 5)
    off = {"year": day.year, "day": day.isoformat(), "kind": "off", "name": "临时放假"}
    page = client.post("/settings/holidays", data=off).text
    assert "登记了 1 天,2 个期限重新计算" in page
    assert re.search(r"第 1 件</a> 答复 \S+ → \S+<", page)
    table = "日期,类型,名称\n2027-01-01,放假,元旦\n2027-01-02,上班,调休"
    answer = client.post("/settings/holidays", data={"year": 2027, "table": table}, follow_redirects=False)
    page = client.get(answer.headers["location"]).text
    assert "登记了 2 天" in page
    assert page.count('aria-label="取消 ') == 2
    wrong = client.post("/settings/holidays", data={"year": 2027, "table": "日期,类型\n明天,放假"})
    assert (wrong.status_code, "第 2 行读不懂" in wrong.text, "明天,放假" in wrong.text) == (422, True, True)
    gone = {"year": 2027, "day": "2027-01-02", "kind": "plain", "name": "调休"}
    assert client.post("/settings/holidays", data=gone).text.count('aria-label="取消 ') == 1
    upload = {"file": ("节假日.csv", "日期,类型,名称\n2027-05-01,放假,劳动节\n".encode(), "text/csv")}
    assert "劳动节" in client.post("/settings/holidays", data={"year": 2027}, files=upload).text


def test_a_version_can_be_shown_and_other_originals_cannot(client: TestClient, desk: Desk) -> None:
    before = read_office(desk.settings.taxonomy_path).sha256
    assert edit(client, desk, "renamed", "能源科", name="能源处").status_code == 303
    now = read_office(desk.settings.taxonomy_path).sha256
    shown = client.get(f"/settings/versions/{now}").text
    assert "能源处" in shown
    assert "-name = &#34;能源科&#34;" in shown
    assert "name = &#34;能源科&#34;" in client.get(f"/settings/versions/{before}").text
    assert client.get(f"/settings/versions/{'0' * 64}").status_code == 404


def test_a_mistake_made_by_hand_is_told_on_every_page_and_stops_the_forms(
    client: TestClient, desk: Desk
) -> None:
    path = desk.settings.taxonomy_path
    path.write_text(path.read_text(encoding="utf-8").replace("[deadlines]", "[deadlines"), encoding="utf-8")
    desk.office.look_now()
    page = client.get("/queue")
    assert page.status_code == 200
    assert "TOML 写法有误" in page.text
    settings = client.get("/settings/labels/section")
    assert settings.status_code == 200
    assert "<form" not in settings.text.split("<main>")[1]
    assert edit(client, desk, "renamed", "能源科", name="能源处").status_code == 422


@pytest.fixture(scope="module")
def server(demo_home_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real service over a copy of the sample office, whose settings are changed."""
    home = tmp_path_factory.mktemp("settings") / "home"
    shutil.copytree(demo_home_once, home)
    with LiveServer(home) as server:
        yield server


def sure(page: Page, said: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(said)


@pytest.mark.parametrize("script", SCRIPT)
def test_an_office_is_changed_in_a_browser(browser: Browser, person: Open, script: bool) -> None:
    mark = "甲" if script else "乙"
    old, gone = ("能源科", "区域合作科") if script else ("基础设施科", "体制改革科")
    with person(script) as (page, watch):
        page.goto("/settings")
        page.locator("#add").get_by_label("名称").fill(f"数据{mark}科")
        page.locator("#add").get_by_label("职责").fill("统筹公共数据开放。")
        page.locator("#add").get_by_role("button", name="增加").click()
        sure(page, "已增加")
        expect(page.locator(".notice.warn")).to_contain_text(f"数据{mark}科")

        page.get_by_role("link", name=old, exact=True).click()
        page.get_by_label("新名称").fill(f"新{old}")
        page.get_by_role("button", name="更名").click()
        sure(page, "已更名")
        expect(page.locator("h2.big")).to_have_text(f"新{old}")

        page.get_by_label("主要页面").get_by_role("link", name="设置").click()
        page.get_by_role("link", name=gone, exact=True).click()
        page.get_by_label("发展规划科").check()
        page.get_by_role("button", name=f"停用“{gone}”").click()
        sure(page, "已停用")
        expect(page.locator(".panel").first).to_contain_text("由 发展规划科 接替")

        page.get_by_label("设置", exact=True).get_by_role("link", name="期限").click()
        page.get_by_label("重新办理").fill("2个月" if script else "40天")
        page.get_by_role("button", name="保存").click()
        sure(page, "已保存")
        page.get_by_label("设置", exact=True).get_by_role("link", name="修改记录").click()
        expect(page.locator(".changes li").first).to_contain_text("修改期限")
        expect(page.locator(".changes li").nth(1)).to_contain_text(f"停用承办科室“{gone}”")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        watch.check()
