"""The ledger under acts in any order, for as long as wanted, on either database.

    python tests/fuzz_ledger.py --examples 300 --seed 1 --database sqlite
    python tests/fuzz_ledger.py --examples 100 --seed 1 --database postgres

An example is one fresh ledger and up to STEPS acts on it. What fails is shrunk and printed as the
shortest order of acts that fails; the same seed and count find it again.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from hypothesis import HealthCheck, seed, settings  # noqa: E402
from hypothesis.stateful import run_state_machine_as_test  # noqa: E402
from ledger_machine import LedgerMachine  # noqa: E402
from sqlalchemy import create_engine, text  # noqa: E402
from sqlalchemy.engine import make_url  # noqa: E402
from sqlalchemy.pool import NullPool  # noqa: E402

from training.writers.servers import Postgres  # noqa: E402
from triage.ledger.store import Ledger  # noqa: E402

STEPS = 60


@contextmanager
def sqlite() -> Iterator[type[LedgerMachine]]:
    """A machine whose ledgers are copies of one migrated file, in memory where the system has such a folder."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made, used = Path(folder) / "migrated", Path(folder) / "ledger"
        _migrate(f"sqlite:///{made}")

        class Machine(LedgerMachine):
            @staticmethod
            def fresh() -> Ledger:
                shutil.copyfile(made, used)
                return Ledger(f"sqlite:///{used}")

            @staticmethod
            def done(ledger: Ledger) -> None:
                for path in Path(folder).glob("ledger*"):
                    path.unlink()

        yield Machine


@contextmanager
def closing_server() -> Iterator[Postgres]:
    server = Postgres()
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def postgres() -> Iterator[type[LedgerMachine]]:
    """A machine whose ledgers are databases of a server of our own, each a copy of one that was migrated."""
    with closing_server() as server:
        made = make_url(server.url)
        _migrate(server.url)
        admin = create_engine(made.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)

        class Machine(LedgerMachine):
            @staticmethod
            def fresh() -> Ledger:
                with admin.connect() as connection:
                    connection.execute(text(f'create database "used" template "{made.database}"'))
                return Ledger(made.set(database="used").render_as_string(hide_password=False))

            @staticmethod
            def done(ledger: Ledger) -> None:
                with admin.connect() as connection:
                    connection.execute(text('drop database "used" with (force)'))

        yield Machine


def _migrate(url: str) -> None:
    ledger = Ledger(url)
    ledger.migrate()
    ledger.close()


def main() -> int:
    """Raises what failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    begun = time.monotonic()
    with (sqlite if given.database == "sqlite" else postgres)() as machine:
        seed(given.seed)(machine)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=given.examples,
                stateful_step_count=STEPS,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
        told = f"{machine.made} acts made, {machine.refused} refused"
    print(
        f"{given.database}, seed {given.seed}: {given.examples} examples, {told}, {time.monotonic() - begun:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
