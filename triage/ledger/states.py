"""What may follow what, in one place."""

from __future__ import annotations

from triage.errors import Conflict
from triage.ledger.tables import CaseRow

STATE_NAMES = {
    "in_review": "待认定",
    "assigned": "已分办",
    "closed": "已办结",
}
_NEXT = {
    "in_review": {"in_review", "assigned"},
    "assigned": {"assigned", "in_review", "closed"},  # back only by leaving the merge it followed
    "closed": set(),
}


def move(case: CaseRow, state: str) -> None:
    """Set the state; raises Conflict where it may not follow the present one."""
    if case.state == "closed":
        raise Conflict("本件已办结销号,不能再改。", state=case.state)
    if state not in _NEXT[case.state]:
        raise Conflict(f"本件{STATE_NAMES[case.state]},不能转为{STATE_NAMES[state]}。", state=case.state)
    case.state = state
