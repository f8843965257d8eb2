"""The API on merges, relations and commitments; and what pages, exports and commands show of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_problems import check_problem, office_at

from triage.desk import Desk
from triage.exports.ledger_file import export_ledger
from triage.taxonomy import Taxonomy

GRID = "黄泥村的电网建于二十年前,线径细、变压器小,过年回乡的人一多就跳闸停电,请列入今年的农网改造计划。"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Desk, TestClient]]:
    with office_at(tmp_path) as office:
        yield office


@pytest.fixture
def client(office: tuple[Desk, TestClient]) -> TestClient:
    return office[1]


@pytest.fixture
def desk(office: tuple[Desk, TestClient]) -> Desk:
    return office[0]


@pytest.fixture
def ids(client: TestClient) -> list[int]:
    """Three cases; the second says what the first says."""
    texts = [GRID, GRID, "市区停车场收费不公示,请明码标价。"]
    made = []
    for n, body in enumerate(texts, 1):
        sent = {"title": f"第{n}件", "body": body, "number": f"第{n:03d}号", "session": "六届五次"}
        more = {"role": "协办", "received_on": f"2026-01-{10 + n}"}
        response = client.post("/api/cases", json={**sent, **more})
        assert response.status_code == 201, response.text
        made.append(response.json()["id"])
    return made


def post(client: TestClient, path: str, status: int = 200, **sent: Any) -> Any:
    response = client.post(f"/api/{path}", json={"who": "李科员", **sent})
    assert response.status_code == status, response.text
    return response.json()


def settle(client: TestClient, case_id: int, **labels: str) -> None:
    case = client.get(f"/api/cases/{case_id}").json()
    chosen = labels or {p["target"]: p["ranked"][0]["label"] for p in case["predictions"]}
    decisions = [{"target": t, "label": label} for t, label in chosen.items()]
    sent = {"why": "试", "version": case["version"], "decisions": decisions}
    post(client, f"cases/{case_id}/decisions", **sent)


def test_cases_are_joined_and_each_shows_it(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    settle(client, a)
    found = post(client, "merges", 201, cases=ids, lead=a, name="电网改造", why="同一事项")
    assert (found["precedents"], found["warnings"]) == ([], [])
    merge = found["merge"]
    assert (merge["name"], merge["lead"], merge["version"], merge["due_set"]) == ("电网改造", a, 1, False)
    assert [(m["case_id"], m["lead"], m["role"]) for m in merge["members"]] == [
        (a, True, "会办"),
        (b, False, "会办"),
        (c, False, "会办"),
    ]
    member = client.get(f"/api/cases/{c}").json()
    assert member["merge"] == {
        "id": merge["id"],
        "name": "电网改造",
        "lead": a,
        "members": ids,
        "due_on": "2026-02-11",
        "version": 1,
    }
    assert (member["labels"]["section"], member["state"]) == ("能源科", "assigned")
    assert (member["role"], member["due_on"]) == ("会办", "2026-02-13")
    assert [e["kind_name"] for e in member["events"]][-1] == "并案"
    listed = client.get("/api/cases", params={"section": "能源科"}).json()["cases"]
    assert {case["id"]: case["labels"]["section"] for case in listed} == dict.fromkeys(ids, "能源科")
    assert client.get("/api/merges").json() == [client.get(f"/api/merges/{merge['id']}").json()] == [merge]
    assert client.get("/api/merges", params={"year": 2025}).json() == []


def test_the_location_of_a_new_merge_is_told_and_none_where_there_is_none(
    client: TestClient, ids: list[int]
) -> None:
    a, b, c = ids
    settle(client, a)
    post(client, f"cases/{a}/close", result_class="A", reply_number="函1号")
    response = client.post("/api/merges", json={"who": "李", "cases": [a, b], "lead": a})
    assert response.status_code == 201
    assert "location" not in response.headers
    found = response.json()
    assert (found["merge"], found["precedents"]) == (None, [{"case_id": b, "precedent_id": a}])
    response = client.post("/api/merges", json={"who": "李", "cases": [b, c], "lead": b})
    assert response.headers["location"] == f"/api/merges/{response.json()['merge']['id']}"


def test_a_merge_is_changed_step_by_step(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    merge_id = post(client, "merges", 201, cases=[a, b], lead=a)["merge"]["id"]
    where = f"merges/{merge_id}"
    assert len(post(client, f"{where}/members", cases=[c], version=1)["merge"]["members"]) == 3
    assert post(client, f"{where}/lead", lead=b)["lead"] == b
    due = post(client, f"{where}/due", due_on="2026-03-01", why="代表要求提前")
    assert (due["due_on"], due["due_set"]) == ("2026-03-01", True)
    planned = post(client, f"{where}/plan", plan="统一调研,分别答复", name="电网")
    assert (planned["plan"], planned["name"], planned["version"]) == ("统一调研,分别答复", "电网", 5)
    late = client.post(f"/api/{where}/plan", json={"who": "王", "plan": "", "version": 4})
    assert check_problem(late, 409)["version"] == 5
    left = post(client, f"{where}/unmerge", cases=[c], why="不同的事")
    assert [m["case_id"] for m in left["members"]] == [b, a]
    gone = post(client, f"{where}/unmerge", why="不同的事")
    assert (gone["members"], gone["dissolved_at"] is not None) == ([], True)
    assert client.get("/api/merges").json() == []
    assert client.get(f"/api/cases/{a}").json()["merge"] is None


@pytest.mark.parametrize(
    ("path", "sent", "status", "says"),
    [
        ("merges", {"cases": [1], "lead": 1}, 422, "至少要选两件"),
        ("merges", {"cases": [1, 99], "lead": 1}, 404, "99"),
        ("merges", {"cases": [1, 2], "lead": 3}, 422, "主件应是"),
        ("merges", {"cases": [1, 2]}, 422, "lead:缺少必填项"),
        ("merges", {"cases": [1, "x"], "lead": 1}, 422, "应为整数"),
        ("merges", {"cases": [1, 2], "lead": 1, "who": "  "}, 422, "经办人姓名"),
        ("merges/9/unmerge", {"why": "试"}, 404, "没有编号为 9 的并案"),
        ("merges/9/members", {"cases": [1]}, 404, "没有编号为 9 的并案"),
        ("relations/dismiss", {"case_id": 1, "other_id": 1}, 422, "两件不同"),
        ("relations/dismiss", {"case_id": 1, "other_id": 2**80}, 404, "台账中没有"),
        ("commitments/9/keep", {}, 404, "没有编号为 9 的承诺"),
        ("cases/1/close", {"result_class": "A", "commitments": [{"what": ""}]}, 422, "不能为空"),
    ],
)
def test_what_is_wrong_is_named_in_words(
    client: TestClient, ids: list[int], path: str, sent: dict[str, Any], status: int, says: str
) -> None:
    response = client.post(f"/api/{path}", json={"who": "李", **sent})
    assert says in check_problem(response, status)["detail"]


def test_an_unknown_role_is_refused_with_the_choices(client: TestClient) -> None:
    response = client.post("/api/cases", json={"body": "路灯不亮。", "role": "牵头"})
    assert "主办、会办、分办、独办、参阅" in check_problem(response, 422)["detail"]


def test_a_member_is_decided_only_through_its_lead(client: TestClient, ids: list[int]) -> None:
    a, b, _ = ids
    settle(client, a)
    post(client, "merges", 201, cases=[a, b], lead=a)
    sent = {"who": "王", "why": "试", "decisions": [{"target": "section", "label": "价格收费管理科"}]}
    refused = check_problem(client.post(f"/api/cases/{b}/decisions", json=sent), 409)
    assert "随主件(第001号)" in refused["detail"]
    settle(client, a, section="价格收费管理科")
    assert client.get(f"/api/cases/{b}").json()["labels"]["section"] == "价格收费管理科"


def test_related_cases_are_told_with_what_became_of_them(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    (found,) = client.get(f"/api/cases/{b}/related").json()
    assert (found["kind"], found["status"]) == ("duplicate", "proposed")
    assert found["evidence"]["wording"] > 0
    assert found["shared_terms"]
    assert found["differs"] == {"own": [], "other": []}  # the same text
    assert (found["case"]["id"], found["case"]["merge"], found["case"]["section"]) == (a, None, None)
    settle(client, a)
    merge_id = post(client, "merges", 201, cases=[a, c], lead=a, name="电网")["merge"]["id"]
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    promised = [{"what": "年内改造", "due_on": yesterday}, {"what": "复查"}]
    closed = post(client, f"cases/{a}/close", result_class="B", reply_number="函1号", commitments=promised)
    first = closed["commitments"][0]
    assert (first["what"], first["overdue"]) == ("年内改造", True)
    other = client.get(f"/api/cases/{b}/related").json()[0]["case"]
    assert other["merge"] == {"id": merge_id, "name": "电网"}
    assert (other["section"], other["result_class"], other["reply_number"]) == ("能源科", "B", "函1号")
    assert (other["year"], other["state"], other["closed_on"]) == (2026, "closed", date.today().isoformat())
    assert [(p["what"], p["overdue"]) for p in other["commitments"]] == [("年内改造", True), ("复查", False)]
    kept = post(client, f"commitments/{first['id']}/keep", kept_on=yesterday)
    assert (kept["kept_on"], kept["overdue"]) == (yesterday, False)
    check_problem(client.post(f"/api/commitments/{first['id']}/keep", json={"who": "李"}), 409)
    other = client.get(f"/api/cases/{b}/related").json()[0]["case"]
    assert [p["what"] for p in other["commitments"]] == ["复查"]
    check_problem(client.get("/api/cases/99/related"), 404)


def test_a_dismissed_relation_stays_in_sight_as_dismissed(client: TestClient, ids: list[int]) -> None:
    a, b, _ = ids
    told = post(client, "relations/dismiss", case_id=a, other_id=b, why="不同的村")
    assert (told["status"], told["case"]["id"]) == ("dismissed", b)
    for one, other in ((a, b), (b, a)):
        (found,) = client.get(f"/api/cases/{one}/related").json()
        assert (found["status"], found["case"]["id"]) == ("dismissed", other)


def test_the_pages_show_what_a_member_shares_and_let_its_topic_be_decided(
    client: TestClient, ids: list[int]
) -> None:
    a, b, _ = ids
    settle(client, a, section="价格收费管理科", handling="立即办理")
    post(client, "merges", 201, cases=[a, b], lead=a, name="电网改造")
    queue = client.get("/ledger", params={"state": "assigned", "section": "价格收费管理科"}).text
    assert "第001号" in queue
    assert "第002号" in queue
    page = client.get(f"/cases/{b}").text
    assert "“电网改造”" in page
    assert page.count("<fieldset disabled>") == 2  # section and handling type are the lead's
    case = client.get(f"/api/cases/{b}").json()
    topic = next(p["ranked"][0]["label"] for p in case["predictions"] if p["target"] == "topic")
    sent = {"version": str(case["version"]), "who": "王", "topic": topic}
    assert client.post(f"/cases/{b}/decisions", data=sent, follow_redirects=False).status_code == 303
    assert client.get(f"/api/cases/{b}").json()["labels"]["topic"] == topic


def test_the_export_tells_role_deadline_and_merge(
    client: TestClient, desk: Desk, ids: list[int], tmp_path: Path
) -> None:
    a, b, _ = ids
    settle(client, a)
    post(client, "merges", 201, cases=[a, b], lead=a, name="电网改造")
    with desk.ledger.read() as session:
        for name in ("l.csv", "l.json"):
            export_ledger(tmp_path / name, session=session, taxonomy=Taxonomy())
    with (tmp_path / "l.csv").open(encoding="utf-8-sig", newline="") as file:
        sheet = list(csv.DictReader(file))
    for rows in (sheet, json.loads((tmp_path / "l.json").read_text(encoding="utf-8"))):
        told = [(r["承办角色"], r["答复期限"], r["并案"], r["承办科室"], r["承办科室认定人"]) for r in rows]
        assert told == [
            ("会办", "2026-02-11", "电网改造(主件第001号)", "能源科", "李科员"),
            ("会办", "2026-02-12", "电网改造(主件第001号)", "能源科", "李科员"),
            ("会办", "2026-02-13", "", "", ""),
        ]
