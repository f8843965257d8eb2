"""SIGKILL to the service at random moments while people write; started again as systemd does."""

from __future__ import annotations

import random
import time

from training.chaos.outcome import Outcome
from training.chaos.trial import Trial

VERIFY_EVERY = 10


def kills(database: str, seed: int, count: int) -> Outcome:
    """Kill ``count`` times."""
    drawn = random.Random(seed)
    with Trial("kills", database, seed) as trial:
        trial.serve()
        trial.write()
        for nth in range(1, count + 1):
            time.sleep(drawn.uniform(0.2, 3.0))
            began = time.monotonic()
            with trial.fault("service"):
                trial.restart()
            trial.outcome.back[-1] = time.monotonic() - began  # from the kill, not from the start
            if nth % VERIFY_EVERY == 0:
                trial.verify()
        trial.check()
        return trial.outcome
