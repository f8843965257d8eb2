"""Peers that compare words or characters: TF-IDF, BM25, MinHash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from training.benchmark.linear_peers import WORD
from training.benchmark.related.figures import Scores
from training.benchmark.related.scorers import Context
from training.benchmark.tools import peer_text
from triage.documents.rows import Row

PERMUTATIONS = 128
SHINGLE = 3


class TfidfPeer:
    """Cosine of TF-IDF vectors with sublinear counts.

    Args:
        read: how a cleaned text is handed to the vectorizer.
    """

    def __init__(self, read: Callable[[str], str], vectorizer: TfidfVectorizer) -> None:
        self._read = read
        self._vectorizer = vectorizer
        self._rows: Any = None

    def fit(self, rows: Sequence[Row]) -> None:
        self._rows = self._vectorizer.fit_transform([self._read(peer_text(row)) for row in rows])

    def scores(self, query: int) -> Scores:
        return np.asarray((self._rows @ self._rows[query].T).todense(), dtype=float).ravel()


def tfidf_words(context: Context) -> TfidfPeer:
    """On words by jieba."""
    vectorizer = TfidfVectorizer(token_pattern=WORD, lowercase=False, sublinear_tf=True)
    return TfidfPeer(context.tools.words, vectorizer)


def tfidf_characters(context: Context) -> TfidfPeer:
    """On runs of 2 and 3 characters."""
    return TfidfPeer(str, TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True))


class Bm25Peer:
    """BM25 (bm25s with its defaults) on words by jieba; the query is the whole text."""

    def __init__(self, context: Context) -> None:
        self._tools = context.tools
        self._words: list[list[str]] = []
        self._index: Any = None

    def fit(self, rows: Sequence[Row]) -> None:
        from bm25s import BM25

        self._words = [self._tools.words(peer_text(row)).split() for row in rows]
        self._index = BM25()
        self._index.index(self._words, show_progress=False)

    def scores(self, query: int) -> Scores:
        return np.asarray(self._index.get_scores(self._words[query]), dtype=float)


class MinHashPeer:
    """Estimated Jaccard similarity of runs of 3 characters, 128 permutations (datasketch)."""

    def __init__(self, context: Context) -> None:
        self._signatures: NDArray[np.uint64] = np.zeros((0, PERMUTATIONS), dtype=np.uint64)

    def fit(self, rows: Sequence[Row]) -> None:
        from datasketch import MinHash

        signatures = []
        for row in rows:
            text = peer_text(row)
            runs = {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}
            sketch = MinHash(num_perm=PERMUTATIONS, seed=1)
            sketch.update_batch([run.encode("utf-8", "surrogatepass") for run in sorted(runs)])
            signatures.append(sketch.hashvalues)
        self._signatures = np.array(signatures)

    def scores(self, query: int) -> Scores:
        return np.asarray((self._signatures == self._signatures[query]).mean(axis=1), dtype=float)
