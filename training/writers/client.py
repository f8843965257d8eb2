"""Asking the service over HTTP: one connection, to whichever of its processes answers."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

SECONDS = 120.0  # the service tries again by itself, so an answer may take long


class Gone(Exception):
    """The connection was refused or broke; what was asked may have been done or not."""


@dataclass(frozen=True)
class Address:
    """Where a service is asked; ``tls``: what its certificate is held against, None for plain HTTP."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None

    def open(self) -> http.client.HTTPConnection:
        """A connection that is made when it is first used."""
        if self.tls is None:
            return http.client.HTTPConnection(self.host, self.port, timeout=SECONDS)
        return http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=self.tls)


class Client:
    """Keeps its connection; goes on to the next process where it breaks."""

    def __init__(self, addresses: Sequence[Address], token: str, first: int = 0) -> None:
        self._addresses = addresses
        self._token = token
        self._turn = first
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON of the answer; Gone where there was none."""
        if self._connection is None:
            self._connection = self._addresses[self._turn % len(self._addresses)].open()
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        told = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
        told["content-type"] = b"application/json"
        told["authorization"] = f"Bearer {self._token}".encode()
        try:
            self._connection.request(method, path, body=sent, headers=told)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._turn += 1
            raise Gone from error
        answer: dict[str, Any] = json.loads(content)
        return response.status, answer

    def turn(self) -> None:
        """Ask the next process from now on."""
        if len(self._addresses) > 1:
            self.close()
            self._turn += 1

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
