"""The queue's page and what its forms and its script ask for."""

from __future__ import annotations

import re
from typing import Any

import pytest
from entry import PERSON, sign_in
from fastapi.testclient import TestClient

from service.queue_view import REASONS, initials, queue_rows
from triage.desk import Desk
from triage.ledger.cases import get_case
from triage.ledger.decisions import decide
from triage.ledger.handling import send_back
from triage.ledger.keys import digest
from triage.ledger.search import CaseFilter, list_cases
from triage.ledger.verify import verify_ledger
from triage.taxonomy import TARGETS

SCRIPT = {"accept": "application/json"}


def waiting(desk: Desk) -> list[Any]:
    with desk.ledger.read() as session:
        cases, _ = list_cases(CaseFilter(state="in_review"), session=session, unsure_first=True)
        return queue_rows(cases, session=session)


def load(desk: Desk, case_id: int) -> Any:
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        session.refresh(case, ["decisions", "events"])
        return case


def firsts(row: Any) -> dict[str, str]:
    return {target: cell.label for target, cell in row.cells.items()}


def test_the_least_certain_comes_first_and_each_says_why_it_is_here(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    page = demo_client.get("/queue").text
    rows = waiting(demo_desk)
    shown = [int(i) for i in re.findall(r'<li data-case="(\d+)"', page)]
    assert shown == [row.case.id for row in rows]
    assert [row.case.certainty for row in rows] == sorted(row.case.certainty for row in rows)
    assert page.count('<span class="tag why-') >= len(rows)
    assert f"待认定 {len(rows)} " in page


@pytest.mark.parametrize(
    "why", ["unsure", "several_matters", "not_ours", "duplicate", "sent_back", "too_short"]
)
def test_a_filter_by_reason_keeps_exactly_the_cases_that_show_it(
    demo_client: TestClient, demo_desk: Desk, why: str
) -> None:
    with demo_desk.ledger.write() as session:  # one more reason than the pile has
        case = list_cases(CaseFilter(state="assigned"), session=session)[0][0]
        send_back(case.id, who="王科长", why="事项属能源科", session=session)
    rows = waiting(demo_desk)
    wanted = {row.case.id for row in rows if why in {kind for kind, _ in row.whys}}
    page = demo_client.get("/queue", params={"why": why}).text
    assert {int(i) for i in re.findall(r'<li data-case="(\d+)"', page)} == wanted
    assert why not in ("unsure", "several_matters", "sent_back") or wanted


def test_a_filter_by_recommended_section_keeps_exactly_its_cases(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    rows = waiting(demo_desk)
    section = firsts(rows[0])["section"]
    page = demo_client.get("/queue", params={"section": section}).text
    wanted = {row.case.id for row in rows if firsts(row)["section"] == section}
    assert {int(i) for i in re.findall(r'<li data-case="(\d+)"', page)} == wanted
    assert 0 < len(wanted) < len(rows)


def test_a_confirmation_by_form_is_written_and_leads_to_the_next(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    first, second, *_ = waiting(demo_desk)
    data = {"version": first.case.version, "next_id": second.case.id, "back": "text=", **firsts(first)}
    answer = demo_client.post(f"/queue/cases/{first.case.id}/decisions", data=data, follow_redirects=False)
    assert answer.status_code == 303
    page = demo_client.get(answer.headers["location"]).text
    assert "已认定" in page
    assert f'<article class="panel reading" data-case="{second.case.id}">' in page
    case = load(demo_desk, first.case.id)
    assert case.state == "assigned"
    assert {(d.target, d.label, d.kind, d.who) for d in case.decisions if d.kind == "confirm"} == {
        (target, cell.label, "confirm", PERSON) for target, cell in first.cells.items()
    }
    taken = demo_client.post(
        f"/queue/cases/{case.id}/undo", data={"version": case.version}, follow_redirects=False
    )
    assert taken.headers["location"] == f"/queue?case={case.id}"
    assert load(demo_desk, case.id).state == "in_review"


def test_an_override_without_a_reason_keeps_what_was_chosen(demo_client: TestClient, demo_desk: Desk) -> None:
    row = waiting(demo_desk)[0]
    chosen = {**firsts(row), "section": "能源科"}
    data = {"version": row.case.version, **chosen}
    refused = demo_client.post(f"/queue/cases/{row.case.id}/decisions", data=data)
    assert refused.status_code == 422
    assert "请写明理由" in refused.text
    assert re.search(r'value="能源科" checked', refused.text)
    assert load(demo_desk, row.case.id).state == "in_review"
    demo_client.post(f"/queue/cases/{row.case.id}/decisions", data={**data, "why": REASONS[0]})
    case = load(demo_desk, row.case.id)
    assert [(d.label, d.kind, d.why) for d in case.decisions if d.target == "section"] == [
        ("能源科", "override", REASONS[0])
    ]


def test_own_words_count_before_a_ready_reason(demo_client: TestClient, demo_desk: Desk) -> None:
    row = waiting(demo_desk)[0]
    data = {"version": row.case.version, **firsts(row), "section": "能源科", "why": REASONS[0]}
    demo_client.post(f"/queue/cases/{row.case.id}/decisions", data={**data, "other_why": " 主任批示 "})
    assert load(demo_desk, row.case.id).decisions[-1].why == "主任批示"


def test_the_script_is_told_what_stands_and_what_somebody_else_did(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    first, second, *rest = waiting(demo_desk)
    newest = demo_client.get("/queue/changes", params={"after": 0, "loaded": 0}).json()["newest"]
    url = f"/queue/cases/{first.case.id}"
    told = demo_client.post(
        f"{url}/decisions", data={"version": first.case.version, **firsts(first)}, headers=SCRIPT
    ).json()
    assert (told["state"], told["labels"]) == ("assigned", list(firsts(first).values()))
    with demo_desk.ledger.write() as session:
        decide(
            second.case.id,
            {"section": "能源科"},
            who="王科员",
            why="属其职责",
            session=session,
            taxonomy=demo_desk.taxonomy,
        )
        send_back(told["case"], who="赵科长", why="不是我科的", session=session)
    ids = f"{first.case.id},{second.case.id}"
    seen = demo_client.get("/queue/changes", params={"after": newest, "loaded": newest, "cases": ids}).json()
    assert {(c["case"], c["who"], c["own"]) for c in seen["changes"]} == {
        (first.case.id, PERSON, True),
        (second.case.id, "王科员", False),
    }
    other = str(rest[0].case.id)
    for after in (newest, seen["newest"]):  # what came in is told until the page is loaded again
        asked = {"after": after, "loaded": newest, "cases": other}
        assert demo_client.get("/queue/changes", params=asked).json()["arrived"] == 1
    late = demo_client.post(
        f"/queue/cases/{second.case.id}/decisions",
        data={"version": second.case.version, **firsts(second)},
        headers=SCRIPT,
    )
    assert late.status_code == 409
    assert "王科员" in late.json()["error"]
    gone = demo_client.post(f"{url}/undo", data={"version": told["version"]}, headers=SCRIPT)
    assert gone.status_code == 409


def test_a_case_that_its_section_sent_back_can_be_given_to_it_again(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    row = waiting(demo_desk)[0]
    url = f"/queue/cases/{row.case.id}/decisions"
    demo_client.post(url, data={"version": row.case.version, **firsts(row)}, headers=SCRIPT)
    with demo_desk.ledger.write() as session:
        send_back(row.case.id, who="赵科长", why="不是我科的", session=session)
    back = load(demo_desk, row.case.id)
    assert back.state == "in_review"
    told = demo_client.post(url, data={"version": back.version, **firsts(row)}, headers=SCRIPT)
    assert told.json()["state"] == "assigned"
    targets = [d.target for d in load(demo_desk, row.case.id).decisions]
    assert targets == [*firsts(row), "section"]


def test_many_are_confirmed_as_shown_and_what_was_refused_is_told(
    demo_client: TestClient, demo_desk: Desk
) -> None:
    rows = waiting(demo_desk)
    page = demo_client.get("/queue").text
    boxes = re.findall(r'name="shown" value="([^"]+)"', page)
    assert len(boxes) == len(rows)
    with demo_desk.ledger.write() as session:  # somebody is quicker with the last
        decide(
            rows[-1].case.id,
            {"section": firsts(rows[-1])["section"]},
            who="王科员",
            session=session,
            taxonomy=demo_desk.taxonomy,
        )
    done = demo_client.post("/queue/confirm", data={"shown": boxes})
    assert f"已认定 {len(rows) - 1} 件" in done.text
    assert "没有写入 1 件" in done.text
    for row in rows[:-1]:
        case = load(demo_desk, row.case.id)
        assert {t: getattr(case, t) for t in TARGETS} == firsts(row)
    with demo_desk.ledger.read() as session:
        assert verify_ledger(session).problems == []


@pytest.mark.parametrize("shown", ["", "1", "x:1:a|b|c", "1:1:能源科"])
def test_a_ticked_row_that_cannot_be_read_is_refused(demo_client: TestClient, shown: str) -> None:
    answer = demo_client.post("/queue/confirm", data={"shown": [shown]})
    assert answer.status_code == 422


def test_a_row_may_not_write_another_label_than_it_shows(demo_client: TestClient, demo_desk: Desk) -> None:
    """A label that is not the first recommendation is an override, which needs a reason."""
    row = waiting(demo_desk)[0]
    labels = "|".join({**firsts(row), "section": "能源科"}.values())
    page = demo_client.post("/queue/confirm", data={"shown": [f"{row.case.id}:{row.case.version}:{labels}"]})
    assert "请写明理由" in page.text
    assert load(demo_desk, row.case.id).state == "in_review"


def test_two_people_see_each_others_names_as_the_actors(demo_client: TestClient, demo_desk: Desk) -> None:
    row = waiting(demo_desk)[0]
    key = sign_in(demo_desk.ledger, "李科员", ["clerk"])
    headers = {"cookie": f"triage={key}", "x-csrf-token": digest(f"csrf:{key}")}
    demo_client.cookies.clear()
    demo_client.post(
        f"/queue/cases/{row.case.id}/decisions",
        data={"version": row.case.version, **firsts(row)},
        headers=headers,
    )
    assert {d.who for d in load(demo_desk, row.case.id).decisions if d.kind == "confirm"} == {"李科员"}


def test_initials_are_those_of_the_syllables() -> None:
    assert initials("能源科") == "nyk"
    assert initials("价格收费管理科") == "jgsfglk"
    assert initials("重点项目科") == "zdxmk"
