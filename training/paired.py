"""Two models on the same cases: what differs, and how much of it may be chance (paired bootstrap)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import resampled_means
from training.evaluate import calibration_error
from triage.prediction import Prediction

CALIBRATION_DRAWS = 500  # each is binned anew
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Challenger less champion in one figure.

    Attributes:
        value: as measured; low, high: 95 % of the draws lie between them.
        worse: share of the draws in which the challenger does worse; level ones count half.
    """

    value: float
    low: float
    high: float
    worse: float

    def to_dict(self) -> dict[str, Any]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Sides:
    """What both models said of the same n cases.

    Attributes:
        right: shape (2, n), the challenger's first, then the champion's.
        first: probability of the first label; loss: -log of the right label's, floored at 1e-6; both (2, n).
    """

    right: NDArray[np.bool_]
    first: Numbers
    loss: Numbers

    @classmethod
    def of(
        cls, challenger: Sequence[Prediction], champion: Sequence[Prediction], truth: Sequence[str]
    ) -> Sides:
        """Of n predictions each and the n right labels."""
        both = (challenger, champion)
        right = [[p.label == label for p, label in zip(side, truth, strict=True)] for side in both]
        loss = [
            [-np.log(max(1e-6, dict(p.ranked).get(label, 0.0))) for p, label in zip(side, truth, strict=True)]
            for side in both
        ]
        return cls(
            np.array(right), np.array([[p.probability for p in side] for side in both]), np.array(loss)
        )

    def accuracy(self, *, seed: int) -> Difference:
        """In the share right; more is better."""
        return share_difference(self.right[0].astype(float) - self.right[1], seed=seed)

    def log_loss(self, *, seed: int) -> Difference:
        """In the mean log loss; less is better."""
        return mean_difference(self.loss[0] - self.loss[1], seed=seed, more_is_better=False)

    def calibration(self, *, seed: int) -> Difference:
        """In the calibration error of the first label's probability; less is better."""

        def gap(rows: NDArray[Any]) -> float:
            ours, theirs = (calibration_error(self.first[k, rows], self.right[k, rows]) for k in (0, 1))
            return ours - theirs

        n = self.right.shape[1]
        rng = np.random.default_rng(seed)
        drawn = np.array([gap(rng.integers(0, n, size=(n,))) for _ in range(CALIBRATION_DRAWS)])
        return _summary(gap(np.arange(n)), drawn, more_is_better=False)


def share_difference(gap: Numbers, *, seed: int) -> Difference:
    """In the share right, of n cases' gaps of -1, 0 or 1, shape (n,).

    One case won and one lost are added to what is drawn from: else three lost of three that differ,
    which a fair coin gives one time in eight, would be lost in nearly every draw.
    """
    found = mean_difference(np.concatenate([gap, [1.0, -1.0]]), seed=seed)
    return replace(found, value=float(gap.mean()))


def mean_difference(gap: Numbers, *, seed: int, more_is_better: bool = True) -> Difference:
    """Of n cases' gaps, shape (n,): their mean with its bootstrap."""
    drawn = resampled_means(gap, np.random.default_rng(seed))
    return _summary(float(gap.mean()), drawn, more_is_better=more_is_better)


def _summary(value: float, drawn: Numbers, *, more_is_better: bool) -> Difference:
    low, high = np.quantile(drawn, [0.025, 0.975])
    bad = drawn < -1e-12 if more_is_better else drawn > 1e-12
    level = np.abs(drawn) <= 1e-12
    return Difference(value, float(low), float(high), float(bad.mean() + level.mean() / 2))
