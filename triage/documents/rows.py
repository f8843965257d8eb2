"""Rows of labelled or incoming cases out of files; what cannot be read is named, the rest goes on."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from triage.errors import InputError, os_reason

# The usual names of a column in congress systems and bureaus' sheets.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "流水号"),
    "number": ("number", "编号", "案号", "建议号", "建议编号", "提案号", "序号"),
    "session": ("session", "届次", "会议名称", "会议届次", "归属届次"),
    "kind": ("kind", "案别", "类型", "建议类型"),
    "title": ("title", "标题", "案由", "题目", "名称", "题名"),
    "body": ("body", "正文", "内容", "建议内容", "全文"),
    "deputy": ("deputy", "领衔代表", "领衔人", "代表", "提案人", "提案者", "proposer"),
    "delegation": ("delegation", "代表团", "界别", "委组"),
    "cosigners": ("cosigners", "附议代表", "附议人", "联名代表"),
    "lead_unit": ("lead_unit", "主办单位"),
    "role": ("role", "承办角色", "办理角色", "主协办"),
    "received_on": ("received_on", "收件日期", "交办日期", "登记时间", "收到日期"),
    "section": ("section", "承办科室", "主办科室", "科室"),
    "topic": ("topic", "主题", "主题分类", "内容分类", "提案分类"),
    "handling": ("handling", "办理类型", "办理方式"),
    "result_class": ("result_class", "办理结果", "类别标记", "办复类别", "结果类别"),
    "reply_number": ("reply_number", "答复文号", "文号"),
    "closed_on": ("closed_on", "办结日期", "主办答复时间", "办复日期"),
    "commitment": ("commitment", "承诺事项"),
    "commitment_due_on": ("commitment_due_on", "承诺时限"),
    "commitment_kept_on": ("commitment_kept_on", "承诺兑现日期"),
}
COLUMN_NAMES = {field: names[1] for field, names in COLUMNS.items()}
_DATE = re.compile(r"^\s*(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")

# One cell may hold a whole suggestion; its length is judged later, row by row.
csv.field_size_limit(64 * 1024 * 1024)


@dataclass(frozen=True)
class Row:
    """One row of a file: its line and its fields by our names; absent columns are absent."""

    line: int
    fields: Mapping[str, str]

    def get(self, field: str) -> str:
        """The cell without surrounding space; empty where there is none."""
        return self.fields.get(field, "").strip()

    @property
    def reference(self) -> str:
        """How the file itself names the row: its id, else its number; may be empty."""
        return self.get("id") or self.get("number")

    def date(self, field: str) -> date | None:
        """The date in a cell; None where empty.

        Raises:
            InputError: not a date.
        """
        raw = self.get(field)
        if not raw:
            return None
        found = _DATE.match(raw)
        try:
            if found:
                return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            pass
        raise InputError(f"{COLUMN_NAMES[field]}“{raw[:40]}”不是日期,应写成 2026-01-15。", field=field)


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read, and why."""

    line: int
    reason: str


def read_text(path: Path) -> str:
    """File content in UTF-8 or GB18030 (what Excel writes in Chinese).

    Raises:
        InputError: no such file, or neither encoding fits.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"找不到文件 {path}。") from None
    except OSError as error:
        raise InputError(f"{path} {os_reason(error)}。") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{path} 既不是 UTF-8 也不是 GB18030 编码,请在 Excel 中另存为“CSV UTF-8”。")


def read_csv(path: Path, required: tuple[str, ...] = ("body",)) -> Iterator[Row | BadRow]:
    """Rows of a CSV file with a header, in order.

    Raises:
        InputError: the file cannot be read, is empty, or lacks a required column.
    """
    return _rows(path, read_text(path), required)


def _rows(path: Path, text: str, required: tuple[str, ...]) -> Iterator[Row | BadRow]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise InputError(f"{path} 是空文件。") from None
    except csv.Error as error:
        raise InputError(f"{path} 第 1 行不是有效的 CSV 表头:{error}。") from None
    fields = _fields(header)
    for field in required:
        if field not in fields.values():
            raise InputError(
                f"{path} 缺少“{COLUMN_NAMES[field]}”列(可用列名:{'、'.join(COLUMNS[field])})。"
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


def _fields(header: list[str]) -> dict[int, str]:
    """Column position to field; the earlier name in COLUMNS wins where two columns fit."""
    names = [cell.strip().lower() for cell in header]
    found: dict[int, str] = {}
    for field, candidates in COLUMNS.items():
        for candidate in candidates:
            if candidate in names:
                found[names.index(candidate)] = field
                break
    return found
