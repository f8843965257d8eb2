"""The plan of a case: its stages, or why it must wait and what is done meanwhile."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, NotFound
from triage.ledger.claims import begin_act
from triage.ledger.events import add_event
from triage.ledger.handling_tables import StageRow
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_past, check_why, needed_text, needed_why

MAX_STAGE = 2_000


def add_stage(
    case_id: int,
    what: str,
    due_on: date,
    *,
    who: str,
    session: Session,
    seen_version: int | None = None,
) -> StageRow:
    """One stage of a case handled in stages (分步推进)."""
    what = needed_text(what, MAX_STAGE, field="what", name="阶段内容")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    _check_not_returned(case)
    stage = StageRow(case_id=case.id, what=what, due_on=due_on)
    session.add(stage)
    session.flush()
    add_event(
        "stage_added",
        who=who,
        session=session,
        case_id=case.id,
        stage_id=stage.id,
        what=what,
        due_on=due_on.isoformat(),
    )
    session.expire(case, ["stages"])
    return stage


def finish_stage(
    stage_id: int, *, who: str, session: Session, done_on: date | None = None, why: str = ""
) -> StageRow:
    """The stage is done, today where no day is given."""
    done_on = check_past(done_on, field="done_on", name="完成日期")
    stage, who, why = _open_stage(stage_id, who, why, session)
    stage.done_on = done_on
    _tell_stage("stage_done", stage, who=who, session=session, done_on=done_on.isoformat(), why=why)
    return stage


def drop_stage(stage_id: int, *, why: str, who: str, session: Session) -> StageRow:
    """The stage is taken out of the plan, with the reason; it stays in the record."""
    stage, who, why = _open_stage(stage_id, who, needed_why(why, "请写明取消的理由。"), session)
    stage.dropped_on = date.today()
    _tell_stage("stage_dropped", stage, who=who, session=session, why=why)
    return stage


def set_conditions(
    case_id: int,
    reasons: str,
    measures: str,
    *,
    who: str,
    session: Session,
    seen_version: int | None = None,
) -> CaseRow:
    """Why a case must wait for conditions, and what is done meanwhile (创造条件逐步解决)."""
    reasons = needed_text(reasons, MAX_STAGE, field="reasons", name="暂不能办的原因")
    measures = needed_text(measures, MAX_STAGE, field="measures", name="创造条件的措施")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    _check_not_returned(case)
    before = {"reasons": case.reasons, "measures": case.measures}
    case.reasons, case.measures = reasons, measures
    add_event(
        "conditions_set",
        who=who,
        session=session,
        case_id=case.id,
        reasons=reasons,
        measures=measures,
        before=before,
    )
    return case


def _open_stage(stage_id: int, who: str, why: str, session: Session) -> tuple[StageRow, str, str]:
    stage = session.get(StageRow, stage_id) if 0 < stage_id < 2**63 else None
    if stage is None:
        raise NotFound(f"台账中没有编号为 {stage_id} 的阶段安排。")
    _, who = begin_act(stage.case_id, who=who, session=session)
    if stage.done_on or stage.dropped_on:
        raise Conflict("这个阶段已完成或已取消。")
    return stage, who, check_why(why)


def _tell_stage(kind: str, stage: StageRow, *, who: str, session: Session, **detail: str) -> None:
    add_event(
        kind, who=who, session=session, case_id=stage.case_id, stage_id=stage.id, what=stage.what, **detail
    )
    session.flush()


def _check_not_returned(case: CaseRow) -> None:
    if case.state == "returned":
        raise Conflict("本件已退办。", state=case.state)
