"""The feed of changes for other programs: every event once, in order."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.ledger.tables import EventRow


def list_changes(
    *, session: Session, after: int = 0, limit: int = 200, case_id: int | None = None
) -> Sequence[EventRow]:
    """Events later than the cursor, oldest first.

    Numbers are given out under the lock that lets one transaction write at a time, so they
    become visible in their order and without gaps: whoever has seen number n will never be
    handed a smaller one.

    Args:
        after: number of the last event that was seen; 0 from the beginning.
    """
    query = select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(limit)
    if case_id is not None:
        query = query.where(EventRow.case_id == case_id)
    return session.scalars(query).all()
