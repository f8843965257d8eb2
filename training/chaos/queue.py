"""A queue of thousands of waiting cases and a list of a thousand more while eight people write."""

from __future__ import annotations

import time

from training.chaos.outcome import Outcome
from training.chaos.sheets import hand_in, marks, sheet, wait_for_batch
from training.chaos.trial import Trial

WAITING, MORE, PEOPLE = 3_000, 1_000, 8
PAGE = "/api/cases?state=in_review&unsure_first=true&limit=50"


def full_queue(database: str, seed: int, count: int) -> Outcome:
    """``count`` lists of a thousand, one after the other."""
    with Trial("full queue", database, seed) as trial:
        trial.serve()
        waiting = marks("待", WAITING)
        wait_for_batch(trial, hand_in(trial, sheet(waiting, trial.settings)), WAITING, 600)
        trial.write(PEOPLE)
        for nth in range(count):
            more = marks(f"批{nth}", MORE)
            waiting += more
            with trial.fault("batch"):
                began = time.monotonic()
                batch = hand_in(trial, sheet(more, trial.settings))
                status, page = trial.ask("GET", PAGE)
                trial.must(status == 200 and len(page["cases"]) == 50, f"the queue: {status}")
                wait_for_batch(trial, batch, MORE, 600)
                trial.outcome.notes.append(
                    f"{MORE:,} rows in {time.monotonic() - began:.0f} s beside {PEOPLE} writers"
                )
        trial.check(waiting)
        return trial.outcome
