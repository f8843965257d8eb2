"""Ledgers in more than one table, with worked-out cells, and out of other programs than Excel."""

from __future__ import annotations

import csv
from pathlib import Path

from openpyxl import Workbook
from sheet_rows import (
    CONFERENCE,
    Cell,
    Column,
    Row,
    SheetLayout,
    as_day,
    banner,
    day_number,
    listed,
    office_file,
    office_rows,
    put_header,
    put_rows,
    result_name,
    run_number,
    saved,
    slashed,
    told,
    trailing,
    truth,
    with_time,
)


def _digits(value: str) -> Cell:
    return "".join(ch for ch in value if ch.isdigit())


def _plain_numbers(rows: list[Row], first: int | None = None) -> list[Row]:
    """With numbers as bare digits, counted on from first where one is given."""
    return [
        row | {"number": str(first + at) if first is not None else str(int(str(_digits(row["number"]))))}
        for at, row in enumerate(rows)
    ]


# ── suggestions and proposals on two sheets, beside figures, lists and an old hidden copy ──
_CONGRESS_COLUMNS = (
    Column("编号", "number", lambda value: int(value)),
    Column("标题", "title"),
    Column("领衔代表", "deputy"),
    Column("主办/会办", "role"),
    Column("承办科室", "section"),
    Column("具体承办人", "handler"),
    Column("交办日期", "received_on", as_day),
    Column("主办答复时间", "replied_on", as_day),
    Column("类别标记", "result_class"),
)
_CONFERENCE_COLUMNS = (
    Column("提案号", "number"),
    Column("提案者", "deputy"),
    Column("案由", "title"),
    Column("承办科室", "section"),
    Column("责任领导", "leader"),
    Column("答复日期", "replied_on", slashed),
    Column("答复文号", "reply_number"),
    Column("办复类别", "result_class"),
    Column("委员反馈意见", "feedback"),
)
_TWO_ROWS = (_plain_numbers(office_rows("建议", 7, 30)), office_rows("提案", 6, 20))


def _two_sheets(folder: Path) -> Path:
    book = Workbook()
    figures = book.worksheets[0]
    figures.title = "统计"
    for line in (
        ["科室", "建议", "提案", "合计"],
        ["能源科", 12, 3, 15],
        ["基础设施科", 9, 6, 15],
        ["合计", 21, 9, 30],
    ):
        figures.append(line)
    for name, columns, rows in (
        ("人大建议", _CONGRESS_COLUMNS, _TWO_ROWS[0]),
        ("政协提案", _CONFERENCE_COLUMNS, _TWO_ROWS[1]),
    ):
        sheet = book.create_sheet(name)
        banner(sheet, f"2025年{name}办理台账", len(columns))
        put_header(sheet, 2, columns)
        put_rows(sheet, 3, columns, rows)
    lists = book.create_sheet("下拉选项")
    for line in (["类别", "科室"], ["A", "能源科"], ["B", "基础设施科"]):
        lists.append(line)
    lists.sheet_state = "veryHidden"
    old = book.create_sheet("人大建议(作废)")
    put_header(old, 1, _CONGRESS_COLUMNS)
    put_rows(old, 2, _CONGRESS_COLUMNS, _plain_numbers(office_rows("建议", 3, 30), first=901))
    old.sheet_state = "hidden"
    return saved(book, folder, "建议提案台账汇总.xlsx")


# ── days as bare numbers, numbers as text, columns nobody outside knows ──
_NUMBERED = (
    Column("案号", "number", lambda value: f"{value} "),
    Column("督办", filler="是"),
    Column("案由", "title", trailing),
    Column("领衔人", "deputy", trailing),
    Column("附议人数", filler="3"),
    Column("附议人", "cosigners", listed),
    Column("承办科室", "section", trailing),
    Column("承办人", "handler"),
    Column("联系方式", "phone", lambda value: int(value)),
    Column("交办日期", "received_on", day_number),
    Column("天数", filler="90"),
    Column("办结日期", "closed_on", day_number),
    Column("主题分类", "topic", trailing),
    Column("办复类别", "result_class", lambda value: f" {value} 类"),
    Column("备注2", filler="已电话沟通"),
)
_NUMBERED_ROWS = office_rows("建议", 10, 37)


def _day_numbers(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Sheet1"
    put_header(sheet, 1, _NUMBERED)
    put_rows(sheet, 2, _NUMBERED, _NUMBERED_ROWS)
    book.create_sheet("Sheet2")
    book.create_sheet("Sheet3")
    return saved(book, folder, "新建 Microsoft Excel 工作表.xlsx")


# ── numbers and days are worked out; LibreOffice leaves the results in the file ──
_WORKED_OUT = (
    Column("建议号", "number", lambda value: int(value)),
    Column("案由", "title"),
    Column("代表姓名", "deputy"),
    Column("责任科室", "section"),
    Column("收到日期", "received_on"),
    Column("办结日期", "closed_on", as_day),
    Column("用时(天)", filler="0"),
    Column("结果类别", "result_class"),
)
_WORKED_OUT_ROWS = _plain_numbers(office_rows("建议", 8, 47), first=121)


def _formulas(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    banner(sheet, "代表建议台账", len(_WORKED_OUT))
    put_header(sheet, 2, _WORKED_OUT)
    for row, source in enumerate(_WORKED_OUT_ROWS, start=3):
        put_rows(sheet, row, _WORKED_OUT, [source])
        if row > 3:
            sheet.cell(row, 1, f"=A{row - 1}+1")
        year, month, day = (int(part) for part in source["received_on"].split("-"))
        sheet.cell(row, 5, f"=DATE({year},{month},{day})").number_format = "yyyy-mm-dd"
        sheet.cell(row, 7, f"=F{row}-E{row}").number_format = "0"
        sheet.cell(row, 2, f'="{source["title"]}"' if row == 4 else source["title"])
    return office_file(saved(book, folder, "formulas.xlsx"), "xlsx", "公式台账.xlsx")


# ── the same as other programs write it ──
_OLD = (
    Column("流水号", filler="LS{n:04}"),
    Column("案号", "number"),
    Column("提案者", "deputy"),
    Column("案由", "title"),
    Column("提案分类", "topic"),
    Column("性质", filler="集体"),
    Column("主办单位", "lead_unit"),
    Column("会办单位", filler=""),
    Column("承办处室", "section"),
    Column("交办时间", "received_on", as_day),
    Column("办理结果", "result_class", lambda value: f"{result_name(value)}({value}类)"),
    Column("意见反馈", "feedback"),
)
_OLD_ROWS = office_rows("提案", 9, 26)


def _printed_pages(folder: Path) -> Path:
    """The header again at the top of each printed page."""
    book = Workbook()
    sheet = book.worksheets[0]
    banner(sheet, f"{CONFERENCE}提案承办情况", len(_OLD))
    top = 2
    for at in range(0, len(_OLD_ROWS), 5):
        put_header(sheet, top, _OLD)
        top = put_rows(sheet, top + 1, _OLD, _OLD_ROWS[at : at + 5], counted=at)
    return saved(book, folder, "printed.xlsx")


_TEXT = (
    Column("会议名称", "session"),
    Column("案号", "number"),
    Column("类型", "kind"),
    Column("题目", "title"),
    Column("正文", "body"),
    Column("领衔代表", "deputy"),
    Column("承办科室", "section"),
    Column("办理方式", "handling"),
    Column("交办日期", "received_on", with_time),
    Column("办结日期", "closed_on", run_number),
    Column("办理结果", "result_class"),
)
_TEXT_ROWS = office_rows("建议", 6, 55)


def _csv(folder: Path) -> Path:
    """As Excel saves a sheet with a title: every line as long as the header, blank ones too."""
    path = folder / "台账.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        writer = csv.writer(file)
        blank = [""] * len(_TEXT)
        writer.writerows((["2025年代表建议办理台账", *blank[1:]], blank, [column.header for column in _TEXT]))
        writer.writerows([column.cell(row) for column in _TEXT] for row in _TEXT_ROWS)
        writer.writerows((blank, ["合计", f"{len(_TEXT_ROWS)}件", *blank[2:]]))
    return path


BOOKS = (
    SheetLayout(
        "two_sheets",
        _two_sheets,
        truth(_TWO_ROWS[0], _CONGRESS_COLUMNS) + truth(_TWO_ROWS[1], _CONFERENCE_COLUMNS),
        told(_TWO_ROWS[0], kind="建议") + told(_TWO_ROWS[1], kind="提案"),
    ),
    SheetLayout("day_numbers", _day_numbers, truth(_NUMBERED_ROWS, _NUMBERED)),
    SheetLayout(
        "formulas", _formulas, truth(_WORKED_OUT_ROWS, _WORKED_OUT), told(_WORKED_OUT_ROWS, kind="建议")
    ),
    SheetLayout(
        "old_xls",
        lambda folder: office_file(_printed_pages(folder), "xls", "提案承办情况.xls"),
        truth(_OLD_ROWS, _OLD),
        told(_OLD_ROWS, session=CONFERENCE, kind="提案"),
    ),
    SheetLayout("csv_gb18030", _csv, truth(_TEXT_ROWS, _TEXT)),
)
