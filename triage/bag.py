"""The words of a case as numbers: what the index keeps in memory and in the ledger.

A word is known by a hash of 32 bits, so every process and every database gives it the
same number without a shared list of words; among 300,000 words about ten share a number.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from triage.words import BACKGROUND, expected_texts, is_matter_noun, kind_weight

# count: how often, the title's words counting more; title: 1 in the title, 2 there and able
# to name a matter; kind and expected: see triage.words
WORD = np.dtype(
    [("id", "<u4"), ("count", "u1"), ("title", "u1"), ("kind", "<f4"), ("expected", "<f4")], align=False
)
Bag = NDArray[np.void]


@lru_cache(maxsize=200_000)
def id_of(word: str) -> int:
    """The number of a word."""
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


def bag_of(words: Mapping[str, int], title_words: Mapping[str, int]) -> Bag:
    """The words of one case, by rising number.

    Args:
        words: counts over title and body; title_words: counts in the title alone.
    """
    rows = {}
    for word, count in words.items():
        in_title = (2 if is_matter_noun(word) else 1) if word in title_words else 0
        rows[id_of(word)] = (
            id_of(word),
            min(count, 255),
            in_title,
            kind_weight(word),
            expected_texts(word),
        )
    return np.array([rows[i] for i in sorted(rows)], dtype=WORD)


def rarity_of(bag: Bag, texts_with: NDArray[np.int64], texts: int) -> NDArray[np.float64]:
    """Inverse document frequency of each word of a bag, smoothed by the dictionary, times its kind's weight.

    Args:
        texts_with: in how many of the ``texts`` texts each word stands, shape (len(bag),).
    """
    seen = np.log((texts + BACKGROUND + 1) / (texts_with + bag["expected"] + 1))
    return np.asarray(seen * bag["kind"], dtype=float)
