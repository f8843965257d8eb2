"""Similarity of a text to what each label says of itself: its name, duties and key terms.

This is what makes a bureau without any history useful on day one, and it stays worth
more than ten examples a label afterwards. Each phrase is compared by itself, because
one vector for a whole duties text is measurably worse than its nearest phrases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from triage.encoder import unit_rows
from triage.reading import Reader, Readings
from triage.taxonomy import Label
from triage.text import clean

_SPLIT = re.compile(r"[,。;:、.]")
NEAREST = 5  # phrases of a label that count towards its nearest-phrases score
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
    """Scores of shape (n, labels): how near a text is to each label's phrases."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def fit(cls, labels: Sequence[Label], reader: Reader, texts: Readings) -> DutySimilarity:
        """Encode the labels' phrases; the texts only centre vectors and set the scale."""
        flat = [(k, p) for k, label in enumerate(labels) for p in phrases(label)]
        owner = np.array([k for k, _ in flat])
        vectors = reader.encoder.encode([p for _, p in flat])
        wholes = reader.encoder.encode([d for d in map(description_text, labels) if d])
        characters = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32)
        characters.fit([*texts.documents, *(p for _, p in flat)])
        n = len(texts)
        mean = (texts.vectors.sum(axis=0) + PRIOR_TEXTS * wholes.mean(axis=0)) / (n + PRIOR_TEXTS)
        own = cls(
            {
                "owner": owner,
                "labels": len(labels),
                "vectors": unit_rows(vectors - vectors.mean(axis=0)),
                "text_mean": mean,
                "characters": characters,
                "grams": characters.transform([p for _, p in flat]),
                "spread": np.ones(3),
            }
        )
        # the phrases themselves stand in for texts where there are none
        sample = (
            texts if n >= PRIOR_TEXTS else reader.read_texts([d for d in map(description_text, labels) if d])
        )
        spread = np.array([part.std() for part in own.parts(sample)])
        own.state["spread"] = np.where(spread > 1e-6, spread, np.inf)
        return own

    def parts(self, texts: Readings) -> list[Scores]:
        """Three scores of shape (n, labels), each centred by row: nearest phrases by
        meaning, centroid of the phrases by meaning, nearest phrases by characters."""
        state, k = self.state, self.state["labels"]
        owner = state["owner"]
        if not len(texts):
            return [np.zeros((0, k))] * 3
        grams = (state["characters"].transform(texts.documents) @ state["grams"].T).toarray()
        found = [_nearest(grams, owner, k)]
        if texts.vectors.shape[1]:
            centred = unit_rows(texts.vectors - state["text_mean"])
            similarity = centred @ state["vectors"].T
            centroids = unit_rows(
                np.vstack(
                    [
                        state["vectors"][owner == j].mean(axis=0)
                        if (owner == j).any()
                        else np.zeros(centred.shape[1])
                        for j in range(k)
                    ]
                )
            )
            found += [_nearest(similarity, owner, k), centred @ centroids.T]
        else:
            found += [np.zeros((len(texts), k))] * 2
        said = np.isin(np.arange(k), owner)
        return [_centre(np.asarray(part, dtype=np.float64), said) for part in found]

    def scores(self, texts: Readings) -> Scores:
        """One score of shape (n, labels), about unit spread; 0 where a label says nothing."""
        parts = self.parts(texts)
        used = np.isfinite(self.state["spread"]).sum()
        total = sum(p / s for p, s in zip(parts, self.state["spread"], strict=True))
        return np.asarray(total / max(1, used), dtype=np.float64)


def _nearest(similarity: Any, owner: NDArray[np.int_], k: int) -> Scores:
    out = np.zeros((similarity.shape[0], k))
    for j in range(k):
        own = similarity[:, owner == j]
        if own.shape[1]:
            out[:, j] = np.sort(own, axis=1)[:, ::-1][:, :NEAREST].mean(axis=1)
    return out


def _centre(part: Scores, said: NDArray[np.bool_]) -> Scores:
    out = np.zeros_like(part)
    out[:, said] = part[:, said] - part[:, said].mean(axis=1, keepdims=True)
    return out
