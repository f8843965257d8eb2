"""Handing messages to another program of the office over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from triage.errors import InputError, TriageError

SECONDS = 10


class WebhookFailed(TriageError):
    """The other program did not take what it was sent."""

    code = "webhook-failed"


def check_webhook(url: str) -> str:
    """``url`` if it is an http(s) address; InputError otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(f"回调地址“{url}”无效,应以 http:// 或 https:// 开头。", field="webhook")
    return url


def send_webhook(url: str, content: Mapping[str, Any]) -> None:
    """POST ``content`` as JSON; any 2xx means that it was taken.

    Raises:
        WebhookFailed: no answer within SECONDS, or another status.
    """
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {"content-type": "application/json; charset=utf-8"}
    request = urllib.request.Request(check_webhook(url), body, headers)  # noqa: S310 - http, https only
    # not the proxy of whoever runs this: what reminds is inside the office
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        raise WebhookFailed(f"{url} 没有接收提醒:返回 {error.code}。") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise WebhookFailed(f"{url} 连不上:{reason}。") from None
