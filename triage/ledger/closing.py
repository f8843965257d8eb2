"""Closing (办结销号): the reply is out and the result class set; nothing is decided after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.cases import UNSAVEABLE, get_case
from triage.ledger.commitments import Commitment, add_commitment
from triage.ledger.decisions import newest_decisions, record_decision, settled
from triage.ledger.events import add_event, check_who
from triage.ledger.memberships import active_members, active_merge, case_name
from triage.ledger.states import move
from triage.ledger.tables import CaseRow
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy
from triage.text import normalise

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
    commitments: Sequence[Commitment] = (),
) -> CaseRow:
    """办结销号: every target must be decided and the result class known.

    A member of a merge is closed alone, with a reply number of its own. What it took from
    its lead is written down as its own decision, so that its record stands by itself.

    Raises:
        InputError: no name, unknown result class, a reply number that another member has.
        Conflict: closed already, or a target still undecided.
    """
    who = check_who(who)
    check_reply_number(reply_number)
    case = get_case(case_id, session=session)
    taxonomy.check_result_class(result_class)
    decided = settled(case)
    missing = [TARGET_NAMES[t] for t in TARGETS if t not in decided and taxonomy.labels(t)]
    if missing and case.state != "closed":
        raise Conflict(f"还不能办结:{'、'.join(missing)}尚未认定。", missing=missing)
    _check_own_reply(case, reply_number)
    stood = newest_decisions(case)
    merge = active_merge(case)
    move(case, "closed")
    for target, found in decided.items():
        if merge is not None and found.from_merge:
            before = stood[target].label if target in stood else None
            why_taken = f"并案办理,随主件{case_name(merge.lead)}"
            record_decision(case, target, found.label, before=before, who=who, why=why_taken, session=session)
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
    for promised in commitments:
        add_commitment(
            case.id,
            promised.what,
            promised.due_on,
            who=who,
            session=session,
            kept_on=promised.kept_on,
        )
    session.flush()
    session.expire(case, ["decisions", "events"])
    return case


def _check_own_reply(case: CaseRow, reply_number: str) -> None:
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
