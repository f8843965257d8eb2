"""Giving a case back to whoever handed it out (退办), and what becomes of that."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.claims import begin_act
from triage.ledger.deadlines import MAIN, open_deadlines, owed
from triage.ledger.handling import check_alone
from triage.ledger.handling_tables import DeadlineRow
from triage.ledger.states import STATE_NAMES, move
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_text, needed_text, needed_why


def return_case(
    case_id: int,
    *,
    why: str,
    proposed_unit: str,
    who: str,
    session: Session,
    consent: str = "",
    seen_version: int | None = None,
) -> CaseRow:
    """Give the case back to who handed it out (退办), with a reason and the unit that should have it.

    Nothing is due of it any more, neither of the case nor of sections that assist.
    After the window only with ``consent``: who agreed, and how.

    Raises:
        InputError: no name, reason or unit.
        Conflict: too late without consent, in a merge, or in a state that does not allow it.
    """
    why = needed_why(why, "请写明退办的理由。")
    unit = needed_text(proposed_unit, 200, field="proposed_unit", name="建议的承办单位")
    consent = check_text(consent, 500, field="consent", name="同意退办的单位和文号")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    check_alone(case, "退办")
    windows = [d for d in case.deadlines if d.kind == "objection"]
    late = bool(windows) and windows[-1].due_on < date.today()
    if late and not consent:
        raise Conflict(
            f"退办期限({windows[-1].due_on})已过,须经交办单位同意,请写明同意的单位和文号。",
            due_on=windows[-1].due_on.isoformat(),
        )
    due = owed(case)
    move(
        case,
        "returned",
        "returned",
        who=who,
        session=session,
        why=why,
        proposed_unit=unit,
        consent=consent,
        window=windows[-1].due_on.isoformat() if windows else None,
        late=late,
        dropped=[row.id for row in due],
    )
    today = date.today()
    for row in open_deadlines(case, ("objection",)):
        row.met_on = today
    for row in due:
        row.dropped_on = today
    return case


def refuse_return(
    case_id: int, *, why: str, who: str, session: Session, seen_version: int | None = None
) -> CaseRow:
    """The case came back: whoever handed it out did not agree. What was due counts as before.

    Raises:
        InputError: no name or reason.
        Conflict: the case was not given back, or changed since it was seen.
    """
    why = needed_why(why, "请写明未获同意的说明。")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.state != "returned":  # other states lead back to review as well, by other acts
        raise Conflict(f"本件{STATE_NAMES[case.state]},没有退办。", state=case.state)
    move(case, "in_review", "return_refused", who=who, session=session, why=why)
    done = {d.id for d in case.duties if d.answered_on or d.withdrawn_on}  # meanwhile
    for row in _dropped(case):
        if row.duty_id not in done:
            row.dropped_on = None
    return case


def _dropped(case: CaseRow) -> list[DeadlineRow]:
    """The deadlines that the latest return dropped."""
    detail = next((e.detail for e in reversed(case.events) if e.kind == "returned"), {})
    if "dropped" in detail:
        return [d for d in case.deadlines if d.id in detail["dropped"]]
    # a return written before it named them, or on record elsewhere, dropped the case's own alone
    own = [d for d in case.deadlines if d.kind in MAIN and d.duty_id is None]
    return own[-1:]
