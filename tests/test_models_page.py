"""The models' pages: what serves, how good it is, what it confused, and letting another version serve."""

from __future__ import annotations

import re

import pytest
from browsing import SCRIPT, Open
from entry import PERSON, sign_in
from fastapi.testclient import TestClient
from live_server import LiveServer
from playwright.sync_api import expect
from sqlalchemy import select

from service.command import main
from triage.desk import Desk
from triage.ledger.keys import digest
from triage.ledger.tables import EventRow


def another_version(desk: Desk, target: str = "handling") -> tuple[str, str]:
    """Train once more on other cases; the version that serves and the one that does not."""
    serving = desk.registry.champion(target)
    assert serving is not None
    model, manifest = desk.registry.load(target, serving), desk.registry.manifest(target, serving)
    model.state["seed"] = 1  # so that the file is another one
    made = desk.registry.save(model, data=manifest.data, metrics=manifest.metrics)
    return serving, made.version


def events(desk: Desk, kind: str) -> list[EventRow]:
    with desk.ledger.read() as session:
        return list(session.scalars(select(EventRow).where(EventRow.kind == kind).order_by(EventRow.id)))


def test_each_figure_stands_with_what_it_was_measured_on(demo_client: TestClient, demo_desk: Desk) -> None:
    page = demo_client.get("/models").text
    for target in ("section", "topic", "handling"):
        metrics = demo_desk.registry.versions(target)[0].metrics
        assert f"留出最近的 {metrics['held_out']} 件({metrics['from']} 至 {metrics['to']})" in page
        assert f"{metrics['challenger']['accuracy']:.0%}" in page
    assert page.count("95% 区间") >= 6


def test_a_version_is_promoted_after_a_page_that_says_what_changes_and_is_rolled_back(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    serving, other = another_version(demo_desk)
    page = demo_client.get(f"/models/handling/versions/{other}").text
    assert f"由 <b>{serving}</b> 改为 <b>{other}</b>" in page
    done = demo_client.post(f"/models/handling/versions/{other}/promote", data={"why": "试用新版"})
    assert "已启用" in done.text
    assert demo_desk.champions.models()["handling"].version == other
    promoted = events(demo_desk, "model_promoted")[-1]
    assert (promoted.who, promoted.detail["why"], promoted.detail["previous"]) == (
        PERSON,
        "试用新版",
        serving,
    )
    page = demo_client.get(f"/models/handling/versions/{other}").text
    assert f"退回 {serving}" in page
    assert "已退回上一版" in demo_client.post("/models/handling/rollback", data={}).text
    assert demo_desk.champions.models()["handling"].version == serving
    assert events(demo_desk, "model_rolled_back")[-1].who == PERSON


def test_a_version_that_does_not_pass_its_check_is_refused_and_the_other_serves_on(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    serving, other = another_version(demo_desk)
    (demo_desk.registry.root / "handling" / other / "model.joblib").write_bytes(b"broken")
    before = len(events(demo_desk, "model_promoted"))
    refused = demo_client.post(f"/models/handling/versions/{other}/promote", data={})
    assert refused.status_code == 409
    assert "校验值不符" in refused.text
    assert demo_desk.registry.champion("handling") == serving
    assert len(events(demo_desk, "model_promoted")) == before


@pytest.mark.parametrize(
    "path",
    ["/models/shoes", "/models/section/versions/20990101-000000-abcdef", "/models/section/versions/..%2f.."],
)
def test_what_is_not_there_is_named(demo_client: TestClient, path: str) -> None:
    assert demo_client.get(path).status_code == 404


def test_an_override_shows_among_the_confusions_with_its_case(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    case = demo_client.get("/api/cases", params={"state": "in_review"}).json()["cases"][0]
    whole = demo_client.get(f"/api/cases/{case['id']}").json()
    first = next(p for p in whole["predictions"] if p["target"] == "section")["ranked"][0]["label"]
    other = "能源科" if first != "能源科" else "价格收费管理科"
    sent = {"who": "李", "why": "属其职责", "decisions": [{"target": "section", "label": other}]}
    demo_client.post(f"/api/cases/{case['id']}/decisions", json=sent)
    page = demo_client.get("/models/section").text
    row = re.search(rf"<tr><td><b>{other}</b></td><td>{first}</td>.*?</tr>", page, re.DOTALL)
    assert row is not None
    assert f'href="/cases/{case["id"]}"' in row[0]
    assert "没有认错的件" in demo_client.get("/models/section", params={"year": 1999}).text or (
        "还没有人认定过的件" in demo_client.get("/models/section", params={"year": 1999}).text
    )


def test_who_may_not_change_models_sees_no_button(demo_client: TestClient, demo_desk: Desk) -> None:
    _, other = another_version(demo_desk)
    key = sign_in(demo_desk.ledger, "某领导", ["leader"])
    demo_client.cookies.clear()
    headers = {"cookie": f"triage={key}", "x-csrf-token": digest(f"csrf:{key}")}
    page = demo_client.get(f"/models/handling/versions/{other}", headers=headers)
    assert page.status_code == 200
    assert "<button>启用" not in page.text
    assert demo_client.post(f"/models/handling/versions/{other}/promote", headers=headers).status_code == 403


def test_the_command_line_shows_accuracy_with_what_it_was_measured_on(
    demo_desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(demo_desk.settings.home), "models"]) == 0
    assert re.search(r"留出 \d+ 件:准确率 \d+%,前三命中 \d+%", capsys.readouterr().out)


@pytest.mark.parametrize("script", SCRIPT)
def test_a_version_is_looked_at_in_the_browser(server: LiveServer, person: Open, script: bool) -> None:
    with person(script) as (page, watch):
        page.goto("/models")
        page.locator(".versions a").first.click()
        expect(page.locator("h1")).to_contain_text("承办科室")
        page.go_back()
        page.get_by_role("link", name="认错的件").first.click()
        expect(page.locator("h1")).to_contain_text("推荐与人的认定")
        watch.check()


def test_a_version_that_the_gate_kept_back_serves_for_a_reason_only(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    serving = demo_desk.champions.models()["handling"]
    kept = demo_desk.registry.save(
        serving, data={"examples": 12}, metrics={"promote": False, "reason": "样例太少", "held_out": 0}
    ).version
    page = demo_client.get(f"/models/handling/versions/{kept}").text
    assert "没有自动启用:样例太少" in page
    address = f"/models/handling/versions/{kept}/promote"
    refused = demo_client.post(address, data={"why": " "})
    assert refused.status_code == 422
    assert "要启用请写明理由" in refused.text
    assert demo_desk.registry.champion("handling") != kept
    assert demo_client.post(address, data={"why": "局长同意"}, follow_redirects=False).status_code == 303
    assert demo_desk.registry.champion("handling") == kept
    assert events(demo_desk, "model_promoted")[-1].detail["why"] == "局长同意"
