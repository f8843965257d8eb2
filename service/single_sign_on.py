"""Signing in by the office's own provider (OpenID Connect, authorization code with PKCE)."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import dataclass
from typing import Any

import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from triage.config import Settings
from triage.errors import Refused

SECONDS = 10
ALGORITHMS = [
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "EdDSA",
]  # signed by the provider's own key
LEEWAY = 60  # seconds that two clocks may be apart


@dataclass(frozen=True)
class Started:
    """A sign-in on its way to the provider and back; the browser keeps it meanwhile."""

    state: str
    nonce: str
    verifier: str
    asked: str

    def to_text(self) -> str:
        return json.dumps([self.state, self.nonce, self.verifier, self.asked])

    @classmethod
    def of_text(cls, text: str) -> Started:
        """Raises Refused where the browser brought none back."""
        try:
            return cls(*json.loads(text))
        except (ValueError, TypeError):
            raise Refused("登录没有完成,请重新登录。") from None


def begin(settings: Settings, back: str, asked: str) -> tuple[str, Started]:
    """Where to send the browser, and what it must bring back.

    Args:
        back: the address of ours that the provider sends it to.
        asked: the page that was asked for.

    Raises:
        Refused: the provider cannot be reached or is not one.
    """
    found = _described(settings)
    started = Started(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48), asked)
    with _client(settings, back) as client:
        address, _ = client.create_authorization_url(
            found["authorization_endpoint"],
            state=started.state,
            nonce=started.nonce,
            code_verifier=started.verifier,
        )
    return str(address), started


def finish(settings: Settings, back: str, started: Started, *, state: str, code: str) -> str:
    """The login name that the provider vouches for.

    Raises:
        Refused: another browser began it, or what came back is not the provider's word on this sign-in.
    """
    if not hmac.compare_digest(state.encode(), started.state.encode()) or not code:
        raise Refused("登录没有完成,请重新登录。")
    found = _described(settings)
    try:
        with _client(settings, back) as client:
            token = client.fetch_token(
                found["token_endpoint"], code=code, code_verifier=started.verifier, timeout=SECONDS
            )
        listed: Any = _fetched(found["jwks_uri"])
        keys = KeySet.import_key_set(listed)
        said = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": found["issuer"]},
            aud={"essential": True, "value": settings.oidc_client_id},
            exp={"essential": True},
            nonce={"essential": True, "value": started.nonce},
        ).validate(said)
    except (OAuthError, JoseError, KeyError, ValueError, requests.RequestException) as error:
        raise Refused("统一身份认证没有通过,请重新登录;一直如此请找管理员。") from error
    login = said.get(settings.oidc_claim)
    if not isinstance(login, str) or not login:
        raise Refused(f"统一身份认证没有给出登录名({settings.oidc_claim})。")
    return login


def _client(settings: Settings, back: str) -> OAuth2Session:
    return OAuth2Session(
        settings.oidc_client_id,
        settings.oidc_client_secret,
        scope="openid profile email",
        redirect_uri=back,
        code_challenge_method="S256",
    )


def _described(settings: Settings) -> dict[str, Any]:
    """The provider's own description, which must be of the issuer that the office named."""
    issuer = settings.oidc_issuer.rstrip("/")
    found = _fetched(f"{issuer}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != issuer:
        raise Refused("统一身份认证的地址(TRIAGE_OIDC_ISSUER)与它自称的不一致,请找管理员。")
    return found


def _fetched(address: str) -> dict[str, Any]:
    try:
        response = requests.get(address, timeout=SECONDS)
        response.raise_for_status()
        found: dict[str, Any] = response.json()
    except (requests.RequestException, ValueError) as error:
        raise Refused("统一身份认证暂时连不上,请稍后再试,或用密码登录。") from error
    return found
