"""Closed cases whose label may be wrong, for a person to look at once more.

Confident learning (Northcutt, Jiang and Chuang 2021): what a model that had not seen a case says of it is
held against how sure such models are, on average, of the cases that do have a label. A case is suspect where
another label is at least that likely, and likelier than its own; the widest margin comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from training.gold import GoldExample

LEAST_SUSPECTS = 3  # of a label before it is named
CHANCE = 0.01


@dataclass(frozen=True)
class Suspect:
    """A case that looks like another label's.

    Attributes:
        label: as decided, under its name of today; who: who decided it.
        likely: what it looks like; own, other: probabilities of both.
    """

    case: str
    label: str
    who: str
    likely: str
    own: float
    other: float

    @property
    def margin(self) -> float:
        return self.other - self.own

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "own": round(self.own, 4), "other": round(self.other, 4)}


@dataclass(frozen=True)
class LabelSuspicion:
    """How many of a label's cases are suspect; stands_out: clearly more than of the others."""

    label: str
    n: int
    suspected: int
    stands_out: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_suspects(
    gold: Sequence[GoldExample], labels: Sequence[str], unseen: NDArray[np.float64]
) -> list[Suspect]:
    """Suspects, the clearest first; without those that somebody has looked at, or that no person decided.

    Args:
        gold: n examples, each with one of ``labels``.
        unseen: probabilities by a model that had not seen the example, shape (n, labels).
    """
    own = np.array([labels.index(g.example.label) for g in gold], dtype=int)
    confident = _confidence(own, unseen)
    found = []
    for i, one in enumerate(gold):
        if one.rechecked or not one.by_a_person:
            continue
        others = np.where(unseen[i] >= confident, unseen[i], -1.0)
        others[own[i]] = -1.0
        best = int(others.argmax())
        if others[best] > unseen[i, own[i]]:
            found.append(
                Suspect(
                    case=one.example.case,
                    label=one.example.label,
                    who=one.who,
                    likely=labels[best],
                    own=float(unseen[i, own[i]]),
                    other=float(unseen[i, best]),
                )
            )
    return sorted(found, key=lambda s: (-s.margin, s.case))


def _confidence(own: NDArray[np.int_], unseen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each label: the mean probability of its own cases; of one with a single case or none the mean of all."""
    of_own = unseen[np.arange(len(own)), own]
    mean = float(of_own.mean()) if len(own) else 1.0
    counts = np.bincount(own, minlength=unseen.shape[1])
    sums = np.bincount(own, weights=of_own, minlength=unseen.shape[1])
    return np.where(counts > 1, sums / np.maximum(counts, 1), mean)


def suspects_by_label(gold: Sequence[GoldExample], suspects: Sequence[Suspect]) -> list[LabelSuspicion]:
    """Every label with suspects, the largest share first; held against the share of all the others."""
    sizes = Counter(g.example.label for g in gold)
    counts = Counter(s.label for s in suspects)
    total, everything = sum(counts.values()), sum(sizes.values())
    found = []
    for label, suspected in counts.items():
        n = sizes[label]
        others = (total - suspected + 1) / (everything - n + 2)
        chance = float(binom.sf(suspected - 1, n, others))
        found.append(LabelSuspicion(label, n, suspected, suspected >= LEAST_SUSPECTS and chance < CHANCE))
    return sorted(found, key=lambda one: (-one.suspected / one.n, one.label))
