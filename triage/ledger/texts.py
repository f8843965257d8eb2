"""What people type into the ledger: names, reasons, days; checked before anything is written."""

from __future__ import annotations

import re
from datetime import date

from triage.errors import InputError

# no database keeps these in a text
UNSAVEABLE = re.compile(r"[\x00\ud800-\udfff]")
MAX_WHO = 100
MAX_WHY = 2_000
MAX_NOTE = 20_000  # what was said at a contact or a meeting, or by a deputy of a reply


def check_text(text: str, limit: int, *, field: str, name: str) -> str:
    """``text`` without surrounding space, if it fits; InputError otherwise."""
    text = text.strip()
    if len(text) > limit or UNSAVEABLE.search(text):
        raise InputError(f"{name}太长或含有无法保存的字符,最多 {limit:,} 字。", field=field)
    return text


def needed_text(text: str, limit: int, *, field: str, name: str) -> str:
    """As check_text; an empty text is refused too."""
    text = check_text(text, limit, field=field, name=name)
    if not text:
        raise InputError(f"请填写{name}。", field=field)
    return text


def check_who(who: str) -> str:
    """The name without surrounding space.

    Raises:
        InputError: empty or too long: a record without a name shows nothing.
    """
    return needed_text(who, MAX_WHO, field="who", name="经办人姓名")


def check_why(why: str) -> str:
    """The reason without surrounding space, which may be empty."""
    return check_text(why, MAX_WHY, field="why", name="理由")


def needed_why(why: str, says: str) -> str:
    """The reason, which must not be empty; ``says`` is the sentence where it is."""
    why = check_why(why)
    if not why:
        raise InputError(says, field="why")
    return why


def check_past(day: date | None, *, field: str, name: str) -> date:
    """A day on which something happened, today where none is given; InputError for a later one."""
    today = date.today()
    if day is None:
        return today
    if day > today:
        raise InputError(f"{name}({day})还没有到,请核对。", field=field)
    return day
