"""The lexical block: words and characters, one linear model a label.

Each text is a TF-IDF vector of its words beside one of its characters (1-2 grams). For each
label the features are weighed by how unevenly they fall between the label's examples and
the rest (the square root of the naive Bayes log-ratio, after Wang and Manning 2012), and a
linear support vector machine is fitted on that. On few examples the weighing is worth five
points, on thousands one.

What is learned of a feature (its document frequency, its weight) comes only from the texts
fitted on, so scores of held-out texts are spread as those of new texts are: with the
held-out texts' own words in the vocabulary every probability came out too high.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from triage.reading import Readings
from triage.tfidf import count_beside, gram_counter, rarity_of, weigh, word_counter

Scores = NDArray[np.float64]

SMOOTHING = 0.5  # of the counts behind the log-ratio
LENGTH = np.sqrt(2.0)  # of a text's vector: two unit vectors side by side
RARE_FROM = 400  # texts from which a character pair must occur twice


class Vocabulary:
    """Which words and character pairs there are; counts them in texts."""

    def __init__(self, words: CountVectorizer, characters: CountVectorizer) -> None:
        self.words = words
        self.characters = characters

    @classmethod
    def fit(cls, words: Sequence[str], weighed: Sequence[str]) -> tuple[Vocabulary, sp.csr_matrix]:
        """Everything that occurs in n texts, and its counts, shape (n, features).

        Args:
            words: space-joined words of each text; weighed: the text itself (see Readings).
        """
        by_word, by_character = word_counter(), gram_counter(2)
        n = len(words)
        # scikit-learn refuses an empty vocabulary: a stand-in where no text says anything
        counts = [
            vectorizer.fit_transform([*texts, "无"] if not any(t.strip() for t in texts) else texts)[:n]
            for vectorizer, texts in ((by_word, words), (by_character, weighed))
        ]
        joined = sp.hstack(counts).tocsr()
        joined.sort_indices()  # once, or every fit on some of the rows does it again
        return cls(by_word, by_character), joined

    @property
    def split(self) -> int:
        """Number of word features; the characters' follow."""
        return len(self.words.vocabulary_)

    def __len__(self) -> int:
        return self.split + len(self.characters.vocabulary_)

    def count(self, texts: Readings) -> sp.csr_matrix:
        """Counts of shape (n, features)."""
        return count_beside((self.words, texts.words), (self.characters, texts.weighed))

    def rarity(self, counts: sp.csr_matrix) -> NDArray[np.float32]:
        """Of each feature among the texts counted; 0 for a character pair too rare to count."""
        fewest = np.ones(len(self))
        if counts.shape[0] >= RARE_FROM:
            fewest[self.split :] = 2
        return rarity_of(counts, fewest).astype(np.float32)

    def weigh(self, counts: sp.csr_matrix, rarity: NDArray[np.float32]) -> sp.csr_matrix:
        """TF-IDF of shape (n, features); words and characters of a text have length 1 each."""
        return weigh(counts, rarity, self.split)


class LexicalModel:
    """One linear model a label on weighed features. ``state`` is a plain dict.

    A label's score of a text x is ``LENGTH * (x @ slope) / sqrt(x**2 @ norm) + intercept``:
    the weighed vector is brought back to the same length for each label.
    """

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def fit(
        cls,
        matrix: sp.csr_matrix,
        truth: NDArray[np.int_],
        weight: NDArray[np.float64],
        labels: int,
        seed: int,
    ) -> LexicalModel | None:
        """Fit on n texts; None where they show fewer than two labels.

        Args:
            matrix: made by ``Vocabulary.weigh``, shape (n, features).
            truth: label number of each text; weight: of each text.
            labels: how many labels there are; one without a text scores as a clear "no".
        """
        from sklearn.svm import LinearSVC  # 8 MB that a process which only serves does without

        present = np.unique(truth)
        if len(present) < 2:
            return None
        presence = matrix.copy()
        presence.data = np.ones_like(presence.data)
        total = weight @ presence
        occurs = total > 0
        slope = np.zeros((matrix.shape[1], labels), dtype=np.float32)
        norm = np.zeros_like(slope)
        intercept = np.full(labels, -1.0)
        for k in present:
            own = truth == k
            with_it = weight[own] @ presence[own] + SMOOTHING
            without = total - with_it + 2 * SMOOTHING
            ratio = np.log((with_it / with_it.sum()) / (without / without.sum()))
            uneven = np.sqrt(np.abs(ratio))
            uneven = np.where(occurs, uneven / max(1e-9, uneven[occurs].mean()), 0.0).astype(np.float32)
            svm = LinearSVC(C=1.0, class_weight="balanced", random_state=seed)
            svm.fit(_stretched(matrix, uneven), own, sample_weight=weight)
            slope[:, k] = svm.coef_[0] * uneven
            norm[:, k] = uneven**2
            intercept[k] = svm.intercept_[0]
        return cls({"slope": slope, "norm": norm, "intercept": intercept})

    def scores(self, matrix: sp.csr_matrix) -> Scores:
        """Shape (n, labels), of texts weighed by the document frequencies of those fitted on."""
        squares = sp.csr_matrix((matrix.data**2, matrix.indices, matrix.indptr), shape=matrix.shape)
        lengths = np.sqrt(np.maximum(squares @ self.state["norm"], 1e-12))
        return np.asarray(
            LENGTH * (matrix @ self.state["slope"]) / lengths + self.state["intercept"], dtype=np.float64
        )

    def gains(self, row: sp.csr_matrix) -> Scores:
        """What each feature that a text has adds to each score, shape (labels, features it has).

        Exact: with the intercepts they sum to ``scores``. ``row`` has shape (1, features).
        """
        slope, norm = self.state["slope"][row.indices].T, self.state["norm"][row.indices].T
        lengths = np.sqrt(np.maximum(norm @ row.data**2, 1e-12))
        return np.asarray(LENGTH * slope * row.data / lengths[:, None], dtype=np.float64)


def _stretched(matrix: sp.csr_matrix, factor: NDArray[np.float32]) -> sp.csr_matrix:
    """Each feature times its factor, each row then back to LENGTH."""
    data = matrix.data * factor[matrix.indices]
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    lengths = np.sqrt(np.maximum(np.bincount(rows, weights=data**2, minlength=matrix.shape[0]), 1e-12))
    data *= (LENGTH / lengths)[rows].astype(np.float32)
    return sp.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def word_gains(
    gains: NDArray[np.float64], features: NDArray[np.int_], text: Readings, vocabulary: Vocabulary
) -> list[tuple[str, float]]:
    """Gains of the features of one text, put down to its words, strongest first.

    A character or pair counts for the words that it stands in: its gain is shared evenly by its
    occurrences, a pair's by its two characters.

    Args:
        gains: of each feature, shape (m,); features: their numbers, shape (m,).
        text: readings of one text.
    """
    order = np.argsort(features)
    features, gains = features[order], gains[order]

    def gain_of(wanted: NDArray[np.int_]) -> NDArray[np.float64]:
        where = np.minimum(np.searchsorted(features, wanted), len(features) - 1)
        return np.where(features[where] == wanted, gains[where], 0.0)

    weighed, words = text.weighed[0], text.words[0].split()
    if not len(features) or not words:
        return []
    characters, split = vocabulary.characters.vocabulary_, vocabulary.split
    at = np.zeros(len(weighed) + 1)
    for size in (1, 2):
        grams = [characters.get(weighed[i : i + size], -1) for i in range(len(weighed) - size + 1)]
        found, where, often = np.unique(np.array(grams, dtype=int), return_inverse=True, return_counts=True)
        part = np.where(found >= 0, gain_of(split + found), 0.0) / (often * size)
        for offset in range(size):
            at[offset : offset + len(grams)] += part[where]
    own = vocabulary.words.vocabulary_
    distinct = list(dict.fromkeys(words))
    out = dict(zip(distinct, gain_of(np.array([own.get(w, -1) for w in distinct])).tolist(), strict=True))
    start = 0
    for word in words:
        start = weighed.find(word, start)
        stop = start + len(word)
        out[word] += float(at[start:stop].sum())
        start = stop
    return sorted(out.items(), key=lambda item: -item[1])
