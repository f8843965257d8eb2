"""Small disks of our own: one that fills up, one that turns read-only. They need the administrator."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NEEDED = ("mount", "umount", "mkfs.ext4", "fsck.ext4", "losetup")


def why_not() -> str:
    """Why no disk can be made here; empty where it can."""
    if os.geteuid() != 0:
        return "mounting needs root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"{missing[0]} is not installed"
    try:
        with full_able(1):
            return ""
    except subprocess.CalledProcessError:
        return "mounting is not allowed here"


@contextmanager
def full_able(megabytes: int) -> Iterator[Path]:
    """A disk in memory of that size."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-disk-"))
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        _run("umount", str(folder))
        folder.rmdir()


def fill(folder: Path) -> Path:
    """A file that takes all the room that is left; delete it to free it."""
    filler = folder / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    return filler


class FallibleDisk:
    """An ext4 file system in a file that can turn read-only, as Linux does after a disk's error."""

    def __init__(self, megabytes: int = 200) -> None:
        self._own = Path(tempfile.mkdtemp(prefix="chaos-image-"))
        self._image = self._own / "image"
        self.folder = self._own / "disk"
        self.folder.mkdir()
        with self._image.open("wb") as image:
            image.truncate(megabytes * 2**20)
        _run("mkfs.ext4", "-q", str(self._image))
        self.mount()

    def mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.folder))

    def settle(self) -> None:
        """Write out what is in memory only, as half a minute would; the ledger does so by itself."""
        _run("sync", "-f", str(self.folder))

    def fail(self) -> None:
        """An error of the disk: from now on nothing can be written, whoever has files open."""
        _run("mount", "-o", "remount,abort", str(self.folder))
        with suppress(OSError):  # the first write finds it out
            (self.folder / "probe").touch()

    def repair(self) -> None:
        """As an administrator does, with nothing running on it: take it off, check it, put it back."""
        _run("umount", str(self.folder))
        _run("fsck.ext4", "-y", str(self._image), fine=(0, 1, 2))
        self.mount()

    def remove(self) -> None:
        _run("umount", str(self.folder))
        shutil.rmtree(self._own)


def _run(*command: str, fine: tuple[int, ...] = (0,)) -> None:
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed programs
    if done.returncode not in fine:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
