"""Counting which fields of suggestion forms were read right, wrong, not at all, or where none stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from form_layouts import FIELDS, Layout

from triage.documents.blocks import Document
from triage.documents.form import read_form
from triage.documents.kinds import decode
from triage.documents.old_word import read_doc
from triage.documents.pdf import read_pdf
from triage.documents.text_file import read_text
from triage.documents.word import read_docx


@dataclass
class Score:
    """How many fields came out how, over some files.

    Attributes:
        rows: a file's name and layout, with its own counts.
        notes: one line for each field that is not right.
    """

    right: int = 0
    wrong: int = 0
    missing: int = 0
    invented: int = 0
    rows: list[tuple[str, Score]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of the fields that stand on the forms, how many were read right."""
        return self.right / max(self.right + self.wrong + self.missing, 1)

    def add(self, name: str, other: Score) -> None:
        self.right += other.right
        self.wrong += other.wrong
        self.missing += other.missing
        self.invented += other.invented
        self.rows.append((name, other))
        self.notes += [f"{name}: {note}" for note in other.notes]

    def __str__(self) -> str:
        lines = ["right wrong missing invented"]
        for name, score in [*self.rows, (f"all, {self.share:.1%} right", self)]:
            counts = f"{score.right:5} {score.wrong:5} {score.missing:7} {score.invented:8}"
            lines.append(f"{counts}  {name}")
        return "\n".join([*lines, *self.notes])


def read(path: Path) -> Document:
    """The document, by the reader of its format."""
    if path.suffix == ".docx":
        return read_docx(path.read_bytes())
    if path.suffix == ".doc":
        return read_doc(path.read_bytes())
    if path.suffix == ".pdf":
        return read_pdf(path.read_bytes())
    return read_text(decode(path.read_bytes()))


def _same(name: str, one: str, other: str) -> bool:
    if name in ("title", "body"):
        return "".join(one.split()) == "".join(other.split())
    return one == other


def count(truth: Mapping[str, str], found: Mapping[str, str]) -> Score:
    """How what was found in one file compares with what stands in it."""
    score = Score()
    for name in FIELDS:
        due, got = truth.get(name, ""), found.get(name, "")
        if not due and not got:
            continue
        if due and _same(name, due, got):
            score.right += 1
            continue
        if not due:
            score.invented += 1
        elif got:
            score.wrong += 1
        else:
            score.missing += 1
        score.notes.append(f"{name} should be {due!r}, is {got!r}")
    return score


def score(files: Iterable[tuple[Layout, Path]]) -> Score:
    """All the files' counts; printed, a line for each."""
    total = Score()
    for layout, path in files:
        total.add(f"{path.name} {layout.name}", count(layout.truth, read_form(read(path)).fields))
    return total
