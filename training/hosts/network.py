"""Hosts on one machine: a network namespace each, plugged into a switch, and the cable of each can be pulled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from triage.errors import InputError

TICKS = os.sysconf("SC_CLK_TCK")
TOOLS = ("ip", "nginx", "openssl", "setpriv", "unshare")


def check_machine() -> None:
    """Raises InputError where namespaces, nginx or the right to use them are missing."""
    if os.geteuid() != 0:
        raise InputError("建立网络命名空间要用 root 运行,没有测量。")
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise InputError(
            f"缺少 {'、'.join(missing)},没有测量。安装:apt-get install -y nginx-light iproute2 openssl util-linux"
        )
    name = f"triage{os.getpid()}-try"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except subprocess.CalledProcessError as error:
        raise InputError(f"这台机器不允许建立网络命名空间,没有测量:{error.stderr.strip()}") from None


class Network:
    """A switch with this process plugged in at .254 and every host at an address of its own."""

    def __init__(self) -> None:
        self._name = f"triage{os.getpid()}"
        self._net = f"10.213.{os.getpid() % 250 + 1}"
        self._switch = f"{self._name}-switch"
        self._own = f"tr{os.getpid()}"
        self._hosts: list[str] = []

    @property
    def subnet(self) -> str:
        return f"{self._net}.0/24"

    @property
    def own_address(self) -> str:
        return f"{self._net}.254"

    def make(self) -> None:
        """The switch, and this process plugged into it; InputError where the addresses are in use."""
        used = _ip("route", "show", "root", self.subnet)
        if used.strip():
            raise InputError(f"网段 {self.subnet} 已在使用,没有测量:{used.strip()}")
        _ip("netns", "add", self._switch)
        _ip("-n", self._switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", self._switch, "link", "set", "switch", "up")
        _ip("link", "add", self._own, "type", "veth", "peer", "name", "own", "netns", self._switch)
        self._plug_in("own")
        _ip("address", "add", f"{self.own_address}/24", "dev", self._own)
        _ip("link", "set", self._own, "up")

    def add(self, host: str, last: int) -> str:
        """A host; its address, which ends in ``last``."""
        space = self._space(host)
        _ip("netns", "add", space)
        self._hosts.append(host)
        _ip("-n", space, "link", "add", "eth0", "type", "veth", "peer", "name", host, "netns", self._switch)
        self._plug_in(host)
        address = f"{self._net}.{last}"
        _ip("-n", space, "address", "add", f"{address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", space, "link", "set", device, "up")
        return address

    def within(self, host: str) -> list[str]:
        """Put before a command, runs it on that host and under that host's name; the process id stays."""
        enter = 'hostname "$0" && exec "$@"'
        return ["ip", "netns", "exec", self._space(host), "unshare", "--uts", "sh", "-c", enter, host]

    def pull(self, host: str) -> None:
        """Pull its cable: what is sent is lost, nobody is told."""
        _ip("-n", self._switch, "link", "set", host, "down")

    def plug(self, host: str) -> None:
        _ip("-n", self._switch, "link", "set", host, "up")

    def processor_seconds(self, host: str) -> float:
        """What the processes that run on a host have used so far."""
        pids = _ip("netns", "pids", self._space(host)).split()
        return sum(map(_used, map(int, pids)))

    def end_processes(self, *hosts: str) -> None:
        """Kill what still runs on these hosts: a training outlives the service that began it."""
        for host in hosts:
            for pid in _ip("netns", "pids", self._space(host)).split():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)

    def remove(self) -> None:
        """Whatever of it was made; its processes have ended by then."""
        for space in (*map(self._space, self._hosts), self._switch):
            subprocess.run(["ip", "netns", "del", space], capture_output=True, check=False)  # noqa: S603, S607

    def _plug_in(self, port: str) -> None:
        _ip("-n", self._switch, "link", "set", port, "master", "switch")
        _ip("-n", self._switch, "link", "set", port, "up")

    def _space(self, host: str) -> str:
        return f"{self._name}-{host}"


def own_processor_seconds() -> float:
    """What this process, which is the clients, has used so far."""
    return _used(os.getpid())


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0  # it ended just now
    return (int(fields[11]) + int(fields[12])) / TICKS


def _ip(*arguments: str) -> str:
    command = ["ip", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603
