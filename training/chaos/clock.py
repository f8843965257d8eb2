"""The clock is set back an hour, and forward again, while people write and a batch is taken in."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from sqlalchemy import select

from training.chaos.outcome import Outcome
from training.chaos.sheets import hand_in, marks, sheet, wait_for_batch
from training.chaos.trial import Trial
from triage.ledger.tables import EventRow

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
ROWS = 400
LONG = 100.0  # seconds that a batch may take whose process was killed: a minute until it counts as lost


def clock(database: str, seed: int, count: int) -> Outcome:
    """Back an hour with a kill in the middle of a batch; then forward again."""
    if not FAKETIME.exists():
        return Outcome("clock set back", database, skipped="Debian's package faketime is not installed")
    with Trial("clock set back", database, seed) as trial:
        trial.settings.home.mkdir(parents=True, exist_ok=True)
        offset = trial.settings.home / "offset"
        offset.write_text("+0\n")
        trial.serve(
            LD_PRELOAD=str(FAKETIME),
            FAKETIME_TIMESTAMP_FILE=str(offset),
            FAKETIME_CACHE_DURATION="1",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
        )
        trial.write()
        handed: list[str] = []
        for nth in range(count):
            for what, told in (("back", "-1h\n"), ("forward", "+0\n")):
                names = marks(f"钟{nth}{what}", ROWS)
                handed += names
                batch = hand_in(trial, sheet(names, trial.settings))
                time.sleep(2.5)
                with trial.fault(what):
                    trial.service.kill()
                    offset.write_text(told)
                    trial.service.start()
                wait_for_batch(trial, batch, ROWS, LONG)
                with trial.fault(what):  # the process that serves sees it change, too
                    offset.write_text("-2h\n" if what == "back" else "+0\n")
                    time.sleep(3)
        trial.check(handed)
        trial.outcome.notes.append(_order(trial))
        return trial.outcome


def _order(trial: Trial) -> str:
    """Whether events really went back in time."""
    with trial.ledger.read() as session:
        times = list(session.scalars(select(EventRow.created_at).order_by(EventRow.id)))
    back = sum(later < earlier for earlier, later in pairwise(times))
    trial.must(back > 0, "the clock did not go back")
    return f"{len(times)} events in the order of their numbers, {back} of them at an earlier time than the one before"
