"""Forms of many offices, read field by field and counted against what stands on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from form_layouts import FIELDS, Layout, make_all

from triage.documents.blocks import Document, Line
from triage.documents.form import read_form
from triage.documents.word import read_docx

Made = list[tuple[Layout, Path]]


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
        from triage.documents.old_word import read_doc

        return read_doc(path.read_bytes())
    if path.suffix == ".pdf":
        from triage.documents.pdf import read_pdf

        return read_pdf(path.read_bytes())
    return Document(tuple(Line(line.strip()) for line in _text(path).splitlines() if line.strip()))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030")


def _same(name: str, one: str, other: str) -> bool:
    if name in ("title", "body"):
        return "".join(one.split()) == "".join(other.split())
    return one == other


def score_one(truth: dict[str, str], path: Path) -> Score:
    """One file's counts."""
    found = read_form(read(path)).fields
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
        total.add(f"{path.name} {layout.name}", score_one(layout.truth, path))
    return total


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Every layout in every format."""
    return make_all(tmp_path_factory.mktemp("forms"))


def _of(made: Made, *suffixes: str) -> Made:
    chosen = [(layout, path) for layout, path in made if path.suffix in suffixes]
    assert chosen
    return chosen


def test_truths_name_known_fields_and_no_blank(made: Made) -> None:
    for layout, _ in made:
        assert set(layout.truth) <= set(FIELDS)
        assert all(layout.truth.values())


def test_word_and_text_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".docx", ".txt"))
    print(result)
    assert result.share >= 0.98, str(result)
    assert result.invented == 0, str(result)


def test_old_word_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".doc"))
    print(result)
    assert result.share >= 0.95, str(result)
    assert result.invented == 0, str(result)


def test_pdf_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".pdf"))
    print(result)
    assert result.share >= 0.9, str(result)
    assert result.invented == 0, str(result)
