"""A training begun from a page: a process of its own, which outlives the service and may be killed at any time."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

from triage.config import CHECKOUT, Settings
from triage.desk import Desk
from triage.errors import TriageError
from triage.ledger.store import retried
from triage.ledger.trainings import GONE, MOVING, end_training, get_training

log = logging.getLogger("service.training_process")


def start_training(desk: Desk, training_id: int) -> None:
    """Begin a training that stands in the ledger; what it prints goes to var/training.log."""
    settings = desk.settings
    command = [sys.executable, "-m", "service.command", "retrain", "--training", str(training_id)]
    log_file = settings.home / "var" / "training.log"
    log_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log_file.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=CHECKOUT,
            env=_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # who ends the service does not end the training
        )
    threading.Thread(target=_wait, args=(desk, process, training_id), daemon=True).start()


def _environment(settings: Settings) -> dict[str, str]:
    rest = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    return rest | settings.to_env()


def _wait(desk: Desk, process: subprocess.Popen[bytes], training_id: int) -> None:
    """Take note of its end: at once where it was killed and could not say so itself."""
    code = process.wait()
    log.info("training %s ended with %s", training_id, code)

    def note() -> None:
        with desk.ledger.write() as session:
            if get_training(training_id, session=session).state in MOVING:
                end_training(training_id, "lost", problem=GONE, session=session)

    try:
        with desk.ledger.read() as session:
            moving = get_training(training_id, session=session).state in MOVING
        if moving:
            retried(note)
    except TriageError:
        log.exception("training %s counts as lost in a minute", training_id)
