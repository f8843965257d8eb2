"""Taking back what one has just decided (撤回认定): nothing is deleted, what stood before counts again."""

from __future__ import annotations

from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.claims import begin_act
from triage.ledger.events import add_event
from triage.ledger.memberships import active_merge
from triage.ledger.states import move
from triage.ledger.tables import CaseRow, EventRow, WithdrawalRow

# what an act of deciding writes; anything else in the newest version is another act
_OF_DECIDING = ("confirmed", "overridden", "assigned")


def withdraw_decisions(
    case_id: int, *, who: str, session: Session, seen_version: int | None = None
) -> CaseRow:
    """Take back the decisions of the case's newest change, if they are one's own.

    The case goes back to where it stood; a handler who was let go by them is named again.

    Raises:
        InputError: no name. NotFound: no such case.
        Conflict: something else happened since, somebody else decided, or others follow the case.
    """
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    act = _newest_act(case)
    decided = [event for event in act if event.kind in ("confirmed", "overridden")]
    if not decided or any(event.kind not in _OF_DECIDING for event in act):
        raise Conflict("最近一步不是认定,不能撤回;请直接改认定。", version=case.version)
    if any(event.who != who for event in act):
        raise Conflict(f"最近一步是{act[0].who}办的,只有本人能撤回;请直接改认定。", version=case.version)
    if active_merge(case) is not None:
        raise Conflict("并案办理的件不能撤回认定,请直接改认定。", version=case.version)
    targets = {event.detail["target"] for event in decided}
    for target in targets:
        newest = [decision for decision in case.decisions if decision.target == target][-1]
        session.add(WithdrawalRow(decision_id=newest.id, who=who))
    labels = [str(event.detail["label"]) for event in decided]
    assigned = next((event.detail for event in act if event.kind == "assigned"), {})
    if "handler_before" in assigned:
        case.handler = assigned["handler_before"]
    if "state_before" in assigned:
        move(case, assigned["state_before"], "withdrawn", who=who, session=session, labels=labels)
    else:
        add_event("withdrawn", who=who, session=session, case_id=case.id, labels=labels)
    session.flush()
    session.refresh(case, ["decisions", "events"])
    return case


def _newest_act(case: CaseRow) -> list[EventRow]:
    """The events of the case's newest change; this act's own are not there yet."""
    last = max((event.version or 0 for event in case.events), default=0)
    return [event for event in case.events if event.version == last]
