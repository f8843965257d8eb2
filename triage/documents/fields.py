"""What stands behind a label, as the ledger wants it; a blank stays a blank."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from triage.documents.labels import as_label, half_width

_BLANK = re.compile(r"[\s_—\-/\\.·…:,、()《》〔〕\[\]]*")
_UNSAID = {"无", "暂无", "空", "略", "待编", "待定", "未填", "第号", "年月日", "无附议", "同上"}
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?!\d)")
_RUN = re.compile(r"(?<!\d)(\d{4})(\d{2})(\d{2})(?!\d)")
_SERIAL = re.compile(r"(\d{5})(?:\.0+)?")
_EXCEL_START = date(1899, 12, 30)

_ORDINAL = "[一二三四五六七八九十百〇零\\d]{1,5}"
SESSION = re.compile(
    rf"[\u4e00-\u9fffXx×○]{{0,24}}?第?{_ORDINAL}届[\u4e00-\u9fff]{{0,12}}?第?{_ORDINAL}次(?:全体)?会议"
)
NUMBER = re.compile(r"第\s*[A-Za-z]{0,4}\s*[-—]?\s*\d{1,8}\s*号(?:\s*\([^()]{1,30}\))?")
_NAME = re.compile(r"[\u3400-\u9fff]{2,4}|[\u3400-\u9fff]{1,10}(?:·[\u3400-\u9fff]{1,10})+")
_BETWEEN_NAMES = re.compile(r"[、,;;/|\s]+")
_NAME_NUMBER = re.compile(r"(?<![^\s、,;])\(?\d{1,2}[.、)]*\s*(?=[\u3400-\u9fff])")
_AND_OTHERS = re.compile(r"等(?:\s*\d+|[一二三四五六七八九十]+)?\s*(?:名|位|人|件)?(?:代表|委员|人)?\s*$")
_HOW_MANY = re.compile(r"等\s*(\d+)\s*(?:名|位|人)")
_ASIDE = re.compile(r"\([^()]{0,30}\)")
_PHONE = re.compile(r"\+?\d[\d\- ()]{5,24}\d")


def is_blank(text: str) -> bool:
    """Whether nothing was filled in: lines, strokes, an empty 第  号 or 年  月  日."""
    bare = half_width(text)
    return _BLANK.fullmatch(bare) is not None or re.sub(r"[\s_]", "", bare) in _UNSAID


def read_date(text: str) -> date | None:
    """The day that a cell or field names, None where it names none; also 20260115 and Excel's day number.

    Raises:
        ValueError: something is there, and it is no day.
    """
    text = half_width(text).strip()
    if is_blank(text):
        return None
    found = _DAY.match(text) or _RUN.match(text)
    if found:
        return date(int(found[1]), int(found[2]), int(found[3]))
    serial = _SERIAL.fullmatch(text)
    if serial and 20_000 <= int(serial[1]) <= 80_000:  # 1954 to 2119
        return _EXCEL_START + timedelta(days=int(serial[1]))
    return datetime.fromisoformat(text).date()


def read_number(text: str) -> tuple[str, str]:
    """Number and session in a text such as 市六届人大三次会议第081号建议; empty where there is none."""
    text = half_width(text)
    if is_blank(text) or not re.search(r"\d", text):
        return "", ""
    session = SESSION.search(text)
    found = NUMBER.search(text, session.end() if session else 0)
    if found:
        return re.sub(r"\s", "", found[0]), re.sub(r"\s", "", session[0]) if session else ""
    if session:
        return "", re.sub(r"\s", "", session[0])
    number = re.sub(r"\s", "", text)
    if number.count("(") != number.count(")"):  # of the brackets around the whole line
        number = number.strip("()")
    return (number, "") if len(number) <= 60 and re.search(r"\d", number) else ("", "")


def split_names(text: str) -> list[str] | None:
    """The names in a list of names, however they are divided; None where it is not one.

    >>> split_names("王 刚、李建国 3.赵敏")
    ['王刚', '李建国', '赵敏']
    """
    text = _ASIDE.sub("", half_width(text))
    text = _AND_OTHERS.sub("", _NAME_NUMBER.sub(" ", text).strip())
    names: list[str] = []
    for part in re.split(r"[、,;/|\n\t]+| {4,}", text):
        pending = ""
        for token in part.split():
            if len(token) == 1 and "\u3400" <= token <= "\u9fff":
                if not pending:
                    pending = token
                    continue
                token, pending = pending + token, ""
            elif pending:
                return None
            names.append(token)
        if pending:
            return None
    names = [name for name in names if as_label(name) is None]  # 签名, over a list of signatures
    return names if names and all(_NAME.fullmatch(name) for name in names) else None


_PLACE = re.compile(
    r"(?:公司|医院|学校|[中小大]学|政府|街道|中心|集团|银行|委员会|协会|代表团|局|院|厂|厅|村|镇|乡)$"
)
_OF_OFFICE = re.compile(r"^[\u4e00-\u9fff]{2,14}(?:代表|委员)\s+")
_GROUP = re.compile(r"\(\s*([\u4e00-\u9fff]{2,20}(?:团|组|界|界别))\s*\)")


def group_of(text: str) -> str:
    """The delegation that stands in brackets behind a name; empty where none does."""
    found = _GROUP.search(half_width(text))
    return found[1] if found else ""


def without_office(text: str) -> str:
    """A name without what its bearer is, where to find him, and how: 云泽市人大代表  温如玉 县医院 138…."""
    bare = _OF_OFFICE.sub("", _PHONE.sub(" ", half_width(text)).strip())
    if re.fullmatch(r"[\u4e00-\u9fff]{2,3}(?:代表|委员)", bare):
        bare = bare[:-2]
    first, *others = bare.split() or [""]
    kept = [word for word in others if not _PLACE.search(word)]
    return " ".join([first, *kept]) if len(kept) < len(others) else bare


def ticked(text: str, choices: Sequence[str]) -> str:
    """The one choice that is ticked, or that alone is named; empty where that is not plain."""
    marked = [c for c in choices if re.search(rf"[☑√■●✓✔☒]\s*{c}", text)]
    named = marked or [c for c in choices if c in text]
    return named[0] if len(named) == 1 else ""


def how_many(text: str) -> int:
    """N of 等N人; 0 where nobody counted."""
    found = _HOW_MANY.search(half_width(text))
    return int(found[1]) if found else 0


def one_line(text: str) -> str:
    """Without line breaks and doubled spaces; between Chinese characters no space at all."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(?<=[\u3000-\u9fff\uff00-\uffef]) (?=[\u3000-\u9fff\uff00-\uffef])", "", text)


def read_phone(text: str) -> str:
    """The first telephone numbers in the text, divided by 、; empty where there is none."""
    whole = re.sub(r"-\s+(?=\d)", "-", half_width(text))  # broken at the end of a line
    found = [re.sub(r"\s", "", number) for number in _PHONE.findall(whole)]
    return "、".join(number for number in found if sum(ch.isdigit() for ch in number) >= 7)
