"""Beginning an act on a case: who it is, which case, and that nobody changed it since it was seen."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict
from triage.ledger.cases import get_case
from triage.ledger.events import EVENT_NAMES
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.texts import check_who
from triage.ledger.versions import raise_version

TOLD_CHANGES = 20


def begin_act(
    case_id: int, *, who: str, session: Session, seen_version: int | None = None
) -> tuple[CaseRow, str]:
    """The case, claimed for this act, and the name without surrounding space.

    Args:
        seen_version: ``version`` of the case as the person saw it; None: whatever it is now.

    Raises:
        InputError: no name. NotFound: no such case.
        Conflict: somebody changed it meanwhile; ``changes`` says what.
    """
    who = check_who(who)
    case = get_case(case_id, session=session)
    claim(case, seen_version, session=session)
    return case, who


def claim(case: CaseRow, seen_version: int | None, *, session: Session) -> None:
    """Raise the version only if it is still the one that was seen: the first writer wins."""
    seen = case.version if seen_version is None else seen_version
    if raise_version(case, seen, session=session):
        return
    changes = changes_since(case, seen, session=session)
    told = ";".join(f"{change['who']} {change['kind_name']}{change['label']}" for change in changes)
    by = f"({told})" if told else ""
    raise Conflict(f"您打开后已有人改动过本件{by},请刷新后再办。", version=case.version, changes=changes)


def changes_since(case: CaseRow, version: int, *, session: Session) -> list[dict[str, Any]]:
    """What made the versions after ``version``, oldest first; the latest TOLD_CHANGES of them."""
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.case_id == case.id, EventRow.version > min(max(version, 0), case.version))
        .order_by(EventRow.id.desc())
        .limit(TOLD_CHANGES)
    ).all()
    return [told_change(row) for row in reversed(rows)]


def told_change(row: EventRow) -> dict[str, Any]:
    """One change, for whoever was too late."""
    return {
        "event": row.id,
        "kind": row.kind,
        "kind_name": EVENT_NAMES[row.kind],
        "who": row.who,
        "label": str(row.detail.get("label") or ""),
        "created_at": row.created_at.isoformat(),
    }
