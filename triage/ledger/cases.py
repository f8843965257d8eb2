"""Cases: one of them, by its place in the ledger."""

from __future__ import annotations

from sqlalchemy.orm import Session

from triage.errors import NotFound
from triage.ledger.tables import CaseRow


def get_case(case_id: int, *, session: Session) -> CaseRow:
    """Raises NotFound."""
    # an id beyond 64 bits is no id, and the database would refuse to look for it
    case = session.get(CaseRow, case_id) if 0 < case_id < 2**63 else None
    if case is None:
        raise NotFound(f"台账中没有编号为 {case_id} 的建议件。")
    return case
