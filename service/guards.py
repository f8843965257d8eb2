"""What may reach the service: known people and programs, from our own pages, in sensible sizes."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.entry import READS, identify, is_let_in, turned_away
from service.problems import SECURITY_HEADERS, problem
from triage.desk import Desk
from triage.documents.reading import MAX_FILE_BYTES
from triage.errors import InputError, LedgerBusy
from triage.ledger.store import retried
from triage.ledger.via import VIA

MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAX_UPLOAD_BYTES = MAX_FILE_BYTES + 1024 * 1024  # a file and the form around it
MAX_UPLOADS_BYTES = 4 * MAX_FILE_BYTES + 1024 * 1024  # several files in one form
UPLOADS = {"/api/files": MAX_UPLOAD_BYTES, "/intake/files": MAX_UPLOADS_BYTES}
LOOPBACK_NAMES = ["127.0.0.1", "localhost", "[::1]"]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_host(host: str, *, has_accounts: bool) -> str:
    """``host`` if the service may listen there.

    Raises:
        InputError: other machines could reach it before anybody has an account, or it is no address.
    """
    if is_loopback(host):
        return host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise InputError(f"“{host}”不是 IP 地址。监听本机用 127.0.0.1,监听全部网卡用 0.0.0.0。") from None
    if not has_accounts:
        raise InputError(
            f"还没有账号,服务只能监听本机地址(127.0.0.1),不能监听 {host}:"
            "先在本机启动,用一次性链接设立管理员。"
        )
    return host


class Guard:
    """Lets in who may come in: no foreign Host header, no write from another site's page, nothing too
    large, nobody unknown."""

    def __init__(self, app: ASGIApp, desk: Desk) -> None:
        self.app = app
        self.desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    if name != "cache-control" or not request.url.path.startswith("/static"):
                        headers[name] = value
            await send(message)

        stopped = await self._stopped(request)
        if stopped is not None:
            await stopped(scope, receive, with_headers)
            return
        seen, most = 0, _most(request)

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413, _too_large(most))
            return message

        await self.app(scope, counted, with_headers)

    async def _stopped(self, request: Request) -> Response | None:
        """The answer to a request that comes no further; else who asks is on the request."""
        refusal = self._refusal(request)
        if refusal is not None:
            return problem(request, *refusal)
        if is_let_in(request):
            return None
        try:
            person = await run_in_threadpool(retried, lambda: identify(request, self.desk))
        except LedgerBusy as error:
            return problem(request, 503, error.message, code=error.code)
        if person is None:
            return turned_away(request)
        request.state.person = person
        VIA.set("" if person.account_id is not None else person.name)
        return None

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        host, settings = request.headers.get("host", ""), self.desk.settings
        public = urlsplit(settings.public_url).netloc
        if not (public and host == public) and not _is_own(host, settings.host):
            return 403, f"这个地址({host[:100]})不是本服务的。"
        origin = request.headers.get("origin")
        writes = request.method not in READS
        if writes and origin is not None and urlsplit(origin).netloc not in {host, public} - {""}:
            return 403, "拒绝来自其他网站页面的写入。"
        length = request.headers.get("content-length", "0")
        most = _most(request)
        if length.isdigit() and int(length) > most:
            return 413, _too_large(most)
        return None


def _is_own(host: str, bound: str) -> bool:
    """Whether a Host header can be ours: a name of this machine, or its number where others may ask.

    A name that somebody else's server points at this machine is none: that is how pages of other
    sites would get at the ledger.
    """
    name = host if host.endswith("]") else host.rsplit(":", 1)[0] if ":" in host else host
    if name in LOOPBACK_NAMES:
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return not is_loopback(bound)


def _most(request: Request) -> int:
    """The largest request that the address takes, in bytes."""
    return UPLOADS.get(request.url.path, MAX_REQUEST_BYTES)


def _too_large(most: int) -> str:
    if most == MAX_UPLOAD_BYTES:
        return f"文件太大,最多 {MAX_FILE_BYTES // 2**20} MB。"
    if most == MAX_UPLOADS_BYTES:
        return f"一次交来的文件太大:每个最多 {MAX_FILE_BYTES // 2**20} MB,合计最多 {most // 2**20} MB。"
    return f"请求太大,最多 {most // 2**20} MB。"
