"""The disk under the ledger is full, or turns read-only, while people write."""

from __future__ import annotations

import time
from contextlib import ExitStack

from training.chaos.disks import FallibleDisk, fill, full_able, why_not
from training.chaos.outcome import Outcome
from training.chaos.trial import Trial
from training.writers.servers import Postgres

OFFICE_MB, SERVER_MB = 40, 160
WHILE = 6.0


def full_disk(database: str, seed: int, count: int) -> Outcome:
    """Fill the disk, free it, ``count`` times; the service is never restarted, PostgreSQL only where it gave up."""
    if reason := why_not():
        return Outcome("full disk", database, skipped=reason)
    with ExitStack() as stack:
        disk = stack.enter_context(full_able(SERVER_MB if database == "postgresql" else OFFICE_MB))
        home = disk if database == "sqlite" else None
        trial = stack.enter_context(Trial("full disk", database, seed, home=home, server=disk / "data"))
        trial.serve()
        trial.write()
        for _ in range(count):
            time.sleep(3)
            with trial.fault("disk"):
                filler = fill(disk)
                time.sleep(WHILE)
                status, _said = trial.ask("GET", "/api/cases")
                gave_up = trial.postgres is not None and not trial.postgres.is_running
                trial.must(status == 200 or gave_up or database == "postgresql", f"reading: {status}")
                filler.unlink()
                if gave_up:
                    _start(trial.postgres)
                    trial.outcome.notes.append("PostgreSQL ended by itself and was started again")
        trial.check()
        trial.must(trial.outcome.in_words > 0, "nothing was refused: the disk was not full")
        return trial.outcome


def _start(postgres: Postgres | None) -> None:
    assert postgres is not None
    postgres.start()


def read_only(database: str, seed: int, count: int) -> Outcome:
    """The disk turns read-only; reading goes on. Repaired with the service stopped, as it must be."""
    if reason := why_not():
        return Outcome("read-only disk", database, skipped=reason)
    with ExitStack() as stack:
        disk = FallibleDisk()
        stack.callback(disk.remove)
        trial = stack.enter_context(Trial("read-only disk", database, seed, home=disk.folder))
        trial.serve()
        trial.write()
        for _ in range(count):
            time.sleep(3)
            disk.settle()
            with trial.fault("disk"):
                disk.fail()
                time.sleep(WHILE)
                status, _said = trial.ask("GET", "/api/cases")
                trial.must(status == 200, f"reading: {status}")
                refused = trial.run("token", "另一个程序")
                trial.must(refused.returncode == 1 and "写不进" in refused.stderr, f"told: {refused.stderr}")
                trial.service.stop()
                disk.repair()
                trial.service.start()
        trial.check()
        trial.must(trial.outcome.in_words > 0, "nothing was refused: the disk was not read-only")
        return trial.outcome
