"""Periods as a bureau writes them (3个月, 30天, 7个工作日, 6月30日), and the day on which they end."""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from triage.errors import InputError
from triage.text import normalise

HOLIDAY_KINDS = {"off": "放假", "work": "上班", "plain": "照常"}
_MONTHS = re.compile(r"(\d{1,2})个?月")
_DAYS = re.compile(r"(\d{1,3})个?(工作日|天|日)")
_YEAR_DAY = re.compile(r"(\d{1,2})月(\d{1,2})日")
Unit = Literal["months", "days", "working_days", "year_day"]


@dataclass(frozen=True)
class Calendar:
    """Which days are worked: Monday to Friday, except where the office's table says otherwise.

    Attributes:
        days: day to ``off``, ``work`` or ``plain``.
    """

    days: Mapping[date, str] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        kind = self.days.get(day, "plain")
        return kind == "work" or (kind == "plain" and day.weekday() < 5)

    def knows(self, year: int) -> bool:
        """Whether the table has any day of that year."""
        return any(day.year == year for day in self.days)


@dataclass(frozen=True)
class Period:
    """From a day on: so many months, days or working days, or until a fixed day of the year."""

    unit: Unit
    count: int
    day: int = 0  # of the month ``count``, in a year_day

    def __str__(self) -> str:
        return {
            "months": f"{self.count}个月",
            "days": f"{self.count}天",
            "working_days": f"{self.count}个工作日",
            "year_day": f"{self.count}月{self.day}日",
        }[self.unit]

    def end(self, start_on: date, days: Calendar) -> date:
        """The last day that is in time; the day after ``start_on`` is the first that counts."""
        try:
            if self.unit == "months":
                return _months_later(start_on, self.count)
            if self.unit == "days":
                return start_on + timedelta(days=self.count)
            if self.unit == "year_day":
                return self._next_year_day(start_on)
            day, left = start_on, self.count
            while left:
                day += timedelta(days=1)
                left -= days.is_working(day)
            return day
        except OverflowError:
            return date.max

    def _next_year_day(self, start_on: date) -> date:
        for year in (start_on.year, start_on.year + 1):
            day = date(year, self.count, min(self.day, calendar.monthrange(year, self.count)[1]))
            if day > start_on:
                return day
        raise OverflowError


def parse_period(text: str) -> Period:
    """Raises InputError where ``text`` is none of the four ways to write a period."""
    plain = normalise(text).replace(" ", "")
    if found := _MONTHS.fullmatch(plain):
        period = Period("months", int(found[1]))
    elif found := _DAYS.fullmatch(plain):
        period = Period("working_days" if found[2] == "工作日" else "days", int(found[1]))
    elif found := _YEAR_DAY.fullmatch(plain):
        period = Period("year_day", int(found[1]), int(found[2]))
        if not (1 <= period.count <= 12 and 1 <= period.day <= calendar.monthrange(2024, period.count)[1]):
            raise InputError(f"“{text}”不是一年中的一天。")
    else:
        raise InputError(f"“{text}”不是期限,应写成“3个月”“30天”“7个工作日”或“6月30日”。")
    if period.unit != "year_day" and not period.count:
        raise InputError(f"期限“{text}”不能为零。")
    return period


@dataclass(frozen=True)
class Rules:
    """The deadlines that a bureau works under; from [deadlines] of its file.

    Attributes:
        reply: from receipt to the reply, or to the opinion where no lead unit waits for it.
        hard_reply: the same for a case that was found hard.
        extension: how much later than the rule a reply may be made due, with consent.
        objection: from receipt, for giving back what is not the bureau's.
        assist: from receipt or from being asked, for an assisting opinion.
        feedback: from the reply to the deputy's feedback.
        redo: from a feedback of not satisfied to the new reply.
    """

    reply: Period = Period("months", 3)
    hard_reply: Period = Period("months", 6)
    extension: Period = Period("months", 3)
    objection: Period = Period("working_days", 7)
    assist: Period = Period("months", 1)
    feedback: Period = Period("working_days", 15)
    redo: Period = Period("months", 1)


def _months_later(start_on: date, months: int) -> date:
    """Where that month is shorter, its last day (30 November + 3 months = 28 February)."""
    year, month = divmod(start_on.year * 12 + start_on.month - 1 + months, 12)
    if year > date.max.year:
        raise OverflowError
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(start_on.day, last))
