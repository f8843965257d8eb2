"""The pages of accounts and tokens."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from service.api import TheDesk
from service.pages import render
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from service.roles import PERMISSION_NAMES, SCOPES
from triage.desk import Desk
from triage.errors import LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.accounts import add_account, change_account, list_accounts
from triage.ledger.invites import add_invite
from triage.ledger.tokens import add_token, list_tokens, revoke_token

router = APIRouter(
    prefix="/settings",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=RetryingRoute,
)
Text = Annotated[str, Form(max_length=500)]
Several = Annotated[list[str], Form(default_factory=list)]


@router.get("/accounts")
def accounts_page(request: Request, desk: TheDesk) -> Response:
    return _accounts(request, desk)


@router.post("/accounts")
def add_account_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    roles: Several,
    login: Text = "",
    name: Text = "",
    section: Text = "",
) -> Response:
    try:
        with desk.ledger.write() as session:
            account = add_account(login, name, roles, section=section, who=person.name, session=session)
            key = add_invite(account.id, who=person.name, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        typed = {"login": login, "name": name, "roles": roles, "section": section}
        return _accounts(request, desk, error=error, typed=typed)
    return _accounts(request, desk, made=account.name, link=link_of(request, desk, key))


@router.post("/accounts/{account_id}")
def change_account_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    account_id: int,
    roles: Several,
    name: Text = "",
    section: Text = "",
    active: Annotated[bool, Form()] = False,
) -> Response:
    try:
        with desk.ledger.write() as session:
            change_account(
                account_id,
                name=name,
                roles=roles,
                section=section,
                active=active,
                who=person.name,
                session=session,
            )
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        return _accounts(request, desk, error=error)
    return RedirectResponse(f"/settings/accounts#account-{account_id}", status_code=303)


@router.post("/accounts/{account_id}/link")
def new_link_page(request: Request, desk: TheDesk, person: ThePerson, account_id: int) -> Response:
    with desk.ledger.write() as session:
        key = add_invite(account_id, who=person.name, session=session)
    return _accounts(request, desk, link=link_of(request, desk, key))


@router.get("/tokens")
def tokens_page(request: Request, desk: TheDesk) -> Response:
    return _tokens(request, desk)


@router.post("/tokens")
def add_token_page(
    request: Request, desk: TheDesk, person: ThePerson, scopes: Several, name: Text = ""
) -> Response:
    try:
        with desk.ledger.write() as session:
            key = add_token(name, scopes, known=SCOPES, who=person.name, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        return _tokens(request, desk, error=error, typed={"name": name, "scopes": scopes})
    return _tokens(request, desk, key=key)  # shown in this answer and never again


@router.post("/tokens/{token_id}/revoke")
def revoke_token_page(desk: TheDesk, person: ThePerson, token_id: int) -> Response:
    with desk.ledger.write() as session:
        revoke_token(token_id, who=person.name, session=session)
    return RedirectResponse("/settings/tokens", status_code=303)


def link_of(request: Request, desk: Desk, key: str) -> str:
    """The address that the person opens to set the password."""
    return f"{desk.settings.public_url or str(request.base_url).rstrip('/')}/link?key={key}"


def _accounts(
    request: Request,
    desk: Desk,
    *,
    error: TriageError | None = None,
    typed: dict[str, Any] | None = None,
    **more: str,
) -> Response:
    with desk.ledger.read() as session:
        return render(
            request,
            desk,
            "accounts.html",
            status=STATUS[error.code] if error else 200,
            accounts=list_accounts(session=session),
            sections=[label.name for label in desk.taxonomy.section if label.active],
            error=error.message if error else "",
            typed=typed or {},
            **more,
        )


def _tokens(
    request: Request,
    desk: Desk,
    *,
    error: TriageError | None = None,
    typed: dict[str, Any] | None = None,
    **more: str,
) -> Response:
    with desk.ledger.read() as session:
        return render(
            request,
            desk,
            "tokens.html",
            status=STATUS[error.code] if error else 200,
            tokens=list_tokens(session=session),
            scope_names={scope: PERMISSION_NAMES[scope] for scope in SCOPES},
            error=error.message if error else "",
            typed=typed or {},
            **more,
        )
