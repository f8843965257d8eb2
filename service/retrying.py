"""Requests tried again where the database gave way and nothing was written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from triage.errors import LedgerBusy
from triage.ledger.store import LONGEST, PAUSES

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class RetryingRoute(APIRoute):
    """A route whose handler writes in one transaction at most, so that LedgerBusy means: nothing.

    What a handler reads after its transaction it reads through ``after_commit``.

    What may have been written (OutcomeUnknown) is never tried again; the answer says so.
    """

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        # as ``retried`` does, but that one sleeps: here it would hold up every other request
        async def handle_or_retry(request: Request) -> Response:
            began = time.monotonic()
            for pause in PAUSES:
                try:
                    return await handle(request)
                except LedgerBusy as error:
                    if not error.passes or time.monotonic() - began > LONGEST:
                        raise
                    await asyncio.sleep(pause)
            return await handle(request)

        return handle_or_retry
