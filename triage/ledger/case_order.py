"""In what order cases are listed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, case, func

from triage.errors import InputError
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow

SORTS = ("number", "received", "due", "section", "state", "certainty")


def check_sort(sort: str) -> None:
    """Raises InputError where nothing is listed in this order."""
    if sort and sort.removeprefix("-") not in SORTS:
        raise InputError(f"不能按“{sort[:40]}”排序,可选:{'、'.join(SORTS)}。", field="sort")


def order_of(sort: str) -> list[ColumnElement[Any]]:
    """What to order a query of cases by; a case's place in the ledger settles ties.

    Args:
        sort: one of SORTS, with a minus before it for the other way round; empty: newest first.
    """
    backwards, name = sort.startswith("-"), sort.removeprefix("-")
    if not name:
        return [CaseRow.id.desc()]
    missing, keys = _KEYS[name]
    keys = [*keys, CaseRow.id]
    ordered = [key.desc() if backwards else key for key in keys]
    if name == "certainty" and missing is not None:
        # what nobody could guess is the least sure of all
        return [missing if backwards else missing.desc(), *ordered]
    return ordered if missing is None else [missing, *ordered]


# whether there is nothing to go by, which comes last either way; what to go by
_KEYS: dict[str, tuple[ColumnElement[Any] | None, list[Any]]] = {
    # 第9号 before 第10号; the index that keeps numbers unique has all of it
    "number": (CaseRow.number.is_(None), [CaseRow.session, func.length(CaseRow.number), CaseRow.number]),
    "received": (None, [CaseRow.received_on]),
    "due": (CaseRow.due_on.is_(None), [CaseRow.due_on]),
    "section": (CaseRow.section.is_(None), [CaseRow.section]),
    "state": (None, [case({name: at for at, name in enumerate(STATE_NAMES)}, value=CaseRow.state)]),
    "certainty": (CaseRow.certainty.is_(None), [CaseRow.certainty]),
}
