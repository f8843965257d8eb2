"""Which cases hold which words: the first sieve of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.bag import Bag
from triage.pairs import CaseText, Collection, weighted_words

LARGEST = 8192  # cases a part; a larger one would make the intake that completes it wait
ASKED_WORDS = 48


@dataclass(frozen=True)
class _Part:
    """Cases ``first`` to ``first + size``: for each word the cases that hold it, with its share of their length."""

    first: int
    size: int
    ids: NDArray[np.uint32]
    starts: NDArray[np.int64]
    cases: NDArray[np.int32]
    shares: NDArray[np.float32]


class Postings:
    """Grows by small parts that are joined as they come to equal size, so that each addition is cheap.

    Weights are those of the time when a part was made: joining renews them.
    """

    def __init__(self) -> None:
        self._parts: list[_Part] = []

    @property
    def size(self) -> int:
        """Cases inside."""
        return self._parts[-1].first + self._parts[-1].size if self._parts else 0

    def extend(self, cases: Sequence[CaseText], among: Collection) -> None:
        """Take in all cases from position ``size`` on; ``cases`` are all there are."""
        while self.size < len(cases):
            first, size = self.size, min(LARGEST, len(cases) - self.size)
            while self._parts and self._parts[-1].size <= size and self._parts[-1].size + size <= LARGEST:
                last = self._parts.pop()
                first, size = last.first, last.size + size
            self._parts.append(_make_part(first, [c.bag for c in cases[first : first + size]], among))

    def scores(self, bag: Bag, among: Collection) -> NDArray[np.float32]:
        """Cosine of the bag's weightiest words with every case inside, shape (size,)."""
        scores = np.zeros(self.size, dtype=np.float32)
        if not len(bag):
            return scores
        weights = weighted_words(bag, among)
        length = float(np.sqrt((weights**2).sum())) or 1.0
        # the rest is what most texts hold: it moves no case before another
        asked = np.sort(np.argsort(-weights, kind="stable")[:ASKED_WORDS])
        ids, shares = bag["id"][asked], (weights[asked] / length).astype(np.float32)
        for part in self._parts:
            if not len(part.ids):  # cases without a single word
                continue
            at = np.searchsorted(part.ids, ids)
            at[at == len(part.ids)] = 0
            for i, share in zip(at[part.ids[at] == ids], shares[part.ids[at] == ids], strict=True):
                inside = slice(part.starts[i], part.starts[i + 1])
                scores[part.first + part.cases[inside]] += share * part.shares[inside]
        return scores


def _make_part(first: int, bags: Sequence[Bag], among: Collection) -> _Part:
    sizes = [len(b) for b in bags]
    case = np.repeat(np.arange(len(bags), dtype=np.int32), sizes)
    whole = np.concatenate(bags)
    values = weighted_words(whole, among)
    length = np.sqrt(np.bincount(case, values**2, minlength=len(bags)))
    shares = (values / np.where(length > 0, length, 1.0)[case]).astype(np.float32)
    order = np.argsort(whole["id"], kind="stable")
    ids, starts = np.unique(whole["id"][order], return_index=True)
    return _Part(first, len(bags), ids, np.append(starts, len(order)), case[order], shares[order])
