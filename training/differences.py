"""How far two groups differ, and how far that may be chance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.bootstrap import DRAWS, resampled_means
from triage.ledger.year import Share

SEED = 0


def mean_difference(before: NDArray[np.float64], now: NDArray[np.float64]) -> dict[str, float]:
    """Of the means, with 95 % by bootstrap; neither group may be empty."""
    rng = np.random.default_rng(SEED)
    drawn = resampled_means(now, rng) - resampled_means(before, rng)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return _rounded(float(now.mean() - before.mean()), float(low), float(high))


def rate_difference(before: tuple[int, int], now: tuple[int, int]) -> dict[str, float]:
    """Of two shares (so many of so many, of some each), with 95 % after Newcombe (from the Wilson intervals)."""
    shares = [Share(*before), Share(*now)]
    a, b = (share.rate or 0.0 for share in shares)
    (a_low, a_high), (b_low, b_high) = (share.interval or (0.0, 1.0) for share in shares)
    value = b - a
    low = value - float(np.hypot(b - b_low, a_high - a))
    high = value + float(np.hypot(b_high - b, a - a_low))
    return _rounded(value, low, high)


def changed_shares(before: Mapping[str, int], now: Mapping[str, int]) -> dict[str, Any]:
    """How labels are spread in two groups.

    Returns:
        labels: each with its counts and shares, and whether its own difference is clear; test: the
        distance of both spreads (total variation: the share of cases that would have to move) and
        how often chance alone makes it as large (permutation); None where a group is empty.
    """
    names = sorted({*before, *now}, key=lambda name: (-now.get(name, 0), -before.get(name, 0), name))
    a, b = (np.array([counts.get(name, 0) for name in names]) for counts in (before, now))
    n, m = int(a.sum()), int(b.sum())
    labels = []
    for name, x, y in zip(names, a.tolist(), b.tolist(), strict=True):
        difference = rate_difference((x, n), (y, m)) if n and m else None
        labels.append(
            {
                "label": name,
                "before": x,
                "now": y,
                "before_share": round(x / n, 4) if n else None,
                "now_share": round(y / m, 4) if m else None,
                "difference": difference,
                "clear": difference is not None and (difference["low"] > 0 or difference["high"] < 0),
            }
        )
    if not n or not m:
        return {"labels": labels, "test": None}
    distance = float(np.abs(a / n - b / m).sum() / 2)
    drawn = np.random.default_rng(SEED).multivariate_hypergeometric(a + b, n, size=DRAWS)
    by_chance = np.abs(drawn / n - (a + b - drawn) / m).sum(axis=1) / 2
    chance = (1 + int((by_chance >= distance - 1e-12).sum())) / (1 + DRAWS)
    return {"labels": labels, "test": {"distance": round(distance, 4), "chance": round(chance, 4)}}


def _rounded(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}
