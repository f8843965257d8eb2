"""The sets of cases behind a year's figures, as conditions that the database answers.

Each means what triage.ledger.year counts; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, func, not_, or_, select
from sqlalchemy.orm import aliased

from triage.ledger.contacts import FACE_TO_FACE, SATISFIED
from triage.ledger.deadlines import MAIN
from triage.ledger.handling_tables import ContactRow, DeadlineRow, FeedbackRow
from triage.ledger.lacks import ANSWERS_DEPUTY
from triage.ledger.tables import CaseRow, DecisionRow, MergeMemberRow, PredictionRow

Condition = ColumnElement[bool]
YES_OR_NO = {"yes": True, "no": False}
HOWS = {
    "auto": "auto",
    "confirmed": "confirm",
    "overridden": "override",
}  # asked for, and the kind of decision
_WAITING = ("received", "in_review")


def was_merged() -> Condition:
    """In a merge now."""
    return exists().where(MergeMemberRow.case_id == CaseRow.id, MergeMemberRow.left_at.is_(None))


def was_contacted(wanted: bool) -> Condition:
    """Of the cases that the bureau answers: whether the deputy was talked to at all."""
    return and_(_is_answered(), _either(wanted, _has_contact()))


def was_met(wanted: bool) -> Condition:
    """Of the cases that the bureau answers: whether the deputy was met face to face."""
    return and_(_is_answered(), _either(wanted, _has_contact(ContactRow.how.in_(FACE_TO_FACE))))


def was_satisfied(wanted: bool) -> Condition:
    """Whether the newest word of any of its deputies was satisfied; for False, was not."""
    later = aliased(FeedbackRow)
    verdict = FeedbackRow.verdict.in_(SATISFIED)
    return exists().where(
        FeedbackRow.case_id == CaseRow.id,
        FeedbackRow.struck_on.is_(None),
        _either(wanted, verdict),
        ~exists().where(
            later.case_id == FeedbackRow.case_id,
            later.deputy == FeedbackRow.deputy,
            later.struck_on.is_(None),
            later.id > FeedbackRow.id,
        ),
    )


def was_on_time(wanted: bool) -> Condition:
    """Answered by its day; for False, answered later or overdue. Neither holds while it may still be."""
    due, newer = aliased(DeadlineRow), aliased(DeadlineRow)
    newest = select(func.max(newer.id)).where(newer.case_id == CaseRow.id, *_of_the_case(newer))
    if wanted:
        told: Condition = due.met_on <= due.due_on
    else:
        told = or_(due.met_on > due.due_on, and_(due.met_on.is_(None), due.due_on < date.today()))
    # looked up by its number: a case has few deadlines, and only its newest is asked
    return exists().where(due.id == newest.correlate(CaseRow).scalar_subquery(), told)


def was_decided(how: str, target: str) -> Condition:
    """Predicted, and what stands for the target was decided so on a prediction."""
    stands, newer = aliased(DecisionRow), aliased(DecisionRow)
    newest = select(func.max(newer.id)).where(newer.case_id == CaseRow.id, newer.target == target)
    return and_(
        CaseRow.state.not_in(_WAITING),
        exists().where(PredictionRow.case_id == CaseRow.id, PredictionRow.target == target),
        exists().where(
            stands.id == newest.correlate(CaseRow).scalar_subquery(),
            stands.kind == HOWS[how],
            stands.prediction_id.is_not(None),
        ),
    )


ASKED: dict[str, Callable[[bool], Condition]] = {
    "on_time": was_on_time,
    "contacted": was_contacted,
    "met": was_met,
    "satisfied": was_satisfied,
}


def _is_answered() -> Condition:
    return and_(CaseRow.role.in_(ANSWERS_DEPUTY), CaseRow.state != "returned")


def _has_contact(*more: Condition) -> Condition:
    return exists().where(ContactRow.case_id == CaseRow.id, ContactRow.struck_on.is_(None), *more)


def _of_the_case(row: type[DeadlineRow]) -> list[Condition]:
    return [row.kind.in_(MAIN), row.duty_id.is_(None), row.dropped_on.is_(None)]


def _either(wanted: bool, condition: Condition) -> Condition:
    return condition if wanted else not_(condition)
