"""Cases of earlier years, entered as they were closed then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy.orm import Session

from triage.ledger.commitments import Commitment, add_commitments
from triage.ledger.deadlines import DEADLINE_NAMES, MAIN, drop, meet
from triage.ledger.decisions import add_decision
from triage.ledger.intake import add_case
from triage.ledger.replies import record_reply, record_result
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.periods import Rules

RECORD = "往年办结记录"


def add_past_case(
    submission: Submission,
    labels: Mapping[str, str],
    *,
    who: str,
    session: Session,
    rules: Rules,
    result_class: str = "",
    reply_number: str = "",
    closed_on: date | None = None,
    commitments: Sequence[Commitment] = (),
) -> CaseRow:
    """A new row in state closed, with what was decided, answered and promised.

    Args:
        labels: target to label; an empty label was not recorded. All has been checked.
    """
    given = {target: label for target, label in labels.items() if label}
    case = add_case(
        submission,
        who=who,
        session=session,
        rules=rules,
        imported=True,
        labels=given,
        result_class=result_class,
    )
    case.state, case.route_reason = "closed", "往年办结件导入"
    case.closed_on = closed_on
    done_on = closed_on or case.received_on
    if reply_number:
        record_reply(case, reply_number, done_on, who=who, session=session, rules=rules)
    if result_class:
        record_result(case, result_class, found_on=done_on, why=RECORD, who=who, session=session)
    for target, label in given.items():
        add_decision(case, target, label, kind="closed", who=who, why=RECORD, session=session)
    if closed_on is not None:
        meet(case, MAIN, closed_on)
    drop(case, tuple(DEADLINE_NAMES), done_on)  # a past year is over: nothing of it is still due
    add_commitments(case.id, commitments, who=who, session=session)
    return case
