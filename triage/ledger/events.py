"""Events: who did what to a case or a model, when and why. Added to, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from triage.errors import InputError
from triage.ledger.tables import CaseRow, EventRow

EVENT_NAMES = {
    "received": "收件登记",
    "resent": "重复报送",
    "routed": "自动分办",
    "flagged": "提示核对",
    "queued": "转人工认定",
    "confirmed": "确认推荐",
    "overridden": "改判",
    "related": "提示关联",
    "merged": "并案",
    "joined": "加入并案",
    "unmerged": "解除并案",
    "lead_changed": "更换主件",
    "merge_due_changed": "调整并案期限",
    "plan_set": "统一办理方案",
    "followed": "随主件认定",
    "dismissed": "排除关联",
    "precedent_linked": "认定往年先例",
    "committed": "作出承诺",
    "commitment_kept": "承诺兑现",
    "closed": "办结销号",
    "imported": "导入往年办结件",
    "model_trained": "训练模型",
    "model_promoted": "启用模型",
    "model_kept": "保留现用模型",
    "model_rolled_back": "退回上一版模型",
    "pairs_learned": "学习关联",
}


def flags_of(case: CaseRow) -> list[dict[str, Any]]:
    """The flags raised at intake: each with ``flag`` (its kind), ``score`` and ``why``."""
    return [event.detail for event in case.events if event.kind == "flagged"]


def check_who(who: str) -> str:
    """The name without surrounding space.

    Raises:
        InputError: empty or too long: a record without a name shows nothing.
    """
    who = who.strip()
    if not who:
        raise InputError("请填写经办人姓名。", field="who")
    if len(who) > 100:
        raise InputError("经办人姓名太长,最多 100 字。", field="who")
    return who


def add_event(
    kind: str, *, who: str, session: Session, case_id: int | None = None, **detail: Any
) -> EventRow:
    """Append one event; ``kind`` is a key of EVENT_NAMES."""
    if kind not in EVENT_NAMES:
        raise ValueError(f"unknown event kind {kind!r}")
    event = EventRow(case_id=case_id, kind=kind, who=who, detail=detail)
    session.add(event)
    return event
