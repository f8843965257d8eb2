"""A suggestion read once for all targets: cleaned, segmented, encoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage.config import Settings
from triage.encoder import Encoder, Vectors, choice_of, get_encoder
from triage.text import Segmenter, document, get_segmenter


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
        weighed: the same with the title once more, for counting words and characters: a
            title says the matter in few words, and counting it twice is worth a point.
        words: space-joined words of each weighed text, length n.
        vectors: shape (n, encoder dimensions), float32.
    """

    documents: tuple[str, ...]
    weighed: tuple[str, ...]
    words: tuple[str, ...]
    vectors: Vectors

    def __len__(self) -> int:
        return len(self.documents)

    def one(self, i: int) -> Readings:
        """Readings of the text at ``i`` alone."""
        own = slice(i, i + 1)
        return Readings(self.documents[own], self.weighed[own], self.words[own], self.vectors[own])


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
        documents = [document(s.title, s.body) for s in suggestions]
        titles = [document(s.title, "") for s in suggestions]
        return self._readings(
            documents, [f"{d}。{t}" if t else d for d, t in zip(documents, titles, strict=True)]
        )

    def read_texts(self, texts: Sequence[str]) -> Readings:
        """Readings of n texts that are clean already and have no title."""
        return self._readings(texts, texts)

    def _readings(self, documents: Sequence[str], weighed: Sequence[str]) -> Readings:
        return Readings(
            documents=tuple(documents),
            weighed=tuple(weighed),
            words=tuple(" ".join(self.segmenter.words(t)) for t in weighed),
            vectors=self.encoder.encode(documents),
        )


def make_reader(encoder: str, terms: Sequence[str]) -> Reader:
    """A reader with that encoder and those terms; segmenter and encoder are shared in a process."""
    return Reader(get_segmenter(tuple(terms)), get_encoder(encoder))


def reader_of(settings: Settings, encoder: str, terms: Sequence[str]) -> Reader:
    """The reader for a stored model that names that encoder (see choice_of) and those terms."""
    return make_reader(choice_of(encoder, settings.encoder), terms)


class RememberingReader(Reader):
    """A reader for training, where the same texts are read again for each target and fold."""

    def __init__(self, segmenter: Segmenter, encoder: Encoder) -> None:
        super().__init__(segmenter, encoder)
        self._known: dict[str, tuple[str, Vectors]] = {}

    def _readings(self, documents: Sequence[str], weighed: Sequence[str]) -> Readings:
        pairs = list(zip(documents, weighed, strict=True))
        new = list(dict.fromkeys((d, w) for d, w in pairs if w not in self._known))
        fresh = super()._readings([d for d, _ in new], [w for _, w in new])
        for i, (_, text) in enumerate(new):
            self._known[text] = (fresh.words[i], fresh.vectors[i])
        vectors = [self._known[w][1] for w in weighed]
        return Readings(
            documents=tuple(documents),
            weighed=tuple(weighed),
            words=tuple(self._known[w][0] for w in weighed),
            vectors=np.array(vectors) if vectors else fresh.vectors,
        )
