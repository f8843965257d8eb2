"""Commitments (承诺): what a reply promised, by when, and whether it was kept."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import check_text, get_case
from triage.ledger.events import add_event, check_who
from triage.ledger.tables import CommitmentRow

MAX_COMMITMENT = 2_000


@dataclass(frozen=True)
class Commitment:
    """One promise as it is handed in; ``kept_on`` is known already only of past years."""

    what: str
    due_on: date | None = None
    kept_on: date | None = None


def add_commitment(
    case_id: int,
    what: str,
    due_on: date | None = None,
    *,
    who: str,
    session: Session,
    kept_on: date | None = None,
) -> CommitmentRow:
    """Record a promise made to the deputy.

    Raises:
        InputError: no name, nothing promised, or too long.
    """
    who = check_who(who)
    what = check_text(what, MAX_COMMITMENT, field="commitment", name="承诺事项")
    if not what:
        raise InputError("请写明承诺事项。", field="commitment")
    case = get_case(case_id, session=session)
    row = CommitmentRow(case_id=case.id, what=what, due_on=due_on, kept_on=kept_on)
    session.add(row)
    session.flush()
    add_event(
        "committed",
        who=who,
        session=session,
        case_id=case.id,
        commitment_id=row.id,
        what=what,
        due_on=_iso(due_on),
        kept_on=_iso(kept_on),
    )
    session.expire(case, ["commitments", "events"])
    return row


def keep_commitment(
    commitment_id: int, *, who: str, session: Session, kept_on: date | None = None, why: str = ""
) -> CommitmentRow:
    """Record that it was kept, today where no day is given.

    Raises:
        NotFound: no such commitment.
        Conflict: it was recorded as kept already.
    """
    who = check_who(who)
    why = check_text(why, MAX_COMMITMENT, field="why", name="说明")
    row = session.get(CommitmentRow, commitment_id) if 0 < commitment_id < 2**63 else None
    if row is None:
        raise NotFound(f"台账中没有编号为 {commitment_id} 的承诺事项。")
    if row.kept_on is not None:
        raise Conflict(f"这项承诺已于 {row.kept_on} 兑现,不必再记。", kept_on=row.kept_on.isoformat())
    row.kept_on = kept_on or date.today()
    add_event(
        "commitment_kept",
        who=who,
        session=session,
        case_id=row.case_id,
        commitment_id=row.id,
        what=row.what,
        kept_on=_iso(row.kept_on),
        why=why,
    )
    session.flush()
    return row


def open_commitments(case_ids: Collection[int], *, session: Session) -> Sequence[CommitmentRow]:
    """What those cases' replies promised and nobody has kept yet, the most urgent first."""
    query = (
        select(CommitmentRow)
        .where(CommitmentRow.case_id.in_(case_ids), CommitmentRow.kept_on.is_(None))
        .order_by(CommitmentRow.due_on.is_(None), CommitmentRow.due_on, CommitmentRow.id)
    )
    return session.scalars(query).all()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
