"""The day that a document itself bears (提出日期), which is not the day on which it was received."""

from __future__ import annotations

import re
from collections.abc import Iterator

from triage.documents.blocks import Document, Line
from triage.documents.fields import read_date
from triage.documents.form_headings import DAY_ONLY
from triage.documents.labels import half_width

_LABEL = r"(?:(?:提出|提交|填表|填写|撰写)(?:日期|时间)|日期|年月日)"
_LABELLED = re.compile(
    rf"(?:^|\s){_LABEL}\s*:?\s*(\d{{4}}\s*[-/.年]\s*\d{{1,2}}\s*[-/.月]\s*\d{{1,2}}\s*日?)"
)
_ONLY_LABEL = re.compile(rf"{_LABEL}:?")


def dated_on(document: Document) -> str:
    """YYYY-MM-DD behind such a label, else of the last line that is nothing but a day; else empty."""
    alone = ""
    for text in _texts(document):
        labelled = _LABELLED.search(text)
        if labelled and (day := _day(labelled[1])):
            return day
        if DAY_ONLY.fullmatch(text.strip()):
            alone = _day(text.strip().strip("()")) or alone
    return alone


def _texts(document: Document) -> Iterator[str]:
    """Line by line; a cell that is only a label together with its neighbour."""
    for block in document.blocks:
        if isinstance(block, Line):
            yield half_width(block.text)
            continue
        for row in block.rows:
            before = ""
            for cell in row:
                lines = [half_width(line) for line in cell.text.splitlines()]
                label = _ONLY_LABEL.fullmatch(re.sub(r"\s", "", before)) is not None
                yield from ([f"日期:{lines[0]}", *lines[1:]] if label and lines else lines)
                before = lines[0] if len(lines) == 1 else ""


def _day(text: str) -> str:
    try:
        day = read_date(text)
    except ValueError:
        return ""
    return day.isoformat() if day else ""
