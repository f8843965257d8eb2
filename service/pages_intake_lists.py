"""The pages on lists and past ledgers: their columns, and the batch that takes their rows in."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import PurePath
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from service.api import TheDesk
from service.api_files import MEDIA_TYPES, attachment
from service.pages import render
from service.pages_intake import show_waiting
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from triage.batch_runner import BatchRunner, mapping_of_batch
from triage.bulk import Handed
from triage.bulk_report import BulkReport
from triage.desk import Desk
from triage.documents.columns import COLUMN_NAMES
from triage.documents.ledger_sheet import read_ledger
from triage.documents.rows import BadRow, Row
from triage.errors import Conflict, InputError
from triage.exports.ledger_file import harmless
from triage.ledger.batches import KIND_NAMES, STATE_NAMES, add_batch, get_batch, resume_batch, stop_batch
from triage.ledger.file_tables import BatchRow, WaitingFileRow
from triage.ledger.files import get_original
from triage.ledger.submissions import LIMITS
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_past, check_text
from triage.ledger.waiting_files import correct_waiting, end_started, get_waiting, read_again
from triage.waiting import mapping_of, problem_of, read_list, told_columns

SHOWN = 100  # lines of a report; the file of refused rows has all
SHOWN_CASES = 12
PLACE, REASON = "原来的位置", "没有登记的原因"

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)

Text = Annotated[str, Form()]


async def _chosen(request: Request) -> dict[str, str]:
    """Header to the field that a person chose for it."""
    form = await request.form()
    headers, fields = form.getlist("header"), form.getlist("field")
    return {str(h): str(f) for h, f in zip(headers, fields, strict=False) if f in COLUMN_NAMES or not f}


Chosen = Annotated[dict[str, str], Depends(_chosen)]
Version = Annotated[int, Form()]


@router.post("/intake/{waiting_id}/columns")
def set_columns(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    waiting_id: int,
    version: Version,
    chosen: Chosen,
    kind: Text = "",
    session: Text = "",
    closed: Text = "",
    received: Text = "",
) -> Response:
    try:
        _understand(desk, person.name, waiting_id, version, chosen, kind, session, closed, received)
    except (InputError, Conflict) as error:
        return show_waiting(request, desk, waiting_id, status=STATUS[error.code], error=error.message)
    return RedirectResponse(f"/intake/{waiting_id}", status_code=303)


@router.post("/intake/{waiting_id}/start")
def start(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    waiting_id: int,
    version: Version,
    chosen: Chosen,
    kind: Text = "",
    session: Text = "",
    closed: Text = "",
    received: Text = "",
) -> Response:
    try:
        row = _understand(desk, person.name, waiting_id, version, chosen, kind, session, closed, received)
        if row.read["problem"]:
            raise InputError(row.read["problem"])
        mapping, today = mapping_of(row.corrected), date.today().isoformat()
        options = {
            "session": row.corrected["session"],
            "columns": dict(mapping.columns),
            "left": list(mapping.left),
            "closed": row.corrected["closed"],
            # today is what the ledger writes by itself: the same list stays the same cases
            "received": row.corrected["received"] if row.corrected["received"] != today else "",
        }
        with desk.ledger.write() as ledger:
            batch = add_batch(row.kind, row.sha256, row.name, options, who=person.name, session=ledger)
            end_started(row.id, batch.id, who=person.name, session=ledger)
            batch_id = batch.id
    except (InputError, Conflict) as error:
        return show_waiting(request, desk, waiting_id, status=STATUS[error.code], error=error.message)
    _runner(request).wake()
    return RedirectResponse(f"/intake/batches/{batch_id}", status_code=303)


def _understand(
    desk: Desk,
    who: str,
    waiting_id: int,
    version: int,
    chosen: dict[str, str],
    kind: str,
    name: str,
    closed: str,
    received: str,
) -> WaitingFileRow:
    """The list read as the person says, and kept so.

    Args:
        name: of the session that stands in where a row names none; received: the day, likewise.

    Raises:
        InputError: two columns for one field, or a column that is not there. Conflict: somebody was first.
    """
    name = check_text(name, LIMITS["session"], field="session", name="届次")
    day = check_past(Row(1, {"received_on": received}).date("received_on"), field="received", name="收件日期")
    with desk.ledger.read() as session:
        row = get_waiting(waiting_id, session=session)
        raw = get_original(row.sha256, session=session).content
    kind = kind if kind in KIND_NAMES else row.kind
    corrected = told_columns(row.read["columns"], row.corrected, chosen)
    if mapping_of(corrected) == mapping_of(row.corrected):
        read = row.read | {"problem": problem_of(kind, row.read)}
    else:
        read = read_list(Handed.read(raw, row.name), mapping_of(corrected), kind)
    corrected |= {"session": name, "closed": bool(closed) and kind == "import", "received": day.isoformat()}

    with desk.ledger.write() as session:
        correct_waiting(waiting_id, corrected, seen_version=version, who=who, session=session)
        return read_again(waiting_id, kind, read, who=who, session=session)


@router.get("/intake/batches/{batch_id}")
def batch_page(request: Request, desk: TheDesk, batch_id: int) -> Response:
    return _show_batch(request, desk, batch_id)


@router.get("/intake/batches/{batch_id}/progress")
def batch_progress(request: Request, desk: TheDesk, batch_id: int) -> Response:
    return _show_batch(request, desk, batch_id, template="intake_progress.html")


def _show_batch(
    request: Request,
    desk: Desk,
    batch_id: int,
    *,
    template: str = "intake_batch.html",
    status: int = 200,
    error: str = "",
) -> Response:
    with desk.ledger.read() as session:
        row = get_batch(batch_id, session=session)
        report = BulkReport.from_dict(row.report)
        first = session.scalars(
            select(CaseRow).where(CaseRow.id.in_(report.created[:SHOWN_CASES])).order_by(CaseRow.id)
        ).all()
        return render(
            request,
            desk,
            template,
            status=status,
            row=row,
            report=report,
            first=first,
            shown=SHOWN,
            moving=row.state in ("waiting", "running"),
            kind_of=KIND_NAMES[row.kind],
            batch_states=STATE_NAMES,
            column_names=COLUMN_NAMES,
            error=error,
        )


@router.post("/intake/batches/{batch_id}/stop")
def stop(request: Request, desk: TheDesk, batch_id: int) -> Response:
    return _act(request, desk, batch_id, stop_batch)


@router.post("/intake/batches/{batch_id}/resume")
def resume(request: Request, desk: TheDesk, batch_id: int) -> Response:
    return _act(request, desk, batch_id, resume_batch)


def _act(request: Request, desk: Desk, batch_id: int, act: Callable[..., BatchRow]) -> Response:
    try:
        with desk.ledger.write() as session:
            act(batch_id, session=session)
    except Conflict as error:  # it was over before the button was pressed
        return _show_batch(request, desk, batch_id, status=409, error=error.message)
    _runner(request).wake()
    return RedirectResponse(f"/intake/batches/{batch_id}", status_code=303)


@router.get("/intake/batches/{batch_id}/refused.csv")
def refused_rows(desk: TheDesk, batch_id: int) -> Response:
    """The rows that could not be taken, under the ledger's own column names, to be mended and handed in again."""
    with desk.ledger.read() as session:
        row = get_batch(batch_id, session=session)
        raw = get_original(row.sha256, session=session).content
    refused = BulkReport.from_dict(row.report).refused
    rows: dict[tuple[str, int], Row] = {}
    if refused:
        ledger = read_ledger(Handed.read(raw, row.name).content, mapping_of_batch(row.options))
        rows = {(r.sheet, r.line): r for r in ledger.rows if isinstance(r, Row)}
    text = _as_csv(refused, rows)
    return Response(
        text.encode("utf-8-sig"),
        media_type=MEDIA_TYPES["csv"],
        headers=attachment(f"未能登记的行-{PurePath(row.name).stem}.csv"),
    )


def _as_csv(refused: Iterable[BadRow], rows: Mapping[tuple[str, int], Row]) -> str:
    used = {name for row in rows.values() for name in row.fields}
    fields = [name for name in COLUMN_NAMES if name in used]
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([*(COLUMN_NAMES[name] for name in fields), PLACE, REASON])
    for bad in refused:
        row = rows.get((bad.sheet, bad.line))
        cells = [row.fields.get(name, "") if row else "" for name in fields]
        place = f"{bad.sheet} 第 {bad.line} 行 {bad.cell}".strip()
        writer.writerow([harmless(cell) for cell in (*cells, place, bad.reason)])
    return file.getvalue()


def _runner(request: Request) -> BatchRunner:
    runner: BatchRunner = request.app.state.batches
    return runner
