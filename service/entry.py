"""Finding out who asks, before anything of a request's body is read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy.orm import Session

from service.people import Person
from service.problems import is_for_programs, problem
from triage.config import Settings
from triage.desk import Desk
from triage.errors import LedgerBusy, OutcomeUnknown
from triage.ledger.keys import digest
from triage.ledger.sign_ins import find_sign_in, is_stale, touch
from triage.ledger.tokens import find_token, is_long_unused, touch_token

# for whoever has not signed in: to sign in, and to see that the service lives
OPEN = frozenset(
    {"/healthz", "/readyz", "/sign-in", "/sign-in/single", "/sign-in/single/back", "/first", "/link"}
)
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
READS = ("GET", "HEAD", "OPTIONS")


def is_open(path: str) -> bool:
    """Whether nobody needs to be known for this address."""
    return path in OPEN or path.startswith("/static/")


def is_let_in(request: Request) -> bool:
    """Whether nobody needs to be known: for this address, or for the figures where this machine itself asks.

    What a proxy on this machine passes on for others is not asked by this machine.
    """
    if request.url.path != "/metrics":
        return is_open(request.url.path)
    passed_on = any(name in request.headers for name in _PASSED_ON)
    return request.client is not None and request.client.host in ("127.0.0.1", "::1") and not passed_on


def cookie_name(settings: Settings) -> str:
    """Browsers keep other programs from setting a cookie of the second name; it needs TLS."""
    return "__Host-triage" if settings.is_https else "triage"


def set_cookie(response: Response, settings: Settings, key: str) -> None:
    """Hand the session's secret to the browser: for this program only, out of reach for scripts."""
    response.set_cookie(
        cookie_name(settings), key, httponly=True, samesite="lax", secure=settings.is_https, path="/"
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings), httponly=True, samesite="lax", secure=settings.is_https, path="/"
    )


def identify(request: Request, desk: Desk) -> Person | None:
    """Who asks: by token where one is shown (what is for programs only), else by the browser's session.

    Writes down, once a minute, that token or session are in use.
    """
    kind, _, shown = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and is_for_programs(request.url.path):
        return _by_token(shown.strip(), desk)
    key = request.cookies.get(cookie_name(desk.settings), "")
    return _by_session(key, request, desk) if key else None


def _by_token(shown: str, desk: Desk) -> Person | None:
    with desk.ledger.read() as session:
        row = find_token(shown, session=session)
        if row is None:
            return None
        found, unused, token_id = Person(row.name, scopes=tuple(row.scopes)), is_long_unused(row), row.id
    if unused:
        _note(desk, lambda session: touch_token(token_id, session=session))
    return found


def _by_session(key: str, request: Request, desk: Desk) -> Person | None:
    with desk.ledger.read() as session:
        row = find_sign_in(key, session=session)
        if row is None:
            return None
        found, stale = Person.of(row.account, row.id), is_stale(row)
    if stale:
        _note(desk, lambda session: touch(row.id, session=session))
    request.state.csrf = digest(f"csrf:{key}")
    return found


def _note(desk: Desk, touched: Callable[[Session], None]) -> None:
    """That it is in use may stay unwritten: nobody is kept out for a busy database."""
    with suppress(LedgerBusy, OutcomeUnknown), desk.ledger.write() as session:
        touched(session)


def turned_away(request: Request) -> Response:
    """The answer to somebody unknown: programs are told, browsers are led to the sign-in page."""
    path = request.url.path
    if is_for_programs(path):
        response = problem(request, 401, "请用令牌(Authorization: Bearer …)访问接口,或先在网页登录。")
        response.headers["www-authenticate"] = "Bearer"
        return response
    if request.method not in READS:
        return problem(
            request,
            401,
            "登录已过期,这次没有写入。请在另一个页签登录,再后退到上一页、刷新后提交;写好的内容请先复制。",
        )
    asked = path + (f"?{request.url.query}" if request.url.query else "")
    to = "/sign-in" if path == "/" else f"/sign-in?next={quote(asked, safe='')}"
    if request.headers.get("hx-request") and not request.headers.get("hx-boosted"):
        return Response(status_code=401, headers={"hx-redirect": to})
    return RedirectResponse(to, status_code=303)


def local_path(asked: str) -> str:
    """``asked`` if it is a page of ours, else the first page: nobody is led elsewhere after signing in."""
    plain = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked
    return asked if plain and not any(ord(c) < 32 for c in asked) else "/"
