"""The file of a backup: a packed tar whose last member lists the others with their hashes.

Read or written from one end to the other, never a member as a whole in memory. The paths in it are
names to be looked up in our own list and nothing more: what is unpacked is written by us, to places of our choosing.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from triage.backup.contents import LIST, Contents, Member, may_stand
from triage.errors import InputError

CHUNK = 2**20
LEVEL = 1  # gzip's quickest: a ledger of 150 MB becomes 87; level 6 takes twice the time for 84
MOST_LISTED = 64 * 2**20  # bytes of the list: some 400,000 members

MB = 2**20


class Source(Protocol):
    """What bytes come out of."""

    def read(self, size: int = -1, /) -> bytes: ...


class Hashed(io.RawIOBase):
    """A stream that counts and hashes what is read from it."""

    def __init__(self, stream: Source) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        self.size += len(data)
        return data

    def member(self, name: str) -> Member:
        """What was read so far as a member of that name."""
        return Member(name, self.size, self._hash.hexdigest())


class ArchiveWriter:
    """Members one after the other into an open file, their list at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w:gz", compresslevel=LEVEL)  # noqa: SIM115 - closed with the list
        self.members: list[Member] = []

    def add(self, name: str, source: Source, size: int) -> None:
        """Raises OSError where the source ends before ``size`` bytes, or nothing more can be written."""
        stream = Hashed(source)
        self._put(name, stream, size)
        self.members.append(stream.member(name))

    def add_bytes(self, name: str, content: bytes) -> None:
        self.add(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self.add(name, file, path.stat().st_size)

    def close(self, contents: Contents) -> None:
        """Write the list; without it the file is no backup."""
        content = contents.to_bytes()
        self._put(LIST, io.BytesIO(content), len(content))
        self._tar.close()

    def _put(self, name: str, stream: IO[bytes] | Hashed, size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
        self._tar.addfile(entry, stream)


class Archive:
    """A backup that is there, open for reading."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        """Reads it to its end.

        Raises:
            InputError: it is no backup, not whole, or something in it was altered.
        """
        self._file = file
        self._path = path
        self.contents = self._checked()

    def _checked(self) -> Contents:
        found: list[Member] = []
        contents = None
        with self._reading() as tar:
            for entry in tar:
                stream = tar.extractfile(entry) if entry.isreg() else None
                if stream is None or contents is not None:
                    raise self._refusal(f"里面有不该有的 {entry.name!r}")
                if entry.name == LIST and entry.size <= MOST_LISTED:
                    try:
                        contents = Contents.from_bytes(stream.read())
                    except InputError as error:
                        raise InputError(f"{self._path}:{error.message}") from None
                elif may_stand(entry.name):
                    hashed = Hashed(stream)
                    while hashed.read(CHUNK):
                        pass
                    found.append(hashed.member(entry.name))
                else:
                    raise self._refusal(f"里面有不该有的 {entry.name!r}")
        if contents is None:
            raise self._refusal("不完整,末尾的清单不在")
        for listed, there in zip(contents.members, found, strict=False):
            if listed != there:
                raise self._refusal(f"其中的 {there.name} 与清单不符,损坏了或被改动过")
        if len(contents.members) != len(found):
            raise self._refusal("里面的文件与清单不符")
        return contents

    def members(self, *wanted: str) -> Iterator[tuple[Member, Hashed]]:
        """The members whose names begin so, one after the other; each to be read to its end before the next.

        Raises:
            InputError: the file has changed since it was opened.
        """
        listed = {member.name: member for member in self.contents.members}
        with self._reading() as tar:
            for entry in tar:
                if not entry.name.startswith(wanted) or entry.name not in listed:
                    continue
                content = tar.extractfile(entry)
                if content is None:
                    raise self._refusal("被改动过")
                stream = Hashed(content)
                yield listed[entry.name], stream
                if stream.member(entry.name) != listed[entry.name]:
                    raise self._refusal("被改动过")

    @contextmanager
    def _reading(self) -> Iterator[tarfile.TarFile]:
        self._file.seek(0)
        try:
            with tarfile.open(fileobj=self._file, mode="r:gz") as tar:
                yield tar
        except (EOFError, zlib.error) as error:
            raise self._refusal("不完整或已损坏,读到一半读不下去") from error
        except (tarfile.TarError, gzip.BadGzipFile) as error:
            raise self._refusal("不是 triage backup 写出的备份,或已损坏") from error

    def _refusal(self, why: str) -> InputError:
        return InputError(f"{self._path} {why}。")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Raises as Archive does, and OSError where the file cannot be read."""
    with path.open("rb") as file:
        yield Archive(file, path)
