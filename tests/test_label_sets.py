"""Sets of labels with a coverage promise."""

from __future__ import annotations

import numpy as np
import pytest

from triage.label_sets import learn_floor, likely_labels


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of shape (n, 6) that are far too sure, with the right labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 6, n)
    scores = rng.normal(size=(n, 6))
    scores[np.arange(n), truth] += 1.5
    sharp = np.exp(4 * scores)
    return sharp / sharp.sum(axis=1, keepdims=True), truth


def held(floor: float, probabilities: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Share of sets with the right label, mean size."""
    sets = []
    for row in probabilities:
        order = np.argsort(-row)
        sets.append(likely_labels([(str(k), float(row[k])) for k in order], floor))
    right = [str(k) in labels for k, labels in zip(truth, sets, strict=True)]
    return float(np.mean(right)), float(np.mean([len(labels) for labels in sets]))


@pytest.mark.parametrize("promise", [0.8, 0.9, 0.95])
def test_the_promise_holds_on_new_cases_however_wrong_the_probabilities(promise: float) -> None:
    reached = []
    for seed in range(20):
        floor = learn_floor(*draw(200, seed), promise)
        assert floor is not None
        reached.append(held(floor, *draw(500, 1000 + seed))[0])
    assert promise - 0.02 < np.mean(reached) < promise + 0.03


def test_a_higher_promise_takes_larger_sets() -> None:
    known, new = draw(400, 1), draw(400, 2)
    sizes = [held(learn_floor(*known, promise) or 0.0, *new)[1] for promise in (0.7, 0.8, 0.9, 0.95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize(("n", "given"), [(0, False), (1, False), (18, False), (19, True)])
def test_too_few_cases_promise_nothing(n: int, given: bool) -> None:
    probabilities, truth = draw(n, 0)
    assert (learn_floor(probabilities, truth, 0.95) is not None) == given


def test_a_set_is_never_empty_and_without_a_promise_there_is_none() -> None:
    ranked = [("甲", 0.4), ("乙", 0.35), ("丙", 0.25)]
    assert likely_labels(ranked, 0.9) == ("甲",)
    assert likely_labels(ranked, 0.3) == ("甲", "乙")
    assert likely_labels(ranked, None) == ()
