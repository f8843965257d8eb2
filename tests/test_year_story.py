"""A bureau's year with nine suggestions, from intake to the next year's look-back, through the API alone.

Every practice that the ledger is for has its place in it; on SQLite and on PostgreSQL. The office
has its taxonomy and duties and has closed nothing yet.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from entry import come_in
from fastapi.testclient import TestClient

from service.app import make_app
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger
from triage.ledger.verify import verify_ledger

BASE_URL = "http://127.0.0.1:8000"
TODAY = date.today()
YESTERDAY = TODAY - timedelta(days=1)
NAMES = {
    "停车场收费": "parking",
    "清溪县县域经济": "county",
    "物流集散基地": "hub",
    "冷链物流": "cold",
    "枫林镇等特色小镇": "maple",
    "柳塘镇等特色小镇": "willow",
    "茶坪镇等特色小镇": "tea",
    "医疗机构收费": "fees",
    "医疗废物": "waste",
}


@dataclass
class Office:
    """The service, and the nine cases by their names here."""

    client: TestClient
    ledger: Ledger
    ids: dict[str, int]

    def get(self, path: str, **params: Any) -> Any:
        response = self.client.get(f"/api/{path}", params=params)
        assert response.status_code == 200, response.text
        return response.json()

    def case(self, name: str) -> Any:
        return self.get(f"cases/{self.ids[name]}")

    def post(self, path: str, status: int = 200, /, **sent: Any) -> Any:
        response = self.client.post(f"/api/{path}", json={"who": "李科员", **sent})
        assert response.status_code == status, response.text
        return response.json()

    def act(self, name: str, what: str, status: int = 200, /, **sent: Any) -> Any:
        """Something done with a case by somebody who sees it as it is now."""
        sent = {"version": self.case(name)["version"], **sent}
        return self.post(f"cases/{self.ids[name]}/{what}", status, **sent)

    def decide(self, name: str, **labels: str) -> Any:
        decisions = [{"target": target, "label": label} for target, label in labels.items()]
        return self.act(name, "decisions", decisions=decisions, why="看了全文")

    def listed(self, **params: Any) -> set[str]:
        """Names of the cases that a view of the ledger shows."""
        names = {case_id: name for name, case_id in self.ids.items()}
        return {names[case["id"]] for case in self.get("cases", **params)["cases"]}


def rows_of(file: Any) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


@pytest.fixture
def office(settings: Settings, ledger: Ledger) -> Iterator[Office]:
    settings = replace(settings, database_url=ledger.url)
    sample_office.install_office(settings)
    own = Ledger(ledger.url)
    with TestClient(make_app(settings, Desk(settings, ledger=own)), base_url=BASE_URL) as client:
        come_in(client, own)
        yield Office(client, ledger, {})
    own.close()


@pytest.fixture
def labels() -> dict[str, dict[str, str]]:
    """What the sample office's people say of each of the nine."""
    found = {}
    for row in rows_of(sample_office.INCOMING_LABELS):
        for words, name in NAMES.items():
            if words in row["title"]:
                found[name] = {t: row[t] for t in ("section", "topic", "handling")}
    assert len(found) == len(NAMES)
    return found


def take_in(office: Office) -> None:
    """The nine come in today; in one the bureau only assists, one is split between bureaus."""
    more = {
        "county": {"role": "会办", "lead_unit": "市财政局"},
        "waste": {"role": "分办"},
        "parking": {"role": "独办"},
        "fees": {"role": "参阅"},
        "cold": {"role": "主办", "cosigners": "赵一、钱二"},
    }
    for row in rows_of(sample_office.INCOMING):
        for words, name in NAMES.items():
            if words in row["title"]:
                sent = {k: row[k] for k in ("session", "number", "kind", "title", "body", "deputy")}
                given = {"role": "主办", **more.get(name, {}), "received_on": TODAY.isoformat()}
                response = office.client.post("/api/cases", json={**sent, **given})
                assert response.status_code == 201, response.text
                office.ids[name] = response.json()["id"]
    assert set(office.ids) == set(NAMES.values())


def test_a_year_of_nine_suggestions_and_the_next(
    office: Office, labels: dict[str, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    take_in(office)
    roles_and_deadlines(office)
    sections_and_people(office, labels)
    given_back(office, labels)
    joined(office)
    duties(office)
    by_handling_type(office)
    more_time(office)
    driven(office)
    contacts(office)
    answered(office)
    feedback_and_redo(office)
    closed(office)
    figures(office)
    next_year(office)
    nothing_was_lost(office)


def roles_and_deadlines(office: Office) -> None:
    """The bureau's role decides what is due: a reply, an opinion for another unit, or nothing."""
    due = {name: office.case(name)["due_on"] for name in NAMES.values()}
    kinds = {name: [d["kind"] for d in office.case(name)["handling"]["deadlines"]] for name in office.ids}
    assert kinds["cold"] == ["reply", "objection"]
    assert kinds["county"] == ["assist", "objection"]
    assert kinds["fees"] == ["objection"]
    assert due["fees"] is None
    assert due["county"] < due["cold"]  # an assisting opinion has the shorter deadline
    rules = {d["rule"] for d in office.case("cold")["handling"]["deadlines"]}
    assert rules == {"3个月", "7个工作日"}
    # the clerk corrects a role: it is not only for reading, a reply is due
    office.act("fees", "role", role="主办", why="交办单更正")
    assert office.case("fees")["due_on"] == due["cold"]


def sections_and_people(office: Office, labels: dict[str, dict[str, str]]) -> None:
    """Section, leader and handler of each case, and a view for each of them."""
    for name in office.ids:
        before = office.case(name)
        assert before["events"][0]["kind"] == "received"
        found = office.decide(name, **labels[name])
        assert (found["state"], found["labels"]) == ("assigned", labels[name])
        office.act(name, "accept", handler=f"{labels[name]['section'][:2]}经办")
    assert office.case("parking")["state"] == "accepted"
    assert office.case("parking")["handler"] == "价格经办"
    assert office.listed(section="价格收费管理科") == {"parking", "fees", "waste"}
    assert office.listed(handler="发展经办") == {"county", "maple", "willow", "tea"}
    leader = office.case("maple")["leader"]
    assert leader  # who is in charge of the section
    assert {"county", "maple", "willow", "tea"} <= office.listed(leader=leader)
    office.act("tea", "people", leader="市委派驻组长", why="领导包案")
    assert office.listed(leader="市委派驻组长") == {"tea"}
    assert "tea" not in office.listed(leader=leader)
    for name in office.ids:
        office.act(name, "start")
    # two people with the same page open: the second is told what the first one did
    seen = office.case("tea")["version"]
    office.act("tea", "people", handler="新经办", version=seen)
    late = office.act("tea", "people", 409, handler="别人", version=seen)
    assert [c["kind"] for c in late["changes"]] == ["people_set"]
    assert "李科员 落实责任人" in late["detail"]
    assert office.case("tea")["handler"] == "新经办"


def given_back(office: Office, labels: dict[str, dict[str, str]]) -> None:
    """A section gives a case back to the office; the bureau gives one back to the sender."""
    back = office.act("fees", "send-back", why="属信用监管", proposed_section="营商环境科")
    assert back["state"] == "in_review"
    told = back["events"][-1]
    assert (told["kind"], told["who"], told["detail"]["why"]) == ("sent_back", "李科员", "属信用监管")
    assert office.decide("fees", **labels["fees"])["state"] == "assigned"
    refused = office.act("parking", "return", 409, why="应由市场监管局办", proposed_unit="市市场监管局")
    assert "办理中" in refused["detail"]  # too far on to be given back
    gone = office.act("fees", "return", why="应由市场监管局办", proposed_unit="市市场监管局")
    told = gone["events"][-1]["detail"]
    assert (gone["state"], told["proposed_unit"]) == ("returned", "市市场监管局")
    assert told["window"] > TODAY.isoformat()
    assert "已退办" in office.act("fees", "decisions", 409, decisions=[one("section", "能源科")])["detail"]
    returned = office.act("fees", "return-refused", why="交办单位未同意")
    assert (returned["state"], returned["events"][-1]["detail"]["why"]) == ("in_review", "交办单位未同意")
    assert office.decide("fees", **labels["fees"])["state"] == "assigned"
    assert not any(d["dropped_on"] for d in returned["handling"]["deadlines"] if d["kind"] == "reply")


def one(target: str, label: str) -> dict[str, str]:
    return {"target": target, "label": label}


def joined(office: Office) -> None:
    """Both logistics and the three towns: one plan each, every case with its own number and reply."""
    hub, cold = office.ids["hub"], office.ids["cold"]
    merge = office.post("merges", 201, cases=[hub, cold], lead=cold, name="冷链物流", why="一个方案")["merge"]
    office.post(f"merges/{merge['id']}/plan", plan="冷链规划优先安排板杉镇", version=merge["version"])
    towns = [office.ids[name] for name in ("maple", "willow", "tea")]
    office.post("merges", 201, cases=towns, lead=towns[0], name="特色小镇", why="一并调研")
    numbers = {office.case(name)["number"] for name in ("hub", "cold", "maple", "willow", "tea")}
    assert len(numbers) == 5
    refused = office.act("hub", "send-back", 409, why="试")
    assert "请先解除并案" in refused["detail"]


def duties(office: Office) -> None:
    """Other sections owe the lead section an opinion, sooner than the reply; or a part of a split case."""
    case = office.act("cold", "duties", section="基础设施科", task="冷链干线通道")
    (duty,) = case["handling"]["duties"]
    assert duty["due_on"] < case["due_on"]
    refused = office.act("cold", "duties", 409, section="基础设施科")
    assert "已在协办" in refused["detail"]
    assert "主办科室" in office.act("cold", "duties", 409, section=case["labels"]["section"])["detail"]
    done = office.post(f"duties/{duty['id']}/answer", answer="已列入干线规划", handler="吴工")
    (duty,) = done["handling"]["duties"]
    assert (duty["answer"], duty["answered_on"], duty["handler"]) == ("已列入干线规划", str(TODAY), "吴工")
    # it went to the lead section, not to the deputy
    assert done["events"][-1]["detail"]["addressee"] == case["labels"]["section"]
    assert done["handling"]["replies"] == []
    missing = office.act("waste", "duties", 422, section="社会发展科", kind="split")
    assert "写明" in missing["detail"]
    for section, task in (("社会发展科", "医院减量"), ("资源节约和环境保护科", "处置能力")):
        case = office.act("waste", "duties", section=section, kind="split", task=task)
    assert [(d["kind"], d["task"]) for d in case["handling"]["duties"]] == [
        ("split", "医院减量"),
        ("split", "处置能力"),
    ]
    first, second = case["handling"]["duties"]
    office.post(f"duties/{first['id']}/answer", answer="已减量")
    office.post(f"duties/{second['id']}/withdraw", why="改由住建局办")


def by_handling_type(office: Office) -> None:
    """At once asks for nothing more; in stages for dates; when conditions allow for reasons and measures."""
    lacking = {(r["case_id"], r["mark"].split(":")[1]) for r in office.get("reminders", days=0)}
    assert (office.ids["maple"], "stages") in lacking
    assert office.case("parking")["labels"]["handling"] == "立即办理"
    assert (office.ids["parking"], "stages") not in lacking
    for what, due_on in (("评估三镇", YESTERDAY), ("出台奖补办法", TODAY + timedelta(days=60))):
        case = office.act("maple", "stages", what=what, due_on=str(due_on))
    first, second = case["handling"]["stages"]
    late = [r for r in office.get("reminders", days=0) if r["kind"] == "late"]
    assert [(r["case_id"], "评估三镇" in r["message"]) for r in late] == [(office.ids["maple"], True)]
    office.post(f"stages/{first['id']}/done", why="评估报告已出")
    office.post(f"stages/{second['id']}/drop", why="并入市级方案")
    office.act("maple", "stages", what="市级方案", due_on=str(TODAY + timedelta(days=90)))
    office.decide("county", handling="创造条件逐步解决")
    lacking = {(r["case_id"], r["mark"].split(":")[1]) for r in office.get("reminders", days=0)}
    assert (office.ids["county"], "conditions") in lacking
    case = office.act("county", "conditions", reasons="上级指标未下达", measures="向省里争取")
    assert case["handling"]["reasons"] == "上级指标未下达"


def more_time(office: Office) -> None:
    """Six months for hard ones; an extension needs a reason, consent, and stays within the rule."""
    before = office.case("maple")["due_on"]
    case = office.act("maple", "hard", why="涉及三个县区")
    assert case["due_on"] > before
    assert [d["rule"] for d in case["handling"]["deadlines"] if d["kind"] == "reply"] == ["3个月", "6个月"]
    due = date.fromisoformat(office.case("cold")["due_on"])
    consent = "市人大选工委同意(云人选〔2026〕3号)"
    for sent, says in (
        ({"due_on": str(due + timedelta(days=200))}, "最多可延期到"),
        ({"due_on": str(due)}, "晚于现在的期限"),
        ({"due_on": str(due + timedelta(days=30)), "consent": " "}, "同意延期"),
    ):
        given = {"why": "需现场调研", "consent": consent, **sent}
        assert says in office.act("cold", "extend", 422, **given)["detail"]
    later = str(due + timedelta(days=30))
    case = office.act("cold", "extend", due_on=later, why="需现场调研", consent=consent)
    assert case["due_on"] == later
    told = case["events"][-1]["detail"]
    assert (told["before"], told["consent"], told["why"]) == (str(due), consent, "需现场调研")
    # the clerk's calendar: a working day less, and open windows move
    day = TODAY + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    office.act("tea", "duties", section="社会发展科")
    moved = office.post("holidays", days=[{"day": str(day), "kind": "off", "name": "临时放假"}])
    assert [d["kind"] for d in moved["changed"]] == ["off"]
    assert office.get("holidays", year=day.year)[0]["name"] == "临时放假"


def driven(office: Office) -> None:
    """A key case, with a meeting and what it settled."""
    office.act("hub", "key", why="市政协主席督办")
    assert office.listed(key_only=True) == {"hub"}
    case = office.act("hub", "meetings", settled="十月底前定址", chair="梁副主任", attendees="三科室")
    assert [m["settled"] for m in case["handling"]["meetings"]] == ["十月底前定址"]
    assert "已于" in office.act("hub", "key", 409, why="再列")["detail"]


def contacts(office: Office) -> None:
    """Phone, visit, meeting, letter; an entry made by mistake is struck out and stays."""
    for name in ("hub", "cold", "maple", "willow", "tea", "parking"):
        office.act(name, "contacts", how="phone", what="说明进展")
    for name, how in (("cold", "meeting"), ("maple", "visit")):
        office.act(name, "contacts", how=how, what="面商方案")
    office.act("cold", "contacts", how="letter", deputy="赵一", what="寄送初稿")
    wrong = office.act("waste", "contacts", how="visit")["handling"]["contacts"][-1]
    struck = office.post(f"contacts/{wrong['id']}/strike", why="记错了件")
    assert struck["handling"]["contacts"][-1]["struck_on"] == str(TODAY)
    assert "还没有到" in office.act("cold", "contacts", 422, how="phone", held_on="2099-01-01")["detail"]


def answered(office: Office) -> None:
    """Each member of a merge has its own reply; an assisting opinion goes to the unit that leads."""
    case = office.act("county", "replies", number="云发改函〔2026〕1号", signer="梁副主任")
    (reply,) = case["handling"]["replies"]
    assert (case["state"], reply["addressee"]) == ("replied", "市财政局")
    assert not any(d["kind"] == "feedback" for d in case["handling"]["deadlines"])
    office.act("hub", "replies", number="云发改〔2026〕2号", result_class="B")
    same = office.act("cold", "replies", 422, number="云发改〔2026〕2号")
    assert "单独答复" in same["detail"]
    case = office.act("cold", "replies", number="云发改〔2026〕3号", result_class="B")
    assert case["handling"]["replies"][0]["addressee"] == f"{case['deputy']}、赵一、钱二"
    for nth, name in enumerate(("maple", "willow", "tea"), start=4):
        office.act(name, "replies", number=f"云发改〔2026〕{nth}号", result_class="B")
    office.act("parking", "replies", number="云发改〔2026〕7号")
    office.act("waste", "replies")
    lacking = {(r["case_id"], r["mark"].split(":")[1]) for r in office.get("reminders", days=0)}
    assert {(office.ids["waste"], what) for what in ("contact", "result_class", "reply_number")} <= lacking
    assert (office.ids["cold"], "reply_number") not in lacking


def feedback_and_redo(office: Office) -> None:
    """Not satisfied opens a redo with its own deadline; the first reply and word stay on record."""
    for name, verdict in (("cold", "满意"), ("hub", "基本满意"), ("maple", "满意")):
        case = office.act(name, "feedback", verdict=verdict, comment="认可")
        assert case["state"] == "replied"
    case = office.act("parking", "feedback", verdict="不满意", comment="没有检查")
    (redo,) = [d for d in case["handling"]["deadlines"] if d["kind"] == "redo"]
    assert (case["state"], redo["rule"], redo["met_on"]) == ("in_handling", "1个月", None)
    case = office.act("parking", "replies", number="云发改〔2026〕8号", result_class="A", why="已检查四十处")
    (redo,) = [d for d in case["handling"]["deadlines"] if d["kind"] == "redo"]
    assert redo["met_on"] == str(TODAY)
    assert [r["number"] for r in case["handling"]["replies"]] == ["云发改〔2026〕7号", "云发改〔2026〕8号"]
    case = office.act("parking", "feedback", verdict="满意")
    assert [f["verdict"] for f in case["handling"]["feedback"]] == ["不满意", "满意"]


def closed(office: Office) -> None:
    """办结一件销号一件: with a class of the place's own scheme, and what was promised."""
    refused = office.act("waste", "close", 422, result_class="Z")
    assert "办理结果类别" in refused["detail"]
    for name, found in (("parking", "A"), ("cold", "B"), ("hub", "B"), ("maple", "B"), ("willow", "B")):
        promise = {"what": f"{name} 的承诺", "due_on": str(YESTERDAY)}
        commitments = [promise] if name in ("cold", "maple") else []
        case = office.act(name, "close", result_class=found, commitments=commitments)
        assert (case["state"], case["result_class"]) == ("closed", found)
        assert len(case["handling"]["results"]) == 1  # what the reply said, said once
    office.act("county", "close", result_class="C", why="条件不具备")
    assert office.listed(state="closed", result_class="C") == {"county"}


def figures(office: Office) -> None:
    """The year as a leader reads it."""
    year = office.get(f"years/{TODAY.year}")
    assert year["total"] == 9
    assert year["roles"] == {"主办": 6, "会办": 1, "分办": 1, "独办": 1}
    shares = {c["code"]: (c["count"], c["of"]) for c in year["classes"]}
    assert shares == {"A": (1, 7), "B": (5, 7), "C": (1, 7)}  # tea has its class with its reply
    assert (year["contacted"]["count"], year["contacted"]["of"]) == (6, 8)
    assert (year["met"]["count"], year["met"]["of"]) == (2, 8)
    assert (year["satisfied"]["count"], year["satisfied"]["of"]) == (4, 4)
    assert (year["on_time"]["rate"], year["redone"]) == (1.0, 1)
    assert (year["key_cases"], year["merged"]) == (1, 5)
    by_section = {s["section"]: (s["cases"], s["closed"]) for s in year["sections"]}
    assert by_section["价格收费管理科"] == (3, 1)


def next_year(office: Office) -> None:
    """What is open, B or C, or promised comes back; a promise is looked back at until it is kept."""
    coming = TODAY.year + 1
    carried = {c["case"]["id"]: c for c in office.get(f"years/{coming}/carried")}
    names = {name for name, case_id in office.ids.items() if case_id in carried}
    assert names == set(office.ids) - {"parking"}
    assert any("办理结果 C" in reason for reason in carried[office.ids["county"]]["reasons"])
    page = office.get("commitments")
    assert page["total"] == 2
    owed = next(c["commitment"] for c in page["commitments"] if "cold" in c["commitment"]["what"])
    assert owed["overdue"]
    seen = office.post(
        f"commitments/{owed['id']}/look-back", progress="冷库已开工", due_on=str(TODAY + timedelta(days=90))
    )
    assert [look["progress"] for look in seen["look_backs"]] == ["冷库已开工"]
    assert not seen["overdue"]
    assert office.get("commitments")["total"] == 2
    office.post(f"commitments/{owed['id']}/keep", why="冷库投用")
    # B has become A: another entry, the first one stays
    case = office.act("cold", "results", result_class="A", why="冷库投用,承诺兑现")
    assert [r["result_class"] for r in case["handling"]["results"]] == ["B", "A"]
    assert (case["state"], case["result_class"]) == ("closed", "A")
    carried = {c["case"]["id"] for c in office.get(f"years/{coming}/carried")}
    assert office.ids["cold"] not in carried
    assert office.ids["maple"] in carried


def nothing_was_lost(office: Office) -> None:
    """Every change is in the feed once and in order, says who and when, and the chain holds."""
    cursor, feed = 0, []
    while True:
        page = office.get("changes", after=cursor, limit=50)
        feed += page["changes"]
        cursor = page["cursor"]
        if not page["more"]:
            break
    assert [change["id"] for change in feed] == list(range(1, len(feed) + 1))
    assert all(change["who"] and change["created_at"] for change in feed)
    for name, case_id in office.ids.items():
        case = office.case(name)
        own = [change for change in feed if change["case_id"] == case_id]
        assert [change["id"] for change in own] == [event["id"] for event in case["events"]]
        states = [c["detail"]["state"] for c in own if "state" in c["detail"]]
        assert (states[0], states[-1]) == ("received", case["state"])
        versions = [change["version"] for change in own]
        assert versions == sorted(versions)
        assert versions[-1] == case["version"]
    with office.ledger.read() as session:
        verdict = verify_ledger(session)
    assert verdict.problems == []
    assert verdict.events == len(feed)
