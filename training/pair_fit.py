"""Fitting the pair score: weights of the two ways by which cases belong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from triage.related import FITTED_ON, PairWeights, by_name, calibrated

Array = NDArray[np.float64]
MATTER_UNLABELLED = "matter_unlabelled"
WAYS = ("wording", "matter", MATTER_UNLABELLED)


@dataclass(frozen=True)
class PairSet:
    """n judged pairs of one collection.

    Attributes:
        features: see Block.features, each of shape (n,); together: whether they belong together.
        importance: how much each pair counts; cases: size of the collection.
    """

    features: Mapping[str, Array]
    together: NDArray[np.bool_]
    importance: Array
    cases: int


def fit(
    sets: Sequence[PairSet], start: PairWeights, *, hold: float, from_scratch: bool = False
) -> PairWeights:
    """Weights of maximum likelihood, held near ``start``, whose calibration and curve stay.

    Args:
        hold: how many units of log-likelihood a weight loses when it moves by its own scale
            (a fifth of its value at least 1); 0 leaves them free. Weights of similarities never
            become negative.
        from_scratch: the strengths themselves are fitted; else what the calibration makes of them.
    """
    names = {way: list(getattr(start, way)) for way in WAYS}
    first = np.array([getattr(start, way)[name] for way in WAYS for name in names[way]])
    scale = np.maximum(1.0, np.abs(first) / 5)
    cuts = np.cumsum([len(names[way]) for way in WAYS])[:-1]
    tables = [_Table(s, names, None if from_scratch else start) for s in sets]

    def loss(weights: Array) -> tuple[float, Array]:
        parts = np.split(weights, cuts)
        total, slope = 0.0, np.zeros_like(weights)
        for table in tables:
            own, slopes = table.loss(parts)
            total += own
            slope += np.concatenate(slopes)
        moved = (weights - first) / scale
        return total + hold * float(moved @ moved), slope + 2 * hold * moved / scale

    bounds = [(None, None) if n == "bias" else (0.0, None) for way in WAYS for n in names[way]]
    found = minimize(loss, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000})
    fitted = np.split(found.x, cuts)
    made = {
        way: {n: round(float(w), 3) for n, w in zip(names[way], part, strict=True)}
        for way, part in zip(WAYS, fitted, strict=True)
    }
    return replace(
        start, wording=made["wording"], matter=made["matter"], matter_unlabelled=made[MATTER_UNLABELLED]
    )


class _Table:
    """One set as columns: of the wording way, and of that matter way which fits each pair."""

    def __init__(self, pairs: PairSet, names: Mapping[str, Sequence[str]], start: PairWeights | None) -> None:
        self._weights, self._cases = start, pairs.cases
        features = {name: np.nan_to_num(values) for name, values in pairs.features.items()}
        ones = np.ones(len(pairs.together))
        labelled = ~np.isnan(pairs.features["section"])
        use = {"wording": ones > 0, "matter": labelled, MATTER_UNLABELLED: ~labelled}
        self._columns = [
            np.stack([ones if n == "bias" else features[n] for n in names[way]], axis=1) * use[way][:, None]
            for way in WAYS
        ]
        self._together, self._importance = pairs.together, pairs.importance
        self._rarer = np.log(max(1.0, pairs.cases / FITTED_ON))
        self._by_name = by_name(features["named"], pairs.cases) if start else np.zeros(len(ones))

    def loss(self, parts: Sequence[Array]) -> tuple[float, list[Array]]:
        """Negative log-likelihood and its slopes."""
        same = self._columns[0] @ parts[0] - self._rarer
        matter = self._columns[1] @ parts[1] + self._columns[2] @ parts[2] - self._rarer
        strength = np.maximum(np.logaddexp(0, same) + np.logaddexp(0, matter), 1e-12)
        if self._weights is None:
            sure = -np.expm1(-strength)
            odds, rising = strength + np.log(sure), 1.0 / sure
        else:
            odds, rising = calibrated(strength, self._weights, self._cases)
        way = 1.0 / (1.0 + np.exp(-np.clip(odds, -40, 40)))
        p = np.clip(1.0 - (1.0 - way) * (1.0 - self._by_name), 1e-12, 1.0)
        each = np.where(self._together, -np.log(p), np.logaddexp(0, odds) - np.log1p(-self._by_name))
        found = -way * (1.0 - way) * (1.0 - self._by_name) / p
        d = self._importance * np.where(self._together, found, way) * rising
        slopes = []
        for columns, own in zip(self._columns, (same, matter, matter), strict=True):
            slopes.append(columns.T @ (d / (1.0 + np.exp(-np.clip(own, -40, 40)))))
        return float((self._importance * each).sum()), slopes
