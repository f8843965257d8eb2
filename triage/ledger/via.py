"""The program through which an act comes in, where a person did not do it in the browser."""

from __future__ import annotations

from contextvars import ContextVar

# set for the time of one request; every event written in it names the program beside the person
VIA: ContextVar[str] = ContextVar("via", default="")
