"""An office restored from a backup into an empty place: whole and checked, or nothing at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.backup.archive import MB, Archive, open_archive
from triage.backup.contents import KEY, MODELS, OFFICE, Contents
from triage.backup.ledger_in import NOTHING, clear_staged_ledger, loaded_ledger, tables_there, write_out
from triage.backup.places import alone, flush_folder, keep_as, sqlite_files
from triage.config import Settings
from triage.errors import Conflict, InputError
from triage.ledger.store import Ledger
from triage.ledger.tables import ModelVersionRow
from triage.ledger.texts import check_who
from triage.ledger.verify import Verdict
from triage.promotion import champions_on_record, point_to_record
from triage.reading import reader_of
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import TARGET_NAMES, TARGETS


@dataclass(frozen=True)
class Restored:
    """What came of it.

    Attributes:
        verdict: of the check, as the ledger was in the backup.
        missing: Chinese sentences about models that should serve and are not in the backup.
    """

    contents: Contents
    verdict: Verdict
    missing: Sequence[str]


def restore_backup(settings: Settings, file: Path, *, who: str) -> Restored:
    """Put ledger, office's file and models where these settings say; one event tells so in the ledger.

    Everything is read and checked before anything is written, made ready beside its place, and moved there
    at the end, the ledger last. Whatever stops it, the place stays as it was; only a kill between the
    moves leaves models or the office's file without a ledger, which the next try names.

    Raises:
        InputError: no name; the file is no whole backup, of a later program, or of the other database.
        Conflict: something is there already; another backup or restoring is under way.
        LedgerMissing, LedgerBusy: the database cannot be opened, or gave way.
        OSError: the backup cannot be read, or something not be written.
    """
    who = check_who(who)
    with closing(Ledger(settings.database_url)) as ledger:
        _check_empty(settings, ledger)
        with open_archive(file) as archive, alone(settings):
            _check_database(ledger, archive.contents)
            _check_room(settings, ledger, archive.contents)
            with (
                _staged(settings, ledger, archive) as staged,
                loaded_ledger(ledger, archive, who=who) as (session, verdict),
            ):
                missing = staged.follow(session, archive.contents)
                staged.place()
    return Restored(archive.contents, verdict, missing)


class _Staged:
    """The office's file and the models, ready beside their places."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.office = settings.taxonomy_path.with_name(f".{settings.taxonomy_path.name}.restoring")
        self.key = settings.signing_key.with_name(f".{settings.signing_key.name}.restoring")
        self.models = settings.models_dir / ".restoring"
        self._moved: list[tuple[Path, Path]] = []

    def unpack(self, archive: Archive) -> None:
        for folder in (self.office.parent, self.key.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.models.mkdir(parents=True)
        for member, stream in archive.members(OFFICE, KEY, MODELS):
            path = {OFFICE: self.office, KEY: self.key}.get(member.name)
            if path is None:
                path = self.models / member.name.removeprefix(MODELS)
                path.parent.mkdir(parents=True, exist_ok=True)
            write_out(stream, path)
        if self.key.exists():
            os.chmod(self.key, 0o600)
            self._check_key()

    def _check_key(self) -> None:
        """Hosts may share one place for their key: the same one may be there already, another may not."""
        place = self._settings.signing_key
        if not place.exists():
            return
        if place.read_bytes() != self.key.read_bytes():
            raise Conflict(f"签名密钥 {place} 与备份里的不同,{NOTHING}请先把它移到别处。")
        self.key.unlink()

    def follow(self, session: Session, contents: Contents) -> list[str]:
        """Let the models serve that the ledger says; returns why one will not."""
        hashes = {member.name: member.sha256 for member in contents.members}
        for row in session.scalars(select(ModelVersionRow)):
            there = hashes.get(f"{MODELS}{row.target}/{row.version}/model.joblib", row.sha256)
            if there != row.sha256:
                name = TARGET_NAMES.get(row.target, row.target)
                raise InputError(f"备份自相矛盾:{name}模型 {row.version} 不是台账登记的那个文件。{NOTHING}")
        key = self.key if self.key.exists() else self._settings.signing_key
        registry = Registry(self.models, partial(reader_of, self._settings), SigningKey(key))
        point_to_record(registry, session=session)
        return [
            f"备份里没有台账上现用的{TARGET_NAMES[target]}模型 {names[-1]}。"
            for target, names in champions_on_record(session=session).items()
            if names and not registry.has(target, names[-1])
        ]

    def place(self) -> None:
        for target in TARGETS:
            if (self.models / target).exists():
                self._move(self.models / target, self._settings.models_dir / target)
        for ready, place in (
            (self.office, self._settings.taxonomy_path),
            (self.key, self._settings.signing_key),
        ):
            if ready.exists():
                self._move(ready, place)

    def _move(self, ready: Path, place: Path) -> None:
        self._moved.append((ready, place))
        if ready.is_dir():
            os.rename(ready, place)  # refused where the folder there is not empty
            flush_folder(place.parent)
        else:
            keep_as(ready, place)

    def take_back(self) -> None:
        for ready, place in reversed(self._moved):
            if not ready.exists():
                os.rename(place, ready)

    def clear(self) -> None:
        self.office.unlink(missing_ok=True)
        self.key.unlink(missing_ok=True)
        shutil.rmtree(self.models, ignore_errors=True)


@contextmanager
def _staged(settings: Settings, ledger: Ledger, archive: Archive) -> Iterator[_Staged]:
    """Files made ready; taken back where the block fails. Clears what a killed try left."""

    def clear() -> None:
        staged.clear()
        if ledger.path is not None:
            clear_staged_ledger(ledger.path)

    staged = _Staged(settings)
    clear()
    try:
        staged.unpack(archive)
        yield staged
    except BaseException:
        staged.take_back()
        raise
    finally:
        clear()


def _check_empty(settings: Settings, ledger: Ledger) -> None:
    """Raises Conflict where an office, or a part of one, is there."""
    there = []
    if ledger.path is not None:
        there += [f"台账 {file}" for file in sqlite_files(ledger.path) if file.exists()]
    elif tables_there(ledger):
        there.append("数据库里的台账")
    if settings.taxonomy_path.exists():
        there.append(f"分类文件 {settings.taxonomy_path}")
    folders = [settings.models_dir / target for target in TARGETS]
    there += [f"模型 {folder}" for folder in folders if folder.is_dir() and any(folder.iterdir())]
    if there:
        raise Conflict(
            f"这里不是空的,{NOTHING}已有:{'、'.join(there)}。"
            "请恢复到空的目录(--home)和空的数据库,或先把这些移到别处。"
        )


def _check_database(ledger: Ledger, contents: Contents) -> None:
    here = "sqlite" if ledger.is_sqlite else "postgresql"
    if contents.database == here:
        return
    names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    raise InputError(
        f"备份的是 {names[contents.database]} 台账,这里设的是 {names[here]},{NOTHING}"
        f"请把 TRIAGE_DATABASE_URL 设为 {names[contents.database]},恢复以后用 triage migrate-ledger 搬过来。"
    )


def _check_room(settings: Settings, ledger: Ledger, contents: Contents) -> None:
    """Raises InputError where the disk is too full for what is in the backup."""
    needed = contents.size
    folder = ledger.path.parent if ledger.path is not None else settings.models_dir
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if ledger.path is None:
        needed = sum(member.size for member in contents.members if member.name.startswith(MODELS))
    if free < needed:
        raise InputError(
            f"{folder} 所在的磁盘空间不够:需要约 {needed // MB + 1} MB,只剩 {free // MB} MB。{NOTHING}"
        )
