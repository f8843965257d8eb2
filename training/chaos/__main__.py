"""Try faults on the real service: ``python -m training.chaos --seed 1 --count 50 --only kills``.

Prints a table; everything that a writer was told is looked up in the ledger afterwards.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from training.chaos.clock import clock
from training.chaos.database_faults import cut_link, restarted, silent_link, standing_still
from training.chaos.disk_faults import full_disk, read_only
from training.chaos.kills import kills
from training.chaos.outcome import Outcome, table
from training.chaos.queue import full_queue

Fault = Callable[[str, int, int], Outcome]
BOTH = ("sqlite", "postgresql")
# what is tried, on which databases, and how often at most
FAULTS: Mapping[str, tuple[Fault, Sequence[str], int]] = {
    "kills": (kills, BOTH, 1_000),
    "full-disk": (full_disk, BOTH, 3),
    "read-only": (read_only, ("sqlite",), 3),
    "restarted": (restarted, ("postgresql",), 10),
    "standing-still": (standing_still, ("postgresql",), 3),
    "silent": (silent_link, ("postgresql",), 3),
    "cut": (cut_link, ("postgresql",), 3),
    "clock": (clock, BOTH, 3),
    "queue": (full_queue, BOTH, 1),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all held, 1 something was lost, wrongly refused, or does not verify."""
    parser = argparse.ArgumentParser(prog="python -m training.chaos")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=3, help="每种故障几次(有的至多几次)")
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), default=list(FAULTS), help="只做这几种")
    parser.add_argument("--database", nargs="+", choices=BOTH, default=BOTH)
    asked = parser.parse_args(arguments)
    outcomes = []
    for name in asked.only:
        fault, databases, most = FAULTS[name]
        for database in databases:
            if database not in asked.database:
                continue
            began = time.monotonic()
            found = fault(database, asked.seed, min(asked.count, most))
            outcomes.append(found)
            print(f"{name}, {database}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(f"seed {asked.seed}, count {asked.count}")
    print(table(outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
