"""Whether a case is a section's business: it handles the case, assists with it, or answers one merged with it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from triage.ledger.memberships import active_members, active_merge
from triage.ledger.tables import CaseRow


def is_within(case: CaseRow, section: str, *, session: Session) -> bool:
    """Whether people bound to ``section`` may see the case."""
    merge = active_merge(case)
    return any(_concerns(member, section) for member in (active_members(merge) if merge else [case]))


def _concerns(case: CaseRow, section: str) -> bool:
    assists = any(duty.section == section and duty.withdrawn_on is None for duty in case.duties)
    return case.section == section or assists
