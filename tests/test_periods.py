"""Periods as a bureau writes them, and the days on which they end."""

from __future__ import annotations

from datetime import date

import pytest

from triage.errors import InputError, TaxonomyError
from triage.periods import Calendar, Period, Rules, parse_period
from triage.taxonomy import parse_taxonomy

FRIDAY = date(2026, 1, 9)
PLAIN = Calendar()


@pytest.mark.parametrize(
    ("text", "period", "end"),
    [
        ("3个月", Period("months", 3), date(2026, 4, 9)),
        ("3月", Period("months", 3), date(2026, 4, 9)),
        (" ３ 个月 ", Period("months", 3), date(2026, 4, 9)),
        ("30天", Period("days", 30), date(2026, 2, 8)),
        ("30日", Period("days", 30), date(2026, 2, 8)),
        ("1个工作日", Period("working_days", 1), date(2026, 1, 12)),
        ("7个工作日", Period("working_days", 7), date(2026, 1, 20)),
        ("7工作日", Period("working_days", 7), date(2026, 1, 20)),
        ("6月30日", Period("year_day", 6, 30), date(2026, 6, 30)),
        ("1月9日", Period("year_day", 1, 9), date(2027, 1, 9)),  # the day itself is past
        ("2月29日", Period("year_day", 2, 29), date(2026, 2, 28)),
    ],
)
def test_what_a_bureau_writes_is_read_and_counted(text: str, period: Period, end: date) -> None:
    assert parse_period(text) == period
    assert period.end(FRIDAY, PLAIN) == end
    assert parse_period(str(period)) == period


@pytest.mark.parametrize(
    "text", ["", "三个月", "3", "3周", "0天", "0个月", "13月1日", "2月30日", "-3天", "3个月零2天"]
)
def test_anything_else_is_refused_in_words(text: str) -> None:
    with pytest.raises(InputError):
        parse_period(text)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2025, 11, 30), date(2026, 2, 28)),
        (date(2023, 11, 30), date(2024, 2, 29)),
        (date(9999, 12, 1), date.max),
    ],
)
def test_a_shorter_month_ends_on_its_last_day(start: date, end: date) -> None:
    assert Period("months", 3).end(start, PLAIN) == end


def test_holidays_do_not_count_and_worked_weekends_do() -> None:
    days = Calendar({date(2026, 1, 12): "off", date(2026, 1, 10): "work", date(2026, 1, 13): "plain"})
    assert [days.is_working(date(2026, 1, d)) for d in (9, 10, 11, 12, 13)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert Period("working_days", 2).end(FRIDAY, days) == date(2026, 1, 13)


def test_the_rules_are_the_offices_own() -> None:
    rules = parse_taxonomy('[deadlines]\nreply = "6月30日"\nobjection = "10天"\n').rules
    assert (rules.reply, rules.objection) == (Period("year_day", 6, 30), Period("days", 10))
    assert rules.redo == Rules().redo
    assert parse_taxonomy("[office]\nreply_months = 6\n").rules.reply == Period("months", 6)


@pytest.mark.parametrize(
    ("toml", "line", "says"),
    [
        ('[deadlines]\nreply = "快点"\n', 2, "3个月"),
        ("[deadlines]\nreply = 3\n", 2, "带引号的文字"),
        ('[deadlines]\nanswer = "3个月"\n', 2, "不认识的项 answer"),
        ('[deadlines]\nextension = "6月30日"\n', 2, "一段时间"),
        ('[office]\nreply_months = 3\n[deadlines]\nreply = "3个月"\n', 2, "只能写一个"),
        ("deadlines = 3\n", 1, "应为一个表"),
        ('[[handling]]\nname = "速办"\nway = "quick"\n', 3, "at_once"),
        ('[[section]]\nname = "科"\nway = "stages"\n', 3, "办理类型"),
    ],
)
def test_a_wrong_rule_is_named_with_its_line(toml: str, line: int, says: str) -> None:
    with pytest.raises(TaxonomyError, match=says) as caught:
        parse_taxonomy(toml)
    assert caught.value.detail["line"] == line


def test_result_classes_after_the_first_come_back_next_year() -> None:
    toml = (
        '[[result_class]]\ncode = "A"\nname = "解决"\n[[result_class]]\ncode = "B"\nname = "正在"\n'
        '[[result_class]]\ncode = "D"\nname = "参考"\ncarried = false\n'
    )
    assert [(r.code, r.carried) for r in parse_taxonomy(toml).result_classes] == [
        ("A", False),
        ("B", True),
        ("D", False),
    ]
