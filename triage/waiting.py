"""What was read of a file that waits for a person, as the ledger keeps it (JSON) until it is taken in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from triage.bulk import Handed
from triage.documents.blocks import Document, Line
from triage.documents.columns import ColumnMap
from triage.documents.dated import dated_on
from triage.documents.form import read_form
from triage.documents.ledger_sheet import Aside, Columns, LedgerSheet, read_ledger
from triage.documents.rows import BadRow, Row
from triage.errors import InputError
from triage.ledger.file_tables import WaitingFileRow
from triage.ledger.submissions import Submission
from triage.ledger.texts import check_past
from triage.sheet_records import submission_of

SAMPLE = 8  # rows that are shown before a list is taken in
CELL_CHARS = 120
TOLD = 50  # rows that cannot be read; the report names all
TEXT_CHARS = 100_000
FIELDS = (
    *("number", "session", "kind", "title", "deputy", "delegation", "phone", "received_on"),
    *("cosigners", "body", "proposed_unit", "role", "lead_unit"),
)
REQUIRED = ("title", "body")
EXPECTED = ("number", "session", "kind", "deputy", "delegation")  # what nearly every form has
NO_HEADER = "没有认出标题或正文一栏。请在下面指明表里的哪一列是标题、哪一列是正文。"
NO_ROWS = "表头下面没有可以登记的行。"
NO_BODY = "没有“正文”一列,不能作为新收的建议提案登记。请在下面指明哪一列是正文;只有标题的往年台账,请改选“以前的台账”。"
NO_LEDGER = "这是一份文稿,不是台账,按一件新收的建议提案核对。"


def read_handed(handed: Handed, kind: str) -> tuple[str, str, dict[str, Any]]:
    """What the file is handed in as, whether it holds one suggestion or a list, and what was read of it.

    Raises:
        InputError: neither can be read in it.
    """
    if handed.content.document is None:
        return kind, "list", read_list(handed, ColumnMap(), kind)
    read = _read_document(handed.content.document)
    notes = [*handed.content.notes, *(n for n in read["notes"] if n not in handed.content.notes)]
    return "intake", "document", read | {"notes": [*([NO_LEDGER] if kind == "import" else []), *notes]}


def _read_document(document: Document) -> dict[str, Any]:
    form = read_form(document)
    return {
        "fields": dict(form.fields),
        "leftover": list(form.leftover),
        "notes": list(form.notes),
        "dated_on": dated_on(document),
        "text": "\n".join(_lines(document))[:TEXT_CHARS],
    }


def _lines(document: Document) -> Iterator[str]:
    """The text as it stands in the document, a row of a table on a line."""
    for block in document.blocks:
        if isinstance(block, Line):
            yield block.text
        else:
            yield from ("  ".join(c.text for c in row if c.text.strip()) for row in block.rows)


def read_list(handed: Handed, mapping: ColumnMap, kind: str) -> dict[str, Any]:
    """How its columns are understood, the first rows, and what cannot be read; or why no header is found.

    Raises:
        InputError: there is nothing in it that could be a header.
    """
    try:
        ledger = read_ledger(handed.content, mapping)
    except InputError as error:
        headers = error.detail.get("headers")
        if not isinstance(headers, list) or not headers:
            raise
        columns = Columns("", {}, tuple(headers))
        ledger = LedgerSheet([], [columns], handed.content.notes)
        rows = handed.content.sheets[0].rows[:SAMPLE] if handed.content.sheets else []
        return _told(ledger, kind) | {"raw": [[_cut(cell) for cell in row] for row in rows]}
    return _told(ledger, kind)


def _told(ledger: LedgerSheet, kind: str) -> dict[str, Any]:
    rows = [row for row in ledger.rows if isinstance(row, Row)]
    refused = [asdict(row) for row in ledger.rows if isinstance(row, BadRow)]
    asides = [asdict(row) for row in ledger.rows if isinstance(row, Aside)]
    read = {
        "rows": len(rows),
        "columns": [asdict(c) | {"unused": list(c.unused)} for c in ledger.columns],
        "sample": [{"place": row.place, "fields": _short(row.fields)} for row in rows[:SAMPLE]],
        "refused": refused[:TOLD],
        "asides": asides[:TOLD],
        "notes": list(ledger.notes),
    }
    return read | {"problem": problem_of(kind, read)}


def problem_of(kind: str, read: Mapping[str, Any]) -> str:
    """Why a list that was read so cannot be taken in as ``kind``; empty where it can."""
    if not any(columns["used"] for columns in read["columns"]):
        return NO_HEADER
    if not read["rows"]:
        return NO_ROWS
    if kind == "intake" and not any("body" in columns["used"] for columns in read["columns"]):
        return NO_BODY
    return ""


def _short(fields: Mapping[str, str]) -> dict[str, str]:
    return {name: _cut(text) for name, text in fields.items()}


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text[:CELL_CHARS] + ("…" if len(text) > CELL_CHARS else "")


def fields_of(row: WaitingFileRow) -> dict[str, str]:
    """The fields of a document as corrected so far, received on the day on which it was handed in."""
    read = row.read["fields"]
    fields = {name: str(row.corrected.get(name, read.get(name, ""))) for name in FIELDS}
    return fields | {"received_on": fields["received_on"] or handed_in_on(row).isoformat()}


def handed_in_on(row: WaitingFileRow) -> date:
    """The day here on which the file came."""
    return row.created_at.astimezone().date()


def submission_of_fields(fields: Mapping[str, str], row: WaitingFileRow) -> Submission:
    """The submission that these fields make.

    Raises:
        InputError: a day that is none, or that is still to come.
    """
    submission = submission_of(Row(1, fields), "")
    day = check_past(submission.received_on, field="received_on", name="收件日期")
    # today is what the ledger writes by itself: told or not, the same document stays the same case
    told = day != date.today() or row.read["fields"].get("received_on")
    return replace(submission, received_on=day if told else None)


def lacking(fields: Mapping[str, str]) -> list[str]:
    """The fields without which a document is not taken in, and that are empty."""
    return [name for name in REQUIRED if not fields[name].strip()]


def mapping_of(corrected: Mapping[str, Any]) -> ColumnMap:
    """What a person said of a list's columns so far."""
    return ColumnMap(corrected.get("columns", {}), {}, tuple(corrected.get("left", ())))


def told_columns(
    columns: Sequence[Mapping[str, Any]], corrected: Mapping[str, Any], chosen: Mapping[str, str]
) -> dict[str, Any]:
    """``corrected`` with what a person now says of each header: a field, or nothing.

    Only what differs from how the header is understood already counts as said.
    """
    understood = {header: name for c in columns for name, header in c["used"].items()}
    own, left = dict(corrected.get("columns", {})), list(corrected.get("left", ()))
    for header, name in chosen.items():
        if name == understood.get(header, ""):
            continue
        own = {n: h for n, h in own.items() if h != header}
        left = [h for h in left if h != header]
        if name:
            own[name] = header
        else:
            left.append(header)
    return {**corrected, "columns": own, "left": left}
