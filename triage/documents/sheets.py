"""Workbooks (.xlsx, .xls, .ods) as rows of text, every merged area filled with its value."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from triage.errors import InputError

MAX_ROWS = 200_000
MAX_COLUMNS = 300
_DAMAGED = "Excel 文件已损坏,打不开。请重新保存后再上传。"


@dataclass(frozen=True)
class Sheet:
    """One sheet from cell A1 on; a day is YYYY-MM-DD, a whole number has no fraction.

    Attributes:
        rows: texts, each row as long as its last filled cell.
        joined: for a merged cell other than its first one: (row, column) of the first, both from 0.
    """

    name: str
    rows: list[list[str]]
    joined: dict[tuple[int, int], tuple[int, int]]


def read_workbook(content: bytes) -> tuple[list[Sheet], list[str]]:
    """The visible sheets that hold anything, and notes on those that are left out.

    Raises:
        InputError: damaged, protected by a password, or larger than MAX_ROWS rows.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets, notes = [], []
        for about in book.sheets_metadata:
            if about.visible != SheetVisibleEnum.Visible:
                notes.append(f"工作表“{about.name}”是隐藏的,没有读取。")
                continue
            raw = book.get_sheet_by_name(about.name)
            if raw.total_height > MAX_ROWS:
                raise InputError(f"工作表“{about.name}”有 {raw.total_height:,} 行,最多 {MAX_ROWS:,} 行。")
            if raw.height and raw.width:
                sheets.append(_sheet(about.name, raw))
    except (CalamineError, OSError, ValueError) as error:
        if "assword" in str(error) or "ncrypt" in str(error):
            raise InputError("文件有打开密码。请取消密码后再上传。") from error
        raise InputError(_DAMAGED) from error
    except BaseException as error:
        # what calamine's Rust raises where it trips over a damaged file; it derives from BaseException
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(_DAMAGED) from error
    return sheets, notes


def _sheet(name: str, raw: Any) -> Sheet:
    rows = [[_text(value) for value in row[:MAX_COLUMNS]] for row in raw.to_python(skip_empty_area=False)]
    joined: dict[tuple[int, int], tuple[int, int]] = {}
    for (top, left), (bottom, right) in raw.merged_cell_ranges or ():
        if top >= len(rows) or left >= len(rows[top]):
            continue
        for r in range(top, min(bottom + 1, len(rows))):
            for c in range(left, min(right + 1, len(rows[r]))):
                if (r, c) != (top, left):
                    rows[r][c] = rows[top][left]
                    joined[r, c] = (top, left)
    return Sheet(name, [_trimmed(row) for row in rows], joined)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)


def _trimmed(row: list[str]) -> list[str]:
    last = max((i for i, cell in enumerate(row) if cell.strip()), default=-1)
    return row[: last + 1]
