"""nginx on a host of its own, with the file that docs/hosts.md tells to install and nothing but addresses filled in."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from training.hosts.network import Network
from training.writers.client import Address
from training.writers.servers import REPO, wait_until
from triage.errors import InputError

EXAMPLE = REPO / "docs" / "hosts" / "nginx.conf"
NAME = "triage.example.gov.cn"
SERVERS = ("10.0.0.11:8000", "10.0.0.12:8000")
AROUND = """\
worker_processes 1;
user root;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    log_format who '$msec $upstream_addr $status';
    access_log {folder}/access.log who;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/triage.conf;
}}
"""


class Balancer:
    """nginx before the services of one office."""

    def __init__(self, network: Network, host: str, address: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="triage-nginx-"))
        self._within = network.within(host)
        self._process: subprocess.Popen[bytes] | None = None
        certificate, key = self._folder / "triage.crt", self._folder / "triage.key"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        named = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=IP:{address}"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        command = ["openssl", "req", "-x509", *curve, *named, *files]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        self.address = Address(address, 443, ssl.create_default_context(cafile=str(certificate)))
        self.public_url = f"https://{address}"

    def start(self, services: Sequence[Address]) -> None:
        """Start it before these services."""
        text = EXAMPLE.read_text(encoding="utf-8")
        lines = [f"server {service.host}:{service.port} " for service in services] + ["# none: "] * 2
        known = (
            f"server {SERVERS[0]} ",
            f"server {SERVERS[1]} ",
            NAME,
            "/etc/nginx/triage.crt",
            "/etc/nginx/triage.key",
        )
        filled = (*lines[:2], self.address.host, f"{self._folder}/triage.crt", f"{self._folder}/triage.key")
        for one, other in zip(known, filled, strict=True):
            if one not in text:
                raise InputError(f"{EXAMPLE} 中没有 {one},不能用来测量。")
            text = text.replace(one, other)
        (self._folder / "triage.conf").write_text(text, encoding="utf-8")
        (self._folder / "nginx.conf").write_text(AROUND.format(folder=self._folder), encoding="utf-8")
        (self._folder / "access.log").write_text("")
        command = ["nginx", "-c", str(self._folder / "nginx.conf"), "-e", str(self._folder / "error.log")]
        self._process = subprocess.Popen(  # noqa: S603
            [*self._within, *command, "-g", "daemon off;"],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self._answers, "nginx answers")

    def answered(self, since: float) -> Counter[str]:
        """Address of a service to how many requests it answered in the end since then (Unix time)."""
        found: Counter[str] = Counter()
        for line in (self._folder / "access.log").read_text().splitlines():
            at, *upstreams, _ = line.replace(",", " ").split()
            if float(at) >= since and upstreams:
                found[upstreams[-1].partition(":")[0]] += 1
        return found

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            process.wait(timeout=20)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise InputError(f"nginx 没有启动:{(self._folder / 'error.log').read_text()[-500:]}")
        connection = self.address.open()
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
