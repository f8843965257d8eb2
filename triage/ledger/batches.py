"""Batches (整批登记): files whose rows are on their way into the ledger, where anybody can see how far they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.base import utc_now
from triage.ledger.file_tables import BatchRow
from triage.ledger.files import get_original
from triage.ledger.leases import is_silent
from triage.ledger.texts import check_who

KIND_NAMES = {"intake": "收件", "import": "导入台账"}
STATE_NAMES = {
    "waiting": "等待中",
    "running": "登记中",
    "stopped": "已停下",
    "done": "已完成",
    "failed": "未能完成",
}


def add_batch(
    kind: str, sha256: str, name: str, options: Mapping[str, Any], *, who: str, session: Session
) -> BatchRow:
    """A kept file, waiting to be taken in.

    Args:
        kind: a key of KIND_NAMES.
        options: session and mapping, as the one who takes it in understands them.

    Raises:
        InputError: no name of a person, unknown kind. NotFound: no such file.
    """
    who = check_who(who)
    if kind not in KIND_NAMES:
        raise InputError(f"“{kind[:20]}”无效,可选:{'、'.join(KIND_NAMES)}。", field="kind")
    get_original(sha256, session=session)
    row = BatchRow(
        kind=kind, sha256=sha256, name=name, options=dict(options), who=who, state="waiting", report={}
    )
    session.add(row)
    session.flush()
    return row


def get_batch(batch_id: int, *, session: Session) -> BatchRow:
    """Raises NotFound."""
    row = session.get(BatchRow, batch_id) if 0 < batch_id < 2**31 else None
    if row is None:
        raise NotFound(f"没有编号为 {batch_id} 的整批登记。")
    return row


def list_batches(*, session: Session, limit: int = 50) -> Sequence[BatchRow]:
    """The newest first."""
    return session.scalars(select(BatchRow).order_by(BatchRow.id.desc()).limit(limit)).all()


def claim_batch(*, session: Session, now: datetime | None = None) -> BatchRow | None:
    """The oldest that waits, or whose process is gone, now claimed by the caller; None where there is none."""
    now = now or utc_now()
    lost = (BatchRow.state == "running") & is_silent(BatchRow.alive_at, now)
    query = select(BatchRow).where((BatchRow.state == "waiting") | lost).order_by(BatchRow.id).limit(1)
    row = session.scalars(query).first()
    if row is not None:
        row.state, row.alive_at = "running", now
    return row


def note_progress(
    batch_id: int, heard: datetime, done: int, total: int, report: Mapping[str, Any], *, session: Session
) -> datetime | None:
    """How far it is; when it was heard of now, None where it is no longer the caller's to go on with.

    Args:
        heard: ``alive_at`` as the caller left it. Where it is another, another host took the batch up
            because nothing was heard of this one for LOST_SECONDS, and what it says of it counts.
    """
    row = get_batch(batch_id, session=session)
    if row.alive_at != heard:
        return None
    row.done, row.total, row.report, row.alive_at = done, total, dict(report), utc_now()
    return row.alive_at if row.state == "running" else None


def end_batch(batch_id: int, heard: datetime, state: str, *, session: Session, problem: str = "") -> None:
    """It is done, failed, or goes back to waiting because the service ends; see note_progress."""
    row = get_batch(batch_id, session=session)
    if row.state == "running" and row.alive_at == heard:
        row.state, row.problem, row.alive_at = state, problem, utc_now()


def stop_batch(batch_id: int, *, session: Session) -> BatchRow:
    """Halt it after the rows that are being written; what is in stays in.

    Raises:
        NotFound: no such batch. Conflict: it is over.
    """
    row = get_batch(batch_id, session=session)
    if row.state not in ("waiting", "running"):
        raise Conflict(f"这一批{STATE_NAMES[row.state]},不能停下。", state=row.state)
    row.state = "stopped"
    return row


def resume_batch(batch_id: int, *, session: Session) -> BatchRow:
    """Go on from where it was halted or failed.

    Raises:
        NotFound: no such batch. Conflict: it waits, runs, or is done.
    """
    row = get_batch(batch_id, session=session)
    if row.state not in ("stopped", "failed"):
        raise Conflict(f"这一批{STATE_NAMES[row.state]},不用继续。", state=row.state)
    row.state, row.problem = "waiting", ""
    return row
