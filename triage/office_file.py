"""Editing the office's TOML file: comments, order and the bytes of what was not touched stay."""

from __future__ import annotations

import difflib
import fcntl
import hashlib
import os
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, InlineTable, Table, Whitespace

from triage.errors import Conflict, InputError, TaxonomyError, os_reason
from triage.taxonomy import Taxonomy, parse_taxonomy

BEFORE = ".前一版"  # beside the file, as it was before the last change made here
_BOM = "\ufeff"

Value = str | bool | Sequence[str]
Edit = Callable[[tomlkit.TOMLDocument], None]


@dataclass(frozen=True)
class OfficeText:
    """The file as it stands: its bytes, and the text in them."""

    content: bytes
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read_office(path: Path) -> OfficeText:
    """Raises TaxonomyError where the file cannot be read as text."""
    try:
        content = path.read_bytes()
        return OfficeText(content, content.decode("utf-8"))
    except OSError as error:
        raise TaxonomyError(f"分类文件 {path} 打不开:{os_reason(error)}。") from None
    except UnicodeDecodeError:
        raise TaxonomyError(f"{path} 不是 UTF-8 编码,请另存为 UTF-8。") from None


def edited(before: OfficeText, edit: Edit, source: str) -> tuple[OfficeText, Taxonomy]:
    """The file after ``edit``, with the taxonomy that it gives.

    Raises:
        InputError: the change makes it a file that cannot serve; the message says why, as
            the reader of the file does.
        TaxonomyError: the file cannot be edited as it stands.
    """
    text = before.text.removeprefix(_BOM)
    parse_taxonomy(text, source)
    # a file whose last line is not ended would go on in it
    text += "" if text.endswith("\n") else "\n"
    crlf = 0 < text.count("\n") == text.count("\r\n")
    plain = text.replace("\r\n", "\n") if crlf else text
    try:
        document = tomlkit.parse(plain)
        kept = tomlkit.dumps(document) == plain
    except TOMLKitError:
        kept = False
    if not kept:
        raise TaxonomyError(f"{source} 的写法不能在网页上修改,请直接修改文件。")
    edit(document)
    new = tomlkit.dumps(document)
    if not _says_so(new, document):
        raise TaxonomyError(f"{source} 的写法不能在网页上作这项修改,请直接修改文件。")
    try:
        taxonomy = parse_taxonomy(new, source)
    except TaxonomyError as error:
        raise InputError(error.message) from None
    if crlf:
        new = new.replace("\n", "\r\n")
    if before.text.startswith(_BOM):
        new = _BOM + new
    return OfficeText(new.encode(), new), taxonomy


def _says_so(text: str, document: tomlkit.TOMLDocument) -> bool:
    """Whether the text says what was meant, to a reader that had no part in writing it."""
    try:
        return bool(tomllib.loads(text) == document.unwrap())
    except tomllib.TOMLDecodeError:
        return False


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """One writer at a time, of all threads and processes that change the file through here."""
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until it is closed
        yield


def check_unchanged(now: OfficeText, seen: str, seen_text: str | None) -> None:
    """Raises Conflict where the file is not what the form was made from.

    Args:
        seen: SHA-256 of the file then; seen_text: what it said then, where that is known.
    """
    if now.sha256 == seen:
        return
    lines = difference(seen_text, now.text) if seen_text is not None else []
    raise Conflict("您打开本页后,分类文件被改动过,没有保存。请核对现在的内容后再保存。", differs=lines)


def difference(before: str, after: str) -> list[str]:
    """Lines taken out (-) and put in (+), with one line around each place."""
    found = difflib.unified_diff(
        before.removeprefix(_BOM).splitlines(), after.removeprefix(_BOM).splitlines(), lineterm="", n=1
    )
    return [line for line in found if not line.startswith(("---", "+++"))]


def write_office(path: Path, content: bytes) -> None:
    """Replace the file whole, keeping the one before beside it; OSError where that fails."""
    path = path.resolve()  # a link stays one
    _replace(path.with_name(path.name + BEFORE), path.read_bytes(), path)
    _replace(path, content, path)


def _replace(path: Path, content: bytes, like: Path) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), like.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def add_entry(document: tomlkit.TOMLDocument, table: str, values: Mapping[str, Value]) -> None:
    """A new [[table]] entry behind those that are there; empty values are left out."""
    there = document.get(table)
    inline = there is not None and not isinstance(there, AoT)
    entry: Table | InlineTable = tomlkit.inline_table() if inline else tomlkit.table()
    for key, value in values.items():
        if _says(value):
            entry.add(key, _item(value))
    if there is None:
        made = tomlkit.aot()
        made.append(entry)
        document.append(table, made)
        return
    if isinstance(there, AoT) and len(there):
        # what stands before the next part's header belongs to that part
        tail = _take_tail(there[-1])
        there[-1].add(tomlkit.nl())
        there.append(entry)
        _put_tail(there[-1], tail)
        return
    there.append(entry)


def change_entry(entry: Table, values: Mapping[str, Value]) -> None:
    """Set keys of one table; a key whose value says nothing goes, one that stays the same is not touched."""
    for key, value in values.items():
        if key in entry:
            if not _says(value) and value is not False:
                del entry[key]
            elif isinstance(entry[key], Array) and not isinstance(value, str | bool):
                _change_list(entry, key, list(value))
            elif entry[key] != value:
                entry[key] = _item(value)
        elif _says(value) or value is False:
            tail = _take_tail(entry)
            entry.add(key, _item(value))
            _put_tail(entry, tail)


def find_entry(document: tomlkit.TOMLDocument, table: str, key: str, value: str) -> Table:
    """Raises InputError where the table has no such entry."""
    for entry in document.get(table, []):
        if entry.get(key, "").strip() == value:
            found: Table = entry
            return found
    raise InputError(f"分类文件里没有“{value}”。")


def part_of(document: tomlkit.TOMLDocument, table: str) -> Table:
    """The [table], made at the end of the file where it is not there."""
    if table not in document:
        document.append(table, tomlkit.table())
    found: Table = document[table]
    return found


def _says(value: Value) -> bool:
    return bool(value)


def _item(value: Value) -> Any:
    return tomlkit.item(value if isinstance(value, str | bool) else list(value))


def _change_list(entry: Table, key: str, wanted: list[str]) -> None:
    """Take out and add single items, so that the others keep their lines and comments."""
    there: Array = entry[key]
    kept = [one for one in there.unwrap() if one in wanted]
    if kept != wanted[: len(kept)] or len(set(wanted)) < len(wanted):
        entry[key] = _item(wanted)
        return
    for one in [one for one in there.unwrap() if one not in wanted]:
        there.remove(one)
    for one in wanted[len(kept) :]:
        there.append(one)


def _take_tail(entry: Any) -> list[Any]:
    """Blank and comment lines at the end of a table, taken off."""
    tail: list[Any] = []
    body = entry.value.body if isinstance(entry, Table) else []
    while body and body[-1][0] is None and isinstance(body[-1][1], Whitespace | Comment):
        tail.append(body.pop()[1])
    return tail[::-1]


def _put_tail(entry: Any, tail: list[Any]) -> None:
    if isinstance(entry, Table):
        entry.value.body.extend((None, one) for one in tail)
