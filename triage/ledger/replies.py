"""Replies and result classes (答复, 办理结果): each an entry of its own, the newest counts."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.claims import begin_act
from triage.ledger.deadlines import MAIN, drop, meet, open_deadline
from triage.ledger.events import add_event
from triage.ledger.handling_tables import ReplyRow, ResultRow
from triage.ledger.memberships import active_members, active_merge, case_name
from triage.ledger.states import move
from triage.ledger.tables import CaseRow
from triage.ledger.texts import UNSAVEABLE, check_past, check_text, check_why
from triage.periods import Rules
from triage.taxonomy import Taxonomy
from triage.text import normalise

MAX_REPLY_NUMBER = 100
TO_LEAD_UNIT = "主办单位"


def check_reply_number(reply_number: str) -> str:
    """``reply_number`` if it fits; InputError otherwise."""
    if len(reply_number) > MAX_REPLY_NUMBER or UNSAVEABLE.search(reply_number):
        raise InputError(
            f"答复文号太长或含有无法保存的字符,最多 {MAX_REPLY_NUMBER} 字。", field="reply_number"
        )
    return reply_number.strip()


def reply_to_case(
    case_id: int,
    *,
    who: str,
    session: Session,
    taxonomy: Taxonomy,
    number: str = "",
    replied_on: date | None = None,
    signer: str = "",
    result_class: str = "",
    why: str = "",
    seen_version: int | None = None,
) -> CaseRow:
    """A reply went out: to the deputies, or as an opinion to the unit that leads.

    It meets what was due, a redo as well, and opens the window for feedback. A closed case may
    be answered again, when what was promised is done.

    Raises:
        InputError: no name, a day to come, an unknown result class, a number used by another member.
        Conflict: nobody handles the case yet, it was returned, or changed since it was seen.
    """
    why = check_why(why)
    number = check_reply_number(number)
    signer = check_text(signer, 100, field="signer", name="签发人")
    replied_on = check_past(replied_on, field="replied_on", name="答复日期")
    if result_class:
        taxonomy.check_result_class(result_class)
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if replied_on < case.received_on:
        raise InputError(f"答复日期早于收件日期({case.received_on}),请核对。", field="replied_on")
    check_own_reply(case, number)
    record_reply(
        case, number, replied_on, signer=signer, who=who, why=why, session=session, rules=taxonomy.rules
    )
    if result_class:
        record_result(case, result_class, found_on=replied_on, why=why, who=who, session=session)
    session.expire(case, ["events"])
    return case


def record_reply(
    case: CaseRow,
    number: str,
    replied_on: date,
    *,
    who: str,
    session: Session,
    rules: Rules,
    signer: str = "",
    why: str = "",
    moved: bool = True,
) -> ReplyRow:
    """Append the reply, its event and what follows from it; the caller has checked it.

    Args:
        moved: False where the case's state is on record already.
    """
    to_deputy = case.role != "会办"
    signers = "、".join(name for name in (case.deputy, case.cosigners) if name)
    addressee = signers if to_deputy else case.lead_unit or TO_LEAD_UNIT
    reply = ReplyRow(
        case_id=case.id, number=number, replied_on=replied_on, addressee=addressee, signer=signer, who=who
    )
    session.add(reply)
    case.reply_number, case.replied_on = number, replied_on
    meet(case, (*MAIN, "redo"), replied_on)
    drop(case, ("objection",), replied_on)
    detail = {"reply_number": number, "replied_on": replied_on.isoformat(), "addressee": addressee}
    if case.state == "closed" or not moved:
        add_event("replied", who=who, session=session, case_id=case.id, **detail, signer=signer, why=why)
    else:
        move(case, "replied", "replied", who=who, session=session, **detail, signer=signer, why=why)
    if to_deputy:
        drop(case, ("feedback",), replied_on)
        open_deadline(case, "feedback", rules.feedback, replied_on, session=session)
    session.flush()
    session.expire(case, ["replies", "deadlines"])
    return reply


def classify_result(
    case_id: int,
    result_class: str,
    *,
    who: str,
    session: Session,
    taxonomy: Taxonomy,
    why: str = "",
    found_on: date | None = None,
    seen_version: int | None = None,
) -> CaseRow:
    """Find a result class; of a closed case too, when B has become A. What was found before stays.

    Raises:
        InputError: no name, unknown class, a day to come.
        Conflict: there is no reply yet, the class is what it was, or somebody changed the case.
    """
    why = check_why(why)
    found_on = check_past(found_on, field="found_on", name="认定日期")
    taxonomy.check_result_class(result_class)
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.state not in ("replied", "closed"):
        raise Conflict("本件还没有答复,不能认定办理结果。", state=case.state)
    if case.result_class == result_class:
        raise Conflict(f"本件的办理结果已是 {result_class}。", result_class=result_class)
    record_result(case, result_class, found_on=found_on, why=why, who=who, session=session)
    session.expire(case, ["events"])
    return case


def record_result(
    case: CaseRow, result_class: str, *, found_on: date, why: str, who: str, session: Session
) -> ResultRow:
    """Append the entry and its event; the caller has checked it."""
    before, case.result_class = case.result_class, result_class
    row = ResultRow(case_id=case.id, result_class=result_class, found_on=found_on, why=why, who=who)
    session.add(row)
    add_event(
        "result_found",
        who=who,
        session=session,
        case_id=case.id,
        result_class=result_class,
        before=before,
        found_on=found_on.isoformat(),
        why=why,
    )
    session.flush()
    session.expire(case, ["results"])
    return row


def check_own_reply(case: CaseRow, reply_number: str) -> None:
    """Raises InputError where the number answers another member of the same merge already."""
    merge = active_merge(case)
    wanted = normalise(reply_number)
    if merge is None or not wanted:
        return
    for member in active_members(merge):
        if member.id != case.id and normalise(member.reply_number) == wanted:
            raise InputError(
                f"答复文号{reply_number}已用于并案中的{case_name(member)}:并案办理的每一件都要单独答复。",
                field="reply_number",
            )
