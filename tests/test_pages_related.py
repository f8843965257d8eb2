"""The pages on cases that belong together, over plain HTTP as a browser without JavaScript sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_pages import HTML, Page
from test_problems import office_at, post_case, rows
from towns import propose_readily, send, settle, submitted

from triage.desk import Desk


@pytest.fixture
def office(tmp_path: Path) -> Iterator[tuple[Desk, TestClient]]:
    with office_at(tmp_path) as office:
        propose_readily(office[0].ledger)
        yield office


@pytest.fixture
def client(office: tuple[Desk, TestClient]) -> TestClient:
    return office[1]


@pytest.fixture
def desk(office: tuple[Desk, TestClient]) -> Desk:
    return office[0]


@pytest.fixture
def ids(client: TestClient) -> list[int]:
    """Three cases on small towns."""
    return send(client, (0, 1, 2))


def page_of(client: TestClient, case_id: int) -> Page:
    return Page(client.get(f"/cases/{case_id}").text)


def together(page: Page) -> str:
    return page.text("section", class_="panel together")


def fields(html: str, act: str) -> dict[str, Any]:
    """What the form of one act would send as the page stands; ticked boxes as a list."""
    (form,) = re.findall(rf'<form[^>]*action="/cases/\d+/{act}">.*?</form>', html, re.S)
    sent: dict[str, Any] = {}
    for own, _ in Page(form).all("input"):
        if "disabled" in own or (own.get("type") in ("checkbox", "radio") and "checked" not in own):
            continue
        if own["name"] == "cases":
            sent.setdefault("cases", []).append(own["value"])
        else:
            sent[own["name"]] = own.get("value", "")
    return sent


def do(client: TestClient, case_id: int, act: str, status: int = 200, **more: Any) -> Page:
    """Fill the form of the case's page in and send it; the page that comes of it."""
    html = client.get(f"/cases/{case_id}").text
    sent = {**fields(html, act), **more}
    response = client.post(f"/cases/{case_id}/{act}", data=sent)
    assert response.status_code == status, response.text
    return Page(response.text)


def test_the_proposed_group_is_merged_in_one_act(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    html = client.get(f"/cases/{b}").text
    (group,) = client.get("/api/groups", params={"year": 2026}).json()
    sent = fields(html, "merge")
    assert sorted(map(int, set(sent["cases"]))) == ids
    assert (int(sent["lead"]), sent["name"]) == (group["lead"], group["name"])
    page = do(client, b, "merge", lead=a, why="同一事项")
    assert "已并案办理" in page.text("div", role="status")
    shown = together(page)
    assert f"并案“{group['name']}”" in shown
    assert all(f"第00{n}号" in shown for n in (1, 2, 3))
    assert "0 / 3 件" in shown
    assert "2026-04-11 各件中最早的答复期限" in shown
    assert "并案 值班员" in page.text("section", class_="panel history")
    (merge,) = client.get("/api/merges").json()
    assert (merge["lead"], [m["case_id"] for m in merge["members"]]) == (a, [a, b, c])
    assert "已认定" in page.text("section", class_="panel related")


def test_only_what_is_ticked_is_merged_and_the_present_case_always(
    client: TestClient, ids: list[int]
) -> None:
    a, b, c = ids
    page = do(client, b, "merge", cases=[b, c], lead=c)
    (merge,) = client.get("/api/merges").json()
    assert [m["case_id"] for m in merge["members"]] == [c, b]
    assert "另有相近而未并案的 1 件" in together(page)
    joined = do(client, b, "join")
    assert "已加入并案" in joined.text("div", role="status")
    (merge,) = client.get("/api/merges").json()
    assert [m["case_id"] for m in merge["members"]] == [c, a, b]


def test_a_refused_merge_keeps_what_was_typed(client: TestClient, desk: Desk, ids: list[int]) -> None:
    a, b, _ = ids
    before = rows(desk)
    typed = {"cases": [a, b], "lead": b, "name": "小镇<1>", "why": "试" * 2001}
    response = client.post(f"/cases/{a}/merge", data=typed)
    assert response.status_code == 422
    page = Page(response.text)
    assert "理由太长" in page.text("p", role="alert")
    again = fields(response.text, "merge")
    assert sorted(map(int, set(again["cases"]))) == [a, b]
    assert (again["lead"], again["name"], again["why"]) == (str(b), "小镇<1>", "试" * 2001)
    assert rows(desk) == before
    # nothing of it shows in the other forms
    assert [own.get("value", "") for own, _ in page.all("input", name="why") if own.get("value")] == [
        "试" * 2001
    ]


def test_a_lead_must_be_among_the_chosen(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    page = do(client, a, "merge", 422, cases=[a, b], lead=c)
    assert "主件应是" in page.text("p", role="alert")
    assert "至少要选两件" in do(client, a, "merge", 422, cases=[a], lead=a).text("p", role="alert")


def test_warnings_and_precedents_are_told_after_the_merge(client: TestClient) -> None:
    made = []
    for place, role in enumerate(("主办", "会办", "")):
        made.append(client.post("/api/cases", json=submitted(place, role=role)).json()["id"])
    a, b, c = made
    settle(client, c)
    closed = {"who": "李", "result_class": "A", "reply_number": "函9号"}
    assert client.post(f"/api/cases/{c}/close", json=closed).status_code == 200
    html = client.get(f"/cases/{a}").text
    assert "记为先例" in together(Page(html))
    response = client.post(f"/cases/{a}/merge", data=fields(html, "merge"), follow_redirects=False)
    assert response.status_code == 303
    for _ in range(2):  # it is still there when the page is loaded again
        page = Page(client.get(response.headers["location"]).text)
        assert page.text("div", role="status") == "已并案办理。 已办结的记为往年先例:第003号。"
        assert "第001号(主办)与第002号(会办)" in page.text("p", role="status")
    assert "请核对能否一并办理" in page.text("section", class_="panel history")
    told = page_of(client, b).text("section", class_="panel related")
    assert "往年先例" in told
    assert "函9号" in told


def test_with_one_open_case_the_page_says_that_nothing_was_merged(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    for case_id in (a, b):
        settle(client, case_id)
        closed = {"who": "李", "result_class": "A", "reply_number": f"函{case_id}号"}
        client.post(f"/api/cases/{case_id}/close", json=closed)
    said = do(client, c, "merge", lead=c).text("div", role="status")
    assert said == "在办件不足两件,没有并案。 已办结的记为往年先例:第001号、第002号。"
    assert client.get("/api/merges").json() == []


def test_a_later_case_joins_the_merge_with_one_button(client: TestClient, ids: list[int]) -> None:
    do(client, ids[0], "merge", name="特色小镇")
    (d,) = send(client, (3,))
    page = page_of(client, d)
    assert "加入并案“特色小镇”" in together(page)
    done = do(client, d, "join", why="同一事项")
    assert "已加入并案" in done.text("div", role="status")
    assert len(client.get("/api/merges").json()[0]["members"]) == 4


def test_a_merge_is_changed_from_the_page_of_a_member(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    do(client, a, "merge", lead=a, name="特色小镇")
    assert "已更换主件" in do(client, a, "lead", lead=b).text("div", role="status")
    page = do(client, c, "due", due_on="2026-03-01", why="代表要求提前")
    assert "2026-03-01 由人调整" in together(page)
    page = do(client, c, "plan", plan="统一调研,\n分别答复。", name="小镇扶持")
    assert "并案“小镇扶持”" in together(page)
    assert "统一调研, 分别答复。" in together(page)
    page = do(client, c, "due", due_on="", why="恢复")
    assert "2026-04-11 各件中最早的答复期限" in together(page)
    page = do(client, b, "leave", lead=a, why="另行办理")
    assert "已退出并案" in page.text("div", role="status")
    assert client.get("/api/merges").json()[0]["lead"] == a
    page = do(client, c, "dissolve", why="不再并案")
    assert "已解除并案" in page.text("div", role="status")
    assert client.get("/api/merges").json() == []
    assert "已排除 2 件" in page.text("section", class_="panel related")


@pytest.mark.parametrize(
    ("act", "more", "says"),
    [
        ("leave", {"why": ""}, "请写明解除并案的理由"),
        ("dissolve", {"why": " "}, "请写明解除并案的理由"),
        ("due", {"due_on": "2026-03-01"}, "请写明调整并案期限的理由"),
        ("due", {"due_on": "三月", "why": "试"}, "“三月”不是日期"),
        ("plan", {"plan": "统一调研", "name": "长" * 201}, "并案名称"),
        ("lead", {}, "请选新的主件"),
    ],
)
def test_a_refused_change_opens_its_form_again(
    client: TestClient, desk: Desk, ids: list[int], act: str, more: dict[str, str], says: str
) -> None:
    do(client, ids[0], "merge", lead=ids[0])
    before = rows(desk)
    html = client.get(f"/cases/{ids[1]}").text
    sent = {**fields(html, act), **more}
    response = client.post(f"/cases/{ids[1]}/{act}", data=sent)
    assert response.status_code == 422
    page = Page(response.text)
    assert says in page.text("p", role="alert")
    assert rows(desk) == before
    assert response.text.count("<details open") == 1
    again = fields(response.text, act)
    for name in ("why", "due_on", "plan", "name"):
        if name in sent and name in again:
            assert again[name] == sent[name]
    assert str(more.get("plan", "")) in response.text


def test_a_merge_that_somebody_changed_meanwhile_is_not_overwritten(
    client: TestClient, ids: list[int]
) -> None:
    a, b, c = ids
    do(client, a, "merge", lead=a)
    stale = fields(client.get(f"/cases/{c}").text, "dissolve")
    do(client, a, "lead", lead=b)
    response = client.post(f"/cases/{c}/dissolve", data={**stale, "why": "试"})
    assert response.status_code == 409
    assert "已有人改动过并案" in Page(response.text).text("p", role="alert")
    assert fields(response.text, "dissolve")["version"] == "2"
    assert len(client.get("/api/merges").json()) == 1


def test_a_pair_is_dismissed_and_folded_away(client: TestClient, ids: list[int]) -> None:
    a, b, c = ids
    html = client.get(f"/cases/{a}").text
    assert html.count(f'action="/cases/{a}/dismiss"') == 2
    sent = {"other_id": b, "why": "不同的镇"}
    page = Page(client.post(f"/cases/{a}/dismiss", data=sent).text)
    assert "已排除,不再提示" in page.text("div", role="status")
    folded = [text for _, text in page.all("details") if text.startswith("已排除 1 件")]
    assert "关于支持特色小镇建设的建议" in folded[0]
    assert "排除关联 值班员" in page.text("section", class_="panel history")
    offered = {own["value"] for own, _ in page.all("input", type="checkbox", name="cases")}
    assert offered == {str(a), str(c)}
    refused = client.post(f"/cases/{a}/dismiss", data={"other_id": c, "why": "想" * 2001})
    assert refused.status_code == 422
    assert "想" * 2001 in refused.text


def test_a_precedent_shows_what_became_of_it_and_what_is_still_promised(client: TestClient) -> None:
    (a,) = send(client, (0,))
    settle(client, a)
    yesterday = (date.today() - timedelta(days=1)).isoformat()
    promised = [{"what": "年内出台扶持办法", "due_on": yesterday}, {"what": "列入培育名单"}]
    closed = {"who": "张", "result_class": "B", "reply_number": "函7号", "commitments": promised}
    assert client.post(f"/api/cases/{a}/close", json=closed).status_code == 200
    case = client.post("/api/cases", json=submitted(1, received_on="2027-01-12", session="六届六次")).json()
    html = client.get(f"/cases/{case['id']}").text
    page = Page(html)
    shown = page.text("section", class_="panel related")
    assert "往年先例" in shown
    assert f"发展规划科 · B 类 · 函7号 · {date.today()} 办结" in shown
    assert f"年内出台扶持办法({yesterday} 前,已逾期)" in shown
    assert "列入培育名单" in shown
    assert f'href="/cases/{case["id"]}/with/{a}"' in html
    assert page.all("section", class_="panel together") == []


def test_two_cases_stand_side_by_side_with_what_they_share_and_not(
    client: TestClient, ids: list[int]
) -> None:
    a, b, _ = ids
    page = Page(client.get(f"/cases/{a}/with/{b}").text)
    related = next(r for r in client.get(f"/api/cases/{a}/related").json() if r["case"]["id"] == b)
    head = page.text("section", class_="panel differs")
    for word in (*related["differs"]["own"], *related["differs"]["other"]):
        assert word in head
    articles = page.all("article", class_="panel text")
    assert len(articles) == 2
    marked = [word for _, word in page.all("mark", class_="shared")]
    assert marked.count("特色小镇") > 4
    assert [text for _, text in page.all("div", class_="body")] == [submitted(n)["body"] for n in (0, 1)]
    assert client.get(f"/cases/{a}/with/999").status_code == 404


def test_the_groups_page_lists_the_year_largest_first(client: TestClient, ids: list[int]) -> None:
    grid = "黄泥村的电网建于二十年前,线径细、变压器小,过年停电,请列入农网改造计划。"
    other = [post_case(client, title="电网", body=grid, received_on="2026-02-01")["id"] for _ in range(2)]
    do(client, ids[0], "merge", lead=ids[0], name="特色小镇")
    settle(client, ids[0])
    settle(client, ids[1], topic="产业与创新")
    reply = {"who": "李", "result_class": "A", "reply_number": "函1号"}
    assert client.post(f"/api/cases/{ids[1]}/close", json=reply).status_code == 200
    (late,) = send(client, (3,))
    html = client.get("/groups", params={"year": 2026}).text
    page = Page(html)
    (first, second) = [text for own, text in page.all("tr") if "件数" not in text]
    assert first.startswith("4 特色小镇")
    assert "已并案" in first
    assert "另 1 件可加入" in first
    assert "1 / 4" in first
    assert "发展规划科 3 件" in first
    assert "待认定" in first
    assert second.startswith("2 ")
    assert "建议并案" in second
    assert "0 / 2" in second
    assert f'href="/cases/{late}"' in html
    assert f'href="/cases/{other[0]}#together"' in html
    assert page.text("a", href="/groups") == "热点与并案"
    assert "没有可以一并办理" in client.get("/groups", params={"year": 2020}).text
    assert [text for own, text in page.all("option") if "selected" in own] == ["2026"]


def test_the_queue_says_how_many_look_alike_and_leads_to_them(client: TestClient, ids: list[int]) -> None:
    html = client.get("/queue").text
    assert html.count("可并案 2") == len(ids)
    assert f'href="/cases/{ids[0]}/with/{ids[1]}"' in client.get(f"/queue/cases/{ids[0]}").text


def test_the_api_tells_the_groups_of_a_year(client: TestClient, ids: list[int]) -> None:
    (group,) = client.get("/api/groups", params={"year": 2026}).json()
    assert [c["id"] for c in group["cases"]] == group["to_join"] == ids
    assert group["lead"] in ids
    assert (group["merges"], group["cases"][0]["number"]) == ([], "第001号")
    assert 0 < group["score"] <= 1
    assert client.get("/api/groups", params={"year": 2025}).json() == []
    assert client.get("/api/groups", params={"year": "x"}).status_code == 422
    assert client.get("/api/groups").status_code == 200


def test_html_in_names_plans_and_texts_is_shown_and_never_run(client: TestClient, ids: list[int]) -> None:
    a, b, _ = ids
    do(client, a, "merge", lead=a, name=HTML, why=HTML)
    do(client, a, "plan", plan=HTML)
    case = post_case(client, title=HTML, body=HTML + submitted(0)["body"], received_on="2026-02-01")
    addresses = (f"/cases/{b}", f"/cases/{case['id']}", f"/cases/{a}/with/{case['id']}", "/groups?year=2026")
    for address in addresses:
        html = client.get(address).text
        page = Page(html)
        assert [own["src"] for own, _ in page.all("script")] == ["/static/htmx/htmx.min.js"]
        assert page.all("img") == []
        assert "alert(1)" in html
