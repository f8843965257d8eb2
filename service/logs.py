"""The log: one record a line on standard error, as text or as JSON, nothing private in it.

What the service writes for the person who starts it (the address, the one-time link) is no log: see
service.screen.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from service.masking import masked, masked_traceback, secrets_of
from triage.config import Settings

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")  # of the request that is answered
access = logging.getLogger("triage.access")
_log = logging.getLogger("triage.service")


def configure(settings: Settings) -> None:
    """Let every logger of this process, the libraries' too, write in the form that the settings ask for.

    Text tells of warnings and errors, JSON of each request as well. What nobody caught is logged, too.
    """
    as_json = settings.log == "json"
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _StandardError)]:
        root.removeHandler(handler)
    handler = _StandardError()
    form = JsonLines if as_json else PlainLines
    handler.setFormatter(form(secrets_of(settings)))
    root.addHandler(handler)
    root.setLevel(logging.INFO if as_json else logging.WARNING)
    logging.captureWarnings(as_json)  # else each would be two lines that are no JSON
    sys.excepthook = lambda kind, error, trace: _uncaught(kind, error, trace)
    threading.excepthook = lambda args: _uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _uncaught(kind: Any, error: Any, trace: Any) -> None:
    if kind is not None and issubclass(kind, (KeyboardInterrupt, SystemExit)):
        return
    _log.critical("nobody caught this error", exc_info=(kind, error, trace))


class _StandardError(logging.Handler):
    """Writes to what is standard error now: it may be another file than when the process began."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


class _Masked(logging.Formatter):
    """What both forms share; every word that did not come from this file goes through ``masked``."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def fields_of(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as it is written, key by key."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": masked(_message(record), self._secrets),
            "request_id": REQUEST_ID.get(),
        }
        for name, value in getattr(record, "request", {}).items():
            said[name] = masked(value, self._secrets) if isinstance(value, str) else value
        if record.exc_info and record.exc_info[0] is not None:
            said["traceback"] = masked_traceback(*record.exc_info, secrets=self._secrets)
        elif record.exc_text:
            said["traceback"] = masked(record.exc_text, self._secrets)
        if record.stack_info:
            said["stack"] = masked(record.stack_info, self._secrets)
        return said


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit; the message alone is better than none
        return str(record.msg)


class JsonLines(_Masked):
    """One JSON object a line, for a program that collects logs."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields_of(record), ensure_ascii=False)


class PlainLines(_Masked):
    """A line for a person at the terminal, a traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        said = self.fields_of(record)
        message = said["message"].replace("\n", " | ")  # what somebody sent must not look like a line
        at = f"{said['time'][:19].replace('T', ' ')} {said['level']} {message}"
        number = f"  [{said['request_id']}]" if said["request_id"] else ""
        below = "".join(f"\n{said[name]}" for name in ("traceback", "stack") if name in said)
        return at + number + below
