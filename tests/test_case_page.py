"""What the page of one case shows beside its acts, as a browser without JavaScript sees it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from test_pages import Page
from test_problems import apart, post_case

from triage.config import Settings
from triage.ledger.cases import get_case
from triage.ledger.decisions import add_decision
from triage.ledger.intake import add_case
from triage.ledger.neighbours import neighbours
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.periods import Rules


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return apart(tmp_path)


def near_evidence(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [near for p in case["predictions"] for near in p["evidence"]["nearest"]]


def test_the_nearest_earlier_cases_tell_what_became_of_them(demo_client: TestClient) -> None:
    listed = demo_client.get("/api/cases?state=in_review").json()["cases"]
    case = demo_client.get(f"/api/cases/{listed[0]['id']}").json()
    page = Page(demo_client.get(f"/cases/{case['id']}").text)
    shown = [text for _, text in page.all("ul", class_="near")]
    assert len(shown) == 3
    for near in near_evidence(case):
        was = demo_client.get(f"/api/cases/{near['case']}").json()
        lines = [text for _, text in page.all("li") if text.startswith(near["title"]) and "相似" in text]
        assert lines
        for line in lines:
            assert f"{was['result_class']} 类" in line
            assert f"{was['closed_on']} 办结" in line
            assert was["labels"]["section"] in line


def test_the_case_before_and_after_follow_the_queue(demo_client: TestClient) -> None:
    listed = [c["id"] for c in demo_client.get("/api/cases?state=in_review&limit=500").json()["cases"]]
    order = [int(i) for i in re.findall(r'<li data-case="(\d+)"', demo_client.get("/queue").text)]
    assert set(order) == set(listed)
    first = Page(demo_client.get(f"/cases/{order[0]}").text)
    assert first.all("a", rel="prev") == []
    assert first.all("a", rel="next")[0][0]["href"] == f"/cases/{order[1]}"
    second = Page(demo_client.get(f"/cases/{order[1]}").text)
    assert second.all("a", rel="prev")[0][0]["href"] == f"/cases/{order[0]}"
    last = Page(demo_client.get(f"/cases/{order[-1]}").text)
    assert last.all("a", rel="next") == []


def test_neighbours_on_both_databases_put_the_unsure_first(ledger: Ledger) -> None:
    with ledger.write() as session:
        made = []
        for nth, certainty in enumerate((0.9, None, 0.2, 0.2)):
            sent = Submission(title=f"第{nth}件", body="正文", number=str(nth))
            case = add_case(sent, who="李", session=session, rules=Rules())
            case.state, case.certainty = "in_review", certainty
            if nth:
                add_decision(case, "section", "能源科", kind="confirm", who="李", session=session)
            made.append(case.id)
    a, b, c, d = made
    with ledger.read() as session:
        found = {i: neighbours(get_case(i, session=session), session=session) for i in made}
        bound = neighbours(get_case(d, session=session), session=session, section="能源科")
    assert found == {b: (None, c), c: (b, d), d: (c, a), a: (d, None)}
    assert bound == (c, None)


def test_a_long_history_folds_what_is_older_than_thirty(client: TestClient) -> None:
    case_id = post_case(client, deputy="赵一")["id"]
    for nth in range(32):
        sent = {"who": "李", "how": "phone", "what": f"第{nth}次通话"}
        assert client.post(f"/api/cases/{case_id}/contacts", json=sent).status_code == 200
    events = client.get(f"/api/cases/{case_id}").json()["events"]
    page = Page(client.get(f"/cases/{case_id}").text)
    folded = page.text("details", class_="older")
    assert folded.startswith(f"较早的 {len(events) - 30} 条")
    assert "收件登记" in folded
    assert "第31次通话" not in folded
    assert "第31次通话" in page.text("section", class_="panel history")


def test_every_decision_is_told_with_who_how_and_why(client: TestClient) -> None:
    case_id = post_case(client)["id"]
    for section, why in (("能源科", "涉及充电"), ("价格收费管理科", "还是归价格")):
        version = client.get(f"/api/cases/{case_id}").json()["version"]
        sent = {"version": version, "section": section, "why": why}
        assert client.post(f"/cases/{case_id}/decisions", data=sent).status_code == 200
    page = Page(client.get(f"/cases/{case_id}").text)
    told = page.text("details", class_="past")
    assert told.startswith("认定的经过(2 次)")
    assert told.index("能源科") < told.index("价格收费管理科")
    assert "人工改判 值班员 涉及充电" in told


def test_the_status_says_how_late_a_case_is(client: TestClient) -> None:
    late = post_case(client, received_on="2020-01-06")["id"]
    shown = Page(client.get(f"/cases/{late}").text).text("section", class_="panel status")
    assert "待认定" in shown
    assert "2020-04-06 逾期" in shown
    title = Page(client.get(f"/cases/{late}").text).text("title")
    assert "待认定" in title
