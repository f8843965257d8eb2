"""The ledger as an Excel workbook: the sheet itself, the years' figures, what is due.

Texts are written as texts, so that nothing which a deputy wrote is ever taken for a formula.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage.exports.ledger_columns import PRINTED, Cell, cases_of, cells, headers
from triage.ledger.memberships import case_name
from triage.ledger.reminders import KIND_NAMES, current_reminders
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow
from triage.ledger.year import Share, YearFigures, year_figures
from triage.taxonomy import Taxonomy

CELL_CHARS = 32_000  # Excel keeps 32,767 UTF-16 units in a cell
YEARS = 5
NO_RECORD = "无记录"  # of a rate for which nothing was entered
CUT = "……(太长,全文见 JSON 导出)"
_WIDTHS = {
    **dict.fromkeys(("台账编号", "案别", "承办角色", "办理结果", "状态"), 9),
    **dict.fromkeys(("分管领导", "承办人", "领衔代表", "收件日期", "答复期限", "答复日期", "办结日期"), 11),
    **dict.fromkeys(("承办科室", "答复文号"), 20),
    **dict.fromkeys(("标题",), 44),
    **dict.fromkeys(("附议代表", "联系代表", "代表反馈", "承诺事项", "并案"), 30),
    **dict.fromkeys(("届次",), 24),
}
_USUAL_WIDTH = 13
_ROW_POINTS = 30  # two lines; a whole text would make rows as high as the screen
_FORMULA = ("=", "+", "-", "@")


def write_workbook(
    path: Path,
    ids: Sequence[int],
    *,
    session: Session,
    taxonomy: Taxonomy,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Write the cases with those numbers, the figures of their years, and the open reminders."""
    # rows go to disk one by one: a long ledger does not fill the memory
    with xlsxwriter.Workbook(path, {"constant_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"title": "建议提案工作台账"})
        formats = _Formats(book)
        years = _write_cases(book, formats, ids, session, progress)
        _write_years(book, formats, sorted(years)[-YEARS:], session, taxonomy)
        _write_reminders(book, formats, set(ids), session, taxonomy)


class _Formats:
    """The looks of cells."""

    def __init__(self, book: Any) -> None:
        plain = {
            "font_name": "宋体",
            "font_size": 10,
            "valign": "top",
            "border": 1,
            "border_color": "#C8CDD3",
        }
        self.head = book.add_format(
            {**plain, "bold": True, "bg_color": "#E4EAF1", "valign": "vcenter", "text_wrap": True}
        )
        self.text = book.add_format({**plain, "text_wrap": True, "num_format": "@"})
        # shown as it stands even after somebody edits the cell
        self.quoted = book.add_format({**plain, "text_wrap": True, "num_format": "@", "quote_prefix": True})
        self.day = book.add_format({**plain, "num_format": "yyyy-mm-dd", "align": "left"})
        self.number = book.add_format({**plain, "align": "left"})
        self.share = book.add_format({**plain, "num_format": "0.0%", "align": "left"})
        self.title = book.add_format({"font_name": "宋体", "font_size": 13, "bold": True})
        self.late = book.add_format({**plain, "text_wrap": True, "font_color": "#B3261E"})


def _write_cases(
    book: Any, formats: _Formats, ids: Sequence[int], session: Session, progress: Callable[[int, int], None]
) -> set[int]:
    sheet = book.add_worksheet("台账")
    names = headers()
    body = names.index("正文")
    parts = _body_parts(ids, session)
    names[body + 1 : body + 1] = [f"正文(续{n})" for n in range(1, parts)]
    for at, name in enumerate(names):
        sheet.set_column(at, at, _WIDTHS.get(name, 60 if name.startswith("正文") else _USUAL_WIDTH))
        sheet.write_string(0, at, name, formats.head)
    years = set()
    for at, case in enumerate(cases_of(ids, session), start=1):
        row = cells(case)
        row[body : body + 1] = [*_split(_lines(str(row[body] or "")), parts)]
        sheet.set_row(at, _ROW_POINTS)
        for column, value in enumerate(row):
            _write(sheet, at, column, value, formats)
        years.add(case.received_on.year)
        progress(at, len(ids))
    sheet.freeze_panes(1, names.index("标题") + 1)
    sheet.autofilter(0, 0, max(len(ids), 1), len(names) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, len(ids), len(PRINTED))  # all columns on one page could not be read
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer("&C第 &P 页,共 &N 页")
    return years


def _write(sheet: Any, row: int, column: int, value: Cell, formats: _Formats) -> None:
    if value is None:
        sheet.write_blank(row, column, None, formats.text)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value, formats.day)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, formats.number)
    else:
        text = _lines(value)
        if _units(text) > CELL_CHARS:
            text = _split(text, 2)[0][: -len(CUT)] + CUT
        sheet.write_string(row, column, text, formats.quoted if text.startswith(_FORMULA) else formats.text)


def _lines(text: str) -> str:
    """Line ends as Excel has them in a cell."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _body_parts(ids: Sequence[int], session: Session) -> int:
    """How many columns the longest body needs."""
    longest = session.scalar(select(func.max(func.length(CaseRow.body)))) or 0
    if longest * 2 <= CELL_CHARS or not ids:
        return 1
    found = select(CaseRow.id, CaseRow.body).where(func.length(CaseRow.body) * 2 > CELL_CHARS)
    wanted = set(ids)
    return max(
        (-(-_units(body) // CELL_CHARS) for i, body in session.execute(found) if i in wanted), default=1
    )


def _split(text: str, parts: int) -> list[str]:
    """The text in pieces that each fit a cell; the last ones may be empty."""
    pieces, start, used = [], 0, 0
    for at, ch in enumerate(text):
        size = 2 if ord(ch) > 0xFFFF else 1
        if used + size > CELL_CHARS:
            pieces.append(text[start:at])
            start, used = at, 0
        used += size
    pieces.append(text[start:])
    return pieces + [""] * (parts - len(pieces))


def _write_years(
    book: Any, formats: _Formats, years: Sequence[int], session: Session, taxonomy: Taxonomy
) -> None:
    """A column a year; below, the newest year by section."""
    sheet = book.add_worksheet("年度统计")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 12, 14)
    sheet.write_string(0, 0, "年度统计(按收件年份,统计到" + date.today().isoformat() + ")", formats.title)
    sheet.fit_to_pages(1, 0)
    if not years:
        return
    figures = [year_figures(year, session=session, taxonomy=taxonomy) for year in years]
    sheet.write_string(2, 0, "", formats.head)
    for at, of in enumerate(figures, start=1):
        sheet.write_string(2, at, f"{of.year}年", formats.head)
    rows = [_figures(of, taxonomy) for of in figures]
    for line, (name, _) in enumerate(rows[0], start=3):
        sheet.write_string(line, 0, name, formats.text)
        for at, told in enumerate(rows, start=1):
            value = told[line - 3][1]
            if value is None:
                sheet.write_string(line, at, NO_RECORD, formats.text)
            else:
                sheet.write_number(
                    line, at, value, formats.share if isinstance(value, float) else formats.number
                )
    newest = figures[-1]
    codes = [c.code for c in taxonomy.result_classes]
    top = 3 + len(rows[0]) + 1
    sheet.write_string(top, 0, f"{newest.year}年各科室", formats.title)
    for at, name in enumerate(["承办科室", "件数", "已办结", "逾期", *(f"{code}类" for code in codes)]):
        sheet.write_string(top + 1, at, name, formats.head)
    for line, section in enumerate(newest.sections, start=top + 2):
        sheet.write_string(line, 0, section.name, formats.text)
        counts = [section.cases, section.closed, section.late, *(section.classes.get(c, 0) for c in codes)]
        for at, count in enumerate(counts, start=1):
            sheet.write_number(line, at, count, formats.number)


def _figures(of: YearFigures, taxonomy: Taxonomy) -> list[tuple[str, int | float | None]]:
    """The year's figures by name: a count, a share as a float, None where there is nothing to count."""
    roles = ("主办", "独办", "分办", "会办", "参阅", "未定")
    found: list[tuple[str, int | float | None]] = [("收件合计", of.total)]
    found += [(f"其中{role}", of.roles.get(role, 0)) for role in roles]
    found += [(name, of.states.get(state, 0)) for state, name in STATE_NAMES.items()]
    for c in taxonomy.result_classes:
        found.append((f"{c.code}类({c.name})", of.classes.get(c.code, 0)))
        found.append((f"{c.code}类占比", _rate(of.class_share(c.code))))
    found += [
        ("联系率", _rate(of.contacted)),
        ("见面率", _rate(of.met)),
        ("满意率", _rate(of.satisfied)),
        ("按时答复率", _rate(of.on_time)),
        ("重新办理", of.redone),
        ("重点督办", of.key_cases),
        ("并案办理", of.merged),
        ("承诺事项", of.commitments.of),
        ("承诺兑现率", _rate(of.commitments)),
    ]
    return found


def _rate(share: Share) -> float | None:
    return None if share.rate is None else float(share.rate)


def _write_reminders(
    book: Any, formats: _Formats, wanted: set[int], session: Session, taxonomy: Taxonomy
) -> None:
    sheet = book.add_worksheet("提醒")
    columns = (("提醒", 9), ("台账编号", 9), ("编号", 14), ("事项", 70), ("期限", 12))
    people = (("承办科室", 22), ("分管领导", 12), ("承办人", 12))
    for at, (name, width) in enumerate((*columns, *people)):
        sheet.set_column(at, at, width)
        sheet.write_string(0, at, name, formats.head)
    found = [r for r in current_reminders(session=session, taxonomy=taxonomy) if r.case_id in wanted]
    for line, told in enumerate(found, start=1):
        case = session.get_one(CaseRow, told.case_id)
        kind = formats.late if told.kind == "late" else formats.text
        sheet.write_string(line, 0, KIND_NAMES[told.kind], kind)
        row: list[Cell] = [told.case_id, case_name(case), told.message, told.due_on]
        for column, value in enumerate([*row, told.section, told.leader, told.handler], start=1):
            _write(sheet, line, column, value or None, formats)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(len(found), 1), len(columns) + len(people) - 1)
    sheet.set_landscape()
    sheet.repeat_rows(0)
    sheet.fit_to_pages(1, 0)
