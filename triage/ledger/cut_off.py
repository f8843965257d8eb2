"""Connections to PostgreSQL that notice within seconds when the other machine is cut off.

TCP alone waits for hours. A service whose host lost its network in the middle of a write would hold the
lock of all writers for that long, and one whose database is gone would hang instead of trying again.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import Any

import psycopg

# after IDLE seconds of silence COUNT probes, INTERVAL apart; on a local socket none of it does anything
IDLE, INTERVAL, COUNT = 5, 2, 3
NOTICED_SECONDS = IDLE + INTERVAL * COUNT
CONNECT_SECONDS = 5

_OWN_SIDE = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives_idle": IDLE,
    "keepalives_interval": INTERVAL,
    "keepalives_count": COUNT,
    "tcp_user_timeout": 1000 * NOTICED_SECONDS,
}
_SERVER_SIDE = (
    f"set tcp_keepalives_idle = {IDLE}",
    f"set tcp_keepalives_interval = {INTERVAL}",
    f"set tcp_keepalives_count = {COUNT}",
    f"set tcp_user_timeout = '{NOTICED_SECONDS}s'",
    # one that waits for the lock reads nothing meanwhile and would be given it though nobody is there
    f"set client_connection_check_interval = '{INTERVAL}s'",
)


def own_side(asked: Collection[str]) -> dict[str, int]:
    """Parameters of libpq by which a service notices that its database is gone.

    Args:
        asked: names that the ledger's address sets itself; they are left to it.
    """
    return {name: value for name, value in _OWN_SIDE.items() if name not in asked}


def watch_client(connection: Any, _record: Any) -> None:
    """Let the server notice that this client is gone; a handler of SQLAlchemy's event ``connect``.

    What an older PostgreSQL or its operating system does not have is left out.
    """
    had, connection.autocommit = connection.autocommit, True
    for statement in _SERVER_SIDE:
        with suppress(psycopg.Error), connection.cursor() as cursor:
            cursor.execute(statement)
    connection.autocommit = had
