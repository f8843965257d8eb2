"""The words that stand before a field on a congress's form, and how they are found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

# field -> its usual labels on forms of congresses and political-consultative conferences
LABELS: dict[str, tuple[str, ...]] = {
    "number": (
        *("编号", "案号", "建议号", "建议编号", "建议案号", "议案号", "议案编号", "提案号", "提案编号"),
        *("提案案号", "流水号", "总编号", "交办编号"),
    ),
    "session": ("届次", "会议届次", "会议名称", "归属届次", "大会届次", "大会名称", "届次会议", "会次"),
    "kind": ("案别", "建议类型", "文种", "类型"),
    "title": (
        *("案由", "标题", "题目", "题名", "案名", "事由", "建议标题", "建议题目", "建议名称", "建议案由"),
        *("提案题目", "提案标题", "提案名称", "提案案由", "议案题目", "议案标题", "议案名称", "建议事由"),
    ),
    "body": (
        *("正文", "内容", "建议内容", "提案内容", "议案内容", "建议正文", "提案正文", "议案正文", "全文"),
        *("主要内容", "具体内容", "建议全文", "建议的内容", "建议批评和意见内容", "建议和意见内容"),
        *("建议、批评和意见内容", "建议具体内容", "建议批评意见内容", "内容摘要", "正文内容"),
    ),
    # a body in parts: each keeps its heading
    "part": (
        *("案据", "方案", "理由", "办法", "提案理由", "建议理由", "提出理由", "具体建议", "建议措施"),
        *("问题及分析", "情况分析", "存在问题", "存在的问题", "问题和原因", "建议办法", "现状及问题"),
        *("建议和措施", "解决办法", "对策建议", "办法和建议", "问题与分析", "背景情况", "理由及分析"),
    ),
    "deputy": (
        *("领衔代表", "领衔人", "领衔代表姓名", "领衔委员", "领衔提案人", "领衔人姓名", "代表姓名", "代表"),
        *("提案人", "提案者", "提出人", "提出代表", "建议人", "建议代表", "提议人", "第一提案人", "委员"),
        *("第一提案者", "提建议人", "提建议代表", "主提人", "提出者", "建议提出人", "委员姓名", "领衔"),
        *(
            "提案人姓名",
            "建议人姓名",
            "提出人姓名",
            "提议人姓名",
            "提出代表姓名",
            "首提代表",
            "第一提出人",
            "议案领衔人",
            "提案单位",
            "提出单位",
            "集体提案单位",
            "提案团体",
            "提出代表团",
            "领衔代表及联系电话",
            "领衔代表及电话",
            "提案人及联系电话",
            "建议人及联系电话",
        ),
    ),
    "cosigners": (
        *("附议代表", "附议人", "附议", "附议委员", "附议者", "附议代表姓名", "附议人姓名", "附议代表名单"),
        *("联名代表", "联名人", "联名委员", "联名提案人", "联名提案者", "联名者", "联署代表", "联署人"),
        *("共同提案人", "共同提出人", "其他提案人", "其他代表", "其他联名代表", "联名", "附议人名单"),
        *("联名代表名单", "联名人名单", "其他提出人", "附名代表", "附议提案人"),
    ),
    "delegation": (
        *("代表团", "所属代表团", "所在代表团", "代表团名称", "团别", "代表小组", "界别", "所属界别"),
        *("委组", "界别委组", "所在代表团组", "代表团组", "委员小组", "所在界别", "代表团界别", "组别"),
    ),
    "phone": (
        *("联系电话", "电话", "手机", "手机号", "手机号码", "联系方式", "电话号码", "固定电话", "移动电话"),
        *("代表联系电话", "联系手机", "办公电话", "代表电话", "领衔代表电话", "提案人电话"),
    ),
    "proposed_unit": (
        *("建议承办单位", "拟承办单位", "建议办理单位", "希望承办单位", "建议主办单位", "建议承办部门"),
        *("建议交办单位", "希望办理单位", "建议承办机关", "代表建议承办单位", "承办单位建议"),
    ),
    "lead_unit": ("主办单位", "主办部门", "承办单位", "牵头单位", "主办"),
    "role": ("承办角色", "承办性质", "办理角色"),
    "received_on": ("交办日期", "交办时间", "收件日期", "收到日期", "收文日期", "收到时间", "收件时间"),
}
NAME = "姓名"  # means what the label before it says
# labels of what we do not keep; without them their values would run into a field of ours
OTHER = (
    *("职务", "单位", "工作单位", "单位及职务", "单位职务", "工作单位及职务", "工作单位和职务", "所在单位"),
    *("通讯地址", "通信地址", "地址", "联系地址", "邮编", "邮政编码", "电子邮箱", "邮箱", "电子邮件"),
    *("类别", "分类", "内容分类", "建议分类", "提案分类", "建议类别", "提案类别", "性质", "性质类别", "专业"),
    *("是否公开", "是否同意公开", "同意公开", "可否公开", "可否网上公开", "公开属性", "是否同意网上公开"),
    *("提出日期", "提出时间", "提交日期", "提交时间", "日期", "填表日期", "填写日期", "时间", "年月日"),
    *("备注", "说明", "审查意见", "交办意见", "领导批示", "审核意见", "处理意见", "拟办意见", "立案意见"),
    *(
        "会办",
        "协办",
        "会办部门",
        "协办部门",
        "会办单位",
        "协办单位",
        "办理单位",
        "分办单位",
        "交办单位",
        "办理意见",
        "经办人",
    ),
    *("代表证号", "代表证编号", "委员证号", "性别", "年龄", "民族", "党派", "职业", "学历", "签名", "签字"),
    *("代表签名", "办理结果", "办理方式", "联系人", "主题词", "关键词", "附件", "承办人", "页码", "序号"),
    *("会议期间", "提出形式", "办理时限", "要求办结日期", "办结日期", "是否联名", "附议人数", "联名人数"),
    *("领衔代表签名", "收文时间", "希望办理方式", "是否面商", "答复方式", "希望答复方式", "登记时间"),
    *("提案形式", "提案类型", "提案性质", "建议性质", "建议形式", "联名情况", "审查结果", "立案情况"),
    *("办理要求", "是否保密", "保密要求", "是否愿意公开", "涉及单位", "专委会", "传真", "微信", "填表人"),
    *("提交人", "录入人", "提交状态", "建议来源", "会议性质", "承办意见", "签收", "签收人", "所属专委会"),
    *("调研情况", "前期调研", "是否经过调研", "是否多年提出", "重点建议", "状态", "提出人数", "代表信息"),
)
# may stand before a value without a colon, at the head of a line
PLAIN = ("number", "title", "deputy", "cosigners", "delegation", "phone", "proposed_unit")
# too common a word to be a label inside running text, even with a colon
WEAK = {
    *LABELS["part"],
    *("内容", "类型", "全文", "主要内容", "具体内容", "代表", "委员", "附议", "领衔", "联名", "电话", "手机"),
    *("标题", "题目", "事由", "内容摘要", "提案单位", "联系方式", "主办", "工作单位", "联系地址", "电子邮箱"),
    *("办理结果", "办理方式", "关键词", "前期调研", "调研情况", "会议期间", "重点建议", "所在单位"),
    *(label for label in OTHER if len(label) < 4),
}

_FIELD = {label: field for field, labels in LABELS.items() for label in labels} | dict.fromkeys(
    (*OTHER, NAME), ""
)
_NOISE = re.compile(r"[\s:*、/.()·_]")
_ASIDE = re.compile(r"\([^)]{0,30}\)")
_NUMBERING = re.compile(r"^\s*(?:[一二三四五六七八九十]+、|\([一二三四五六七八九十\d]+\)|\d{1,2}[.、])")
_SIGNED_BY = re.compile(r"(?:签名|签字|名单|姓名)$")
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


@dataclass(frozen=True)
class Found:
    """A label in a text: which one, of which field (empty: none of ours), and where its value begins."""

    label: str
    field: str
    start: int
    end: int


def half_width(text: str) -> str:
    """``text`` with full-width letters, digits and signs made half-width; its length stays."""
    return text.translate(_HALF_WIDTH)


def as_label(text: str) -> str | None:
    """The label that ``text`` is, whatever spaces, colons and asides it is written with; None where none.

    >>> as_label("案  由(标题):")
    '案由'
    """
    text = half_width(text)
    if len(text) > 60:
        return None
    for candidate in (text, _ASIDE.sub("", text)):
        bare = _NOISE.sub("", _NUMBERING.sub("", candidate))
        for known in (bare, _SIGNED_BY.sub("", bare)):
            if known in _BARE:
                return _BARE[known]
    return None


def field_of(label: str) -> str:
    """The field that a label stands for; empty where it is none of ours."""
    return _FIELD.get(label, "")


def _spaced(label: str) -> str:
    return r"[ \t\u3000]*".join(map(re.escape, label))


_BARE = {_NOISE.sub("", label): label for label in _FIELD}
_WORDS = sorted(_FIELD, key=len, reverse=True)
_SIGNATURES = r"(?:[ \t\u3000]*(?:签名|签字|名单|姓名))?"
_ASIDE_PART = r"(?:[ \t\u3000]*\([^)]{0,30}\))?"
# a signature: 平川区人大代表:某某
_SIGNED = r"[\u4e00-\u9fff]{2,12}(?:人大代表|政协委员|人民代表)"
_PLAIN_WORDS = [w for w in _WORDS if _FIELD[w] in PLAIN and w not in WEAK]


# compiled when first asked: they take a quarter of a second, and most commands read no document
@cache
def _labelled() -> re.Pattern[str]:
    return re.compile(
        r"(?<![^\s;,。(])"
        r"(?:(?:[一二三四五六七八九十]{1,3}、|\d{1,2}[.、])[ \t]*)?"
        rf"(?:(?P<label>{'|'.join(map(_spaced, _WORDS))}){_SIGNATURES}{_ASIDE_PART}[ \t\u3000]*:"
        rf"|【(?P<boxed>{'|'.join(map(_spaced, _WORDS))})】[ \t\u3000]*:?"
        rf"|(?P<signed>{_SIGNED})[ \t\u3000]*:)"
    )


@cache
def _unmarked() -> re.Pattern[str]:
    return re.compile(
        rf"^\s*(?P<label>{'|'.join(map(_spaced, _PLAIN_WORDS))}){_ASIDE_PART}[ \t\u3000]+(?=\S)"
    )


def find_labels(line: str, *, strong_only: bool = False) -> list[Found]:
    """The labels of a half-width line, from left to right; values lie between them.

    Args:
        strong_only: only labels that running text does not use by chance.
    """
    found = []
    for match in _labelled().finditer(line):
        label = _bare(match["label"] or match["boxed"] or match["signed"])
        field = "deputy" if match["signed"] else field_of(label)
        if not (strong_only and label in WEAK and not match["boxed"]):
            found.append(Found(label, field, match.start(), match.end()))
    if not (found and found[0].start == 0):
        unmarked = _unmarked().match(line)
        if unmarked and (not found or unmarked.end() <= found[0].start):
            label = _bare(unmarked["label"])
            found.insert(0, Found(label, field_of(label), unmarked.start(), unmarked.end()))
    return found


def _bare(label: str) -> str:
    return re.sub(r"\s", "", label)
