"""Decisions in the ledger: confirm or override, one winner, all in the record; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from arrivals import arrive, note

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import ROUTER, add_decision, decide, newest_decisions, settle
from triage.ledger.predictions import add_prediction
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.prediction import Evidence, Prediction
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科"), Label("旧科室", active=False)),
    topic=(Label("能源"), Label("价格收费")),
    result_classes=(ResultClass("A", "已解决"),),
)


def predict(target: str, *ranked: tuple[str, float], version: str = "20260101-000000-abcdef") -> Prediction:
    return Prediction(target, ranked, Evidence(), version, auto=False, reason="把握不足")


@pytest.fixture
def case_id(ledger: Ledger) -> int:
    """A case that the models put into 能源科."""
    with ledger.write() as session:
        case = arrive(Submission(title="路灯", body="路灯不亮。", number="1"), session=session)
        add_prediction(case, predict("section", ("能源科", 0.8), ("价格科", 0.2)), session=session)
        add_prediction(case, predict("topic", ("能源", 0.6), ("价格收费", 0.4)), session=session)
        return case.id


def act(ledger: Ledger, case_id: int, labels: dict[str, str], **more: Any) -> list[str]:
    """Decide and return the kinds."""
    with ledger.write() as session:
        made = decide(case_id, labels, **{"who": "李", **more}, session=session, taxonomy=TAXONOMY)
        return [d.kind for d in made]


def load(ledger: Ledger, case_id: int) -> CaseRow:
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        session.refresh(case, ["decisions", "events"])
        return case


def test_the_first_recommendation_is_confirmed_another_overridden(ledger: Ledger, case_id: int) -> None:
    assert act(ledger, case_id, {"section": "能源科", "topic": "价格收费"}, why="讲的是电价") == [
        "confirm",
        "override",
    ]
    case = load(ledger, case_id)
    assert {t: (d.label, d.kind, d.who) for t, d in newest_decisions(case).items()} == {
        "section": ("能源科", "confirm", "李"),
        "topic": ("价格收费", "override", "李"),
    }
    assert case.state == "assigned"
    assert all(d.prediction_id for d in case.decisions)


def test_an_override_needs_a_reason_and_without_it_nothing_is_written(ledger: Ledger, case_id: int) -> None:
    for why in ("", "  \n"):
        with pytest.raises(InputError, match=r"主题改为“价格收费”.*写明理由"):
            act(ledger, case_id, {"section": "能源科", "topic": "价格收费"}, why=why)
    case = load(ledger, case_id)
    assert (case.decisions, len(case.events), case.version, case.state) == ([], 2, 1, "in_review")


def test_events_tell_who_what_why_and_on_which_recommendation(ledger: Ledger, case_id: int) -> None:
    act(ledger, case_id, {"section": "价格科"}, who=" 李 ", why=" 讲的是电价 ")
    act(ledger, case_id, {"section": "能源科"}, who="王", seen_version=2)
    _, _, first, assigned, second, moved = load(ledger, case_id).events
    assert (assigned.kind, assigned.who, assigned.detail["label"]) == ("assigned", "李", "价格科")
    assert (moved.kind, moved.detail["label"], moved.detail["section_before"]) == (
        "assigned",
        "能源科",
        "价格科",
    )
    assert [e.version for e in (first, assigned, second, moved)] == [2, 2, 3, 3]
    assert (first.kind, first.who, second.kind, second.who) == ("overridden", "李", "confirmed", "王")
    assert first.detail == {
        "target": "section",
        "label": "价格科",
        "before": None,
        "recommended": "能源科",
        "probability": 0.8,
        "model_version": "20260101-000000-abcdef",
        "why": "讲的是电价",
    }
    assert (second.detail["label"], second.detail["before"]) == ("能源科", "价格科")
    assert first.created_at.tzinfo is not None
    assert first.created_at <= second.created_at


def test_a_decision_without_a_recommendation_is_an_override(ledger: Ledger) -> None:
    with ledger.write() as session:
        case_id = arrive(Submission(title="", body="路灯。"), session=session).id
    with pytest.raises(InputError, match="理由"):
        act(ledger, case_id, {"section": "能源科"})
    assert act(ledger, case_id, {"section": "能源科"}, why="看了全文") == ["override"]
    assert load(ledger, case_id).events[2].detail["probability"] is None


def test_the_newest_recommendation_counts(ledger: Ledger, case_id: int) -> None:
    with ledger.write() as session:
        case = get_case(case_id, session=session)
        newer = predict("section", ("价格科", 0.9), ("能源科", 0.1), version="20260202-000000-abcdef")
        add_prediction(case, newer, session=session)
        note(session)
    assert act(ledger, case_id, {"section": "价格科"}) == ["confirm"]
    assert load(ledger, case_id).events[2].detail["model_version"] == "20260202-000000-abcdef"


def test_who_saw_an_older_version_is_told_who_was_first(ledger: Ledger, case_id: int) -> None:
    act(ledger, case_id, {"section": "能源科"}, seen_version=1)
    with pytest.raises(Conflict, match=r"改动过本件\(李 确认推荐能源科;李 分办到科室能源科\)") as caught:
        act(ledger, case_id, {"section": "价格科"}, who="王", why="电价", seen_version=1)
    changes = caught.value.detail["changes"]
    assert [(c["kind"], c["who"], c["label"]) for c in changes] == [
        ("confirmed", "李", "能源科"),
        ("assigned", "李", "能源科"),
    ]
    case = load(ledger, case_id)
    assert [d.label for d in case.decisions] == ["能源科"]
    assert case.version == 2


def test_a_second_person_without_a_version_conflicts(ledger: Ledger, case_id: int) -> None:
    act(ledger, case_id, {"section": "能源科"})
    with pytest.raises(Conflict, match=r"已有人认定过:承办科室\(李\)"):
        act(ledger, case_id, {"section": "价格科", "topic": "能源"}, who="王", why="电价")
    assert act(ledger, case_id, {"topic": "能源"}, who="王") == ["confirm"]  # not taken yet
    assert len(load(ledger, case_id).decisions) == 2


def test_an_automatic_decision_may_be_changed_without_a_version(ledger: Ledger, case_id: int) -> None:
    with ledger.write() as session:
        case = get_case(case_id, session=session)
        add_decision(case, "section", "能源科", kind="auto", who=ROUTER, session=session)
        session.flush()
        session.refresh(case, ["decisions"])
        settle(case, ["section"], TAXONOMY, who=ROUTER, session=session)
    assert act(ledger, case_id, {"section": "价格科"}, why="电价") == ["override"]
    case = load(ledger, case_id)
    assert newest_decisions(case)["section"].label == "价格科"
    assert case.events[-2].detail["before"] == "能源科"
    assert case.state == "assigned"


def test_a_case_is_assigned_by_its_section_not_its_topic(ledger: Ledger, case_id: int) -> None:
    act(ledger, case_id, {"topic": "能源"})
    assert load(ledger, case_id).state == "in_review"
    act(ledger, case_id, {"section": "能源科"})
    assert load(ledger, case_id).state == "assigned"


def test_a_closed_case_cannot_be_decided(ledger: Ledger, case_id: int) -> None:
    act(ledger, case_id, {"section": "能源科", "topic": "能源"})
    with ledger.write() as session:
        version = close_case(case_id, result_class="A", who="李", session=session, taxonomy=TAXONOMY).version
    for seen in (None, version):
        with pytest.raises(Conflict):
            act(ledger, case_id, {"section": "价格科"}, why="电价", seen_version=seen)
    with pytest.raises(Conflict, match="已办结"):
        act(ledger, case_id, {"section": "价格科"}, why="电价", seen_version=version)
    assert load(ledger, case_id).version == version


@pytest.mark.parametrize(
    ("labels", "more", "says"),
    [
        ({}, {}, "没有要认定的内容"),
        ({"section": "能源科"}, {"who": "  "}, "经办人姓名"),
        ({"section": "人事科"}, {"why": "试"}, "可选:能源科、价格科。"),
        ({"section": "旧科室"}, {"why": "试"}, "不是本单位在用的承办科室"),
        ({"section": "能源科", "topic": "人事"}, {"why": "试"}, "主题"),
        ({"leader": "李"}, {"why": "试"}, "没有“leader”这个认定项"),
        ({"handling": "立即办理"}, {"why": "试"}, "办理类型"),
    ],
)
def test_wrong_decisions_are_refused_whole(
    ledger: Ledger, case_id: int, labels: dict[str, str], more: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        act(ledger, case_id, labels, **more)
    assert load(ledger, case_id).decisions == []


def test_a_missing_case_is_named(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="99"):
        act(ledger, 99, {"section": "能源科"})


@pytest.mark.parametrize("seen", [1, None])
def test_of_two_who_decide_at_once_exactly_one_wins(ledger: Ledger, case_id: int, seen: int | None) -> None:
    barrier = Barrier(2)

    def race(who: str, label: str) -> str:
        barrier.wait(30)
        try:
            act(ledger, case_id, {"section": label}, who=who, why="试", seen_version=seen)
        except Conflict:
            return "conflict"
        return label

    with ThreadPoolExecutor(2) as pool:
        results = [f.result() for f in [pool.submit(race, "李", "能源科"), pool.submit(race, "王", "价格科")]]
    assert sorted(r == "conflict" for r in results) == [False, True]
    case = load(ledger, case_id)
    assert [d.label for d in case.decisions] == [r for r in results if r != "conflict"]
    assert case.version == 2
    assert [e.kind for e in case.events][3:] == ["assigned"]
