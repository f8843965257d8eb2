"""Nearest sentence vectors, compared whole or along their main directions."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from triage import sense_rows
from triage.sense_rows import SenseRows

Vectors = NDArray[np.float32]


def clustered(count: int) -> Vectors:
    """Unit vectors around ten centres, shape (count, 64)."""
    draw = np.random.default_rng(3)
    centres = draw.normal(size=(10, 64))
    rows = centres[np.arange(count) % 10] + 0.3 * draw.normal(size=(count, 64))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def filled(rows: Vectors) -> SenseRows:
    kept = SenseRows(rows.shape[1])
    for row in rows:
        kept.add(row[None, :])
    return kept


def cosines(rows: Vectors, asked: Vectors, mean: Vectors) -> Vectors:
    centred, own = rows - mean, asked - mean
    return centred @ own / (np.linalg.norm(centred, axis=1) * np.linalg.norm(own))


def test_few_vectors_are_compared_exactly() -> None:
    rows = clustered(300)
    mean = rows.mean(axis=0)
    kept = filled(rows)
    assert len(kept) == 300
    assert kept.scores(rows[5], mean) == pytest.approx(cosines(rows, rows[5], mean), abs=2e-3)


def test_many_vectors_still_find_their_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sense_rows, "EXACT", 100)
    monkeypatch.setattr(sense_rows, "DIRECTIONS", 16)
    rows = clustered(900)
    mean = rows.mean(axis=0)
    kept = filled(rows)
    for asked in range(0, 900, 45):
        nearest = np.argsort(-cosines(rows, rows[asked], mean))[:5]
        sieved = np.argsort(-kept.scores(rows[asked], mean))[:90]
        assert set(nearest.tolist()) <= set(sieved.tolist())


def test_vectors_are_kept_in_half_precision() -> None:
    rows = clustered(3)
    kept = filled(rows)
    assert np.array_equal(kept.rows(np.array([2, 0])), rows[[2, 0]].astype(np.float16).astype(np.float32))
    assert not np.array_equal(kept.rows(np.array([2, 0])), rows[[2, 0]])


def test_rows_added_between_two_searches_are_found() -> None:
    rows = clustered(600)
    kept = filled(rows[:10])
    kept.scores(rows[0], rows.mean(axis=0))
    for row in rows[10:]:
        kept.add(row[None, :])
        last = kept.scores(row, rows.mean(axis=0))
    assert int(np.argmax(last)) == 599


def test_without_an_encoder_every_score_is_zero() -> None:
    nothing = np.zeros(0, dtype=np.float32)
    kept = filled(np.zeros((4, 0), dtype=np.float32))
    assert kept.scores(nothing, nothing).tolist() == [0.0] * 4
