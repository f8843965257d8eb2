"""The pages for people, over plain HTTP as a browser without JavaScript sees them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from entry import come_in
from fastapi.testclient import TestClient
from test_problems import apart, post_case, rows

from service.app import make_app
from triage.config import Settings
from triage.desk import Desk
from triage.taxonomy import TARGET_NAMES, TARGETS

BASE_URL = "http://127.0.0.1:8000"
ADDRESSES = ("href", "src", "action", "formaction", "srcset", "poster", "data", "hx-get", "hx-post", "ping")


class Page(HTMLParser):
    """Elements of a page with their attributes and the text inside them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element: tuple[str, dict[str, str], list[str]] = (tag, {k: v or "" for k, v in attrs}, [])
        self.elements.append(element)
        if tag not in ("input", "meta", "link", "br", "img"):
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, _, text in self._open:
            text.append(data)

    def all(self, tag: str, **attrs: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of every ``tag`` with these attributes."""
        return [
            (own, " ".join("".join(text).split()))
            for name, own, text in self.elements
            if name == tag and all(own.get(k.rstrip("_")) == v for k, v in attrs.items())
        ]

    def text(self, tag: str, **attrs: str) -> str:
        """The text of the only such element."""
        ((_, text),) = self.all(tag, **attrs)
        return text


def form_of(page: Page) -> dict[str, str]:
    """What the decision form would send: hidden fields and chosen labels."""
    fields = {own["name"]: own["value"] for own, _ in page.all("input", type="hidden")}
    chosen = {own["name"]: own["value"] for own, _ in page.all("input", type="radio") if "checked" in own}
    return {**fields, **chosen}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return apart(tmp_path)


@pytest.fixture(scope="module")
def office(demo_home_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One copy of the sample office for all pages that are only looked at."""
    home = tmp_path_factory.mktemp("pages") / "home"
    shutil.copytree(demo_home_once, home)
    desk = Desk(Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_AUDIT_SHARE": "0"}))
    yield desk
    desk.ledger.close()


@pytest.fixture(scope="module")
def browser(office: Desk) -> Iterator[TestClient]:
    with TestClient(make_app(office.settings, office), base_url=BASE_URL) as client:
        yield come_in(client, office.ledger)


def waiting(client: TestClient, n: int = 0) -> dict[str, Any]:
    """The nth case that waits for a decision."""
    found = client.get("/api/cases", params={"state": "in_review"}).json()["cases"]
    case: dict[str, Any] = client.get(f"/api/cases/{found[n]['id']}").json()
    return case


def test_the_front_door_leads_to_the_queue(browser: TestClient) -> None:
    response = browser.get("/", follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == "/queue"


def test_a_case_marks_the_words_that_speak_for_each_target(browser: TestClient) -> None:
    case = waiting(browser)
    page = Page(browser.get(f"/cases/{case['id']}").text)
    text = case["title"] + case["body"]
    marks = [(own["class"], word) for own, word in page.all("mark") if "title" in own]
    assert marks
    assert {target for target, _ in marks} <= set(TARGETS)
    assert all(word in " ".join(text.split()) for _, word in marks)
    evidence = {p["target"]: p["evidence"] for p in case["predictions"]}
    for target, word in marks:
        words = [w["word"] for w in evidence[target]["words"]] + evidence[target]["duty_terms"]
        assert word.lower() in words
    assert page.text("div", class_="body") == " ".join(case["body"].split())


def test_a_case_shows_three_predictions_with_their_probabilities(browser: TestClient) -> None:
    case = waiting(browser)
    page = Page(browser.get(f"/cases/{case['id']}").text)
    assert len(page.all("fieldset")) == 3
    meters = [float(own["value"]) for own, _ in page.all("meter")]
    top = [x["probability"] for p in case["predictions"] for x in p["ranked"][:3]]
    assert meters == pytest.approx(top)
    shown = [text for _, text in page.all("span", class_="p")]
    assert len(shown) == len(top)
    assert all(re.fullmatch(r">?\d+%", text) for text in shown)
    for own, text in page.all("fieldset"):
        assert "disabled" not in own
        assert any(text.startswith(name) for name in TARGET_NAMES.values())
    asked = {own["name"] for own, _ in page.all("input", type="radio")}
    assert asked - {"lead"} == set(TARGETS)  # the lead is of a merge


def test_every_label_in_use_can_be_chosen_on_the_page(browser: TestClient, office: Desk) -> None:
    page = Page(browser.get(f"/cases/{waiting(browser)['id']}").text)
    for target in TARGETS:
        values = [own["value"] for own, _ in page.all("input", type="radio", name=target)]
        assert sorted(values) == sorted(x.name for x in office.taxonomy.labels(target) if x.active)
        checked = [own for own, _ in page.all("input", type="radio", name=target) if "checked" in own]
        assert len(checked) == 1


def test_related_cases_are_shown_with_kind_and_link(browser: TestClient) -> None:
    cases = browser.get("/api/cases?limit=40").json()["cases"]
    found = [browser.get(f"/api/cases/{c['id']}").json() for c in cases]
    case = next(c for c in found if c["relations"])
    html = browser.get(f"/cases/{case['id']}").text
    section = Page(html).text("section", class_="panel related")
    for relation in case["relations"]:
        assert relation["kind_name"] in section
        assert f'href="/cases/{relation["case_id"]}"' in html


def test_a_case_without_relations_says_so(client: TestClient) -> None:
    case = post_case(client)
    page = Page(client.get(f"/cases/{case['id']}").text)
    assert "没有发现" in page.text("section", class_="panel related")


def test_the_history_names_what_happened_in_order(browser: TestClient) -> None:
    case = waiting(browser)
    page = Page(browser.get(f"/cases/{case['id']}").text)
    history = page.text("section", class_="panel history")
    at = [history.index(e["kind_name"]) for e in case["events"] if e["kind"] in ("received", "queued")]
    assert len(at) == 2
    assert at == sorted(at)
    assert "示例" in history


def test_confirming_by_form_is_recorded_and_shown(demo_client: TestClient) -> None:
    case = waiting(demo_client)
    address = f"/cases/{case['id']}"
    form = form_of(Page(demo_client.get(address).text))
    assert {t: form[t] for t in TARGETS} == {
        p["target"]: p["ranked"][0]["label"] for p in case["predictions"]
    }
    response = demo_client.post(f"{address}/decisions", data=form, follow_redirects=False)
    assert response.status_code == 303
    page = Page(demo_client.get(response.headers["location"]).text)
    assert "已记入台账" in page.text("div", role="status")
    history = page.text("section", class_="panel history")
    assert "确认推荐 值班员" in history
    after = demo_client.get(f"/api/cases/{case['id']}").json()
    assert after["state"] == "assigned"
    assert set(after["labels"]) == set(TARGETS)
    assert {d["kind"] for d in after["decisions"] if d["who"] == "值班员"} == {"confirm"}
    # nobody types who acts
    assert page.all("input", name="who") == []


def test_an_override_without_a_reason_keeps_what_was_typed(client: TestClient, desk: Desk) -> None:
    case = post_case(client)
    before = rows(desk)
    form = {**form_of(Page(client.get(f"/cases/{case['id']}").text)), "section": "能源科"}
    response = client.post(f"/cases/{case['id']}/decisions", data=form)
    assert response.status_code == 422
    page = Page(response.text)
    alert = page.text("p", role="alert")
    assert "能源科" in alert
    assert "理由" in alert
    assert form_of(page) == form
    assert rows(desk) == before


def test_an_override_with_a_reason_is_recorded_with_it(client: TestClient) -> None:
    case = post_case(client)
    form = {"version": "1", "why": "充电设施", "section": "能源科"}
    page = Page(client.post(f"/cases/{case['id']}/decisions", data=form).text)
    history = page.text("section", class_="panel history")
    assert "改判 值班员" in history
    assert "推荐:价格收费管理科" in history
    assert "充电设施" in history


def test_a_page_that_is_out_of_date_cannot_decide(client: TestClient, desk: Desk) -> None:
    case = post_case(client)
    stale = form_of(Page(client.get(f"/cases/{case['id']}").text))
    client.post(f"/cases/{case['id']}/decisions", data=stale)
    before = rows(desk)
    late = {**stale, "section": "能源科", "why": "我看归能源"}
    response = client.post(f"/cases/{case['id']}/decisions", data=late)
    assert response.status_code == 409
    page = Page(response.text)
    alert = page.text("p", role="alert")
    assert "已有人改动过本件" in alert
    assert "值班员" in alert
    assert rows(desk) == before
    # what was typed is still there, now on the present version, so it can be sent again
    again = {**form_of(page), "why": "我看归能源"}
    assert again["section"] == "能源科"
    assert client.post(f"/cases/{case['id']}/decisions", data=again).status_code == 200
    assert client.get(f"/api/cases/{case['id']}").json()["labels"]["section"] == "能源科"


def test_a_form_without_its_version_is_a_chinese_page(client: TestClient, desk: Desk) -> None:
    case = post_case(client)
    before = rows(desk)
    response = client.post(f"/cases/{case['id']}/decisions", data={"section": "能源科"})
    assert response.status_code == 422
    assert "填写有误" in response.text
    assert rows(desk) == before


def test_closing_asks_for_all_decisions_and_then_closes_for_good(client: TestClient) -> None:
    case = post_case(client)
    address = f"/cases/{case['id']}"
    assert "办结销号" not in client.get(address).text
    form = form_of(Page(client.get(address).text))
    only_section = {"version": "1", "section": form["section"]}
    client.post(f"{address}/decisions", data=only_section)
    close = {"result_class": "A", "reply_number": "云发改函〔2026〕12号"}
    early = client.post(f"{address}/close", data={**close, "version": "2"})
    assert early.status_code == 409
    page = Page(early.text)
    assert "主题、办理类型尚未认定" in page.text("p", role="alert")
    assert close["reply_number"] in page.text("div", class_="notice bad")
    client.post(f"{address}/decisions", data=form_of(page))
    wrong = client.post(f"{address}/close", data={**close, "version": "3", "result_class": "Z"})
    assert wrong.status_code == 422
    assert close["reply_number"] in [
        o.get("value") for o, _ in Page(wrong.text).all("input", name="reply_number")
    ]
    done = client.post(f"{address}/close", data={**close, "version": "3"})
    assert done.status_code == 200
    page = Page(done.text)
    assert "已办结销号" in page.text("div", role="status")
    assert "办结销号 值班员 办理结果 A,云发改函〔2026〕12号" in page.text("section", class_="panel history")
    assert all("disabled" in own for own, _ in page.all("fieldset"))
    assert not [1 for own, _ in page.all("form", method="post") if own["action"].endswith("/close")]
    assert client.post(f"{address}/close", data={**close, "version": "4"}).status_code == 409


HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;"


def test_html_in_a_deputys_text_is_shown_and_never_run(client: TestClient) -> None:
    body = f"停车场收费{HTML}太乱</div><script>alert(3)</script>"
    case = post_case(client, title=HTML, body=body, deputy=HTML, delegation=HTML, session=HTML, number=HTML)
    post_case(client, title=HTML, body=body + "再说一遍")  # shows the first as related
    for address in ("/queue", f"/cases/{case['id']}", f"/cases/{case['id'] + 1}", "/ledger"):
        html = client.get(address).text
        page = Page(html)
        assert all(own["src"].startswith("/static/") for own, _ in page.all("script"))
        assert page.all("img") == []
        assert "alert(1)" in html  # there, as text
    page = Page(client.get(f"/cases/{case['id']}").text)
    assert page.text("div", class_="body") == body
    assert page.text("h1") == HTML


def test_html_in_a_name_or_a_search_is_shown_and_never_run(client: TestClient) -> None:
    case = post_case(client)
    form = {**form_of(Page(client.get(f"/cases/{case['id']}").text)), "why": HTML}
    for html in (
        client.post(f"/cases/{case['id']}/decisions", data=form).text,
        client.post(f"/cases/{case['id']}/decisions", data=form).text,  # out of date: the error page
        client.get("/queue", params={"text": HTML}).text,
        client.get(f"/cases/{case['id']}", params={"done": HTML}).text,
    ):
        page = Page(html)
        assert all(own["src"].startswith("/static/") for own, _ in page.all("script"))
        assert page.all("img") == []


def test_no_page_refers_to_another_host(browser: TestClient) -> None:
    case = waiting(browser)
    closed = browser.get("/api/cases?state=closed&limit=1").json()["cases"][0]
    pages = [
        "/queue",
        "/ledger",
        "/year",
        "/intake",
        "/settings",
        "/groups",
        "/models",
        "/nothing",
        f"/cases/{case['id']}",
    ]
    seen: set[str] = set()
    for address in [*pages, f"/cases/{closed['id']}"]:
        html = browser.get(address).text
        found = {own[name] for _, own, _ in Page(html).elements for name in ADDRESSES if own.get(name)}
        assert found
        assert all(re.match(r"/(?!/)|#", a) for a in found), found
        assert not re.search(r"url\(|@import|<base", html)
        seen |= {a for a in found if a.startswith("/static/")}
    assert len(seen) >= 3
    for address in seen:
        response = browser.get(address)
        assert response.status_code == 200
        if address.endswith((".css", ".svg")):
            elsewhere = re.findall(r"(?:url\(|@import|href=)\s*[\"']?(?:https?:)?//", response.text)
            assert elsewhere == []


def test_an_invented_office_says_so_on_every_page(browser: TestClient) -> None:
    for address in ("/queue", f"/cases/{waiting(browser)['id']}", "/groups", "/models"):
        assert "虚构" in Page(browser.get(address).text).text("p", class_="ribbon")


def test_an_office_without_models_says_so(client: TestClient) -> None:
    assert client.get("/models").text.count("还没有训练过的模型") == 3
    assert "没有等待认定的建议件" in client.get("/queue").text


def test_an_unknown_address_is_a_chinese_page_with_a_way_back(browser: TestClient) -> None:
    response = browser.get("/nowhere")
    assert response.status_code == 404
    page = Page(response.text)
    assert page.text("h1") == "没有找到"
    assert "回到首页" in page.text("section", class_="panel narrow")
