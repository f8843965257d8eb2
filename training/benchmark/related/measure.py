"""The figures of one system in one part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from training.benchmark.related.figures import Curve, Pair, chains, mutual, of_queries, ranking, share
from training.benchmark.related.gold import Gold
from training.benchmark.related.ours import OurScorer, Proposal, in_time_order
from training.benchmark.related.proposals import write_pairs
from training.benchmark.related.scorers import PairScorer

DUPLICATES = "duplicates.csv"
FLAGGED = "flagged.csv"


def measure(part: str, scorer: PairScorer, gold: Gold, out: Path) -> dict[str, Any]:
    """Figures of a fitted scorer, ready for JSON; files for a person go into ``out``."""
    if part == "issues":
        return of_issues(scorer, gold)
    if part == "resubmissions":
        return of_resubmissions(scorer, gold, out)
    if part == "titles":
        return of_titles(scorer, gold)
    assert isinstance(scorer, OurScorer)
    return of_stream(scorer, gold, out)


def of_issues(scorer: PairScorer, gold: Gold) -> dict[str, Any]:
    """Each text of a group asked against all others of the pool."""
    found = of_queries({i: ranking(scorer.scores(i), i) for i in gold.partners()}, gold)
    return {"texts": len(gold.rows), **found}


def of_resubmissions(scorer: PairScorer, gold: Gold, out: Path) -> dict[str, Any]:
    """Whether the same text sent again is found; of ours also what it calls a duplicate."""
    right = gold.pairs()
    found: dict[str, Any] = {
        "found": mutual({i: ranking(scorer.scores(i), i) for i in gold.partners()}, right)
    }
    if isinstance(scorer, OurScorer):
        named = [p for p in scorer.proposals() if p.kind == "duplicate"]
        new = [p for p in named if p.pair not in right]
        found["flagged"] = share(len(named) - len(new), len(right))
        found["duplicates"] = {"all": len(named), "not_listed": len(new)}
        found["file"] = {DUPLICATES: write_pairs(out / DUPLICATES, gold.rows, new)}
    return found


def of_titles(scorer: PairScorer, gold: Gold) -> dict[str, Any]:
    """All pairs of titles in order of score, and the partners among the first ten."""
    matrix = np.array([scorer.scores(i) for i in range(len(gold.rows))])
    found = Curve.of(matrix, gold).figures(len(gold.rows))
    queries = of_queries({i: ranking(matrix[i], i) for i in gold.partners()}, gold)
    found["recall"] = queries["recall"]
    if isinstance(scorer, OurScorer):
        found.update(_flags([p.pair for p in scorer.proposals()], gold))
    return found


def of_stream(scorer: OurScorer, gold: Gold, out: Path) -> dict[str, Any]:
    """Texts in the order in which they came, each against the earlier ones."""
    proposals = in_time_order(gold.rows, scorer.answers)
    chain = chains([p.pair for p in proposals], len(gold.rows))
    return {
        "texts": len(gold.rows),
        "flagged": len(proposals),
        "asked_with_flags": len({p.asked for p in proposals}),
        "kinds": dict(sorted(Counter(p.kind for p in proposals).items())),
        "largest_chain": int(np.bincount(chain).max()),
        **_inside(proposals, chain.tolist(), gold),
        "file": {FLAGGED: write_pairs(out / FLAGGED, gold.rows, proposals)},
    }


def _inside(proposals: Iterable[Proposal], chain: list[int], gold: Gold) -> dict[str, Any]:
    flagged = {p.pair for p in proposals}

    def of(pairs: set[Pair]) -> dict[str, Any]:
        chained = sum(chain[a] == chain[b] for a, b in pairs)
        return {"direct": share(len(pairs & flagged), len(pairs)), "chained": share(chained, len(pairs))}

    groups = {name: Gold(gold.rows, {name: group}).pairs() for name, group in gold.groups.items()}
    return {
        "inside": of(gold.pairs()),
        "groups": {name: of(pairs) for name, pairs in groups.items() if pairs},
    }


def _flags(flagged: list[Pair], gold: Gold) -> dict[str, Any]:
    right = gold.pairs()
    hits = len(right & set(flagged))
    return {"flags_right": share(hits, len(flagged)), "flags_found": share(hits, len(right))}
