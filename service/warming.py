"""Loading models and index while the pages answer already, and settling the memory of a process that stays."""

from __future__ import annotations

import ctypes
import gc
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from threadpoolctl import threadpool_limits

from triage.desk import Desk
from triage.errors import LedgerBusy

# a page makes some ten thousand objects: rather a look a page than a dozen
COLLECT = (20_000, 50, 100)
PAUSE = 2.0  # seconds between tries while the database is not to be had
log = logging.getLogger("triage.service")


def settle_memory() -> None:
    """What is loaded at the start stays: let the collector pass it by, and look less often at the rest.

    Looking through it all takes a third of a second, and would hold up a page every few dozen requests.
    """
    gc.collect()
    with suppress(OSError, AttributeError):  # glibc alone: what loading needed for a moment goes back
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    gc.freeze()
    gc.set_threshold(*COLLECT)


def one_thread_a_request() -> None:
    """Let each request multiply alone.

    Threads of BLAS wait by spinning: two of them take twice the processor time for an intake that is
    no quicker, and hold each other up as soon as anything else runs.
    """
    threadpool_limits(limits=1, user_api="blas")


class Warming:
    """Loads what an intake needs, in a thread of its own, until it is there."""

    def __init__(self, desk: Desk, ready: Callable[[], None]) -> None:
        """Args:
        ready: called once, from that thread.
        """
        self._desk = desk
        self._ready = ready
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="warming", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Give up waiting for a database; what loads just now is not waited for."""
        self._over.set()

    def _work(self) -> None:
        while not self._over.is_set():
            try:
                self._desk.warm_up()
                settle_memory()
                self._ready()
                return
            except LedgerBusy:
                self._over.wait(PAUSE)
            except Exception:  # readiness stays refused, and requests say what is wrong
                log.exception("models and index could not be loaded")
                return
