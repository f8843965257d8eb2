"""The API for programs: /api/..."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from service.people import ThePerson
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas import (
    CaseOut,
    CasePage,
    CaseReceipt,
    CaseSummary,
    CloseIn,
    DecisionsIn,
    FlagOut,
    ModelOut,
    PredictionOut,
    SubmissionIn,
    TriageOut,
)
from service.schemas_parts import CommitmentOut, KeepIn
from service.schemas_search import CaseQuery
from triage.desk import Desk, Receipt
from triage.documents.reading import base_name
from triage.errors import InputError
from triage.exports.letter import draft_letter, letter_name
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.commitments import keep_commitment
from triage.ledger.decisions import decide
from triage.ledger.files import FileRef
from triage.ledger.intake import nothing_yet
from triage.ledger.relations import relations_of
from triage.ledger.search import list_cases
from triage.ledger.store import after_commit
from triage.registry import Manifest
from triage.taxonomy import TARGET_NAMES, TARGETS

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PROGRAM = "接口"  # who, where a program names nobody


def get_desk(request: Request) -> Desk:
    """The desk that the app was made with."""
    desk: Desk = request.app.state.desk
    return desk


TheDesk = Annotated[Desk, Depends(get_desk)]


router = APIRouter(prefix="/api", route_class=RetryingRoute)


@router.post("/triage", summary="试算推荐,不写台账", responses=documented(413, 422))
def try_triage(body: SubmissionIn, desk: TheDesk) -> TriageOut:
    submission = desk.check(body.submission())
    advice = desk.advise([submission])[0]
    with desk.ledger.read() as session:
        found = desk.related(submission, advice, session)
        related = [
            {
                "case_id": int(r.key),
                "title": get_case(int(r.key), session=session).title,
                "kind": r.kind,
                "kind_name": r.kind_name,
                "score": r.score,
                "flagged": desk.is_flagged(r),
                "shared_terms": list(r.shared_terms),
            }
            for r in found
        ]
        predictions = desk.as_routed(advice.predictions, session)
    lead = next(iter(predictions.values()))
    return TriageOut(
        route="auto" if lead.auto and not desk.held_back(advice, found) else "review",
        flags=[FlagOut.make(f.kind, f.score, f.reason) for f in advice.flags],
        predictions=[PredictionOut.of(p) for p in predictions.values()],
        related=related,
    )


@router.post(
    "/cases",
    status_code=201,
    summary="收件:登记、推荐、关联、分办,一次写入",
    responses={200: {"model": CaseReceipt, "description": "已登记过的同一件"}, **documented(404, 413, 422)},
)
def add_case(
    body: SubmissionIn,
    response: Response,
    desk: TheDesk,
    idempotency_key: Annotated[str, Header(max_length=150, description="同一键只登记一次,可安全重发")] = "",
    x_who: Annotated[str | None, Header(max_length=100, description="报送人或系统名")] = None,
) -> CaseReceipt:
    file = FileRef(body.file, base_name(body.file_name)) if body.file else None
    receipt = desk.take_in(
        body.submission(_utf8(idempotency_key)), who=PROGRAM if x_who is None else _utf8(x_who), file=file
    )
    response.status_code = 201 if receipt.created else 200
    response.headers["Location"] = f"/api/cases/{receipt.case_id}"
    return after_commit(lambda: _read_receipt(desk, receipt))


@router.get("/cases", summary="台账列表", responses=documented(422))
def get_cases(desk: TheDesk, person: ThePerson, asked: Annotated[CaseQuery, Query()]) -> CasePage:
    wanted = asked.wanted(desk.taxonomy, within=person.bound_to)
    limit, offset = asked.limit, asked.offset
    with desk.ledger.read() as session:
        rows, total = list_cases(
            wanted, session=session, limit=limit, offset=offset, unsure_first=asked.unsure_first
        )
        return CasePage(
            total=total, limit=limit, offset=offset, cases=[CaseSummary.of(r, desk.taxonomy) for r in rows]
        )


@router.get("/cases/{case_id}", summary="一件的全部", responses=documented(404))
def get_one_case(case_id: int, desk: TheDesk) -> CaseOut:
    return read_whole(desk, case_id)


@router.get(
    "/cases/{case_id}/letter.docx",
    summary="答复稿(Word),不写台账;会办件为会办意见稿",
    response_class=Response,
    responses={
        200: {"content": {DOCX: {"schema": {"type": "string", "format": "binary"}}}},
        **documented(404),
    },
)
def get_letter(case_id: int, desk: TheDesk) -> Response:
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        content, name = draft_letter(case, taxonomy=desk.taxonomy), letter_name(case)
    disposition = f"attachment; filename=\"letter-{case_id}.docx\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type=DOCX, headers={"content-disposition": disposition})


@router.post("/cases/{case_id}/decisions", summary="确认或改判", responses=documented(404, 409, 422))
def add_decisions(case_id: int, body: DecisionsIn, desk: TheDesk) -> CaseOut:
    labels: dict[str, str] = {d.target: d.label for d in body.decisions}
    if len(labels) < len(body.decisions):
        raise InputError("同一项给了两个认定,请只留一个。", field="decisions")
    with desk.ledger.write() as session:
        decide(
            case_id,
            labels,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
            taxonomy=desk.taxonomy,
        )
    return after_commit(lambda: read_whole(desk, case_id))


@router.post("/cases/{case_id}/close", summary="办结销号", responses=documented(404, 409, 422))
def close(case_id: int, body: CloseIn, desk: TheDesk) -> CaseOut:
    with desk.ledger.write() as session:
        close_case(
            case_id,
            result_class=body.result_class,
            reply_number=body.reply_number,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            commitments=[c.commitment() for c in body.commitments],
            session=session,
            taxonomy=desk.taxonomy,
        )
    return after_commit(lambda: read_whole(desk, case_id))


@router.post("/commitments/{commitment_id}/keep", summary="承诺兑现", responses=documented(404, 409, 422))
def keep(commitment_id: int, body: KeepIn, desk: TheDesk) -> CommitmentOut:
    with desk.ledger.write() as session:
        row = keep_commitment(
            commitment_id, who=body.who, kept_on=body.kept_on, why=body.why, session=session
        )
        return CommitmentOut.of(row)


@router.get("/models", summary="模型版本")
def get_models(desk: TheDesk) -> list[ModelOut]:
    return describe_models(desk)


def describe_models(desk: Desk) -> list[ModelOut]:
    """Serving version, refusals and all versions of each target in use."""
    models, problems = desk.champions.models(), desk.champions.problems()
    return [
        ModelOut.model_validate(
            {
                "target": target,
                "target_name": TARGET_NAMES[target],
                "serving": models[target].version,
                "problem": problems.get(target, ""),
                "versions": [_version(m) for m in desk.registry.versions(target)],
            }
        )
        for target in TARGETS
        if target in models
    ]


def _version(manifest: Manifest) -> dict[str, Any]:
    data = manifest.to_dict()
    data["data"] = {k: v for k, v in data["data"].items() if k != "cases"}
    return data


def _utf8(header: str) -> str:
    """A header value as its sender wrote it: Starlette reads the bytes as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _read_receipt(desk: Desk, receipt: Receipt) -> CaseReceipt:
    with desk.ledger.read() as session:
        case = get_case(receipt.case_id, session=session)
        if receipt.created:
            nothing_yet(case)
        relations = relations_of(case.id, session=session)
        return CaseReceipt.whole(
            case, relations, desk.taxonomy, created=receipt.created, differs=receipt.differs
        )


def read_whole(desk: Desk, case_id: int) -> CaseOut:
    """All that the ledger holds of a case; NotFound where there is none."""
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        return CaseOut.whole(case, relations_of(case_id, session=session), desk.taxonomy)
