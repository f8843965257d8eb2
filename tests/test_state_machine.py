"""The ledger under acts in any order; for long runs on either database see fuzz_ledger.py."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import never_sync
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from ledger_machine import LedgerMachine

from triage.ledger.store import Ledger

EXAMPLES = 6


def test_what_the_documents_promise_holds_after_any_acts(migrated_file: Path, tmp_path: Path) -> None:
    def fresh() -> Ledger:
        path = tmp_path / "ledger.sqlite3"
        shutil.copyfile(migrated_file, path)
        ledger = Ledger(f"sqlite:///{path}")
        never_sync(ledger)
        return ledger

    def done(ledger: Ledger) -> None:
        for path in tmp_path.glob("ledger.sqlite3*"):
            path.unlink()

    machine = type("Machine", (LedgerMachine,), {"fresh": staticmethod(fresh), "done": staticmethod(done)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
