"""Duties (协办, 分办): what other sections of the bureau owe the section that leads a case."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.claims import begin_act
from triage.ledger.deadlines import drop, meet, open_deadline
from triage.ledger.events import add_event
from triage.ledger.handling_tables import DutyRow
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_past, check_text, needed_text, needed_why
from triage.periods import Rules
from triage.taxonomy import Taxonomy

DUTY_NAMES = {"assist": "协办", "split": "分办"}
MAX_TASK = 2_000
MAX_ANSWER = 20_000


def add_duty(
    case_id: int,
    section: str,
    *,
    kind: str = "assist",
    task: str = "",
    handler: str = "",
    who: str,
    session: Session,
    taxonomy: Taxonomy,
    due_on: date | None = None,
    seen_version: int | None = None,
) -> DutyRow:
    """Ask another section for an opinion, or give it a part of a split case.

    The opinion is due under the rule for assisting, but before the case itself; it goes to the
    section that leads, never to the deputy. A part of a split case is due with the case.

    Args:
        due_on: another day than the rule's.

    Raises:
        InputError: no name, unknown section or kind, a part without a task, due after the case.
        Conflict: the section leads or has this duty already, or the case is done with.
    """
    if kind not in DUTY_NAMES:
        raise InputError(f"“{kind}”无效,可选:{'、'.join(DUTY_NAMES)}。", field="kind")
    taxonomy.check_label("section", section)
    task = check_text(task, MAX_TASK, field="task", name="协办内容")
    if kind == "split" and not task:
        raise InputError("分办要写明该科室办理的部分。", field="task")
    handler = check_text(handler, 100, field="handler", name="承办人")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if case.state in ("replied", "closed", "returned"):
        raise Conflict(f"本件{STATE_NAMES[case.state]},不再交科室协办。", state=case.state)
    if section == case.section:
        raise Conflict(f"{section}是本件的主办科室。", section=section)
    if any(d.section == section and d.withdrawn_on is None for d in case.duties):
        raise Conflict(f"{section}已在协办本件。", section=section)
    return record_duty(
        case,
        section,
        kind=kind,
        task=task,
        handler=handler,
        due_on=due_on,
        who=who,
        session=session,
        rules=taxonomy.rules,
    )


def record_duty(
    case: CaseRow,
    section: str,
    *,
    who: str,
    session: Session,
    rules: Rules,
    kind: str = "assist",
    task: str = "",
    handler: str = "",
    due_on: date | None = None,
) -> DutyRow:
    """Append the duty, its deadline and its event; the caller has checked it.

    Raises:
        InputError: due after the case.
    """
    duty = DutyRow(case_id=case.id, section=section, kind=kind, task=task, handler=handler)
    session.add(duty)
    session.flush()
    deadline = _open(case, duty, due_on, rules, session)
    add_event(
        "duty_added",
        who=who,
        session=session,
        case_id=case.id,
        duty_id=duty.id,
        duty=kind,
        label=section,
        task=task,
        due_on=deadline,
    )
    session.expire(case, ["duties", "deadlines"])
    return duty


def _open(case: CaseRow, duty: DutyRow, due_on: date | None, rules: Rules, session: Session) -> str:
    """The duty's deadline: by rule, or the day that was named; never after the case's own."""
    today = date.today()
    # of a case that is late already nothing can be asked in time
    latest = case.due_on if case.due_on is not None and case.due_on >= today else None
    if due_on is not None and latest is not None and due_on > latest:
        raise InputError(f"协办期限不能晚于本件的答复期限({latest})。", field="due_on")
    row = open_deadline(
        case,
        "assist" if duty.kind == "assist" else "reply",
        rules.assist if duty.kind == "assist" else rules.reply,
        today,
        session=session,
        duty_id=duty.id,
    )
    if due_on is not None:
        row.due_on, row.rule = due_on, ""
    elif latest is not None and (duty.kind == "split" or row.due_on > latest):
        row.due_on, row.rule = latest, ""
    session.flush()
    return row.due_on.isoformat()


def answer_duty(
    duty_id: int,
    answer: str,
    *,
    who: str,
    session: Session,
    answered_on: date | None = None,
    handler: str = "",
) -> DutyRow:
    """The section's opinion reached the lead section, or its part is done.

    Raises:
        InputError: no name, no answer, a day to come.
        NotFound: no such duty.
        Conflict: answered or withdrawn already.
    """
    answer = needed_text(answer, MAX_ANSWER, field="answer", name="协办意见")
    handler = check_text(handler, 100, field="handler", name="承办人")
    answered_on = check_past(answered_on, field="answered_on", name="回复日期")
    case, duty, who = _open_duty(duty_id, who, session)
    duty.answer, duty.answered_on = answer, answered_on
    duty.handler = handler or duty.handler
    meet(case, ("assist", "reply"), answered_on, duty.id)
    add_event(
        "duty_answered",
        who=who,
        session=session,
        case_id=case.id,
        duty_id=duty.id,
        duty=duty.kind,
        label=duty.section,
        addressee=case.section or "",
        answer=answer,
        answered_on=answered_on.isoformat(),
    )
    session.flush()
    return duty


def withdraw_duty(duty_id: int, *, why: str, who: str, session: Session) -> DutyRow:
    """The section is let off, with the reason."""
    why = needed_why(why, "请写明撤回协办的理由。")
    case, duty, who = _open_duty(duty_id, who, session)
    duty.withdrawn_on = date.today()
    drop(case, ("assist", "reply"), duty.withdrawn_on, duty.id)
    add_event(
        "duty_withdrawn",
        who=who,
        session=session,
        case_id=case.id,
        duty_id=duty.id,
        duty=duty.kind,
        label=duty.section,
        why=why,
    )
    session.flush()
    return duty


def _open_duty(duty_id: int, who: str, session: Session) -> tuple[CaseRow, DutyRow, str]:
    duty = session.get(DutyRow, duty_id) if 0 < duty_id < 2**63 else None
    if duty is None:
        raise NotFound(f"台账中没有编号为 {duty_id} 的协办事项。")
    case, who = begin_act(duty.case_id, who=who, session=session)
    if duty.answered_on or duty.withdrawn_on:
        raise Conflict(f"{duty.section}的协办已办结或已撤回。", section=duty.section)
    return case, duty, who
