"""The real service as a process of its own, on a free port of this machine, and a client for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cached_property

import httpx2
from entry import PERSON, ROLES, make_token, sign_in

from training.writers.servers import REPO, Service, clean_env, free_port, wait_until
from triage.config import Settings
from triage.ledger.store import Ledger

__all__ = ["REPO", "LiveServer", "clean_env", "free_port", "wait_until"]


class LiveServer(Service):
    """``triage serve`` over one home; as a context manager it is running inside the block."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx2.Client:
        """A client that speaks to this server only: a program to the API, somebody signed in to the pages."""
        headers = {"authorization": f"Bearer {self.token}"}
        cookies = {"triage": self.cookie()["value"]}
        return httpx2.Client(base_url=self.url, headers=headers, cookies=cookies, trust_env=False, timeout=60)

    @cached_property
    def token(self) -> str:
        with closing(self.ledger()) as ledger:
            return make_token(ledger)

    def ledger(self) -> Ledger:
        """Its ledger, opened beside it."""
        return Ledger(Settings.from_env({**self.env, "TRIAGE_HOME": str(self.home)}).database_url)

    def cookie(self, name: str = PERSON, roles: Sequence[str] = ROLES, section: str = "") -> dict[str, str]:
        """What a browser has after this person signed in."""
        with closing(self.ledger()) as ledger:
            return {"name": "triage", "value": sign_in(ledger, name, roles, section), "url": self.url}

    def __enter__(self) -> LiveServer:
        self.start()
        return self
