"""Similarity of a text to what each label says of itself: its name, duties and key terms.

This is what makes a bureau without any history useful on day one, and it stays worth
more than ten examples a label afterwards. Each phrase is compared by itself, because
one vector for a whole duties text is measurably worse than its nearest phrases. Two
comparisons, each a block of its own in the mix: by wording (shared characters, which
stays useful with thousands of examples) and by meaning (sentence vectors, which does not).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.encoder import Encoder, Vectors, unit_rows
from triage.reading import Readings
from triage.taxonomy import Label
from triage.text import clean
from triage.tfidf import count, gram_counter, rarity_of, weigh

_SPLIT = re.compile(r"[,。;:、.]")
NEAREST = 3  # phrases of a label that count towards its nearest-phrases score
PRIOR_TEXTS = 20  # how many texts the descriptions weigh in the estimate of a text's mean vector

Scores = NDArray[np.float64]


def phrases(label: Label) -> list[str]:
    """The phrases by which a label is recognised, cleaned, without repeats."""
    if not label.description and not label.terms:
        return []
    parts = [label.name, *label.terms, *_SPLIT.split(clean(label.description))]
    return list(dict.fromkeys(p for p in (clean(p) for p in parts) if len(p) > 1))


def describes(labels: Sequence[Label]) -> bool:
    """Whether at least two labels say what they are: fewer give nothing to compare."""
    return sum(1 for label in labels if phrases(label)) >= 2


def description_text(label: Label) -> str:
    """One text out of everything a label says of itself; empty if it says nothing."""
    return "。".join(phrases(label))


class DutySimilarity:
    """How near a text is to each label's phrases. ``state`` is a plain dict."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self._grams = state["grams"].T.tocsr()  # once: a product with a transposed matrix turns it each time
        self._owned = [np.flatnonzero(state["owner"] == k) for k in range(state["labels"])]

    @classmethod
    def fit(
        cls, labels: Sequence[Label], descriptions: Readings, texts: Readings, encoder: Encoder
    ) -> tuple[DutySimilarity, dict[str, Scores]]:
        """Learn the labels' phrases; the texts only centre vectors and set rarity and scale.

        Args:
            descriptions: of each label that says something of itself.

        Returns:
            The similarity, and what ``scores`` gives for the texts.
        """
        flat = [(k, p) for k, label in enumerate(labels) for p in phrases(label)]
        said = [p for _, p in flat]
        vectors = encoder.encode(said)
        # of the phrases alone: what else a text says must not change how it compares
        characters = gram_counter(3)
        grams = characters.fit_transform(said).tocsr()
        n = len(texts)
        own_counts = count(characters, texts.documents)
        rarity = rarity_of(sp.vstack([grams, own_counts]).tocsr()).astype(np.float32)
        mean = (texts.vectors.sum(axis=0) + PRIOR_TEXTS * descriptions.vectors.mean(axis=0)) / (
            n + PRIOR_TEXTS
        )
        own = cls(
            {
                "owner": np.array([k for k, _ in flat]),
                "labels": len(labels),
                "characters": characters,
                "rarity": rarity,
                "grams": weigh(grams, rarity),
                "text_mean": mean,
                "vectors": unit_rows(vectors - vectors.mean(axis=0)),
                "spread": {},
            }
        )
        scores = own._compare(own_counts, texts.vectors)
        # the descriptions themselves stand in for texts where there are too few
        sample = scores if n >= PRIOR_TEXTS else own.scores(descriptions)
        spread = {name: float(part.std()) or 1.0 for name, part in sample.items()}
        own.state["spread"] = spread
        return own, {name: part / spread[name] for name, part in scores.items()}

    def scores(self, texts: Readings) -> dict[str, Scores]:
        """For each block scores of shape (n, labels), about unit spread, rows centred;
        0 where a label says nothing. No ``duty_meaning`` without an encoder."""
        return self._compare(count(self.state["characters"], texts.documents), texts.vectors)

    def _compare(self, counts: sp.csr_matrix, vectors: Vectors) -> dict[str, Scores]:
        state, k = self.state, self.state["labels"]
        found: dict[str, Scores] = {"duty_wording": (weigh(counts, state["rarity"]) @ self._grams).toarray()}
        if vectors.shape[1]:
            found["duty_meaning"] = unit_rows(vectors - state["text_mean"]) @ state["vectors"].T
        said = np.isin(np.arange(k), state["owner"])
        return {
            name: _centre(_nearest(similarity, self._owned), said) / state["spread"].get(name, 1.0)
            for name, similarity in found.items()
        }


def _nearest(similarity: Any, owned: Sequence[NDArray[np.int_]]) -> Scores:
    """Mean similarity of each label's nearest phrases, shape (n, labels).

    Args:
        owned: columns of each label's phrases.
    """
    out = np.zeros((similarity.shape[0], len(owned)))
    for j, columns in enumerate(owned):
        if len(columns):
            out[:, j] = np.sort(similarity[:, columns], axis=1)[:, ::-1][:, :NEAREST].mean(axis=1)
    return out


def _centre(part: Scores, said: NDArray[np.bool_]) -> Scores:
    out = np.zeros_like(part)
    out[:, said] = part[:, said] - part[:, said].mean(axis=1, keepdims=True)
    return out
