"""Commitments (承诺): what a reply promised, by when, and whether it was kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage.errors import Conflict, NotFound
from triage.ledger.cases import get_case
from triage.ledger.claims import begin_act
from triage.ledger.events import add_event
from triage.ledger.tables import CaseRow, CommitmentRow, LookBackRow
from triage.ledger.texts import check_past, check_text, check_who, needed_text

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
    what = needed_text(what, MAX_COMMITMENT, field="commitment", name="承诺事项")
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


def add_commitments(case_id: int, commitments: Iterable[Commitment], *, who: str, session: Session) -> None:
    """Record all that one reply promised; raises as add_commitment does."""
    for promised in commitments:
        add_commitment(
            case_id, promised.what, promised.due_on, who=who, session=session, kept_on=promised.kept_on
        )


def keep_commitment(
    commitment_id: int, *, who: str, session: Session, kept_on: date | None = None, why: str = ""
) -> CommitmentRow:
    """Record that it was kept, today where no day is given.

    Raises:
        InputError: no name, a day to come.
        NotFound: no such commitment.
        Conflict: it was recorded as kept already.
    """
    why = check_text(why, MAX_COMMITMENT, field="why", name="说明")
    kept_on = check_past(kept_on, field="kept_on", name="兑现日期")
    row = _open_commitment(commitment_id, session)
    case, who = begin_act(row.case_id, who=who, session=session)
    row.kept_on = kept_on
    add_event(
        "commitment_kept",
        who=who,
        session=session,
        case_id=case.id,
        commitment_id=row.id,
        what=row.what,
        kept_on=kept_on.isoformat(),
        why=why,
    )
    session.flush()
    return row


def look_back(
    commitment_id: int,
    progress: str,
    *,
    who: str,
    session: Session,
    looked_on: date | None = None,
    due_on: date | None = None,
) -> LookBackRow:
    """Look back at a promise (回头看): how far it has come, and perhaps a new day for it.

    Raises:
        InputError: no name, nothing found, a day to come.
        NotFound: no such commitment.
        Conflict: it was kept already.
    """
    progress = needed_text(progress, MAX_COMMITMENT, field="progress", name="进展情况")
    looked_on = check_past(looked_on, field="looked_on", name="回头看的日期")
    row = _open_commitment(commitment_id, session)
    case, who = begin_act(row.case_id, who=who, session=session)
    before = row.due_on
    row.due_on = due_on or row.due_on
    looked = LookBackRow(commitment_id=row.id, looked_on=looked_on, progress=progress, who=who)
    session.add(looked)
    add_event(
        "looked_back",
        who=who,
        session=session,
        case_id=case.id,
        commitment_id=row.id,
        what=row.what,
        progress=progress,
        looked_on=looked_on.isoformat(),
        before=_iso(before),
        due_on=_iso(row.due_on),
    )
    session.flush()
    session.expire(row, ["look_backs"])
    return looked


def list_open_commitments(
    *, session: Session, due_before: date | None = None, limit: int = 50, offset: int = 0
) -> tuple[Sequence[tuple[CommitmentRow, CaseRow]], int]:
    """What was promised in any year and is not kept, the most urgent first; and how many in all."""
    query = (
        select(CommitmentRow, CaseRow)
        .join(CaseRow, CaseRow.id == CommitmentRow.case_id)
        .where(CommitmentRow.kept_on.is_(None))
    )
    if due_before is not None:
        query = query.where(CommitmentRow.due_on < due_before)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = (CommitmentRow.due_on.is_(None), CommitmentRow.due_on, CommitmentRow.id)
    rows = session.execute(query.order_by(*order).limit(limit).offset(offset)).all()
    return [(commitment, case) for commitment, case in rows], total


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


def _open_commitment(commitment_id: int, session: Session) -> CommitmentRow:
    row = session.get(CommitmentRow, commitment_id) if 0 < commitment_id < 2**63 else None
    if row is None:
        raise NotFound(f"台账中没有编号为 {commitment_id} 的承诺事项。")
    if row.kept_on is not None:
        raise Conflict(f"这项承诺已于 {row.kept_on} 兑现,不必再记。", kept_on=row.kept_on.isoformat())
    return row
