"""Every act of handling through the case's page, as a browser without JavaScript does it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_pages import HTML, Page
from test_problems import apart, post_case, rows
from towns import settle

from service.act_fields import read_fields
from service.act_forms import ACTS, ENTRY_ACTS, Act
from service.case_acts import offers_for
from service.people import Person
from service.roles import PERMISSION_NAMES
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.cases import get_case
from triage.ledger.states import STATE_NAMES

TODAY = date.today().isoformat()
STATES = [state for state in STATE_NAMES if state != "received"]  # nobody meets a case that is only received
WHY = {"why": "有理由"}
# what a person fills in, by the act
FILLED: dict[str, dict[str, str]] = {
    "accept": {"handler": "周经办"},
    "start": {"why": "已约代表"},
    "send-back": {**WHY, "proposed_section": "能源科"},
    "return": {**WHY, "proposed_unit": "市财政局", "consent": "督查室同意"},
    "return-refused": WHY,
    "people": {"leader": "方副主任", "handler": "周经办"},
    "role": {"role": "会办", "lead_unit": "市财政局"},
    "extend": {**WHY, "due_on": "", "consent": "选工委同意"},
    "hard": WHY,
    "key": WHY,
    "unkey": WHY,
    "duties": {"section": "能源科", "kind": "assist", "task": "充电设施"},
    "stages": {"what": "编制方案", "due_on": "2027-06-30"},
    "conditions": {"reasons": "指标未下达", "measures": "争取试点"},
    "meetings": {"settled": "十月定址", "held_on": TODAY, "chair": "梁副主任"},
    "correct": {"target": "section", "label": "能源科", "why": "属该科室职责"},
    "contacts": {"how": "visit", "held_on": TODAY, "deputy": "赵一", "what": "面商"},
    "replies": {"number": "函12号", "replied_on": TODAY, "signer": "梁副主任", "result_class": "B"},
    "results": {"result_class": "A", "found_on": TODAY},
    "feedback": {"verdict": "满意", "given_on": TODAY, "deputy": "赵一", "comment": "扎实"},
    "commitments": {"what": "建两处充电站", "due_on": "2027-12-31"},
    "close": {"result_class": "A", "reply_number": "函12号"},
    "answer": {"answer": "已列入计划", "handler": "吴工", "answered_on": TODAY},
    "withdraw": WHY,
    "done": {"done_on": TODAY},
    "drop": WHY,
    "strike": WHY,
    "keep": {"kept_on": TODAY},
    "look-back": {"progress": "已开工", "looked_on": TODAY},
}
EVENTS = {
    "accept": "accepted", "start": "started", "send-back": "sent_back", "return": "returned",
    "return-refused": "return_refused", "people": "people_set", "role": "role_set", "extend": "extended",
    "hard": "hard_marked", "key": "key_marked", "unkey": "key_unmarked", "duties": "duty_added",
    "stages": "stage_added", "conditions": "conditions_set", "meetings": "meeting_held", "contacts": "contacted",
    "replies": "replied", "results": "result_found", "feedback": "feedback_given", "commitments": "committed",
    "correct": "overridden", "close": "closed", "answer": "duty_answered", "withdraw": "duty_withdrawn", "done": "stage_done",
    "drop": "stage_dropped", "strike": "struck", "keep": "commitment_kept", "look-back": "looked_back",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return apart(tmp_path)


def case_in(client: TestClient, state: str, **more: Any) -> int:
    """A case that came into ``state`` by its usual way."""
    case_id = int(post_case(client, deputy="赵一", received_on=TODAY, **more)["id"])
    if state == "in_review":
        return case_id
    settle(client, case_id, section="价格收费管理科", topic="社会民生", handling="立即办理")
    way = {
        "assigned": (),
        "accepted": ("accept",),
        "in_handling": ("accept", "start"),
        "replied": ("accept", "start", "replies"),
        "closed": ("accept", "start", "replies", "close"),
        "returned": ("return",),
    }
    for slug in way[state]:
        do(client, case_id, slug)
    return case_id


def case_of(client: TestClient, case_id: int) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/cases/{case_id}").json()
    return found


def filled(client: TestClient, case_id: int, slug: str) -> dict[str, str]:
    case = case_of(client, case_id)
    sent = {"version": str(case["version"]), **FILLED[slug]}
    if slug == "extend":
        sent["due_on"] = f"{case['due_on'][:8]}28" if case["due_on"][8:] < "28" else case["due_on"]
    return sent


def do(client: TestClient, case_id: int, slug: str, status: int = 200, entry: str = "", **more: str) -> Page:
    """Send one act's form as the page has its address; the page that comes of it."""
    (act,) = [a for a in (*ACTS, *ENTRY_ACTS) if a.slug == slug and a.entry == entry]
    entry_id = entry_ids(client, case_id, entry)[-1] if entry else 0
    address = act.path.format(case_id=case_id, entry_id=entry_id)
    if status == 200:
        assert f'action="{address}"' in client.get(f"/cases/{case_id}").text
    response = client.post(address, data={**filled(client, case_id, slug), **more})
    assert response.status_code == status, response.text
    return Page(response.text)


def entry_ids(client: TestClient, case_id: int, entry: str) -> list[int]:
    case = case_of(client, case_id)
    listed = case["commitments"] if entry == "commitments" else case["handling"][entry]
    return [row["id"] for row in listed]


def start_state(act: Act) -> str:
    """A state in which the act's own form is there."""
    usual = ("in_handling", "assigned", "accepted", "replied", "in_review", "returned", "closed")
    return next(state for state in usual if state in act.states)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.slug)
def test_each_act_lands_in_the_ledger_under_the_name_of_who_signed_in(client: TestClient, act: Act) -> None:
    case_id = case_in(client, start_state(act))
    if act.slug == "unkey":
        do(client, case_id, "key")
    page = do(client, case_id, act.slug)
    said = page.text("div", role="status")
    assert act.name in said or "已办结" in said
    events = case_of(client, case_id)["events"]
    assert [e["who"] for e in events if e["kind"] == EVENTS[act.slug]][-1] == "值班员"
    assert page.all("input", name="who") == []


@pytest.mark.parametrize("act", ENTRY_ACTS, ids=lambda act: f"{act.entry}-{act.slug}")
def test_each_act_on_an_entry_lands_in_the_ledger(client: TestClient, act: Act) -> None:
    case_id = case_in(client, "replied" if act.entry == "feedback" else "in_handling")
    do(client, case_id, act.entry)
    page = do(client, case_id, act.slug, entry=act.entry)
    assert act.name in page.text("div", role="status")
    last = case_of(client, case_id)["events"][-1]
    assert (last["kind"], last["who"]) == (EVENTS[act.slug], "值班员")
    # it is over, so the page offers it no longer
    address = act.path.format(case_id=case_id, entry_id=entry_ids(client, case_id, act.entry)[-1])
    still = f'action="{address}"' in client.get(f"/cases/{case_id}").text
    assert still == (act.slug == "look-back")


class Undone(Exception):
    """Takes back what was tried."""


def try_act(desk: Desk, act: Act, case_id: int, given: dict[str, Any]) -> None:
    """Do the act and take it back; raises what the ledger raises."""
    with suppress(Undone), desk.ledger.write() as session:
        act.run(case_id, **given, **act.taken_of(desk.taxonomy), session=session)
        raise Undone


@pytest.mark.parametrize("state", STATES)
def test_what_a_state_offers_the_ledger_takes(client: TestClient, desk: Desk, state: str) -> None:
    case_id = case_in(client, state)
    html = client.get(f"/cases/{case_id}").text
    offered = [act for act in ACTS if f'action="{act.path.format(case_id=case_id)}"' in html]
    assert {act.slug for act in offered} >= ({"contacts"} if state != "returned" else {"return-refused"})
    for act in offered:
        given = read_fields(act.fields, act.schema, filled(client, case_id, act.slug), who="李")
        if act.slug == "results":
            given["result_class"] = "C"  # another one than it has
        try_act(desk, act, case_id, given)
    # and what it does not offer is not for this state
    for act in ACTS:
        if state not in act.states:
            assert act not in offered


def test_the_permissions_of_the_acts_are_those_of_people() -> None:
    assert {act.permission for act in (*ACTS, *ENTRY_ACTS)} <= set(PERMISSION_NAMES)
    assert len({act.path for act in (*ACTS, *ENTRY_ACTS)}) == len((*ACTS, *ENTRY_ACTS))


@pytest.mark.parametrize(
    ("person", "offered"),
    [
        (Person("甲", ("reader",)), set()),
        (Person("乙", ("handler",), "价格收费管理科"), {"accept", "contacts", "send-back"}),
        (Person("丙", ("handler",), "能源科"), {"duties-1-answer"}),
        (Person("丁", ("leader",)), {"return", "key", "extend"}),
    ],
    ids=lambda value: value.name if isinstance(value, Person) else "",
)
def test_nobody_is_offered_what_is_not_theirs(
    client: TestClient, desk: Desk, person: Person, offered: set[str]
) -> None:
    case_id = case_in(client, "assigned")
    do(client, case_id, "duties")
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        keys = offers_for(case, person, desk.taxonomy, {}, {}).keys
    assert offered <= keys
    assert not keys if not offered else keys.isdisjoint({"close", "role"})
    if person.section == "能源科":
        assert keys == offered


@pytest.mark.parametrize(
    ("slug", "wrong", "says"),
    [
        ("contacts", {"how": ""}, "请填写联系方式。"),
        ("contacts", {"held_on": "昨天"}, "联系日期:不是日期"),
        ("contacts", {"held_on": "2999-01-01"}, "还没有到"),
        ("contacts", {"how": "鸽子"}, "联系方式:取值无效"),
        ("stages", {"due_on": ""}, "请填写完成期限。"),
        ("send-back", {"why": "  "}, "请填写理由。"),
        ("duties", {"section": "价格收费管理科"}, "是本件的主办科室"),
        ("replies", {"result_class": "Z"}, "不是办理结果类别"),
        ("people", {"handler": "周" * 101}, "承办人:太长,最多 100 字。"),
    ],
)
def test_a_refused_act_says_why_and_keeps_what_was_typed(
    client: TestClient, desk: Desk, slug: str, wrong: dict[str, str], says: str
) -> None:
    case_id = case_in(client, "in_handling")
    before = rows(desk)
    sent = {**filled(client, case_id, slug), **wrong}
    response = client.post(f"/cases/{case_id}/acts/{slug}", data=sent)
    assert response.status_code in (409, 422)
    assert says in Page(response.text).text("p", role="alert")
    assert rows(desk) == before
    for name, typed in sent.items():
        if typed.strip() and name not in wrong and name != "version":
            assert typed in response.text


def test_html_in_every_text_of_every_act_is_shown_as_text(client: TestClient) -> None:
    for act in ACTS:
        texts = [f.name for f in act.fields if f.kind in ("text", "long")]
        if not texts or act.slug == "unkey":
            continue
        case_id = case_in(client, start_state(act))
        page = do(client, case_id, act.slug, **dict.fromkeys(texts, HTML))
        again = client.get(f"/cases/{case_id}").text
        assert [own["src"] for own, _ in Page(again).all("script")] == ["/static/htmx/htmx.min.js"]
        assert (page.all("img"), Page(again).all("img")) == ([], [])
        assert "&lt;script&gt;alert(1)" in again


def test_an_entry_of_another_case_is_not_found(client: TestClient, desk: Desk) -> None:
    one, other = case_in(client, "in_handling"), case_in(client, "in_handling", number="第2号")
    do(client, one, "duties")
    (duty,) = entry_ids(client, one, "duties")
    before = rows(desk)
    sent = filled(client, other, "answer")
    assert client.post(f"/cases/{other}/duties/{duty}/answer", data=sent).status_code == 404
    assert client.post(f"/cases/99999/duties/{duty}/answer", data=sent).status_code == 404
    assert rows(desk) == before


def test_who_comes_too_late_is_told_what_others_did_and_keeps_the_form(
    client: TestClient, desk: Desk
) -> None:
    case_id = case_in(client, "accepted")
    stale = {**filled(client, case_id, "contacts"), "what": "约好周三"}
    do(client, case_id, "start")
    before = rows(desk)
    late = client.post(f"/cases/{case_id}/acts/contacts", data=stale)
    assert late.status_code == 409
    told = Page(late.text).text("div", class_="notice bad")
    assert "值班员:开始办理" in told
    assert "约好周三" in late.text
    assert rows(desk) == before
    version = str(case_of(client, case_id)["version"])
    assert (
        client.post(f"/cases/{case_id}/acts/contacts", data={**stale, "version": version}).status_code == 200
    )


def test_what_was_typed_is_told_where_its_form_is_gone(client: TestClient) -> None:
    case_id = case_in(client, "assigned")
    stale = filled(client, case_id, "accept")
    do(client, case_id, "accept", handler="别人")
    page = Page(client.post(f"/cases/{case_id}/acts/accept", data=stale).text)
    told = page.text("div", class_="notice bad")
    assert "本件现在不能再办这一项" in told
    assert "承办人周经办" in told.replace(" ", "")


def test_a_form_without_its_version_writes_nothing(client: TestClient, desk: Desk) -> None:
    case_id = case_in(client, "assigned")
    before = rows(desk)
    response = client.post(f"/cases/{case_id}/acts/accept", data={"handler": "周"})
    assert response.status_code == 422
    assert "不完整" in Page(response.text).text("p", role="alert")
    assert rows(desk) == before
