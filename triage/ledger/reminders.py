"""Reminders: who is due soon, late, or lacks something; each is told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from triage.errors import InputError
from triage.ledger.base import utc_now
from triage.ledger.deadlines import DEADLINE_NAMES
from triage.ledger.handling_tables import DeadlineRow, DutyRow, ReminderRow, StageRow
from triage.ledger.lacks import lacks_of
from triage.ledger.memberships import case_name
from triage.ledger.states import OPEN
from triage.ledger.tables import CaseRow, CommitmentRow
from triage.taxonomy import Taxonomy

KIND_NAMES = {"due": "将到期", "late": "已逾期", "lacks": "缺项", "look_back": "回头看"}
DAYS = 10
MAX_DAYS = 366
SETTLED_DAYS = 30  # how long after closing a case is still asked for what it lacks
CLAIM_MINUTES = 10  # after that another process may tell what the first one set out to


@dataclass(frozen=True)
class Reminder:
    """One thing to tell somebody.

    Attributes:
        mark: the same for the same reminder, so that it is told once.
        kind: a key of KIND_NAMES.
        section, leader, handler: to whom it goes; empty where nobody is named.
    """

    mark: str
    case_id: int
    kind: str
    message: str
    due_on: date | None
    section: str
    leader: str
    handler: str


def current_reminders(
    *, session: Session, taxonomy: Taxonomy, days: int = DAYS, today: date | None = None
) -> list[Reminder]:
    """All that is to be told as of ``today``, told or not; late first, then by day.

    Args:
        days: how many days ahead counts as soon, 0 to MAX_DAYS.
    """
    if not 0 <= days <= MAX_DAYS:
        raise InputError(f"提前的天数应在 0 到 {MAX_DAYS} 之间。", field="days")
    today = today or date.today()
    soon = today + timedelta(days=days)
    found = [
        *_of_deadlines(today, soon, session, taxonomy),
        *_of_stages(today, soon, session, taxonomy),
        *_of_commitments(today, soon, session, taxonomy),
        *_of_lacks(today, soon, session, taxonomy),
    ]
    order = list(KIND_NAMES)
    return sorted(
        found, key=lambda r: (r.kind != "late", order.index(r.kind), r.due_on or date.max, r.case_id)
    )


def claim_reminders(
    reminders: Iterable[Reminder], *, session: Session, now: datetime | None = None
) -> list[tuple[ReminderRow, Reminder]]:
    """Those that nobody has told yet, now claimed by the caller, who then tells them.

    What another process claimed and has not told within CLAIM_MINUTES is claimed again.
    """
    now = now or utc_now()
    wanted = {reminder.mark: reminder for reminder in reminders}
    known = {
        row.mark: row
        for row in session.scalars(select(ReminderRow).where(ReminderRow.mark.in_(list(wanted))))
    }
    claimed = []
    for mark, reminder in wanted.items():
        row = known.get(mark)
        if row is None:
            row = ReminderRow(
                mark=mark,
                case_id=reminder.case_id,
                kind=reminder.kind,
                message=reminder.message,
                due_on=reminder.due_on,
            )
            session.add(row)
        elif row.told_at or (row.claimed_at and row.claimed_at > now - timedelta(minutes=CLAIM_MINUTES)):
            continue
        row.claimed_at = now
        claimed.append((row, reminder))
    session.flush()
    return claimed


def mark_told(ids: Sequence[int], *, session: Session) -> None:
    """They were shown, or the webhook took them."""
    for row in session.scalars(select(ReminderRow).where(ReminderRow.id.in_(ids))):
        row.told_at = utc_now()


def release(ids: Sequence[int], *, session: Session) -> None:
    """They could not be told: whoever comes next may try."""
    for row in session.scalars(select(ReminderRow).where(ReminderRow.id.in_(ids))):
        row.claimed_at = None


def told_marks(*, session: Session) -> set[str]:
    """Marks of all that was told."""
    return set(session.scalars(select(ReminderRow.mark).where(ReminderRow.told_at.is_not(None))))


def _make(
    mark: str, case: CaseRow, kind: str, message: str, due_on: date | None, taxonomy: Taxonomy, section: str
) -> Reminder:
    own = section == (case.section or "")
    leader = (case.leader if own else "") or taxonomy.leader_of(section)
    return Reminder(
        mark,
        case.id,
        kind,
        f"{case_name(case)}《{case.title or case.body[:20]}》{message}",
        due_on,
        section,
        leader,
        case.handler if own else "",
    )


def _when(due_on: date, today: date) -> tuple[str, str]:
    """Kind of the reminder, and the words for it."""
    left = (due_on - today).days
    if left < 0:
        return "late", f"已逾期 {-left} 天(期限 {due_on})"
    return "due", f"今天到期({due_on})" if left == 0 else f"还有 {left} 天到期({due_on})"


def _of_deadlines(today: date, soon: date, session: Session, taxonomy: Taxonomy) -> Iterator[Reminder]:
    rows = session.execute(
        select(DeadlineRow, CaseRow, DutyRow)
        .join(CaseRow, CaseRow.id == DeadlineRow.case_id)
        .outerjoin(DutyRow, DutyRow.id == DeadlineRow.duty_id)
        .where(DeadlineRow.due_on <= soon, DeadlineRow.met_on.is_(None), DeadlineRow.dropped_on.is_(None))
    )
    for deadline, case, duty in rows:
        kind, words = _when(deadline.due_on, today)
        if deadline.kind == "objection" and kind == "late":
            continue  # a window that closed; nothing is owed
        section = duty.section if duty else case.section or ""
        what = f"{duty.section}{'会办意见' if duty.kind == 'assist' else '分办事项'}" if duty else ""
        what = what or DEADLINE_NAMES[deadline.kind]
        mark = f"{kind}:deadline:{deadline.id}:{deadline.due_on}"
        yield _make(mark, case, kind, f"{what}{words}", deadline.due_on, taxonomy, section)


def _of_stages(today: date, soon: date, session: Session, taxonomy: Taxonomy) -> Iterator[Reminder]:
    rows = session.execute(
        select(StageRow, CaseRow)
        .join(CaseRow, CaseRow.id == StageRow.case_id)
        .where(StageRow.due_on <= soon, StageRow.done_on.is_(None), StageRow.dropped_on.is_(None))
    )
    for stage, case in rows:
        kind, words = _when(stage.due_on, today)
        message = f"阶段“{stage.what[:30]}”{words}"
        mark = f"{kind}:stage:{stage.id}:{stage.due_on}"
        yield _make(mark, case, kind, message, stage.due_on, taxonomy, case.section or "")


def _of_commitments(today: date, soon: date, session: Session, taxonomy: Taxonomy) -> Iterator[Reminder]:
    """Due and late ones; and in each quarter the open ones that nobody has looked back at."""
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    rows = session.execute(
        select(CommitmentRow, CaseRow)
        .join(CaseRow, CaseRow.id == CommitmentRow.case_id)
        .where(CommitmentRow.kept_on.is_(None))
        .options(selectinload(CommitmentRow.look_backs))
    )
    for commitment, case in rows:
        what, section = f"承诺“{commitment.what[:30]}”", case.section or ""
        if commitment.due_on is not None and commitment.due_on <= soon:
            kind, words = _when(commitment.due_on, today)
            mark = f"{kind}:commitment:{commitment.id}:{commitment.due_on}"
            yield _make(mark, case, kind, f"{what}{words}", commitment.due_on, taxonomy, section)
        seen = [look.looked_on for look in commitment.look_backs]
        if commitment.created_at.date() < quarter and not any(day >= quarter for day in seen):
            mark = f"look_back:commitment:{commitment.id}:{quarter}"
            message = f"{what}本季度还没有回头看"
            yield _make(mark, case, "look_back", message, commitment.due_on, taxonomy, section)


def _of_lacks(today: date, soon: date, session: Session, taxonomy: Taxonomy) -> Iterator[Reminder]:
    recently = CaseRow.closed_on >= today - timedelta(days=SETTLED_DAYS)
    rows = session.scalars(
        select(CaseRow)
        .where(or_(CaseRow.state.in_(OPEN), (CaseRow.state == "closed") & recently))
        .options(selectinload(CaseRow.contacts), selectinload(CaseRow.replies), selectinload(CaseRow.stages))
    )
    for case in rows:
        if case.closed_on and case.created_at.date() > case.closed_on:
            continue  # entered as a past year's record, as complete as it was then
        for name, message in lacks_of(case, taxonomy, today=today, soon=soon):
            yield _make(
                f"lacks:{name}:{case.id}", case, "lacks", message, case.due_on, taxonomy, case.section or ""
            )
