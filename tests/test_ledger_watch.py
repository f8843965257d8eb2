"""Two hosts without a common disk on one ledger: each with its own models and its own office's file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import tomlkit
from small_office import OFFICE, import_year
from test_office_file import set_phone

from training.run import run_training
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, NotFound
from triage.ledger.office_versions import list_changes
from triage.ledger.store import Ledger
from triage.ledger_watch import LedgerWatch
from triage.office_changes import change_office, note_by_hand
from triage.office_file import read_office
from triage.promotion import promote_version, roll_back


@pytest.fixture
def backend() -> str:
    return "postgresql"


@pytest.fixture
def hosts(settings: Settings, ledger: Ledger) -> Iterator[tuple[Desk, Desk]]:
    """Two hosts, set up alike an hour ago."""
    desks = []
    for name in ("one", "two"):
        home = settings.home / name
        own = replace(
            settings,
            home=home,
            models_dir=home / "models",
            taxonomy_path=home / "var" / "office.toml",
            database_url=ledger.url,
        )
        own.taxonomy_path.parent.mkdir(parents=True)
        own.taxonomy_path.write_text(OFFICE, encoding="utf-8")
        hour_ago = own.taxonomy_path.stat().st_mtime - 3600
        os.utime(own.taxonomy_path, (hour_ago, hour_ago))
        desks.append(Desk(own, ledger=Ledger(ledger.url)))
    yield desks[0], desks[1]
    for desk in desks:
        desk.ledger.close()


def serving(desk: Desk) -> str:
    return desk.champions.models()["section"].version


def train(desk: Desk, start: int) -> str:
    import_year(desk, date(2024, 1, 1 + start % 28), start, 30)
    version = run_training(desk, who="李").outcomes[0].version
    assert version is not None
    promote_version(desk, "section", version, who="李", why="试用")
    return version


def copy(version: str, source: Desk, target: Desk) -> Path:
    folder = target.settings.models_dir / "section" / version
    return Path(shutil.copytree(source.settings.models_dir / "section" / version, folder, dirs_exist_ok=True))


def test_a_model_of_another_host_serves_as_soon_as_it_was_copied_whole(hosts: tuple[Desk, Desk]) -> None:
    one, two = hosts
    watch = LedgerWatch(two)
    before = serving(two)
    first = train(one, 0)
    watch.look()
    assert serving(two) == before
    said = two.problems()["section"]
    assert first in said
    assert f"目前使用:{before}" in said
    model = copy(first, one, two) / "model.joblib"
    whole = model.read_bytes()
    model.write_bytes(whole[: len(whole) // 2])  # while it is being copied
    watch.look()
    assert serving(two) == before
    model.write_bytes(whole)
    watch.look()
    assert serving(two) == first
    assert two.problems() == {}


def test_one_step_back_is_the_same_step_on_every_host(hosts: tuple[Desk, Desk]) -> None:
    one, two = hosts
    first, second, third = (train(one, start) for start in (0, 30, 60))
    for version in (first, third):
        copy(version, one, two)
    LedgerWatch(two).look()
    assert serving(two) == third
    with pytest.raises(NotFound, match=second):
        roll_back(two, "section", who="李")
    assert serving(two) == third
    assert roll_back(one, "section", who="李") == second
    LedgerWatch(two).look()
    assert second in two.problems()["section"]
    copy(second, one, two)
    LedgerWatch(two).look()
    assert serving(two) == second


def edit(desk: Desk, phone: str) -> None:
    seen = read_office(desk.office.path).sha256
    change: Callable[[tomlkit.TOMLDocument], None] = set_phone(phone)
    change_office(desk.office.path, desk.ledger, change, seen=seen, act="edited", part="section", who="甲")


def test_the_file_changed_on_a_page_of_one_host_is_changed_on_the_other(hosts: tuple[Desk, Desk]) -> None:
    one, two = hosts
    edit(one, "1")
    with pytest.raises(Conflict, match="较早的一版"):
        edit(two, "2")  # it would undo the other
    assert two.office.taxonomy().phone_of("能源科") == ""
    LedgerWatch(two).look()
    assert two.office.taxonomy().phone_of("能源科") == "1"
    edit(two, "2")
    LedgerWatch(one).look()
    LedgerWatch(two).look()
    assert one.office.taxonomy().phone_of("能源科") == "2"
    assert (one.problems(), two.problems()) == ({}, {})
    with one.ledger.read() as session:
        assert len(list_changes(session=session)) == 2


@pytest.mark.parametrize("text", [OFFICE, OFFICE.replace("电力", "电网")], ids=["an earlier one", "another"])
def test_what_was_changed_by_hand_stays_and_is_told(hosts: tuple[Desk, Desk], text: str) -> None:
    one, two = hosts
    edit(one, "1")
    LedgerWatch(two).look()
    two.office.path.write_text(text, encoding="utf-8")
    LedgerWatch(two).look()
    assert two.office.path.read_text(encoding="utf-8") == text
    assert "修改记录" in two.problems()["office"]
    note_by_hand(two.office.path, two.ledger, seen=read_office(two.office.path).sha256, who="乙")
    for desk in hosts:
        LedgerWatch(desk).look()
        assert desk.office.path.read_text(encoding="utf-8") == text
        assert desk.problems() == {}
