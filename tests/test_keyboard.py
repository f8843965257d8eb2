"""Thirty cases reviewed by keyboard alone in a real browser: few keys, nothing lost, nothing jumps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from browsing import SCRIPT, Open
from live_server import LiveServer
from playwright.sync_api import Page, Route, expect

from service.queue_view import REASONS, initials

CASES = 30
MOST_CONFIRM, MOST_OVERRIDE = 2, 5


@dataclass(frozen=True)
class Reviewed:
    """A case that was decided by keyboard: with how many keys, as what, and how long to the next one."""

    case: int
    keys: int
    section: str
    overridden: bool
    ms: float


def fill_queue(server: LiveServer, wanted: int) -> None:
    """Hand in cases until so many wait: the same again under other numbers, so that a person must look."""
    with server.client() as client:
        waiting = client.get("/api/cases", params={"state": "in_review", "limit": 200}).json()
        known = [client.get(f"/api/cases/{c['id']}").json() for c in waiting["cases"]]
        for n in range(max(0, wanted - waiting["total"])):
            like = known[n % len(known)]
            sent = {"title": like["title"], "body": f"{like['body']}第{n}次反映。", "number": f"键{n}"}
            client.post("/api/cases", json=sent)


# until the next case is painted: its title is another one and two frames have gone by
WATCH = """() => {
  window.times = [];
  addEventListener("keydown", (event) => {
    const before = document.querySelector("#pane article")?.dataset.case;
    const began = performance.now();
    const look = () => {
      const now = document.querySelector("#pane article")?.dataset.case;
      if (now !== before) requestAnimationFrame(() => window.times.push(performance.now() - began));
      else if (performance.now() - began < 3000) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, true);
}"""


def review(page: Page, how_many: int) -> list[Reviewed]:
    """Confirm two of three, override the third: by keys only."""
    page.evaluate(WATCH)
    found = []
    for n in range(how_many):
        article = page.locator("#pane article")
        case = int(article.get_attribute("data-case") or 0)
        first = page.locator('#pane input[name="section"]:checked').get_attribute("value") or ""
        other = next(
            str(option.get_attribute("value"))
            for option in page.locator('#pane fieldset[data-target="section"] .others input').all()
            if option.get_attribute("value") != first
        )
        keys = ["Enter"] if n % 3 else ["c", *letters_of(page, other), "1"]
        for key in keys:
            page.keyboard.press(key)
        expect(article).not_to_have_attribute("data-case", str(case))
        page.wait_for_function("n => window.times.length > n", arg=n)
        found.append(
            Reviewed(
                case=case,
                keys=len(keys),
                section=first if n % 3 else other,
                overridden=n % 3 == 0,
                ms=page.evaluate("window.times.at(-1)"),
            )
        )
    return found


def letters_of(page: Page, section: str) -> list[str]:
    """The initials that a person types: two, or with Enter where they are still several sections'."""
    names = [
        str(option.get_attribute("value"))
        for option in page.locator('#pane fieldset[data-target="section"] .choice input').all()
        + page.locator('#pane fieldset[data-target="section"] .others input').all()
    ]
    typed = initials(section)[:2]
    starting = [name for name in names if initials(name).startswith(typed)]
    return list(typed) if len(starting) == 1 else [*typed, "Enter"]


def queue_of(page: Page) -> list[str]:
    return [str(row.get_attribute("data-case")) for row in page.locator("#rows > li").all()]


def test_thirty_cases_by_keyboard_are_written_as_shown(server: LiveServer, person: Open) -> None:
    fill_queue(server, CASES + 5)
    with person(True) as (page, watch):
        page.goto("/queue")
        before = queue_of(page)
        reviewed = review(page, CASES)
        expect(page.locator('#rows > li[data-is="written"]')).to_have_count(CASES)
        assert queue_of(page) == before  # nothing moved under one's hand
        watch.check()
    assert max(r.keys for r in reviewed if not r.overridden) <= MOST_CONFIRM
    assert max(r.keys for r in reviewed if r.overridden) <= MOST_OVERRIDE
    with server.client() as client:
        for told in reviewed:
            case: dict[str, Any] = client.get(f"/api/cases/{told.case}").json()
            (decision,) = [d for d in case["decisions"] if d["target"] == "section"]
            assert decision["label"] == told.section
            assert decision["kind"] == ("override" if told.overridden else "confirm")
            assert decision["why"] == (REASONS[0] if told.overridden else "")
            assert case["state"] == "assigned"


def test_an_undo_puts_the_case_back_where_it_was(server: LiveServer, person: Open) -> None:
    fill_queue(server, 3)
    with person(True) as (page, watch):
        page.goto("/queue")
        case = page.locator("#pane article").get_attribute("data-case")
        page.keyboard.press("Enter")
        expect(page.locator(f'#rows li[data-case="{case}"]')).to_have_attribute("data-is", "written")
        page.keyboard.press("u")
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(case))
        expect(page.locator("#pane form.settle .primary")).to_be_visible()
        watch.check()
    with server.client() as client:
        events = client.get(f"/api/cases/{case}").json()["events"]
        assert events[-1]["kind"] == "withdrawn"


def test_what_somebody_else_decided_meanwhile_is_told_and_nothing_is_lost(
    server: LiveServer, person: Open
) -> None:
    fill_queue(server, 3)
    with person(True) as (page, watch):
        page.goto("/queue")
        case = page.locator("#pane article").get_attribute("data-case")
        with server.client() as client:
            sent = {
                "who": "王科员",
                "why": "属其职责",
                "decisions": [{"target": "section", "label": "能源科"}],
            }
            assert client.post(f"/api/cases/{case}/decisions", json=sent).status_code == 200
        row = page.locator(f'#rows li[data-case="{case}"]')
        page.keyboard.press("Enter")
        expect(row).to_have_attribute("data-is", "refused")
        expect(row).to_contain_text("王科员")
        watch.check(409)


def test_a_key_that_comes_before_the_next_case_is_shown_decides_nothing(
    server: LiveServer, person: Open
) -> None:
    fill_queue(server, 4)
    with person(True) as (page, watch):
        held: list[Route] = []
        page.route(re.compile(r"/queue/cases/\d+$"), lambda route: held.append(route))
        page.goto("/queue")
        first, second = queue_of(page)[:2]
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.keyboard.press("2")
        expect(page.locator(f'#rows li[data-case="{first}"]')).to_have_attribute("data-is", "written")
        expect(page.locator(f'#rows li[data-case="{second}"]')).to_have_attribute("aria-current", "true")
        assert page.locator("#pane article").get_attribute("data-case") == first
        for route in held:
            route.continue_()
        expect(page.locator("#pane article")).to_have_attribute("data-case", second)
        with server.client() as client:
            assert client.get(f"/api/cases/{second}").json()["state"] == "in_review"
        watch.check()


def test_a_refused_choice_is_there_when_the_case_is_looked_at_again(server: LiveServer, person: Open) -> None:
    fill_queue(server, 3)
    with person(True) as (page, watch):
        page.goto("/queue")
        case = page.locator("#pane article").get_attribute("data-case")
        with server.client() as client:
            version = client.get(f"/api/cases/{case}").json()["version"]
            sent = {"who": "王科员", "why": "重点", "version": version}
            assert client.post(f"/api/cases/{case}/key", json=sent).status_code == 200
        page.keyboard.press("2")
        chosen = page.locator('#pane input[name="section"]:checked').get_attribute("value")
        page.keyboard.press("1")
        row = page.locator(f'#rows li[data-case="{case}"]')
        expect(row).to_have_attribute("data-is", "refused")
        row.get_by_role("button", name="重看").click()
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(case))
        expect(page.locator('#pane input[name="section"]:checked')).to_have_value(str(chosen))
        page.keyboard.press("Enter")
        expect(row).to_have_attribute("data-is", "written")
        watch.check(409)
    with server.client() as client:
        (decision,) = [
            d for d in client.get(f"/api/cases/{case}").json()["decisions"] if d["target"] == "section"
        ]
        assert (decision["label"], decision["why"]) == (chosen, REASONS[0])


def test_a_session_that_ended_meanwhile_is_told_and_nothing_is_lost(server: LiveServer, person: Open) -> None:
    fill_queue(server, 3)
    with person(True) as (page, watch):
        page.goto("/queue")
        case = page.locator("#pane article").get_attribute("data-case")
        page.wait_for_timeout(300)  # the next cases are there already
        page.context.clear_cookies()
        page.keyboard.press("Enter")
        row = page.locator(f'#rows li[data-case="{case}"]')
        expect(row).to_contain_text("登录已过期,没有写入")
        assert 401 in watch.refusals
    with server.client() as client:
        assert client.get(f"/api/cases/{case}").json()["state"] == "in_review"


def test_the_help_opens_and_closes_by_key_and_letters_in_a_field_are_letters(
    server: LiveServer, person: Open
) -> None:
    fill_queue(server, 3)
    with person(True) as (page, watch):
        page.goto("/queue")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("?")
        expect(page.locator("#keys")).not_to_be_visible()
        case = page.locator("#pane article").get_attribute("data-case")
        page.get_by_label("查找").fill("")
        page.get_by_label("查找").press_sequentially("jx2")
        expect(page.get_by_label("查找")).to_have_value("jx2")
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(case))
        watch.check()


@pytest.mark.parametrize("script", SCRIPT)
def test_by_mouse_a_case_is_confirmed_and_taken_back(server: LiveServer, person: Open, script: bool) -> None:
    fill_queue(server, 4)
    with person(script) as (page, watch):
        page.goto("/queue")
        page.locator("#rows .name a").nth(1).click()
        second = page.locator("#rows > li").nth(1).get_attribute("data-case")
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(second))
        page.locator("#pane .settle .primary").click()
        expect(page.locator("#pane article")).not_to_have_attribute("data-case", str(second))
        page.get_by_role("button", name="撤回").first.click()
        expect(page.locator("#pane article")).to_have_attribute("data-case", str(second))
        expect(page.locator("#pane .settle .primary")).to_be_visible()
        watch.check()
    with server.client() as client:
        assert client.get(f"/api/cases/{second}").json()["state"] == "in_review"
