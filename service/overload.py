"""Refusing early what could not be answered soon, so that what is taken is answered in time.

A request that waits behind a hundred others is answered after its sender has given up, and holds
memory until then. So only so many are under way at a time; one more is told at once to come back.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.entry import READS
from service.problems import problem

# under way at a time in one process: about what it answers in a second (python -m training.measure_speed)
WRITES = 12
PAGES = 24
UPLOADS = 4  # files, which may take long to come and long to read
UPLOAD_PATHS = frozenset({"/api/files", "/intake/files"})
SAID = "现在请求太多,这一次没有办理,也没有写入任何内容,请几秒后再试。"
_EXEMPT = ("/static/", "/healthz", "/readyz", "/metrics")


class Overload:
    """Counts what is under way, by kind, and refuses what is over."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._most = {"write": WRITES, "page": PAGES, "upload": UPLOADS}
        self._now = dict.fromkeys(self._most, 0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_EXEMPT):
            await self.app(scope, receive, send)
            return
        kind = _kind(scope)
        if self._now[kind] >= self._most[kind]:
            await problem(Request(scope), 503, SAID, code="overloaded")(scope, receive, send)
            return
        self._now[kind] += 1  # one thread runs all of this: nothing comes between
        try:
            await self.app(scope, receive, send)
        finally:
            self._now[kind] -= 1


def _kind(scope: Scope) -> str:
    if scope["method"] in READS:
        return "page"
    return "upload" if scope["path"] in UPLOAD_PATHS else "write"
