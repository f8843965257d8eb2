"""Who does work that comes in many pieces: this process, several of this machine, or a Dask cluster.

The same pieces give the same results wherever each is done: a piece is done by one thread, with nothing in
it that depends on the pieces before.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

from triage.config import CHECKOUT, Settings
from triage.encoder import choice_of, repeatable_encoder
from triage.errors import CrewError, InputError, os_reason
from triage.reading import Reader
from triage.registry import LIBRARIES
from triage.text import get_segmenter

WAVE = (
    16  # pieces a process before more are read: so much is in memory, and the last ones wait for each other
)
MISSING_CLUSTER = (
    "使用集群需要 dask.distributed,还没有安装,请在程序目录运行:.venv/bin/pip install '.[cluster]'"
)


@dataclass(frozen=True)
class Place:
    """What a process finds on its own machine.

    Attributes:
        encoder: the office's choice, which says where the folder of an ONNX model lies.
    """

    encoder: str

    @classmethod
    def here(cls, settings: Settings | None = None) -> Place:
        settings = settings or Settings.from_env()
        return cls(settings.encoder)

    def reader(self, encoder: str, terms: Iterable[str]) -> Reader:
        """A reader whose readings are the same bytes in every process."""
        return Reader(get_segmenter(tuple(terms)), repeatable_encoder(choice_of(encoder, self.encoder)))


@dataclass(frozen=True)
class Work:
    """What is done with each piece, as two functions of a module that every process can import.

    Attributes:
        open: from a kit's content and a place, once a process, what the pieces are done with.
        do: from that and a piece to the result.
    """

    open: Callable[[Any, Place], Any]
    do: Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Kit:
    """What all pieces need (models, rows), packed so that another machine can open it.

    Attributes:
        key: two kits with equal keys give equal results.
    """

    key: str
    raw: bytes

    @classmethod
    def pack(cls, content: Any, identity: str) -> Kit:
        """identity: of the content; its pickle is none, an address in memory may stand in it."""
        key = hashlib.sha256(f"{program()}\n{identity}".encode()).hexdigest()
        return cls(key, pickle.dumps((program(), pickle.dumps(content))))


@cache
def program() -> dict[str, str]:
    """What must be the same in two processes for their results to be the same."""
    sources = hashlib.sha256()
    for path in sorted(p for part in ("triage", "training") for p in (CHECKOUT / part).rglob("*")):
        if path.suffix in (".py", ".toml"):
            sources.update(f"{path.relative_to(CHECKOUT)}\n".encode() + path.read_bytes())
    return {
        "本程序": sources.hexdigest()[:12],
        "Python": "{}.{}".format(*sys.version_info),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def check_program(theirs: dict[str, str], ours: dict[str, str], host: str) -> None:
    """Raises CrewError where the worker's program is not the one that asks."""
    odd = [f"{name} {theirs.get(name, '没有')}(本机 {own})" for name, own in ours.items()]
    odd = [said for said, name in zip(odd, ours, strict=True) if theirs.get(name) != ours[name]]
    if odd:
        raise CrewError(
            f"工作进程({host})与本机的程序不一致:{'、'.join(odd)}。"
            "请在各台机器上用同一版本的程序,并按同一份 requirements.lock 安装,再启动 triage worker。"
        )


class Crew:
    """Processes of this machine."""

    def __init__(self, jobs: int, place: Place | None) -> None:
        """place: None: each process finds its own."""
        self._jobs, self._place = jobs, place

    def size(self) -> int:
        """How many pieces are done at a time."""
        return self._jobs

    def each(self, work: Work, kit: Kit, pieces: Iterable[Any]) -> Iterator[Any]:
        """The result of each piece, in whatever order they come; pieces are read as they are needed.

        Raises:
            CrewError: nobody is left to do them.
            TriageError: what a piece itself raised.
        """
        remaining, shipped = iter(pieces), self._ship(kit)
        while wave := list(islice(remaining, WAVE * self.size())):
            with parallel_config(**self._backend()):
                parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
            with self._told():
                yield from parallel(delayed(_do)(work, shipped, kit.key, self._place, p) for p in wave)

    def _ship(self, kit: Kit) -> Any:
        return np.frombuffer(kit.raw, dtype=np.uint8)  # an array: large ones are shared by the processes

    def _backend(self) -> dict[str, Any]:
        if self._jobs == 1:
            return {"backend": "sequential", "n_jobs": 1}
        return {"backend": "loky", "n_jobs": self._jobs, "inner_max_num_threads": 1}

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Failures of the crew, as sentences."""
        try:
            yield
        except BrokenProcessPool as error:
            raise CrewError("有一个工作进程被系统结束了,多半是内存不够,请减少 --jobs。") from error


@contextmanager
def crew(settings: Settings, jobs: int = 1, cluster: str = "") -> Iterator[Crew]:
    """Those who do the work.

    Args:
        jobs: processes of this machine; without a say where there is a cluster.
        cluster: address of a Dask scheduler, tcp://HOST:PORT or tls://HOST:PORT; empty: this machine.

    Raises:
        InputError: no such number of processes, or what a cluster needs is not installed.
        CrewError: the cluster cannot be reached, or has no worker with this program.
    """
    if cluster:
        try:
            from triage.dask_crew import dask_crew
        except ImportError as error:
            raise InputError(MISSING_CLUSTER) from error
        with dask_crew(cluster) as workers:
            yield workers
        return
    if not 1 <= jobs <= 256:
        raise InputError(f"--jobs {jobs} 无效,应为 1 到 256。")
    try:
        yield Crew(jobs, Place.here(settings))
    finally:
        if jobs > 1:
            get_reusable_executor().shutdown(wait=True, kill_workers=True)


_tool: tuple[object, Any] = (None, None)
_opening = threading.Lock()


def _do(work: Work, raw: Any, key: str, place: Place | None, piece: Any) -> Any:
    """One piece, in whatever process; what the kit opens to is kept for the next."""
    global _tool
    with threadpool_limits(limits=1):  # sums come out otherwise with more threads
        with _opening:
            wanted = work.open, key, place
            if _tool[0] != wanted:
                _tool = (None, None)  # two kits need not fit into memory
                _tool = wanted, _opened(work, raw, place)
            tool = _tool[1]
        return work.do(tool, piece)


def _opened(work: Work, raw: Any, place: Place | None) -> Any:
    expected, content = pickle.loads(bytes(raw))  # noqa: S301 - what runs us has sent it
    check_program(program(), expected, socket.gethostname())
    try:
        return work.open(pickle.loads(content), place or Place.here())  # noqa: S301
    except OSError as error:
        raise CrewError(
            f"工作进程({socket.gethostname()})不能开始:{error.filename or ''} {os_reason(error)}。"
        ) from error
