"""The same load on one host or several, and what it cost whom."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from sqlalchemy import Engine, text

from training.hosts.network import Network, own_processor_seconds
from training.hosts.office import Office
from training.writers.checks import Held
from training.writers.client import Address
from training.writers.report import Kill, Plan, Report
from training.writers.run import write
from triage.ledger.store import Ledger
from triage.taxonomy import load_taxonomy

SAMPLE_SECONDS = 0.1
_LOCKS = text(
    "select count(*) filter (where granted), count(*) filter (where not granted) from pg_locks "
    "where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"
)


@dataclass
class Load:
    """What came of one load.

    Attributes:
        processor: seconds of processor time by who used it.
        locked, waiting: share of the time that somebody held the writers' lock, how many waited on average.
        answered: service to how many requests it answered.
    """

    name: str
    report: Report
    processor: dict[str, float]
    locked: float
    waiting: float
    answered: Counter[str]

    def times(self, *kinds: str) -> tuple[float, float]:
        """p50 and p95 of what was done, in ms."""
        acts = [act for act in self.report.acts if act.kind in kinds and act.is_done]
        found = np.percentile([1000 * (act.ended - act.began) for act in acts], (50, 95)) if acts else (0, 0)
        return float(found[0]), float(found[1])

    @property
    def per_second(self) -> float:
        return sum(act.is_done for act in self.report.acts) / self.report.seconds

    @property
    def longest_pause(self) -> float:
        """The longest time in which nobody was told that anything was written, in seconds."""
        ends = sorted(act.ended for act in self.report.acts if act.is_done)
        return max((b - a for a, b in pairwise(ends)), default=0.0)


class LockWatch(threading.Thread):
    """Looks ten times a second at who holds the writers' lock and who waits for it."""

    def __init__(self, database: Engine) -> None:
        super().__init__(daemon=True)
        self._database = database
        self._over = threading.Event()
        self.seen: list[tuple[int, int]] = []

    def run(self) -> None:
        with self._database.connect() as connection:
            while not self._over.wait(SAMPLE_SECONDS):
                held, waiting = connection.execute(_LOCKS).one()
                self.seen.append((held, waiting))

    def end(self) -> tuple[float, float]:
        """Share of the looks at which it was held, and how many waited on average."""
        self._over.set()
        self.join()
        looks = max(len(self.seen), 1)
        return sum(held > 0 for held, _ in self.seen) / looks, sum(n for _, n in self.seen) / looks


def put_on(
    office: Office,
    plan: Plan,
    door: Address,
    network: Network,
    database: Engine,
    answered: Callable[[float], Counter[str]],
    disturbances: Sequence[tuple[float, Callable[[], Kill]]] = (),
) -> Load:
    """Write through ``door``, then hold the ledger against everything that the writers were told."""
    services = [host.name for host in office.hosts]
    used = {name: -network.processor_seconds(name) for name in ("db", "lb", *services)}
    own, since = own_processor_seconds(), time.time()
    watch = LockWatch(database)
    taxonomy = load_taxonomy(office.hosts[0].settings.taxonomy_path)
    watch.start()
    try:
        report = write(plan, taxonomy, [door], office.token, disturbances)
    finally:
        locked, waiting = watch.end()
    processor = {"clients": own_processor_seconds() - own}
    processor |= {name: before + network.processor_seconds(name) for name, before in used.items()}
    ledger = Ledger(str(database.url))
    held = Held(ledger)
    held.check_feed(report.feed)
    held.check_acts(report.acts)
    ledger.close()
    report.faults += held.faults
    report.checked = held.checked
    return Load(office.name, report, processor, locked, waiting, answered(since))
