"""Cases for tests of the ledger alone: in, and waiting for somebody to decide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from triage.desk import Desk, Receipt
from triage.ledger.events import add_event
from triage.ledger.intake import add_case
from triage.ledger.records import Decided, Record
from triage.ledger.states import move
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow


def arrive(submission: Submission, *, session: Session, who: str = "系统", **more: Any) -> CaseRow:
    """The submission as a case in review, as intake leaves what is not sure."""
    case = add_case(submission, who=who, session=session, **more)
    move(case, "in_review", "queued", who=who, session=session)
    return case


def note(session: Session) -> None:
    """An event for what a test writes by itself: nothing changes without one."""
    add_event("queued", who="测试", session=session)


def enter_closed(
    desk: Desk, submission: Submission, labels: Mapping[str, str], *, who: str = "李", **more: Any
) -> Receipt:
    """A closed case of an earlier year, with what was decided of it."""
    decided = {target: Decided(label) for target, label in labels.items() if label}
    return desk.enter(Record(submission, labels=decided, **more), who=who)
