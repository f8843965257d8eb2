"""Files as they were handed in (原件): kept once by their hash, linked with the cases read from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import NotFound
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.file_tables import CaseFileRow, OriginalRow
from triage.ledger.tables import CaseRow


def keep_original(content: bytes, name: str, *, who: str, session: Session, **detail: Any) -> str:
    """Keep a file, with an event where it is new; its SHA-256, hex, under which it is found again."""
    sha256 = hashlib.sha256(content).hexdigest()
    if session.get(OriginalRow, sha256) is None:
        session.add(OriginalRow(sha256=sha256, size=len(content), content=content, created_at=utc_now()))
        add_event(
            "file_kept", who=who, session=session, sha256=sha256, name=name, size=len(content), **detail
        )
        session.flush()
    return sha256


def get_original(sha256: str, *, session: Session) -> OriginalRow:
    """Raises NotFound."""
    row = session.get(OriginalRow, sha256)
    if row is None:
        raise NotFound("没有这个原件。")
    return row


@dataclass(frozen=True)
class FileRef:
    """Where a case was read: a kept file by its hash and name, sheet and line in it or the whole file."""

    sha256: str
    name: str
    place: str = ""

    def to_dict(self) -> dict[str, str]:
        return dict(self.__dict__)


def link_file(case: CaseRow, file: FileRef, *, who: str, session: Session, told: bool = False) -> None:
    """Say that the case was read from a kept file; nothing where that was said already.

    Args:
        told: an event of this transaction says so already.

    Raises:
        NotFound: no such file was kept.
    """
    get_original(file.sha256, session=session)
    if any(row.sha256 == file.sha256 and row.place == file.place for row in case.files):
        return
    session.add(CaseFileRow(case_id=case.id, who=who, **file.to_dict()))
    if not told:
        add_event("file_linked", who=who, session=session, case_id=case.id, file=file.to_dict())
    session.flush()
    session.expire(case, ["files"])


def name_of(sha256: str, *, session: Session) -> str:
    """The name under which a case came with it last; empty where none did."""
    query = select(CaseFileRow.name).where(CaseFileRow.sha256 == sha256).order_by(CaseFileRow.id.desc())
    return session.scalars(query.limit(1)).first() or ""
