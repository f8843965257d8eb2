"""Runs of two and three characters of many texts at once, counted and weighed by numpy.

The index keeps a text as its character codes and counts them when the text becomes a
candidate: counts kept for every case would be three times as large as the texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Codes = NDArray[np.uint16]

BUCKETS = 1 << 22  # runs are hashed; two rare ones in one bucket cost a little weight, no more
_FACTORS = (np.uint32(0x9E3779B1), np.uint32(0x85EBCA77), np.uint32(0xC2B2AE3D))


def codes_of(text: str) -> Codes:
    """UTF-16 units of a text, shape (n,)."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")


def runs_of(codes: Codes) -> NDArray[np.uint32]:
    """Buckets of all runs of two and three units, in no order, repeats included."""
    wide = codes.astype(np.uint32)
    if len(wide) < 2:
        return np.zeros(0, dtype=np.uint32)
    pairs = wide[:-1] * _FACTORS[0] + wide[1:] * _FACTORS[1]
    triples = pairs[:-1] * _FACTORS[2] + wide[2:] * _FACTORS[0]
    found = np.concatenate([pairs, triples])
    found ^= found >> np.uint32(15)
    return found % np.uint32(BUCKETS)


def weigh_runs(
    rows: Sequence[NDArray[np.uint32]], texts_with: NDArray[np.int32], texts: int
) -> sp.csr_matrix:
    """TF-IDF of n texts' runs as unit rows, shape (n, runs that occur); n is at most 65,536.

    Args:
        rows: buckets of each text, see runs_of.
        texts_with: in how many of the ``texts`` texts a bucket occurs, shape (BUCKETS,).
    """
    lengths = [len(row) for row in rows]
    row_of = np.repeat(np.arange(len(rows), dtype=np.uint64), lengths)
    buckets = np.concatenate(rows).astype(np.uint64) if rows else np.zeros(0, dtype=np.uint64)
    # sorted by bucket first, so that the columns come out numbered without a second sort
    keys, counts = np.unique((buckets << np.uint64(16)) | row_of, return_counts=True)
    bucket, row = keys >> np.uint64(16), (keys & np.uint64(65_535)).astype(np.int64)
    column = np.cumsum(np.diff(bucket, prepend=bucket[:1]) != 0)
    rarity = np.log((1.0 + texts) / (1.0 + texts_with[bucket.astype(np.int64)])) + 1.0
    values = (1.0 + np.log(counts)) * rarity
    length = np.sqrt(np.bincount(row, values**2, minlength=len(rows)))
    values /= np.where(length > 0, length, 1.0)[row]
    width = int(column[-1]) + 1 if len(column) else 1
    return sp.csr_matrix((values, (row, column)), shape=(len(rows), width))
