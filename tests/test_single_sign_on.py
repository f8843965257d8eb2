"""Signing in by a real OpenID provider (Canaille) that runs beside the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from service.app import make_app
from triage.desk import Desk
from triage.ledger.accounts import add_account, change_account

BASE_URL = "http://127.0.0.1:8000"
BACK = f"{BASE_URL}/sign-in/single/back"


@pytest.fixture
def provider(iam_server: Any) -> Iterator[Any]:
    """The provider, which knows our program and two people."""
    client = iam_server.models.Client(
        client_id="triage",
        client_secret="secret",
        client_name="建议提案分办",
        redirect_uris=[BACK],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "profile", "email"],
        token_endpoint_auth_method="client_secret_basic",
    )
    people = [
        iam_server.models.User(
            user_name=login, family_name=login, emails=[f"{login}@example.org"], password="correct horse"
        )
        for login in ("wang", "stranger")
    ]
    for item in (client, *people):
        iam_server.backend.save(item)
    client.audience = [client]
    iam_server.backend.save(client)
    yield iam_server
    for item in (*people, client):
        iam_server.backend.delete(item)


@contextmanager
def service(desk: Desk, provider: Any, **changed: str) -> Iterator[TestClient]:
    """The service of an office that signs in by the provider and knows one of its people."""
    given = {
        "oidc_issuer": provider.url.rstrip("/"),
        "oidc_client_id": "triage",
        "oidc_client_secret": "secret",
        "oidc_claim": "sub",
    }
    desk.settings = replace(desk.settings, **(given | changed))
    with desk.ledger.write() as session:
        add_account("wang", "王工", ["clerk"], who="李主任", session=session)
    with TestClient(make_app(desk.settings, desk), base_url=BASE_URL, follow_redirects=False) as client:
        yield client


def at_provider(provider: Any, login: str, address: str) -> str:
    """Where the provider sends the browser after this person signed in there and agreed."""
    user = provider.backend.get(provider.models.User, user_name=login)
    provider.login(user)
    provider.consent(user)
    parts = urlsplit(address)
    answer = provider.test_client.get(f"{parts.path}?{parts.query}")
    assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
    return str(answer.headers["location"])


def test_whoever_the_provider_vouches_for_is_let_in_to_the_page_asked_for(desk: Desk, provider: Any) -> None:
    with service(desk, provider) as client:
        assert "统一身份" in client.get("/sign-in").text
        started = client.get("/sign-in/single", params={"next": "/groups?year=2026"})
        asked = parse_qs(urlsplit(started.headers["location"]).query)
        assert asked["code_challenge_method"] == ["S256"]
        assert asked["redirect_uri"] == [BACK]
        back = at_provider(provider, "wang", started.headers["location"])
        entered = client.get(back)
        assert (entered.status_code, entered.headers["location"]) == (303, "/groups?year=2026")
        assert "王工" in client.get("/me").text
        again = client.get(back)  # the code and what began it are spent
        assert again.status_code == 403


def test_a_stranger_is_told_to_ask_the_administrator(desk: Desk, provider: Any) -> None:
    with service(desk, provider) as client:
        started = client.get("/sign-in/single")
        refused = client.get(at_provider(provider, "stranger", started.headers["location"]))
        assert refused.status_code == 403
        assert "“stranger”在这里还没有账号" in refused.text
        assert client.get("/me").status_code == 303


def test_an_account_out_of_use_is_not_let_in_by_the_provider_either(desk: Desk, provider: Any) -> None:
    with service(desk, provider) as client:
        with desk.ledger.write() as session:
            add_account("li", "李主任", ["administrator"], who="李主任", session=session)
            change_account(1, name="王工", roles=["clerk"], active=False, who="李主任", session=session)
        started = client.get("/sign-in/single")
        assert client.get(at_provider(provider, "wang", started.headers["location"])).status_code == 403


def test_a_sign_in_begun_in_another_browser_is_not_finished_here(desk: Desk, provider: Any) -> None:
    with service(desk, provider) as client:
        theirs = client.get("/sign-in/single")
        back = at_provider(provider, "wang", theirs.headers["location"])
        client.cookies.clear()
        assert client.get(back).status_code == 403  # a link that an attacker sent
        client.get("/sign-in/single")  # and one who began his own meanwhile
        assert client.get(back).status_code == 403


def test_the_word_of_one_sign_in_is_not_taken_for_another(desk: Desk, provider: Any) -> None:
    """The code of one with the state of the other: the nonce inside the signed word gives it away."""
    with service(desk, provider) as client:
        one = at_provider(provider, "wang", client.get("/sign-in/single").headers["location"])
        started = client.get("/sign-in/single")
        state = parse_qs(urlsplit(started.headers["location"]).query)["state"][0]
        code = parse_qs(urlsplit(one).query)["code"][0]
        assert client.get("/sign-in/single/back", params={"state": state, "code": code}).status_code == 403


@pytest.mark.parametrize(
    "changed", [{"oidc_client_secret": "wrong"}, {"oidc_client_id": "other"}, {"oidc_claim": "shoe_size"}]
)
def test_a_wrong_setting_is_a_sentence_and_lets_nobody_in(
    desk: Desk, provider: Any, changed: dict[str, str]
) -> None:
    with service(desk, provider) as client:
        back = at_provider(provider, "wang", client.get("/sign-in/single").headers["location"])
        desk.settings = replace(desk.settings, **changed)
        refused = client.get(back)
        assert refused.status_code == 403
        assert "统一身份认证" in refused.text


def test_a_provider_that_is_not_there_is_a_sentence(desk: Desk, provider: Any) -> None:
    with service(desk, provider, oidc_issuer="http://127.0.0.1:9") as client:
        refused = client.get("/sign-in/single")
        assert refused.status_code == 403
        assert "连不上" in refused.text


def test_without_a_provider_there_is_no_such_way_in(desk: Desk) -> None:
    with TestClient(make_app(desk.settings, desk), base_url=BASE_URL) as client:
        assert "统一身份" not in client.get("/sign-in").text
        assert client.get("/sign-in/single").status_code == 404
