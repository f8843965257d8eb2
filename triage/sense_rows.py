"""Sentence vectors of many cases, and which of them are nearest to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from triage.encoder import Vectors, unit_rows

EXACT = 4096  # up to so many vectors are compared whole; beyond, along their main directions first
DIRECTIONS = 128


class SenseRows:
    """Vectors in half precision, and beyond EXACT a short form for the first sieve."""

    def __init__(self, dimensions: int) -> None:
        self._rows = np.zeros((0, dimensions), dtype=np.float16)
        self._used = 0
        self._mean = np.zeros(dimensions, dtype=np.float32)
        self._axes: Vectors | None = None
        self._short: Vectors = np.zeros((0, 0), dtype=np.float32)
        self._done = 0  # rows that have their short form
        self._axes_from = 0

    def __len__(self) -> int:
        return self._used

    def add(self, vectors: Vectors) -> None:
        """n more rows, shape (n, dimensions)."""
        total = self._used + len(vectors)
        if total > len(self._rows):
            room = max(256, total + total // 4)
            grown = np.zeros((room, self._rows.shape[1]), dtype=np.float16)
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        self._rows[self._used : total] = vectors
        self._used = total

    def rows(self, chosen: NDArray[np.int64]) -> Vectors:
        """The chosen rows, shape (len(chosen), dimensions)."""
        return self._rows[chosen].astype(np.float32)

    def scores(self, vector: Vectors, mean: Vectors) -> NDArray[np.float32]:
        """Cosine with every row, both less the mean; beyond EXACT rows as seen along their main directions."""
        if not self._rows.shape[1]:
            return np.zeros(self._used, dtype=np.float32)
        self._shorten(mean)
        centred = unit_rows((vector.astype(np.float32) - self._mean)[None, :])[0]
        asked = centred if self._axes is None else centred @ self._axes
        return np.asarray(self._short[: self._used] @ asked, dtype=np.float32)

    def _shorten(self, mean: Vectors) -> None:
        """Bring the short form up to date; all of it when there are four times as many rows."""
        if not self._done or (self._done < self._used and self._used >= 4 * self._axes_from):
            self._mean, self._axes_from, self._done = mean.copy(), max(64, self._used), 0
            self._axes = None
            if self._used > EXACT:
                sample = np.linspace(0, self._used - 1, EXACT).astype(np.int64)
                centred = unit_rows(self.rows(sample) - self._mean)
                self._axes = np.linalg.eigh(centred.T @ centred)[1][:, -DIRECTIONS:].astype(np.float32)
        width = self._rows.shape[1] if self._axes is None else DIRECTIONS
        if len(self._short) < self._used or self._short.shape[1] != width:
            grown = np.zeros((len(self._rows), width), dtype=np.float32)
            if self._done:
                grown[: self._done] = self._short[: self._done]
            self._short = grown
        while self._done < self._used:
            part = slice(self._done, min(self._done + EXACT, self._used))
            centred = unit_rows(self._rows[part].astype(np.float32) - self._mean)
            self._short[part] = centred if self._axes is None else centred @ self._axes
            self._done = part.stop
