"""The API for programs: intake, list, decisions, closing, models, and its own description."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from entry import come_in
from fastapi.testclient import TestClient
from test_problems import apart, check_problem, office_at, post_case, rows

from service.app import make_app
from triage.config import Settings
from triage.desk import Desk
from triage.taxonomy import TARGETS

BASE_URL = "http://127.0.0.1:8000"
SESSION = "云澜市六届人大五次会议"
PARKING = {
    "title": "关于规范停车场收费的建议",
    "body": "市区多处停车场收费标准不公示,建议统一明码标价并加强检查。",
    "session": SESSION,
    "number": "第081号",
    "kind": "建议",
    "deputy": "张三(虚构)",
}
CHARGING = "老旧小区没有充电桩,居民从楼上拉线充电,请电网企业增容并统一规划充电设施。"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return apart(tmp_path)


@pytest.fixture(scope="module")
def demo_desk(demo_home_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One copy of the sample office for the whole file; hardly anything is written to it."""
    home = tmp_path_factory.mktemp("api") / "home"
    shutil.copytree(demo_home_once, home)
    desk = Desk(Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_AUDIT_SHARE": "0"}))
    yield desk
    desk.ledger.close()


@pytest.fixture(scope="module")
def demo_client(demo_desk: Desk) -> Iterator[TestClient]:
    with TestClient(make_app(demo_desk.settings, demo_desk), base_url=BASE_URL) as client:
        yield come_in(client, demo_desk.ledger)


def firsts(case: dict[str, Any]) -> dict[str, str]:
    """Target to the first recommendation."""
    return {p["target"]: p["ranked"][0]["label"] for p in case["predictions"]}


def decide(client: TestClient, case_id: int, labels: dict[str, str], **more: Any) -> Any:
    """Post decisions on some targets."""
    sent = {"who": "李科员", "decisions": [{"target": t, "label": x} for t, x in labels.items()], **more}
    return client.post(f"/api/cases/{case_id}/decisions", json=sent)


def test_a_trial_returns_three_predictions_that_sum_to_one_and_writes_nothing(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    before = rows(demo_desk)
    response = demo_client.post("/api/triage", json=PARKING)
    assert response.status_code == 200
    found = response.json()
    assert [p["target"] for p in found["predictions"]] == list(TARGETS)
    for prediction in found["predictions"]:
        probabilities = [x["probability"] for x in prediction["ranked"]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-6)
        assert probabilities == sorted(probabilities, reverse=True)
        assert prediction["evidence"]["words"]
        assert prediction["reason"]
    assert firsts(found)["section"] == "价格收费管理科"
    assert found["route"] in ("auto", "review")
    assert all({"case_id", "kind", "score", "flagged"} <= set(r) for r in found["related"])
    assert rows(demo_desk) == before


def test_a_trial_says_the_same_as_the_intake_that_follows(demo_client: TestClient) -> None:
    trial = demo_client.post("/api/triage", json=PARKING).json()
    case = post_case(demo_client, **PARKING)
    assert trial["route"] == case["route"]
    for tried, kept in zip(trial["predictions"], case["predictions"], strict=True):
        assert tried["model_version"] == kept["model_version"]
        assert tried["auto"] == kept["auto"]
        assert [x["label"] for x in tried["ranked"]] == [x["label"] for x in kept["ranked"]]
    flagged = {r["case_id"] for r in trial["related"] if r["flagged"]}
    assert flagged == {r["case_id"] for r in case["relations"]}


def test_a_new_case_comes_back_whole_with_its_address(client: TestClient) -> None:
    response = client.post("/api/cases", json=PARKING, headers={"X-Who": "OA"})
    assert response.status_code == 201
    case = response.json()
    assert response.headers["location"] == f"/api/cases/{case['id']}"
    assert (case["created"], case["differs"]) == (True, False)
    assert {k: case[k] for k in PARKING} == PARKING
    assert case["route"] == "review"
    assert case["route_reason"]
    assert case["state"] == "in_review"
    assert [p["target"] for p in case["predictions"]] == list(TARGETS)
    for prediction in case["predictions"]:
        assert sum(x["probability"] for x in prediction["ranked"]) == pytest.approx(1, abs=1e-4)
    assert [e["kind"] for e in case["events"]] == ["received", "queued"]
    assert case["events"][0]["who"] == "OA"
    whole = client.get(response.headers["location"]).json()
    assert whole == {k: v for k, v in case.items() if k not in ("created", "differs")}


def test_the_sender_may_have_a_chinese_name(client: TestClient) -> None:
    headers = {b"X-Who": "代表联络系统".encode()}  # as curl sends it
    case = client.post("/api/cases", json=PARKING, headers=headers).json()
    assert case["events"][0]["who"] == "代表联络系统"


def test_a_blank_sender_never_stands_in_the_ledger(client: TestClient) -> None:
    response = client.post("/api/cases", json=PARKING, headers={"X-Who": "  "})
    assert response.status_code == 422 or response.json()["events"][0]["who"].strip()


def test_a_sure_case_is_routed_with_its_decision_and_prediction(demo_client: TestClient) -> None:
    found = demo_client.get("/api/cases?route=auto&limit=500").json()["cases"]
    assert found
    for summary in found[:5]:
        case = demo_client.get(f"/api/cases/{summary['id']}").json()
        section = next(d for d in case["decisions"] if d["target"] == "section")
        assert section["kind"] == "auto"
        assert section["label"] == firsts(case)["section"] == case["labels"]["section"]
        assert section["prediction_id"]
        assert section["why"]
        assert "routed" in [e["kind"] for e in case["events"]]


def test_a_case_like_one_before_is_shown_as_related_from_both_sides(client: TestClient) -> None:
    first = post_case(client, title="建设充电桩", body=CHARGING)
    second = post_case(client, title="建设充电桩", body=CHARGING + "盼尽快。")
    (relation,) = second["relations"]
    assert (relation["case_id"], relation["kind"]) == (first["id"], "duplicate")
    assert relation["shared_terms"]
    assert second["route"] == "review"
    assert "重复" in second["route_reason"]
    back = client.get(f"/api/cases/{first['id']}").json()["relations"]
    assert [r["case_id"] for r in back] == [second["id"]]


def test_the_same_session_and_number_is_the_same_case(client: TestClient, desk: Desk) -> None:
    first = client.post("/api/cases", json=PARKING)
    before = rows(desk)
    again = client.post("/api/cases", json=PARKING)
    assert again.status_code == 200
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["location"] == first.headers["location"]
    assert (again.json()["created"], again.json()["differs"]) == (False, False)
    spaced = client.post("/api/cases", json={**PARKING, "number": "第 081 号"})
    assert spaced.json()["id"] == first.json()["id"]
    other = client.post("/api/cases", json={**PARKING, "session": "云澜市六届人大六次会议"})
    assert other.status_code == 201
    assert rows(desk)["case"] == before["case"] + 1


def test_the_same_idempotency_key_is_the_same_case(client: TestClient, desk: Desk) -> None:
    sent = {"title": PARKING["title"], "body": PARKING["body"]}
    first = client.post("/api/cases", json=sent, headers={"Idempotency-Key": "oa-17"})
    again = client.post("/api/cases", json=sent, headers={"Idempotency-Key": "oa-17"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = client.post("/api/cases", json=sent, headers={"Idempotency-Key": "oa-18"})
    assert other.status_code == 201
    assert rows(desk)["case"] == 2


def test_without_number_and_key_the_content_tells_a_repeat(client: TestClient) -> None:
    sent = {"body": CHARGING}
    first, again = client.post("/api/cases", json=sent), client.post("/api/cases", json=sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_other_content_on_a_repeat_is_kept_in_an_event_once(client: TestClient) -> None:
    first = client.post("/api/cases", json=PARKING).json()
    changed = {**PARKING, "body": "改成:停车场应当免费。"}
    for _ in range(2):
        again = client.post("/api/cases", json=changed, headers={"X-Who": "OA"})
        assert again.status_code == 200
        assert again.json()["differs"] is True
    case = again.json()
    assert (case["id"], case["body"]) == (first["id"], PARKING["body"])
    (resent,) = [e for e in case["events"] if e["kind"] == "resent"]
    assert resent["detail"]["sent"]["body"] == changed["body"]
    assert resent["who"] == "OA"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of an office whose list is only read."""
    with office_at(tmp_path_factory.mktemp("mixed")) as (_, client):
        yield client


@pytest.fixture(scope="module")
def three(mixed: TestClient) -> dict[str, int]:
    """Three cases: one waiting, one assigned, one closed."""
    client = mixed
    waiting = post_case(client, **PARKING, received_on="2025-03-01")
    assigned = post_case(client, title="充电桩", body=CHARGING, deputy="王五", received_on="2026-02-01")
    closed = post_case(client, body="医院收费项目看不懂,请公示价格。", received_on="2026-12-31")
    decide(client, assigned["id"], {"section": "能源科"}, why="职责")
    decide(client, closed["id"], firsts(closed))
    client.post(f"/api/cases/{closed['id']}/close", json={"who": "李科员", "result_class": "A"})
    return {"waiting": waiting["id"], "assigned": assigned["id"], "closed": closed["id"]}


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, {"waiting", "assigned", "closed"}),
        ({"state": "in_review"}, {"waiting"}),
        ({"state": "assigned"}, {"assigned"}),
        ({"state": "closed"}, {"closed"}),
        ({"route": "auto"}, set()),
        ({"route": "review"}, {"waiting", "assigned", "closed"}),
        ({"section": "能源科"}, {"assigned"}),
        ({"state": "closed,assigned"}, {"assigned", "closed"}),
        ({"words": "停车场", "deputy": "王五"}, set()),
        ({"number": "081"}, {"waiting"}),
        ({"deputy": "王五", "received_from": "2026-01-01"}, {"assigned"}),
        ({"late_only": "true", "received_to": "1999-12-31"}, set()),
        ({"text": "停车场"}, {"waiting"}),
        ({"text": "第081号"}, {"waiting"}),
        ({"text": "王五"}, {"assigned"}),
        ({"text": "%"}, set()),
        ({"text": "_"}, set()),
        ({"year": 2025}, {"waiting"}),
        ({"year": 2026}, {"assigned", "closed"}),
        ({"year": 2026, "state": "closed", "text": "医院"}, {"closed"}),
    ],
)
def test_the_list_holds_what_each_filter_asks_for(
    mixed: TestClient, three: dict[str, int], query: dict[str, Any], wanted: set[str]
) -> None:
    page = mixed.get("/api/cases", params=query).json()
    assert {c["id"] for c in page["cases"]} == {three[w] for w in wanted}
    assert page["total"] == len(wanted)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"section": "没有这个科"}, "本单位没有“没有这个科”这个承办科室,可选:"),
        ({"topic": "没有"}, "这个主题"),
        ({"state": "done"}, "没有“done”这个状态"),
        ({"role": "旁观"}, "取值无效"),
        ({"late_only": "perhaps"}, "应为 true 或 false"),
        ({"due_from": "明天"}, "不是日期"),
        ({"due_from": "2026-02-02", "due_to": "2026-02-01"}, "晚于截止日"),
        ({"words": "\x00"}, "无法识别的字符"),
    ],
)
def test_a_filter_that_cannot_be_is_refused_in_words(
    mixed: TestClient, query: dict[str, Any], said: str
) -> None:
    response = mixed.get("/api/cases", params=query)
    assert response.status_code == 422
    assert said in response.json()["detail"]


def test_the_pages_of_the_list_hold_every_case_once(demo_client: TestClient) -> None:
    total = demo_client.get("/api/cases?limit=1").json()["total"]
    assert total > 200
    seen: list[int] = []
    for offset in range(0, total + 100, 100):
        page = demo_client.get(f"/api/cases?limit=100&offset={offset}").json()
        assert (page["total"], page["limit"], page["offset"]) == (total, 100, offset)
        seen += [c["id"] for c in page["cases"]]
    assert len(seen) == total
    assert seen == sorted(set(seen), reverse=True)


def test_confirming_the_recommendation_assigns_the_case(client: TestClient) -> None:
    case = post_case(client, **PARKING)
    first = firsts(case)["section"]
    response = decide(client, case["id"], {"section": first}, version=case["version"])
    assert response.status_code == 200
    after = response.json()
    assert after["state"] == "assigned"
    assert after["labels"] == {"section": first}
    assert after["version"] > case["version"]
    (decision,) = after["decisions"]
    assert (decision["kind"], decision["who"]) == ("confirm", "李科员")
    event, assigned = after["events"][-2:]
    assert (event["kind"], assigned["kind"]) == ("confirmed", "assigned")
    assert event["detail"]["recommended"] == first
    assert event["detail"]["model_version"] == case["predictions"][0]["model_version"]


def test_an_override_needs_a_reason_and_keeps_it(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    before = rows(desk)
    detail = check_problem(decide(client, case["id"], {"section": "能源科"}), 422)["detail"]
    assert "理由" in detail
    check_problem(decide(client, case["id"], {"section": "能源科"}, why="  "), 422)
    assert rows(desk) == before
    after = decide(client, case["id"], {"section": "能源科"}, why="充电设施归能源科").json()
    assert after["decisions"][-1]["kind"] == "override"
    event = after["events"][-2]
    assert event["kind"] == "overridden"
    assert event["detail"]["why"] == "充电设施归能源科"


def test_one_bad_label_among_several_leaves_all_undecided(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    before = rows(desk)
    labels = {"section": firsts(case)["section"], "topic": "不存在的主题"}
    check_problem(decide(client, case["id"], labels, why="x"), 422)
    assert rows(desk) == before
    assert client.get(f"/api/cases/{case['id']}").json()["version"] == case["version"]


def test_an_unknown_label_is_refused_with_the_choices(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    detail = check_problem(decide(client, case["id"], {"section": "火箭科"}, why="x"), 422)["detail"]
    assert "火箭科" in detail
    for label in desk.taxonomy.section:
        assert label.name in detail


def test_two_labels_for_one_target_in_one_request_are_refused(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    before = rows(desk)
    twice = [{"target": "section", "label": x} for x in ("能源科", "农村经济科")]
    sent = {"who": "李", "why": "x", "decisions": twice}
    check_problem(client.post(f"/api/cases/{case['id']}/decisions", json=sent), 422)
    assert rows(desk) == before


def test_a_stale_version_is_a_conflict_and_writes_nothing(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    first = firsts(case)
    assert decide(client, case["id"], {"section": first["section"]}, version=1).status_code == 200
    before = rows(desk)
    response = decide(client, case["id"], {"topic": first["topic"]}, version=1, who="王科员")
    found = check_problem(response, 409)
    assert found["type"] == "/problems/conflict"
    assert "李科员" in found["detail"]
    assert rows(desk) == before
    assert decide(client, case["id"], {"topic": first["topic"]}, version=2).status_code == 200


def test_a_second_person_without_a_version_does_not_overwrite_the_first(client: TestClient) -> None:
    case = post_case(client, **PARKING)
    first = firsts(case)
    assert decide(client, case["id"], {"section": first["section"]}).status_code == 200
    found = check_problem(
        decide(client, case["id"], {"section": "能源科"}, why="我看归能源", who="王科员"), 409
    )
    assert "李科员" in found["detail"]
    assert client.get(f"/api/cases/{case['id']}").json()["labels"]["section"] == first["section"]
    # another target is still free
    assert decide(client, case["id"], {"topic": first["topic"]}, who="王科员").status_code == 200


def test_a_case_is_closed_only_once_and_only_when_all_is_decided(client: TestClient, desk: Desk) -> None:
    case = post_case(client, **PARKING)
    close, sent = f"/api/cases/{case['id']}/close", {"who": "李科员", "result_class": "A"}
    before = rows(desk)
    detail = check_problem(client.post(close, json=sent), 409)["detail"]
    for name in ("承办科室", "主题", "办理类型"):
        assert name in detail
    assert rows(desk) == before
    assert decide(client, case["id"], firsts(case)).status_code == 200
    unknown = check_problem(client.post(close, json={**sent, "result_class": "Z"}), 422)["detail"]
    assert all(r.code in unknown for r in desk.taxonomy.result_classes)
    after = client.post(close, json={**sent, "reply_number": "云发改函〔2026〕12号"})
    assert after.status_code == 200
    whole = after.json()
    assert (whole["state"], whole["result_class"]) == ("closed", "A")
    assert whole["reply_number"] == "云发改函〔2026〕12号"
    assert whole["closed_on"]
    assert whole["events"][-1]["kind"] == "closed"
    check_problem(client.post(close, json=sent), 409)
    check_problem(decide(client, case["id"], {"section": "能源科"}, why="晚了"), 409)


def test_the_models_are_listed_with_what_serves(demo_client: TestClient, demo_desk: Desk) -> None:
    found = demo_client.get("/api/models").json()
    assert [m["target"] for m in found] == list(TARGETS)
    for model in found:
        assert model["serving"] == demo_desk.registry.champion(model["target"])
        assert model["problem"] == ""
        (version,) = model["versions"]
        assert version["version"] == model["serving"]
        assert version["data"]["examples"] == 240
        assert "cases" not in version["data"]


def test_the_service_says_that_it_lives_and_that_it_is_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["problems"] == {}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and operation of everything under /api."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path.startswith("/api"):
                yield method, path, operation


def examples(document: dict[str, Any], operation: dict[str, Any]) -> list[Any]:
    """The examples of an operation's request body."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    name = schema["$ref"].rsplit("/", 1)[-1]
    found: list[Any] = document["components"]["schemas"][name]["examples"]
    return found


def staged(client: TestClient, path: str, numbers: Iterator[int]) -> tuple[str, dict[int, int]]:
    """Real cases (and whatever an example is done to): its path, and real ids for its 12, 15, 31."""
    whole = client.get("/api/openapi.json").json()["components"]["schemas"]["SubmissionIn"]["examples"][0]
    cases = [post_case(client, **{**whole, "number": f"第{next(numbers)}号"}) for _ in range(3)]
    first, second, _ = ids = [case["id"] for case in cases]
    made = {"case_id": first}

    def act(what: str, /, **sent: Any) -> Any:
        response = client.post(f"/api/cases/{first}/{what}", json={"who": "李", **sent})
        assert response.status_code == 200, response.text
        return response.json()

    last = path.rsplit("/", 1)[-1]
    if last not in ("decisions", "triage", "cases", "merges", "dismiss", "holidays", "role"):
        decide(client, first, firsts(cases[0]), version=cases[0]["version"])
    if "merge_id" in path:
        sent = {"who": "李", "cases": [first, second], "lead": first}
        made["merge_id"] = client.post("/api/merges", json=sent).json()["merge"]["id"]
    if "commitment_id" in path:
        closed = act("close", result_class="A", commitments=[{"what": "年内建成"}])
        made["commitment_id"] = closed["commitments"][0]["id"]
    if "duty_id" in path:
        made["duty_id"] = act("duties", section="能源科")["handling"]["duties"][0]["id"]
    if "stage_id" in path:
        staged_case = act("stages", what="方案", due_on="2026-06-30")
        made["stage_id"] = staged_case["handling"]["stages"][0]["id"]
    if last == "strike":
        contacted = act("contacts", how="phone")
        made |= {"kind": "contacts", "entry_id": contacted["handling"]["contacts"][0]["id"]}
    if last == "corrections":
        act("close", result_class="A")
    if last in ("results", "feedback"):
        act("replies", number="文号")
    if last == "return-refused":
        act("return", why="试", proposed_unit="别处", consent="同意")
    if last == "unkey":
        act("key", why="试")
    return path.format(**made), dict(zip((12, 15, 31), ids, strict=True))


def with_ids(example: dict[str, Any], ids: dict[int, int]) -> dict[str, Any]:
    """The example with its made-up case ids replaced."""
    named = {k: ids[v] for k, v in example.items() if k in ("lead", "case_id", "other_id")}
    listed = {k: [ids[i] for i in v] for k, v in example.items() if k == "cases"}
    return {**example, **named, **listed}


def test_every_operation_is_summed_up_in_chinese(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    found = list(operations(document))
    assert {(m, p) for m, p, _ in found} >= {
        ("post", "/api/triage"),
        ("post", "/api/cases"),
        ("get", "/api/cases"),
        ("get", "/api/cases/{case_id}"),
        ("post", "/api/cases/{case_id}/decisions"),
        ("post", "/api/cases/{case_id}/close"),
        ("post", "/api/merges"),
        ("get", "/api/cases/{case_id}/related"),
        ("get", "/api/models"),
    }
    for _, path, operation in found:
        assert any("\u4e00" <= ch <= "\u9fff" for ch in operation["summary"]), path
    assert "http://" not in json.dumps(document)


def test_every_example_of_the_document_can_really_be_posted(client: TestClient) -> None:
    document = client.get("/api/openapi.json").json()
    posted, numbers = 0, itertools.count(900)
    for method, path, operation in operations(document):
        if "requestBody" not in operation:
            assert method == "get" or path.startswith("/api/batches/"), path
            continue
        if "multipart/form-data" in operation["requestBody"]["content"]:
            continue  # a file, see test_batches
        for example in examples(document, operation):
            real, ids = staged(client, path, numbers)
            sent = with_ids(example, ids)
            if "version" in example and "case_id" in path and path.count("/") == 4:
                sent["version"] = client.get(real.rsplit("/", 1)[0]).json()["version"]
            if "sha256" in sent:
                kept = client.post("/api/files", files={"file": ("a.txt", "标题:路灯\n正文:装灯。".encode())})
                sent["sha256"] = kept.json()["sha256"]
            response = client.post(real, json=sent)
            made = {"/api/cases": 201, "/api/merges": 201, "/api/batches": 202}.get(path, 200)
            assert response.status_code == made, response.text[:500]
            posted += 1
    assert posted >= 35
