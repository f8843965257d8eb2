"""Sets of labels with a coverage promise: "the right section is among these two, 95 of 100 times".

Conformal prediction: a label belongs to the set if its probability is at least the one that
95 of 100 right labels reached on cases that the model had not seen (least ambiguous sets,
Sadinle, Lei and Wasserman 2019). The promise holds on average over cases like those, however
wrong the probabilities are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PROMISE = 0.95


def learn_floor(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.int_],
    promise: float,
    stands_for: NDArray[np.float64] | None = None,
) -> float | None:
    """The probability from which a label belongs to the set; None where nothing can be promised.

    Args:
        probabilities: out-of-fold, shape (n, labels).
        truth: number of the right label for each, shape (n,).
        promise: share of cases whose set must hold the right label.
        stands_for: how many cases each stands for, shape (n,); None: 1 each.
    """
    n = len(truth)
    weight = np.ones(n) if stands_for is None else stands_for
    # so many right labels may fall below, with the next case counted as one of them
    below = (weight.sum() + 1) * (1 - promise)
    reached = probabilities[np.arange(n), truth]
    order = np.argsort(reached, kind="stable")
    fallen = np.cumsum(weight[order]) <= below + 1e-9
    return float(reached[order][fallen][-1]) if (fallen & (weight[order] > 0)).any() else None


def likely_labels(ranked: Sequence[tuple[str, float]], floor: float | None) -> tuple[str, ...]:
    """The labels of the set, most probable first, at least one; none where nothing is promised."""
    if floor is None:
        return ()
    return tuple(label for label, p in ranked if p >= floor) or (ranked[0][0],)
