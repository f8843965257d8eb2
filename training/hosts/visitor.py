"""Somebody with a browser: asks one host or another, keeps the cookie, sends forms."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from training.writers.client import Address

_CSRF = re.compile(r'name="csrf" value="([0-9a-f]+)"')


class Visitor:
    """One browser; each request is a connection of its own, so that any host may answer."""

    def __init__(self, host_header: str) -> None:
        self._host = host_header
        self.cookie = ""

    def get(self, address: Address, path: str) -> tuple[int, str]:
        """Status and page."""
        return self._ask(address, "GET", path, None)

    def post(self, address: Address, path: str, csrf: str = "", **typed: str) -> tuple[int, str]:
        """Status and page of a form that is sent; redirects are not followed."""
        return self._ask(address, "POST", path, urlencode({**typed, "csrf": csrf}))

    def csrf(self, address: Address, path: str) -> str:
        """What a form of that page carries; empty where there is none."""
        found = _CSRF.search(self.get(address, path)[1])
        return found.group(1) if found else ""

    def _ask(self, address: Address, method: str, path: str, body: str | None) -> tuple[int, str]:
        connection = address.open()
        headers = {"host": self._host, "cookie": self.cookie}
        if body is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            page = response.read().decode("utf-8", "replace")
            for cookie in response.headers.get_all("set-cookie") or ():
                self.cookie = cookie.partition(";")[0]
            return response.status, page
        finally:
            connection.close()
