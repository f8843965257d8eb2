"""Suggestions of the invented office's closed year as rows of a sheet, and the ways a cell shows a value."""

from __future__ import annotations

import csv
import shutil
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

Row = dict[str, str]
Cell = str | int | float | datetime | None

SAMPLE = Path(__file__).parent.parent / "training" / "sample_office"
NUMBERS_OF_DAYS_START = date(1899, 12, 30)  # what Excel counts its days from

_HANDLERS = ("阮致远", "祁 明", "欧阳晓", "贺之恒", "苗青")
_LEAD_UNITS = ("云澜市交通运输局", "云澜市住房和城乡建设局", "云澜市财政局")
_COSIGNERS = ("苏成林、尹秀云", "", "唐家骏", "邵 平、柯远航、沙丽娟", "")
_FEEDBACK = ("满意", "基本满意", "满意", "非常满意", "不满意")
_ROLES = ("主办", "会办", "独办", "主办", "分办", "参阅")
OFFICE_SHORT = "云澜市发展改革委"
CONGRESS = "云澜市六届人大四次会议"
CONFERENCE = "政协云澜市五届四次会议"


@dataclass(frozen=True)
class Column:
    """One column: its header, our field (empty where we know none), how it shows a value.

    Attributes:
        filler: what stands in a column without a field; {n} counts the rows.
    """

    header: str
    field: str = ""
    show: Callable[[str], Cell] = str
    filler: str = ""

    def cell(self, row: Row, at: int = 0) -> Cell:
        """What the sheet shows of the row."""
        if not self.field:
            return int(said) if (said := self.filler.format(n=at + 1)).isdigit() else said or None
        value = row.get(self.field, "")
        return self.show(value) if value else None


@dataclass(frozen=True)
class SheetLayout:
    """One way to keep a ledger.

    Attributes:
        make: writes the file into a folder and returns its path.
        truth: one dict a row, in the order of the file: what the cells give. Dates are ISO, numbers half-width,
            names divided by 、, nothing but a body has line breaks or outer spaces; a blank cell is no field.
        around: what the title above the table or the sheet's name tells, as many as truth; may be empty.
    """

    name: str
    make: Callable[[Path], Path]
    truth: list[Row]
    around: list[Row] = field(default_factory=list)


@cache
def _office() -> dict[str, Any]:
    return tomllib.loads((SAMPLE / "office.toml").read_text(encoding="utf-8"))


def result_name(code: str) -> str:
    """The office's words for a result class."""
    return next(str(entry["name"]) for entry in _office()["result_class"] if entry["code"] == code)


@cache
def _closed_year() -> tuple[Row, ...]:
    with (SAMPLE / "closed_year.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def office_rows(kind: str, count: int, start: int = 0) -> list[Row]:
    """Closed cases of one kind with every field a ledger of a bureau may hold, clean as it should be read."""
    leaders = {entry["name"]: entry["leader"] for entry in _office()["section"]}
    rows = []
    found = [row for row in _closed_year() if row["kind"] == kind][start : start + count]
    for at, source in enumerate(found):
        closed_on = date.fromisoformat(source["closed_on"])
        role = _ROLES[at % len(_ROLES)]
        row = {name: source[name] for name in source if name != "matter"}
        row |= {
            "cosigners": _COSIGNERS[at % 5].replace(" ", ""),
            "role": role,
            "lead_unit": _LEAD_UNITS[at % 3] if role in ("会办", "参阅") else OFFICE_SHORT,
            "reply_number": f"云发改{'函' if kind == '建议' else '提'}〔2025〕{start + at + 11}号",
            "replied_on": (closed_on - timedelta(days=6)).isoformat(),
            "leader": str(leaders[source["section"]]),
            "handler": _HANDLERS[at % 5].replace(" ", ""),
            "phone": str(66001200 + 7 * at),
            "feedback": _FEEDBACK[at % 5],
        }
        rows.append(row)
    return rows


def truth(rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """What the columns tell of the rows; a blank cell is no field."""
    fields = [column.field for column in columns if column.field]
    return [{field: row[field] for field in fields if row.get(field)} for row in rows]


def told(rows: list[Row], **said: str) -> list[Row]:
    """The same said around every row."""
    return [dict(said) for _ in rows]


def banner(sheet: Worksheet, text: str, columns: int, row: int = 1) -> None:
    """A title across the table."""
    sheet.cell(row, 1, text).font = Font(bold=True, size=18)
    sheet.cell(row, 1).alignment = Alignment(horizontal="center", wrap_text=True)
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=columns)


def saved(book: Workbook, folder: Path, name: str) -> Path:
    """The book in a file of this name."""
    path = folder / name
    book.save(path)
    book.close()
    return path


def put_header(sheet: Worksheet, top: int, columns: Sequence[Column]) -> None:
    """The columns' names in one row."""
    for at, column in enumerate(columns, start=1):
        cell = sheet.cell(top, at, column.header)
        cell.alignment = Alignment(wrap_text=True, horizontal="center", vertical="center")


def put_rows(
    sheet: Worksheet, top: int, columns: Sequence[Column], rows: Sequence[Row], counted: int = 0
) -> int:
    """The rows from row top on, so many counted before them; the first row after them."""
    for down, row in enumerate(rows):
        for at, column in enumerate(columns, start=1):
            value = column.cell(row, counted + down)
            cell = sheet.cell(top + down, at, value)
            if isinstance(value, datetime):
                cell.number_format = "yyyy/m/d"
            elif isinstance(value, str) and "\n" in value:
                cell.alignment = Alignment(wrap_text=True, vertical="top")
    return top + len(rows)


# ── how a cell shows a value ──


def as_day(value: str) -> Cell:
    """A real date of Excel."""
    return datetime.fromisoformat(value)


def dotted(value: str) -> Cell:
    """2025.3.1"""
    day = date.fromisoformat(value)
    return f"{day.year}.{day.month}.{day.day}"


def slashed(value: str) -> Cell:
    """2025/3/1"""
    day = date.fromisoformat(value)
    return f"{day.year}/{day.month}/{day.day}"


def chinese_day(value: str) -> Cell:
    """2025年3月1日"""
    day = date.fromisoformat(value)
    return f"{day.year}年{day.month}月{day.day}日"


def run_together(value: str) -> Cell:
    """20250301 as text."""
    return value.replace("-", "")


def run_number(value: str) -> Cell:
    """20250301 as a number."""
    return int(value.replace("-", ""))


def day_number(value: str) -> Cell:
    """Excel's count of days in a cell that nobody formatted as a date."""
    return (date.fromisoformat(value) - NUMBERS_OF_DAYS_START).days


def with_time(value: str) -> Cell:
    """As a system exports it."""
    return f"{value} 09:30:00"


def full_width(value: str) -> str:
    """Digits and signs as wide as characters."""
    return "".join(chr(ord(ch) + 0xFEE0) if "!" <= ch <= "~" else ch for ch in value)


def full_width_day(value: str) -> Cell:
    """2025年3月1日 with full-width digits."""
    return full_width(str(chinese_day(value)))


def trailing(value: str) -> Cell:
    """With the spaces that typing leaves behind."""
    return f"{value} \u3000 "


def spaced_name(value: str) -> Cell:
    """A name of two characters as wide as one of three."""
    return "　".join(value) if len(value) == 2 else value


def broken(value: str) -> Cell:
    """Broken into two lines to fit a narrow column."""
    return f"{value[: len(value) // 2]}\n{value[len(value) // 2 :]}"


def listed(value: str) -> Cell:
    """One name a line."""
    return value.replace("、", "\n")


def office_file(path: Path, target: str, name: str = "") -> Path:
    """The file as another program writes it: LibreOffice converts it, working out formulas as it goes."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("soffice is not on this machine")
    out = path.parent / "converted"
    command = [soffice, "--headless", f"-env:UserInstallation={(path.parent / 'profile').as_uri()}"]
    command += ["--convert-to", target, "--outdir", str(out), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    written = out / f"{path.stem}.{target.split(':')[0]}"
    return written.rename(path.parent / (name or written.name))
