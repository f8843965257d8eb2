"""Counting words or runs of characters in texts, and weighing the counts: TF-IDF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

SHORT = 2_000  # characters of a text whose parts are kept for the next counter
_SPACES = re.compile(r"\s\s+")


def word_counter() -> CountVectorizer:
    """Counts the words of texts whose words are joined by spaces."""
    return CountVectorizer(token_pattern=r"(?u)\S+", lowercase=False, dtype=np.float32)


def gram_counter(longest: int, fewest: int = 1) -> CountVectorizer:
    """Counts runs of 1 to ``longest`` characters that stand in at least ``fewest`` texts."""
    return CountVectorizer(
        analyzer="char", ngram_range=(1, longest), lowercase=False, min_df=fewest, dtype=np.float32
    )


def count(counter: CountVectorizer, texts: Sequence[str]) -> sp.csr_matrix:
    """Counts of shape (len(texts), features): what the counter's ``transform`` gives."""
    return count_beside((counter, texts))


def count_beside(*asked: tuple[CountVectorizer, Sequence[str]]) -> sp.csr_matrix:
    """Counts by several counters side by side, shape (n, features of all).

    Quicker than scikit-learn's for a few texts: what a text consists of is found out once for all
    counters, of which each target and each flag has its own.
    """
    at: list[int] = []
    counts: list[int] = []
    ends = [0]
    for row in range(len(asked[0][1])):
        before = 0
        for counter, texts in asked:
            vocabulary: dict[str, int] = counter.vocabulary_
            parts = _parts_of(texts[row], _longest(counter))
            known = [part for part in parts if part in vocabulary]
            at += [before + vocabulary[part] for part in known]
            counts += [parts[part] for part in known]
            before += len(vocabulary)
        ends.append(len(at))
    width = sum(len(counter.vocabulary_) for counter, _ in asked)
    found = sp.csr_matrix(
        (np.array(counts, dtype=np.float32), np.array(at, dtype=np.int32), np.array(ends, dtype=np.int32)),
        shape=(len(ends) - 1, width),
    )
    found.sort_indices()
    return found


def _longest(counter: CountVectorizer) -> int:
    """Of the runs of characters that it counts; 0 where it counts words."""
    return int(counter.ngram_range[1]) if counter.analyzer == "char" else 0


def _parts_of(text: str, longest: int) -> Mapping[str, int]:
    """Words of a text that are joined by spaces, or its runs of 1 to ``longest`` characters, with their counts."""
    return _short_parts(text, longest) if len(text) <= SHORT else _parts(text, longest)


def _parts(text: str, longest: int) -> Mapping[str, int]:
    if not longest:
        return Counter(text.split())
    text = _SPACES.sub(" ", text)  # as scikit-learn does
    found = Counter(text)
    for size in range(2, longest + 1):
        found.update([text[i : i + size] for i in range(len(text) - size + 1)])
    return found


_short_parts = lru_cache(maxsize=64)(_parts)


def rarity_of(counts: sp.csr_matrix, fewest: int | NDArray[Any] = 1) -> NDArray[np.float64]:
    """Smoothed inverse document frequency of each feature.

    Args:
        counts: shape (n, features).
        fewest: texts below which a feature counts for nothing: one number, or one a feature.
    """
    texts = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.where(texts >= fewest, 1 + np.log((1 + counts.shape[0]) / (1 + texts)), 0.0)


def weigh(counts: sp.csr_matrix, rarity: NDArray[Any], split: int = 0) -> sp.csr_matrix:
    """(1 + ln count) x rarity, each row at length 1, in the precision of ``rarity``.

    Args:
        counts: shape (n, features).
        split: where two kinds of features meet; each kind's part of a row then has length 1.
    """
    weighed = counts.tocsr().copy()
    weighed.data = (1 + np.log(weighed.data)) * rarity[weighed.indices]
    rows = np.repeat(np.arange(weighed.shape[0]), np.diff(weighed.indptr))
    part = 2 * rows + (weighed.indices >= split)
    squares = np.bincount(part, weights=weighed.data**2, minlength=2 * weighed.shape[0])
    weighed.data /= np.sqrt(np.maximum(squares, 1e-12))[part].astype(weighed.data.dtype)
    weighed.eliminate_zeros()
    return weighed
