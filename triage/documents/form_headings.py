"""The headings of a form: what names the document, its number, its title, a day, a remark below it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from triage.documents.fields import NUMBER, SESSION, one_line
from triage.documents.labels import half_width

HEADING_CHARS = 80
TITLE = re.compile(r"《?关于.{2,200}(?:建议|提案|议案|意见|建议案|议案案)》?")
_TITLE_OTHER = re.compile(r"《?[^。;!?:]{4,80}的(?:建议|提案|议案)》?")
DAY_ONLY = re.compile(r"\(?\s*(?:\d{4}|[二〇○零一九]{4})\s*[年./-]\s*\S{1,3}\s*[月./-]\s*\S{1,3}\s*日?\s*\)?")
TITLE_AND_NUMBER = re.compile(rf"(关于.*(?:建议|提案|议案)》?)\s*(\(?{NUMBER.pattern}\)?)")
AROUND_NUMBER = re.compile(r"人大|政协|代表|委员|建议|提案|议案|[案编]?号|[()\[\]【】〔〕\s]")
REMARK = re.compile(
    r"\(?(?:此|本)(?:表|件|页).{0,80}\)?|\(?(?:注|说明|填表说明|备注)\s*\d?\s*:.{0,120}\)?|[-—]+\s*\d+\s*[-—]+"
)
SALUTATION = re.compile(
    r"[\u4e00-\u9fff、]{2,20}(?:秘书处|主席团|常委会|委员会|政府|领导|代表|委员|同志们?|办公室|提案委):"
)
BODY_OF_MEMBERS = re.compile(
    r"[\u4e00-\u9fff]{2,20}(?:代表团|代表小组|代表联络站|委员会|支部|总支|工委|界别|小组|联合会|工商联|商会|妇联|侨联)"
)


def is_heading(line: str) -> bool:
    """A short line that names the document, its number, its title or a day, not prose."""
    bare = half_width(line).strip()
    if len(bare) > HEADING_CHARS:
        return False
    return bool(
        DAY_ONLY.fullmatch(bare)
        or (SESSION.search(bare) and "。" not in bare and not bare.endswith(":"))
        or NUMBER.fullmatch(bare.strip("()【】〔〕[]").strip())
        or re.fullmatch(r".{0,20}(?:代表|委员).{0,6}(?:建议|提案|议案)[^。,]{0,12}(?:表|纸|单|书)?", bare)
        or re.fullmatch(r"(?:建议|提案|议案)(?:表|纸|单|书)?", re.sub(r"\s", "", bare))
        or TITLE.fullmatch(bare)
    )


def title_lines(lines: Sequence[str]) -> int:
    """How many of the first lines are one title that was broken into several."""
    for count in range(1, min(4, len(lines) + 1)):
        joined = one_line("".join(lines[:count]))
        if any(len(line) > HEADING_CHARS // 2 or "。" in line for line in lines[:count]):
            return 0
        if TITLE.fullmatch(joined):
            return count
    return 0


def find_title(lines: Sequence[str]) -> str:
    """The heading that is a title, put together where it was broken into several lines."""
    for at in range(len(lines)):
        count = title_lines(lines[at:])
        if count:
            return unquoted(one_line("".join(lines[at : at + count])))
    for line in lines:
        bare = one_line(line)
        if _TITLE_OTHER.fullmatch(half_width(bare)) and not SESSION.search(half_width(bare)):
            return unquoted(bare)
    return ""


def unquoted(title: str) -> str:
    """A title without the 《》 around the whole of it."""
    if title.startswith("《") and title.find("》") == len(title) - 1:
        return title[1:-1]
    return title
