"""Two hosts on one PostgreSQL, each with its own folder; the long form is ``make bench-hosts``."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from conftest import new_database
from live_server import LiveServer
from small_office import OFFICE, import_year

from training.hosts import checks
from training.hosts.checks import FOLLOW_SECONDS, problems, seconds_until, serving
from training.hosts.network import Network, check_machine
from training.hosts.office import Host, Office, set_up
from training.measure_hosts import main
from training.run import run_training
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.store import Ledger

THIS_MACHINE = "127.0.0.1"


@pytest.fixture
def office(postgres_server: object, migrated_database: str, tmp_path: Path) -> Iterator[Office]:
    """One office, two services that have nothing in common but the ledger."""
    url = new_database(postgres_server, migrated_database)
    ledger = Ledger(url)
    token = set_up(ledger)
    hosts = []
    with ExitStack() as stack:
        stack.callback(ledger.close)
        for name in ("one", "two"):
            env = {"TRIAGE_HOME": str(tmp_path / name), "TRIAGE_DATABASE_URL": url, "TRIAGE_ENCODER": "none"}
            settings = replace(Settings.from_env(env), audit_share=0.0)
            settings.taxonomy_path.parent.mkdir(parents=True, mode=0o700)
            settings.taxonomy_path.write_text(OFFICE, encoding="utf-8")
            service = stack.enter_context(LiveServer(settings.home, **env))
            hosts.append(Host(name, settings, service))
        yield Office("office", ledger, hosts, token)


def test_whichever_host_answers_it_is_one_ledger_one_session_and_one_model(office: Office) -> None:
    one, two = office.hosts
    for finding in (
        checks.same_key(office, times=4),
        checks.same_version(office, times=4),
        checks.sign_in_across(office, one.address, THIS_MACHINE),
        checks.throttled_across(office, THIS_MACHINE),
    ):
        assert finding.held, finding
    desk = Desk(one.settings, ledger=office.ledger)
    import_year(desk, date(2024, 1, 1), 0, 40)
    version = run_training(desk, who="李", targets=["section"]).outcomes[0].version
    assert version is not None
    assert seconds_until(lambda: serving(one, office) == version, FOLLOW_SECONDS) < FOLLOW_SECONDS
    assert seconds_until(lambda: version in str(problems(two, office)), FOLLOW_SECONDS) < FOLLOW_SECONDS
    assert serving(two, office) != version
    folder = Path("section") / version
    shutil.copy(one.settings.signing_key, two.settings.signing_key)  # one office, one key
    shutil.copytree(one.settings.models_dir / folder, two.settings.models_dir / folder)
    assert seconds_until(lambda: serving(two, office) == version, FOLLOW_SECONDS) < FOLLOW_SECONDS
    assert checks.gapless(office).held


def reaches(address: str) -> bool:
    """Whether a host there says anything at all: that nobody listens is an answer too."""
    with socket.socket() as probe:
        probe.settimeout(2.5)
        return probe.connect_ex((address, 1)) == errno.ECONNREFUSED


def test_a_pulled_cable_loses_what_is_sent_and_nothing_of_the_hosts_stays() -> None:
    try:
        check_machine()
    except InputError as error:
        pytest.skip(error.message)
    network = Network()
    try:
        network.make()
        address = network.add("app", 11)
        named = subprocess.run(
            [*network.within("app"), "hostname"], capture_output=True, text=True, check=True
        )
        assert named.stdout.strip() == "app"
        assert reaches(address)
        network.pull("app")
        assert not reaches(address)
        network.plug("app")
        assert reaches(address)
    finally:
        network.remove()
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert f"triage{os.getpid()}-" not in listed


def test_who_may_not_make_hosts_is_told_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert main(["--seconds", "1"]) == 2
    assert "root" in capsys.readouterr().err
