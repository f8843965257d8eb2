"""A real browser over the real service: for one person at a time, and watched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from live_server import LiveServer
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
DEADLINE = 15_000  # ms, for each thing that is waited for
SCRIPT = [pytest.param(True, id="with-javascript"), pytest.param(False, id="without-javascript")]


@pytest.fixture(scope="module")
def server(demo_home_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """The real service over a copy of the sample office."""
    home = tmp_path_factory.mktemp("browsed") / "home"
    shutil.copytree(demo_home_once, home)
    with LiveServer(home) as server:
        yield server


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's chromium, else playwright's own."""
    own = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=own, headless=True, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all; each person has a context of their own in it."""
    with chromium() as browser:
        yield browser


@dataclass
class Watch:
    """What a page did behind the user's back."""

    port: int
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)

    def request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about"):
            self.hosts.add(parts.netloc)

    def response(self, response: Response) -> None:
        if response.status >= 400:
            self.refusals.append(response.status)

    def console(self, message: Any) -> None:
        # the browser itself logs every answer of 400 and more; those are in refusals
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def check(self, *refusals: int) -> None:
        assert self.hosts == {f"127.0.0.1:{self.port}"}
        assert self.errors == []
        assert self.refusals == list(refusals)


Open = Callable[..., Any]


@pytest.fixture
def person(browser: Browser, server: LiveServer) -> Open:
    """Opens a browser of its own for one person: a page, and a watch over it."""

    @contextmanager
    def opened(script: bool) -> Iterator[tuple[Page, Watch]]:
        context = browser.new_context(
            base_url=server.url,
            java_script_enabled=script,
            locale="zh-CN",
            viewport={"width": 1366, "height": 768},
        )
        context.set_default_timeout(DEADLINE)
        context.add_cookies([server.cookie()])
        watch = Watch(server.port)
        context.on("request", watch.request)
        context.on("response", watch.response)
        page = context.new_page()
        page.on("console", watch.console)
        page.on("pageerror", lambda error: watch.errors.append(str(error)))
        yield page, watch
        context.close()

    return opened
