"""The page where files come in: handed in and read, corrected by a person, then taken into the ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile

from service.api import TheDesk
from service.api_files import attachment
from service.intake_view import NAMES, describe, known_as, list_context, sessions, told_of, values_of
from service.marking import mark_words
from service.pages import render
from service.people import Person, ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from triage.bulk import Handed
from triage.desk import Desk
from triage.documents.kinds import OWN_NAMES
from triage.documents.reading import MAX_FILE_BYTES, base_name
from triage.errors import Conflict, InputError, LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.audits import shown_predictions
from triage.ledger.batches import list_batches
from triage.ledger.cases import get_case
from triage.ledger.file_tables import WaitingFileRow
from triage.ledger.files import FileRef, get_original, keep_original
from triage.ledger.store import after_commit, retried
from triage.ledger.submissions import KINDS, ROLES
from triage.ledger.waiting_files import (
    add_waiting,
    correct_waiting,
    end_taken,
    get_waiting,
    list_ended,
    list_waiting,
    set_aside,
)
from triage.waiting import FIELDS, fields_of, lacking, read_handed, submission_of_fields

BATCHES = 8

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)

Text = Annotated[str, Form()]


@router.get("/intake")
def intake_page(
    request: Request,
    desk: TheDesk,
    done: Annotated[str, Query(max_length=300)] = "",
    part: Annotated[str, Query()] = "",
) -> Response:
    return show_intake(request, desk, done=done, part=part)


def show_intake(
    request: Request,
    desk: Desk,
    *,
    status: int = 200,
    part: str = "",
    done: str = "",
    refused: Sequence[tuple[str, str]] = (),
) -> Response:
    """Everything on its way in.

    Args:
        part: only the files that wait, or only the lists, as a piece of the page.
        refused: names of files that could not be taken, each with the sentence why.
    """
    template = {"waiting": "intake_waiting.html", "batches": "intake_batches.html"}.get(part, "intake.html")
    with desk.ledger.read() as session:
        items = [describe(row, desk, session) for row in list_waiting(session=session)]
        return render(
            request,
            desk,
            template,
            status=status,
            items=items,
            ready=sum(item["ready"] for item in items),
            batches=list_batches(session=session, limit=BATCHES),
            ended=[
                (row, case, shown_predictions(case).get("section") if case else None)
                for row in list_ended(session=session, limit=12)
                for case in [get_case(row.case_id, session=session) if row.case_id else None]
            ],
            refused=refused,
            done=done,
            max_bytes=MAX_FILE_BYTES,
            accepted=",".join(suffix for suffixes in OWN_NAMES.values() for suffix in suffixes),
        )


@router.get("/intake/files")
def reload_after_upload() -> Response:
    return RedirectResponse("/intake", status_code=303)


async def _uploads(request: Request) -> AsyncIterator[list[UploadFile]]:
    """The files of the form; a browser sends an empty one where none was chosen."""
    async with request.form() as form:
        yield [part for part in form.getlist("file") if isinstance(part, UploadFile) and part.filename]


def hand_in(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    file: Annotated[list[UploadFile], Depends(_uploads)],
    kind: Text = "intake",
) -> Response:
    """Each file by itself: one that cannot be read does not keep the next from being kept."""
    kept: list[WaitingFileRow] = []
    refused: list[tuple[str, str]] = []
    for upload in file:
        name = base_name(upload.filename or "")
        try:
            kept.append(_keep(upload, name, "import" if kind == "import" else "intake", desk, person))
        except TriageError as error:
            refused.append((name, error.message))
    if "application/json" in request.headers.get("accept", ""):
        told = {"kept": [{"id": r.id, "name": r.name} for r in kept], "refused": refused}
        return JSONResponse(told, status_code=422 if refused or not kept else 201)
    if not kept and not refused:
        refused.append(("", "请先选择文件。"))
    if refused:
        return show_intake(request, desk, status=422, refused=refused)
    if len(kept) == 1:
        return RedirectResponse(f"/intake/{kept[0].id}", status_code=303)
    return RedirectResponse("/intake#waiting", status_code=303)


def _keep(upload: UploadFile, name: str, kind: str, desk: Desk, person: Person) -> WaitingFileRow:
    handed = Handed.read(upload.file.read(MAX_FILE_BYTES + 1), name)
    kind, holds, read = read_handed(handed, kind)

    def keep() -> WaitingFileRow:
        with desk.ledger.write() as session:
            sha256 = keep_original(handed.raw, handed.name, who=person.name, session=session)
            return add_waiting(kind, holds, sha256, handed.name, read, who=person.name, session=session)

    return retried(keep)


# an upload is read once, so the request as a whole cannot be tried again; its writing is
router.add_api_route("/intake/files", hand_in, methods=["POST"], route_class_override=APIRoute)


@router.get("/intake/{waiting_id}")
def waiting_page(request: Request, desk: TheDesk, waiting_id: int) -> Response:
    return show_waiting(request, desk, waiting_id)


def show_waiting(
    request: Request,
    desk: Desk,
    waiting_id: int,
    *,
    status: int = 200,
    error: str = "",
    at: str = "",
    typed: dict[str, str] | None = None,
) -> Response:
    """One waiting file: a document's fields beside its text, a list's columns, or what became of it.

    Args:
        at: the field that the error speaks of.
        typed: the fields as they were just sent and refused.
    """
    with desk.ledger.read() as session:
        row = get_waiting(waiting_id, session=session)
        others = [r for r in list_waiting(session=session) if r.id != row.id]
        following = next((r for r in others if r.id > row.id), others[0] if others else None)
        shared: dict[str, Any] = {"row": row, "waiting": len(others), "following": following, "error": error}
        shared["sessions"] = sessions(session)
        if row.state != "waiting":
            case = get_case(row.case_id, session=session) if row.case_id else None
            return render(
                request, desk, "intake_done.html", status=status, **shared, **told_of(case, session)
            )
        if row.holds == "list":
            return render(request, desk, "intake_list.html", status=status, **shared, **list_context(row))
        fields = typed or fields_of(row)
        missing = [name for name in FIELDS if not fields[name].strip() and name not in ("role", "lead_unit")]
        return render(
            request,
            desk,
            "intake_file.html",
            status=status,
            **shared,
            fields=fields,
            missing=missing,
            focus=at or next(iter(missing), ""),
            names=NAMES,
            kinds=[k for k in KINDS if k],
            roles=ROLES,
            known=known_as(row, fields, desk, session),
            pieces=mark_words(row.read["text"], values_of(fields)),
            picture=row.name.lower().endswith(OWN_NAMES["image"]),
        )


@router.get("/intake/{waiting_id}/original")
def original(desk: TheDesk, waiting_id: int) -> Response:
    with desk.ledger.read() as session:
        row = get_waiting(waiting_id, session=session)
        content = get_original(row.sha256, session=session).content
    # never shown in the browser: what people hand in is not trusted
    return Response(content, media_type="application/octet-stream", headers=attachment(row.name))


@router.get("/intake/{waiting_id}/picture")
def picture(desk: TheDesk, waiting_id: int) -> Response:
    """A photograph or scan, which a browser shows without running anything in it."""
    with desk.ledger.read() as session:
        content = get_original(get_waiting(waiting_id, session=session).sha256, session=session).content
    for start, media_type in ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg")):
        if content.startswith(start):
            return Response(content, media_type=media_type)
    raise InputError("这份文件不是图片。")


async def _typed(request: Request) -> dict[str, str]:
    """The fields as they stand in the form."""
    form = await request.form()
    return {name: str(form.get(name, "")).replace("\r\n", "\n").strip() for name in FIELDS}


Typed = Annotated[dict[str, str], Depends(_typed)]
Version = Annotated[int, Form()]


@router.post("/intake/{waiting_id}/save")
def save(
    request: Request, desk: TheDesk, person: ThePerson, waiting_id: int, version: Version, typed: Typed
) -> Response:
    by_script = "application/json" in request.headers.get("accept", "")
    try:
        with desk.ledger.write() as session:
            version = correct_waiting(
                waiting_id, typed, seen_version=version, who=person.name, session=session
            ).version
    except Conflict as error:
        if by_script:
            return JSONResponse({"problem": error.message}, status_code=409)
        return show_waiting(request, desk, waiting_id, status=409, error=error.message, typed=typed)
    if by_script:
        return JSONResponse({"version": version})
    return RedirectResponse("/intake?done=saved#waiting", status_code=303)


@router.post("/intake/{waiting_id}/take")
def take(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    waiting_id: int,
    version: Version,
    typed: Typed,
) -> Response:
    try:
        with desk.ledger.write() as session:
            row = correct_waiting(waiting_id, typed, seen_version=version, who=person.name, session=session)
        for name in lacking(typed):
            raise InputError(f"请填写{NAMES[name]}。", field=name)
        _take_in(row, desk, person)
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again; what was written is found there
    except TriageError as error:
        at = str(error.detail.get("field") or "")
        status = STATUS[error.code]
        return show_waiting(request, desk, waiting_id, status=status, error=error.message, at=at, typed=typed)
    return RedirectResponse(f"/intake/{waiting_id}", status_code=303)


def _take_in(row: WaitingFileRow, desk: Desk, person: Person) -> None:
    """Put a document into the ledger with its original; the same one twice is one case."""
    submission = submission_of_fields(fields_of(row), row)
    receipt = desk.take_in(submission, who=person.name, file=FileRef(row.sha256, row.name))

    def end() -> None:
        with desk.ledger.write() as session:
            end_taken(row.id, receipt.case_id, who=person.name, session=session)

    after_commit(end)


@router.post("/intake/take-all")
def take_all(request: Request, desk: TheDesk, person: ThePerson) -> Response:
    """Every document that lacks nothing and of which nothing says that it is there already."""
    with desk.ledger.read() as session:
        ids = [row.id for row in list_waiting(session=session)]
    refused: list[tuple[str, str]] = []
    count = 0
    for waiting_id in ids:
        with desk.ledger.read() as session:  # anew: the one before may be the same
            row = get_waiting(waiting_id, session=session)
            if row.state != "waiting" or not describe(row, desk, session)["ready"]:
                continue
        try:
            retried(partial(_take_in, row, desk, person))
            count += 1
        except (LedgerBusy, OutcomeUnknown):
            raise
        except TriageError as error:
            refused.append((row.name, error.message))
    if refused:
        return show_intake(request, desk, status=422, refused=refused)
    return RedirectResponse(f"/intake?done=taken-{count}", status_code=303)


@router.post("/intake/{waiting_id}/aside")
def aside(request: Request, desk: TheDesk, person: ThePerson, waiting_id: int, why: Text = "") -> Response:
    try:
        with desk.ledger.write() as session:
            set_aside(waiting_id, who=person.name, why=why, session=session)
    except (InputError, Conflict) as error:
        return show_waiting(request, desk, waiting_id, status=STATUS[error.code], error=error.message)
    return RedirectResponse("/intake?done=aside", status_code=303)
