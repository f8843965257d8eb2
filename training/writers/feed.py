"""A reader that follows the feed of changes while others write."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from training.writers.client import Address, Client, Gone

PAGE = 300
PAUSE = 0.02


class FeedReader(threading.Thread):
    """Reads every change from the first on, asking the processes in turn."""

    def __init__(self, addresses: Sequence[Address], token: str, until: Callable[[], bool]) -> None:
        super().__init__(name="feed", daemon=True)
        self.read: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.error: BaseException | None = None
        self._addresses = addresses
        self._token = token
        self._until = until

    def run(self) -> None:
        try:
            with Client(self._addresses, self._token) as client:
                while True:
                    ended = self._until()  # asked before the page: what was written by then is in it
                    if self._has_read_all(client) and ended:
                        return
        except BaseException as error:
            self.error = error

    def _has_read_all(self, client: Client) -> bool:
        """Ask for one page; whether nothing came."""
        cursor = len(self.read)
        try:
            status, page = client.ask("GET", f"/api/changes?after={cursor}&limit={PAGE}")
        except Gone:
            time.sleep(PAUSE)
            return False
        client.turn()
        if status != 200:
            if status != 503:
                self.faults.append(f"feed: {status} {page.get('detail', '')}")
            time.sleep(PAUSE)
            return False
        ids = [change["id"] for change in page["changes"]]
        if ids != list(range(cursor + 1, cursor + 1 + len(ids))):
            self.faults.append(f"feed after {cursor}: {ids[:5]} … {ids[-5:]}")
            raise RuntimeError("the feed is broken")
        self.read += page["changes"]
        if not page["more"]:
            time.sleep(PAUSE)
        return not ids
