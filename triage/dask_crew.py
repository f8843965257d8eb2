"""A Dask cluster as the crew: joblib's own backend for it, and what that leaves to be said.

joblib 1.6 waits for ever for a task that Dask itself gives up (its worker was killed four times), and for
workers that do not come back. Both are told here.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import dask.config
from distributed import Client, Future, KilledWorker, Security
from distributed.comm.core import connect
from joblib._dask import DaskDistributedBackend

from triage.crew import Crew, Kit, check_program, program
from triage.errors import CrewError

CONNECT = 10  # seconds
PATIENCE = 30.0  # seconds without a worker, after which the work is given up


@contextmanager
def dask_crew(address: str, patience: float = PATIENCE) -> Iterator[DaskCrew]:
    """The workers of that scheduler.

    Raises:
        CrewError: no scheduler there, no worker, or one with another program.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what happens is said in our words
    try:
        # a client that could not connect says so at length when it is taken away; in a thread of its own,
        # because the caller's may have a loop running
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(_reach(address))).result()
        client = Client(address, timeout=CONNECT, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise CrewError(
            f"连不上调度器 {address}({error or type(error).__name__})。地址应写成 tcp://主机:端口;"
            "请确认那台机器上的 triage scheduler 已经启动、防火墙放行、两边都用或都不用 TLS。"
        ) from error
    with client:
        yield DaskCrew(client, address, patience)


async def _reach(address: str) -> None:
    comm = await connect(address, timeout=CONNECT, **Security().get_connection_args("client"))
    await comm.close()


class DaskCrew(Crew):
    """All workers of a scheduler; they may come and go."""

    def __init__(self, client: Client, address: str, patience: float) -> None:
        """Raises CrewError where there is no worker, or one with another program."""
        super().__init__(1, None)
        self._client, self._address, self._patience = client, address, patience
        self._gone = False
        self._await_workers()
        for worker, theirs in client.run(program, on_error="return").items():
            if isinstance(theirs, ModuleNotFoundError):
                raise CrewError(
                    f"工作进程 {worker} 上没有本程序({theirs})。请在那台机器的程序目录用 "
                    f".venv/bin/triage worker {address} 启动它。"
                )
            if isinstance(theirs, Exception):
                raise CrewError(f"工作进程 {worker} 不能使用:{type(theirs).__name__} {theirs}。")
            check_program(theirs, program(), worker)

    def size(self) -> int:
        """Threads of all workers that are there now."""
        return max(1, sum(map(int, self._client.ncores().values())))

    def each(self, *args: Any) -> Iterator[Any]:
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(ended,), daemon=True)
        watch.start()
        try:
            yield from super().each(*args)
        finally:
            ended.set()
            watch.join()

    def _ship(self, kit: Kit) -> Any:
        """The kit as a result that Dask makes again where all that hold it are lost."""
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            return self._client.submit(bytes, kit.raw, pure=False)

    def _backend(self) -> dict[str, Any]:
        self._await_workers()
        return {"backend": _Backend(client=self._client)}

    def _await_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=self._patience)
        except TimeoutError as error:
            raise CrewError(self._nobody()) from error

    def _nobody(self) -> str:
        return (
            f"调度器 {self._address} 上已有 {self._patience:.0f} 秒没有工作进程。请在各台机器上运行 "
            f".venv/bin/triage worker {self._address}。"
        )

    def _watch(self, ended: threading.Event) -> None:
        """Give up what was asked for when no worker has been there for a while: Dask would wait."""
        client, seen = self._client, time.monotonic()
        while not ended.wait(0.5):
            if client.scheduler_info(n_workers=-1)["workers"]:
                seen = time.monotonic()
            elif time.monotonic() - seen > self._patience and not self._gone:
                self._gone = True
                client.cancel([Future(key, client=client) for key in list(client.futures)], force=True)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except KilledWorker as error:
            raise CrewError(
                "有一块工作几次使工作进程中断,多半是内存不够:请给每个工作进程更多内存"
                "(triage worker --memory),或用 --chunk 把每块改小。"
            ) from error
        except RuntimeError as error:
            if "deserializ" not in str(error):
                raise
            raise CrewError(  # the scheduler reads what it hands on
                f"调度器 {self._address} 上没有本程序,或版本不同。请在那台机器的程序目录用 "
                ".venv/bin/triage scheduler 启动它。"
            ) from error
        except (CancelledError, OSError) as error:
            lost = f"与调度器 {self._address} 的连接断了,或它重新启动过。"
            raise CrewError(self._nobody() if self._gone else lost) from error


class _Backend(DaskDistributedBackend):  # type: ignore[misc]
    def effective_n_jobs(self, n_jobs: int) -> int:
        """At least 2: with one, joblib would do the work in this process rather than give it to the worker."""
        return max(2, int(super().effective_n_jobs(n_jobs)))

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Any:
        """joblib's, which calls back only for a task that ran; this one also for a task that could not."""
        future = super().submit(func, callback)

        def tell(done: Any) -> None:
            if callback is not None and done.exception() is not None:
                callback(done.exception())

        future.add_done_callback(tell)
        return future
