"""A restoring: whole and checked, or the place stays as it was, whatever the file is and whatever happens."""

# ruff: noqa: F811 - fixtures of another file are imported under the names by which they are asked for

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from arrivals import arrive
from backed_up import NewPlace, files, held, is_untouched, new_place, office  # noqa: F401
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session
from test_transfer import GRID, by_hand, content

from service.command import main
from triage.backup import ledger_in, ledger_out, restoring
from triage.backup.archive import ArchiveWriter, open_archive
from triage.backup.contents import SQLITE_FILE, Contents
from triage.backup.restoring import restore_backup
from triage.backup.taking import take_backup
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, LedgerBusy
from triage.ledger.base import Base
from triage.ledger.chain import head
from triage.ledger.store import Ledger
from triage.ledger.verify import verify_ledger

sqlite_only = pytest.mark.parametrize("backend", ["sqlite"])
Fork = multiprocessing.get_context("fork")


def test_a_place_that_holds_anything_is_left_alone(
    office: Desk, new_place: NewPlace, tmp_path: Path, backend: str
) -> None:
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    before = held(office.settings)
    with pytest.raises(Conflict, match=r"这里不是空的,没有恢复任何内容。已有:.*台账.*分类文件.*模型"):
        restore_backup(office.settings, file, who="王")
    assert held(office.settings) == before
    left = ["var/office.toml", "models/section/20260101-000000-abcdef/manifest.json"]
    if backend == "sqlite":  # a journal without its file would be played into the restored one
        left += ["var/ledger.sqlite3", "var/ledger.sqlite3-wal"]
    place = new_place()
    for name in left:
        path = place.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
        with pytest.raises(Conflict, match=str(path.parent.parent if "models" in name else path)):
            restore_backup(place, file, who="王")
        assert files(place) == [name]
        path.unlink()
        path.parent.rmdir()
    assert restore_backup(place, file, who="王").verdict.problems == []


def stopping(monkeypatch: pytest.MonkeyPatch, where: tuple[Any, str], error: BaseException) -> None:
    """From now on the act begins, does what it does, and then it is over."""
    owner, name = where
    act = getattr(owner, name)

    def do_then_stop(*given: Any, **more: Any) -> None:
        act(*given, **more)
        raise error

    monkeypatch.setattr(owner, name, do_then_stop)


@pytest.mark.parametrize(
    "where",
    [
        (restoring, "write_out"),
        (ledger_in, "verify_ledger"),
        (restoring._Staged, "place"),
        (ledger_in, "seal"),
    ],
    ids=lambda where: where[1],
)
def test_an_interrupt_leaves_the_place_as_it_was_and_the_next_try_works(
    office: Desk,
    new_place: NewPlace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[Any, str],
) -> None:
    file, contents = take_backup(office.settings, tmp_path / "a.tar.gz")
    place = new_place()
    with monkeypatch.context() as person:
        stopping(person, where, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            restore_backup(place, file, who="王")
    assert is_untouched(place)
    if where[1] == "seal":
        assert restore_backup(place, file, who="王").contents == contents


@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("where", [(ledger_in, "quoted"), (ledger_in, "set_sequences")], ids=("copy", "end"))
def test_a_database_that_goes_away_leaves_nothing_half(
    office: Desk,
    new_place: NewPlace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: tuple[Any, str],
) -> None:
    def cut_off(settings: Settings) -> None:
        ledger = Ledger(settings.database_url)
        with ledger.engine.connect() as connection:
            others = (
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            )
            connection.exec_driver_sql(f"{others} and pid <> pg_backend_pid()")
        ledger.close()

    def cutting(owner: Any, name: str, settings: Settings) -> None:
        act = getattr(owner, name)
        person.setattr(owner, name, lambda *a, **k: (cut_off(settings), act(*a, **k))[1])

    place = new_place()
    office.ledger.close()
    with monkeypatch.context() as person:
        cutting(ledger_out, "quoted", office.settings)
        with pytest.raises(LedgerBusy):
            take_backup(office.settings, tmp_path / "a.tar.gz")
    assert not [f for f in tmp_path.iterdir() if "backup" in f.name or "tar" in f.name]
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    with monkeypatch.context() as person:
        cutting(*where, place)
        with pytest.raises(LedgerBusy):
            restore_backup(place, file, who="王")
    assert is_untouched(place)


@sqlite_only
def test_a_kill_is_cleared_up_by_the_next_try_or_named_by_it(
    office: Desk, new_place: NewPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    office.ledger.close()

    def killed_at(place: Settings, where: tuple[Any, str]) -> None:
        def restore() -> None:
            act = getattr(*where)
            killing = lambda *a, **k: (act(*a, **k), os.kill(os.getpid(), signal.SIGKILL))  # noqa: E731
            setattr(*where, killing)
            restore_backup(place, file, who="王")

        child = Fork.Process(target=restore)
        child.start()
        child.join(30)
        assert child.exitcode == -signal.SIGKILL

    place = new_place()
    killed_at(place, (ledger_in, "verify_ledger"))
    assert len(files(place)) > 3
    assert restore_backup(place, file, who="王").verdict.problems == []
    assert [name for name in files(place) if "restoring" in name] == []
    # between the moves: nothing serves without its ledger, and the next try says what is in its way
    place = new_place()
    killed_at(place, (restoring._Staged, "place"))
    with pytest.raises(Conflict, match=r"已有:分类文件 .*office.toml、模型 .*section。"):
        restore_backup(place, file, who="王")


@sqlite_only
def test_a_full_disk_leaves_nothing_and_says_so(office: Desk, new_place: NewPlace, tmp_path: Path) -> None:
    file, contents = take_backup(office.settings, tmp_path / "a.tar.gz")
    office.ledger.close()
    place, out = new_place(), tmp_path / "out"
    out.mkdir()
    most = min(m.size for m in contents.members if m.name.endswith(("joblib", SQLITE_FILE))) - 1

    def said(*command: str) -> tuple[int | None, str]:
        def limited() -> None:
            sys.stderr = (tmp_path / "said").open("w", encoding="utf-8", buffering=1)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            os._exit(main(command))

        child = Fork.Process(target=limited)
        child.start()
        child.join(30)
        return child.exitcode, (tmp_path / "said").read_text(encoding="utf-8")

    code, words = said("--home", str(place.home), "restore", str(file))
    assert (code, "写不下" in words, "Traceback" in words) == (1, True, False), words
    assert is_untouched(place)
    code, words = said("--home", str(office.settings.home), "backup", str(out))
    assert (code, "Traceback" in words) == (1, False), words
    assert list(out.iterdir()) == []


def test_a_backup_of_an_earlier_version_is_brought_up_to_date(
    new_place: NewPlace, tmp_path: Path, backend: str
) -> None:
    old = Ledger(new_place().database_url)
    with old.building() as connection:
        old.set_schema(connection, "0011")
    with old.write() as session:
        number = arrive(replace(GRID, number="第1号", received_on=date(2025, 1, 20)), session=session).id
    file = tmp_path / "old.tar.gz"
    with file.open("wb") as raw:
        archive = ArchiveWriter(raw)
        with old.engine.connect() as connection, Session(connection) as session:
            there = set(inspect(connection).get_table_names())
            tables = {
                t.name: [c.name for c in t.columns] for t in Base.metadata.sorted_tables if t.name in there
            }
            rows = {name: session.scalar(text(f'select count(*) from "{name}"')) for name in tables}
            last, running = head(session)
            if old.path is None:
                driver = connection.connection.driver_connection
                assert isinstance(driver, psycopg.Connection)
                for name, columns in tables.items():
                    ledger_out._copy_out(driver, name, columns, archive)
        old.close()
        if old.path is not None:
            archive.add_file(SQLITE_FILE, old.path)
            tables = {}
        now, anchor = datetime.now(UTC).isoformat(), f"{last}:{running}"
        archive.close(Contents(now, "0.0.9", backend, "0011", tables, rows, anchor, [], archive.members))
    place = new_place()
    restored = restore_backup(place, file, who="王")
    assert (restored.contents.revision, restored.verdict.problems) == ("0011", [])
    ledger = Ledger(place.database_url)
    ledger.check()
    assert [row[0] for row in content(ledger)["case"]] == [number]
    with ledger.write() as session:
        assert arrive(replace(GRID, number="第2号"), session=session).id == number + 1
    ledger.close()


@sqlite_only
def test_a_record_that_did_not_hold_is_restored_as_it_was_and_said(
    office: Desk, new_place: NewPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_hand(office.ledger, "update \"case\" set deputy = '改过' where id = 2")
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    place = new_place()
    assert main(["--home", str(place.home), "restore", str(file)]) == 1
    said = capsys.readouterr().out
    assert "建议件 2 与第" in said
    assert "这些在备份时就是如此" in said
    with closing(Ledger(place.database_url)) as ledger, ledger.read() as session:
        assert len(verify_ledger(session).problems) == 1


@sqlite_only
def test_the_commands_say_what_is_in_it(
    office: Desk, new_place: NewPlace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, home = tmp_path / "a.tar.gz", str(office.settings.home)
    assert main(["--home", home, "backup", str(file)]) == 0
    said = capsys.readouterr().out
    with open_archive(file) as archive:
        contents = archive.contents
    for words in (
        "建议 20 件",
        "承办科室 2 个",
        "分类文件:有",
        f"锚点 {contents.anchor}",
        "要像台账一样保管",
    ):
        assert words in said
    assert main(["--home", home, "restore", "--check", str(file)]) == 0
    assert "完整" in capsys.readouterr().out
    assert main(["--home", home, "restore", "--check", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["case"] == 20
    assert main(["--home", home, "backup", str(file)]) == 1
    assert "已存在" in capsys.readouterr().err
    assert main(["--home", str(new_place().home), "restore", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["verify"]["ok"], told["missing"]) == (True, [])
    assert main(["--home", home, "restore", str(tmp_path / "nothing")]) == 1
