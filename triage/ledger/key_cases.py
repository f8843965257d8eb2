"""Key cases (重点督办): marked, and driven by meetings that settle something (专题调度)."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.claims import begin_act
from triage.ledger.events import add_event
from triage.ledger.handling_tables import MeetingRow
from triage.ledger.tables import CaseRow
from triage.ledger.texts import MAX_NOTE, check_past, check_text, needed_text, needed_why


def mark_key(
    case_id: int, *, why: str, who: str, session: Session, seen_version: int | None = None
) -> CaseRow:
    """The case becomes a key one; raises Conflict where it is."""
    why = needed_why(why, "请写明列为重点督办的依据。")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.key_on is not None:
        raise Conflict(f"本件已于 {case.key_on} 列为重点督办。")
    case.key_on = date.today()
    add_event("key_marked", who=who, session=session, case_id=case.id, why=why)
    return case


def unmark_key(
    case_id: int, *, why: str, who: str, session: Session, seen_version: int | None = None
) -> CaseRow:
    """The case is a key one no longer; raises Conflict where it is none."""
    why = needed_why(why, "请写明取消重点督办的理由。")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.key_on is None:
        raise Conflict("本件不是重点督办件。")
    before, case.key_on = case.key_on, None
    add_event("key_unmarked", who=who, session=session, case_id=case.id, before=before.isoformat(), why=why)
    return case


def add_meeting(
    case_id: int,
    settled: str,
    *,
    who: str,
    session: Session,
    held_on: date | None = None,
    chair: str = "",
    attendees: str = "",
    seen_version: int | None = None,
) -> MeetingRow:
    """A meeting on the case and what it settled.

    Raises:
        InputError: no name, nothing settled, a day to come.
    """
    settled = needed_text(settled, MAX_NOTE, field="settled", name="议定事项")
    chair = check_text(chair, 100, field="chair", name="主持人")
    attendees = check_text(attendees, 2_000, field="attendees", name="参加人")
    held_on = check_past(held_on, field="held_on", name="会议日期")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    row = MeetingRow(case_id=case.id, held_on=held_on, chair=chair, attendees=attendees, settled=settled)
    session.add(row)
    session.flush()
    add_event(
        "meeting_held",
        who=who,
        session=session,
        case_id=case.id,
        meeting_id=row.id,
        held_on=held_on.isoformat(),
        chair=chair,
        settled=settled,
    )
    session.expire(case, ["meetings"])
    return row
