"""From a block of candidates to the best pairs: the same in memory and over the database."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from triage.evidence import shared_terms, words_of
from triage.pairs import Block, Collection
from triage.reading import Suggestion
from triage.related import (
    COMPANIONS,
    DUPLICATE_CONTAINMENT,
    PairWeights,
    Related,
    containment,
    kind_of,
    probability,
    strengths,
    with_company,
)
from triage.text import Segmenter


def rank_block(
    suggestion: Suggestion,
    block: Block,
    top: int,
    *,
    weights: PairWeights,
    cases: int,
    segmenter: Segmenter,
    among: Collection,
) -> list[Related]:
    """The best ``top`` pairs of the block's first case with its others, best first.

    Args:
        suggestion: the text that the first case was made of, for the evidence.
        cases: how many cases were searched.
    """
    case, *others = block.cases
    features = block.features([0])
    # rounded, so that what is equal but for the order of a sum is ordered by key
    strong = _strengths(block, features, weights, cases).round(9)
    likely = probability(strong, features["named"][0, 1:], weights, cases)
    words = block.words([0])[0, 1:]
    same = [
        containment(case.body_codes, other.body_codes) if words[i] > 0.4 else 0.0
        for i, other in enumerate(others)
    ]
    # the same text again comes first, however little it says
    again = [text if text >= DUPLICATE_CONTAINMENT else 0.0 for text in same]
    best = sorted(range(len(others)), key=lambda i: (-again[i], -likely[i], -strong[i], others[i].key))[:top]
    own, weights_of_words = words_of(suggestion, segmenter), among.rarity(case.bag)
    return [
        Related(
            others[i].key,
            kind_of(case, others[i], same[i]),
            round(max(again[i], float(likely[i])), 4),
            shared_terms(own, case, weights_of_words, others[i], segmenter),
            {name: round(float(v[0, i + 1]), 3) for name, v in features.items() if v[0, i + 1] > 0},
        )
        for i in best
    ]


def _strengths(
    block: Block, features: Mapping[str, NDArray[np.float64]], weights: PairWeights, cases: int
) -> NDArray[np.float64]:
    """Of the block's first case, whose ``features`` are given, with all others."""
    own = strengths(features, weights, cases)[0, 1:]
    third = 1 + np.argsort(-own, kind="stable")[:COMPANIONS]
    companions = strengths(block.features(third.tolist()), weights, cases)
    companions[np.arange(len(third)), third] = 0.0  # a case is no company to itself
    return with_company(own, companions)
