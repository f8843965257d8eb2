"""Two models on the same cases: differences with intervals that a coin would draw."""

from __future__ import annotations

import numpy as np
import pytest

from training.paired import Sides
from triage.prediction import Evidence, Prediction


def said(label: str, probability: float) -> Prediction:
    other = "乙" if label == "甲" else "甲"
    return Prediction("section", ((label, probability), (other, 1 - probability)), Evidence(), "v", False, "")


def sides(ours: str, theirs: str, truth: str) -> Sides:
    return Sides.of([said(x, 0.8) for x in ours], [said(x, 0.8) for x in theirs], list(truth))


def test_equal_models_differ_in_nothing_and_are_worse_half_the_time() -> None:
    found = sides("甲乙甲乙", "甲乙甲乙", "甲甲甲乙").accuracy(seed=0)
    assert found.value == 0
    assert found.worse == pytest.approx(0.5, abs=0.03)


def test_three_lost_of_three_that_differ_may_be_chance_six_of_six_are_not() -> None:
    assert sides("甲" * 22 + "乙" * 3, "甲" * 25, "甲" * 25).accuracy(seed=0).worse < 0.95
    assert sides("甲" * 19 + "乙" * 6, "甲" * 25, "甲" * 25).accuracy(seed=0).worse > 0.95


def test_the_interval_is_that_of_the_binomial() -> None:
    # 100 cases, 10 of which only the challenger gets right: the gap's standard error is .03
    found = sides("甲" * 100, "甲" * 90 + "乙" * 10, "甲" * 100).accuracy(seed=1)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1 - 1.96 * 0.03, abs=0.015)
    assert found.high == pytest.approx(0.1 + 1.96 * 0.03, abs=0.015)
    assert found.worse < 0.01


def test_the_one_that_claims_too_much_is_worse_in_loss_and_calibration() -> None:
    truth = ["甲"] * 60 + ["乙"] * 40
    boasts, admits = [said("甲", 0.99)] * 100, [said("甲", 0.6)] * 100
    both = Sides.of(boasts, admits, truth)
    assert both.accuracy(seed=0).value == 0
    loss = both.log_loss(seed=0)
    assert loss.value == pytest.approx(-0.6 * np.log(0.99 / 0.6) - 0.4 * np.log(0.01 / 0.4))
    assert loss.worse > 0.99
    calibration = both.calibration(seed=0)
    assert calibration.value == pytest.approx(0.39)
    assert calibration.worse > 0.99
