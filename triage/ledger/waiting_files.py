"""Files that wait for a person (待核对): read, corrected bit by bit, then taken in or set aside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, NotFound
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.file_tables import CaseFileRow, WaitingFileRow
from triage.ledger.files import get_original
from triage.ledger.texts import check_who, needed_why

ENDED = {"taken": "已登记", "started": "已开始登记", "set_aside": "已定为不登记"}


def add_waiting(
    kind: str, holds: str, sha256: str, name: str, read: Mapping[str, Any], *, who: str, session: Session
) -> WaitingFileRow:
    """A kept file, waiting; one with the same content that waits already is that one.

    Raises:
        InputError: no name of a person. NotFound: no such file.
    """
    who = check_who(who)
    get_original(sha256, session=session)
    same = (WaitingFileRow.sha256 == sha256) & (WaitingFileRow.state == "waiting")
    row = session.scalars(select(WaitingFileRow).where(same)).first()
    if row is None:
        row = WaitingFileRow(
            kind=kind,
            holds=holds,
            sha256=sha256,
            name=name,
            who=who,
            read=dict(read),
            corrected={},
            state="waiting",
        )
        session.add(row)
        session.flush()
    return row


def get_waiting(waiting_id: int, *, session: Session) -> WaitingFileRow:
    """Raises NotFound."""
    row = session.get(WaitingFileRow, waiting_id) if 0 < waiting_id < 2**31 else None
    if row is None:
        raise NotFound(f"没有编号为 {waiting_id} 的待核对文件。")
    return row


def list_waiting(*, session: Session) -> Sequence[WaitingFileRow]:
    """All that wait, in the order in which they came."""
    query = select(WaitingFileRow).where(WaitingFileRow.state == "waiting")
    return session.scalars(query.order_by(WaitingFileRow.id)).all()


def list_ended(*, session: Session, limit: int = 20) -> Sequence[WaitingFileRow]:
    """What was taken in as a case or set aside, the latest first."""
    query = select(WaitingFileRow).where(WaitingFileRow.state.in_(("taken", "set_aside")))
    newest = (WaitingFileRow.changed_at.desc(), WaitingFileRow.id.desc())
    return session.scalars(query.order_by(*newest).limit(limit)).all()


def cases_with_file(sha256: str, *, session: Session) -> Sequence[int]:
    """The cases that were read from a file of this content."""
    query = select(CaseFileRow.case_id).where(CaseFileRow.sha256 == sha256).distinct()
    return session.scalars(query.order_by(CaseFileRow.case_id).limit(5)).all()


def correct_waiting(
    waiting_id: int, corrected: Mapping[str, Any], *, seen_version: int, who: str, session: Session
) -> WaitingFileRow:
    """Keep what a person made of it so far.

    Raises:
        NotFound: no such file. Conflict: it is done with, or somebody else changed it meanwhile.
    """
    row = _open(waiting_id, session)
    if row.corrected == dict(corrected):  # also where the same is sent once more
        return row
    if row.version != seen_version and row.changed_by != who:
        raise Conflict(f"您打开后{row.changed_by}改动过这份文件的各栏,请刷新后再改。")
    row.corrected = dict(corrected)
    _change(row, who)
    return row


def read_again(
    waiting_id: int, kind: str, read: Mapping[str, Any], *, who: str, session: Session
) -> WaitingFileRow:
    """What is read of a list as the person understands it; Conflict where it is done with."""
    row = _open(waiting_id, session)
    if (row.kind, row.read) != (kind, dict(read)):
        row.kind, row.read = kind, dict(read)
        _change(row, who)
    return row


def end_taken(waiting_id: int, case_id: int, *, who: str, session: Session) -> None:
    """It became a case; nothing where that was said already."""
    row = get_waiting(waiting_id, session=session)
    if (row.state, row.case_id) != ("taken", case_id):
        _end(_open(waiting_id, session), "taken", who)
        row.case_id = case_id


def end_started(waiting_id: int, batch_id: int, *, who: str, session: Session) -> None:
    """Its rows are a batch; Conflict where it is done with."""
    row = _open(waiting_id, session)
    _end(row, "started", who)
    row.batch_id = batch_id


def set_aside(waiting_id: int, *, who: str, why: str, session: Session) -> None:
    """It is not to be taken in; the original stays, and an event says who decided so and why.

    Raises:
        InputError: no reason. NotFound: no such file. Conflict: it is done with.
    """
    why = needed_why(why, "请写明为什么不登记。")
    row = _open(waiting_id, session)
    _end(row, "set_aside", check_who(who))
    row.why = why
    add_event("file_set_aside", who=who, session=session, sha256=row.sha256, name=row.name, why=why)


def _open(waiting_id: int, session: Session) -> WaitingFileRow:
    row = get_waiting(waiting_id, session=session)
    if row.state != "waiting":
        raise Conflict(f"“{row.name}”{ENDED[row.state]}({row.changed_by}),不用再办。")
    return row


def _end(row: WaitingFileRow, state: str, who: str) -> None:
    row.state = state
    _change(row, who)


def _change(row: WaitingFileRow, who: str) -> None:
    row.changed_by, row.version, row.changed_at = who, row.version + 1, utc_now()
