"""The year's figures as pictures, and the address of the cases behind each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from service.charts import Chart, Rates, Series, rate_lines, row_bar, share_bar, stacked_columns
from triage.ledger.states import OPEN
from triage.ledger.triage_record import TriageFigures, TriageRecord
from triage.ledger.year import UNKNOWN, GroupFigures, Share, YearFigures
from triage.taxonomy import Taxonomy

MONTH_LABELS = [f"{month}月" for month in range(1, 13)]
OPEN_STATES = ",".join(OPEN)
_CLASS_TONES = ("tone1", "tone2", "tone3", "tone4", "tone5")  # the classes of an office, in its order
_ROLE_TONES = {
    "主办": "tone1",
    "独办": "tone2",
    "分办": "tone3",
    "会办": "tone5",
    "参阅": "tone6",
    UNKNOWN: "tone4",
}


def ledger_link(**query: Any) -> str:
    """The list of the ledger's cases that a figure counts; "" where the list has no such filter.

    What is None is not asked for. A label that is not there yet (UNKNOWN) has a page of its own.
    """
    said = {name: "true" if value is True else value for name, value in query.items() if value is not None}
    for name in ("section", "topic", "role"):
        if said.get(name) == UNKNOWN:  # who sees one section only is shown that page for it
            alone = set(said) - {"section"} | {name} == {"year", name}
            return figure_link(f"no_{name}", year=query["year"]) if alone else ""
    # one order, so that the same question has one address
    return f"/ledger?{urlencode(sorted(said.items(), key=lambda one: (one[0] != 'year', one[0])))}"


def links_within(section: str | None) -> Callable[..., str]:
    """ledger_link for whoever sees one section's part of the year; the whole where none is named."""
    return partial(ledger_link, section=section)


def figure_link(what: str, *, year: int | None = None, month: int | None = None) -> str:
    """The page with the cases of a figure that the ledger's list has no filter for."""
    said = {name: value for name, value in (("year", year), ("month", month)) if value is not None}
    return f"/year/cases?{urlencode({'what': what, **said})}"


def export_link(year: int, section: str | None) -> str:
    """The year's cases with their figures as an Excel file."""
    said = {"year": year} if section is None else {"year": year, "section": section}
    return f"/api/ledger.xlsx?{urlencode(said)}"


def role_chart(figures: YearFigures) -> Chart:
    series = [
        Series(
            role,
            tone,
            [figures.roles[role]],
            [ledger_link(year=figures.year, section=figures.section, role=role)],
        )
        for role, tone in _ROLE_TONES.items()
        if figures.roles.get(role)
    ]
    return share_bar("承办角色", series)


def class_tones(figures: YearFigures) -> dict[str, str]:
    """Result class to the looks of its bars."""
    return {code: _CLASS_TONES[at % len(_CLASS_TONES)] for at, code in enumerate(figures.classes)}


def class_chart(figures: YearFigures) -> Chart:
    tones = class_tones(figures)
    series = [
        Series(
            f"{code}类",
            tones[code],
            [count],
            [ledger_link(year=figures.year, section=figures.section, result_class=code)],
        )
        for code, count in figures.classes.items()
    ]
    return share_bar("办理结果", series)


def months_chart(figures: YearFigures) -> Chart:
    def by_month(name: str, css: str, counted: Sequence[int], state: str) -> Series:
        links = [
            ledger_link(year=figures.year, section=figures.section, month_received=m, state=state)
            for m in range(1, 13)
        ]
        return Series(name, css, counted, links)

    months = figures.months
    series = [
        by_month("已办结", "tone1", [m.closed for m in months], "closed"),
        by_month("在办", "tone2", [m.open for m in months], OPEN_STATES),
        by_month("已退办", "tone4", [m.returned for m in months], "returned"),
    ]
    # as wide as the table below it, whose first column names the rows and whose last one adds up
    return stacked_columns(
        "各月收件与办理情况", MONTH_LABELS, series, width=920, height=190, left=92, right=828 / 13
    )


def group_rows(groups: Sequence[GroupFigures]) -> list[tuple[GroupFigures, Chart]]:
    """Each section or topic with its bar."""
    longest = max((group.cases for group in groups), default=0)
    return [
        (
            group,
            row_bar(
                group.name,
                [
                    Series("已办结", "tone1", [group.closed]),
                    Series("在办", "tone2", [group.open]),
                    Series("已退办", "tone4", [group.returned]),
                ],
                longest,
            ),
        )
        for group in groups
    ]


def triage_months_chart(record: TriageRecord) -> Chart:
    def by_month(name: str, css: str, counted: Sequence[int], how: str) -> Series:
        links = [
            ledger_link(year=record.year, section=record.section, month_received=m, how=how)
            if how
            else figure_link("undecided", year=record.year, month=m)
            for m in range(1, 13)
        ]
        return Series(name, css, counted, links)

    months = record.months
    series = [
        by_month("自动认定", "tone1", [m.auto for m in months], "auto"),
        by_month("人工确认", "tone2", [m.confirmed for m in months], "confirmed"),
        by_month("人工改判", "tone3", [m.overridden for m in months], "overridden"),
        by_month("未认定", "tone4", [m.undecided for m in months], ""),
    ]
    return stacked_columns("各月收件怎样认定", MONTH_LABELS, series)


def triage_rates_chart(record: TriageRecord) -> Chart:
    rates = [
        Rates("推荐与认定一致", "tone1", [m.right for m in record.months]),
        Rates("人工改判", "late", [m.changed for m in record.months], band=False),
    ]
    return rate_lines("各月推荐的准确率和改判率", MONTH_LABELS, rates)


def triage_rows(groups: Sequence[TriageFigures]) -> list[tuple[TriageFigures, Chart]]:
    """Each section with its bar."""
    longest = max((group.taken_in for group in groups), default=0)
    return [
        (
            group,
            row_bar(
                group.name,
                [
                    Series("自动认定", "tone1", [group.auto]),
                    Series("人工确认", "tone2", [group.confirmed]),
                    Series("人工改判", "tone3", [group.overridden]),
                    Series("未认定", "tone4", [group.undecided]),
                ],
                longest,
            ),
        )
        for group in groups
    ]


def told(share: Share) -> str:
    """A rate as it is shown; 无记录 where nothing is known."""
    return "无记录" if share.rate is None else f"{share.rate:.1%}"


def told_interval(share: Share) -> str:
    """The 95 % interval of a rate, "" where there is no rate."""
    if share.interval is None:
        return ""
    return f"{share.interval[0]:.0%} 至 {share.interval[1]:.0%}"


def told_range(share: Share) -> str:
    """The same for a narrow place."""
    return "" if share.interval is None else f"{share.interval[0] * 100:.0f}–{share.interval[1]:.0%}"


def headline(figures: YearFigures, before: YearFigures | None) -> list[dict[str, Any]]:
    """The rates at the top: name, rate, of how many, the year before, where the cases are."""

    def one(name: str, of: str, share: Share, earlier: Share | None, **query: Any) -> dict[str, Any]:
        return {
            "name": name,
            "of": of,
            "share": share,
            "before": earlier if earlier is not None and earlier.rate is not None else None,
            "href": ledger_link(year=figures.year, section=figures.section, **query)
            if query
            else figure_link("kept", year=figures.year),
        }

    return [
        one("办结率", "件", figures.closed, before.closed if before else None, state="closed"),
        one("按时答复率", "件", figures.on_time, before.on_time if before else None, on_time="yes"),
        one("联系率", "件", figures.contacted, before.contacted if before else None, contacted="yes"),
        one("见面率", "件", figures.met, before.met if before else None, met="yes"),
        one("满意率", "人次", figures.satisfied, before.satisfied if before else None, satisfied="yes"),
        one("承诺兑现率", "项", figures.commitments, before.commitments if before else None),
    ]


def classes_in_use(figures: YearFigures, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Code and name of each result class of the office, and of others that its cases have."""
    names = {r.code: r.name for r in taxonomy.result_classes}
    return [(code, names.get(code, "")) for code in figures.classes]
