"""A drawn case on every page, in the API and on the command line: nothing tells what the models said."""

from __future__ import annotations

import random
import re
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from arrivals import arrive
from browsing import Open
from entry import sign_in
from fastapi.testclient import TestClient
from live_server import LiveServer
from playwright.sync_api import expect
from scipy.stats import binom

from service.command import main
from service.intake_view import told_of
from service.ledger_rows import ledger_lines
from service.queue_view import queue_rows
from training.gold import read_gold
from triage.desk import Desk
from triage.ledger.audits import add_audit
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import ROUTER, decide
from triage.ledger.keys import digest
from triage.ledger.predictions import add_prediction
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.ledger.verify import verify_ledger
from triage.prediction import Evidence, EvidenceWord, NearCase, Prediction

SCRIPT = {"accept": "application/json"}
SECTION, OTHER = "价格收费管理科", "体制改革科"
TITLE, BODY = "关于露天堆放沙石的建议", "河边长年露天堆放沙石,一刮风满街都是灰。"
SAID = {"section": SECTION, "topic": "价格收费", "handling": "立即办理"}


def sure(desk: Desk, said: dict[str, str] = SAID, probability: float = 0.8642) -> dict[str, Prediction]:
    """What a model that is sure would say, with telling evidence."""
    evidence = Evidence(
        words=(EvidenceWord("露天堆放", 2.0),), nearest=(NearCase("77", "关于码头扬尘的提案", SECTION, 0.9),)
    )
    found = {}
    for target, label in said.items():
        others = [x.name for x in desk.taxonomy.labels(target) if x.name != label]
        rest = (1 - probability) / len(others)
        ranked = ((label, probability), *((name, rest) for name in others))
        found[target] = Prediction(target, ranked, evidence, "仅凭职责", True, "把握 86%")
    return found


def take(desk: Desk, n: int = 1, *, lot: float = 0.0, body: str = BODY, title: str = TITLE) -> int:
    """A case of which the models are sure; ``lot`` decides whether it is drawn."""
    desk.settings = replace(desk.settings, audit_share=0.5)
    desk.draw = lambda: lot
    sent = desk.check(Submission(title=title, body=body, number=f"第{n}号", received_on=date(2026, 3, 2)))
    advice = replace(desk.advise([sent])[0], predictions=sure(desk), flags=())
    return desk.take_in(sent, who="收件员", advice=advice).case_id


def load(desk: Desk, case_id: int) -> CaseRow:
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        session.refresh(case, ["decisions", "predictions", "events", "audit"])
        return case


def test_what_is_drawn_is_decided_by_nobody_and_the_rest_as_before(desk: Desk) -> None:
    case = load(desk, take(desk, 1, lot=0.49))
    assert (case.state, case.route, case.route_reason) == ("in_review", "review", "抽查:请独立认定")
    assert (case.decisions, case.certainty, case.section) == ([], None, None)
    assert {e.kind for e in case.events} == {"received", "drawn", "queued"}
    assert case.audit is not None
    assert (case.audit.share, case.audit.promise) == (0.5, 0.95)
    case = load(desk, take(desk, 2, lot=0.5, title="殡葬", body="殡葬服务收费太贵。"))
    assert (case.state, case.section, case.audit) == ("assigned", SECTION, None)
    with desk.ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_the_share_is_drawn_and_a_case_that_waits_anyway_never(desk: Desk) -> None:
    lot = random.Random(8).random
    desk.settings = replace(desk.settings, audit_share=0.3)
    desk.draw = lot
    drawn, hands = 0, "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
    for n in range(60):
        body = "".join(random.Random(n).choices(hands, k=40))
        sent = desk.check(Submission(title=body[:8], body=body, number=f"第{n}号"))
        advice = replace(desk.advise([sent])[0], predictions=sure(desk), flags=())
        drawn += load(desk, desk.take_in(sent, who="收件员", advice=advice).case_id).audit is not None
    assert binom.ppf(0.0005, 60, 0.3) <= drawn <= binom.ppf(0.9995, 60, 0.3)
    desk.settings = replace(desk.settings, audit_share=1.0)
    sent = desk.check(Submission(title="不定", body="说不清楚的一件事。", number="第99号"))
    unsure = {t: replace(p, auto=False) for t, p in sure(desk).items()}
    case = load(
        desk,
        desk.take_in(sent, who="收件员", advice=replace(desk.advise([sent])[0], predictions=unsure)).case_id,
    )
    assert case.audit is None


def test_no_page_and_no_list_tells_what_the_models_said(
    desk: Desk, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id = take(desk)
    pages = {
        path: client.get(path).text
        for path in (
            *("/queue", "/queue?why=drawn", f"/queue/cases/{case_id}", "/ledger", "/intake"),
            *(f"/cases/{case_id}", f"/cases/{case_id}/print", "/models/audit", "/models/section", "/year"),
            *(f"/api/cases/{case_id}", "/api/cases", "/api/ledger.csv", "/api/changes", "/api/audit"),
        )
    }
    for argv in (["show", case_id], ["list"], ["show", case_id, "--json"], ["list", "--json"]):
        capsys.readouterr()
        assert main(["--home", str(desk.settings.home), *map(str, argv)]) == 0
        pages[" ".join(map(str, argv))] = capsys.readouterr().out
    for path, page in pages.items():
        if path not in ("/models/audit", "/models/section", "/year", "/intake", "/api/changes", "/api/audit"):
            assert TITLE in page, path
        # where all sections are listed, the one that was meant is listed as often as any other
        assert page.count(SECTION) == page.count(OTHER), path
        for told in ("86%", "0.86", "<mark", "<meter", "码头扬尘", "仅凭职责推荐", "依据:"):
            assert told not in page.replace("标出的词是模型的依据:", ""), (path, told)
    pane = pages[f"/queue/cases/{case_id}"]
    assert " checked" not in pane
    assert re.findall(r'name="section" value="([^"]+)"', pane) == [
        x.name for x in desk.taxonomy.section if x.active
    ]
    assert 'data-first=""' in pane
    assert "抽查" in pages["/queue?why=drawn"]
    assert "shown" not in re.findall(r'name="(\w+)"', pages["/queue"])  # it cannot be ticked
    assert TITLE not in client.get(f"/queue?section={SECTION}").text
    assert TITLE not in client.get("/queue?why=unsure").text
    told = client.get(f"/api/cases/{case_id}").json()
    assert (told["drawn"], told["blind"], told["predictions"], told["decisions"]) == (True, True, [], [])
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        assert told_of(case, session)["predictions"] == {}
        (line,) = ledger_lines([case_id], session=session, taxonomy=desk.taxonomy, today=date.today())
        assert line.proposed == {}
        (row,) = queue_rows([case], session=session)
        assert (row.cells, row.blind, row.whys) == ({}, True, [("drawn", "抽查:请独立认定")])


def test_a_blind_case_is_not_confirmed_with_others_nor_on_closing(desk: Desk, client: TestClient) -> None:
    case_id = take(desk)
    version = load(desk, case_id).version
    shown = f"{case_id}:{version}:{SECTION}|价格收费|立即办理"
    assert "抽查的件要打开来独立认定" in client.post("/queue/confirm", data={"shown": [shown]}).text
    sent = ["close", case_id, "--result", "A", "--reply", "函1", "--who", "李", "--confirm"]
    assert main(["--home", str(desk.settings.home), *map(str, sent)]) == 1
    assert load(desk, case_id).decisions == []


def test_who_decides_blind_needs_no_reason_and_is_told_afterwards(desk: Desk, client: TestClient) -> None:
    first, second = take(desk, 1), take(desk, 2, title="殡葬", body="殡葬服务收费太贵。")
    chosen = {"section": OTHER, "topic": "价格收费", "handling": "立即办理", "why": ""}
    sent = {**chosen, "version": load(desk, first).version}
    told = client.post(f"/queue/cases/{first}/decisions", data=sent, headers=SCRIPT).json()
    assert told["audit"] == f"抽查的件,模型当时认定为{SECTION}(86%)"
    assert {d.target: d.kind for d in load(desk, first).decisions}["section"] == "override"
    page = client.get(f"/cases/{first}").text
    assert page.count(SECTION) > page.count("区域合作科")
    sent = {**chosen, "section": SECTION, "version": load(desk, second).version}
    page = client.post(f"/queue/cases/{second}/decisions", data=sent).text  # without script
    assert f"模型当时认定为{SECTION}" in page
    assert load(desk, second).certainty == 0.8642
    undo = {"version": load(desk, second).version}
    page = client.post(f"/queue/cases/{second}/undo", data=undo).text
    assert "认定过,又回到了这里" in page
    figures = client.get("/api/audit?year=2026").json()
    assert (figures["total"]["drawn"], figures["total"]["judged"], figures["total"]["right"]) == (2, 2, 1)
    assert [(f["name"], f["precision"]) for f in figures["sections"]] == [(SECTION, 0.5)]
    assert client.get("/api/audit?year=2025").json()["total"]["drawn"] == 0
    assert client.get("/api/audit?year=2026&target=topic").json()["total"]["right"] == 2


def test_gold_from_the_sample_is_known_as_such(desk: Desk) -> None:
    confirmed, changed = take(desk, 1), take(desk, 2, title="殡葬", body="殡葬服务收费太贵。")
    for case_id, section in ((confirmed, SECTION), (changed, OTHER)):
        with desk.ledger.write() as session:
            decide(case_id, {**SAID, "section": section}, who="李", session=session, taxonomy=desk.taxonomy)
            close_case(
                case_id,
                result_class="A",
                reply_number=f"函{case_id}",
                who="李",
                session=session,
                taxonomy=desk.taxonomy,
            )
    with desk.ledger.read() as session:
        earned = {g.example.case: g.earned for g in read_gold("section", session=session).examples}
    assert earned == {str(confirmed): "audited", str(changed): "overridden"}


def stop(desk: Desk) -> int:
    """Two of two wrong: the section's automatic routing stops."""
    for n, (title, body) in enumerate((("路灯", "巷子里路灯不亮。"), ("河道", "河道里淤泥很深。")), 1):
        case_id = take(desk, n, title=title, body=body)
        with desk.ledger.write() as session:
            decide(case_id, {"section": OTHER}, who="李", session=session, taxonomy=desk.taxonomy)
    with desk.ledger.read() as session:
        (row,) = desk.stops(session)
        return row.id


def test_a_stopped_section_waits_for_people_until_somebody_lets_it_go_on(
    desk: Desk, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_id = stop(desk)
    case = load(desk, take(desk, 7, lot=0.9))
    assert (case.state, case.audit) == ("in_review", None)
    why = "抽查 2 件中 2 件不对,最多 84.1% 正确,低于承诺的 95%"
    assert f"承办科室:“{SECTION}”的自动认定已停:{why}" in case.route_reason
    assert {d.target for d in case.decisions} == {"topic", "handling"}  # they are right as often as promised
    for path in ("/models", "/models/audit", "/queue"):
        assert f"{SECTION}”的自动认定已停:{why}" in client.get(path).text, path
    (told,) = client.get("/api/audit").json()["stops"]
    assert (told["id"], told["label"], told["binding"]) == (stop_id, SECTION, True)
    assert main(["--home", str(desk.settings.home), "models"]) == 0
    said = capsys.readouterr().out.replace("\n", "")
    assert f"“{SECTION}”的自动认定已停:{why}" in said
    address = f"/models/audit/stops/{stop_id}/resume"
    refused = client.post(address, data={"why": " "})
    assert (refused.status_code, "请写明理由" in refused.text) == (422, True)
    assert "已恢复自动认定" in client.post(address, data={"why": "两件都是老办法"}).text
    again = client.post(address, data={"why": "两件都是老办法"})
    assert (again.status_code, "已由" in again.text) == (409, True)
    assert load(desk, take(desk, 8, lot=0.9, title="价", body="物业服务收费不透明。")).state == "assigned"
    assert client.get("/api/audit").json()["stops"][0]["binding"] is False
    assert "两件都是老办法" in client.get("/models/audit").text


def test_only_who_may_change_models_sees_the_form(desk: Desk, client: TestClient) -> None:
    stop_id = stop(desk)
    address = f"/models/audit/stops/{stop_id}/resume"
    assert address in client.get("/models/audit").text
    key = sign_in(desk.ledger, "查阅员", ["reader"])
    client.cookies.set("triage", key)
    client.headers["x-csrf-token"] = digest(f"csrf:{key}")
    assert address not in client.get("/models/audit").text
    assert client.post(address, data={"why": "试试"}).status_code == 403


def test_enter_writes_nothing_that_was_not_chosen(server: LiveServer, person: Open) -> None:
    with closing(server.ledger()) as ledger, ledger.write() as session:
        case = arrive(Submission(title=TITLE, body=BODY, number="抽1"), session=session)
        case_id = case.id
        for target, label in SAID.items():
            ranked = ((label, 0.8642), ("其他", 0.1358))
            add_prediction(case, Prediction(target, ranked, Evidence(), "版", True, ""), session=session)
        add_audit(case, share=0.1, promise=0.95, who=ROUTER, session=session)
    with person(True) as (page, watch):
        page.goto(f"/queue?why=drawn&case={case_id}")
        for keys, asks in (
            (("Enter", "Enter", "Enter"), "独立认定承办科室"),  # nothing typed, nothing taken
            (("t", "z"), "独立认定主题"),
            (("s", "h"), "独立认定办理类型"),
        ):
            for key in keys:
                page.keyboard.press(key)
            expect(page.locator(".chooser p")).to_contain_text(asks)
        page.keyboard.type("lj")
        expect(page.locator(f'#rows li[data-case="{case_id}"] .state-line')).to_contain_text(
            f"模型当时认定为{SECTION}(86%)"
        )
        watch.check()
    with closing(server.ledger()) as ledger, ledger.read() as session:
        case = get_case(case_id, session=session)
        assert {d.target: (d.label, d.kind, d.why) for d in case.decisions} == {
            "section": (OTHER, "override", ""),
            "topic": ("社会民生", "override", ""),
            "handling": ("立即办理", "confirm", ""),
        }
