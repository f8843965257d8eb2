"""A real Dask cluster of our own commands, on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

from triage.config import CHECKOUT

QUIET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@contextmanager
def scheduler() -> Iterator[str]:
    """The address of a scheduler."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with started("scheduler", "--port", str(port)):
        yield f"tcp://127.0.0.1:{port}"


@contextmanager
def workers(address: str, home: Path, jobs: int = 2) -> Iterator[Client]:
    """So many worker processes, and a client to look at them with."""
    with (
        started("worker", address, "--jobs", str(jobs), home=home),
        Client(address, timeout=30, set_as_default=False) as client,
    ):
        client.wait_for_workers(jobs, timeout=60)
        yield client


@contextmanager
def started(*command: str, home: Path | None = None) -> Iterator[None]:
    """One of our commands, ended with all that it started."""
    own = ["--home", str(home)] if home else []
    process = subprocess.Popen(
        [sys.executable, "-m", "service.command", *own, *command],
        cwd=CHECKOUT,
        env={**os.environ, **QUIET},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
