"""Closing (办结销号): the reply is out and the result class set; nothing is decided after it."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.cases import UNSAVEABLE, get_case
from triage.ledger.decisions import newest_decisions
from triage.ledger.events import add_event, check_who
from triage.ledger.states import move
from triage.ledger.tables import CaseRow
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

MAX_REPLY_NUMBER = 100


def check_reply_number(reply_number: str) -> str:
    """``reply_number`` if it fits; InputError otherwise."""
    if len(reply_number) > MAX_REPLY_NUMBER or UNSAVEABLE.search(reply_number):
        raise InputError(
            f"答复文号太长或含有无法保存的字符,最多 {MAX_REPLY_NUMBER} 字。", field="reply_number"
        )
    return reply_number


def close_case(
    case_id: int,
    *,
    result_class: str,
    who: str,
    session: Session,
    taxonomy: Taxonomy,
    reply_number: str = "",
    why: str = "",
    closed_on: date | None = None,
) -> CaseRow:
    """办结销号: every target must be decided and the result class known.

    Raises:
        Conflict: closed already, or a target still undecided.
    """
    who = check_who(who)
    check_reply_number(reply_number)
    case = get_case(case_id, session=session)
    taxonomy.check_result_class(result_class)
    decided = newest_decisions(case)
    missing = [TARGET_NAMES[t] for t in TARGETS if t not in decided and taxonomy.labels(t)]
    if missing and case.state != "closed":
        raise Conflict(f"还不能办结:{'、'.join(missing)}尚未认定。", missing=missing)
    move(case, "closed")
    case.result_class = result_class
    case.reply_number = reply_number
    case.closed_on = closed_on or date.today()
    case.version += 1
    add_event(
        "closed",
        who=who,
        session=session,
        case_id=case.id,
        result_class=result_class,
        reply_number=reply_number,
        why=why,
    )
    session.flush()
    return case
