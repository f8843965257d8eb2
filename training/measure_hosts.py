"""Services on several hosts before one PostgreSQL and behind nginx: how fast, and what holds across them.

Run as root: ``python -m training.measure_hosts --processes 1 2 --seconds 60``. The hosts are network
namespaces of this machine, taken down at the end, after Ctrl-C too; docs/hosts.md says what it does.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from training.hosts.load import Load
from training.hosts.run import Measured, measure
from training.writers.report import Plan
from triage.errors import InputError

HEAD = f"{'load':12}{'writes/s':>9}{'intake p50/p95 ms':>19}{'decide p50/p95 ms':>19}{'lock held':>11}{'waiting':>9}  answered; processor s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 all held, 1 something did not, 2 it cannot be measured here, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m training.measure_hosts")
    parser.add_argument("--processes", type=int, nargs="+", choices=(1, 2), default=[1, 2], help="几台服务")
    parser.add_argument("--seconds", type=float, default=60.0, help="每次写多少秒")
    parser.add_argument("--writers", type=int, default=8, help="同时写的人数")
    parser.add_argument("--encoder", default="none", help="句向量编码器")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    plan = Plan(asked.seconds, asked.writers, 2, "postgresql", (), asked.encoder, asked.seed)
    try:
        found = measure(asked.processes, plan)
    except InputError as error:
        print(error.message, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("已中断,建立的网络和进程都已清除。", file=sys.stderr, flush=True)
        os._exit(130)  # the writers' threads wait for answers that nobody will give
    print(table(found, plan))
    return 0 if found.is_good else 1


def table(found: Measured, plan: Plan) -> str:
    """For people: a line for each load, then a line for each check, then what is wrong."""
    lines = [
        f"{os.cpu_count()} cores for everything, PostgreSQL {found.postgres}, {plan.writers} writers through "
        f"nginx with TLS, encoder {plan.encoder}, seed {plan.seed}, {plan.seconds:.0f} s each",
        HEAD,
        *(_line(load) for load in found.loads),
        *(f"{'ok  ' if one.held else 'FAIL'} {one.what}:{one.told}" for one in found.findings),
    ]
    for load in found.loads:
        checked = ", ".join(f"{count} {what}" for what, count in load.report.checked.items())
        lines.append(f"checked after {load.name}: {checked}")
        lines += [f"FAULT {load.name}: {fault}" for fault in load.report.faults]
    return "\n".join(lines)


def _line(load: Load) -> str:
    intake = "{:.0f} / {:.0f}".format(*load.times("intake"))
    decide = "{:.0f} / {:.0f}".format(*load.times("decide", "decide unseen"))
    answered = " ".join(f"{host.rpartition('.')[2]}:{n}" for host, n in sorted(load.answered.items()))
    used = " ".join(f"{who} {seconds:.0f}" for who, seconds in load.processor.items())
    return (
        f"{load.name:12}{load.per_second:9.1f}{intake:>19}{decide:>19}{load.locked:11.0%}{load.waiting:9.1f}"
        f"  {answered}; {used}"
    )


if __name__ == "__main__":
    sys.exit(main())
