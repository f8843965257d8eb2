"""A small TCP proxy between the service and PostgreSQL that can fall silent or drop everybody."""

from __future__ import annotations

import select
import socket
import struct
import threading
from types import TracebackType

from sqlalchemy.engine import make_url

TICK = 0.05
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero seconds: the other side sees a reset


class Link:
    """Passes bytes between a port of this machine and PostgreSQL's local socket.

    Attributes:
        state: ``open``; ``silent``: connections stay and are taken, nothing passes, as behind a
            firewall that drops packets; ``cut``: all are reset and new ones too.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: of a database on a server with a local socket.
        """
        parsed = make_url(url)
        self._server = f"{parsed.query['host']}/.s.PGSQL.5432"
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        there = parsed.set(host="127.0.0.1", port=port).difference_update_query(["host"])
        self.url = there.render_as_string(hide_password=False)
        self.state = "open"
        self._ended = False
        self._taking = threading.Thread(target=self._take, name="link", daemon=True)
        self._taking.start()

    def _take(self) -> None:
        while not self._ended:
            if select.select([self._listener], [], [], TICK)[0]:
                near, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(near,), daemon=True).start()

    def _pass_on(self, near: socket.socket) -> None:
        far = socket.socket(socket.AF_UNIX)
        with near, far:
            try:
                while self.state == "silent" and not self._ended:
                    select.select([], [], [], TICK)
                far.connect(self._server)
                other = {near: far, far: near}
                while self.state != "cut" and not self._ended:
                    if self.state == "silent":
                        select.select([], [], [], TICK)
                        continue
                    for ready in select.select(list(other), [], [], TICK)[0]:
                        content = ready.recv(65_536)
                        if not content:
                            return
                        other[ready].sendall(content)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            except OSError:
                return  # either side went away

    def close(self) -> None:
        self._ended = True
        self._taking.join()
        self._listener.close()

    def __enter__(self) -> Link:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
