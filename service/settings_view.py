"""What the settings pages say and read: Chinese names of parts and acts, and fields of their forms."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from triage.ledger.tables import EventRow
from triage.periods import HOLIDAY_KINDS
from triage.taxonomy import TARGET_NAMES, WAYS, Label

SECTION_WAYS = {way: name for name, way in WAYS.items()}
RULE_NAMES = {
    "reply": ("答复代表", "主办、分办、独办的件,自收件之日起"),
    "hard_reply": ("难件的答复", "经认定为难件的,自收件之日起"),
    "assist": ("会办意见", "会办的件自收件之日起;本单位科室协办自交办之日起"),
    "objection": ("提出退办", "认为不属本单位职责的,自收件之日起"),
    "extension": ("最多可延期", "经同意后,在原期限之后再加;应为一段时间"),
    "feedback": ("代表反馈", "自答复之日起"),
    "redo": ("重新办理", "代表不满意的,自反馈之日起"),
}
RULE_EXAMPLES = ("3个月", "30天", "7个工作日", "6月30日")
LETTER_NAMES = {
    "bureau": ("落款单位", "不填则用单位名称"),
    "mark": ("发文机关代字", "答复代表、委员的文号,如“云发改建”"),
    "assist_mark": ("会办意见代字", "送主办单位的文号"),
    "copies": ("抄送(建议、议案)", "一行一个单位"),
    "copies_proposal": ("抄送(提案)", "一行一个单位"),
}
KEY_NAMES = {
    "name": "名称",
    "duties": "职责",
    "description": "说明",
    "terms": "关键词",
    "leader": "分管领导",
    "phone": "电话",
    "active": "在用",
    "way": "办理要求",
    "formerly": "旧名",
    "successor": "接替科室",
    "successors": "接替科室",
    "code": "类别",
    "carried": "来年继续跟踪",
    "invented": "虚构示例",
    "reply_months": "答复期限(月)",
} | {key: name for key, (name, _) in {**RULE_NAMES, **LETTER_NAMES}.items()}
PART_NAMES = {
    **TARGET_NAMES,
    "office": "单位",
    "deadlines": "期限",
    "letter": "答复稿",
    "result_class": "办理结果类别",
    "file": "分类文件",
}
ACT_NAMES = {
    "added": "增加",
    "edited": "修改",
    "renamed": "更名",
    "retired": "停用",
    "restored": "恢复使用",
    "by_hand": "直接改文件",
}
SAVED = {
    "added": "已增加,并记入台账。",
    "edited": "已保存,并记入台账。",
    "renamed": "已更名,并记入台账。以后的推荐和认定用新名称,已有的记录保持原样。",
    "retired": "已停用,并记入台账。以后不再推荐,也不能再认定。",
    "restored": "已恢复使用,并记入台账。",
    "by_hand": "已把文件现在的内容记入台账。",
}
_BETWEEN = re.compile(r"[、,,;;\s]+")
WEEKDAYS = "一二三四五六日"


def words_of(text: str) -> list[str]:
    """Terms out of a field: apart by 、 commas, semicolons, spaces or lines; each once."""
    return [word for word in dict.fromkeys(_BETWEEN.split(text)) if word]


def lines_of(text: str) -> list[str]:
    """One entry a line, without empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def one_line(text: str) -> str:
    """A field of several lines as the file has it: in one."""
    return "".join(line.strip() for line in text.splitlines())


def fields_of(target: str, label: Label) -> dict[str, str]:
    """What the form of a label shows."""
    return {
        "name": label.name,
        "description": label.description,
        "terms": "、".join(label.terms),
        "leader": label.leader,
        "phone": label.phone,
        "way": label.way if target == "handling" else "",
    }


@dataclass(frozen=True)
class Told:
    """One change as a person reads it."""

    event: EventRow
    title: str
    lines: tuple[tuple[str, str, str], ...]

    @property
    def sha256(self) -> str:
        return str(self.event.detail.get("sha256_after", ""))


def tell(event: EventRow) -> Told:
    """A change of the file or the calendar: what it was of, then key, before and after."""
    detail = event.detail
    if event.kind == "holiday_set":
        before = detail.get("before")
        old, new = _holiday(before) if before else "", _holiday([detail["holiday"], detail["name"]])
        return Told(event, f"节假日 {detail['day']}", (("", old, new),))
    several = detail["part"] == "file"
    lines = tuple(
        (_key(one, several), said(one["key"], one["before"]), said(one["key"], one["after"]))
        for one in detail["changes"]
    )
    what = PART_NAMES.get(detail["part"], detail["part"])
    label = f"“{detail['label']}”" if detail["label"] else ""
    return Told(event, f"{ACT_NAMES[detail['act']]}{what}{label}", lines)


def _key(one: Mapping[str, Any], several: bool) -> str:
    key = KEY_NAMES.get(one["key"], str(one["key"]))
    if one["label"] and several:
        return f"{PART_NAMES.get(one['part'], one['part'])}“{one['label']}”{key}"
    return key


def said(key: str, value: Any) -> str:
    """A value of the file as people read it."""
    if key == "way":
        return SECTION_WAYS.get(value, "") if value else ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(one) for one in value)
    return "" if value is None else str(value)


def _holiday(found: Sequence[str]) -> str:
    return f"{HOLIDAY_KINDS[found[0]]} {found[1]}".strip()


@dataclass(frozen=True)
class Month:
    """One month of the calendar: six weeks of seven days, None where a day is another month's."""

    number: int
    weeks: tuple[tuple[date | None, ...], ...]


def months_of(year: int) -> list[Month]:
    """The twelve months, weeks from Monday."""
    found = []
    for number in range(1, 13):
        weeks = calendar.Calendar().monthdatescalendar(year, number)
        own = tuple(tuple(day if day.month == number else None for day in week) for week in weeks)
        blank = ((None,) * 7,) * (6 - len(own))  # all months are as high as the longest
        found.append(Month(number, own + blank))
    return found
