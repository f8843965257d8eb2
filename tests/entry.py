"""Coming in as somebody: an account and a token made in the ledger, carried by a test's client."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.testclient import TestClient

from service.roles import SCOPES
from triage.ledger.accounts import add_account, list_accounts
from triage.ledger.keys import digest
from triage.ledger.sign_ins import begin_sign_in
from triage.ledger.store import Ledger
from triage.ledger.tokens import add_token

PERSON = "值班员"
ROLES = ("clerk", "administrator")
PROGRAM = "测试程序"


def sign_in(ledger: Ledger, name: str = PERSON, roles: Sequence[str] = ROLES, section: str = "") -> str:
    """The secret of a new session of that person, whose account is made where there is none yet."""
    with ledger.write() as session:
        known = [a for a in list_accounts(session=session) if a.name == name]
        account = (
            known[0]
            if known
            else add_account(name, name, roles, section=section, who="测试", session=session)
        )
        return begin_sign_in(account, address="127.0.0.1", session=session)


def make_token(ledger: Ledger, scopes: Sequence[str] = SCOPES) -> str:
    """A token of a program that may do all that programs may."""
    with ledger.write() as session:
        return add_token(PROGRAM, scopes, known=SCOPES, who="测试", session=session)


def come_in(client: TestClient, ledger: Ledger) -> TestClient:
    """The client as one that signed in for the pages and shows a token to the API."""
    key = sign_in(ledger)
    client.cookies.set("triage", key)
    client.headers["x-csrf-token"] = digest(f"csrf:{key}")
    client.headers["authorization"] = f"Bearer {make_token(ledger)}"
    return client
