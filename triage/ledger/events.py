"""Events: who did what to a case or a model, when and why. Added to, never changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from triage.ledger.base import utc_now
from triage.ledger.chain import link
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.versions import raise_version
from triage.ledger.via import VIA

EVENT_NAMES = {
    "received": "收件登记",
    "resent": "重复报送",
    "file_kept": "留存原件",
    "file_linked": "关联原件",
    "file_set_aside": "文件不登记",
    "routed": "自动分办",
    "flagged": "提示核对",
    "queued": "转人工认定",
    "drawn": "抽查",
    "assigned": "分办到科室",
    "unassigned": "退回待认定",
    "accepted": "科室签收",
    "started": "开始办理",
    "sent_back": "科室退回",
    "returned": "退办",
    "return_refused": "退办未获同意",
    "people_set": "落实责任人",
    "role_set": "确定承办角色",
    "hard_marked": "认定难件",
    "extended": "延期",
    "recounted": "重算期限",
    "duty_added": "交科室协办",
    "duty_answered": "协办办结",
    "duty_withdrawn": "撤回协办",
    "stage_added": "列入阶段安排",
    "stage_done": "阶段完成",
    "stage_dropped": "取消阶段",
    "conditions_set": "说明条件和措施",
    "key_marked": "列为重点督办",
    "key_unmarked": "取消重点督办",
    "meeting_held": "专题调度",
    "contacted": "联系代表",
    "replied": "答复",
    "result_found": "认定办理结果",
    "feedback_given": "代表反馈",
    "redo_opened": "重新办理",
    "struck": "更正误记",
    "confirmed": "确认推荐",
    "overridden": "改判",
    "withdrawn": "撤回认定",
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
    "looked_back": "承诺回头看",
    "closed": "办结销号",
    "imported": "导入台账记载",
    "model_trained": "训练模型",
    "model_promoted": "启用模型",
    "model_kept": "保留现用模型",
    "model_rolled_back": "退回上一版模型",
    "routing_stopped": "停止自动认定",
    "routing_resumed": "恢复自动认定",
    "label_mapped": "对应到现用名称",
    "pairs_learned": "学习关联",
    "holiday_set": "登记节假日",
    "account_added": "设立账号",
    "account_changed": "修改账号",
    "password_set": "设置密码",
    "link_made": "发出一次性链接",
    "token_added": "发放令牌",
    "token_revoked": "作废令牌",
    "office_changed": "修改设置",
    "ledger_sealed": "封存以前的记录",
    "ledger_moved": "台账迁移",
    "ledger_restored": "从备份恢复台账",
}


def flags_of(case: CaseRow) -> list[dict[str, Any]]:
    """The flags raised at intake: each with ``flag`` (its kind), ``score`` and ``why``."""
    return [event.detail for event in case.events if event.kind == "flagged"]


def add_event(
    kind: str, *, who: str, session: Session, case_id: int | None = None, **detail: Any
) -> EventRow:
    """Append one event; ``kind`` is a key of EVENT_NAMES. The case's version is raised with it."""
    if kind not in EVENT_NAMES:
        raise ValueError(f"unknown event kind {kind!r}")
    version = None
    if case_id is not None:
        case = session.get_one(CaseRow, case_id)
        raise_version(case, case.version, session=session)
        version = case.version
    if via := VIA.get():
        detail["via"] = via
    event = EventRow(
        case_id=case_id, kind=kind, who=who, detail=detail, version=version, created_at=utc_now()
    )
    link(event, session)
    session.add(event)
    return event
