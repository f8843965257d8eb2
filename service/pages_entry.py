"""Signing in and out, the one-time links, and a person's own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.entry import clear_cookie, local_path, set_cookie
from service.guards import is_loopback
from service.pages import render
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, NotAllowed, NotFound, OutcomeUnknown, Refused, TriageError
from triage.ledger.account_tables import AccountRow
from triage.ledger.accounts import find_account, get_account, is_password, set_password
from triage.ledger.invites import find_invite, use_first_invite, use_invite
from triage.ledger.sign_ins import (
    begin_sign_in,
    check_password,
    end_sign_in,
    list_sign_ins,
    note_failure,
)

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)
SINGLE, STARTED = "/sign-in/single", "triage-single"
Text = Annotated[str, Form(max_length=500)]


@router.get("/sign-in")
def sign_in_page(
    request: Request, desk: TheDesk, next: Annotated[str, Query(max_length=2000)] = ""
) -> Response:
    return _sign_in_form(request, desk, next=next)


@router.post("/sign-in")
def sign_in(
    request: Request, desk: TheDesk, login: Text = "", password: Text = "", next: Text = ""
) -> Response:
    address = address_of(request)
    try:
        with desk.ledger.write() as session:
            account = check_password(login, password, address=address, session=session)
            key = begin_sign_in(account, address=address, session=session)
    except TriageError as error:
        if isinstance(error, (LedgerBusy, OutcomeUnknown)):
            raise
        if isinstance(error, Refused):  # counted in a transaction of its own: the other is undone
            with desk.ledger.write() as session:
                note_failure(login, address=address, session=session)
        return _sign_in_form(request, desk, next=next, login=login, error=error)
    return enter(desk, key, next)


@router.get("/sign-in/single")
def single(desk: TheDesk, request: Request, next: Annotated[str, Query(max_length=2000)] = "") -> Response:
    if not desk.settings.oidc_issuer:
        raise NotFound("没有设置统一身份认证。")
    from service import single_sign_on  # what it signs with takes a quarter of a second to load

    address, started = single_sign_on.begin(desk.settings, _back(request, desk), local_path(next))
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        STARTED,
        quote(started.to_text()),
        max_age=600,
        httponly=True,
        samesite="lax",  # it must come along when the provider sends the browser back
        secure=desk.settings.is_https,
        path=SINGLE,
    )
    return response


@router.get("/sign-in/single/back")
def single_back(
    desk: TheDesk,
    request: Request,
    state: Annotated[str, Query(max_length=2000)] = "",
    code: Annotated[str, Query(max_length=4000)] = "",
) -> Response:
    from service import single_sign_on

    address = address_of(request)
    try:
        started = single_sign_on.Started.of_text(unquote(request.cookies.get(STARTED, "")))
        login = single_sign_on.finish(desk.settings, _back(request, desk), started, state=state, code=code)
        with desk.ledger.write() as session:
            account = find_account(login, session=session)
            if account is None:
                raise Refused(f"“{login}”在这里还没有账号,请管理员用这个登录名添加。")
            key = begin_sign_in(account, address=address, session=session)
    except Refused as error:
        return _sign_in_form(request, desk, next="", error=error)
    response = enter(desk, key, started.asked)
    response.delete_cookie(STARTED, path=SINGLE)
    return response


def _back(request: Request, desk: Desk) -> str:
    """Where the provider sends the browser back to."""
    return f"{base_of(request, desk)}{SINGLE}/back"


@router.post("/sign-out")
def sign_out(desk: TheDesk, person: ThePerson) -> Response:
    with desk.ledger.write() as session:
        _end(person.sign_in_id, person, session)
    response = RedirectResponse("/sign-in", status_code=303)
    clear_cookie(response, desk.settings)
    return response


@router.get("/first")
def first_page(request: Request, desk: TheDesk, key: Annotated[str, Query(max_length=200)] = "") -> Response:
    return _link_form(request, desk, "first.html", key)


@router.post("/first")
def first(
    request: Request,
    desk: TheDesk,
    key: Text = "",
    login: Text = "",
    name: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    def used(session: Session) -> AccountRow:
        return use_first_invite(key, login=login, name=name, password=password, session=session)

    return _use_link(request, desk, "first.html", key, used, password, again, login=login, name=name)


@router.get("/link")
def link_page(request: Request, desk: TheDesk, key: Annotated[str, Query(max_length=200)] = "") -> Response:
    return _link_form(request, desk, "link.html", key)


@router.post("/link")
def link(request: Request, desk: TheDesk, key: Text = "", password: Text = "", again: Text = "") -> Response:
    def used(session: Session) -> AccountRow:
        return use_invite(key, password=password, session=session)

    return _use_link(request, desk, "link.html", key, used, password, again)


@router.get("/me")
def me_page(
    request: Request, desk: TheDesk, person: ThePerson, done: Annotated[str, Query()] = ""
) -> Response:
    return _me(request, desk, person, done=done)


@router.post("/me/password")
def change_password(
    request: Request, desk: TheDesk, person: ThePerson, old: Text = "", password: Text = "", again: Text = ""
) -> Response:
    address = address_of(request)
    try:
        if password != again:
            raise InputError("两次输入的新密码不一样。")
        with desk.ledger.write() as session:
            account = _own(person, session)
            if account.password and not is_password(account, old):
                raise InputError("原来的密码不对。")
            set_password(account, password, who=account.name, session=session)
            key = begin_sign_in(account, address=address, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        return _me(request, desk, person, error=error)
    return enter(desk, key, "/me?done=password")


@router.post("/me/end")
def end_session(desk: TheDesk, person: ThePerson, sign_in_id: Annotated[int, Form()]) -> Response:
    with desk.ledger.write() as session:
        _end(sign_in_id, person, session)
    return RedirectResponse("/me", status_code=303)


def enter(desk: Desk, key: str, asked: str) -> Response:
    """To the page that was asked for, with the new session's secret: an old one is never kept."""
    response = RedirectResponse(local_path(asked), status_code=303)
    set_cookie(response, desk.settings, key)
    return response


def base_of(request: Request, desk: Desk) -> str:
    """The address of ours under which people come, without a slash at the end."""
    return desk.settings.public_url or str(request.base_url).rstrip("/")


def address_of(request: Request) -> str:
    """Where the request comes from, as far as the server knows."""
    return request.client.host if request.client else ""


def _sign_in_form(
    request: Request, desk: Desk, *, next: str, login: str = "", error: TriageError | None = None
) -> Response:
    bare = not desk.settings.is_https and not is_loopback(request.url.hostname or "")
    return render(
        request,
        desk,
        "sign_in.html",
        status=STATUS[error.code] if error else 200,
        next=local_path(next) if next else "",
        login=login,
        error=error.message if error else "",
        bare=bare,
        single=bool(desk.settings.oidc_issuer),
    )


def _link_form(
    request: Request, desk: Desk, template: str, key: str, error: TriageError | None = None, **typed: str
) -> Response:
    with desk.ledger.read() as session:
        invite = find_invite(key, session=session)
        if (invite.account_id is None) != (template == "first.html"):
            raise Refused("这个链接不完整。")
        account = get_account(invite.account_id, session=session) if invite.account_id is not None else None
    status = STATUS[error.code] if error else 200
    said = error.message if error else ""
    return render(request, desk, template, status=status, key=key, account=account, error=said, typed=typed)


def _use_link(
    request: Request,
    desk: Desk,
    template: str,
    key: str,
    used: Callable[[Session], AccountRow],
    password: str,
    again: str,
    **typed: str,
) -> Response:
    """Set the account up in one transaction and sign it in; a refused form keeps what was typed."""
    try:
        if password != again:
            raise InputError("两次输入的密码不一样。")
        with desk.ledger.write() as session:
            secret = begin_sign_in(used(session), address=address_of(request), session=session)
    except InputError as error:
        return _link_form(request, desk, template, key, error, **typed)
    return enter(desk, secret, "/")


def _me(
    request: Request, desk: Desk, person: ThePerson, *, done: str = "", error: TriageError | None = None
) -> Response:
    with desk.ledger.read() as session:
        account = _own(person, session)
        return render(
            request,
            desk,
            "me.html",
            status=STATUS[error.code] if error else 200,
            account=account,
            sign_ins=list_sign_ins(account.id, session=session),
            done=done,
            error=error.message if error else "",
        )


def _own(person: ThePerson, session: Session) -> AccountRow:
    if person.account_id is None:
        raise NotAllowed("令牌没有自己的页面。")
    return get_account(person.account_id, session=session)


def _end(sign_in_id: int | None, person: ThePerson, session: Session) -> None:
    if sign_in_id is not None and person.account_id is not None:
        end_sign_in(sign_in_id, account_id=person.account_id, session=session)
