"""Saved views: the questions to the ledger that a person keeps under a name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.account_tables import ViewRow
from triage.ledger.texts import needed_text

MAX_NAME = 30
MAX_QUERY = 2_000
MOST = 50  # of one person


def add_view(account_id: int, name: str, query: str, *, session: Session) -> ViewRow:
    """Keep a question under a name of the person's own.

    Args:
        query: as in the page's address, without the question mark.

    Raises:
        InputError: no name, or one too long; the question is too long.
        Conflict: the person has a view of this name, or too many.
    """
    name = needed_text(name, MAX_NAME, field="name", name="视图名称")
    if len(query) > MAX_QUERY:
        raise InputError("查询条件太长,不能存为视图。", field="query")
    own = select(func.count()).where(ViewRow.account_id == account_id)
    if session.scalar(own.where(ViewRow.name == name)):
        raise Conflict(f"已有名为“{name}”的视图,请换一个名称或先删除原来的。")
    if (session.scalar(own) or 0) >= MOST:
        raise Conflict(f"已存了 {MOST} 个视图,请先删除不用的。")
    view = ViewRow(account_id=account_id, name=name, query=query)
    session.add(view)
    session.flush()
    return view


def list_views(account_id: int, *, session: Session) -> Sequence[ViewRow]:
    """The person's views, the oldest first."""
    return session.scalars(select(ViewRow).where(ViewRow.account_id == account_id).order_by(ViewRow.id)).all()


def delete_view(view_id: int, account_id: int, *, session: Session) -> None:
    """Raises NotFound where this person has no such view."""
    view = session.get(ViewRow, view_id) if 0 < view_id < 2**31 else None
    if view is None or view.account_id != account_id:
        raise NotFound("没有这个视图,可能已经删除。")
    session.delete(view)
