"""From an error budget to thresholds; auto or review, always with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

# How sure we want to be that the error among automatic labels stays inside the budget, and how
# far a single label may exceed it: docs/decisions/0007-error-budget.md says what they cost.
CONFIDENCE = 0.8
LABEL_EXCESS = 2.0


@dataclass(frozen=True)
class Thresholds:
    """What a model learned about when it may decide by itself, for one target.

    Attributes:
        budget: share of wrong labels allowed among automatic ones.
        pooled: probability from which a first label is taken, or None: never.
        by_label: labels that need a probability of their own; None: never automatic.
        reason: why nothing is automatic, in the user's words; empty otherwise.
        coverage, precision: share routed and share right among those, out of fold.
        examples: how many out-of-fold predictions this was learned on.
    """

    budget: float
    pooled: float | None = None
    by_label: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""
    coverage: float = 0.0
    precision: float | None = None
    examples: int = 0

    def needed(self, label: str) -> float | None:
        """Probability from which ``label`` may be decided automatically; None: never."""
        return self.by_label.get(label, self.pooled)

    def decide(self, label: str, probability: float) -> tuple[bool, str]:
        """Whether to decide automatically, and why in the user's words."""
        if self.pooled is None:
            return False, self.reason
        needed = self.needed(label)
        if needed is None:
            return False, f"“{label}”的历史样例不足以保证差错率,一律人工认定"
        if probability < needed:
            return False, f"把握 {percent(probability)},低于自动认定所需的 {percent(needed)}"
        return True, f"把握 {percent(probability)},达到自动认定所需的 {percent(needed)}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def percent(probability: float) -> str:
    """A model's probability for people; rounding must not turn it into a certainty."""
    return ">99%" if probability >= 0.995 else f"{probability:.0%}"


def error_bound(wrong: float, total: float) -> float:
    """Upper end of the error rate at CONFIDENCE (Clopper-Pearson), 1.0 for no cases.

    Numbers need not be whole: weighted cases count as so many equal ones as tell as much.
    """
    if total <= 0 or wrong >= total:
        return 1.0
    return float(betaincinv(wrong + 1, total - wrong, CONFIDENCE))


def learn_thresholds(
    labels: Sequence[str],
    probabilities: NDArray[np.float64],
    right: NDArray[np.bool_],
    budget: float,
    untrained: Sequence[str] = (),
    stands_for: NDArray[np.float64] | None = None,
) -> Thresholds:
    """Thresholds from out-of-fold predictions.

    Args:
        labels: first label of each prediction, length n.
        probabilities: its probability, shape (n,).
        right: whether it was right, shape (n,).
        budget: share of wrong labels allowed.
        untrained: labels without an example: nothing is known of how often they are wrong.
        stands_for: how many cases each prediction stands for, shape (n,); None: 1 each. Where the
            router decides most cases, those that people saw are the hard ones; one that was
            drawn from the router's own stands for as many of these as one in so many was drawn.

    The lowest probability is taken at which the error among everything above it is inside the
    budget with CONFIDENCE. A label whose own cases above it are, with the same confidence,
    wrong more than LABEL_EXCESS times as often gets a higher one, or none.
    """
    weight = np.ones(len(labels)) if stands_for is None else stands_for
    n = int((weight > 0).sum())
    pooled = _lowest(probabilities, right, weight, budget)
    if pooled is None:
        least = next(m for m in range(1, 10_000) if error_bound(0, m) <= budget) if budget else 0
        reason = (
            f"已办结样例只有 {n} 件,至少要 {least} 件才可能保证差错率不超过 {budget:.0%},全部人工认定"
            if n < least
            else f"在 {n} 件已办结样例上,没有哪个把握程度能保证差错率不超过 {budget:.0%},全部人工认定"
        )
        return Thresholds(budget=budget, reason=reason, examples=n)
    by_label: dict[str, float | None] = {}
    names = np.array(labels)
    for label in sorted(set(labels)):
        own = names == label
        above = own & (probabilities >= pooled)
        total = float(_effective(weight[above].sum(), (weight[above] ** 2).sum()))
        wrong = total * _share(~right[above], weight[above])
        # one wrong of few proves nothing; only a clear excess moves a label off the pool
        if wrong and float(betaincinv(wrong, total - wrong + 1, 1 - CONFIDENCE)) > LABEL_EXCESS * budget:
            by_label[label] = _lowest(probabilities[own], right[own], weight[own], LABEL_EXCESS * budget)
    by_label |= dict.fromkeys(untrained)
    needed = np.array([by_label.get(x, pooled) for x in labels], dtype=float)
    routed = probabilities >= needed  # None became nan: never routed
    return Thresholds(
        budget=budget,
        pooled=pooled,
        by_label=by_label,
        coverage=_share(routed, weight),
        precision=_share(right[routed], weight[routed]) if weight[routed].any() else None,
        examples=n,
    )


def _lowest(
    probabilities: NDArray[np.float64], right: NDArray[np.bool_], weight: NDArray[np.float64], budget: float
) -> float | None:
    order = np.argsort(-probabilities, kind="stable")
    mass, squares = np.cumsum(weight[order]), np.cumsum(weight[order] ** 2)
    wrong = np.cumsum(weight[order] * ~right[order])
    found = None
    for i, position in enumerate(order):
        last_of_ties = i + 1 == len(order) or (probabilities[order[i + 1]] < probabilities[position])
        if last_of_ties and mass[i] > 0:
            total = _effective(mass[i], squares[i])
            if error_bound(total * wrong[i] / mass[i], total) <= budget:
                found = float(probabilities[position])
    return found


def _effective(mass: float, squares: float) -> float:
    """How many equal cases tell as much as those with this sum of weights and of their squares (Kish)."""
    return mass**2 / squares if squares else 0.0


def _share(what: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    mass = float(weight.sum())
    return float(weight[what].sum()) / mass if mass else 0.0
