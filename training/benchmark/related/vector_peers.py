"""Peers that compare sentence vectors and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from training.benchmark.related.figures import Scores
from training.benchmark.related.scorers import Context
from training.benchmark.tools import peer_text
from triage.documents.rows import Row
from triage.encoder import unit_rows


class VectorPeer:
    """Cosine of sentence vectors, centred on the pool's mean: what all texts share says nothing."""

    def __init__(self, context: Context, encoder: str) -> None:
        self._tools = context.tools
        self._encoder = encoder
        self._vectors: Scores = np.zeros((0, 0))

    def fit(self, rows: Sequence[Row]) -> None:
        vectors = self._tools.vectors([peer_text(row) for row in rows], self._encoder)
        self._vectors = unit_rows((vectors - vectors.mean(axis=0)).astype(float))

    def scores(self, query: int) -> Scores:
        return np.asarray(self._vectors @ self._vectors[query])
