"""Rows out of a ledger as bureaus keep it: in Excel, CSV or JSON, under whatever title and header rows."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from triage.documents.columns import BODY_PART, COLUMN_NAMES, COLUMNS, ColumnMap, bare_name, match_columns
from triage.documents.reading import Content
from triage.documents.rows import BadRow, Row
from triage.documents.sheets import Sheet
from triage.errors import InputError

HEADER_ROWS = 15  # titles and notes above the header end before
HEADER_CHARS = 40  # a longer text is no name of a column
SHOWN_CHARS = 200
MIN_COLUMNS = 3  # fewer known columns are no ledger, unless they are all there are
MIN_CELLS = 2  # a row with fewer values of ours and without a title is a remark
TOTALS = ("合计", "总计", "小计", "共计", "总数", "平均")


@dataclass(frozen=True)
class Aside:
    """A row that is none of the ledger's: a total, a remark, the header once more."""

    line: int
    text: str
    sheet: str = ""


@dataclass(frozen=True)
class Columns:
    """How the columns of one sheet were understood.

    Attributes:
        used: field to the header that stands for it.
        unused: headers that stand for nothing of ours.
    """

    sheet: str
    used: Mapping[str, str]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class LedgerSheet:
    """All rows of a file, sheet by sheet, and how its columns were understood."""

    rows: list[Row | BadRow | Aside]
    columns: list[Columns]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Header:
    first: int
    last: int
    names: Sequence[str]
    fields: Mapping[int, str]


def read_ledger(content: Content, mapping: ColumnMap | None = None) -> LedgerSheet:
    """The rows of a past ledger, or of a list of suggestions.

    Raises:
        InputError: no sheet has a header with a title or body.
    """
    mapping = mapping or ColumnMap()
    notes = list(content.notes)
    if content.kind == "json":
        return _from_json(content.text, mapping, notes)
    if content.kind == "csv":
        sheet, lines, broken = _from_csv(content.text)
        found: list[tuple[Sheet, list[int] | None]] = [(sheet, lines)]
    else:
        found = [(sheet, None) for sheet in content.sheets]
        broken = []
    rows: list[Row | BadRow | Aside] = []
    columns: list[Columns] = []
    for sheet, own_lines in found:
        header = _find_header(sheet, mapping)
        if header is None:
            if content.sheets[1:]:
                notes.append(f"工作表“{sheet.name}”不是台账(没有标题或正文一栏),没有读取。")
            continue
        columns.append(_columns(sheet, header))
        several = len(content.sheets) > 1
        rows += _rows(sheet, header, mapping, own_lines, several=several)
    if not columns:
        line, headers = _likely_header([sheet for sheet, _ in found])
        _check_map(mapping, set(match_columns(headers, mapping).values()), headers)
        shown = f"第 {line} 行像是表头:{_listed(headers)}" if headers else "表是空的"
        raise InputError(
            f"没有找到表头:表里应有“{COLUMN_NAMES['title']}”或“{COLUMN_NAMES['body']}”一栏"
            f"(如{'、'.join(COLUMNS['title'][1:6])}),也可以用对照(--map 标题=表里的列名)指明。{shown}。",
            headers=headers,
        )
    there = {field for sheet in columns for field in sheet.used}
    _check_map(mapping, there, [name for sheet in columns for name in (*sheet.used.values(), *sheet.unused)])
    return LedgerSheet([*rows, *broken], columns, tuple(notes))


def _likely_header(sheets: Sequence[Sheet]) -> tuple[int, list[str]]:
    """The first row with most different short texts, by its line, though no name in it is known."""
    best: tuple[int, list[str]] = (0, [])
    for sheet in sheets:
        for at, row in enumerate(sheet.rows[:HEADER_ROWS]):
            cells = (_flat(_shown(sheet, at, column)) for column in range(len(row)))
            names = list(dict.fromkeys(cell for cell in cells if 0 < len(cell) <= HEADER_CHARS))
            if len(names) > len(best[1]):
                best = at + 1, names
    return best


def _listed(names: Sequence[str]) -> str:
    return "、".join(names)[:SHOWN_CHARS]


def _check_map(mapping: ColumnMap, there: set[str], headers: Sequence[str]) -> None:
    for field, name in mapping.columns.items():
        if field not in there:
            raise InputError(
                f"对照中的“{name}”列({COLUMN_NAMES[field]})在表里没有。表里的列:{_listed(headers)}。",
                field="map",
            )


def _find_header(sheet: Sheet, mapping: ColumnMap) -> _Header | None:
    """The row, or the two rows, that name most columns."""
    best: _Header | None = None
    for at, row in enumerate(sheet.rows[:HEADER_ROWS]):
        names = [_shown(sheet, at, column) for column in range(len(row))]
        for candidate in (
            _Header(at, at, names, match_columns(names, mapping)),
            _two_rows(sheet, at, mapping),
        ):
            if candidate and len(candidate.fields) > (len(best.fields) if best else 0):
                best = candidate
    if best is None or not {"title", "body"} & set(best.fields.values()):
        return None
    named = sum(bool(name.strip()) for name in best.names)
    told = any(field in mapping.columns for field in best.fields.values())  # somebody said so
    return best if told or len(best.fields) >= min(MIN_COLUMNS, named) else None


def _shown(sheet: Sheet, row: int, column: int) -> str:
    """A header cell; one that is merged sideways names its first column alone."""
    first = sheet.joined.get((row, column))
    return "" if first and first[1] != column else sheet.rows[row][column]


def _two_rows(sheet: Sheet, at: int, mapping: ColumnMap) -> _Header | None:
    """A group name above (办理情况) and the column's own below (办理结果)."""
    if at + 1 >= len(sheet.rows):
        return None
    upper, lower = sheet.rows[at], sheet.rows[at + 1]
    fields: dict[int, str] = {}
    names = []
    for column in range(max(len(upper), len(lower))):
        over = upper[column] if column < len(upper) else ""
        own = lower[column] if column < len(lower) else ""
        joint = f"{over}{own}" if over != own else own
        name = next((n for n in (joint, own, over) if match_columns([n], mapping)), own or over)
        names.append(name)
    fields = match_columns(names, mapping)
    # the second row must name columns by itself, else it is the first row of data
    own_names = set(
        match_columns([c if c != (upper[i] if i < len(upper) else "") else "" for i, c in enumerate(lower)])
    )
    return _Header(at, at + 1, names, fields) if own_names else None


def _columns(sheet: Sheet, header: _Header) -> Columns:
    used = {field: _flat(header.names[at]) for at, field in header.fields.items()}
    unused = [
        _flat(name)
        for at, name in enumerate(header.names)
        if name.strip() and at not in header.fields and not BODY_PART.fullmatch(bare_name(name))
    ]
    return Columns(sheet.name, used, tuple(unused))


def _rows(
    sheet: Sheet, header: _Header, mapping: ColumnMap, lines: Sequence[int] | None, *, several: bool
) -> Iterator[Row | BadRow | Aside]:
    fields = header.fields
    more_body = [at for at, name in enumerate(header.names) if BODY_PART.fullmatch(bare_name(name))]
    own_header = {bare_name(header.names[at]) for at in fields}
    for at in range(header.last + 1, len(sheet.rows)):
        cells = sheet.rows[at]
        line = lines[at] if lines else at + 1
        if not any(cell.strip() for cell in cells):
            continue
        if lines and len(cells) != len(header.names):
            yield BadRow(line, f"有 {len(cells)} 列,表头是 {len(header.names)} 列;检查逗号和引号")
            continue
        own = {field: cells[i] for i, field in fields.items() if i < len(cells)}
        if _is_aside(cells, own, own_header, sheet, at):
            text = "  ".join(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))
            yield Aside(line, _flat(text)[:200], sheet.name if several else "")
            continue
        if "body" in own:
            own["body"] += "".join(cells[i] for i in more_body if i < len(cells))
        yield Row(
            line,
            {field: mapping.value(field, _plain(text)) for field, text in own.items()},
            {field: f"{_letters(i)}{at + 1}" for i, field in fields.items()} if not lines else {},
            sheet.name if several else "",
        )


def _is_aside(cells: Sequence[str], own: Mapping[str, str], header: set[str], sheet: Sheet, at: int) -> bool:
    first = bare_name(next(cell for cell in cells if cell.strip()))
    if first.startswith(TOTALS) and len(first) <= 12:
        return True
    filled = {field: text for field, text in own.items() if text.strip()}
    if len({bare_name(text) for text in filled.values()} & header) >= max(2, len(filled) // 2):
        return True  # the header once more, on the next printed page
    distinct = {text.strip() for text in cells if text.strip()}
    if len(distinct) == 1 and len(filled) > 1:  # one remark merged over the whole width
        return True
    return not (own.get("title", "").strip() or own.get("body", "").strip()) and len(filled) < MIN_CELLS


def _plain(text: str) -> str:
    """A text that a spreadsheet was kept from taking for a formula, without the mark."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@", "\t", "\r") else text


def _flat(text: str) -> str:
    return " ".join(text.split())


def _letters(column: int) -> str:
    """The name of a column, counted from 0.

    >>> _letters(27)
    'AB'
    """
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


def _from_csv(text: str) -> tuple[Sheet, list[int], list[BadRow]]:
    """All records with the line each begins in, up to the first that cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    while True:
        line = reader.line_num + 1
        try:
            rows.append(next(reader))
        except StopIteration:
            return Sheet("", rows, {}), lines, []
        except csv.Error:
            refused = BadRow(line, "引号不成对或格式有误,从这一行起无法继续读取")
            return Sheet("", rows, {}), lines, [refused]
        lines.append(line)


def _from_json(text: str, mapping: ColumnMap, notes: list[str]) -> LedgerSheet:
    """A list of objects, or an object that holds one; the keys are column names."""
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"JSON 文件第 {error.lineno} 行第 {error.colno} 个字有误,读不出来。") from None
    except (ValueError, RecursionError):  # a number of thousands of digits; lists within lists without end
        raise InputError("JSON 文件里有大得或套得不合情理的内容,没有读取。") from None
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        content = lists[0] if len(lists) == 1 and all(isinstance(x, dict) for x in lists[0]) else [content]
    if not isinstance(content, list) or not content:
        raise InputError("JSON 文件里应是一组建议,每件一个对象。")
    names = list(dict.fromkeys(key for item in content if isinstance(item, dict) for key in item))
    fields = match_columns(names, mapping)
    if not {"title", "body"} & set(fields.values()):
        raise InputError(
            f"JSON 文件里没有“{COLUMN_NAMES['title']}”或“{COLUMN_NAMES['body']}”。", headers=names
        )
    rows: list[Row | BadRow | Aside] = []
    for at, item in enumerate(content, start=1):
        if not isinstance(item, dict):
            rows.append(BadRow(at, "不是对象"))
            continue
        own = {field: item[names[i]] for i, field in fields.items() if item.get(names[i]) is not None}
        odd = next((f for f, value in own.items() if not isinstance(value, str | int | float)), None)
        if odd:
            rows.append(BadRow(at, f"“{COLUMN_NAMES[odd]}”应是文字", COLUMN_NAMES[odd]))
            continue
        rows.append(Row(at, {f: mapping.value(f, str(value)) for f, value in own.items()}))
    columns = Columns(
        "", {f: names[i] for i, f in fields.items()}, tuple(n for i, n in enumerate(names) if i not in fields)
    )
    return LedgerSheet(rows, [columns], tuple(notes))
