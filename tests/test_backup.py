"""A backup: of one moment while others write, whole or not there, never over another file."""

# ruff: noqa: F811 - fixtures of another file are imported under the names by which they are asked for

from __future__ import annotations

import fcntl
import json
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from backed_up import DAY, NewPlace, add_version, new_place, office, opinions  # noqa: F401
from conftest import BASE_URL
from fastapi.testclient import TestClient
from live_server import LiveServer, wait_until
from small_office import submission
from test_kill import Senders, make_pile
from test_transfer import content

from service.app import make_app
from service.command import main
from training.sample_office import install_office
from triage import VERSION
from triage.backup import ledger_out, taking
from triage.backup.archive import ArchiveWriter, open_archive
from triage.backup.restoring import restore_backup
from triage.backup.taking import take_backup
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, InputError, LedgerMissing
from triage.ledger.store import Ledger
from triage.ledger.verify import verify_ledger
from triage.registry import Registry
from triage.signing import SigningKey

REPO = Path(__file__).resolve().parent.parent
WRITERS = 3


def test_the_whole_office_is_there_again_while_writers_went_on(
    office: Desk, new_place: NewPlace, tmp_path: Path
) -> None:
    stop = threading.Event()
    written = [0] * WRITERS
    backups = []

    def write(nth: int) -> None:
        while not stop.is_set():
            office.take_in(submission(100 + WRITERS * written[nth] + nth, DAY), who="李")
            written[nth] += 1

    threads = [threading.Thread(target=write, args=(nth,)) for nth in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        for n in range(3):
            so_far = sum(written)
            wait_until(lambda so_far=so_far: sum(written) > so_far + 2, "writers write")
            backups.append(take_backup(office.settings, tmp_path / f"{n}.tar.gz"))
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    cases = [contents.rows["case"] for _, contents in backups]
    assert 20 < cases[0] < cases[1] < cases[2] <= 20 + sum(written)

    live = content(office.ledger)
    with office.ledger.read() as session:  # each is of a moment of the one chain
        assert [verify_ledger(session, anchor=c.anchor).problems for _, c in backups] == [[], [], []]
    place = new_place()
    file, contents = backups[1]
    restored = restore_backup(place, file, who="王管理员")
    assert (restored.verdict.problems, restored.missing) == ([], [])
    assert restored.verdict.anchor == contents.anchor

    again = Desk(place)
    rows = content(again.ledger)
    event, _ = rows["event"].pop(), rows["seal"].pop()
    assert {name: len(found) for name, found in rows.items()} == contents.rows
    for name, found in rows.items():
        if name != "case_reading":  # made as they are asked for
            assert found == live[name][: len(found)], name
    assert {"ledger_restored", "王管理员"} <= {value for value in event if isinstance(value, str)}
    assert opinions(again) == opinions(office)
    assert again.registry.names("section") == office.registry.names("section")
    assert place.taxonomy_path.read_bytes() == office.settings.taxonomy_path.read_bytes()
    # the work goes on there
    receipt = again.take_in(submission(5000, DAY), who="李")
    assert receipt.case_id == contents.rows["case"] + 1
    with again.ledger.read() as session:
        assert verify_ledger(session, anchor=contents.anchor).problems == []
    again.ledger.close()


def test_a_service_that_takes_cases_in_is_backed_up_and_its_copy_serves(
    settings: Settings, migrated_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install_office(settings)
    settings.home.joinpath("var/ledger.sqlite3").write_bytes(migrated_file.read_bytes())
    file, copy = tmp_path / "备份.tar.gz", tmp_path / "copy"
    pile = make_pile(settings)[:41]
    with LiveServer(settings.home, TRIAGE_ENCODER="none") as server:
        senders = Senders(server, pile[:40])
        wait_until(lambda: len(senders.answers) >= 10, "10 cases answered", 90)
        assert main(["--home", str(settings.home), "backup", str(file), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        senders.join()
        with server.client() as client:
            there = client.get("/api/cases/1").json()
    assert len(senders.answers) == 40
    assert 10 <= told["rows"]["case"] < 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [f.name for f in tmp_path.iterdir() if "backup" in f.name] == []

    assert main(["--home", str(copy), "restore", str(file), "--who", "王"]) == 0
    assert "全部一致" in capsys.readouterr().out
    place = Settings.from_env({"TRIAGE_HOME": str(copy), "TRIAGE_ENCODER": "none"})
    desk = Desk(place)
    with TestClient(make_app(place, desk), base_url=BASE_URL) as client:
        client.headers["authorization"] = f"Bearer {server.token}"  # it was given out over there
        assert client.get("/api/cases/1").json() == there
        assert client.get("/api/cases").json()["total"] == told["rows"]["case"]
        assert client.post("/api/cases", json=pile[-1]).status_code == 201
    assert main(["--home", str(copy), "verify", "--anchor", told["anchor"]]) == 0


@pytest.mark.parametrize("backend", ["postgresql"])
def test_what_is_written_between_two_tables_is_not_in_it(
    office: Desk, new_place: NewPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_out, written = ledger_out._copy_out, []

    def write_then_copy(driver: Any, table: str, *rest: Any) -> None:
        if table in ("case", "event", "seal", "prediction"):
            written.append(office.take_in(submission(100 + len(written), DAY), who="李").case_id)
        copy_out(driver, table, *rest)

    monkeypatch.setattr(ledger_out, "_copy_out", write_then_copy)
    monkeypatch.setattr(ledger_out, "PART", 1000)  # most tables in more than one part
    before = content(office.ledger)
    file, contents = take_backup(office.settings, tmp_path)
    assert len(written) == 4
    assert contents.rows == {name: len(rows) for name, rows in before.items()}
    place = new_place()
    assert restore_backup(place, file, who="王").verdict.problems == []
    ledger = Ledger(place.database_url)
    assert content(ledger)["case"] == before["case"]
    ledger.close()


@pytest.mark.parametrize("backend", ["sqlite"])
def test_what_is_no_whole_version_is_left_out_and_said(office: Desk, tmp_path: Path) -> None:
    broken, kept = office.registry.names("section")
    models = office.settings.models_dir / "section"
    (models / broken / "model.joblib").write_bytes(b"half")
    (models / ".saving-x" / "version").mkdir(parents=True)
    (models / ".saving-x" / "version" / "model.joblib").write_bytes(b"half")
    (office.settings.home / "var" / "training.log").write_text("")
    _, contents = take_backup(office.settings, tmp_path / "a.tar.gz")
    names = [member.name for member in contents.members]
    assert names == [
        "ledger.sqlite3",
        "office.toml",
        "signing.key",
        *(f"models/section/{kept}/{name}" for name in ("manifest.json", "manifest.sig", "model.joblib")),
        "models/section/champion",
    ]
    assert broken in contents.left_out[0]
    assert "校验值不符" in contents.left_out[0]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_version_named_while_the_backup_runs_is_no_part_of_the_ledger_but_never_lacks(
    office: Desk, new_place: NewPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger goes first, so whatever it names is there; what comes later does not serve."""
    served, made = office.registry.champion("section"), []
    write_models = taking._write_models

    def train_then_write(*given: Any) -> list[str]:
        made.append(add_version(office, 45, promote=True))
        return write_models(*given)

    monkeypatch.setattr(taking, "_write_models", train_then_write)
    file, _ = take_backup(office.settings, tmp_path / "a.tar.gz")
    place = new_place()
    assert restore_backup(place, file, who="王").missing == []
    registry = Registry(place.models_dir, office.make_reader, SigningKey(place.signing_key))
    assert office.registry.champion("section") == made[0]
    assert registry.champion("section") == served  # as the restored ledger says, not as the pointer did
    assert registry.names("section") == office.registry.names("section")


@pytest.mark.parametrize("backend", ["sqlite"])
def test_no_file_is_replaced_and_none_is_half(
    office: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = tmp_path / "a.tar.gz"
    taken.write_text("an older one")
    with pytest.raises(Conflict, match="已存在"):
        take_backup(office.settings, taken)
    with pytest.raises(InputError, match=r"没有 .*/nowhere 这个目录"):
        take_backup(office.settings, tmp_path / "nowhere" / "a.tar.gz")
    add_file = ArchiveWriter.add_file

    def come_first(self: ArchiveWriter, name: str, path: Path) -> None:
        add_file(self, name, path)
        (tmp_path / "b.tar.gz").write_text("another's")

    with monkeypatch.context() as other:
        other.setattr(ArchiveWriter, "add_file", come_first)
        with pytest.raises(Conflict, match="已存在"):
            take_backup(office.settings, tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "another's"

    def interrupt(self: ArchiveWriter, name: str, path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as person:
        person.setattr(ArchiveWriter, "add_file", interrupt)
        with pytest.raises(KeyboardInterrupt):
            take_backup(office.settings, tmp_path / "c.tar.gz")
    there = sorted(f.name for f in tmp_path.iterdir() if f.is_file())
    assert [name for name in there if "tar" in name or "backup" in name] == ["a.tar.gz", "b.tar.gz"]
    assert taken.read_text() == "an older one"


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_disk_whose_files_have_one_name_only_will_do(
    office: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)  # as FAT and some network drives do
    file, contents = take_backup(office.settings, tmp_path / "a.tar.gz")
    with open_archive(file) as archive:
        assert archive.contents == contents


@pytest.mark.parametrize("backend", ["sqlite"])
def test_two_at_once_are_one_and_what_a_kill_left_is_cleared(office: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with (office.settings.home / "var" / ".backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="另一个备份"):
            take_backup(office.settings, out)
    assert list(out.iterdir()) == []
    with pytest.MonkeyPatch.context() as power:
        power.setattr(Path, "unlink", lambda *_, **__: None)  # as if the process had been killed
        power.setattr(taking, "keep_as", lambda *_: None)
        take_backup(office.settings, out)
    assert len(list(out.iterdir())) >= 2
    file, _ = take_backup(office.settings, out)
    assert [f.name for f in out.iterdir()] == [file.name]


@pytest.mark.parametrize("backend", ["sqlite"])
def test_a_damaged_or_missing_ledger_is_not_backed_up(office: Desk, tmp_path: Path) -> None:
    path = office.ledger.path
    assert path is not None
    with office.ledger.engine.connect() as connection:
        at = "select rootpage from sqlite_master where name = 'case_vector'"
        page = connection.exec_driver_sql(at).scalar_one()
    office.ledger.close()
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = (
        b"\xff" * 4096
    )  # where nobody looks until the case is searched for
    path.write_bytes(data)
    with pytest.raises(Conflict, match="已损坏,没有备份"):
        take_backup(office.settings, tmp_path / "a.tar.gz")
    path.unlink()
    with pytest.raises(LedgerMissing, match="还没有台账"):
        take_backup(office.settings, tmp_path / "a.tar.gz")
    assert not (tmp_path / "a.tar.gz").exists()


def test_the_version_is_that_of_the_project(office: Desk, tmp_path: Path) -> None:
    assert f'version = "{VERSION}"' in (REPO / "pyproject.toml").read_text(encoding="utf-8")
    file, contents = take_backup(office.settings, tmp_path)
    with open_archive(file) as archive:
        assert archive.contents == contents
    assert contents.program == VERSION
