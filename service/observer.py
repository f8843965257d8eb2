"""Watches each request: gives it a number, counts and times it, logs it, catches what nobody foresaw."""

from __future__ import annotations

import logging
import re
import secrets
from time import perf_counter
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.logs import REQUEST_ID, access
from service.masking import masked
from service.metrics import Metrics
from service.people import Person
from service.problems import unforeseen

log = logging.getLogger("triage.service")
HEADER = "x-request-id"
_SANE = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LETTERS = "bcdfghjkmnpqrstvwxyz"  # read out over the telephone: no vowel, no l, no digit
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = ("/healthz", "/readyz", "/metrics", "/static")  # asked all day long
GONE = 499  # status on record where whoever asked left before an answer


class Observer:
    """Outside everything that answers; touches no answer but for its number."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = _number_of(scope)
        REQUEST_ID.set(number)
        started, status, told = perf_counter(), 0, False

        def tell() -> None:
            nonlocal told
            if not told:
                told = True
                self._tell(scope, status or GONE, perf_counter() - started)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                tell()  # now: what a request leaves to be done after its answer is no part of it

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            pass  # nobody is there to be answered
        except Exception as error:
            if status:  # an answer that broke off: the server must close the connection
                raise
            log.error("unforeseen error at %s %s", scope["method"], template_of(scope), exc_info=error)
            await unforeseen(Request(scope, receive))(scope, receive, watched)
        finally:
            tell()

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        path = template_of(scope)
        self.metrics.count_request(method, path, status, seconds)
        level = logging.WARNING if status >= 500 else logging.DEBUG if path in _QUIET else logging.INFO
        if access.isEnabledFor(level):
            access.log(
                level,
                "%s %s %s %.1f ms",
                *(method, path, status, 1000 * seconds),
                extra={
                    "request": {
                        "method": method,
                        "path": path,
                        "status": status,
                        "duration_ms": round(1000 * seconds, 1),
                        "who": who_of(scope),
                    }
                },
            )


def template_of(scope: Scope) -> str:
    """The route's path as it is written in the program, without what stands in for its {…}; "-" for none."""
    path = getattr(scope.get("route"), "path", "")
    if path:
        return str(path)
    return "/static" if scope["path"].startswith("/static/") else "-"


def who_of(scope: Scope) -> str:
    """The roles of the person who asked, or the program's name; nobody's own name."""
    person: Any = scope.get("state", {}).get("person")
    if not isinstance(person, Person):
        return ""
    return ",".join(person.roles) if person.account_id is not None else f"program:{person.name}"


def _number_of(scope: Scope) -> str:
    """The number that whoever asks gave the request, where it is short, plain and no secret; else a new one."""
    for name, value in scope["headers"]:
        if name == HEADER.encode() and _SANE.fullmatch(value):
            given: str = value.decode()
            if masked(given) == given:
                return given
    return "".join(secrets.choice(_LETTERS) for _ in range(10))
