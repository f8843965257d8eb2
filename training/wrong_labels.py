"""Closed cases whose label may be wrong, for a person to look at once more.

Confident learning (Northcutt, Jiang and Chuang 2021): what a model that had not seen a case says of it is
held against how sure such models are, on average, of the cases that do have a label. A case is suspect where
another label is at least that likely, and likelier than its own; the one whose own is least likely comes first.
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
CHANCE = 0.05  # false names in the sample office left clean: none


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

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "own": round(self.own, 4), "other": round(self.other, 4)}


@dataclass(frozen=True)
class LabelSuspicion:
    """One label among the suspects.

    Attributes:
        n: cases that have it; suspected: of these, how many look like another's.
        missing: cases of others that look like its own.
        stands_out: either is clearly more than the other labels have.
    """

    label: str
    n: int
    suspected: int
    missing: int
    stands_out: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def find_suspects(
    gold: Sequence[GoldExample], labels: Sequence[str], unseen: NDArray[np.float64]
) -> list[Suspect]:
    """Suspects, the least likely first; without those that somebody has looked at, or that no person decided.

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
    return sorted(found, key=lambda s: (s.own, s.case))


def _confidence(own: NDArray[np.int_], unseen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each label: the mean probability of its own cases; of one with a single case or none the mean of all."""
    of_own = unseen[np.arange(len(own)), own]
    mean = float(of_own.mean()) if len(own) else 1.0
    counts = np.bincount(own, minlength=unseen.shape[1])
    sums = np.bincount(own, weights=of_own, minlength=unseen.shape[1])
    return np.where(counts > 1, sums / np.maximum(counts, 1), mean)


def suspects_by_label(gold: Sequence[GoldExample], suspects: Sequence[Suspect]) -> list[LabelSuspicion]:
    """Every label with suspects, those that stand out first; each held against all the others."""
    sizes = Counter(g.example.label for g in gold)
    suspected, missing = Counter(s.label for s in suspects), Counter(s.likely for s in suspects)
    found = [
        LabelSuspicion(
            label=label,
            n=sizes[label],
            suspected=suspected[label],
            missing=missing[label],
            stands_out=_excess(label, suspected, sizes) or _excess(label, missing, sizes),
        )
        for label in suspected.keys() | missing.keys()
    ]
    return sorted(found, key=lambda one: (not one.stands_out, -one.suspected - one.missing, one.label))


def _excess(label: str, counts: Counter[str], sizes: Counter[str]) -> bool:
    """Whether a label has more than chance would give one of its size at the rate of all the others."""
    own, n = counts[label], sizes[label]
    others = (counts.total() - own + 1) / (sizes.total() - n + 2)
    return own >= LEAST_SUSPECTS and float(binom.sf(own - 1, max(n, own), others)) < CHANCE
