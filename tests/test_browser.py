"""The pages in a real browser over the real service, with JavaScript and without."""

from __future__ import annotations

import itertools
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from browsing import SCRIPT, Open
from live_server import LiveServer
from playwright.sync_api import Page, expect

NUMBERS = itertools.count(901)


def undecided(server: LiveServer) -> dict[str, Any]:
    """A case of its own for one test, waiting: it came in before, so a person must look at it."""
    with server.client() as client:
        listed = client.get("/api/cases", params={"state": "in_review"}).json()["cases"]
        known = client.get(f"/api/cases/{listed[-1]['id']}").json()
        number = f"第{next(NUMBERS)}号"
        sent = {"title": f"{known['title']}({number})", "body": known["body"], "number": number}
        case: dict[str, Any] = client.post("/api/cases", json=sent).json()
    assert (case["created"], case["state"]) == (True, "in_review")
    return case


def in_ledger(server: LiveServer, case: dict[str, Any]) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.get(f"/api/cases/{case['id']}").json()
    return found


def choose(page: Page, target: str, label: str) -> None:
    """Choose a label as a person does: by clicking its words."""
    page.locator("label", has=page.locator(f'input[name="{target}"][value="{label}"]')).click()
    expect(page.locator(f'input[name="{target}"][value="{label}"]')).to_be_checked()


def submit(page: Page) -> None:
    page.locator(".decide").get_by_role("button", name=re.compile("认定")).click()


@pytest.mark.parametrize("script", SCRIPT)
def test_from_the_queue_to_a_recorded_decision(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    case = undecided(server)
    with person(script) as (page, watch):
        page.goto("/")
        expect(page).to_have_url(re.compile(r"/queue$"))
        expect(page.locator("h1")).to_contain_text("待认定")
        page.screenshot(path=tmp_path / "queue.png", full_page=True)

        page.get_by_role("link", name=case["title"], exact=True).click()
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(case["id"]))
        page.get_by_role("link", name="全部内容").click()
        expect(page).to_have_url(re.compile(rf"/cases/{case['id']}$"))
        expect(page.locator("h1")).to_have_text(case["title"])
        assert page.locator(".text mark[title]").count() > 0
        color = page.locator(".text mark[title]").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert color not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
        assert page.locator("fieldset").count() == 3
        assert page.locator("fieldset meter").count() == 9
        assert page.locator("fieldset .p").first.is_visible()
        page.screenshot(path=tmp_path / "case.png", full_page=True)

        first = case["predictions"][0]["ranked"][0]["label"]
        second = case["predictions"][0]["ranked"][1]["label"]
        choose(page, "section", second)
        choose(page, "section", first)
        submit(page)

        expect(page.get_by_role("status")).to_contain_text("已记入台账")
        expect(page).to_have_url(re.compile(rf"/cases/{case['id']}\?done=decided"))
        line = page.locator(".history li", has_text="确认推荐").filter(has_text="值班员").first
        expect(line).to_contain_text(f"承办科室:{first}")
        expect(page.locator(".status .state")).to_contain_text("已分办")
        page.screenshot(path=tmp_path / "decided.png", full_page=True)
        watch.check()
    after = in_ledger(server, case)
    assert after["state"] == "assigned"
    assert after["labels"]["section"] == first
    assert {d["who"] for d in after["decisions"] if d["kind"] != "auto"} == {"值班员"}
    assert all((tmp_path / f"{name}.png").stat().st_size > 5_000 for name in ("queue", "case", "decided"))


@pytest.mark.parametrize("script", SCRIPT)
def test_an_override_without_a_reason_says_so_and_keeps_what_was_typed(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    case = undecided(server)
    other = case["predictions"][0]["ranked"][1]["label"]
    with person(script) as (page, watch):
        page.goto(f"/cases/{case['id']}")
        choose(page, "section", other)
        submit(page)

        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("理由")
        expect(alert).to_contain_text(other)
        expect(page.locator(f'input[name="section"][value="{other}"]')).to_be_checked()
        page.screenshot(path=tmp_path / "refused.png", full_page=True)
        assert in_ledger(server, case)["version"] == 1

        page.locator(".decide").get_by_label("理由").fill("按职责应归此科")
        submit(page)
        expect(page.get_by_role("status")).to_contain_text("已记入台账")
        line = page.locator(".history li", has_text="改判")
        expect(line).to_contain_text("值班员")
        expect(line).to_contain_text("按职责应归此科")
        watch.check(422)
    assert in_ledger(server, case)["labels"]["section"] == other


@pytest.mark.parametrize("script", SCRIPT)
def test_two_people_with_one_case_open_cannot_overwrite_each_other(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    case = undecided(server)
    first, other = (x["label"] for x in case["predictions"][0]["ranked"][:2])
    with person(script) as (early, early_watch), person(script) as (late, late_watch):
        early.goto(f"/cases/{case['id']}")
        late.goto(f"/cases/{case['id']}")
        submit(early)
        expect(early.get_by_role("status")).to_contain_text("已记入台账")

        choose(late, "section", other)
        late.locator(".decide").get_by_label("理由").fill("我看归这里")
        submit(late)
        alert = late.get_by_role("alert")
        expect(alert).to_contain_text("已有人改动过本件")
        expect(alert).to_contain_text("值班员")
        expect(late.locator(".decide").get_by_label("理由").first).to_have_value("我看归这里")
        late.screenshot(path=tmp_path / "conflict.png", full_page=True)
        early_watch.check()
        late_watch.check(409)
    assert in_ledger(server, case)["labels"]["section"] == first


@pytest.mark.parametrize("script", SCRIPT)
def test_a_handlers_days_from_accepting_to_closing(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    case = undecided(server)
    with person(script) as (page, watch):
        page.goto(f"/cases/{case['id']}")
        assert page.get_by_role("button", name="办结").count() == 0
        submit(page)
        following, state = page.locator("#next"), page.locator(".status .state")

        following.get_by_label("承办人").fill("周经办")
        following.get_by_role("button", name="签收").click()
        expect(state).to_have_text("已签收")
        expect(page.locator(".status")).to_contain_text("周经办")

        following.get_by_label("联系方式").select_option("meeting")
        following.get_by_label("代表", exact=True).fill("赵一")
        following.get_by_label("联系内容").fill("面商办理方案")
        following.get_by_role("button", name="联系代表").click()
        expect(page.locator("#handling .entries")).to_contain_text(["面商办理方案"])
        page.screenshot(path=tmp_path / "accepted.png", full_page=True)

        following.get_by_text("开始办理").first.click()
        following.get_by_role("button", name="开始办理").click()
        expect(state).to_have_text("办理中")
        following.get_by_label("答复文号").fill(f"函{case['id']}号")
        following.get_by_label("答复日期").fill("2999-01-01")
        following.get_by_role("button", name="答复").click()
        expect(page.get_by_role("alert")).to_contain_text("还没有到")
        expect(following.get_by_label("答复文号")).to_have_value(f"函{case['id']}号")
        following.get_by_label("答复日期").fill(date.today().isoformat())
        following.get_by_role("button", name="答复").click()
        expect(state).to_have_text("已答复")

        following.get_by_text("办结销号").first.click()
        following.locator("details[open]").get_by_label("办理结果").select_option("A")
        following.get_by_role("button", name="办结销号").click()
        expect(page.get_by_role("status")).to_contain_text("已办结销号")
        expect(page.locator(".history li").last).to_contain_text(f"函{case['id']}号")
        assert page.locator('input[name="section"]').first.is_disabled()
        watch.check(422)
    found = in_ledger(server, case)
    assert (found["state"], found["result_class"]) == ("closed", "A")
    assert {e["who"] for e in found["events"] if e["kind"] in ("accepted", "contacted", "replied")} == {
        "值班员"
    }


@pytest.mark.parametrize("script", SCRIPT)
def test_two_alike_are_merged_where_they_stand_side_by_side(
    server: LiveServer, person: Open, script: bool
) -> None:
    case = undecided(server)
    with person(script) as (page, watch):
        page.goto(f"/cases/{case['id']}")
        page.locator("#related").get_by_role("link", name="对照").first.click()
        expect(page.locator("h2").first).to_contain_text("对照")
        assert page.locator("mark.shared").count() > 1
        color = page.locator(".body mark.shared").first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert color not in ("rgba(0, 0, 0, 0)", "rgb(255, 255, 255)")
        page.get_by_text("两件并案办理").click()
        page.get_by_label("并案名称").fill("长" * 200)
        page.get_by_label("主件").select_option(str(case["id"]))
        page.get_by_role("button", name="并案办理").click()
        expect(page.get_by_role("status")).to_contain_text("已并案办理")
        expect(page.locator(".together tbody tr")).to_have_count(2)
        watch.check()
    merge = in_ledger(server, case)["merge"]
    assert (merge["lead"], len(merge["members"])) == (case["id"], 2)
    with server.client() as client:  # the other cases of this office are as they were
        sent = {"who": "李", "why": "试过了", "version": merge["version"]}
        assert client.post(f"/api/merges/{merge['id']}/unmerge", json=sent).status_code == 200


@pytest.mark.parametrize("script", SCRIPT)
def test_three_alike_are_merged_on_the_page_of_one(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    case = undecided(server)  # the same text as one that came in before
    number, session = f"第{next(NUMBERS)}号", f"另一届次{script}"
    with server.client() as client:
        sent = {"title": case["title"], "body": case["body"], "number": number, "session": session}
        third = client.post("/api/cases", json=sent).json()
    with person(script) as (page, watch):
        page.goto(f"/cases/{case['id']}")
        form = page.locator(".together")
        expect(form).to_contain_text(number)
        for box in form.get_by_role("checkbox").all():  # whatever other tests sent in alike stays out
            if box.is_enabled() and box.get_attribute("value") != str(third["id"]):
                box.uncheck()
        earlier = form.get_by_role("checkbox").first
        earlier.check()
        form.locator(f'input[name="lead"][value="{third["id"]}"]').check()
        form.get_by_label("并案名称").fill("三件合办")
        form.get_by_label("理由").fill("同一事项")
        form.get_by_role("button", name="并案办理").click()
        expect(page.get_by_role("status")).to_contain_text("已并案办理")
        expect(form.locator("h2")).to_have_text("并案“三件合办”")
        expect(form.locator("tbody tr")).to_have_count(3)
        expect(form.locator("tbody tr").first).to_contain_text(number)
        expect(page.locator(".history li").last).to_contain_text("同一事项")
        page.screenshot(path=tmp_path / "merged.png", full_page=True)

        form.get_by_text("解除并案").first.click()
        part = form.locator("details[open]")
        part.get_by_label("理由").fill("试过了")
        part.get_by_role("button", name="解除并案").click()
        expect(page.get_by_role("status")).to_contain_text("已解除并案")
        page.get_by_role("link", name="热点与并案").click()
        expect(page.locator("h1")).to_have_text("热点与并案")
        watch.check()
    found = [in_ledger(server, c) for c in (case, third)]
    assert [c["merge"] for c in found] == [None, None]
    assert [e["kind"] for e in found[0]["events"]][-2:] == ["merged", "unmerged"]


def test_a_deputys_script_does_not_run(server: LiveServer, person: Open) -> None:
    body = '停车场收费<script>document.title="坏了"</script><img src=x onerror="document.title=1">太乱'
    with server.client() as client:
        case = client.post("/api/cases", json={"title": body, "body": body}).json()
    with person(True) as (page, watch):
        for address in ("/queue", f"/cases/{case['id']}"):
            page.goto(address)
            assert "建议提案分办" in page.title() or "停车场收费" in page.title()
            assert page.locator("main img").count() == 0
        expect(page.locator(".body")).to_have_text(body)
        watch.check()


def test_the_page_fits_a_narrow_window(server: LiveServer, person: Open, tmp_path: Path) -> None:
    case = undecided(server)
    with person(True) as (page, watch):
        page.set_viewport_size({"width": 400, "height": 800})
        page.goto(f"/cases/{case['id']}")
        wide = page.evaluate("document.documentElement.scrollWidth")
        page.screenshot(path=tmp_path / "narrow.png", full_page=True)
        assert wide <= 400
        watch.check()
