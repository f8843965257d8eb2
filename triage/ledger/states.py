"""The states of a case and what may follow what, in one place."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.events import add_event
from triage.ledger.tables import CaseRow

STATE_NAMES = {
    "received": "已收件",
    "in_review": "待认定",
    "assigned": "已分办",
    "accepted": "已签收",
    "in_handling": "办理中",
    "replied": "已答复",
    "closed": "已办结",
    "returned": "已退办",
}
OPEN = ("received", "in_review", "assigned", "accepted", "in_handling", "replied")
# steps forward may be skipped, since the record may be kept later than the work; back leads only
# what its section gave up, what goes to another section, what left the merge it followed, and
# what must be done again
NEXT = {
    "received": {"in_review", "assigned", "closed"},
    "in_review": {"assigned", "returned"},
    "assigned": {"in_review", "accepted", "in_handling", "replied", "closed", "returned"},
    "accepted": {"in_review", "assigned", "in_handling", "replied", "closed", "returned"},
    "in_handling": {"in_review", "assigned", "replied", "closed"},
    "replied": {"in_handling", "closed"},
    "closed": {"in_handling"},
    "returned": {"in_review"},
}


def check_move(case: CaseRow, state: str) -> None:
    """Raises Conflict where the state may not follow the present one."""
    if state not in NEXT[case.state]:
        if case.state == "closed":
            raise Conflict("本件已办结销号,不能再改。", state=case.state)
        raise Conflict(f"本件{STATE_NAMES[case.state]},不能转为{STATE_NAMES[state]}。", state=case.state)


def move(case: CaseRow, state: str, kind: str, *, who: str, session: Session, **detail: Any) -> None:
    """Set the state with the event ``kind`` that says so; raises Conflict where it may not follow."""
    check_move(case, state)
    before, case.state = case.state, state
    add_event(kind, who=who, session=session, case_id=case.id, state_before=before, state=state, **detail)


def assign(case: CaseRow, label: str, *, who: str, session: Session, **detail: Any) -> None:
    """A section (``label``) has the case: for the first time, or after another one had it.

    Another section accepts anew and names its own handler. What is replied to stays as it is.
    """
    if case.state in ("received", "in_review"):
        move(case, "assigned", "assigned", who=who, session=session, label=label, **detail)
    elif case.state in ("assigned", "accepted", "in_handling") and case.section not in (None, label):
        handler, case.handler = case.handler, ""
        gone = {"label": label, "section_before": case.section, "handler_before": handler, **detail}
        if case.state == "assigned":
            add_event("assigned", who=who, session=session, case_id=case.id, **gone)
        else:
            move(case, "assigned", "assigned", who=who, session=session, **gone)
