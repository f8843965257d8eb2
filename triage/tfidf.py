"""Counting words or runs of characters in texts, and weighing the counts: TF-IDF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer


def word_counter() -> CountVectorizer:
    """Counts the words of texts whose words are joined by spaces."""
    return CountVectorizer(token_pattern=r"(?u)\S+", lowercase=False, dtype=np.float32)


def gram_counter(longest: int, fewest: int = 1) -> CountVectorizer:
    """Counts runs of 1 to ``longest`` characters that stand in at least ``fewest`` texts."""
    return CountVectorizer(
        analyzer="char", ngram_range=(1, longest), lowercase=False, min_df=fewest, dtype=np.float32
    )


def count(counter: CountVectorizer, texts: Sequence[str]) -> sp.csr_matrix:
    """Counts of shape (len(texts), features)."""
    return counter.transform(texts).tocsr()


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
