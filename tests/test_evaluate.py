"""Quality figures against hand-made predictions and scikit-learn."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from training.evaluate import calibration_error, evaluate
from triage.prediction import Evidence, Prediction


def predict(first: str, probability: float, *others: str, auto: bool = False) -> Prediction:
    rest = [(label, (1 - probability) / len(others)) for label in others]
    return Prediction("topic", ((first, probability), *rest), Evidence(), "v", auto=auto, reason="")


def test_figures_of_a_handful_of_predictions() -> None:
    predictions = [
        predict("甲", 0.8, "乙", "丙", "丁", auto=True),  # right
        predict("甲", 0.7, "乙", "丙", "丁", auto=True),  # wrong, but second
        predict("乙", 0.6, "甲", "丙", "丁"),  # wrong, fourth
        predict("丙", 0.9, "甲", "乙", "丁"),  # right
    ]
    gold = ["甲", "乙", "丁", "丙"]
    metrics = evaluate(predictions, gold)
    assert metrics.n == 4
    assert metrics.accuracy == 0.5
    assert metrics.top3_accuracy == 0.75
    assert (metrics.coverage, metrics.precision) == (0.5, 0.5)
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0 + 1 + 0) / 4)
    assert metrics.log_loss == pytest.approx(-(log(0.8) + log(0.1) + log(0.4 / 3) + log(0.9)) / 4)
    assert metrics.ece == pytest.approx((0.2 + 0.7 + 0.6 + 0.1) / 4)
    assert metrics.to_dict()["accuracy"] == 0.5


def test_a_label_that_the_model_does_not_know_is_wrong_and_its_loss_is_bounded() -> None:
    metrics = evaluate([predict("甲", 0.8, "乙"), predict("甲", 0.9, "乙")], ["甲", "没见过"])
    assert metrics.accuracy == 0.5
    assert metrics.top3_accuracy == 0.5
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 0) / 2)
    assert metrics.log_loss == pytest.approx((-log(0.8) - log(1e-6)) / 2)


def test_nothing_automatic_has_no_precision() -> None:
    metrics = evaluate([predict("甲", 0.8, "乙")], ["甲"])
    assert (metrics.coverage, metrics.precision) == (0.0, None)


def test_accuracy_and_macro_f1_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = ["甲", "乙", "丙", "丁", "戊"]
    gold = rng.choice(labels, 300).tolist()
    first = [g if rng.random() < 0.6 else str(rng.choice(labels[:3])) for g in gold]
    metrics = evaluate([predict(f, 0.5, *(x for x in labels if x != f)) for f in first], gold)
    assert metrics.accuracy == pytest.approx(accuracy_score(gold, first))
    assert metrics.macro_f1 == pytest.approx(f1_score(gold, first, average="macro"))


def test_honest_probabilities_have_no_calibration_error() -> None:
    probability = np.repeat([0.25, 0.75], 100)
    right = np.array([i % 4 == 0 for i in range(100)] + [i % 4 != 0 for i in range(100)])
    assert calibration_error(probability, right) == pytest.approx(0.0)
    assert calibration_error(probability, ~right) == pytest.approx(0.5)


def test_certainty_is_in_a_bin_too() -> None:
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, False])) == pytest.approx(0.5)
    assert calibration_error(np.array([0.0]), np.array([False])) == 0.0
