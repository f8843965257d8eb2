"""When a reply is due: so many months after a case came in."""

from __future__ import annotations

import calendar
from datetime import date


def reply_due(received_on: date, months: int) -> date:
    """``months`` later; where that month is shorter, its last day (30 November + 3 = 28 February)."""
    year, month = divmod(received_on.year * 12 + received_on.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(received_on.day, last))
