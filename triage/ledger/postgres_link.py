"""The connection to PostgreSQL: one that breaks or falls silent is given up within seconds, on both sides.

Without this a request would hang until the kernel gives up, which takes 15 minutes at best, and a
server whose client was cut off in the middle of a write would keep everybody's lock for two hours.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, event

Told = TypeVar("Told")

# after IDLE seconds of silence COUNT probes, INTERVAL apart; on a local socket none of it does anything
IDLE, INTERVAL, COUNT = 5, 2, 3
NOTICED_SECONDS = IDLE + INTERVAL * COUNT
# what libpq is told unless the URL says otherwise: seconds, and milliseconds of data without receipt
LINK = {
    "connect_timeout": 5,
    "keepalives_idle": IDLE,
    "keepalives_interval": INTERVAL,
    "keepalives_count": COUNT,
    "tcp_user_timeout": 1000 * NOTICED_SECONDS,
}
# the same on the server's side; what an older one or its operating system lacks is left out
_SERVER = (
    f"set tcp_keepalives_idle = {IDLE}",
    f"set tcp_keepalives_interval = {INTERVAL}",
    f"set tcp_keepalives_count = {COUNT}",
    f"set tcp_user_timeout = '{NOTICED_SECONDS}s'",
    # one that waits for the lock reads nothing meanwhile and would be given it though nobody is there
    f"set client_connection_check_interval = '{INTERVAL}s'",
)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when the server said nothing for ``patience`` seconds.

    The kernel's own limits do not see a server that is stopped, or a proxy that takes everything
    and passes nothing on: their kernels go on confirming what was sent.
    """

    patience: float | None = None

    def wait(self, gen: Generator[Any, Any, Told], *args: Any, **more: Any) -> Told:
        bounded = gen if self.patience is None else self._bounded(gen, self.patience)
        return super().wait(bounded, *args, **more)

    def _bounded(self, gen: Generator[Any, Any, Told], patience: float) -> Generator[Any, Any, Told]:
        try:
            wanted = next(gen)
            deadline = time.monotonic() + patience
            while True:
                ready = yield wanted
                if ready:
                    deadline = time.monotonic() + patience
                elif time.monotonic() > deadline:
                    self.pgconn.finish()  # so that what it still may say is never taken for another answer
                    raise psycopg.OperationalError(f"no answer for {patience:g} s")
                wanted = gen.send(ready)
        except StopIteration as end:
            told: Told = end.value
            return told


def watch(engine: Engine, patience: float | None) -> None:
    """Make the engine's connections ones that do not hang.

    Args:
        patience: seconds that one statement may go unanswered; None: as long as it takes.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, args: Any, params: Any) -> psycopg.Connection[Any]:
        connection = PatientConnection.connect(*args, **params)
        connection.patience = patience
        connection.autocommit = True
        for statement in _SERVER:
            with suppress(psycopg.Error):
                connection.execute(statement)
        connection.autocommit = False
        return connection
