"""Intake: a submission becomes a case once, however often it is sent."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from triage.ledger.case_words import put_words
from triage.ledger.deadlines import open_deadline, open_main_deadline
from triage.ledger.events import add_event
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.ledger.versions import begin_versions
from triage.periods import Rules

_LATER = (
    *("memberships", "commitments", "duties", "stages", "contacts"),
    *("replies", "results", "feedback", "meetings"),
)


def find_case(submission: Submission, *, session: Session) -> CaseRow | None:
    """The case that this submission already is: same session and number, or same key."""
    same: list[ColumnElement[bool]] = []
    if submission.number:
        same.append((CaseRow.session == submission.session) & (CaseRow.number == submission.number))
    if submission.key:
        same.append(CaseRow.idempotency_key == submission.key)
    return session.scalars(select(CaseRow).where(or_(*same)).order_by(CaseRow.id)).first()


def add_case(
    submission: Submission,
    *,
    who: str,
    session: Session,
    rules: Rules | None = None,
    imported: bool = False,
    state: str = "received",
    **detail: Any,
) -> CaseRow:
    """A new row, with its event and its deadlines.

    Args:
        rules: how deadlines are counted; the usual ones by default.
        imported: from another ledger: no window for giving it back is opened.
        state: where it stands on record there.
        detail: what else the event should keep.
    """
    rules = rules or Rules()
    case = CaseRow(
        session=submission.session,
        number=submission.number or None,
        idempotency_key=submission.key,
        kind=submission.kind,
        title=submission.title,
        body=submission.body,
        deputy=submission.deputy,
        cosigners=submission.cosigners,
        delegation=submission.delegation,
        role=submission.role,
        lead_unit=submission.lead_unit,
        phone=submission.phone,
        proposed_unit=submission.proposed_unit,
        received_on=submission.received_on or date.today(),
        content_sha256=submission.sha256,
        state=state,
        route="review",
    )
    session.add(case)
    session.flush()
    put_words([case], session=session)
    begin_versions(case, session=session)
    open_main_deadline(case, rules, session=session)
    if not imported:
        open_deadline(case, "objection", rules.objection, case.received_on, session=session)
    add_event(
        "imported" if imported else "received",
        who=who,
        session=session,
        case_id=case.id,
        sha256=submission.sha256,
        state=state,
        due_on=case.due_on.isoformat() if case.due_on else None,
        **detail,
    )
    return case


def nothing_yet(case: CaseRow) -> None:
    """Spare a case that was taken in just now the questions for what only later acts can add.

    Each such act raises the version; a case that another one was faster with is asked all the same.
    """
    if case.version == 1:
        for name in _LATER:
            set_committed_value(case, name, [])


def note_resent(case: CaseRow, submission: Submission, *, who: str, session: Session) -> bool:
    """Record that the item came again; True where its content differs from what we hold.

    The differing text is kept in the event, so nothing that was sent is lost.
    """
    if submission.sha256 == case.content_sha256 or _holds(case, submission):
        return False
    seen = [e.detail.get("sha256") for e in case.events if e.kind == "resent"]
    if submission.sha256 not in seen:
        detail = {k: v for k, v in submission.__dict__.items() if k != "received_on"}
        add_event("resent", who=who, session=session, case_id=case.id, sha256=submission.sha256, sent=detail)
    return True


def _holds(case: CaseRow, submission: Submission) -> bool:
    """Whether the case has all that came, though not every field was sent the first time.

    Line ends are told apart by no sheet, and the day of receipt may have been set by intake.
    """
    sent = {k: v for k, v in submission.__dict__.items() if k not in ("received_on", "idempotency_key")}
    same = all(_lines(value) == _lines(getattr(case, name) or "") for name, value in sent.items())
    return same and submission.received_on in (None, case.received_on)


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())
