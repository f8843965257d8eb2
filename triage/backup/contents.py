"""What a backup says of itself: the list that stands at its end, and the names that may be in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from triage.errors import InputError
from triage.taxonomy import TARGETS

FORMAT = 1
LIST = "manifest.json"
SQLITE_FILE = "ledger.sqlite3"
TABLES = "ledger/"
OFFICE = "office.toml"
KEY = "signing.key"
MODELS = "models/"
_TARGET = f"(?:{'|'.join(TARGETS)})"
_SPOKEN = "[a-z][a-z0-9_]{0,62}"  # a table's or a column's name
_MEMBER = re.compile(
    rf"{re.escape(SQLITE_FILE)}|{TABLES}{_SPOKEN}/\d{{5,9}}|{re.escape(OFFICE)}|{re.escape(KEY)}"
    rf"|{MODELS}{_TARGET}/(?:champion|\d{{8}}-\d{{6}}-[0-9a-f]{{6}}/(?:model\.joblib|manifest\.(?:json|sig)))"
)
_SHAPES = {
    "program": re.compile(r"[\w.+-]{1,40}"),
    "revision": re.compile(r"\w{1,40}"),
    "database": re.compile("sqlite|postgresql"),
    "anchor": re.compile(r"0:|\d{1,18}:[0-9a-f]{64}"),
    "sha256": re.compile("[0-9a-f]{64}"),
}


@dataclass(frozen=True)
class Member:
    """One file inside: its name, size in bytes, and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Contents:
    """The list of one backup.

    Attributes:
        created_at: when the ledger was as the backup has it; ISO 8601, UTC.
        program: version of the program that wrote it.
        database: sqlite, as one file, or postgresql, as parts of its tables.
        revision: of the ledger's schema.
        tables: of PostgreSQL, referenced ones first: name to columns, in the order of the parts.
        rows: table to how many.
        anchor: the end of the chain, as ``triage verify`` prints it.
        left_out: Chinese sentences about what should be here and is not.
    """

    created_at: str
    program: str
    database: str
    revision: str
    tables: Mapping[str, Sequence[str]]
    rows: Mapping[str, int]
    anchor: str
    left_out: Sequence[str]
    members: Sequence[Member]

    @property
    def created(self) -> datetime:
        return datetime.fromisoformat(self.created_at)

    @property
    def size(self) -> int:
        """Bytes of everything in it, unpacked."""
        return sum(member.size for member in self.members)

    @property
    def has_office(self) -> bool:
        return any(member.name == OFFICE for member in self.members)

    def models(self) -> dict[str, int]:
        """Target to how many versions."""
        return dict(Counter(m.name.split("/")[1] for m in self.members if m.name.endswith("/model.joblib")))

    def to_bytes(self) -> bytes:
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> Contents:
        """Raises InputError where it is no such list, or a later program's; nothing in it is trusted."""
        try:
            given = json.loads(content)
            if given.pop("format") > FORMAT:
                raise InputError("备份由更新的程序写出,本程序读不懂,请用不旧于它的程序恢复。")
            members = [Member(**one) for one in given.pop("members")]
            contents = cls(**given, members=members)
            sound = _is_sound(contents)
        except (ValueError, TypeError, KeyError, AttributeError):
            sound = False
        if not sound:
            raise InputError("备份里的清单读不懂。")
        return contents


def may_stand(name: str) -> bool:
    """Whether a backup may hold a file of that name; nothing else is ever looked at."""
    return _MEMBER.fullmatch(name) is not None


def _is_sound(contents: Contents) -> bool:
    def shaped(kind: str, value: Any) -> bool:
        return isinstance(value, str) and _SHAPES[kind].fullmatch(value) is not None

    def named(value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(_SPOKEN, value) is not None

    names = [member.name for member in contents.members]
    return (
        all(shaped(kind, getattr(contents, kind)) for kind in ("program", "revision", "database", "anchor"))
        and contents.created.tzinfo is not None
        and all(may_stand(m.name) and m.size >= 0 and shaped("sha256", m.sha256) for m in contents.members)
        and len(set(names)) == len(names)
        and (SQLITE_FILE in names) == (contents.database == "sqlite")
        and all(named(n) and columns and all(map(named, columns)) for n, columns in contents.tables.items())
        and {n.split("/")[1] for n in names if n.startswith(TABLES)} <= set(contents.tables)
        and all(named(name) and isinstance(count, int) for name, count in contents.rows.items())
        and {"case", "event", "original"} <= set(contents.rows)
        and all(isinstance(sentence, str) for sentence in contents.left_out)
    )
