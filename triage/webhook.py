"""Handing messages to another program of the office over HTTP."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from triage.errors import InputError, TriageError

SECONDS = 10


class WebhookFailed(TriageError):
    """The other program did not take what it was sent."""

    code = "webhook-failed"


def check_webhook(url: str) -> str:
    """``url`` if it is an http(s) address; InputError otherwise, which does not repeat it: its path may be a secret."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        _ = parts.port  # ValueError where it is no number
    except ValueError:
        good = False
    if not good or not re.fullmatch(r"[!-~]+", url):
        raise InputError(
            "回调地址无效,应以 http:// 或 https:// 开头,只有主机、端口和路径,不能有空格和账号密码。",
            field="webhook",
        )
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
    told = "{0.scheme}://{0.netloc}".format(urlsplit(url))  # what lets others send there stays out of logs
    try:
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        raise WebhookFailed(f"{told} 没有接收提醒:返回 {error.code}。") from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise WebhookFailed(f"{told} 连不上:{reason}。") from None
    except HTTPException as error:  # it answers, but not in HTTP
        raise WebhookFailed(f"{told} 的回答不是 HTTP({type(error).__name__})。") from None
