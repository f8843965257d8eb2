"""Which texts belong together, as people or writers said: the groups that are measured against."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.benchmark.data import DataFolder
from triage.documents.rows import Row, read_text
from triage.errors import InputError
from triage.related_file import read_cases

HELD_OUT = Path(__file__).parents[2] / "suggestion_titles" / "held_out.csv"
QUICK_STEP = 10  # in a trial run, of the texts without a group every tenth stays
Groups = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class Gold:
    """A pool of texts and the groups inside it.

    Attributes:
        rows: the pool, in the order of its file.
        groups: name of a group to the positions of its texts in the pool; a text stands in one group.
    """

    rows: list[Row]
    groups: Groups

    def partners(self) -> dict[int, set[int]]:
        """For each text in a group of two or more, the others of that group."""
        return {i: set(group) - {i} for group in self.groups.values() if len(group) > 1 for i in group}

    def pairs(self) -> set[tuple[int, int]]:
        """All pairs inside a group, the smaller position first."""
        return {
            pair for group in self.groups.values() for pair in itertools.combinations(sorted(set(group)), 2)
        }

    def fingerprint(self) -> str:
        """Changes with any text, date or group."""
        content = [[row.reference, *text_of(row), row.get("received_on")] for row in self.rows]
        groups = {name: list(group) for name, group in self.groups.items()}
        said = json.dumps([content, groups], ensure_ascii=False)
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def text_of(row: Row) -> tuple[str, str]:
    """Title and body."""
    return row.get("title"), row.get("body")


def messages(data: DataFolder, *groups: str, quick: bool = False) -> list[Gold]:
    """The citizens' messages, once with the groups of each file named.

    Args:
        groups: names of files in the folder, with columns group and id.
        quick: keep only the texts in a group and a tenth of the others.

    Raises:
        InputError: a file or a column is missing, or an id is unknown or in two groups of one file.
    """
    rows, bad = read_cases(data.file("messages.csv"))
    if bad:
        raise InputError(f"{data.path / 'messages.csv'} 第 {bad[0].line} 行读不了:{bad[0].reason}。")
    listed = [(data.file(name), _entries(data.file(name))) for name in groups]
    if quick:
        asked = {entry["id"] for _, entries in listed for entry in entries}
        rows = [row for i, row in enumerate(rows) if row.reference in asked or i % QUICK_STEP == 0]
    return [Gold(rows, _grouped(path, entries, rows)) for path, entries in listed]


def titles(path: Path) -> Gold:
    """Invented titles of suggestions; those without a group belong with none.

    Raises:
        InputError: the file or its column group is missing.
    """
    entries = [entry for entry in _entries(path) if entry["group"]]
    rows, _ = read_cases(path)
    return Gold(rows, _grouped(path, entries, rows))


def _entries(path: Path) -> list[dict[str, str]]:
    entries = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
    if not entries or not {"group", "id"} <= entries[0].keys():
        raise InputError(f"{path} 应有列:group、id,并且不能是空的。")
    return entries


def _grouped(path: Path, entries: Sequence[Mapping[str, str]], rows: Sequence[Row]) -> Groups:
    position = {row.reference: i for i, row in enumerate(rows)}
    groups: dict[str, list[int]] = defaultdict(list)
    seen: set[str] = set()
    for entry in entries:
        name = entry["id"].strip()
        if name not in position:
            raise InputError(f"{path} 中的 id“{name}”不在文本文件里。")
        if name in seen:
            raise InputError(f"{path} 中的 id“{name}”出现了两次。")
        seen.add(name)
        groups[entry["group"].strip()].append(position[name])
    return dict(groups)
