"""The real service as a process of its own, on a free port of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import httpx2

REPO = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0


def clean_env(**more: str) -> dict[str, str]:
    """The environment of a child: no TRIAGE_* of whoever runs the tests, no proxy, no __pycache__."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_") and "proxy" not in k.lower()}
    return {**own, "PYTHONDONTWRITEBYTECODE": "1", **more}


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Poll until ``true()``; fails with ``what`` at the deadline."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"after {seconds:g} s still not: {what}"
        time.sleep(0.02)


class LiveServer:
    """``triage serve`` over one home; as a context manager it is running inside the block."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.env = clean_env(**env)
        self.log = home / "served.log"
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        command = [sys.executable, "-m", "service.command", "--home", str(self.home)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "serve", "--port", str(self.port)],
                cwd=REPO,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_ready, "ready", START_SECONDS)

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        try:
            return httpx2.get(f"{self.url}/readyz", trust_env=False, timeout=5).status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL, as a power cut would: nothing is flushed, nothing said."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; it must do so by itself."""
        self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)
            raise

    def client(self) -> httpx2.Client:
        """A client that speaks to this server only."""
        return httpx2.Client(base_url=self.url, trust_env=False, timeout=60)

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
