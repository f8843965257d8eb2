"""This year against the year before: figures by hand, and silence where there is too little to tell."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from arrivals import enter_closed
from fastapi.testclient import TestClient
from sqlalchemy import select

from training.differences import changed_shares, mean_difference, rate_difference
from training.drift import drift
from training.unknown_words import unknown_by_case
from triage.desk import Desk
from triage.ledger.decisions import decide
from triage.ledger.submissions import Submission
from triage.ledger.tables import PredictionRow

SECTIONS = ("能源科", "价格收费管理科")


def enter(desk: Desk, year: int, count: int, section: str, *, start: int = 0, text: str = "停电") -> None:
    for i in range(start, start + count):
        day = date(year, 1, 1) + timedelta(days=i % 300)
        submission = Submission(title=text, body=f"第{i}号{text}", number=f"{year}-{i}", received_on=day)
        enter_closed(desk, submission, {"section": section})


def test_a_word_is_unknown_where_no_other_case_has_it() -> None:
    cases = {"1": frozenset("ab"), "2": frozenset("bc"), "3": frozenset()}
    assert unknown_by_case(cases).tolist() == [0.5, 0.5]


def test_the_difference_of_two_rates_is_newcombes() -> None:
    # Newcombe 1998, his method 10: 56/70 less 48/80
    found = rate_difference((48, 80), (56, 70))
    assert found == {
        "value": 0.2,
        "low": pytest.approx(0.0524, abs=1e-4),
        "high": pytest.approx(0.3339, abs=1e-4),
    }


def test_equal_means_differ_by_nothing_and_shifted_ones_clearly() -> None:
    same = mean_difference(np.full(30, 0.5), np.full(30, 0.5))
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0}
    moved = mean_difference(np.tile([0.4, 0.6], 20), np.tile([0.1, 0.3], 20))
    assert moved["value"] == -0.3
    assert moved["high"] < -0.2


def test_shares_that_moved_are_told_from_chance() -> None:
    moved = changed_shares({"甲": 40, "乙": 10}, {"甲": 10, "乙": 40})
    assert moved["test"]["distance"] == 0.6
    assert moved["test"]["chance"] < 0.001
    assert [(one["label"], one["before"], one["now"], one["clear"]) for one in moved["labels"]] == [
        ("乙", 10, 40, True),
        ("甲", 40, 10, True),
    ]
    luck = changed_shares({"甲": 26, "乙": 24}, {"甲": 24, "乙": 26})
    assert luck["test"]["distance"] == 0.04
    assert luck["test"]["chance"] > 0.5
    assert changed_shares({}, {"甲": 1})["test"] is None


def test_a_year_that_changed_is_told_and_small_numbers_are_not(desk: Desk) -> None:
    enter(desk, 2024, 22, SECTIONS[0])
    enter(desk, 2025, 2, SECTIONS[0])
    enter(desk, 2025, 20, SECTIONS[1], start=2, text="收费")
    found = drift(desk)
    assert (found["year"], found["before"], found["cases"]) == (2025, 2024, {"2024": 22, "2025": 22})
    measures = {m["key"]: m for m in found["measures"]}
    words = measures["words"]
    assert (words["before"]["n"], words["now"]["n"]) == (22, 22)
    assert words["changed"] is True
    assert words["now"]["mean"] > words["before"]["mean"]
    assert "明显升高" in words["sentence"]
    confidence = measures["confidence_section"]
    assert (confidence["before"], confidence["changed"]) == ({"n": 0, "mean": None}, None)
    assert "太少,看不出" in confidence["sentence"]
    (sections,) = [one for one in found["shares"] if one["target"] == "section"]
    assert sections["changed"]
    assert [(one["label"], one["before"], one["now"]) for one in sections["labels"]] == [
        (SECTIONS[1], 0, 20),
        (SECTIONS[0], 22, 2),
    ]
    assert SECTIONS[1] in sections["sentence"]
    (topics,) = [one for one in found["shares"] if one["target"] == "topic"]
    assert (topics["test"], topics["changed"]) == (None, None)
    assert "太少,看不出" in topics["sentence"]
    assert drift(desk, year=2024)["cases"] == {"2023": 0, "2024": 22}


def test_overrides_and_confidence_are_counted_from_the_recommendations(desk: Desk) -> None:
    stated = []
    for i in range(3):
        day = date(2025, 2, 1 + i)
        case = desk.take_in(
            Submission(title="停电", body=f"停电{i}", number=str(i), received_on=day), who="李"
        ).case_id
        with desk.ledger.write() as session:
            made = select(PredictionRow).where(
                PredictionRow.case_id == case, PredictionRow.target == "section"
            )
            first, second = session.scalars(made).one().ranked[:2]
            chosen = second[0] if i == 0 else first[0]
            decide(case, {"section": chosen}, who="李", why="看过", session=session, taxonomy=desk.taxonomy)
            stated.append(first[1])
    measures = {m["key"]: m for m in drift(desk)["measures"]}
    assert measures["overrides_section"]["now"] == {"n": 3, "count": 1, "mean": 0.3333}
    assert measures["confidence_section"]["now"]["n"] == 3
    assert measures["confidence_section"]["now"]["mean"] == pytest.approx(sum(stated) / 3, abs=1e-4)
    assert measures["overrides_section"]["changed"] is None


def test_the_page_shows_both_years_and_says_where_nothing_can_be_said(client: TestClient, desk: Desk) -> None:
    empty = client.get("/models/drift")
    assert empty.status_code == 200
    enter(desk, 2025, 3, SECTIONS[0])
    html = client.get("/models/drift").text
    assert "2025年与2024年相比" in html
    assert "上一年 0 件、这一年 3 件可比,太少,看不出。" in html
    assert "<td>3</td>" in html
    assert client.get("/models/drift?year=2026").status_code == 200
    assert "/models/drift" in client.get("/models").text
