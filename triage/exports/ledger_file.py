"""The ledger out of the program: CSV that Excel opens, and JSON for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from triage.errors import InputError
from triage.flags import FLAG_NAMES
from triage.ledger.decisions import DECISION_NAMES, settled
from triage.ledger.events import flags_of
from triage.ledger.memberships import active_merge, case_name
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, MergeMemberRow
from triage.taxonomy import TARGET_NAMES, TARGETS

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_ledger(path: Path, *, session: Session) -> int:
    """Write every case to ``path`` (.csv or .json) and return how many.

    Raises:
        InputError: another file type.
    """
    if path.suffix not in (".csv", ".json"):
        raise InputError(f"不能导出为 {path.suffix or path.name},请用 .csv 或 .json 结尾的文件名。")
    cases = session.scalars(
        select(CaseRow)
        .order_by(CaseRow.id)
        .options(selectinload(CaseRow.decisions), selectinload(CaseRow.events))
        .options(selectinload(CaseRow.memberships).selectinload(MergeMemberRow.merge))
    ).all()
    if path.suffix == ".json":
        records = [_record(case) for case in cases]
        path.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")
        return len(records)
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells Excel UTF-8
        writer = csv.writer(file)
        writer.writerow([name for name, _ in _cells(cases[0])] if cases else ["台账编号"])
        for case in cases:
            writer.writerow([_harmless(value) for _, value in _cells(case)])
    return len(cases)


def _cells(case: CaseRow) -> Iterator[tuple[str, str]]:
    decided = settled(case)
    merge = active_merge(case)
    yield "台账编号", str(case.id)
    yield "届次", case.session
    yield "编号", case.number or ""
    yield "案别", case.kind
    yield "标题", case.title
    yield "正文", case.body
    yield "领衔代表", case.deputy
    yield "附议代表", case.cosigners
    yield "代表团", case.delegation
    yield "承办角色", case.role
    yield "主办单位", case.lead_unit
    yield "收件日期", case.received_on.isoformat()
    yield "答复期限", case.due_on.isoformat() if case.due_on else ""
    yield "状态", STATE_NAMES[case.state]
    yield "核对提示", "、".join(FLAG_NAMES[detail["flag"]] for detail in flags_of(case))
    for target in TARGETS:
        decision = decided.get(target)
        yield TARGET_NAMES[target], decision.label if decision else ""
        yield f"{TARGET_NAMES[target]}认定", DECISION_NAMES[decision.kind] if decision else ""
        yield f"{TARGET_NAMES[target]}认定人", decision.who if decision else ""
    yield "承办人", case.handler
    yield "重点督办", case.key_on.isoformat() if case.key_on else ""
    yield "并案", f"{merge.name}(主件{case_name(merge.lead)})" if merge else ""
    yield "办理结果", case.result_class or ""
    yield "答复文号", case.reply_number
    yield "答复日期", case.replied_on.isoformat() if case.replied_on else ""
    yield "办结日期", case.closed_on.isoformat() if case.closed_on else ""


def _record(case: CaseRow) -> dict[str, Any]:
    return {
        **dict(_cells(case)),
        "认定记录": [
            {
                "项": d.target,
                "结果": d.label,
                "方式": d.kind,
                "认定人": d.who,
                "理由": d.why,
                "时间": d.created_at.isoformat(),
            }
            for d in case.decisions
        ],
        "经过": [
            {"事": e.kind, "经办": e.who, "内容": e.detail, "时间": e.created_at.isoformat()}
            for e in case.events
        ],
    }


def _harmless(value: str) -> str:
    """A deputy's text must never become a formula in somebody's spreadsheet."""
    return "'" + value if value.startswith(_FORMULA) else value
