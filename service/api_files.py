"""The API on files: handed in, kept, read, taken in a batch at a time; and the ledger as a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Request, Response, UploadFile
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from starlette.background import BackgroundTask

from service.api import PROGRAM, TheDesk
from service.people import ThePerson
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas_files import BatchIn, BatchOut, FileOut
from service.schemas_search import CaseQuery
from triage.batch_runner import BatchRunner
from triage.bulk import Handed
from triage.documents.columns import COLUMN_NAMES
from triage.documents.reading import MAX_FILE_BYTES, base_name
from triage.errors import InputError
from triage.exports.ledger_file import export_ledger
from triage.ledger.batches import add_batch, get_batch, list_batches, resume_batch, stop_batch
from triage.ledger.files import get_original, keep_original, name_of
from triage.ledger.store import retried
from triage.ledger.texts import check_who


def a_file(*media_types: str) -> dict[str, Any]:
    """How an answer that is a file stands in the API's description."""
    return {name: {"schema": {"type": "string", "format": "binary"}} for name in media_types}


_ROWS = {"schema": {"type": "array", "items": {"type": "object"}}}


router = APIRouter(prefix="/api", route_class=RetryingRoute)
MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


def add_file(file: UploadFile, desk: TheDesk, who: Annotated[str, Form(max_length=100)] = PROGRAM) -> FileOut:
    who = check_who(who)
    raw = file.file.read(MAX_FILE_BYTES + 1)
    handed = Handed.read(raw, file.filename or "")
    told = FileOut.of(handed, "")  # what cannot be used is not kept either

    def keep() -> str:
        with desk.ledger.write() as session:
            return keep_original(handed.raw, handed.name, who=who, session=session)

    told.sha256 = retried(keep)
    return told


# an upload is read once, so the request as a whole cannot be tried again; its writing is
router.add_api_route(
    "/files",
    add_file,
    methods=["POST"],
    status_code=201,
    summary="交来文件:留存原件并读取,还不登记",
    responses=documented(413, 422),
    route_class_override=APIRoute,
)


@router.get(
    "/files/{sha256}",
    summary="取原件",
    response_class=Response,
    responses={200: {"content": a_file("application/octet-stream")}, **documented(404)},
)
def get_file(sha256: str, desk: TheDesk) -> Response:
    with desk.ledger.read() as session:
        content = get_original(sha256, session=session).content
        name = name_of(sha256, session=session) or sha256[:12]
    # never shown in the browser: what people hand in is not trusted
    return Response(content, media_type="application/octet-stream", headers=attachment(name))


def attachment(name: str) -> dict[str, str]:
    """The header that makes a browser save an answer under a Chinese name (RFC 5987, RFC 6266)."""
    return {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}


@router.post("/batches", status_code=202, summary="把留存的原件整批登记", responses=documented(404, 422))
def begin_batch(body: BatchIn, desk: TheDesk, request: Request) -> BatchOut:
    unknown = [name for name in (*body.columns, *body.values) if name not in COLUMN_NAMES]
    if unknown:
        raise InputError(f"没有“{unknown[0][:40]}”这一栏。可用:{'、'.join(COLUMN_NAMES)}。", field="columns")
    options = {"session": body.session, "columns": body.columns, "values": body.values, "closed": body.closed}
    with desk.ledger.write() as session:
        row = add_batch(body.kind, body.sha256, base_name(body.name), options, who=body.who, session=session)
        told = BatchOut.of(row)
    _runner(request).wake()
    return told


@router.get("/batches", summary="整批登记,新的在前")
def get_batches(desk: TheDesk) -> list[BatchOut]:
    with desk.ledger.read() as session:
        return [BatchOut.of(row) for row in list_batches(session=session)]


@router.get("/batches/{batch_id}", summary="一批的进展和结果", responses=documented(404))
def get_one_batch(batch_id: int, desk: TheDesk) -> BatchOut:
    with desk.ledger.read() as session:
        return BatchOut.of(get_batch(batch_id, session=session))


@router.post("/batches/{batch_id}/stop", summary="停下,已登记的保留", responses=documented(404, 409))
def stop_one_batch(batch_id: int, desk: TheDesk) -> BatchOut:
    with desk.ledger.write() as session:
        return BatchOut.of(stop_batch(batch_id, session=session))


@router.post("/batches/{batch_id}/resume", summary="接着做", responses=documented(404, 409))
def resume_one_batch(batch_id: int, desk: TheDesk, request: Request) -> BatchOut:
    with desk.ledger.write() as session:
        told = BatchOut.of(resume_batch(batch_id, session=session))
    _runner(request).wake()
    return told


def _runner(request: Request) -> BatchRunner:
    runner: BatchRunner = request.app.state.batches
    return runner


@router.get(
    "/ledger.{kind}",
    summary="台账导出为文件",
    response_class=Response,
    responses={
        200: {"content": {**a_file(MEDIA_TYPES["xlsx"], MEDIA_TYPES["csv"]), MEDIA_TYPES["json"]: _ROWS}},
        **documented(422),
    },
)
def get_ledger(
    kind: Literal["xlsx", "csv", "json"],
    desk: TheDesk,
    person: ThePerson,
    asked: Annotated[CaseQuery, Query()],
) -> FileResponse:
    handle, path = tempfile.mkstemp(suffix=f".{kind}")
    os.close(handle)
    try:
        with desk.ledger.read() as session:
            wanted = asked.wanted(desk.taxonomy, within=person.bound_to)
            export_ledger(Path(path), session=session, taxonomy=desk.taxonomy, wanted=wanted)
    except BaseException:
        os.unlink(path)
        raise
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[kind],
        headers=attachment(f"工作台账.{kind}"),
        background=BackgroundTask(os.unlink, path),
    )
