"""Short forms of sentence vectors along fixed axes, so that a database can hold and compare them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.encoder import Vectors, unit_rows

SHORT = 128  # dimensions of a short form; the columns of case_sieve have as many


@dataclass(frozen=True)
class Axes:
    """The mean of an office's vectors and the main directions around it.

    Attributes:
        mean: shape (dimensions,); directions: shape (dimensions, at most SHORT).
    """

    mean: Vectors
    directions: Vectors

    @classmethod
    def of(cls, vectors: Vectors) -> Axes:
        """Main directions of n vectors, shape (n, dimensions)."""
        mean = vectors.mean(axis=0).astype(np.float32)
        centred = unit_rows(vectors - mean)
        directions = np.linalg.eigh(centred.T @ centred)[1][:, -SHORT:]
        return cls(mean, np.ascontiguousarray(directions, dtype=np.float32))

    @classmethod
    def from_bytes(cls, mean: bytes, directions: bytes) -> Axes:
        """What was kept as float32 bytes."""
        first = np.frombuffer(mean, dtype="<f4")
        return cls(first, np.frombuffer(directions, dtype="<f4").reshape(len(first) or 1, -1))

    def shorten(self, vectors: Vectors) -> Vectors:
        """Short forms of n vectors, shape (n, SHORT); their products are cosines, nearly.

        An encoder without dimensions, or with few, leaves the rest of a row zero.
        """
        short = np.zeros((len(vectors), SHORT), dtype=np.float32)
        if len(self.mean):
            seen = unit_rows(vectors.astype(np.float32) - self.mean) @ self.directions
            short[:, : seen.shape[1]] = seen
        return short
