"""Keeps a running service after its ledger: what another host let serve or changed in the office's file.

On one machine the files say it themselves; hosts without a common disk have only the ledger in common.
"""

from __future__ import annotations

import logging
import threading

from triage.desk import Desk
from triage.errors import TriageError
from triage.office_changes import follow_office
from triage.promotion import reconcile

LOOK_SECONDS = 2.0
log = logging.getLogger("triage.ledger_watch")


class LedgerWatch:
    """One thread that looks every LOOK_SECONDS; what it cannot bring about, ``desk.problems()`` says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="ledger-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            try:
                self.look()
            except TriageError:  # the database is not to be had: the next look will do
                continue
            except Exception:
                log.exception("looking at what other hosts did")

    def look(self) -> None:
        """Take up what others did; a new model is loaded here and not while somebody waits for an answer."""
        follow_office(self._desk.office, self._desk.ledger)
        if reconcile(self._desk):
            self._desk.champions.models()
