"""Many writers on one ledger at once: how fast, and whether anything is lost, doubled or halved.

Run as ``python -m training.measure_writers --database postgresql --processes 2 --kill service
--kills 5``. Starts an office of its own in a temporary folder, the real service and, where
asked, a real PostgreSQL; everything that a writer was told is looked up in the ledger afterwards.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from training.writers.report import Plan
from training.writers.run import run
from triage.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all held, 1 something did not, 2 it cannot be measured here."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if asked.kill == "postgresql" and asked.database != "postgresql":
        parser.error("--kill postgresql 要与 --database postgresql 一起用")
    plan = Plan(
        seconds=asked.seconds,
        writers=asked.writers,
        processes=asked.processes,
        database=asked.database,
        kills=() if asked.kill == "none" else (asked.kill,) * asked.kills,
        encoder=asked.encoder,
        seed=asked.seed,
    )
    try:
        report = run(plan)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(report.table())
    return 1 if report.faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_writers")
    parser.add_argument("--seconds", type=float, default=60.0, help="写多少秒")
    parser.add_argument("--writers", type=int, default=8, help="同时写的人数")
    parser.add_argument("--processes", type=int, choices=(1, 2), default=1, help="服务的进程数")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kill", choices=("service", "postgresql", "none"), default="none", help="杀掉什么")
    parser.add_argument("--kills", type=int, default=3, help="杀几次")
    parser.add_argument("--encoder", default="none", help="句向量编码器")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
