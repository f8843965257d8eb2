"""Very many suggestions, one after the other: out of a file of any size, or out of the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select

from triage.config import Settings
from triage.documents.columns import match_columns
from triage.documents.ledger_sheet import Aside, read_ledger
from triage.documents.reading import read_bytes, read_content
from triage.documents.rows import BadRow, Row, stream_csv, stream_text
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission, check_submission
from triage.ledger.tables import CaseRow
from triage.taxonomy import TARGETS

PAGE = 500  # cases that are fetched at a time


class Text(NamedTuple):
    """One suggestion.

    Attributes:
        place: where it stands: a line of the file, or its id in the ledger.
        reference: its own id or number; may be empty.
        recorded: target to the label that it has already.
        refused: why nothing can be said of it; empty where something can.
    """

    place: str
    reference: str
    title: str = ""
    body: str = ""
    recorded: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it
    refused: str = ""


def texts_of_file(path: Path, settings: Settings) -> Iterator[Text]:
    """The rows of a file: .csv and .jsonl of any size, others as far as they can be read whole.

    Raises:
        InputError: it cannot be read or holds no list of suggestions.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        rows: Iterable[Row | BadRow | Aside] = stream_csv(path)
    elif suffix == ".jsonl":
        rows = _json_lines(stream_text(path))
    else:
        content = read_content(read_bytes(path), path.name)
        if content.document is not None:
            raise InputError(f"{path.name} 是一份文稿,不是清单。一件一件的请用收件(triage intake)。")
        rows = read_ledger(content).rows
    return (_text(row, settings) for row in rows if not isinstance(row, Aside))


def texts_of_ledger(ledger: Ledger) -> Iterator[Text]:
    """All cases of the ledger, by id, with the labels that count now."""
    columns = CaseRow.id, CaseRow.number, CaseRow.title, CaseRow.body, *(getattr(CaseRow, t) for t in TARGETS)
    last = 0
    while True:
        with ledger.read() as session:  # a short one: it must not hold back who writes
            page = session.execute(
                select(*columns).where(CaseRow.id > last).order_by(CaseRow.id).limit(PAGE)
            ).all()
        for case_id, number, title, body, *labels in page:
            recorded = {t: label for t, label in zip(TARGETS, labels, strict=True) if label}
            yield Text(str(case_id), number or "", title, body, recorded)
        if len(page) < PAGE:
            return
        last = page[-1][0]


def _json_lines(lines: Iterable[str]) -> Iterator[Row | BadRow]:
    for at, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record: Any = json.loads(line)
        except ValueError:
            yield BadRow(at, "不是有效的 JSON")
            continue
        if not isinstance(record, dict):
            yield BadRow(at, '应为一个对象,如 {"标题": …, "正文": …}')
            continue
        values = list(record.values())
        fields = match_columns([str(name) for name in record])
        yield Row(at, {f: "" if values[i] is None else str(values[i]) for i, f in fields.items()})


def _text(row: Row | BadRow, settings: Settings) -> Text:
    if isinstance(row, BadRow):
        place = f"工作表“{row.sheet}”第 {row.line} 行" if row.sheet else f"第 {row.line} 行"
        return Text(place, "", refused=row.reason)
    try:
        found = check_submission(
            Submission(row.get("title"), row.get("body")),
            max_title_chars=settings.max_title_chars,
            max_body_chars=settings.max_body_chars,
            past=True,
        )
    except InputError as error:
        return Text(row.place, row.reference, refused=error.message)
    recorded = {t: row.get(t) for t in TARGETS if row.get(t)}
    return Text(row.place, row.reference, found.title, found.body, recorded)
