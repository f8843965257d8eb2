"""What became of a file that was taken in, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from triage.desk import Receipt
from triage.documents.ledger_sheet import Aside
from triage.documents.rows import BadRow, Row


@dataclass(frozen=True)
class Taken:
    """A row that is in the ledger.

    Attributes:
        created: False where the case was there already.
        differs: True where it came again with other content (kept as an event).
    """

    line: int
    case_id: int
    created: bool
    differs: bool = False
    sheet: str = ""


@dataclass
class BulkReport:
    """What became of each row of a file.

    Attributes:
        taken: rows that are in the ledger now, one by one.
        refused: lines that could not be taken, with cell and reason.
        asides: rows that are none of the ledger's: totals, remarks.
        kept: what stands in the original only, since nobody could tell what it means.
        columns: sheet by sheet, our columns and the headers taken for them; unused: the others.
        fields, missing, leftover: of a document that holds one suggestion.
        notes: sentences on the file as a whole.
    """

    taken: list[Taken] = field(default_factory=list)
    refused: list[BadRow] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    columns: list[dict[str, Any]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    leftover: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def created(self) -> list[int]:
        """Cases new in the ledger."""
        return [t.case_id for t in self.taken if t.created]

    @property
    def known(self) -> int:
        """Rows that were there already."""
        return sum(not t.created for t in self.taken)

    @property
    def differing(self) -> list[int]:
        """Lines that came again with other content."""
        return [t.line for t in self.taken if t.differs]

    def add(self, row: Row, receipt: Receipt) -> None:
        """Count what became of one row."""
        self.taken.append(Taken(row.line, receipt.case_id, receipt.created, receipt.differs, row.sheet))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``from_dict`` is the way back."""
        return {
            "created": len(self.created),
            "known": self.known,
            "case_ids": self.created,
            "differing_lines": self.differing,
            **asdict(self),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> BulkReport:
        kinds: dict[str, Any] = {"taken": Taken, "refused": BadRow, "asides": Aside}
        made = {name: [kind(**item) for item in content.get(name, ())] for name, kind in kinds.items()}
        plain = ("kept", "columns", "missing", "leftover", "notes")
        return cls(**made, **{n: list(content.get(n, ())) for n in plain}, fields=content.get("fields", {}))
