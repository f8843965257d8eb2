"""What may reach the service before accounts exist: this machine's own pages, in sensible sizes."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import SECURITY_HEADERS, problem
from triage.documents.reading import MAX_FILE_BYTES
from triage.errors import InputError

MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_UPLOAD_BYTES = MAX_FILE_BYTES + 1024 * 1024  # a file and the form around it
UPLOADS = "/api/files"
LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]


def check_host(host: str) -> str:
    """``host`` if it is a loopback address.

    Raises:
        InputError: any other: there are no accounts yet, so nobody else may reach the ledger.
    """
    if host == "localhost":
        return host
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise InputError(
            f"服务只能监听本机地址(127.0.0.1),不能监听 {host}:目前没有账号和登录,"
            "开放到网络上任何人都能改台账。"
        )
    return host


class Guard:
    """Refuses foreign Host headers, writes from other sites' pages, and oversized requests."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        refusal = self._refusal(request)
        if refusal is not None:
            status, detail = refusal
            await problem(request, status, detail)(scope, receive, send)
            return
        seen, most = 0, _most(request)

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, _too_large(most))
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    if name != "cache-control" or not request.url.path.startswith("/static"):
                        headers[name] = value
            await send(message)

        await self.app(scope, counted, with_headers)

    @staticmethod
    def _refusal(request: Request) -> tuple[int, str] | None:
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
        if name not in LOOPBACK_NAMES:
            return 403, "只接受来自本机地址的请求。"
        origin = request.headers.get("origin")
        writes = request.method not in ("GET", "HEAD", "OPTIONS")
        if writes and origin is not None and urlsplit(origin).netloc != host:
            return 403, "拒绝来自其他网站页面的写入。"
        length = request.headers.get("content-length", "0")
        most = _most(request)
        if length.isdigit() and int(length) > most:
            return 413, _too_large(most)
        return None


def _most(request: Request) -> int:
    """The largest request that the address takes, in bytes."""
    return MAX_UPLOAD_BYTES if request.url.path == UPLOADS else MAX_REQUEST_BYTES


def _too_large(most: int) -> str:
    if most == MAX_UPLOAD_BYTES:
        return f"文件太大,最多 {MAX_FILE_BYTES // 2**20} MB。"
    return f"请求太大,最多 {most // 2**20} MB。"
