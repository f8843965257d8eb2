"""What the intake page says of files that wait: their fields, what they may be already, what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.desk import Desk
from triage.documents.columns import COLUMN_NAMES
from triage.errors import InputError
from triage.ledger.audits import is_blind, shown_predictions
from triage.ledger.cases import get_case
from triage.ledger.decisions import settled
from triage.ledger.events import flags_of
from triage.ledger.file_tables import WaitingFileRow
from triage.ledger.intake import find_case
from triage.ledger.relations import relations_of
from triage.ledger.submissions import FIELD_NAMES
from triage.ledger.tables import CaseRow
from triage.ledger.waiting_files import cases_with_file
from triage.waiting import EXPECTED, fields_of, lacking, submission_of_fields

NAMES = {**FIELD_NAMES, "received_on": "收件日期", "role": "承办角色"}
SHOWN_IN_ORIGINAL = ("number", "session", "title", "deputy", "delegation", "phone", "proposed_unit")


def describe(row: WaitingFileRow, desk: Desk, session: Session) -> dict[str, Any]:
    """A waiting file with what a person must know of it."""
    if row.holds == "list":
        return {"row": row, "ready": False}
    fields = fields_of(row)
    known = known_as(row, fields, desk, session)
    lacks = [NAMES[name] for name in lacking(fields)]
    doubted = bool(row.read["notes"]) and not row.corrected  # a scan, say, that nobody looked at yet
    return {
        "row": row,
        "doubted": doubted,
        "fields": fields,
        "lacks": lacks,
        "missing": [NAMES[name] for name in EXPECTED if not fields[name]],
        "known": known,
        "ready": not (lacks or known or doubted),
    }


def known_as(
    row: WaitingFileRow, fields: Mapping[str, str], desk: Desk, session: Session
) -> list[tuple[str, CaseRow]]:
    """The cases that this document may be already, each with the sentence why."""
    found: list[tuple[str, CaseRow]] = []
    try:
        same = find_case(desk.check(submission_of_fields(fields, row), past=True), session=session)
    except InputError:
        same = None  # it says so when it is taken in
    if same is not None:
        found.append(("编号相同的一件已在台账" if fields["number"] else "同一件已在台账", same))
    for case_id in cases_with_file(row.sha256, session=session):
        if same is None or case_id != same.id:
            found.append(("同一份文件已登记过", get_case(case_id, session=session)))
    return found


def values_of(fields: Mapping[str, str]) -> dict[str, str]:
    """What was read, to be marked where it stands in the document."""
    people = fields["cosigners"].split("、")
    values = [*(fields[name] for name in SHOWN_IN_ORIGINAL), *people]
    return {value.lower(): "read" for value in values if len(value.strip()) > 1}


def sessions(session: Session) -> list[str]:
    """The sessions of the latest cases, to choose from."""
    newest = select(CaseRow.session).where(CaseRow.session != "").order_by(CaseRow.id.desc()).limit(500)
    return list(dict.fromkeys(session.scalars(newest)))[:8]


def told_of(case: CaseRow | None, session: Session) -> dict[str, Any]:
    """What the models and the ledger say of a case that was just taken in."""
    if case is None:
        return {"case": None}
    related = [r for r, _ in relations_of(case.id, session=session) if r.status != "dismissed"]
    return {
        "case": case,
        "predictions": shown_predictions(case),
        "blind": is_blind(case),
        "decisions": settled(case),
        "flags": flags_of(case),
        "related": related,
    }


def list_context(row: WaitingFileRow) -> dict[str, Any]:
    """How a list's columns are understood, and the fields to choose from for each."""
    sheets = [
        {
            "name": columns["sheet"],
            "headers": [
                *((header, name) for name, header in columns["used"].items()),
                *((header, "") for header in columns["unused"]),
            ],
        }
        for columns in row.read["columns"]
    ]
    first = row.read["columns"][0]["used"]
    shown = [name for name in first if any(line["fields"].get(name) for line in row.read["sample"])]
    return {"sheets": sheets, "column_names": COLUMN_NAMES, "shown": shown, "read": row.read}
