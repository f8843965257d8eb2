"""Ledgers as bureaus keep them in Excel: titles above, two header rows, merged cells, days in every spelling."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

Truth = list[dict[str, str]]
TITLES = (
    "关于规范停车场收费的建议",
    "关于改造老旧小区电网的建议",
    "关于建设粮食烘干中心的建议",
    "关于加快县域充电桩布局的提案",
)
SECTIONS = ("价格收费管理科", "能源科", "粮食和物资储备科", "能源科")
DAYS = (date(2025, 1, 12), date(2025, 2, 3), date(2025, 3, 15), date(2025, 12, 9))


@dataclass(frozen=True)
class SheetLayout:
    """One ledger and what stands in it, a dict a row with the fields by our names."""

    name: str
    suffix: str
    draw: Callable[[Worksheet], Truth]
    from_xlsx: bool = False  # drawn as .xlsx and converted by an office program

    def make(self, folder: Path) -> tuple[Path, Truth]:
        book = openpyxl.Workbook()
        sheet = book.active
        assert isinstance(sheet, Worksheet)
        truth = self.draw(sheet)
        path = folder / f"{self.name}.xlsx"
        if self.suffix == ".csv":
            path = path.with_suffix(".csv")
            with path.open("w", encoding="gb18030", newline="") as file:
                csv.writer(file).writerows(
                    ["" if v is None else v for v in row] for row in sheet.iter_rows(values_only=True)
                )
            return path, truth
        book.save(path)
        if self.from_xlsx:
            target = self.suffix.removeprefix(".")
            converted = folder / "converted"
            subprocess.run(
                [
                    *("soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"),
                    *("--convert-to", target, "--outdir", str(converted), str(path)),
                ],
                check=True,
                capture_output=True,
            )
            path = converted / path.with_suffix(self.suffix).name
        return path, truth


def basic(n: int, **more: str) -> dict[str, str]:
    """What every layout has of the n-th row."""
    found = {"number": f"第{n + 1:03}号", "title": TITLES[n], "section": SECTIONS[n]}
    return {**found, "received_on": DAYS[n].isoformat(), **more}


def plain(sheet: Worksheet) -> Truth:
    """One header row, real days, and columns nobody asked for."""
    sheet.append(
        ["案号", "案由", "领衔人", "附议人", "交办日期", "承办科室", "办理结果", "文号", "天数", "督办"]
    )
    truth = []
    for n in range(3):
        sheet.append(
            [
                f"第{n + 1:03}号",
                TITLES[n],
                "张三",
                "李四、王五",
                DAYS[n],
                SECTIONS[n],
                "A",
                f"〔2025〕{n}号",
                n,
                "",
            ]
        )
        sheet.cell(n + 2, 5).number_format = "yyyy/m/d"
        more = {
            "deputy": "张三",
            "cosigners": "李四、王五",
            "result_class": "A",
            "reply_number": f"〔2025〕{n}号",
        }
        truth.append(basic(n, **more))
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = "A1:J4"
    return truth


def two_rows(sheet: Worksheet) -> Truth:
    """A title, two header rows with merged groups, sections merged downwards, a total and a remark."""
    sheet.append(["2025年人大代表建议办理工作台账"])
    sheet.append(["填报单位:办公室"])
    sheet.append(["序号", "建议编号", "标题", "交办\n日期", "承办\n科室", "办理情况", None, None, "满意度"])
    sheet.append([None, None, None, None, None, "办理结果", "答复文号", "办结时间"])
    truth = []
    for n, section in enumerate(("能源科", "能源科", "价格收费管理科")):
        day, closed = DAYS[n], DAYS[n].replace(month=DAYS[n].month + 2)
        sheet.append(
            [
                *(n + 1, f"第{n + 1:03}号", TITLES[n], f"{day.year}.{day.month}.{day.day}"),
                *(
                    section if n != 1 else None,
                    "B类",
                    f"云发改〔2025〕{n}号",
                    f"{closed:%Y年%-m月%-d日}",
                    "满意",
                ),
            ]
        )
        more = {"section": section, "result_class": "B类", "reply_number": f"云发改〔2025〕{n}号"}
        truth.append(basic(n, **more, closed_on=closed.isoformat(), feedback="满意"))
    sheet.append(["合计", 3])
    sheet.append(["注:B类为正在解决或列入计划的"])
    for span in ("A1:I1", "A2:I2", "F3:H3", "E5:E6", "A9:I9", *(f"{c}3:{c}4" for c in "ABCDEI")):
        sheet.merge_cells(span)
    return truth


def texts(sheet: Worksheet) -> Truth:
    """Days and digits as people type them, full-width and without signs, blank rows between."""
    sheet.append(["提案号", "提 案 者", "案由:", "收到日期(必填)", "主办科室*", "主题分类", "办复类别"])
    spelled = ("2025.1.12", "2025年2月3日", "20250315", "2025-12-9")
    truth = []
    for n, day in enumerate(spelled):
        sheet.append([None])
        sheet.append([f"第{n + 1:03}号", " 民盟云澜市委 ", f"{TITLES[n]} ", day, SECTIONS[n], "综合", "甲"])
        truth.append(basic(n, deputy="民盟云澜市委", topic="综合", result_class="甲"))
    return truth


def serials(sheet: Worksheet) -> Truth:
    """Day numbers that lost their format, numbers for numbers, formulas with their values."""
    sheet.append(["编号", "题目", "登记时间", "科室", "经办人", "分管领导"])
    truth = []
    for n in range(3):
        serial: Any = (DAYS[n] - date(1899, 12, 30)).days
        sheet.append([n + 1 if n == 0 else f"=A{n + 1}+1", TITLES[n], serial, SECTIONS[n], "周八", "吴局"])
        truth.append(basic(n, number=str(n + 1), handler="周八", leader="吴局"))
    return truth


def hand_over(sheet: Worksheet) -> Truth:
    """A congress system's export: many columns, roles, units, states."""
    sheet.append(
        [
            *("届次", "案号", "案别", "标题", "领衔代表", "代表团", "主办单位", "承办性质", "交办日期"),
            *("办理状态", "承办科室", "书面答复日期", "是否公开", "创建时间"),
        ]
    )
    truth = []
    states = ("已办结", "办理中", "已答复", "已办结")
    for n, state in enumerate(states):
        kind, role = ("提案", "会办") if n == 3 else ("建议", "主办")
        sheet.append(
            [
                *(
                    "六届五次",
                    f"第{n + 1:03}号",
                    kind,
                    TITLES[n],
                    "赵六",
                    "清溪团",
                    "市发改委",
                    role,
                    DAYS[n],
                ),
                *(state, SECTIONS[n], "2025/12/20", "是", "2025-01-01 10:00:00"),
            ]
        )
        more = {"session": "六届五次", "kind": kind, "deputy": "赵六", "delegation": "清溪团", "state": state}
        truth.append(basic(n, **more, lead_unit="市发改委", role=role, replied_on="2025-12-20"))
    return truth


def far_down(sheet: Worksheet) -> Truth:
    """The header in row 6, the table begins in column C, the header comes again on the next page."""
    header = ["建议号", "建议标题", "建议内容", "收件时间", "责任科室", "备注2"]
    for _ in range(5):
        sheet.append([None])
    sheet.cell(2, 3, "云澜市发展和改革委员会").font = openpyxl.styles.Font(bold=True)
    sheet.cell(3, 3, "建议办理登记簿")
    row = 6
    truth = []
    for n in range(4):
        if n in (0, 2):
            for at, name in enumerate(header, start=3):
                sheet.cell(row, at, name)
            row += 1
        for at, value in enumerate(
            [f"第{n + 1:03}号", TITLES[n], f"第一段。\n第二段{n}。", DAYS[n], SECTIONS[n]], start=3
        ):
            sheet.cell(row, at, value)
        row += 1
        truth.append(basic(n, body=f"第一段。\n第二段{n}。"))
    return truth


SHEETS = [
    SheetLayout("普通", ".xlsx", plain),
    SheetLayout("两行表头", ".xlsx", two_rows),
    SheetLayout("手写日期", ".xlsx", texts),
    SheetLayout("日期数字", ".xlsx", serials, from_xlsx=True),
    SheetLayout("交办系统导出", ".xlsx", hand_over),
    SheetLayout("登记簿", ".xlsx", far_down),
    SheetLayout("旧版", ".xls", two_rows, from_xlsx=True),
    SheetLayout("开放格式", ".ods", plain, from_xlsx=True),
    SheetLayout("国标编码", ".csv", texts),
]


def messy(path: Path) -> Path:
    """A sheet that a clerk kept for years, with every mistake that clerks make."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.append(["云澜市2025年建议提案办理台账(六届五次)"])
    sheet.append(["编号", "案由", "代表", "交办", None, "承办科室", "办理", None])
    sheet.append([None, None, None, "交办日期", "限办日期", None, "办理结果", "办结日期"])
    rows: list[list[Any]] = [
        [
            "第001号",
            "停车场乱收费",
            "张三",
            "2025.1.12",
            "2025.4.12",
            "价格收费管理科",
            "A",
            "２０２５年３月１日",
        ],  # 4
        ["第００２号", "电网改造", "李四", "２０２５－２－３", None, "能源科", "B", "2025/5/6"],  # 5
        [None] * 8,  # 6
        ["第001号", "别的事情", "王五", "2025.1.13", None, "能源科", "A", "2025.3.2"],  # 7: the number again
        ["第002号", "电网改造", "李四", "2025-2-3", None, "能源科", "B", "2025/5/6"],  # 8: once more
        ["第003号", "烘干中心", "赵六", "2025.3.1", None, "粮食处", "A", "2025.6.1"],  # 9: no such section
        [
            "第004号",
            "粮库",
            "赵六",
            "2025-02-30",
            None,
            "粮食和物资储备科",
            "A",
            "2025.6.1",
        ],  # 10: no such day
        ["第005号", None, "赵六", "2025.3.1", None, "能源科", "A", "2025.6.1"],  # 11: no title
        ["第006号", "'=SUM(A1)", "赵六", 45717, None, "能源科", "A", "2025.6.1"],  # 12: taken
        ["第007号", "长" * 600, "赵六", "2025.3.1", None, "能源科", "A", "2025.6.1"],  # 13: too long
        ["第008号", "电价", "赵六", "2025.3.1", None, "能源科", "Z", "2025.6.1"],  # 14: no such class
        ["第009号", "没有日期", "赵六", None, None, "能源科", None, None],  # 15: of which year?
        [
            "编号",
            "案由",
            "代表",
            "交办日期",
            "限办日期",
            "承办科室",
            "办理结果",
            "办结日期",
        ],  # 16: header again
        ["合计", 9],  # 17
        ["说明:本表由办公室汇总"],  # 18
    ]
    for row in rows:
        sheet.append(row)
    for span in ("A1:H1", "A2:A3", "B2:B3", "C2:C3", "D2:E2", "F2:F3", "G2:H2", "A18:H18"):
        sheet.merge_cells(span)
    book.save(path)
    return path


MESSY_TAKEN = [4, 5, 8, 12]
MESSY_REFUSED = {
    "A7": "编号“第001号”与第 4 行重复",
    "F9": "承办科室“粮食处”不在分类文件中",
    "D10": "收件日期“2025-02-30”不是日期",
    "B11": "标题和正文都是空的",
    "B13": "标题太长:600 字",
    "G14": "“Z”不是办理结果类别",
    "D15": "缺少收件日期和办结日期",
}
MESSY_ASIDES = [16, 17, 18]
