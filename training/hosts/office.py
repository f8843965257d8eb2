"""One office served by several hosts, each with its own folder: nothing in common but the ledger."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from training.hosts.balancer import Balancer
from training.hosts.database import Database
from training.hosts.network import Network
from training.sample_office import install_office
from training.writers.client import Address
from training.writers.servers import Service
from triage.config import Settings
from triage.ledger.accounts import add_account, set_password
from triage.ledger.store import Ledger
from triage.ledger.tokens import add_token

WHO = "管理员"
LOGIN, PASSWORD = "admin", "ten-characters-or-more"
SCOPES = ("read", "intake", "decide", "close")
PORT = 8000


@dataclass(frozen=True)
class Host:
    """A host with a service on it."""

    name: str
    settings: Settings
    service: Service

    @property
    def address(self) -> Address:
        return self.service.address


def set_up(ledger: Ledger) -> str:
    """An administrator with a password and a program; the program's token."""
    with ledger.write() as session:
        account = add_account(LOGIN, WHO, ("clerk", "administrator"), who=WHO, session=session)
        set_password(account, PASSWORD, who=WHO, session=session)
        return add_token(WHO, SCOPES, known=SCOPES, who=WHO, session=session)


@dataclass(frozen=True)
class Office:
    """Its ledger, the hosts that serve it, the program's token."""

    name: str
    ledger: Ledger
    hosts: Sequence[Host]
    token: str

    @classmethod
    def make(
        cls,
        name: str,
        folder: Path,
        network: Network,
        database: Database,
        balancer: Balancer,
        addresses: dict[str, str],
        encoder: str,
    ) -> Office:
        """Its database, and a folder for each host of ``addresses``; nothing runs yet."""
        database.new_office(name)
        url = database.url(name)
        with closing(Ledger(url)) as ledger:
            token = set_up(ledger)
        hosts = []
        for host, address in addresses.items():
            home = folder / name / host
            env = {
                "TRIAGE_HOME": str(home),
                "TRIAGE_DATABASE_URL": url,
                "TRIAGE_ENCODER": encoder,
                "TRIAGE_PUBLIC_URL": balancer.public_url,
                "FORWARDED_ALLOW_IPS": balancer.address.host,
                "OPENBLAS_NUM_THREADS": "1",
                "OMP_NUM_THREADS": "1",
            }
            settings = Settings.from_env(env)
            install_office(settings)
            # set up an hour ago: what was touched since a change counts as changed by hand
            hour_ago = settings.taxonomy_path.stat().st_mtime - 3600
            os.utime(settings.taxonomy_path, (hour_ago, hour_ago))
            service = Service(home, Address(address, PORT), network.within(host), **env)
            hosts.append(Host(host, settings, service))
        return cls(name, Ledger(url), hosts, token)

    def stop(self) -> None:
        self.ledger.close()
        for host in self.hosts:
            host.service.stop()
