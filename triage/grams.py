"""Runs of two and three characters of many texts at once, counted and weighed by numpy.

The index keeps a text as its character codes and counts them when the text becomes a
candidate: counts kept for every case would be three times as large as the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Codes = NDArray[np.uint16]

_ROW_BITS = 10  # of a text's number beside a bucket's 22
BUCKETS = 1 << 22  # runs are hashed; two rare ones in one bucket cost a little weight, no more
_FACTORS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))


def codes_of(text: str) -> Codes:
    """UTF-16 units of a text, shape (n,)."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")


@dataclass(frozen=True)
class Runs:
    """The runs of many texts one after the other.

    Attributes:
        buckets: of all runs of two and three units, in no order, repeats included.
        row: of which text each is; titled: whether it lies in the text's title.
        texts: how many texts.
    """

    buckets: NDArray[np.uint32]
    row: NDArray[np.uint32]
    titled: NDArray[np.bool_]
    texts: int

    def titles(self) -> Runs:
        """Those of the texts' first parts alone."""
        own = self.titled
        return Runs(self.buckets[own], self.row[own], own[own], self.texts)

    def with_titles(self, times: int) -> Runs:
        """Those of the first parts so many times more."""
        own = self.titles()
        parts = [self, *[own] * times]
        return Runs(
            np.concatenate([p.buckets for p in parts]),
            np.concatenate([p.row for p in parts]),
            np.concatenate([p.titled for p in parts]),
            self.texts,
        )

    def per_text(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Bucket, text and how often, of each run once a text, by rising bucket."""
        # in 32 bits where they suffice, which halves the time
        bits = _ROW_BITS if self.texts <= 1 << _ROW_BITS else 16
        if bits == _ROW_BITS:
            packed: NDArray[Any] = (self.buckets << np.uint32(bits)) | self.row
        else:
            packed = (self.buckets.astype(np.uint64) << np.uint64(bits)) | self.row.astype(np.uint64)
        keys, counts = np.unique(packed, return_counts=True)
        wide = keys.astype(np.int64)
        return wide >> bits, wide & ((1 << bits) - 1), counts


def runs_of_all(texts: Sequence[Codes], cores: Sequence[int]) -> Runs:
    """The runs of n texts.

    Args:
        cores: units that each text's title has; the title comes first.
    """
    lengths = np.array([len(codes) for codes in texts], dtype=np.int64)
    wide = np.concatenate([np.zeros(0, dtype=np.uint16), *texts]).astype(np.uint32)
    row = np.repeat(np.arange(len(texts), dtype=np.uint32), lengths)
    inside = np.arange(len(wide)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    core = np.asarray(cores, dtype=np.int64)[row]
    buckets, rows, titled = [], [], []
    pairs = wide[:-1] * _FACTORS[0] + wide[1:] * _FACTORS[1]
    triples = pairs[:-1] * _FACTORS[2] + wide[2:] * _FACTORS[0]
    for size, found in ((2, pairs), (3, triples)):
        if not len(found):
            continue
        whole = row[: len(found)] == row[size - 1 :]  # a run lies in one text
        buckets.append(found[whole])
        rows.append(row[: len(found)][whole])
        titled.append((inside[: len(found)] + size <= core[: len(found)])[whole])
    joined = np.concatenate([np.zeros(0, dtype=np.uint32), *buckets])
    joined ^= joined >> np.uint32(15)
    return Runs(
        joined % np.uint32(BUCKETS),
        np.concatenate([np.zeros(0, dtype=np.uint32), *rows]),
        np.concatenate([np.zeros(0, dtype=bool), *titled]),
        len(texts),
    )


def weigh_runs(runs: Runs, texts_with: NDArray[np.int32], texts: int) -> sp.csr_matrix:
    """TF-IDF of n texts' runs as unit rows, shape (n, runs that occur); n is at most 65,536.

    Args:
        texts_with: in how many of the ``texts`` texts a bucket occurs, shape (BUCKETS,).
    """
    # sorted by bucket, so that the columns come out numbered without a second sort
    bucket, row, counts = runs.per_text()
    first = np.diff(bucket, prepend=-1) != 0
    column = np.cumsum(first) - 1
    rarity = np.log((1.0 + texts) / (1.0 + texts_with[bucket[first]])) + 1.0
    values = (1.0 + np.log(counts)) * rarity[column]
    length = np.sqrt(np.bincount(row, values**2, minlength=runs.texts))
    values /= np.where(length > 0, length, 1.0)[row]
    return sp.csr_matrix((values, (row, column)), shape=(runs.texts, max(1, len(rarity))))
