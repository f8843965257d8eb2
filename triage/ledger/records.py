"""Cases as another ledger has them on record: entered whole, closed or still open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from triage.ledger.commitments import Commitment, add_commitments
from triage.ledger.contacts import record_contact, record_feedback
from triage.ledger.deadlines import DEADLINE_NAMES, MAIN, drop, meet, open_deadlines
from triage.ledger.decisions import add_decision
from triage.ledger.duties import record_duty
from triage.ledger.events import add_event
from triage.ledger.intake import add_case
from triage.ledger.replies import record_reply, record_result
from triage.ledger.states import OPEN
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.periods import Rules

RECORD = "导入的台账记载"


@dataclass(frozen=True)
class Decided:
    """How a label was decided, as the other ledger has it."""

    label: str
    kind: str = "closed"
    who: str = ""


@dataclass(frozen=True)
class Contact:
    """A contact with a deputy; the first signer where none is named."""

    held_on: date
    how: str
    deputy: str = ""
    what: str = ""


@dataclass(frozen=True)
class Feedback:
    """What a deputy said of the reply; the first signer where none is named."""

    given_on: date
    verdict: str
    deputy: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Record:
    """Everything that a ledger says of one case; checked by whoever makes it.

    Attributes:
        state: a key of STATE_NAMES.
        labels: target to what was decided.
        due_on: where it differs from what the rules give.
        assists: sections that assist, with what is left to the record.
        place: sheet and line that it was read from.
    """

    submission: Submission
    state: str = "closed"
    labels: Mapping[str, Decided] = field(default_factory=dict)
    result_class: str = ""
    reply_number: str = ""
    replied_on: date | None = None
    closed_on: date | None = None
    due_on: date | None = None
    key_on: date | None = None
    leader: str = ""
    handler: str = ""
    assists: Sequence[str] = ()
    contacts: Sequence[Contact] = ()
    feedback: Sequence[Feedback] = ()
    commitments: Sequence[Commitment] = ()
    flags: Sequence[str] = ()

    @property
    def done_on(self) -> date | None:
        """The last day that is on record of it; of an open case the day it came in."""
        return self.closed_on or self.replied_on or self.submission.received_on


def add_record(record: Record, *, who: str, session: Session, rules: Rules, **detail: Any) -> CaseRow:
    """A new case as it stands on record, with events that say who entered it.

    A deputy's 不满意 on record opens no redo: what followed is on record as well.
    """
    given = record.labels
    case = add_case(
        record.submission,
        who=who,
        session=session,
        rules=rules,
        imported=True,
        state=record.state,
        labels={target: decided.label for target, decided in given.items()},
        decided_by={target: decided.who for target, decided in given.items() if decided.who},
        result_class=record.result_class,
        **detail,
    )
    case.route_reason = RECORD
    case.leader, case.handler, case.key_on = record.leader, record.handler, record.key_on
    for target, decided in given.items():
        by = decided.who or who
        add_decision(case, target, decided.label, kind=decided.kind, who=by, why=RECORD, session=session)
    for flag in record.flags:
        add_event("flagged", who=who, session=session, case_id=case.id, flag=flag, score=0.0, why=RECORD)
    _deadline(case, record)
    for section in record.assists:
        record_duty(case, section, who=who, session=session, rules=rules)
    for contact in record.contacts:
        record_contact(
            case, contact.how, contact.deputy, contact.held_on, contact.what, who=who, session=session
        )
    _outcome(case, record, who=who, session=session, rules=rules)
    add_commitments(case.id, record.commitments, who=who, session=session)
    return case


def _deadline(case: CaseRow, record: Record) -> None:
    found = open_deadlines(case, MAIN)
    if record.due_on is not None and found and found[-1].due_on != record.due_on:
        found[-1].due_on, found[-1].rule = record.due_on, ""
        case.due_on = record.due_on


def _outcome(case: CaseRow, record: Record, *, who: str, session: Session, rules: Rules) -> None:
    """What came of it: reply, result, feedback, closing."""
    done_on = record.done_on or case.received_on
    if record.reply_number or record.replied_on:
        replied_on = record.replied_on or done_on
        record_reply(
            case, record.reply_number, replied_on, who=who, session=session, rules=rules, moved=False
        )
    if record.result_class:
        record_result(case, record.result_class, found_on=done_on, why=RECORD, who=who, session=session)
    for said in record.feedback:
        record_feedback(
            case, said.verdict, said.deputy, said.given_on, said.comment, who=who, session=session
        )
    if record.state in OPEN:
        return
    case.closed_on = record.closed_on
    if record.closed_on is not None:
        meet(case, MAIN, record.closed_on)
    for duty in case.duties:
        duty.answered_on = done_on
        drop(case, tuple(DEADLINE_NAMES), done_on, duty.id)
    drop(case, tuple(DEADLINE_NAMES), done_on)  # what is over is not due any more
