"""Quality figures of predictions against gold labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.metrics import f1_score

from triage.prediction import Prediction

ECE_BINS = 10


@dataclass(frozen=True)
class Metrics:
    """Figures on n predictions; labels that the model does not know count as wrong.

    Attributes:
        log_loss: mean of -log(probability of the right label), floored at 1e-6.
        ece: expected calibration error of the first label's probability, 10 equal-width bins.
        coverage: share of cases decided automatically; precision: share right among those.
    """

    n: int
    accuracy: float
    macro_f1: float
    top3_accuracy: float
    log_loss: float
    ece: float
    coverage: float
    precision: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def evaluate(predictions: Sequence[Prediction], gold: Sequence[str]) -> Metrics:
    """Metrics of n predictions against n gold labels; n must be at least 1."""
    first = [p.label for p in predictions]
    right = np.array([a == b for a, b in zip(first, gold, strict=True)])
    probability = np.array([p.probability for p in predictions])
    auto = np.array([p.auto for p in predictions])
    top3 = [g in [label for label, _ in p.ranked[:3]] for p, g in zip(predictions, gold, strict=True)]
    return Metrics(
        n=len(gold),
        accuracy=float(right.mean()),
        macro_f1=float(f1_score(gold, first, average="macro", zero_division=0)),
        top3_accuracy=float(np.mean(top3)),
        log_loss=float(
            np.mean(
                [
                    -np.log(max(1e-6, dict(p.ranked).get(g, 0.0)))
                    for p, g in zip(predictions, gold, strict=True)
                ]
            )
        ),
        ece=calibration_error(probability, right),
        coverage=float(auto.mean()),
        precision=float(right[auto].mean()) if auto.any() else None,
    )


def calibration_error(probability: Any, right: Any) -> float:
    """Mean gap between stated probability and share right, weighed by bin size."""
    bins = np.minimum((probability * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [
        (bins == b).mean() * abs(probability[bins == b].mean() - right[bins == b].mean())
        for b in range(ECE_BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))
