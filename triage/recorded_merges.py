"""Merges (并案) that a ledger sheet has on record, put together again once its rows are in."""

from __future__ import annotations

import re
from collections.abc import Sequence

from triage.desk import Desk
from triage.documents.rows import Row
from triage.ledger.cases import get_case
from triage.ledger.memberships import active_merge, case_name
from triage.ledger.merge_changes import MAX_NAME
from triage.ledger.merges import record_merge
from triage.ledger.records import RECORD
from triage.ledger.tables import MergeRow

_MERGE = re.compile(r"(?P<name>.*)\(主件(?P<lead>[^()]*(?:\([^()]*\))?)\)", re.DOTALL)


def write_merge(merge: MergeRow) -> str:
    """A merge as a cell of a sheet, which ``enter_merges`` reads again."""
    return f"{merge.name}(主件{case_name(merge.lead)})"


def enter_merges(desk: Desk, rows: Sequence[tuple[Row, int]], *, who: str) -> list[str]:
    """Join the cases whose rows name the same merge, and say what could not be joined.

    Those that are in a merge already stay there.

    Args:
        rows: each with the number of its case.
    """
    groups: dict[str, list[int]] = {}
    for row, case_id in rows:
        groups.setdefault(row.get("merge"), []).append(case_id)
    kept = []
    for text, ids in groups.items():
        found = _MERGE.fullmatch(text)
        with desk.ledger.write() as session:
            cases = [get_case(i, session=session) for i in dict.fromkeys(ids)]
            if all(active_merge(case) for case in cases):
                continue
            free = [case for case in cases if active_merge(case) is None]
            lead = next((c for c in free if found and case_name(c) == found["lead"]), None)
            if found is None or lead is None or len(free) < 2:
                kept.append(f"并案“{text[:60]}”没有认出主件或其他成员,只在原件里")
                continue
            name = found["name"][:MAX_NAME] or lead.title[:MAX_NAME]
            record_merge(name, free, lead, who=who, why=RECORD, session=session)
    return kept
