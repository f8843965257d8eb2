"""Mixing the blocks' scores into honest probabilities.

Each block (words and characters, sentence vectors, the duties' wording and meaning) gives
one score a label.
A few weights, shared by all labels, mix them: p = softmax(sum of weight x score). They
are learned on out-of-fold scores with a prior, so that no example at all leaves the
prior (duties decide, cautiously), few examples shift it, and many overrule it. Because
the fit minimises log loss on scores of texts the blocks had not seen, mixing is the
calibration at the same time: temperature scaling with one temperature a block.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Scores = NDArray[np.float64]

# What serves before there is an example, and pulls a little afterwards: on the cautious side of
# what fits best where only descriptions are known; see docs/decisions/0002-mixing.md.
PRIOR = {"lexical": 3.8, "dense": 1.0, "duty_wording": 1.4, "duty_meaning": 1.2}
PRIOR_STRENGTH = 1.0


def log_softmax(scores: Scores) -> Scores:
    """Row-wise log probabilities of scores with shape (n, labels)."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def learn_weights(
    blocks: dict[str, Scores], truth: NDArray[np.int_], names: Sequence[str], weight: NDArray[np.float64]
) -> dict[str, float]:
    """Non-negative weight for each named block.

    Args:
        blocks: out-of-fold scores, each of shape (n, labels).
        truth: index of the right label for each text, shape (n,); weight: of each text.
    """
    prior = np.array([PRIOR[name] for name in names])
    if not len(truth) or not len(names):
        return dict(zip(names, prior.tolist(), strict=True))
    stacked = np.stack([blocks[name] for name in names], axis=2)
    rows = np.arange(len(truth))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_p = log_softmax(stacked @ weights)
        error = np.exp(log_p)
        value = -(weight * log_p[rows, truth]).sum()
        error[rows, truth] -= 1.0
        gradient = np.einsum("n,nk,nkb->b", weight, error, stacked)
        away = weights - prior
        return (
            float(value + PRIOR_STRENGTH * (away**2).sum()),
            gradient + 2 * PRIOR_STRENGTH * away,
        )

    found = minimize(loss, prior, jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(names))
    return dict(zip(names, (float(w) for w in found.x), strict=True))


def mix(blocks: dict[str, Scores], weights: dict[str, float], n: int, labels: int) -> Scores:
    """Probabilities of shape (n, labels); rows sum to 1, evenly where no block says anything."""
    total = np.zeros((n, labels))
    for name, score in blocks.items():
        total += weights[name] * score
    return np.exp(log_softmax(total))
