"""The cases before and after one, in the order in which people go through them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from triage.ledger.tables import CaseRow

UNKNOWN = -1.0  # a case without certainty stands first in the queue


def neighbours(
    case: CaseRow, *, session: Session, section: str | None = None
) -> tuple[int | None, int | None]:
    """The cases before and after ``case`` among those in its state: the queue's order, else newest first.

    Args:
        section: go through this section's cases only.
    """
    among = [CaseRow.state == case.state]
    if section is not None:
        among.append(CaseRow.section == section)
    order: list[tuple[Any, Any]]
    if case.state == "in_review":
        certainty = UNKNOWN if case.certainty is None else case.certainty
        order = [(func.coalesce(CaseRow.certainty, UNKNOWN), certainty), (CaseRow.id, case.id)]
    else:
        order = [(-CaseRow.id, -case.id)]
    columns = [column for column, _ in order]
    before = select(CaseRow.id).where(*among, _lower(order)).order_by(*[c.desc() for c in columns])
    after = select(CaseRow.id).where(*among, _higher(order)).order_by(*columns)
    return session.scalar(before.limit(1)), session.scalar(after.limit(1))


def _lower(order: list[tuple[Any, Any]]) -> ColumnElement[bool]:
    return _beyond([(column, column < value, value) for column, value in order])


def _higher(order: list[tuple[Any, Any]]) -> ColumnElement[bool]:
    return _beyond([(column, column > value, value) for column, value in order])


def _beyond(order: list[tuple[Any, ColumnElement[bool], Any]]) -> ColumnElement[bool]:
    """The first column decides, of equals the second."""
    same: list[ColumnElement[bool]] = []
    ways: list[ColumnElement[bool]] = []
    for column, further, value in order:
        ways.append(and_(*same, further))
        same.append(column == value)
    return or_(*ways)
