"""What a document consists of, whatever its format: lines and tables, in reading order."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One paragraph outside of tables, without line end; never empty."""

    text: str


@dataclass(frozen=True)
class Cell:
    """One cell of a table; its paragraphs are joined by newlines.

    Attributes:
        column: where it begins, counted in the table's finest columns from 0.
        width: how many of these it covers.
        continued: the lower part of a cell that began in a row above; its text is empty.
    """

    text: str
    column: int
    width: int = 1
    continued: bool = False


@dataclass(frozen=True)
class Table:
    """Rows from top to bottom, each with its cells from left to right."""

    rows: tuple[tuple[Cell, ...], ...]


Block = Line | Table


@dataclass(frozen=True)
class Document:
    """A document as it was read.

    Attributes:
        notes: sentences for the person who handed it in: what was left out, what to check.
    """

    blocks: tuple[Block, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``from_dict`` is the way back."""
        return {"blocks": [asdict(block) for block in self.blocks], "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Document:
        blocks: list[Block] = [
            Line(block["text"])
            if "text" in block
            else Table(tuple(tuple(Cell(**cell) for cell in row) for row in block["rows"]))
            for block in content["blocks"]
        ]
        return cls(tuple(blocks), tuple(content["notes"]))
