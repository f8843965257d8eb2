"""Versions of cases and merges: raised by every change, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from triage.ledger.tables import CaseRow, MergeRow


def raise_version(row: CaseRow | MergeRow, seen_version: int, *, session: Session) -> bool:
    """Raise the version only if it is still the one that was seen; False where it is not."""
    table = type(row)
    won = seen_version == row.version and (
        session.execute(
            update(table)
            .where(table.id == row.id, table.version == seen_version)
            .values(version=table.version + 1)
            .returning(table.id)
            .execution_options(synchronize_session=False)
        ).first()
    )
    if won:
        session.refresh(row, ["version"])
    return bool(won)
