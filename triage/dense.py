"""The dense block: sentence vectors, by kernel ridge regression with a Gaussian kernel.

Also called a least-squares support vector machine. It is three points better than a linear
model on the same vectors, and what each text would have scored had it been left out is
exact and free (leave-one-out by the smoother's diagonal), so no folds are fitted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.encoder import Vectors, unit_rows

Scores = NDArray[np.float64]

GAMMA = 1.0
RIDGE = 0.3
LANDMARKS = 3000  # texts that carry the kernel; above it a sample of them does (Nystroem)
CHUNK = 4096
JITTER = 1e-6


class DenseModel:
    """Scores of shape (n, labels) from vectors of unit length. ``state`` is a plain dict."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def fit(
        cls,
        vectors: NDArray[np.float32],
        truth: NDArray[np.int_],
        weight: NDArray[np.float64],
        labels: int,
        seed: int,
    ) -> tuple[DenseModel, Scores] | None:
        """The model and the score of each text by a model without it, shape (n, labels).

        Args:
            vectors: shape (n, dimensions), rows of length 1.
            truth: label number of each text; weight: of each text.
            labels: how many labels there are; one without a text scores as a clear "no".

        None where there are no vectors or fewer than two labels among the texts.
        """
        mass = np.bincount(truth, weights=weight, minlength=labels)
        present = mass > 0
        if not vectors.shape[1] or present.sum() < 2:
            return None
        n = len(vectors)
        exact = vectors.astype(np.float64)  # the system below is too stiff for single precision
        chosen = np.arange(n)
        if n > LANDMARKS:
            chosen = np.sort(np.random.default_rng(seed).choice(n, LANDMARKS, replace=False))
        landmarks = exact[chosen]
        # every label weighs the same, as an office with one flooded section wants it
        balanced = weight * (mass.sum() / (present.sum() * np.maximum(mass, 1e-9)))[truth]
        middle = -1 + 2 / present.sum()
        target = np.where(truth[:, None] == np.arange(labels), 1.0, -1.0) - middle
        normal = RIDGE * _kernel(landmarks, landmarks) + JITTER * np.eye(len(landmarks))
        right = np.zeros((len(landmarks), labels))
        for rows in _chunks(n):
            kernel = _kernel(exact[rows], landmarks)
            normal += kernel.T @ (kernel * balanced[rows, None])
            right += kernel.T @ (target[rows] * balanced[rows, None])
        inverse = np.linalg.inv(normal)
        slope = inverse @ right
        slope[:, ~present] = 0.0
        offset = np.where(present, middle, -1.0)
        left_out = np.zeros((n, labels))
        for rows in _chunks(n):
            kernel = _kernel(exact[rows], landmarks)
            leverage = np.einsum("nm,nm->n", kernel @ inverse, kernel) * balanced[rows]
            fitted = kernel @ slope
            spare = np.maximum(1 - leverage, 1e-3)[:, None]
            left_out[rows] = target[rows] - (target[rows] - fitted) / spare
        left_out[:, ~present] = 0.0
        model = cls({"landmarks": vectors[chosen], "slope": slope.astype(np.float32), "offset": offset})
        return model, left_out + offset

    def scores(self, vectors: Vectors) -> Scores:
        """Shape (n, labels)."""
        kernel = _kernel(vectors, self.state["landmarks"])
        return np.asarray(kernel @ self.state["slope"] + self.state["offset"], dtype=np.float64)


def _chunks(n: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, n, CHUNK)]


def _kernel(a: NDArray[Any], b: NDArray[Any]) -> Scores:
    """Gaussian kernel of rows of length 1 (or 0), shape (len(a), len(b))."""
    return np.asarray(np.exp(2 * GAMMA * (a @ b.T - 1)))


def centred(vectors: Vectors, mean: NDArray[Any]) -> NDArray[np.float32]:
    """Vectors without what all texts share, at length 1."""
    return unit_rows(vectors - mean).astype(np.float32)
