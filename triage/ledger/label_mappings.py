"""What a person says of a closed case whose label was split since: under which of today's labels it teaches.

The case itself keeps the label that it was closed under: that is the record.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.cases import get_case
from triage.ledger.decisions import newest_decisions
from triage.ledger.events import add_event
from triage.ledger.learning_tables import LabelMappingRow
from triage.ledger.texts import check_who, check_why
from triage.taxonomy import Taxonomy


def reviewed_labels(target: str, *, session: Session) -> dict[str, str]:
    """Case to the label that a person gave it for learning; the newest counts."""
    rows = session.execute(
        select(LabelMappingRow.case_id, LabelMappingRow.label)
        .where(LabelMappingRow.target == target)
        .order_by(LabelMappingRow.id)
    )
    return {str(case_id): label for case_id, label in rows}


def add_mapping(
    case_id: int, target: str, label: str, *, who: str, session: Session, taxonomy: Taxonomy, why: str = ""
) -> LabelMappingRow:
    """Let the case teach ``label``.

    Raises:
        NotFound: no such case. InputError: no name, or a label that did not take over from the case's own.
        Conflict: the case is not closed, or its label was not split.
    """
    who, why = check_who(who), check_why(why)
    case = get_case(case_id, session=session)
    decision = newest_decisions(case).get(target)
    names = taxonomy.current_names(target, decision.label) if decision else ()
    if case.state != "closed" or decision is None or len(names) < 2:
        raise Conflict("只有原来的名称已分给几个的办结件才要对应。")
    if label not in names:
        raise InputError(f"“{label}”没有接替“{decision.label}”,可选:{'、'.join(names)}。", field="label")
    row = LabelMappingRow(case_id=case.id, target=target, label=label, who=who, why=why)
    session.add(row)
    add_event(
        "label_mapped",
        who=who,
        session=session,
        case_id=case.id,
        target=target,
        label=label,
        before=decision.label,
        why=why,
    )
    session.flush()
    return row
