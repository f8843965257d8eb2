"""Contacts with deputies and their feedback (联系, 面商, 满意度); not satisfied opens a redo."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.base import Base
from triage.ledger.claims import begin_act
from triage.ledger.deadlines import meet, open_deadline
from triage.ledger.events import add_event
from triage.ledger.handling_tables import ContactRow, FeedbackRow, MeetingRow
from triage.ledger.states import move
from triage.ledger.tables import CaseRow
from triage.ledger.texts import MAX_NOTE, check_past, check_text, needed_text, needed_why
from triage.periods import Rules

CONTACT_NAMES = {"phone": "电话", "visit": "上门走访", "meeting": "座谈面商", "letter": "书面"}
FACE_TO_FACE = ("visit", "meeting")
VERDICTS = ("满意", "基本满意", "不满意")
SATISFIED = ("满意", "基本满意")
MAX_DEPUTY = 200
STRIKABLE: dict[str, tuple[type[Base], str]] = {
    "contact": (ContactRow, "联系记录"),
    "feedback": (FeedbackRow, "反馈记录"),
    "meeting": (MeetingRow, "调度记录"),
}


def add_contact(
    case_id: int,
    how: str,
    *,
    who: str,
    session: Session,
    deputy: str = "",
    what: str = "",
    held_on: date | None = None,
    seen_version: int | None = None,
) -> ContactRow:
    """A contact with a deputy, the first signer where none is named.

    Raises:
        InputError: no name, an unknown way, a day to come, no deputy to be found.
    """
    if how not in CONTACT_NAMES:
        raise InputError(f"联系方式“{how}”无效,可选:{'、'.join(CONTACT_NAMES)}。", field="how")
    what = check_text(what, MAX_NOTE, field="what", name="联系内容")
    held_on = check_past(held_on, field="held_on", name="联系日期")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    return record_contact(case, how, deputy, held_on, what, who=who, session=session)


def record_contact(
    case: CaseRow, how: str, deputy: str, held_on: date, what: str, *, who: str, session: Session
) -> ContactRow:
    """Append the contact and its event; the caller has checked it."""
    deputy = _deputy(case, deputy)
    row = ContactRow(case_id=case.id, deputy=deputy, how=how, held_on=held_on, what=what, who=who)
    session.add(row)
    session.flush()
    add_event(
        "contacted",
        who=who,
        session=session,
        case_id=case.id,
        contact_id=row.id,
        deputy=deputy,
        how=how,
        held_on=held_on.isoformat(),
        what=what,
    )
    session.expire(case, ["contacts"])
    return row


def add_feedback(
    case_id: int,
    verdict: str,
    *,
    who: str,
    session: Session,
    rules: Rules,
    deputy: str = "",
    comment: str = "",
    given_on: date | None = None,
    seen_version: int | None = None,
) -> FeedbackRow:
    """What a deputy said of the newest reply; 不满意 takes the case back into handling.

    Raises:
        InputError: no name, an unknown verdict, a day to come, no deputy to be found.
        Conflict: there is no reply yet.
    """
    if verdict not in VERDICTS:
        raise InputError(f"反馈“{verdict}”无效,可选:{'、'.join(VERDICTS)}。", field="verdict")
    comment = check_text(comment, MAX_NOTE, field="comment", name="反馈意见")
    given_on = check_past(given_on, field="given_on", name="反馈日期")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.state not in ("replied", "closed"):
        raise Conflict("本件还没有答复,不能登记代表反馈。", state=case.state)
    row = record_feedback(case, verdict, deputy, given_on, comment, who=who, session=session)
    if verdict not in SATISFIED:
        _open_redo(case, row, who=who, session=session, rules=rules)
    session.expire(case, ["feedback", "deadlines"])
    return row


def record_feedback(
    case: CaseRow, verdict: str, deputy: str, given_on: date, comment: str, *, who: str, session: Session
) -> FeedbackRow:
    """Append the feedback and its event; the caller has checked it."""
    deputy = _deputy(case, deputy)
    row = FeedbackRow(
        case_id=case.id,
        reply_id=case.replies[-1].id if case.replies else None,
        deputy=deputy,
        verdict=verdict,
        given_on=given_on,
        comment=comment,
    )
    session.add(row)
    session.flush()
    meet(case, ("feedback",), given_on)
    add_event(
        "feedback_given",
        who=who,
        session=session,
        case_id=case.id,
        feedback_id=row.id,
        deputy=deputy,
        verdict=verdict,
        label=verdict,
        given_on=given_on.isoformat(),
        comment=comment,
    )
    session.expire(case, ["feedback"])
    return row


def _open_redo(case: CaseRow, feedback: FeedbackRow, *, who: str, session: Session, rules: Rules) -> None:
    """Back into handling, with a deadline of its own; the class and the replies stay on record."""
    deadline = open_deadline(case, "redo", rules.redo, feedback.given_on, session=session)
    closed_before, case.closed_on = case.closed_on, None
    move(
        case,
        "in_handling",
        "redo_opened",
        who=who,
        session=session,
        feedback_id=feedback.id,
        due_on=deadline.due_on.isoformat(),
        closed_before=closed_before.isoformat() if closed_before else None,
    )


def strike(kind: str, row_id: int, *, why: str, who: str, session: Session) -> CaseRow:
    """Take an entry that was made by mistake out of the figures; it stays in the record, struck out.

    A redo that a struck feedback opened goes on: whether it must be done is for people to say.

    Args:
        kind: a key of STRIKABLE.

    Raises:
        InputError: no name or reason, unknown kind. NotFound: no such entry.
        Conflict: struck out already.
    """
    why = needed_why(why, "请写明更正的理由。")
    if kind not in STRIKABLE:
        raise InputError(f"“{kind}”无效,可选:{'、'.join(STRIKABLE)}。", field="kind")
    table, name = STRIKABLE[kind]
    row: Any = session.get(table, row_id) if 0 < row_id < 2**63 else None
    if row is None:
        raise NotFound(f"台账中没有编号为 {row_id} 的{name}。")
    case, who = begin_act(row.case_id, who=who, session=session)
    if row.struck_on is not None:
        raise Conflict(f"这条{name}已于 {row.struck_on} 更正。")
    row.struck_on = date.today()
    add_event("struck", who=who, session=session, case_id=case.id, entry=kind, entry_id=row.id, why=why)
    session.flush()
    return case


def _deputy(case: CaseRow, deputy: str) -> str:
    """Whom a contact or feedback is of; the case's first signer where nobody is named."""
    return needed_text(
        deputy.strip() or case.deputy[:MAX_DEPUTY], MAX_DEPUTY, field="deputy", name="代表姓名"
    )
