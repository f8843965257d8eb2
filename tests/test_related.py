"""Which cases belong together: what the sample office's pile shows, kinds, strengths."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from triage.bag import bag_of
from triage.config import Settings
from triage.desk import Desk
from triage.grams import codes_of
from triage.ledger.tables import CaseRow, RelationRow
from triage.pairs import FEATURES, CaseText
from triage.related import (
    FITTED_ON,
    WEIGHTS,
    containment,
    kind_of,
    probability,
    same_year,
    strengths,
    with_company,
)

SUBJECTS = {
    "停车": ("停车场",),
    "县域": ("县域经济",),
    "物流": ("物流集散基地", "冷链物流"),
    "小镇": ("特色小镇",),
    "产业": ("产业项目",),
    "医疗": ("医疗机构收费", "医疗废物"),
    "投资": ("政府投资管理办法",),
}
Pair = frozenset[int]


@pytest.fixture(scope="module")
def demo(demo_home_once: Path) -> Iterator[Desk]:
    """The sample office after its demo, read only."""
    desk = Desk(Settings.from_env({"TRIAGE_HOME": str(demo_home_once)}))
    yield desk
    desk.ledger.close()


@pytest.fixture(scope="module")
def cases(demo: Desk) -> list[CaseRow]:
    """This year's pile."""
    with demo.ledger.read() as session:
        return list(session.scalars(select(CaseRow).where(CaseRow.state != "closed")))


@pytest.fixture(scope="module")
def relations(demo: Desk) -> list[RelationRow]:
    with demo.ledger.read() as session:
        return list(session.scalars(select(RelationRow)))


def of_subject(cases: list[CaseRow], subject: str) -> list[int]:
    return [c.id for c in cases if any(words in c.title for words in SUBJECTS[subject])]


def pairs(relations: list[RelationRow]) -> dict[Pair, RelationRow]:
    return {frozenset((r.case_id, r.other_id)): r for r in relations}


def test_the_pile_holds_all_subjects(cases: list[CaseRow]) -> None:
    assert {s: len(of_subject(cases, s)) for s in SUBJECTS} == {
        "停车": 1,
        "县域": 1,
        "物流": 2,
        "小镇": 3,
        "产业": 1,
        "医疗": 2,
        "投资": 1,
    }


@pytest.mark.parametrize("subject", ["物流", "小镇", "医疗"])
def test_cases_of_one_subject_are_proposed_for_joint_handling(
    subject: str, cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    found = pairs(relations)
    for pair in combinations(of_subject(cases, subject), 2):
        assert frozenset(pair) in found, [c.title for c in cases if c.id in pair]
        assert found[frozenset(pair)].kind == "related"


def test_no_pair_of_different_subjects_is_proposed(
    cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    subject_of = {i: s for s in SUBJECTS for i in of_subject(cases, s)}
    title = {c.id: c.title for c in cases}
    wrong = [
        (title[r.case_id], title[r.other_id], r.score)
        for r in relations
        if r.case_id in subject_of
        and r.other_id in subject_of
        and subject_of[r.case_id] != subject_of[r.other_id]
    ]
    assert wrong == []


def test_the_resent_text_is_a_duplicate_and_left_to_a_person(
    cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    first, second = [c for c in cases if "白鹭乡" in c.title and "电网" in c.title]
    relation = pairs(relations)[frozenset((first.id, second.id))]
    assert relation.kind == "duplicate"
    later = max(first, second, key=lambda c: c.id)
    assert relation.case_id == later.id
    assert later.route == "review"
    assert "重复" in later.route_reason
    assert sum(r.kind == "duplicate" for r in relations) == 1


def test_relations_with_the_closed_year_are_precedents(
    demo: Desk, cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    this_year = {c.id for c in cases}
    precedents = [r for r in relations if r.other_id not in this_year]
    assert len(precedents) >= 3
    assert {r.kind for r in precedents} == {"precedent"}
    assert "precedent" not in {r.kind for r in relations if r.other_id in this_year}
    assert all(demo.pair_weights.threshold(demo.settings.related_wrong_share) <= r.score for r in relations)


def test_the_shared_terms_stand_in_both_texts(demo: Desk, relations: list[RelationRow]) -> None:
    with demo.ledger.read() as session:
        for relation in relations:
            texts = [session.get_one(CaseRow, i) for i in (relation.case_id, relation.other_id)]
            for term in relation.shared_terms:
                assert all(term in (c.title + c.body).lower() for c in texts), term
    assert all(r.shared_terms for r in relations)


def case(key: str = "1", **about: Any) -> CaseText:
    return CaseText(**{"key": key, "bag": bag_of({}, {}), "codes": codes_of(""), "core": 0, **about})


def test_an_unknown_date_may_be_of_the_same_year() -> None:
    day = case(received_on=date(2026, 1, 5))
    assert same_year(day, case(received_on=date(2026, 12, 31)))
    assert not same_year(day, case(received_on=date(2025, 12, 31)))
    assert same_year(day, case())


@pytest.mark.parametrize(
    ("older", "same_text", "kind"),
    [
        ({"received_on": date(2026, 1, 5)}, 0.3, "related"),
        ({"received_on": date(2026, 1, 5)}, 0.95, "duplicate"),
        ({"received_on": date(2025, 1, 5)}, 0.95, "precedent"),
        ({"received_on": date(2025, 1, 5)}, 0.1, "precedent"),
        ({"received_on": date(2026, 1, 5), "closed": True}, 0.95, "precedent"),
        ({"received_on": date(2026, 1, 5), "closed": True}, 0.1, "precedent"),
        ({"received_on": date(2027, 1, 5)}, 0.1, "related"),
        ({}, 0.95, "duplicate"),
        ({}, 0.1, "related"),
    ],
)
def test_the_kind_follows_text_year_and_state(older: dict[str, Any], same_text: float, kind: str) -> None:
    assert kind_of(case(received_on=date(2026, 3, 1)), case("2", **older), same_text) == kind


def test_containment_knows_the_same_text_again() -> None:
    def share(a: str, b: str) -> float:
        return containment(codes_of(a), codes_of(b))

    text = "白鹭乡的电网是上世纪建的过年回来的人一多就跳闸请列入改造计划"
    assert share(text, text) == 1.0
    assert share(text, text.replace("跳闸", "跳闸,")) == 1.0  # punctuation counts for nothing
    assert share(text, text + "谢谢各位领导") > 0.8
    assert share(text, "建议规范停车场收费公示价格严查乱收费行为并公布投诉电话") < 0.1
    assert share(text[:12], text) == 0.0  # a sentence inside a long text is no duplicate
    assert share("", "") == 0.0
    assert share(text, text[::-1]) == 0.0


def features(**values: float) -> dict[str, np.ndarray]:
    """One pair, nothing alike but what is said."""
    return {name: np.array([[values.get(name, 0.0)]]) for name in FEATURES}


def strength(cases: int = FITTED_ON, **values: float) -> float:
    return float(strengths(features(**values), WEIGHTS, cases)[0, 0])


def test_strength_rises_with_every_likeness_and_falls_with_the_collection() -> None:
    half = dict.fromkeys(("wording", "sense", "title_sense", "title_wording", "section", "topic"), 0.3)
    for name in half:
        assert strength(**half) > strength(**{**half, name: 0.0}), name
    assert strength(50_000, **half) < strength(**half)
    assert strength() < 0.01


def test_one_way_is_enough() -> None:
    same_words, same_wish = (
        {"wording": 0.4},
        {"sense": 0.8, "title_wording": 0.4, "section": 1.0, "topic": 1.0},
    )
    both = strength(**same_words, **same_wish)
    assert both > strength(**same_words) > 2
    assert both > strength(**same_wish) > 2


def test_without_sections_the_texts_alone_decide() -> None:
    alike = {"sense": 0.5, "title_sense": 0.5}
    elsewhere = strength(**alike, section=0.0)
    unknown = strength(**alike, section=float("nan"), topic=float("nan"))
    assert unknown > elsewhere


def test_probability_follows_strength() -> None:
    rising = [float(probability(s, 0.0, WEIGHTS, FITTED_ON)) for s in (0.0, 0.1, 0.5, 1.0, 2.0, 5.0, 40.0)]
    assert rising == sorted(set(rising))
    assert rising[0] < 0.01
    assert 0.8 < rising[-1] < 1.0
    few, many = (float(probability(2.0, 0.0, WEIGHTS, cases)) for cases in (FITTED_ON, 4_000))
    assert many < few
    named = float(probability(0.0, 1.0, WEIGHTS, FITTED_ON))
    assert 0.6 < named < 0.7
    assert few < float(probability(2.0, 1.0, WEIGHTS, FITTED_ON))


def test_a_third_case_helps_only_where_it_is_sure_of_both() -> None:
    own = np.array([0.1, 0.1, 0.1])
    sure, unsure = np.array([[3.0, 3.0, 0.0, 0.0]]), np.array([[0.05, 3.0, 3.0, 3.0]])
    helped = with_company(own, sure)
    assert helped[0] > own[0] + 0.2
    assert helped[1:] == pytest.approx(own[1:])
    assert with_company(own, unsure) == pytest.approx(own, abs=0.02)
    assert (with_company(own, np.vstack([sure, sure])) >= helped).all()
