"""Versions of cases and merges: raised once by every change, so that nobody overwrites what they have not seen."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from triage.ledger.tables import CaseRow, MergeRow

_RAISED = "triage_raised"


def raise_version(row: CaseRow | MergeRow, seen_version: int, *, session: Session) -> bool:
    """Raise the version only if it is still the one that was seen; False where it is not.

    Within one transaction it is raised once: a second act then sees what the first one made.
    """
    raised = session.info.setdefault(_RAISED, set())
    table = type(row)
    if (table, row.id) in raised:
        return seen_version == row.version
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
        set_committed_value(row, "version", seen_version + 1)
        raised.add((table, row.id))
    return bool(won)


def begin_versions(row: CaseRow | MergeRow, *, session: Session) -> None:
    """A row made in this transaction: all that happens in it belongs to its first version."""
    session.info.setdefault(_RAISED, set()).add((type(row), row.id))


def raised_cases(session: Session) -> list[int]:
    """Cases that this transaction made or changed."""
    return [key for table, key in session.info.get(_RAISED, ()) if table is CaseRow]
