"""The columns of a ledger sheet: their usual names, and an office's own mapping of names and values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from triage.documents.labels import half_width
from triage.errors import InputError, os_reason

# The usual names of a column in congress systems and bureaus' sheets; an earlier one wins.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "流水号"),
    "number": (
        *("number", "编号", "案号", "建议号", "建议编号", "提案号", "提案编号", "议案编号", "建议案号"),
        *("提案案号", "建议提案编号", "件号", "提案序号", "序号"),
    ),
    "session": ("session", "届次", "会议名称", "会议届次", "归属届次", "大会届次", "届次会议"),
    "kind": ("kind", "案别", "类型", "建议类型", "件别"),
    "title": (
        *("title", "标题", "案由", "题目", "名称", "题名", "建议标题", "建议题目", "提案题目", "建议名称"),
        *("提案名称", "提案案由", "建议案由", "建议提案名称", "事由", "建议提案标题"),
    ),
    "body": ("body", "正文", "内容", "建议内容", "全文", "提案内容", "建议正文", "主要内容"),
    "deputy": (
        *("deputy", "领衔代表", "领衔人", "代表", "提案人", "提案者", "proposer", "代表姓名", "建议人"),
        *(
            "领衔代表姓名",
            "提出人",
            "建议代表",
            "领衔委员",
            "第一提案人",
            "代表委员",
            "领衔代表委员",
            "提建议人",
        ),
    ),
    "delegation": (
        *("delegation", "代表团", "界别", "委组", "所属代表团", "建议代表团", "代表团界别", "领衔代表代表团"),
        *("所在代表团", "提议代表团", "界别委组"),
    ),
    "cosigners": (
        *("cosigners", "附议代表", "附议人", "联名代表", "附议", "联名人", "附议委员", "附议代表姓名"),
        *("附议人员", "联名代表委员", "附议代表委员"),
    ),
    "phone": (
        "phone",
        "联系电话",
        "代表电话",
        "领衔代表电话",
        "代表联系电话",
        "联系方式",
        "领衔代表联系电话",
    ),
    "proposed_unit": ("proposed_unit", "建议承办单位", "拟承办单位"),
    "lead_unit": ("lead_unit", "主办单位", "牵头单位"),
    "role": (
        "role",
        "承办角色",
        "办理角色",
        "主协办",
        "承办性质",
        "主办会办",
        "主会办",
        "办理性质",
        "承办类别",
    ),
    "received_on": (
        *("received_on", "收件日期", "交办日期", "登记时间", "收到日期", "交办时间", "收文日期", "收件时间"),
        *("收到时间", "登记日期"),
    ),
    "due_on": ("due_on", "答复期限", "要求办结日期", "办理时限", "办理期限", "限办日期", "办结时限"),
    "state": (
        *(
            "state",
            "状态",
            "办理状态",
            "建议状态",
            "交办状态",
            "办理进度",
            "办理进展",
            "当前状态",
            "是否办结",
        ),
    ),
    "flags": ("flags", "核对提示"),
    "section": (
        *("section", "承办科室", "主办科室", "科室", "责任科室", "承办处室", "牵头科室", "主办处室"),
        *("责任处室", "牵头处室", "承办科股", "责任股室", "承办股室"),
    ),
    "topic": ("topic", "主题", "主题分类", "内容分类", "提案分类", "建议分类"),
    "handling": ("handling", "办理类型", "办理方式"),
    "assists": ("assists", "会办科室", "协办科室", "配合科室", "协办处室", "会办处室", "配合处室"),
    "leader": ("leader", "分管领导", "责任领导", "承办负责人", "分管负责人", "分管局领导", "主管领导"),
    "handler": ("handler", "承办人", "经办人", "具体承办人", "具体经办人", "承办人员", "责任人"),
    "key_on": ("key_on", "重点督办", "重点督办日期"),
    "contacts": ("contacts", "联系代表", "联系情况", "面商情况", "沟通情况"),
    "merge": ("merge", "并案", "并案办理"),
    "result_class": (
        *("result_class", "办理结果", "类别标记", "办复类别", "结果类别", "答复类别", "办理结果类别"),
        *("办结类别", "现办复类别"),
    ),
    "reply_number": ("reply_number", "答复文号", "文号", "答复函文号", "复函文号", "发文字号", "办复文号"),
    "replied_on": (
        "replied_on",
        "答复日期",
        "主办答复时间",
        "答复时间",
        "办复日期",
        "书面答复日期",
        "复函日期",
    ),
    "feedback": (
        *("feedback", "代表反馈", "满意度", "代表意见", "反馈意见", "意见反馈", "满意情况", "代表反馈意见"),
        *("委员反馈意见", "委员意见", "代表满意度", "委员满意度", "反馈结果"),
    ),
    "closed_on": ("closed_on", "办结日期", "办结时间", "销号日期", "办结销号日期"),
    "commitment": ("commitment", "承诺事项", "计划落实事项"),
    "commitment_due_on": ("commitment_due_on", "承诺时限", "计划落实时间"),
    "commitment_kept_on": ("commitment_kept_on", "承诺兑现日期", "落实日期"),
    "section_kind": ("section_kind", "承办科室认定"),
    "section_who": ("section_who", "承办科室认定人"),
    "topic_kind": ("topic_kind", "主题认定"),
    "topic_who": ("topic_who", "主题认定人"),
    "handling_kind": ("handling_kind", "办理类型认定"),
    "handling_who": ("handling_who", "办理类型认定人"),
}
COLUMN_NAMES = {field: names[1] for field, names in COLUMNS.items()}
BODY_PART = re.compile(r"正文续(\d{1,3})")
_ASIDE = re.compile(r"\([^()]*\)")
# a cell that holds a whole text is looked at in many ways before it is found to be no header
MAX_HEADER = 300
_NOISE = re.compile(r"[\s*:、/·]")


@dataclass(frozen=True)
class ColumnMap:
    """An office's own names: field to the header that stands for it, field to value to our value.

    Attributes:
        left: headers that stand for nothing of ours, whatever they are called.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    left: Sequence[str] = ()

    def value(self, field: str, text: str) -> str:
        """The value that stands for ``text`` in our ledger; ``text`` itself where nothing says so."""
        return self.values.get(field, {}).get(half_width(text.strip()), text)


def bare_name(header: str) -> str:
    """A header without spaces, line breaks and signs, in lower case; what is longer than any is cut."""
    return _NOISE.sub("", half_width(header[:MAX_HEADER])).lower()


_FIELD = {
    bare_name(name): (field, rank) for field, names in COLUMNS.items() for rank, name in enumerate(names)
}


def match_columns(header: Sequence[str], mapping: ColumnMap | None = None) -> dict[int, str]:
    """Column position, from 0, to field; of two columns for one field the more usual name wins."""
    mapping = mapping or ColumnMap()
    own = {bare_name(name): field for field, name in mapping.columns.items()}
    left = {bare_name(name) for name in mapping.left}
    found: dict[str, tuple[int, int]] = {}
    for at, text in enumerate(header):
        if bare_name(text) in left:
            continue
        for name in (bare_name(text), bare_name(_ASIDE.sub("", half_width(text[:MAX_HEADER])))):
            if not name:
                continue
            field, rank = (own[name], -1) if name in own else _FIELD.get(name, ("", 0))
            if field and (field not in found or rank < found[field][1]):
                found[field] = (at, rank)
            if field:
                break
    return {at: field for field, (at, _) in found.items()}


def field_named(name: str) -> str:
    """The field that one of its names stands for.

    Raises:
        InputError: no field has that name.
    """
    known = _FIELD.get(bare_name(name))
    if known is None:
        raise InputError(f"没有“{name}”这一栏。可用:{'、'.join(COLUMN_NAMES.values())}。", field="map")
    return known[0]


def parse_map(given: Iterable[str]) -> ColumnMap:
    """A mapping from lines such as 标题=建议题目 and 承办科室:电力处=能源科, or files of such lines.

    The first says which of the sheet's columns is ours, the second which of its values is ours.
    In a file empty lines and those that begin with # are left out.

    Raises:
        InputError: a line or file that is not understood; the message says which.
    """
    columns: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    for item in given:
        lines = [item] if not Path(item).is_file() and _is_line(item) else _lines_of(Path(item))
        for line in lines:
            ours, divider, theirs = (part.strip() for part in half_width(line).partition("="))
            name, _, value = (part.strip() for part in ours.partition(":"))
            if not divider or not name or not theirs:
                raise InputError(
                    f"对照“{line[:60]}”看不懂,应写成“标题=表里的列名”或“承办科室:表里的写法=台账的写法”。",
                    field="map",
                )
            if value:
                values.setdefault(field_named(name), {})[value] = theirs
            else:
                columns[field_named(name)] = theirs
    return ColumnMap(columns, values)


def _is_line(item: str) -> bool:
    """Whether it is a line of a mapping, not the name of a file; also one with a colon for the sign."""
    bare = half_width(item)
    return "=" in bare or bare_name(bare.partition(":")[0]) in _FIELD


def _lines_of(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"对照文件 {path} {os_reason(error)}。对照也可以直接写成“标题=建议题目”。", field="map"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"对照文件 {path} 不是 UTF-8 编码的文本。", field="map") from None
    return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
