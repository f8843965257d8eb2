"""The dense block: kernel ridge on sentence vectors, and its leave-one-out scores."""

from __future__ import annotations

import numpy as np
import pytest

from triage import dense
from triage.dense import DenseModel
from triage.encoder import unit_rows


def cloud(n: int, labels: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n vectors of length 1 around one direction a label, with the label of each."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % labels
    centres = rng.normal(size=(labels, 16))
    return unit_rows(centres[truth] + rng.normal(size=(n, 16))).astype(np.float32), truth


def test_a_left_out_score_is_that_of_a_model_without_the_text() -> None:
    vectors, truth = cloud(60, 3)
    weight = np.ones(60)
    fitted = DenseModel.fit(vectors, truth, weight, 3, seed=0)
    assert fitted is not None
    for i in (0, 17, 59):
        rest = np.delete(np.arange(60), i)
        kernel = np.exp(2 * (vectors @ vectors.T - 1))
        target = np.where(truth[:, None] == np.arange(3), 1.0, -1.0) + 1 / 3
        whole = kernel[np.ix_(rest, rest)] + dense.RIDGE * np.eye(59)
        direct = kernel[i, rest] @ np.linalg.solve(whole, target[rest]) - 1 / 3
        assert fitted[1][i] == pytest.approx(direct, abs=1e-3)


def test_a_label_without_a_text_scores_as_a_clear_no() -> None:
    vectors, truth = cloud(30, 2)
    fitted = DenseModel.fit(vectors, truth, np.ones(30), 3, seed=0)
    assert fitted is not None
    model, left_out = fitted
    assert (left_out[:, 2] == -1).all()
    assert (model.scores(vectors)[:, 2] == -1).all()
    assert (model.scores(vectors)[:, :2].argmax(axis=1) == truth).mean() > 0.9


@pytest.mark.parametrize("dimensions", [0, 16])
def test_nothing_to_tell_apart_gives_no_model(dimensions: int) -> None:
    vectors = np.zeros((4, dimensions), dtype=np.float32)
    truth = np.zeros(4, dtype=int)
    assert DenseModel.fit(vectors, truth, np.ones(4), 2, seed=0) is None


def test_a_sample_of_the_texts_carries_the_kernel_where_there_are_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vectors, truth = cloud(600, 4)
    whole = DenseModel.fit(vectors, truth, np.ones(600), 4, seed=0)
    monkeypatch.setattr(dense, "LANDMARKS", 150)
    monkeypatch.setattr(dense, "CHUNK", 100)
    sampled = DenseModel.fit(vectors, truth, np.ones(600), 4, seed=0)
    assert whole is not None
    assert sampled is not None
    assert len(sampled[0].state["landmarks"]) == 150
    new, new_truth = cloud(200, 4, seed=0)
    same = (sampled[0].scores(new).argmax(axis=1) == whole[0].scores(new).argmax(axis=1)).mean()
    assert same > 0.9
    assert (sampled[0].scores(new).argmax(axis=1) == new_truth).mean() > 0.8
