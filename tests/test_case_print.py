"""A case on paper: everything on record, and an anchor by which the sheet can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from arrivals import arrive
from fastapi.testclient import TestClient
from sqlalchemy import text
from test_letter import GIVEN, SECTION
from test_pages import Page
from test_problems import office_at, rows

from triage.desk import Desk
from triage.ledger.closing import close_case
from triage.ledger.commitments import add_commitment, look_back
from triage.ledger.contacts import add_contact, add_feedback, strike
from triage.ledger.deadlines import mark_hard
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty, answer_duty, withdraw_duty
from triage.ledger.events import EVENT_NAMES
from triage.ledger.handling import accept, set_people
from triage.ledger.key_cases import add_meeting, mark_key
from triage.ledger.merge_changes import set_plan
from triage.ledger.merges import merge_cases
from triage.ledger.replies import classify_result, reply_to_case
from triage.ledger.stages import add_stage, drop_stage, finish_stage, set_conditions
from triage.ledger.submissions import Submission
from triage.ledger.verify import verify_ledger

TODAY = date.today()
SOON = TODAY + timedelta(days=30)
BODY = "第一段。\n\n第二段:<b>不是粗体</b>&。"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, TestClient]]:
    with office_at(tmp_path_factory.mktemp("printed")) as office:
        yield office


def act(desk: Desk, function: Any, *args: Any, **more: Any) -> Any:
    with desk.ledger.write() as session:
        return function(*args, **{"who": "李", **more}, session=session)


def put(desk: Desk, **changed: Any) -> int:
    with desk.ledger.write() as session:
        return arrive(Submission(**{**GIVEN, **changed}), session=session).id


@pytest.fixture(scope="module")
def rich(office: tuple[Desk, TestClient]) -> int:
    """A case to which everything has happened that the ledger knows."""
    desk, _ = office
    taxonomy, rules = desk.taxonomy, desk.taxonomy.rules
    received = TODAY - timedelta(days=200)
    case_id = put(desk, body=BODY, cosigners="李四、赵一", received_on=received)
    other = put(desk, number="第082号", title="关于冷链的建议")
    act(desk, decide, case_id, {"section": "能源科"}, why="看过", taxonomy=taxonomy)
    labels = {"section": SECTION, "topic": "物流与服务业", "handling": "分步推进"}
    seen = _version(desk, case_id)
    act(desk, decide, case_id, labels, why="物流归服务业", seen_version=seen, taxonomy=taxonomy)
    act(desk, merge_cases, [case_id, other], lead_id=case_id, name="物流")
    with desk.ledger.read() as session:
        merge_id = session.execute(text("select id from merge")).scalar_one()
    act(desk, set_plan, merge_id, "一次调研,分别答复")
    act(desk, accept, case_id, handler="林科员")
    act(desk, set_people, case_id, leader="包案领导", why="领导包案")
    act(desk, mark_key, case_id, why="主席督办")
    act(desk, mark_hard, case_id, why="涉及三县", rules=rules)
    first = act(desk, add_duty, case_id, "基础设施科", task="干线通道", taxonomy=taxonomy)
    second = act(desk, add_duty, case_id, "能源科", task="冷库供电", taxonomy=taxonomy)
    act(desk, answer_duty, first.id, "已列入规划", handler="吴工")
    act(desk, withdraw_duty, second.id, why="不涉及")
    done = act(desk, add_stage, case_id, "定址", due_on=TODAY - timedelta(days=1))
    dropped = act(desk, add_stage, case_id, "改线", due_on=SOON)
    act(desk, add_stage, case_id, "开工", due_on=SOON)
    act(desk, finish_stage, done.id)
    act(desk, drop_stage, dropped.id, why="不改了")
    act(desk, set_conditions, case_id, "指标未下达", "向省里争取")
    act(desk, add_contact, case_id, "visit", what="当面听取意见", deputy="李四")
    wrong = act(desk, add_contact, case_id, "phone", what="打错了")
    act(desk, strike, "contact", wrong.id, why="记错了件")
    act(desk, add_meeting, case_id, "十月定址", chair="沈副主任", attendees="三科室")
    number = "云发改建〔2026〕12号"
    act(desk, reply_to_case, case_id, number=number, signer="沈副主任", result_class="C", taxonomy=taxonomy)
    act(desk, add_feedback, case_id, "不满意", comment="没有定址", rules=rules)
    act(desk, reply_to_case, case_id, number="云发改建〔2026〕13号", taxonomy=taxonomy)
    act(desk, classify_result, case_id, "B", why="已列入计划", taxonomy=taxonomy)
    promise = act(desk, add_commitment, case_id, "年内开工", SOON)
    act(desk, look_back, promise.id, progress="已招标")
    act(desk, close_case, case_id, result_class="B", taxonomy=taxonomy)
    return int(case_id)


def _version(desk: Desk, case_id: int) -> int:
    with desk.ledger.read() as session:
        return int(session.execute(text(f'select version from "case" where id = {case_id}')).scalar_one())


@pytest.fixture(scope="module")
def printed(office: tuple[Desk, TestClient], rich: int) -> Page:
    response = office[1].get(f"/cases/{rich}/print")
    assert response.status_code == 200
    return Page(response.text)


def table_after(page: Page, heading: str) -> list[list[str]]:
    """The rows of the table under that heading, without its head."""
    found: list[list[str]] = []
    within = False
    for tag, _, texts in page.elements:
        said = " ".join("".join(texts).split())
        if tag == "h2":
            within = said.startswith(heading)
        elif within and tag == "tr":
            found.append([])
        elif within and tag == "td":
            found[-1].append(said)
    return [row for row in found if row]


def test_what_was_handed_in_is_there_word_for_word(printed: Page) -> None:
    fields: dict[str, str] = {}
    names = [text for _, text in printed.all("th")]
    within = [
        (tag, " ".join("".join(texts).split()))
        for tag, _, texts in printed.elements
        if tag in ("th", "td", "h2")
    ]
    label = ""
    for tag, said in within:
        if tag == "h2":
            break
        if tag == "th":
            label = said
        elif label:
            fields[label], label = said, ""
    assert len(names) > len(fields) > 15
    assert fields["编号"] == "第081号"
    assert fields["届次"] == GIVEN["session"]
    assert fields["标题"] == GIVEN["title"]
    assert (fields["案别"], fields["状态"]) == ("建议", f"已办结({TODAY})")
    assert (fields["领衔代表"], fields["附议代表"], fields["代表团"]) == (
        "王建国",
        "李四、赵一",
        "清溪县代表团",
    )
    assert (fields["承办角色"], fields["承办科室"]) == ("主办", SECTION)
    assert (fields["分管领导"], fields["承办人"], fields["承办电话"]) == (
        "包案领导",
        "林科员",
        "0000-5550106",
    )
    assert fields["收件日期"] == str(TODAY - timedelta(days=200))
    assert (fields["重点督办"], fields["难件"]) == (f"{TODAY} 列入", f"{TODAY} 认定")
    assert (fields["暂不能办的原因"], fields["创造条件的措施"]) == ("指标未下达", "向省里争取")
    assert "物流:第081号(主件)、第082号" in fields["并案"]
    assert "统一办理方案:一次调研,分别答复" in fields["并案"]
    ((_, _, body),) = [e for e in printed.elements if e[0] == "div" and e[1].get("class") == "body"]
    assert "".join(body) == BODY


def test_every_decision_is_there_with_who_when_and_why(printed: Page) -> None:
    old, new, topic, handling = table_after(printed, "认定")
    assert (topic[:2], handling[:2]) == (["主题", "物流与服务业"], ["办理类型", "分步推进"])
    assert old[:4] == ["承办科室", "能源科(已改)", "人工改判", "李"]
    assert new[:4] == ["承办科室", SECTION, "人工改判", "李"]
    assert (old[5], new[5]) == ("看过", "物流归服务业")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[4]) for row in (old, new))


def test_deadlines_say_whether_they_were_met(printed: Page) -> None:
    found = [(row[0], row[1], row[5]) for row in table_after(printed, "期限")]
    gone = f"{TODAY} 起不再需要"
    assert ("答复", "3个月", gone) in found  # a hard case has more time
    assert ("答复", "6个月", "逾期") in found  # 200 days
    assert ("会办意见(基础设施科)", "1个月", "按期") in found
    assert ("会办意见(能源科)", "1个月", gone) in found
    assert ("重新办理", "1个月", "按期") in found
    assert ("代表反馈", "15个工作日", "未到期") in found


def test_each_entry_has_its_line(printed: Page) -> None:
    assert [(r[0], r[1], r[3], r[4]) for r in table_after(printed, "协办和分办")] == [
        ("基础设施科(协办)", "干线通道", "吴工", f"{TODAY} 已列入规划"),
        ("能源科(协办)", "冷库供电", "", f"{TODAY} 撤回"),
    ]
    assert [(r[0], r[2]) for r in table_after(printed, "阶段安排")] == [
        ("定址", f"{TODAY} 完成,逾期"),
        ("改线", f"{TODAY} 取消"),
        ("开工", "进行中"),
    ]
    day = str(TODAY)
    assert table_after(printed, "联系代表") == [
        [day, "上门走访", "李四", "当面听取意见", "李"],
        [day, "电话", "王建国", f"打错了(误记,{TODAY} 更正)", "李"],
    ]
    assert table_after(printed, "专题调度") == [[day, "沈副主任", "三科室", "十月定址"]]
    signers = "王建国、李四、赵一"
    assert table_after(printed, "答复") == [
        [day, "云发改建〔2026〕12号", signers, "沈副主任", "李"],
        [day, "云发改建〔2026〕13号", signers, "", "李"],
    ]
    classes = [(r[1][0], r[2]) for r in table_after(printed, "办理结果")]
    assert classes == [("C", ""), ("B", "已列入计划")]
    assert table_after(printed, "代表反馈") == [[day, "王建国", "不满意", "没有定址"]]
    assert table_after(printed, "承诺") == [["年内开工", str(SOON), "未兑现", f"{TODAY} 已招标(李)"]]


def test_the_whole_story_is_told_in_chinese(
    office: tuple[Desk, TestClient], printed: Page, rich: int
) -> None:
    events = office[1].get(f"/api/cases/{rich}").json()["events"]
    told = table_after(printed, "经过")
    assert [(row[0], row[2], row[3]) for row in told] == [
        (str(e["id"]), EVENT_NAMES[e["kind"]], e["who"]) for e in events
    ]
    by_kind = {row[2]: row[4] for row in told}
    assert by_kind["说明条件和措施"] == "原因:指标未下达;措施:向省里争取"
    assert "一次调研,分别答复" in by_kind["统一办理方案"]
    assert by_kind["更正误记"] == "联系记录 记错了件"
    assert by_kind["科室签收"].endswith("承办人 林科员")
    assert by_kind["专题调度"] == "沈副主任 十月定址"
    assert by_kind["协办办结"] == "基础设施科 已列入规划"
    english = re.compile(r"[A-Za-z_]{2,}")
    assert [row for row in told if english.search(row[4])] == []


def test_a_sheet_can_be_checked_against_the_chain(
    office: tuple[Desk, TestClient], printed: Page, rich: int
) -> None:
    desk, client = office
    put(desk, number="第083号")  # the ledger goes on
    (anchor,) = [text for _, text in printed.all("code")]
    last = client.get(f"/api/cases/{rich}").json()["events"][-1]["id"]
    assert anchor.split(":")[0] == str(last)
    with desk.ledger.read() as session:
        assert verify_ledger(session, anchor=anchor).problems == []
        other = f"{last}:{'0' * 64}"
        assert len(verify_ledger(session, anchor=other).problems) == 1
    ((_, foot),) = [(own, said) for own, said in printed.all("tfoot")]
    assert re.search(r"打印时间 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d", foot)
    # one whose newest event is not the last of its transaction, nor of the ledger
    pair = [put(desk, number="第084号"), put(desk, number="第085号")]
    act(desk, merge_cases, pair, lead_id=pair[0])
    for case_id in pair:
        (anchor,) = [said for _, said in Page(client.get(f"/cases/{case_id}/print").text).all("code")]
        with desk.ledger.read() as session:
            assert verify_ledger(session, anchor=anchor).problems == []


def test_a_bare_case_prints_too_and_nothing_is_written(office: tuple[Desk, TestClient]) -> None:
    desk, client = office
    bare = dict.fromkeys(("title", "session", "number", "kind", "deputy", "delegation", "role"), "")
    case_id = put(desk, **bare, body="路灯。")
    before = rows(desk)
    response = client.get(f"/cases/{case_id}/print")
    page = Page(response.text)
    assert "答复无" in [said.replace(" ", "") for _, said in page.all("h2")]
    assert table_after(page, "答复") == []
    assert [row[2] for row in table_after(page, "经过")] == ["收件登记", "转人工认定"]
    assert rows(desk) == before
    assert client.get("/cases/9999/print").status_code == 404


def test_a_follower_names_the_decision_it_takes_from_its_lead(office: tuple[Desk, TestClient]) -> None:
    desk, client = office
    lead, other = put(desk, number="第086号"), put(desk, number="第087号")
    act(desk, merge_cases, [lead, other], lead_id=lead)
    labels = {"section": "能源科"}
    act(desk, decide, lead, labels, why="看过", seen_version=_version(desk, lead), taxonomy=desk.taxonomy)
    page = Page(client.get(f"/cases/{other}/print").text)
    assert [row[:4] for row in table_after(page, "认定")] == [["承办科室", "能源科", "人工改判,随主件", "李"]]


def test_the_sheet_brings_nothing_of_its_own_to_run_or_to_look_like(
    office: tuple[Desk, TestClient], rich: int
) -> None:
    _, client = office
    response = client.get(f"/cases/{rich}/print")
    page = Page(response.text)
    assert page.all("script") == page.all("style") == []
    assert not [own for _, own, _ in page.elements if "style" in own]
    sheets = [own["href"] for own, _ in page.all("link", rel="stylesheet")]
    assert sheets == ["/static/print.css"]
    style = client.get(sheets[0]).text
    assert "size: A4" in style
    first, *others = [said for _, said in page.all("thead")]
    assert first.startswith("云澜市发展和改革委员会")  # the head of every sheet
    assert len(others) == len(page.all("table")) - 2  # all but the fields and the sheet itself
    assert f'<a href="/cases/{rich}/print">打印</a>' in client.get(f"/cases/{rich}").text
