"""What the office's file said when: each change an event, each version's text kept under its hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage.ledger.events import add_event
from triage.ledger.files import get_original, keep_original
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.texts import check_who, check_why

ENDED = ("closed", "returned")
_NAMED = {"section": "name", "topic": "name", "handling": "name", "result_class": "code"}


def note_change(
    before: bytes,
    after: bytes,
    changes: Sequence[Mapping[str, Any]],
    *,
    act: str,
    part: str,
    label: str,
    name: str,
    who: str,
    why: str,
    session: Session,
) -> EventRow:
    """Keep both texts and say who changed what.

    Args:
        act: added, edited, renamed, retired, restored, or by_hand for what was changed outside.
        part: the table of the file; label: the entry in it; name: the file's.
    """
    who, why = check_who(who), check_why(why)
    old, new = (keep_original(content, name, who=who, session=session) for content in (before, after))
    return add_event(
        "office_changed",
        who=who,
        session=session,
        act=act,
        part=part,
        label=label,
        changes=[dict(one) for one in changes],
        sha256_before=old,
        sha256_after=new,
        why=why,
    )


def list_changes(*, session: Session, limit: int = 50) -> Sequence[EventRow]:
    """The latest changes of the office's file and calendar, newest first."""
    kinds = ("office_changed", "holiday_set")
    query = select(EventRow).where(EventRow.kind.in_(kinds)).order_by(EventRow.id.desc())
    return session.scalars(query.limit(limit)).all()


def newest_change(*, session: Session) -> EventRow | None:
    """The last change of the file that came on record."""
    query = select(EventRow).where(EventRow.kind == "office_changed").order_by(EventRow.id.desc())
    return session.scalars(query.limit(1)).first()


def newest_version(*, session: Session) -> str | None:
    """SHA-256 of the file as the ledger knows it last; None where no change was recorded yet."""
    event = newest_change(session=session)
    return str(event.detail["sha256_after"]) if event else None


def is_version(sha256: str, *, session: Session) -> bool:
    """Whether the file once was that, as far as the ledger knows."""
    details = session.scalars(select(EventRow.detail).where(EventRow.kind == "office_changed"))
    return any(sha256 in (detail["sha256_before"], detail["sha256_after"]) for detail in details)


def version_text(sha256: str, *, session: Session) -> str:
    """Raises NotFound where no such version was kept."""
    return get_original(sha256, session=session).content.decode("utf-8")


def count_by_label(target: str, *, session: Session) -> dict[str, tuple[int, int]]:
    """Label of a target to its open and its ended cases."""
    column = getattr(CaseRow, target)
    found: dict[str, tuple[int, int]] = {}
    query = (
        select(column, CaseRow.state, func.count()).where(column.is_not(None)).group_by(column, CaseRow.state)
    )
    for label, state, n in session.execute(query):
        still, ended = found.get(label, (0, 0))
        found[label] = (still, ended + n) if state in ENDED else (still + n, ended)
    return found


def what_changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Part, entry, key, value before and after of whatever differs between two states of the file."""
    found: list[dict[str, Any]] = []
    for part in dict.fromkeys([*before, *after]):
        for label, old, new in _entries(part, before.get(part), after.get(part)):
            found += [
                {"part": part, "label": label, "key": key, "before": old.get(key), "after": new.get(key)}
                for key in dict.fromkeys([*old, *new])
                if old.get(key) != new.get(key)
            ]
    return found


def _entries(part: str, before: Any, after: Any) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    if part not in _NAMED:
        return [("", before or {}, after or {})]
    key = _NAMED[part]
    old = {entry[key].strip(): entry for entry in before or []}
    pairs: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = []
    for entry in after or []:
        name = entry[key].strip()
        known = next((n for n in (name, *reversed(entry.get("formerly", []))) if n in old), None)
        pairs.append((name, old.pop(known) if known is not None else {}, entry))
    return pairs + [(name, entry, {}) for name, entry in old.items()]
