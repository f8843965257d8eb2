"""The API on what a section does with a case: one address for each act, the whole case in answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter
from sqlalchemy.orm import Session

from service.api import TheDesk, read_whole
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas import CaseOut
from service.schemas_acts import (
    AcceptIn,
    ActIn,
    CaseActIn,
    ConditionsIn,
    ContactIn,
    CorrectIn,
    DutyAnswerIn,
    DutyIn,
    ExtendIn,
    FeedbackIn,
    MeetingIn,
    NotedIn,
    PeopleIn,
    PromiseIn,
    ReasonedIn,
    ReplyIn,
    ResultIn,
    ReturnIn,
    RoleIn,
    SendBackIn,
    StageDoneIn,
    StageIn,
    WithdrawIn,
)
from triage.desk import Desk
from triage.ledger.commitments import add_commitment
from triage.ledger.contacts import add_contact, add_feedback, strike
from triage.ledger.correcting import correct_label
from triage.ledger.deadlines import extend, mark_hard, set_role
from triage.ledger.duties import add_duty, answer_duty, withdraw_duty
from triage.ledger.handling import accept, send_back, set_people, start_handling
from triage.ledger.key_cases import add_meeting, mark_key, unmark_key
from triage.ledger.replies import classify_result, reply_to_case
from triage.ledger.returns import refuse_return, return_case
from triage.ledger.stages import add_stage, drop_stage, finish_stage, set_conditions
from triage.ledger.store import after_commit

router = APIRouter(prefix="/api", route_class=RetryingRoute, responses=documented(404, 409, 422))


def acted(desk: Desk, act: Callable[[Session], int]) -> CaseOut:
    """Do it in one transaction, then give the whole of the case that it was done to."""
    with desk.ledger.write() as session:
        case_id = act(session)
    return after_commit(lambda: read_whole(desk, case_id))


def on_case(desk: Desk, case_id: int, body: CaseActIn, act: Callable[..., Any], **more: Any) -> CaseOut:
    """An act on a case: the body's fields are the arguments by name, its version is the one seen."""
    given = body.model_dump()
    seen = given.pop("version")

    def run(session: Session) -> int:
        act(case_id, **given, **more, seen_version=seen, session=session)
        return case_id

    return acted(desk, run)


def on_entry(desk: Desk, entry_id: int, body: ActIn, act: Callable[..., Any]) -> CaseOut:
    """The same for an act on one entry of a case; ``act`` returns the row, which names its case."""

    def run(session: Session) -> int:
        found: int = act(entry_id, **body.model_dump(), session=session).case_id
        return found

    return acted(desk, run)


@router.post("/cases/{case_id}/accept", summary="科室签收")
def post_accept(case_id: int, body: AcceptIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, accept)


@router.post("/cases/{case_id}/start", summary="开始办理")
def post_start(case_id: int, body: NotedIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, start_handling)


@router.post("/cases/{case_id}/send-back", summary="科室退回,由办公室重新认定")
def post_send_back(case_id: int, body: SendBackIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, send_back)


@router.post("/cases/{case_id}/return", summary="退办:理由、建议的承办单位,过期须有同意")
def post_return(case_id: int, body: ReturnIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, return_case)


@router.post("/cases/{case_id}/return-refused", summary="退办未获同意,回到待认定")
def post_return_refused(case_id: int, body: ReasonedIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, refuse_return)


@router.post("/cases/{case_id}/people", summary="落实分管领导、承办人")
def post_people(case_id: int, body: PeopleIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, set_people)


@router.post("/cases/{case_id}/role", summary="确定本单位的承办角色")
def post_role(case_id: int, body: RoleIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, set_role, rules=desk.taxonomy.rules)


@router.post("/cases/{case_id}/hard", summary="认定难件,答复期限放宽")
def post_hard(case_id: int, body: ReasonedIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, mark_hard, rules=desk.taxonomy.rules)


@router.post("/cases/{case_id}/extend", summary="延期:理由和同意的单位")
def post_extend(case_id: int, body: ExtendIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, extend, rules=desk.taxonomy.rules)


@router.post("/cases/{case_id}/duties", summary="交其他科室协办或分办")
def post_duty(case_id: int, body: DutyIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, add_duty, taxonomy=desk.taxonomy)


@router.post("/duties/{duty_id}/answer", summary="协办意见送主办科室")
def post_duty_answer(duty_id: int, body: DutyAnswerIn, desk: TheDesk) -> CaseOut:
    return on_entry(desk, duty_id, body, answer_duty)


@router.post("/duties/{duty_id}/withdraw", summary="撤回协办")
def post_duty_withdraw(duty_id: int, body: WithdrawIn, desk: TheDesk) -> CaseOut:
    return on_entry(desk, duty_id, body, withdraw_duty)


@router.post("/cases/{case_id}/stages", summary="分步推进的一个阶段")
def post_stage(case_id: int, body: StageIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, add_stage)


@router.post("/stages/{stage_id}/done", summary="阶段完成")
def post_stage_done(stage_id: int, body: StageDoneIn, desk: TheDesk) -> CaseOut:
    return on_entry(desk, stage_id, body, finish_stage)


@router.post("/stages/{stage_id}/drop", summary="取消阶段")
def post_stage_drop(stage_id: int, body: WithdrawIn, desk: TheDesk) -> CaseOut:
    return on_entry(desk, stage_id, body, drop_stage)


@router.post("/cases/{case_id}/conditions", summary="创造条件逐步解决的原因和措施")
def post_conditions(case_id: int, body: ConditionsIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, set_conditions)


@router.post("/cases/{case_id}/key", summary="列为重点督办")
def post_key(case_id: int, body: ReasonedIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, mark_key)


@router.post("/cases/{case_id}/unkey", summary="取消重点督办")
def post_unkey(case_id: int, body: ReasonedIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, unmark_key)


@router.post("/cases/{case_id}/meetings", summary="专题调度会和议定事项")
def post_meeting(case_id: int, body: MeetingIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, add_meeting)


@router.post("/cases/{case_id}/contacts", summary="与代表的一次联系")
def post_contact(case_id: int, body: ContactIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, add_contact)


@router.post("/cases/{case_id}/replies", summary="答复代表,或把会办意见送主办单位")
def post_reply(case_id: int, body: ReplyIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, reply_to_case, taxonomy=desk.taxonomy)


@router.post("/cases/{case_id}/results", summary="认定办理结果,办结后也可由 B 转 A")
def post_result(case_id: int, body: ResultIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, classify_result, taxonomy=desk.taxonomy)


@router.post("/cases/{case_id}/corrections", summary="办结以后更正认定,或看过没有错")
def post_correction(case_id: int, body: CorrectIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, correct_label, taxonomy=desk.taxonomy)


@router.post("/cases/{case_id}/feedback", summary="代表反馈,不满意的重新办理")
def post_feedback(case_id: int, body: FeedbackIn, desk: TheDesk) -> CaseOut:
    return on_case(desk, case_id, body, add_feedback, rules=desk.taxonomy.rules)


@router.post("/cases/{case_id}/commitments", summary="补记承诺事项")
def post_commitment(case_id: int, body: PromiseIn, desk: TheDesk) -> CaseOut:
    def run(session: Session) -> int:
        add_commitment(case_id, body.what, body.due_on, who=body.who, session=session)
        return case_id

    return acted(desk, run)


@router.post("/{kind}/{entry_id}/strike", summary="更正误记:不计入统计,记录仍在")
def post_strike(
    kind: Literal["contacts", "feedback", "meetings"], entry_id: int, body: WithdrawIn, desk: TheDesk
) -> CaseOut:
    def run(session: Session) -> int:
        return strike(kind.removesuffix("s"), entry_id, who=body.who, why=body.why, session=session).id

    return acted(desk, run)
