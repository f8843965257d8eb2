"""An office with a model that serves and cases of its own, to be backed up and restored."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import drop_database, never_sync, new_database
from small_office import LABELS, OFFICE, submission
from sqlalchemy import make_url
from test_transfer import content

from triage.backup.ledger_in import tables_there
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.store import Ledger
from triage.promotion import enter_version

DAY = date(2026, 3, 2)
NewPlace = Callable[[], Settings]
_MADE: dict[str, Settings] = {}  # the office of each kind of database, never written to by tests


@pytest.fixture
def new_place(
    backend: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[NewPlace]:
    """Makes settings of an empty folder and, on PostgreSQL, of an empty database or a copy of one."""
    made: list[Settings] = []
    init = Ledger.__init__

    def unsynced(self: Ledger, url: str, **named: Any) -> None:
        init(self, url, **named)
        never_sync(self)

    monkeypatch.setattr(Ledger, "__init__", unsynced)

    def make(template: str = "template1") -> Settings:
        url = ""
        if backend == "postgresql":
            url = new_database(request.getfixturevalue("postgres_server"), template)
        made.append(settings_of(tmp_path / f"place{len(made)}", url))
        return made[-1]

    yield make
    for settings in made:
        drop_database(settings.database_url, request)


@pytest.fixture
def office(
    new_place: Callable[..., Settings],
    backend: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    """Three sections, a model of the section that serves and one that does not, twenty cases."""
    if backend not in _MADE:
        url = new_database(request.getfixturevalue("postgres_server")) if backend == "postgresql" else ""
        _MADE[backend] = settings_of(tmp_path_factory.mktemp("made") / backend, url)
        fill(_MADE[backend])
    made = _MADE[backend]
    settings = new_place(make_url(made.database_url).database) if backend == "postgresql" else new_place()
    shutil.copytree(made.home, settings.home)
    desk = Desk(settings)
    yield desk
    desk.ledger.close()


def fill(settings: Settings) -> None:
    settings.taxonomy_path.parent.mkdir(parents=True, mode=0o700)
    settings.taxonomy_path.write_text(OFFICE, encoding="utf-8")
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    desk = Desk(settings, ledger=ledger)
    for promote in (True, False):
        add_version(desk, 60 if promote else 30, promote=promote)
    for i in range(20):
        desk.take_in(submission(i, DAY), who="李")
    ledger.close()


def settings_of(home: Path, database_url: str = "") -> Settings:
    """Of an office in that folder, on SQLite where no database is named."""
    given = {"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": "none", "TRIAGE_AUDIT_SHARE": "0"}
    return Settings.from_env(given | ({"TRIAGE_DATABASE_URL": database_url} if database_url else {}))


def add_version(desk: Desk, examples: int, *, promote: bool) -> str:
    """The name of a model that learned so many cases."""
    known = [submission(i, DAY) for i in range(examples)]
    given = [Example(str(i), s.title, s.body, LABELS[i % 3]) for i, s in enumerate(known)]
    reader = desk.make_reader("none", desk.taxonomy.terms())
    model = TargetModel.fit("section", desk.taxonomy.section, given, reader)
    manifest = desk.registry.save(model, data={}, metrics={})
    before = desk.registry.champion("section")
    enter_version(desk, manifest, promote=promote, previous=before, who="李", why="试")
    return manifest.version


def opinions(desk: Desk) -> list[Any]:
    """What the office says of ten texts that it has not seen."""
    advice = desk.advise([replace(submission(i, DAY), number="") for i in range(1000, 1010)])
    return [(a.labels(), a.predictions["section"].model_version) for a in advice]


def held(settings: Settings) -> tuple[dict[str, Any], list[str]]:
    """Every row of the ledger, and every file of the office but the lock."""
    ledger = Ledger(settings.database_url)
    there = ledger.path is None or ledger.path.exists()
    rows = content(ledger) if there else {}
    ledger.close()
    return rows, files(settings)


def files(settings: Settings) -> list[str]:
    found = (p for p in settings.home.rglob("*") if p.is_file() and p.name != ".backup.lock")
    return sorted(str(p.relative_to(settings.home)) for p in found)


def is_untouched(settings: Settings) -> bool:
    """No file but the lock, and no table."""
    ledger = Ledger(settings.database_url)
    there = not ledger.is_sqlite and tables_there(ledger)
    ledger.close()
    return not there and not files(settings)


def repacked(
    file: Path,
    target: Path,
    *,
    edit: Callable[[dict[str, bytes]], None] = lambda members: None,
    listed: Callable[[dict[str, Any]], None] = lambda contents: None,
    extra: tarfile.TarInfo | None = None,
) -> Path:
    """The backup packed anew by somebody who changes members, the list, or adds an entry."""
    with tarfile.open(file) as tar:
        members = {e.name: tar.extractfile(e).read() for e in tar}  # type: ignore[union-attr]
    edit(members)
    contents = json.loads(members.pop("manifest.json"))
    listed(contents)
    with tarfile.open(target, "w:gz", compresslevel=1) as tar:
        if extra is not None:
            tar.addfile(extra)
        for name, data in {**members, "manifest.json": json.dumps(contents).encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return target
