"""A backup taken: ledger, office's file and models into one new file, or none at all."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from triage import VERSION
from triage.backup.archive import ArchiveWriter
from triage.backup.contents import KEY, MODELS, OFFICE, Contents
from triage.backup.ledger_out import write_ledger
from triage.backup.places import alone, keep_as, named, sqlite_files
from triage.config import Settings
from triage.errors import Conflict, InputError, ModelRefused
from triage.ledger.store import Ledger
from triage.reading import reader_of
from triage.registry import MANIFEST, MODEL, Registry
from triage.signing import SIGNATURE, SigningKey
from triage.taxonomy import TARGETS


def take_backup(settings: Settings, target: Path) -> tuple[Path, Contents]:
    """Write everything the office has into a new file that only its owner may read.

    The ledger comes first: every model that it names was saved before it was named, so it is there
    when its turn comes.

    Args:
        target: the file, or a folder in which it is named by the time.

    Returns:
        The file and what is in it.

    Raises:
        InputError: the folder is not there.
        Conflict: the file is there already, another backup or restoring is under way, the ledger is damaged.
        LedgerMissing, LedgerBusy: see triage.backup.ledger_out.
        OSError: it cannot be written; nothing is left.
    """
    target = target.expanduser().absolute()
    if target.is_dir():
        target /= f"triage-{datetime.now():%Y%m%d-%H%M%S}.tar.gz"
    if not target.parent.is_dir():
        raise InputError(f"没有 {target.parent} 这个目录,请先建立。")
    if os.path.lexists(target):
        raise Conflict(f"{target} 已存在,没有改动它,也没有备份。请换一个文件名。")
    with closing(Ledger(settings.database_url)) as ledger:
        ledger.check()
        with alone(settings):
            # always the same name for one office: what a kill leaves is overwritten by the next backup
            own = hashlib.sha256(f"{socket.gethostname()} {settings.home}".encode()).hexdigest()[:12]
            part, scratch = (target.parent / f".triage-backup-{own}.{end}" for end in ("part", "ledger"))
            try:
                for file in (part, *sqlite_files(scratch)):
                    file.unlink(missing_ok=True)
                contents = _write(settings, ledger, part, scratch)
                keep_as(part, target)
            finally:
                for file in (part, *sqlite_files(scratch)):
                    file.unlink(missing_ok=True)
    return target, contents


def _write(settings: Settings, ledger: Ledger, part: Path, scratch: Path) -> Contents:
    with named(part), os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        os.close(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        archive = ArchiveWriter(file)
        created = datetime.now(UTC)
        held = write_ledger(ledger, archive, scratch)
        left_out = []
        if settings.taxonomy_path.is_file():
            archive.add_file(OFFICE, settings.taxonomy_path)
        else:
            left_out.append(f"没有分类文件 {settings.taxonomy_path}。")
        if settings.signing_key.is_file():
            archive.add_file(KEY, settings.signing_key)
        else:
            left_out.append(
                f"没有签名密钥 {settings.signing_key},模型恢复以后要用 triage init --resign 重新签名。"
            )
        left_out += _write_models(settings, archive)
        contents = Contents(
            created_at=created.isoformat(timespec="seconds"),
            program=VERSION,
            left_out=left_out,
            members=archive.members,
            **asdict(held),
        )
        archive.close(contents)
        file.flush()
        os.fsync(file.fileno())
    return contents


def _write_models(settings: Settings, archive: ArchiveWriter) -> list[str]:
    """Every whole version and the pointers; returns why others were left out."""
    registry = Registry(settings.models_dir, partial(reader_of, settings), SigningKey(settings.signing_key))
    left_out = []
    for target in TARGETS:
        for version in registry.names(target):
            folder = f"{target}/{version}"
            try:
                registry.content(registry.manifest(target, version))
            except ModelRefused as error:
                left_out.append(f"没有备份:{error.message}")
                continue
            for name in (MANIFEST, SIGNATURE, MODEL):
                archive.add_file(f"{MODELS}{folder}/{name}", settings.models_dir / folder / name)
        if names := registry.champions(target):
            archive.add_bytes(f"{MODELS}{target}/champion", "".join(f"{name}\n" for name in names).encode())
    return left_out
