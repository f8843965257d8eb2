"""The API on cases that belong together: merges, relations in the ledger, and the groups they make."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.api import TheDesk
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas_groups import GroupOut
from service.schemas_merges import (
    Differs,
    DismissIn,
    DueIn,
    LeadIn,
    MembersIn,
    MergeIn,
    MergeOut,
    MergeOutcomeOut,
    PlanIn,
    RelatedOut,
    UnmergeIn,
)
from triage.ledger.cases import get_case
from triage.ledger.groups import list_groups
from triage.ledger.memberships import get_merge, list_merges
from triage.ledger.merge_changes import change_lead, set_merge_due, set_plan
from triage.ledger.merges import add_to_merge, merge_cases, unmerge
from triage.ledger.relations import dismiss, relations_of

COMPARED = 20
router = APIRouter(prefix="/api", route_class=RetryingRoute)


@router.post(
    "/merges",
    status_code=201,
    summary="并案:在办的合在一起,已办结的记为先例",
    responses=documented(404, 409, 422),
)
def merge(body: MergeIn, response: Response, desk: TheDesk) -> MergeOutcomeOut:
    with desk.ledger.write() as session:
        outcome = merge_cases(
            body.cases, lead_id=body.lead, name=body.name, who=body.who, why=body.why, session=session
        )
        if outcome.merge is not None:
            response.headers["Location"] = f"/api/merges/{outcome.merge.id}"
        return MergeOutcomeOut.of(outcome)


@router.get("/merges", summary="现有的并案", responses=documented(422))
def get_merges(
    desk: TheDesk, year: Annotated[int | None, Query(ge=1990, le=2100, description="主件收件的年份")] = None
) -> list[MergeOut]:
    with desk.ledger.read() as session:
        return [MergeOut.of(row) for row in list_merges(session=session, year=year)]


@router.get("/merges/{merge_id}", summary="一个并案,解除了的也能查", responses=documented(404))
def get_one_merge(merge_id: int, desk: TheDesk) -> MergeOut:
    with desk.ledger.read() as session:
        return MergeOut.of(get_merge(merge_id, session=session))


@router.post("/merges/{merge_id}/members", summary="加入并案", responses=documented(404, 409, 422))
def add_members(merge_id: int, body: MembersIn, desk: TheDesk) -> MergeOutcomeOut:
    with desk.ledger.write() as session:
        outcome = add_to_merge(
            merge_id,
            body.cases,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
        )
        return MergeOutcomeOut.of(outcome)


@router.post("/merges/{merge_id}/lead", summary="更换主件", responses=documented(404, 409, 422))
def put_lead(merge_id: int, body: LeadIn, desk: TheDesk) -> MergeOut:
    with desk.ledger.write() as session:
        row = change_lead(
            merge_id,
            body.lead,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
        )
        return MergeOut.of(row)


@router.post("/merges/{merge_id}/due", summary="调整并案期限", responses=documented(404, 409, 422))
def put_due(merge_id: int, body: DueIn, desk: TheDesk) -> MergeOut:
    with desk.ledger.write() as session:
        row = set_merge_due(
            merge_id,
            body.due_on,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
        )
        return MergeOut.of(row)


@router.post("/merges/{merge_id}/plan", summary="统一办理方案", responses=documented(404, 409, 422))
def put_plan(merge_id: int, body: PlanIn, desk: TheDesk) -> MergeOut:
    with desk.ledger.write() as session:
        row = set_plan(
            merge_id,
            body.plan,
            name=body.name,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
        )
        return MergeOut.of(row)


@router.post(
    "/merges/{merge_id}/unmerge", summary="解除并案,全部或其中几件", responses=documented(404, 409, 422)
)
def take_apart(merge_id: int, body: UnmergeIn, desk: TheDesk) -> MergeOut:
    with desk.ledger.write() as session:
        row = unmerge(
            merge_id,
            body.cases,
            lead_id=body.lead,
            who=body.who,
            why=body.why,
            seen_version=body.version,
            session=session,
        )
        return MergeOut.of(row)


@router.post("/relations/dismiss", summary="两件不相关,不再提示", responses=documented(404, 409, 422))
def dismiss_relation(body: DismissIn, desk: TheDesk) -> RelatedOut:
    with desk.ledger.write() as session:
        row = dismiss(body.case_id, body.other_id, who=body.who, why=body.why, session=session)
        other = get_case(body.other_id, session=session)
        return RelatedOut.of(row, other, session=session)


@router.get("/cases/{case_id}/related", summary="与一件有关联的各件", responses=documented(404))
def get_related(case_id: int, desk: TheDesk) -> list[RelatedOut]:
    with desk.ledger.read() as session:
        get_case(case_id, session=session)
        found = []
        for place, (row, other) in enumerate(relations_of(case_id, session=session)):
            told = RelatedOut.of(row, other, session=session)
            if place < COMPARED:
                told.differs = Differs.of(desk.compare(case_id, other.id, session))
            found.append(told)
        return found


@router.get("/groups", summary="一年里可以一并办理的各组,件数多的在前", responses=documented(422))
def get_groups(
    desk: TheDesk,
    year: Annotated[int | None, Query(ge=1990, le=2100, description="收件的年份,默认今年")] = None,
) -> list[GroupOut]:
    with desk.ledger.read() as session:
        found = list_groups(session=session, year=year or date.today().year)
        return [GroupOut.of(group) for group in found]
