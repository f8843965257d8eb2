"""Figures of one system's scores: rankings, curves over all pairs, and their bootstrap intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from training.benchmark.figures import REPEATS, wilson
from training.benchmark.related.gold import Gold

Scores = NDArray[np.float64]
Pair = tuple[int, int]
FIRST = 10  # a person looks at this many
PRECISE = 5


def ranking(scores: Scores, query: int, first: int = FIRST) -> list[int]:
    """Positions of the nearest texts, best first, at most ``first``; of equal ones the earlier first.

    A text with a score of 0 or less is not listed: that is what systems with a cut give the rest.
    """
    order = [int(i) for i in np.argsort(-scores, kind="stable")[: first + 1] if i != query]
    return [i for i in order[:first] if scores[i] > 0]


def recall(found: Sequence[int], right: set[int]) -> float:
    """Share of the right ones found, of as many as the list has room for."""
    return len(right.intersection(found[:FIRST])) / min(FIRST, len(right))


def precision(found: Sequence[int], right: set[int]) -> float:
    """Share of the first PRECISE places that hold a right one; an empty place is a wrong one."""
    return len(right.intersection(found[:PRECISE])) / PRECISE


def mean(values: Sequence[float], seed: int = 0) -> dict[str, Any]:
    """Mean, and its 95 % bootstrap interval over the values."""
    own = np.array(values, dtype=float)
    draws = own[np.random.default_rng(seed).integers(0, len(own), (REPEATS, len(own)))].mean(axis=1)
    return {"mean": float(own.mean()), "interval": [float(x) for x in np.percentile(draws, [2.5, 97.5])]}


def share(right: int, n: int) -> dict[str, Any]:
    """A share with its counts and 95 % Wilson interval; no mean where n is 0."""
    if not n:
        return {"right": 0, "n": 0, "mean": None, "interval": None}
    return {"right": right, "n": n, "mean": right / n, "interval": list(wilson(right, n))}


def of_queries(rankings: Mapping[int, Sequence[int]], gold: Gold) -> dict[str, Any]:
    """recall@10 and precision@5 over all texts with partners, and for each group."""
    partners = gold.partners()
    recalls = {i: recall(rankings[i], right) for i, right in partners.items()}
    precisions = {i: precision(rankings[i], right) for i, right in partners.items()}
    return {
        "queries": len(partners),
        "recall": mean(list(recalls.values())),
        "precision": mean(list(precisions.values())),
        "groups": {
            name: {
                "size": len(group),
                "recall": float(np.mean([recalls[i] for i in group])),
                "precision": float(np.mean([precisions[i] for i in group])),
            }
            for name, group in gold.groups.items()
            if len(group) > 1
        },
    }


def mutual(rankings: Mapping[int, Sequence[int]], pairs: Iterable[Pair]) -> dict[str, Any]:
    """Share of the pairs of which each finds the other."""
    found = [a in rankings[b] and b in rankings[a] for a, b in pairs]
    return share(sum(found), len(found))


@dataclass(frozen=True)
class Curve:
    """All pairs of n texts in order of score, for average precision and ROC AUC.

    Attributes:
        left, right: positions of each pair's texts, best pair first; length n(n-1)/2.
        together: whether the pair belongs together.
        ends: where each run of equal scores ends (last index); equal scores are one step of the curve.
    """

    left: NDArray[np.int_]
    right: NDArray[np.int_]
    together: NDArray[np.bool_]
    ends: NDArray[np.int_]

    @staticmethod
    def of(matrix: Scores, gold: Gold) -> Curve:
        """From scores of shape (n, n), row = query; a pair has the larger of its two scores."""
        left, right = np.triu_indices(len(matrix), 1)
        scores = np.maximum(matrix[left, right], matrix[right, left])
        order = np.argsort(-scores, kind="stable")
        left, right, scores = left[order], right[order], scores[order]
        pairs = gold.pairs()
        together = np.array([pair in pairs for pair in zip(left.tolist(), right.tolist(), strict=True)])
        return Curve(left, right, together, np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1))

    def areas(self, counts: NDArray[np.int_]) -> tuple[float, float]:
        """Average precision and ROC AUC where text i was drawn ``counts[i]`` times.

        A text makes no pair with itself, however often it was drawn. NaN where all pairs that are left
        belong together, or none does.
        """
        weights = (counts[self.left] * counts[self.right]).astype(float)
        hits = np.cumsum(weights * self.together)[self.ends]
        misses = np.cumsum(weights * ~self.together)[self.ends]
        if not hits[-1] or not misses[-1]:
            return float("nan"), float("nan")
        new_hits, new_misses = np.diff(hits, prepend=0.0), np.diff(misses, prepend=0.0)
        listed = np.maximum(hits + misses, 1.0)  # 0 only before the first pair that was drawn
        auc = ((hits - new_hits / 2) * new_misses).sum() / (hits[-1] * misses[-1])
        return float((new_hits * hits / listed).sum() / hits[-1]), float(auc)

    def figures(self, texts: int, seed: int = 0) -> dict[str, Any]:
        """Average precision and ROC AUC with 95 % bootstrap intervals over ``texts`` texts."""
        random = np.random.default_rng(seed)
        values = self.areas(np.ones(texts, dtype=int))
        draws = [
            self.areas(np.bincount(random.integers(0, texts, texts), minlength=texts)) for _ in range(REPEATS)
        ]
        low, high = np.nanpercentile(np.array(draws), [2.5, 97.5], axis=0)
        return {
            name: {"mean": values[k], "interval": [float(low[k]), float(high[k])]}
            for k, name in enumerate(("average_precision", "roc_auc"))
        }


def chains(pairs: Iterable[Pair], texts: int) -> NDArray[np.int_]:
    """For each of ``texts`` texts the number of its chain: texts joined by pairs, directly or not."""
    ends = np.array(sorted(pairs), dtype=int).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(texts, texts))
    return np.asarray(connected_components(graph, directed=False)[1])
