"""The report of a training for a leader: one to three pages of Word."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from docx.document import Document as Page
from docx.shared import Mm, Pt

from service.report_view import local_time, percent, span
from triage.exports.official_page import (
    CENTER,
    HEADING,
    LEFT,
    TITLE,
    fill_cell,
    new_page,
    plain,
    put,
    put_table,
)

SIZE = 13.0
LINE = Pt(20)
HEADS = ("预测项目", "样例", "最近的件上认对", "原来的模型", "可自动认定", "结果")
WIDTHS = (26, 18, 34, 26, 32, 22)
LABEL_HEADS = ("选项", "件数", "认出多少(95% 区间)", "推荐的对多少")
LABEL_WIDTHS = (52, 18, 52, 36)
MOST_LABELS = 8  # of one target, those worst found


def report_document(report: Mapping[str, Any]) -> bytes:
    """The report as a Word file: what it says, the main figures, what is to be done."""
    page = new_page(report["office"])
    section = page.sections[0]  # less white than a letter has: it is to be short
    section.top_margin = section.bottom_margin = Mm(24)
    section.footer_distance = Mm(14)
    put(page, "模型训练简报", align=CENTER, font=TITLE, size=22)
    where = f"{plain(report['office'])}  " if report["office"] else ""
    put(page, f"{where}{local_time(report['made_at'])}  操作人 {plain(report['who'])}", align=CENTER, size=12)
    if report["invented"]:
        put(page, "示例单位:科室、人名、编号、正文均为虚构。", align=CENTER, size=12)
    _heading(page, "一、怎么样")
    for line in report["summary"]:
        _say(page, line)
    _heading(page, "二、主要数字")
    _main_table(page, report)
    _heading(page, "三、要人管的")
    for nth, line in enumerate(report["todo"], 1):
        _say(page, f"{nth}. {line}")
    if not report["todo"]:
        _say(page, "没有。")
    _worst_labels(page, report)
    file = io.BytesIO()
    page.save(file)
    return file.getvalue()


def _heading(page: Page, text: str) -> None:
    paragraph = put(page, text, align=LEFT, font=HEADING, size=16, indent=2)
    paragraph.paragraph_format.space_before = Pt(4)
    paragraph.paragraph_format.keep_with_next = True


def _say(page: Page, text: str) -> None:
    put(page, plain(text), indent=2, size=SIZE).paragraph_format.line_spacing = LINE


def _main_table(page: Page, report: Mapping[str, Any]) -> None:
    table = put_table(page, 1 + len(report["targets"]), WIDTHS)
    for cell, head in zip(table.rows[0].cells, HEADS, strict=True):
        fill_cell(cell, head, size=11)
    for row, target in zip(table.rows[1:], report["targets"], strict=True):
        for cell, text in zip(row.cells, _row(target, report["error_budget"]), strict=True):
            fill_cell(cell, text, size=12)
    note = f"可自动认定:差错率限 {report['error_budget']:.0%} 时。最近的件按收件时间留出,两个模型都没有学过。"
    put(page, note, align=LEFT, size=11).paragraph_format.line_spacing = Pt(18)


def _row(target: Mapping[str, Any], budget: float) -> tuple[str, ...]:
    verdict = target["verdict"] or {}
    ours, theirs = verdict.get("challenger"), verdict.get("champion")
    at = next((t for t in target.get("thresholds", ()) if t["budget"] == budget), None)
    routed = "—"
    if at is not None:
        routed = "全部人工" if at["threshold"] is None else percent(at["coverage"]["rate"])
    return (
        target["name"],
        str(target["data"]["examples"]),
        f"{ours['accuracy']:.0%}({verdict['held_out']} 件)" if ours else "没有比较",
        percent(theirs["accuracy"]) if theirs else "—",
        routed,
        "已启用" if target["promoted"] else "没有启用" if target["trained"] else "没有重训",
    )


def _worst_labels(page: Page, report: Mapping[str, Any]) -> None:
    """Of each target the labels that more or other examples would help."""
    wanting = [target for target in report["targets"] if target.get("wanting")]
    if not wanting:
        return
    _heading(page, "四、认得不好的选项")
    for target in wanting:
        names = [one["label"] for one in target["wanting"][:MOST_LABELS]]
        put(
            page, target["name"], align=LEFT, font=HEADING, size=SIZE, indent=2
        ).paragraph_format.keep_with_next = True
        table = put_table(page, 1 + len(names), LABEL_WIDTHS)
        for cell, head in zip(table.rows[0].cells, LABEL_HEADS, strict=True):
            fill_cell(cell, head, size=11)
        by_name = {label["label"]: label for label in target["labels"]}
        for row, name in zip(table.rows[1:], names, strict=True):
            own = by_name[name]
            found = percent(own["recall"]["rate"])
            if own["recall"]["interval"]:
                found += f"({span(own['recall']['interval'])})"
            texts = (name, str(own["n"]), found, percent(own["precision"]["rate"]))
            for cell, text in zip(row.cells, texts, strict=True):
                fill_cell(cell, plain(text), size=12)
