"""Why two suggestions are thought to belong together: the words they share, and where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from triage.bag import bag_of, id_of
from triage.pairs import CaseText, Collection
from triage.reading import Suggestion
from triage.text import Segmenter, clean, title_core
from triage.words import is_known, is_place, matter_words

SHOWN = 6


@dataclass(frozen=True)
class Comparison:
    """Words of two suggestions: in both, only in the first, only in the second; weightiest first."""

    shared: tuple[str, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def words_of(suggestion: Suggestion, segmenter: Segmenter) -> dict[int, str]:
    """The words of a suggestion by their numbers."""
    title = matter_words(title_core(suggestion.title), segmenter)
    return {id_of(word): word for word in [*title, *matter_words(clean(suggestion.body), segmenter)]}


def shared_terms(
    words: Mapping[int, str],
    case: CaseText,
    weights: NDArray[np.float64],
    other: CaseText,
    segmenter: Segmenter,
) -> tuple[str, ...]:
    """The shared words that say most, those of both titles first.

    Args:
        words: of ``case``, see words_of.
        weights: of each word of its bag, see Collection.rarity.
    """
    ids, own, theirs = np.intersect1d(
        case.bag["id"], other.bag["id"], assume_unique=True, return_indices=True
    )
    in_titles = 1 + (case.bag["title"][own] > 0).astype(int) + (other.bag["title"][theirs] > 0)
    weighed = zip(ids.tolist(), (weights[own] * in_titles).tolist(), strict=True)
    return _telling({words[i]: weight for i, weight in weighed if i in words}, segmenter)


def compare(first: Suggestion, second: Suggestion, segmenter: Segmenter, among: Collection) -> Comparison:
    """What two suggestions share and where they differ."""
    sides = []
    for suggestion in (first, second):
        title = matter_words(title_core(suggestion.title), segmenter)
        words = title + matter_words(clean(suggestion.body), segmenter)
        bag = bag_of(words, title)
        named = words_of(suggestion, segmenter)
        weights = dict(zip(bag["id"].tolist(), among.rarity(bag).tolist(), strict=True))
        sides.append({named[i]: weights[i] * (1 + (named[i] in title)) for i in weights})
    a, b = sides
    return Comparison(
        shared=_telling({w: a[w] + b[w] for w in a.keys() & b.keys()}, segmenter),
        only_first=_telling({w: a[w] for w in a.keys() - b.keys()}, segmenter, places=True),
        only_second=_telling({w: b[w] for w in b.keys() - a.keys()}, segmenter, places=True),
    )


def _telling(weighed: Mapping[str, float], segmenter: Segmenter, *, places: bool = False) -> tuple[str, ...]:
    """Known words and places by weight; 停车场 says what its parts 停车 and 车场 would say again."""
    kept: list[str] = []
    for word in sorted(weighed, key=lambda w: (-weighed[w], w)):
        worth = places if is_place(word) else is_known(word) or word in segmenter.terms
        if worth and weighed[word] > 1.0 and not any(word in k for k in kept):
            kept = [k for k in kept if k not in word] + [word]
    return tuple(kept[:SHOWN])
