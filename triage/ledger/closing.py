"""Closing (办结销号): the reply is out and the result class set; nothing is decided after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.claims import begin_act
from triage.ledger.commitments import Commitment, add_commitments
from triage.ledger.deadlines import drop, meet, owed
from triage.ledger.decisions import newest_decisions, record_decision, settled
from triage.ledger.memberships import active_merge, case_name
from triage.ledger.replies import check_own_reply, check_reply_number, record_reply, record_result
from triage.ledger.states import check_move, move
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_why
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy


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
    seen_version: int | None = None,
) -> CaseRow:
    """办结销号: every target must be decided and the result class known.

    A member of a merge is closed alone, with a reply number of its own. What it took from
    its lead is written down as its own decision, so that its record stands by itself.

    Args:
        reply_number: of the reply that goes out with the closing; empty where it was entered.

    Raises:
        InputError: no name, unknown result class, a reply number that another member has.
        Conflict: closed already, a target still undecided, or changed since it was seen.
    """
    reply_number, why = check_reply_number(reply_number), check_why(why)
    taxonomy.check_result_class(result_class)
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    decided = settled(case)
    missing = [TARGET_NAMES[t] for t in TARGETS if t not in decided and taxonomy.labels(t)]
    if missing and case.state != "closed":
        raise Conflict(f"还不能办结:{'、'.join(missing)}尚未认定。", missing=missing)
    check_move(case, "closed")
    check_own_reply(case, reply_number)
    closed_on = closed_on or date.today()
    stood = newest_decisions(case)
    merge = active_merge(case)
    for target, found in decided.items():
        if merge is not None and found.from_merge:
            before = stood[target].label if target in stood else None
            why_taken = f"并案办理,随主件{case_name(merge.lead)}"
            # how the lead came by it stays known: who closes a member has not judged its label anew
            record_decision(
                case,
                target,
                found.label,
                before=before,
                who=who,
                why=why_taken,
                session=session,
                taken_from=found.kind,
            )
    if reply_number and reply_number != case.reply_number:
        record_reply(case, reply_number, closed_on, who=who, session=session, rules=taxonomy.rules)
    if result_class != case.result_class:
        record_result(case, result_class, found_on=closed_on, why=why, who=who, session=session)
    meet(case, ("reply", "assist", "redo"), closed_on)
    drop(case, ("objection",), closed_on)
    for row in owed(case):  # of sections that assist; their duties stay and may still be answered
        row.dropped_on = closed_on
    case.closed_on = closed_on
    move(
        case,
        "closed",
        "closed",
        who=who,
        session=session,
        result_class=result_class,
        reply_number=case.reply_number,
        why=why,
    )
    add_commitments(case.id, commitments, who=who, session=session)
    session.flush()
    session.expire(case, ["decisions", "events"])
    return case
