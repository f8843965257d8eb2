"""The whole measurement: hosts, loads, a cable pulled, a service killed, checks; everything is taken down again."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import func, select

from training import sample_office
from training.hosts import checks
from training.hosts.balancer import Balancer
from training.hosts.checks import Finding, ask, seconds_until
from training.hosts.database import Database
from training.hosts.load import Load, put_on
from training.hosts.network import Network, check_machine
from training.hosts.office import Office
from training.writers.report import Kill, Plan
from training.writers.servers import REPO
from triage.ledger.files import keep_original
from triage.ledger.tables import CaseRow

HOSTS = {"app1": 11, "app2": 12}
CUT_AT, CUT_SECONDS, CUT_LOAD_SECONDS = 8.0, 20.0, 45.0
TAKE_UP_SECONDS = 90.0
BATCH_WHO = "整批"


@dataclass
class Measured:
    """Everything that was found."""

    postgres: str
    loads: list[Load] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return all(finding.held for finding in self.findings) and not any(
            load.report.faults for load in self.loads
        )


class Bench:
    """The hosts; an office is made on them for each load."""

    def __init__(self, stack: ExitStack) -> None:
        self.network = Network()
        stack.callback(self.network.remove)
        self.network.make()
        self.database = Database(self.network, "db", self.network.add("db", 2))
        stack.callback(self.database.stop)
        self.database.start()
        self.balancer = Balancer(self.network, "lb", self.network.add("lb", 1))
        stack.callback(self.balancer.remove)
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="triage-hosts-")))
        self.addresses = {host: self.network.add(host, last) for host, last in HOSTS.items()}
        stack.callback(self.network.end_processes, *HOSTS)

    def office(self, name: str, processes: int, encoder: str, stack: ExitStack) -> Office:
        """A new office whose services run on so many hosts behind nginx until the stack is closed."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        addresses = dict(list(self.addresses.items())[:processes])
        args = (self.folder, self.network, self.database, self.balancer, addresses, encoder)
        office = Office.make(name, *args)
        stack.callback(office.stop)
        for host in office.hosts:
            host.service.start()
        stack.callback(self.balancer.stop)
        self.balancer.start([host.address for host in office.hosts])
        stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)  # taking down is not interrupted
        return office

    def put_on(self, office: Office, plan: Plan, cut: str = "") -> Load:
        disturbances = [(CUT_AT, partial(self._cut, office, cut))] if cut else []
        database = self.database.admin(office.name)
        answered, door = self.balancer.answered, self.balancer.address
        return put_on(office, plan, door, self.network, database, answered, disturbances)

    def _cut(self, office: Office, name: str) -> Kill:
        (host,) = [host for host in office.hosts if host.name == name]
        began = time.monotonic()
        self.network.pull(name)
        time.sleep(CUT_SECONDS)
        self.network.plug(name)
        seconds_until(host.service.is_ready, 30)
        return Kill(f"cable of {name}", began, time.monotonic())


def measure(processes: Sequence[int], plan: Plan) -> Measured:
    """Measure with each number of service processes; with two of them the checks as well.

    Raises:
        InputError: it cannot be measured on this machine.
    """
    check_machine()
    with ExitStack() as stack:
        before = signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
        stack.callback(signal.signal, signal.SIGTERM, before)
        bench = Bench(stack)
        found = Measured(bench.database.version)
        for number in processes:
            _tell(f"{number} 台服务,写 {plan.seconds:.0f} 秒")
            with ExitStack() as one:
                office = bench.office(f"office{number}", number, plan.encoder, one)
                found.loads.append(bench.put_on(office, plan))
        if max(processes) < len(HOSTS):
            return found
        _tell(f"两台服务,写 {CUT_LOAD_SECONDS:.0f} 秒,途中断开一台的网线")
        office = bench.office("office_cut", len(HOSTS), plan.encoder, stack)
        cut_plan = Plan(CUT_LOAD_SECONDS, plan.writers, 2, plan.database, (), plan.encoder, plan.seed)
        load = bench.put_on(office, cut_plan, cut="app2")
        found.loads.append(load)
        found.findings += [_cut_off(load), *_check(bench, office)]
    return found


def _tell(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what} …", file=sys.stderr, flush=True)


def _cut_off(load: Load) -> Finding:
    (kill,) = load.report.kills
    after = [act for act in load.report.acts if act.is_done and act.began > kill.up]
    told = (
        f"断开 {CUT_SECONDS:.0f} 秒,最长 {load.longest_pause:.1f} 秒没有写入,恢复后又写入 {len(after)} 次,"
        f"丢失 {len(load.report.faults)}"
    )
    return Finding(
        "写入途中断开一台的网线",
        bool(after) and load.longest_pause < CUT_SECONDS and not load.report.faults,
        told,
    )


def _check(bench: Bench, office: Office) -> list[Finding]:
    """What must hold across hosts; the last ones leave one host without its service."""
    door, public = bench.balancer.address, bench.balancer.address.host
    _tell("同键、同版、登录、改分类文件")
    found = [
        checks.same_key(office),
        checks.same_version(office),
        checks.sign_in_across(office, door, public),
        checks.throttled_across(office, public),
        checks.real_address(office, door, public, bench.network.own_address),
        checks.office_changed(office, public),
    ]
    _tell("整批登记,杀掉办理它的一台")
    found.append(_taken_up(office))
    _tell("在一台上训练")
    found += checks.trained_on_one(office, public)
    found.append(checks.gapless(office))
    (env,) = [host.service.env for host in office.hosts if host.name == "app1"]
    command = [*bench.network.within("app1"), sys.executable, "-m", "service.command", "verify"]
    done = subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True)  # noqa: S603
    said = (done.stdout + done.stderr).strip().splitlines()
    found.append(Finding("triage verify", done.returncode == 0, said[0] if said else ""))
    return found


def _taken_up(office: Office) -> Finding:
    """A batch whose host was killed goes on at the other, and nothing of it is there twice."""
    one, other = office.hosts
    with office.ledger.write() as session:
        content = sample_office.CLOSED_YEAR.read_bytes()
        sha256 = keep_original(content, "closed.csv", who=BATCH_WHO, session=session)
    asked = {"kind": "import", "sha256": sha256, "name": "closed.csv", "who": BATCH_WHO}
    before = _cases(office)
    _, batch = ask(other.address, office, "POST", "/api/batches", asked)
    path = f"/api/batches/{batch['id']}"
    seconds_until(lambda: ask(one.address, office, "GET", path)[1]["done"] > 0, 30)
    other.service.kill()
    killed_at = _cases(office) - before
    took = seconds_until(lambda: ask(one.address, office, "GET", path)[1]["state"] == "done", TAKE_UP_SECONDS)
    _, batch = ask(one.address, office, "GET", path)
    other.service.start()
    made = _cases(office) - before
    held = batch["state"] == "done" and made == batch["total"] > killed_at
    return Finding(
        "一台办理中的整批登记,这台被杀,另一台接着做",
        held,
        f"杀时 {killed_at} 件,{took:.0f} 秒后 {made} 件,应为 {batch['total']} 件",
    )


def _cases(office: Office) -> int:
    with office.ledger.read() as session:
        return session.scalar(select(func.count()).select_from(CaseRow)) or 0
