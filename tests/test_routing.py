"""From an error budget to thresholds: when the program may decide by itself."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from triage.routing import CONFIDENCE, Thresholds, error_bound, learn_thresholds


def learn(*groups: tuple[str, float, int, int], budget: float = 0.05) -> Thresholds:
    """Thresholds from groups of (label, probability, right, wrong)."""
    rows = [
        (label, probability, i < right)
        for label, probability, right, wrong in groups
        for i in range(right + wrong)
    ]
    return learn_thresholds(
        [r[0] for r in rows],
        np.array([r[1] for r in rows], dtype=float),
        np.array([r[2] for r in rows], dtype=bool),
        budget,
    )


@pytest.mark.parametrize("total", [1, 10, 32, 200])
def test_the_bound_without_an_error_is_the_rule_of_three_at_our_confidence(total: int) -> None:
    # no error in n cases: the rate p at which that still happens 1 time in 5
    assert error_bound(0, total) == pytest.approx(1 - (1 - CONFIDENCE) ** (1 / total))


@pytest.mark.parametrize(("wrong", "total"), [(1, 20), (3, 100), (7, 40), (19, 20)])
def test_at_the_bound_so_few_errors_are_just_unlikely_enough(wrong: int, total: int) -> None:
    p = error_bound(wrong, total)
    at_most = sum(comb(total, k) * p**k * (1 - p) ** (total - k) for k in range(wrong + 1))
    assert at_most == pytest.approx(1 - CONFIDENCE)
    assert p > wrong / total


@pytest.mark.parametrize(("wrong", "total"), [(0, 0), (3, 3), (1, 1)])
def test_nothing_right_proves_nothing(wrong: int, total: int) -> None:
    assert error_bound(wrong, total) == 1.0


@pytest.mark.parametrize(("budget", "least"), [(0.05, 32), (0.1, 16), (0.02, 80)])
def test_below_the_needed_number_everything_goes_to_review_and_says_how_many(
    budget: float, least: int
) -> None:
    few = learn(("能源科", 0.99, least - 1, 0), budget=budget)
    assert few.decide("能源科", 1.0) == (False, few.reason)
    assert f"只有 {least - 1} 件" in few.reason
    assert f"至少要 {least} 件" in few.reason
    enough = learn(("能源科", 0.99, least, 0), budget=budget)
    assert enough.reason == ""
    assert enough.decide("能源科", 0.99)[0]


def test_no_example_at_all_is_all_review() -> None:
    thresholds = learn()
    assert thresholds.pooled is None
    assert "只有 0 件" in thresholds.reason
    assert (thresholds.coverage, thresholds.precision, thresholds.examples) == (0.0, None, 0)


def test_many_examples_that_are_often_wrong_are_all_review() -> None:
    thresholds = learn(("能源科", 0.9, 150, 50))
    assert not thresholds.decide("能源科", 0.999)[0]
    assert "在 200 件已办结样例上" in thresholds.reason


def test_budget_zero_never_decides() -> None:
    thresholds = learn(("能源科", 0.99, 5000, 0), budget=0.0)
    assert thresholds.pooled is None
    assert not thresholds.decide("能源科", 1.0)[0]
    assert "0%" in thresholds.reason


def test_the_lowest_probability_that_keeps_the_budget_is_taken() -> None:
    thresholds = learn(("甲", 0.9, 100, 0), ("甲", 0.7, 98, 2), ("甲", 0.4, 50, 50))
    assert thresholds.pooled == 0.7
    assert thresholds.decide("甲", 0.7)[0]
    decided, reason = thresholds.decide("甲", 0.69)
    assert not decided
    assert "69%" in reason
    assert "70%" in reason
    assert thresholds.coverage == pytest.approx(200 / 300)
    assert thresholds.precision == pytest.approx(198 / 200)
    assert thresholds.examples == 300


def test_equal_probabilities_are_all_taken_or_none() -> None:
    # right ones first: taking half of the ties would look perfect
    thresholds = learn(("甲", 0.9, 60, 40))
    assert thresholds.pooled is None


def test_a_larger_budget_routes_more() -> None:
    groups = (("甲", 0.9, 100, 0), ("甲", 0.6, 95, 5), ("甲", 0.4, 80, 20))
    coverages = [learn(*groups, budget=b).coverage for b in (0.01, 0.05, 0.15)]
    assert coverages == [0.0, pytest.approx(2 / 3), pytest.approx(1.0)]


def test_a_label_that_is_wrong_too_often_is_moved_off_the_pool() -> None:
    thresholds = learn(("甲", 0.9, 400, 0), ("乙", 0.9, 12, 8))
    assert thresholds.pooled == 0.9
    assert thresholds.needed("甲") == 0.9
    decided, reason = thresholds.decide("乙", 1.0)
    assert not decided
    assert "“乙”" in reason
    assert thresholds.coverage == pytest.approx(400 / 420)
    assert thresholds.precision == 1.0


def test_a_label_that_is_right_only_when_very_sure_gets_a_threshold_of_its_own() -> None:
    # 12 wrong of 48 is clearly more than twice the budget, none of 40 clearly is not
    thresholds = learn(("甲", 0.8, 600, 0), ("乙", 0.95, 40, 0), ("乙", 0.8, 12, 12))
    assert thresholds.needed("甲") == 0.8
    assert thresholds.needed("乙") == 0.95
    assert not thresholds.decide("乙", 0.9)[0]
    assert thresholds.decide("乙", 0.96)[0]


def test_a_label_somewhat_over_the_budget_stays_in_the_pool() -> None:
    # 6 of 100: over the budget of 5, not clearly over twice the budget; the pool as a whole holds it
    thresholds = learn(("甲", 0.9, 400, 0), ("乙", 0.9, 94, 6))
    assert thresholds.by_label == {}
    assert thresholds.decide("乙", 0.9)[0]


def test_one_error_of_few_does_not_move_a_label() -> None:
    thresholds = learn(("甲", 0.9, 400, 0), ("乙", 0.9, 6, 1))
    assert thresholds.needed("乙") == 0.9


def test_a_label_without_examples_of_its_own_is_never_decided() -> None:
    n = 100
    thresholds = learn_thresholds(
        ["甲"] * n + ["乙"], np.full(n + 1, 0.9), np.array([True] * n + [False]), 0.05, untrained=["乙"]
    )
    assert thresholds.decide("甲", 0.95)[0]
    assert not thresholds.decide("乙", 0.95)[0]


def test_thresholds_survive_being_written_down() -> None:
    thresholds = learn(("甲", 0.9, 400, 0), ("乙", 0.9, 12, 8))
    assert Thresholds(**thresholds.to_dict()) == thresholds


def test_cases_that_stand_for_many_count_as_many_and_tell_as_few() -> None:
    """Ten drawn cases that stand for ten each do not prove what a hundred would."""
    sure = np.full(60, 0.9)
    right = np.ones(60, dtype=bool)
    level = learn_thresholds(["甲"] * 60, sure, right, 0.05)
    assert level.pooled == pytest.approx(0.9)
    drawn = learn_thresholds(
        ["甲"] * 60, sure, right, 0.05, stands_for=np.r_[np.zeros(50), np.full(10, 10.0)]
    )
    assert drawn.pooled is None
    assert "只有 10 件" in drawn.reason
    wrong = np.r_[np.ones(50, dtype=bool), np.zeros(10, dtype=bool)]
    mixed = learn_thresholds(["甲"] * 60, sure, wrong, 0.3, stands_for=np.r_[np.ones(50), np.full(10, 10.0)])
    assert mixed.pooled is None  # 10 of 60 were wrong, but they stand for 100 of 150
