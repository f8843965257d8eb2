"""Rows of labelled or incoming cases out of files; what cannot be read is named, the rest goes on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from triage.documents.columns import COLUMN_NAMES, COLUMNS, match_columns
from triage.documents.fields import read_date
from triage.errors import InputError, os_reason

# One cell may hold a whole suggestion; its length is judged later, row by row.
csv.field_size_limit(64 * 1024 * 1024)
ENCODINGS = ("utf-8-sig", "gb18030")  # the second is what Excel writes in Chinese


@dataclass(frozen=True)
class Row:
    """One row of a file: its line and its fields by our names; absent columns are absent.

    Attributes:
        cells: where a field stands in a sheet, such as F12; empty for other files.
        sheet: its name, where the file has several.
    """

    line: int
    fields: Mapping[str, str]
    cells: Mapping[str, str] = field(default_factory=dict)
    sheet: str = ""

    def get(self, field: str) -> str:
        """The cell without surrounding space; empty where there is none."""
        return self.fields.get(field, "").strip()

    @property
    def reference(self) -> str:
        """How the file itself names the row: its id, else its number; may be empty."""
        return self.get("id") or self.get("number")

    @property
    def place(self) -> str:
        """Sheet and line, in words."""
        return f"工作表“{self.sheet}”第 {self.line} 行" if self.sheet else f"第 {self.line} 行"

    def refused(self, error: InputError) -> BadRow:
        """This row as one that could not be taken, with the cell that the error speaks of."""
        field = str(error.detail.get("field") or "")
        return BadRow(self.line, error.message, self.cells.get(field, ""), self.sheet)

    def date(self, field: str) -> date | None:
        """The date in a cell; None where empty.

        Raises:
            InputError: not a date.
        """
        raw = self.get(field)
        try:
            return read_date(raw)
        except ValueError:
            pass
        raise InputError(f"{COLUMN_NAMES[field]}“{raw[:40]}”不是日期,应写成 2026-01-15。", field=field)


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read, and why; ``cell`` is the one at fault, where one is."""

    line: int
    reason: str
    cell: str = ""
    sheet: str = ""


def read_text(path: Path) -> str:
    """File content in UTF-8 or GB18030 (what Excel writes in Chinese).

    Raises:
        InputError: no such file, or neither encoding fits.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _strange_encoding(path)


def _unreadable(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError(f"找不到文件 {path}。")
    return InputError(f"{path} {os_reason(error)}。")


def _strange_encoding(path: Path) -> InputError:
    return InputError(f"{path} 既不是 UTF-8 也不是 GB18030 编码,请在 Excel 中另存为“CSV UTF-8”。")


def read_csv(path: Path, required: tuple[str, ...] = ("body",)) -> Iterator[Row | BadRow]:
    """Rows of a CSV file with a header, in order.

    Raises:
        InputError: the file cannot be read, is empty, or lacks a required column.
    """
    return _rows(path, io.StringIO(read_text(path), newline=""), required)


def stream_csv(path: Path, required: tuple[str, ...] = ("body",)) -> Iterator[Row | BadRow]:
    """The same of a file of any size, of which one row at a time is in memory.

    Raises:
        InputError: see read_csv; the whole file is looked through for its encoding first.
    """
    return _rows(path, stream_text(path), required)


def stream_text(path: Path) -> Iterator[str]:
    """The lines of a file in UTF-8 or GB18030, with their ends.

    Raises:
        InputError: see read_text; at once, not at the first line.
    """
    encoding = _encoding_of(path)

    def lines() -> Iterator[str]:
        with path.open(encoding=encoding, newline="") as file:
            yield from file

    return lines()


def _encoding_of(path: Path) -> str:
    for encoding in ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="") as file:
                while file.read(2**20):
                    pass
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise _unreadable(path, error) from None
        return encoding
    raise _strange_encoding(path)


def _rows(path: Path, text: Iterable[str], required: tuple[str, ...]) -> Iterator[Row | BadRow]:
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise InputError(f"{path} 是空文件。") from None
    except csv.Error as error:
        raise InputError(f"{path} 第 1 行不是有效的 CSV 表头:{error}。") from None
    fields = match_columns(header)
    for name in required:
        if name not in fields.values():
            raise InputError(
                f"{path} 缺少“{COLUMN_NAMES[name]}”列(可用列名:{'、'.join(COLUMNS[name])})。"
                f"现有列:{'、'.join(h for h in header if h) or '无'}。"
            )

    def rows() -> Iterator[Row | BadRow]:
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield BadRow(line, "引号不成对或格式有误,从这一行起无法继续读取")
                return
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                yield BadRow(line, f"有 {len(cells)} 列,表头是 {len(header)} 列;检查逗号和引号")
                continue
            yield Row(line, {field: cells[at] for at, field in fields.items()})

    return rows()
