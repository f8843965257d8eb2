"""Placed characters and rulings of pages into lines and tables in reading order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from triage.documents.blocks import Block, Line
from triage.documents.pdf_columns import Group, groups_of
from triage.documents.pdf_grids import Grid, find_grids
from triage.documents.pdf_lines import Glyph, TextLine, common_edge, in_column, paragraphs
from triage.documents.pdf_pages import Page
from triage.documents.pdf_tables import fill, join_grids, to_table

_HEADER = 72.0  # points; the margin of a page, in which running headers stand
_NUMBER = 0.13  # share of the page's height; official papers number their pages inside the margin
_DASH = "[-\u2010-\u2015\u2212\uff0d~\u00b7\u2022.\u4e00]"
_PAGE_NUMBER = re.compile(
    rf"{_DASH}{{0,2}}\s*\d{{1,4}}\s*{_DASH}{{0,2}}"
    r"|第\s*\d{1,4}\s*页\s*[,\uff0c/(\uff08]?\s*(?:共\s*\d{1,4}\s*页)?[)\uff09]?"
    r"|\d{1,4}\s*/\s*\d{1,4}|[Pp]age\s*\d{1,4}(?:\s*of\s*\d{1,4})?"
)


@dataclass
class Sheet:
    """A page as lines and tables, before they are joined to those of its neighbours; in points."""

    width: float
    height: float
    parts: list[Group | Grid]
    gutter: float | None = None

    def lines(self) -> list[TextLine]:
        """Those outside of tables."""
        return [line for part in self.parts if isinstance(part, Group) for line in part.lines]


def to_sheet(page: Page, before: Sheet | None) -> Sheet:
    """The lines and tables of a page; ``before`` is the page that it follows."""
    grids = find_grids(page.rulings)
    free = fill(grids, page.glyphs)
    sheet = Sheet(page.width, page.height, [])
    for grid in grids:
        upper = [glyph for glyph in free if glyph.base <= grid.top]
        free = [glyph for glyph in free if glyph.base > grid.top]
        _add(sheet, upper, before)
        if any(box.lines for box in grid.boxes):
            sheet.parts.append(grid)
    _add(sheet, free, before)
    return sheet


def _add(sheet: Sheet, glyphs: Sequence[Glyph], before: Sheet | None) -> None:
    groups, gutter = groups_of(glyphs, before.gutter if before else None)
    sheet.parts += groups
    sheet.gutter = gutter or sheet.gutter


def to_blocks(sheets: Sequence[Sheet]) -> list[Block]:
    """The pages' lines and tables in reading order, without page numbers and repeated headers."""
    for sheet in sheets:
        _drop_page_number(sheet)
    _drop_running(sheets)
    for sheet in sheets:
        sheet.parts = [part for part in sheet.parts if isinstance(part, Grid) or part.lines]
        _measure(sheet)
    return list(_blocks(sheets))


def _blocks(sheets: Sequence[Sheet]) -> Iterator[Block]:
    run: list[TextLine] = []
    open_grid: Grid | None = None
    for sheet in sheets:
        for number, part in enumerate(sheet.parts):
            if isinstance(part, Group):
                if open_grid is not None:
                    yield from _finished(open_grid)
                    open_grid = None
                run += part.lines
                continue
            yield from map(Line, paragraphs(run))
            run = []
            if open_grid is not None:
                joined = join_grids(open_grid, part) if number == 0 else None
                if joined is not None:
                    open_grid = joined
                    continue
                yield from _finished(open_grid)
            open_grid = part
    yield from map(Line, paragraphs(run))
    if open_grid is not None:
        yield from _finished(open_grid)


def _finished(grid: Grid) -> Iterator[Block]:
    table = to_table(grid)
    if table is not None:
        yield table


def _keep(sheet: Sheet, wanted: Callable[[TextLine], bool]) -> None:
    for part in sheet.parts:
        if isinstance(part, Group):
            part.lines = [line for line in part.lines if wanted(line)]


def _drop_page_number(sheet: Sheet) -> None:
    """The lowest or the highest line of a page, if it is in the margin and says nothing else."""
    lines = sheet.lines()
    if not lines:
        return
    lowest, highest = max(lines, key=lambda one: one.base), min(lines, key=lambda one: one.base)
    numbers = [
        line
        for line, outside in (
            (lowest, lowest.base > sheet.height * (1 - _NUMBER)),
            (highest, highest.base < _HEADER),
        )
        if outside and _PAGE_NUMBER.fullmatch(line.text)
    ]
    _keep(sheet, lambda line: not any(line is number for number in numbers))


def _drop_running(sheets: Sequence[Sheet]) -> None:
    """Lines in the margin that all written pages have at one height, but for their digits."""
    written = [sheet for sheet in sheets if sheet.parts]
    if len(written) < 2:
        return
    size = median([line.size for sheet in written for line in sheet.lines()] or [0.0])

    def name(sheet: Sheet, line: TextLine) -> tuple[str, bool] | None:
        upper = line.base < _HEADER
        if not (upper or line.base > sheet.height - _HEADER) or line.size > 1.2 * size:
            return None
        return re.sub(r"\d+", "#", line.text), upper

    seen = Counter(key for sheet in written for key in {name(sheet, line) for line in sheet.lines()})
    running = {key for key, count in seen.items() if key is not None and count == len(written)}
    for sheet in written[1:]:
        _keep(sheet, lambda line, sheet=sheet: name(sheet, line) not in running)  # type: ignore[misc]


def _measure(sheet: Sheet) -> None:
    """Tell the lines the bounds of their columns."""
    across = [part for part in sheet.parts if isinstance(part, Group) and not part.column]
    lines = [line for part in across for line in part.lines]
    if lines:
        size = median(line.size for line in lines)
        left = common_edge([line.left for line in lines], size)
        right = _right_edge(lines, left, size, sheet.width)
        measured = iter(in_column(lines, left, right))
        for part in across:
            part.lines = [next(measured) for _ in part.lines]
    columns = [part for part in sheet.parts if isinstance(part, Group) and part.column]
    wide = max((_width(part.lines) for part in columns), default=0.0)
    for part in columns:
        left = min(line.left for line in part.lines)
        part.lines = in_column(part.lines, left, left + wide)


def _width(lines: Sequence[TextLine]) -> float:
    return max(line.right for line in lines) - min(line.left for line in lines)


def _right_edge(lines: Sequence[TextLine], left: float, size: float, width: float) -> float:
    """Where full lines end; where too few are full, as far from the page's edge as they begin."""
    right = -common_edge([-line.right for line in lines], size)
    full = sum(abs(line.right - right) < size for line in lines)
    if full >= 3 and right - left > 0.6 * width:
        return right
    return max(right, width - left)
