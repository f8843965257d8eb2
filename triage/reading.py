"""A suggestion read once for all targets: cleaned, segmented, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage.encoder import Encoder, Vectors
from triage.text import Segmenter, document


@dataclass(frozen=True)
class Suggestion:
    """What the deputy wrote: title (may be empty) and body (may be empty, not both)."""

    title: str
    body: str


@dataclass(frozen=True)
class Readings:
    """n suggestions as the models see them.

    Attributes:
        documents: cleaned texts, length n.
        words: space-joined words of each text, length n.
        vectors: shape (n, encoder dimensions), float32.
    """

    documents: tuple[str, ...]
    words: tuple[str, ...]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.documents)

    def part(self, rows: slice) -> Readings:
        """The readings of some consecutive suggestions."""
        return Readings(self.documents[rows], self.words[rows], self.vectors[rows])


class Reader:
    """Turns suggestions into readings with one segmenter and one encoder."""

    def __init__(self, segmenter: Segmenter, encoder: Encoder) -> None:
        self.segmenter = segmenter
        self.encoder = encoder

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Two readers with equal keys give equal readings."""
        return self.encoder.name, self.segmenter.terms

    def read(self, suggestions: Sequence[Suggestion]) -> Readings:
        """Readings of n suggestions, in order."""
        return self.read_texts([document(s.title, s.body) for s in suggestions])

    def read_texts(self, texts: Sequence[str]) -> Readings:
        """Readings of n texts that are clean already."""
        return Readings(
            documents=tuple(texts),
            words=tuple(" ".join(self.segmenter.words(t)) for t in texts),
            vectors=self.encoder.encode(texts),
        )


class RememberingReader(Reader):
    """A reader for training, where the same texts are read again for each target and fold."""

    def __init__(self, segmenter: Segmenter, encoder: Encoder) -> None:
        super().__init__(segmenter, encoder)
        self._known: dict[str, tuple[str, Vectors]] = {}

    def read_texts(self, texts: Sequence[str]) -> Readings:
        new = [t for t in dict.fromkeys(texts) if t not in self._known]
        fresh = super().read_texts(new)
        for i, text in enumerate(new):
            self._known[text] = (fresh.words[i], fresh.vectors[i])
        vectors = [self._known[t][1] for t in texts]
        return Readings(
            documents=tuple(texts),
            words=tuple(self._known[t][0] for t in texts),
            vectors=np.array(vectors) if vectors else fresh.vectors,
        )
