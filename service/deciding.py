"""A person's choice on a page, made into decisions: what stands by a person's word is not said twice."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from triage.desk import Desk
from triage.ledger.cases import get_case
from triage.ledger.decisions import decide, settled
from triage.taxonomy import TARGETS


def decide_as_chosen(
    desk: Desk,
    case_id: int,
    chosen: Mapping[str, str],
    *,
    version: int,
    who: str,
    why: str,
    session: Session,
) -> None:
    """Record what was chosen, as far as it is new; see ``decide`` for what it raises.

    Args:
        chosen: target to label, empty where nothing was chosen.
    """
    case = get_case(case_id, session=session)
    before = settled(case)
    # a case that came back waits until its section, or what else the office goes by, is decided again
    lead = next((t for t in TARGETS if desk.taxonomy.labels(t)), None) if case.state == "in_review" else None

    def is_new(target: str, label: str) -> bool:
        stands = before.get(target)
        return target == lead or stands is None or stands.kind == "auto" or stands.label != label

    labels = {target: label for target, label in chosen.items() if label and is_new(target, label)}
    decide(case_id, labels, who=who, why=why, seen_version=version, session=session, taxonomy=desk.taxonomy)
