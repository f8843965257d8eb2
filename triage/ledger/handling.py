"""What a section does with a case: take it on, begin, give it back to the office, name its people."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.claims import begin_act
from triage.ledger.deadlines import drop
from triage.ledger.events import add_event
from triage.ledger.memberships import active_merge, case_name
from triage.ledger.states import STATE_NAMES, move
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_text, check_why, needed_why

MAX_NAME = 100


def accept(
    case_id: int, *, who: str, session: Session, handler: str = "", seen_version: int | None = None
) -> CaseRow:
    """The section takes the case on (签收); the window for giving it back closes."""
    handler = check_text(handler, MAX_NAME, field="handler", name="承办人")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    move(case, "accepted", "accepted", who=who, session=session, handler=handler or case.handler)
    case.handler = handler or case.handler
    drop(case, ("objection",), date.today())
    return case


def start_handling(
    case_id: int, *, who: str, session: Session, why: str = "", seen_version: int | None = None
) -> CaseRow:
    """Work has begun (办理中)."""
    why = check_why(why)
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.state in ("replied", "closed"):
        raise Conflict(f"本件{STATE_NAMES[case.state]},代表不满意时才重新办理。", state=case.state)
    move(case, "in_handling", "started", who=who, session=session, why=why)
    drop(case, ("objection",), date.today())
    return case


def send_back(
    case_id: int,
    *,
    why: str,
    who: str,
    session: Session,
    proposed_section: str = "",
    seen_version: int | None = None,
) -> CaseRow:
    """The section says that the case is not its own: the office decides anew.

    Raises:
        InputError: no name or reason.
        Conflict: the case follows another one, or its state does not allow it.
    """
    why = needed_why(why, "请写明退回的理由。")
    proposed = check_text(proposed_section, 200, field="proposed_section", name="建议的科室")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    check_alone(case, "退回")
    if case.state not in ("assigned", "accepted", "in_handling"):
        raise Conflict(f"本件{STATE_NAMES[case.state]},不能由科室退回。", state=case.state)
    section = case.section
    move(
        case,
        "in_review",
        "sent_back",
        who=who,
        session=session,
        section=section,
        proposed_section=proposed,
        why=why,
    )
    return case


def set_people(
    case_id: int,
    *,
    who: str,
    session: Session,
    leader: str | None = None,
    handler: str | None = None,
    why: str = "",
    seen_version: int | None = None,
) -> CaseRow:
    """Name the leader in charge and the handler; None leaves one as it is, "" takes it away.

    Raises:
        InputError: no name of the person who says so, or nobody named.
    """
    why = check_why(why)
    if leader is None and handler is None:
        raise InputError("请填写分管领导或承办人。", field="handler")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    before = {"leader": case.leader, "handler": case.handler}
    if leader is not None:
        case.leader = check_text(leader, MAX_NAME, field="leader", name="分管领导")
    if handler is not None:
        case.handler = check_text(handler, MAX_NAME, field="handler", name="承办人")
    add_event(
        "people_set",
        who=who,
        session=session,
        case_id=case.id,
        leader=case.leader,
        handler=case.handler,
        before=before,
        why=why,
    )
    return case


def check_alone(case: CaseRow, act: str) -> None:
    """A case joined with others must leave them first; raises Conflict."""
    merge = active_merge(case)
    if merge is not None:
        raise Conflict(f"{case_name(case)}在并案“{merge.name}”中,请先解除并案再{act}。", merge_id=merge.id)
