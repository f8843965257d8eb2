"""A past year's ledger in the layouts that bureaus keep it in, each with what should be read out of it."""

from __future__ import annotations

from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from sheet_books import BOOKS
from sheet_rows import (
    CONGRESS,
    Column,
    SheetLayout,
    as_day,
    banner,
    broken,
    chinese_day,
    dotted,
    full_width,
    full_width_day,
    office_file,
    office_rows,
    put_header,
    put_rows,
    result_name,
    run_together,
    saved,
    spaced_name,
    told,
    truth,
)

# ── one header row, real dates, all we know ──
_FULL = (
    Column("案号", "number"),
    Column("届次", "session"),
    Column("案别", "kind"),
    Column("案由", "title"),
    Column("领衔人", "deputy"),
    Column("附议人", "cosigners"),
    Column("代表团", "delegation"),
    Column("主办单位", "lead_unit"),
    Column("承办性质", "role"),
    Column("承办科室", "section"),
    Column("分管领导", "leader"),
    Column("承办人", "handler"),
    Column("联系电话", "phone"),
    Column("交办日期", "received_on", as_day),
    Column("内容分类", "topic"),
    Column("办理类型", "handling"),
    Column("类别标记", "result_class"),
    Column("答复文号", "reply_number"),
    Column("答复日期", "replied_on", as_day),
    Column("办结日期", "closed_on", as_day),
    Column("满意度", "feedback"),
)
_FULL_ROWS = office_rows("建议", 12)


def _one_header(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    put_header(sheet, 1, _FULL)
    end = put_rows(sheet, 2, _FULL, _FULL_ROWS)
    sheet.freeze_panes = "D2"
    sheet.auto_filter.ref = f"A1:U{end - 1}"
    choice = DataValidation(type="list", formula1='"A,B,C"')
    sheet.add_data_validation(choice)
    choice.add(f"Q2:Q{end - 1}")
    return saved(book, folder, "2025年度台账.xlsx")


# ── titles and instructions above, header in row 4, blank rows, a sum and notes below ──
_TITLED = (
    Column("序号", filler="{n}"),
    Column("建议号", "number"),
    Column("标  题", "title"),
    Column("建议内容", "body"),
    Column("领衔代表", "deputy", spaced_name),
    Column("联名代表", "cosigners", lambda value: value.replace("、", " ")),
    Column("承办\n科室", "section", broken),
    Column("交办\n时间", "received_on", dotted),
    Column("办理结果", "result_class", lambda value: f"{value}类"),
    Column("办结\n时间", "closed_on", dotted),
    Column("备注", filler=""),
)
_TITLED_ROWS = office_rows("建议", 9, 12)


def _titles_above(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "工作台账"
    banner(sheet, f"{CONGRESS}代表建议办理情况\n工作台账", len(_TITLED))
    sheet["A2"], sheet["I2"] = "填报单位:云澜市发展和改革委员会", "填报日期:2025年12月31日"
    banner(sheet, "填表说明:办理结果按A、B、C三类填写;交办时间以交办单为准。", len(_TITLED), row=3)
    put_header(sheet, 4, _TITLED)
    top = 5
    for at in range(0, len(_TITLED_ROWS), 3):
        top = put_rows(sheet, top, _TITLED, _TITLED_ROWS[at : at + 3], counted=at) + 1
    sheet.cell(top, 1, "合  计")
    sheet.cell(top, 3, f"{len(_TITLED_ROWS)}件")
    sheet.cell(top, 9, "A类3件,B类4件,C类2件")
    banner(
        sheet,
        "注:1.本表一式两份,一份报市政府督查室,一份存档。2.涉密建议不列入本表。",
        len(_TITLED),
        row=top + 2,
    )
    sheet.cell(top + 3, 1, "制表人:阮致远")
    return saved(book, folder, "2025年人大代表建议办理工作台账(定稿).xlsx")


# ── two header rows, groups over columns ──
_GROUPED = (
    Column("序号", filler="{n}"),
    Column("编号", "number"),
    Column("案由", "title"),
    Column("领衔人", "deputy"),
    Column("所属代表团", "delegation"),
    Column("交办日期", "received_on", chinese_day),
    Column("主办单位", "lead_unit"),
    Column("承办科室", "section"),
    Column("分管领导", "leader"),
    Column("经办人", "handler"),
    Column("办理结果", "result_class", result_name),
    Column("答复文号", "reply_number"),
    Column("答复日期", "replied_on", chinese_day),
    Column("代表意见", "feedback"),
)
_GROUPS = {2: ("建议基本情况", 5), 7: ("承办情况", 4), 11: ("办理情况", 3)}  # first column: name, columns
_GROUPED_ROWS = office_rows("建议", 8, 21)


def _put_grouped(sheet: Worksheet, top: int) -> int:
    in_group: set[int] = set()
    for first, (name, width) in _GROUPS.items():
        sheet.cell(top, first, name)
        sheet.merge_cells(start_row=top, start_column=first, end_row=top, end_column=first + width - 1)
        in_group |= set(range(first, first + width))
    for at, column in enumerate(_GROUPED, start=1):
        sheet.cell(top + 1 if at in in_group else top, at, column.header)
        if at not in in_group:
            sheet.merge_cells(start_row=top, start_column=at, end_row=top + 1, end_column=at)
    return put_rows(sheet, top + 2, _GROUPED, _GROUPED_ROWS)


def _grouped_headers(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    banner(sheet, f"{CONGRESS}建议办理情况一览表", len(_GROUPED))
    end = _put_grouped(sheet, 2)
    sheet.cell(end, 1, "合计")
    sheet.cell(end, 3, len(_GROUPED_ROWS))
    sheet.freeze_panes = "C4"
    return saved(book, folder, "办理情况一览表.xlsx")


# ── a section is said once for all its rows; wide characters in headers and numbers ──
_BY_SECTION = (
    Column("承办科室（部门）", "section"),
    Column("分管　领导", "leader"),
    Column("提案编号", "number", full_width),
    Column("提　案　人", "deputy"),
    Column("界　别", "delegation"),
    Column("提案题目", "title"),
    Column("收文日期（年／月／日）", "received_on", full_width_day),
    Column("办复类别（Ａ／Ｂ／Ｃ）", "result_class", full_width),
    Column("文　号", "reply_number", full_width),
    Column("办复日期", "closed_on", run_together),
)
_BY_SECTION_ROWS = sorted(office_rows("提案", 20), key=lambda row: row["section"])


def _merged_sections(folder: Path) -> Path:
    book = Workbook()
    sheet = book.worksheets[0]
    banner(sheet, "２０２５年政协提案办理台账", len(_BY_SECTION))
    put_header(sheet, 2, _BY_SECTION)
    end = put_rows(sheet, 3, _BY_SECTION, _BY_SECTION_ROWS)
    first = 3
    for row in range(4, end + 1):
        if row == end or sheet.cell(row, 1).value != sheet.cell(first, 1).value:
            for column in (1, 2):
                sheet.merge_cells(start_row=first, start_column=column, end_row=row - 1, end_column=column)
            first = row
    return saved(book, folder, "按科室.xlsx")


_GROUPED_TRUTH = truth(_GROUPED_ROWS, _GROUPED)
_SAID_SUGGESTIONS = told(_GROUPED_ROWS, session=CONGRESS, kind="建议")

LAYOUTS = (
    SheetLayout("one_header", _one_header, truth(_FULL_ROWS, _FULL)),
    SheetLayout(
        "titles_above",
        _titles_above,
        truth(_TITLED_ROWS, _TITLED),
        told(_TITLED_ROWS, session=CONGRESS, kind="建议"),
    ),
    SheetLayout("grouped_headers", _grouped_headers, _GROUPED_TRUTH, _SAID_SUGGESTIONS),
    SheetLayout(
        "merged_sections",
        _merged_sections,
        truth(_BY_SECTION_ROWS, _BY_SECTION),
        told(_BY_SECTION_ROWS, kind="提案"),
    ),
    SheetLayout(
        "ods",
        lambda folder: office_file(_grouped_headers(folder), "ods"),
        _GROUPED_TRUTH,
        _SAID_SUGGESTIONS,
    ),
    SheetLayout(
        "wps_xlsx",
        lambda folder: office_file(_merged_sections(folder), "xlsx", "按科室-WPS.xlsx"),
        truth(_BY_SECTION_ROWS, _BY_SECTION),
        told(_BY_SECTION_ROWS, kind="提案"),
    ),
    SheetLayout(
        "wps_et",
        lambda folder: office_file(_titles_above(folder), "xls", "工作台账.et"),
        truth(_TITLED_ROWS, _TITLED),
        told(_TITLED_ROWS, session=CONGRESS, kind="建议"),
    ),
    *BOOKS,
)
