"""The real service as a process of its own, on a free port of this machine, and a client for it."""

from __future__ import annotations

import httpx2

from training.writers.servers import REPO, Service, clean_env, free_port, wait_until

__all__ = ["REPO", "LiveServer", "clean_env", "free_port", "wait_until"]


class LiveServer(Service):
    """``triage serve`` over one home; as a context manager it is running inside the block."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> httpx2.Client:
        """A client that speaks to this server only."""
        return httpx2.Client(base_url=self.url, trust_env=False, timeout=60)

    def __enter__(self) -> LiveServer:
        self.start()
        return self
