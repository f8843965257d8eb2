"""What a run is asked for and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from training.writers.acts import Act


@dataclass(frozen=True)
class Plan:
    """What to run.

    Attributes:
        seconds: of writing.
        processes: of the service, all on one ledger.
        database: sqlite or postgresql.
        kills: what is killed, one after the other: service or postgresql.
    """

    seconds: float = 60.0
    writers: int = 8
    processes: int = 1
    database: str = "sqlite"
    kills: Sequence[str] = ()
    encoder: str = "none"
    seed: int = 0


@dataclass(frozen=True)
class Kill:
    """What was killed, when, and when it was up again (seconds of the monotonic clock)."""

    what: str
    began: float
    up: float


@dataclass
class Report:
    """Acts and what they were told, the feed as it was read meanwhile, faults in words."""

    plan: Plan
    seconds: float
    acts: list[Act]
    feed: list[dict[str, Any]]
    kills: list[Kill]
    faults: list[str] = field(default_factory=list)
    checked: Counter[str] = field(default_factory=Counter)

    def table(self) -> str:
        """For people: each act with its counts and times, then kills, checks and faults."""
        plan = self.plan
        written = sum(act.is_done for act in self.acts) / self.seconds
        lines = [
            f"{plan.database}, {plan.processes} service process(es), {plan.writers} writers, encoder "
            f"{plan.encoder}, seed {plan.seed}: {written:.1f} writes/s for {self.seconds:.0f} s",
            f"{'act':16}{'done':>7}{'409':>7}{'503':>7}{'no answer':>11}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}",
        ]
        for kind in dict.fromkeys(act.kind for act in self.acts):
            own = [act for act in self.acts if act.kind == kind]
            done = [1000 * (act.ended - act.began) for act in own if act.is_done]
            counts = [len(done), *(sum(act.status == status for act in own) for status in (409, 503, 0))]
            times = np.percentile(done, (50, 95, 99)) if done else (0.0, 0.0, 0.0)
            lines.append(
                f"{kind:16}{counts[0]:7}{counts[1]:7}{counts[2]:7}{counts[3]:11}"
                f"{times[0]:9.0f}{times[1]:9.0f}{times[2]:9.0f}"
            )
        lines += [f"killed: {kill.what}, back after {kill.up - kill.began:.1f} s" for kill in self.kills]
        lines.append("checked: " + ", ".join(f"{count} {what}" for what, count in self.checked.items()))
        lines += [f"FAULT: {fault}" for fault in self.faults] or ["no faults"]
        return "\n".join(lines)
