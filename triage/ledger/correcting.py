"""A second look at a closed case: its label put right, or found right, as a new decision.

The case stays closed; what was decided before stays in the ledger. What is learned next follows it.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.claims import begin_act
from triage.ledger.decisions import record_decision
from triage.ledger.memberships import settled_labels
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow
from triage.ledger.texts import needed_why
from triage.taxonomy import TARGETS, Taxonomy


def correct_label(
    case_id: int,
    *,
    target: str,
    label: str,
    who: str,
    why: str,
    session: Session,
    taxonomy: Taxonomy,
    seen_version: int | None = None,
) -> CaseRow:
    """Say what a closed case's label should have been; the one that stands, where it was right.

    Raises:
        InputError: no name or reason, unknown target or label.
        Conflict: the case is not closed, or changed since it was seen.
    """
    why = needed_why(why, "请写明为什么更正,或为什么没有错。")
    case, who = begin_act(case_id, who=who, session=session, seen_version=seen_version)
    if target not in TARGETS:
        raise InputError(f"没有“{target[:40]}”这个认定项,可选:{'、'.join(TARGETS)}。", field="target")
    if case.state != "closed":
        raise Conflict(f"本件{STATE_NAMES[case.state]},没有办结,请直接更改认定。", state=case.state)
    stood = settled_labels(case).get(target)
    if label != stood:  # what stands may be called otherwise by now, and still have been right
        try:
            taxonomy.check_label(target, label)
        except InputError as error:
            raise InputError(error.message, field="label") from None
    record_decision(
        case,
        target,
        label,
        before=stood,
        who=who,
        why=why,
        session=session,
        kind="confirm" if label == stood else "override",
        after_closing=True,
    )
    session.flush()
    session.expire(case, ["decisions", "events"])
    return case
