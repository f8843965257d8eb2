"""PostgreSQL is restarted, stands still, or cannot be reached, while people write."""

from __future__ import annotations

import time
from collections.abc import Callable

from training.chaos.link import Link
from training.chaos.outcome import Outcome
from training.chaos.trial import Trial

WHILE = 15.0  # longer than anything in the service waits
GONE = 3.0


def restarted(_database: str, seed: int, count: int) -> Outcome:
    """PostgreSQL is stopped fast and immediately, in turn, and started again."""
    with Trial("database restarted", "postgresql", seed) as trial:
        trial.serve()
        trial.write()
        assert trial.postgres is not None
        for nth in range(count):
            time.sleep(3)
            with trial.fault("postgresql"):
                trial.postgres.shut_down(immediate=bool(nth % 2))
                time.sleep(GONE)
                trial.postgres.start()
        trial.check()
        return trial.outcome


def standing_still(_database: str, seed: int, count: int) -> Outcome:
    """All of PostgreSQL's processes stand still (SIGSTOP) and go on."""
    with Trial("database stands still", "postgresql", seed) as trial:
        trial.serve()
        trial.write()
        assert trial.postgres is not None
        _ask_meanwhile(trial, trial.postgres.pause, trial.postgres.go_on, count)
        trial.check()
        return trial.outcome


def silent_link(_database: str, seed: int, count: int) -> Outcome:
    """Nothing passes between service and PostgreSQL, and nobody says so."""
    return _link("silent", "link silent", seed, count)


def cut_link(_database: str, seed: int, count: int) -> Outcome:
    """Every connection between service and PostgreSQL is reset, and new ones too."""
    return _link("cut", "link cut", seed, count)


def _link(state: str, name: str, seed: int, count: int) -> Outcome:
    with Trial(name, "postgresql", seed) as trial:
        assert trial.postgres is not None
        link = Link(trial.postgres.url)
        trial.on_end(link.close)
        trial.serve(TRIAGE_DATABASE_URL=link.url)
        trial.write()

        def fail() -> None:
            link.state = state

        def mend() -> None:
            link.state = "open"

        _ask_meanwhile(trial, fail, mend, count)
        trial.check()
        return trial.outcome


def _ask_meanwhile(trial: Trial, fail: Callable[[], None], mend: Callable[[], None], count: int) -> None:
    """Make the fault, ask for a page of the list and whether the service is ready, undo it."""
    for _ in range(count):
        time.sleep(3)
        with trial.fault("postgresql"):
            fail()
            began = time.monotonic()
            for path in ("/api/cases", "/readyz"):
                status, answer = trial.ask("GET", path)
                trial.must(status == 503 and bool(answer.get("detail")), f"{path}: {status} {answer}")
            took = time.monotonic() - began
            time.sleep(max(0.0, WHILE - took))
            mend()
