"""Where the files of a backup and of a restoring go: alone, whole, never over another."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from triage.config import Settings
from triage.errors import Conflict

LOCK = ".backup.lock"


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """One backup or restoring of an office at a time on this machine; the kernel frees a killed one's lock.

    Raises:
        Conflict: there is another.
    """
    folder = settings.home / "var"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("另一个备份或恢复正在进行,请等它完成。") from None
        yield


def keep_as(part: Path, target: Path) -> None:
    """Give a whole file its name; one that has it is never replaced.

    Raises:
        Conflict: another file has come to have that name.
    """
    try:
        os.link(part, target)
        part.unlink()
    except FileExistsError:
        raise Conflict(f"{target} 已存在,没有改动它。") from None
    except OSError:  # a file system that knows no second name
        if os.path.lexists(target):
            raise Conflict(f"{target} 已存在,没有改动它。") from None
        os.rename(part, target)
    flush_folder(target.parent)


def flush_folder(folder: Path) -> None:
    """Have the names in it outlive a power cut, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sqlite_files(path: Path) -> list[Path]:
    """A SQLite file and what may stand beside it; a journal without its file would spoil the next of that name."""
    return [path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal")]


@contextmanager
def named(path: Path) -> Iterator[None]:
    """An OSError of writing says which file it was; a full disk is noticed where no name is known."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = str(path)
        raise
