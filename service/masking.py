"""What must not stand in a log: secrets by which somebody comes in, numbers by which a person is found."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from types import TracebackType
from urllib.parse import unquote, urlsplit

from triage.config import Settings
from triage.text import MASK, mask_private, normalise

_NAMES = "authorization|cookie|password|passwd|passphrase|secret|token|credential|csrf|verifier|nonce"
_SECRETS = [
    # header and its whole value, as headers are written and as they are printed in Python
    (re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(\W{1,6})[^\r\n]+"), rf"\1\2{MASK}"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+"), rf"\1 {MASK}"),
    # password=…, "again": "…", client_secret=…, and what the one-time links and the sign-in bring along
    (
        re.compile(rf"(?i)\b((?:\w*(?:{_NAMES})\w*|again|key|code|state)['\"]?\s*[=:]\s*)(['\"]).*?\2"),
        rf"\1\2{MASK}\2",
    ),
    (
        re.compile(rf"(?i)\b((?:\w*(?:{_NAMES})\w*|again)\s*[=:]|(?:key|code|state)=)\s*[^\s&;,'\"]+"),
        rf"\1{MASK}",
    ),
    (re.compile(r"(?i)(?<=://)[^\s/@:]*:[^\s/]*@"), f"{MASK}@"),  # postgresql://user:password@host
    (re.compile(r"\b(?:__Host-)?triage(?:-single)?=[^\s;]+"), f"triage={MASK}"),
    (re.compile(r"\btriage_[A-Za-z0-9_-]{20,}"), MASK),
    # 256 random bits, whatever they are for
    (re.compile(r"(?a)(?<![\w-])(?=[\w-]*[A-Z])(?=[\w-]*[a-z])(?=[\w-]*\d)[\w-]{40,}"), MASK),
    # what the database says of a row that it refused
    (re.compile(r"(?m)^(\s*(?:DETAIL|CONTEXT|HINT)\s*:).*$"), rf"\1 {MASK}"),
]
_CHINESE = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]+")


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """What the settings hold that nobody may read in a log."""
    password = urlsplit(settings.database_url).password or ""
    found = {settings.oidc_client_secret, password, unquote(password)}
    return tuple(sorted((secret for secret in found if len(secret) > 3), key=len, reverse=True))


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without ``secrets``, what looks like one, and numbers and mail addresses of persons."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    lines = (_plain(line) for line in text.splitlines())
    text = "\n".join(lines)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return mask_private(text)


def masked_traceback(
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
    secrets: Iterable[str] = (),
) -> str:
    """The traceback, and nothing of what an exception quotes in Chinese: a name or a text may be in it."""
    text = "".join(traceback.format_exception(kind, error, trace))
    return masked(_CHINESE.sub(MASK, text), secrets)


def _plain(line: str) -> str:
    """Half-width digits and nothing invisible among them; the indentation stays."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    return indent + normalise(line)
