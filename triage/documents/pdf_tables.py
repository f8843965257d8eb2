"""Ruled tables: text into the cells of grids, and tables that go on over a page break."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from triage.documents.blocks import Cell, Table
from triage.documents.pdf_grids import NEAR, Box, Grid
from triage.documents.pdf_lines import Glyph, TextLine, continues, in_column, line_of, paragraphs, rows_of


def fill(grids: Sequence[Grid], glyphs: Sequence[Glyph]) -> list[Glyph]:
    """Put the glyphs into the boxes that they stand in; returns those outside of all."""
    inside: dict[tuple[int, int], list[Glyph]] = {}
    owners = [_owners(grid) for grid in grids]
    outside: list[Glyph] = []
    for glyph in glyphs:
        x, y = (glyph.left + glyph.right) / 2, glyph.base - 0.35 * glyph.size
        for number, grid in enumerate(grids):
            column, row = bisect_right(grid.xs, x) - 1, bisect_right(grid.ys, y) - 1
            if 0 <= column < len(grid.xs) - 1 and 0 <= row < grid.rows:
                inside.setdefault((number, owners[number][row, column]), []).append(glyph)
                break
        else:
            outside.append(glyph)
    for (number, box), found in inside.items():
        _write(grids[number], grids[number].boxes[box], found)
    return outside


def _write(grid: Grid, box: Box, glyphs: list[Glyph]) -> None:
    lines = [line for row in rows_of(glyphs) if (line := line_of(row)) is not None]
    if lines:
        padding = 0.5 * lines[0].size
        box.lines = in_column(lines, grid.xs[box.left] + padding, grid.xs[box.right] - padding)


def _owners(grid: Grid) -> dict[tuple[int, int], int]:
    return {
        (row, column): number
        for number, box in enumerate(grid.boxes)
        for row in range(box.top, box.bottom)
        for column in range(box.left, box.right)
    }


def to_table(grid: Grid) -> Table | None:
    """The finished table; None where nothing is written in it (a drawing)."""
    rows: list[list[Cell]] = [[] for _ in range(grid.rows)]
    for box in sorted(grid.boxes, key=lambda one: one.left):
        text = "\n".join(paragraphs(box.lines))
        for row in range(box.top, box.bottom):
            upper = row == box.top
            rows[row].append(Cell(text if upper else "", box.left, box.right - box.left, not upper))
    if not any(box.lines for box in grid.boxes):
        return None
    return Table(tuple(tuple(row) for row in rows))


def join_grids(upper: Grid, lower: Grid) -> Grid | None:
    """One table of two that stand at a page's end and the next one's beginning.

    Returns:
        None where their columns say that they are two tables.
    """
    if abs(upper.xs[0] - lower.xs[0]) > NEAR + 1 or abs(upper.xs[-1] - lower.xs[-1]) > NEAR + 1:
        return None
    inner = [x for x in lower.xs[1:-1] if _close(x, upper.xs[1:-1])]
    if not inner and len(upper.xs) > 2 and len(lower.xs) > 2:
        return None
    xs = sorted(upper.xs + [x for x in lower.xs[1:-1] if not _close(x, upper.xs)])
    above, below = _moved(upper, xs), _moved(lower, xs)
    if any(box.left >= box.right for box in above + below):
        return None
    below = _without_repeated_head(above, below)
    pairs = _row_goes_on(above, below, upper.rows)
    shift = upper.rows - (1 if pairs else 0) - min(box.top for box in below)
    for earlier, later in pairs:
        earlier.lines = _same_edge(earlier.lines, later.lines)
        earlier.bottom = later.bottom + shift
    goes_on = [later for _, later in pairs]
    for box in below:
        box.top, box.bottom = box.top + shift, box.bottom + shift
    boxes = above + [box for box in below if not any(box is one for one in goes_on)]
    rows = max(box.bottom for box in boxes)
    return Grid(xs, [upper.top + row for row in range(rows + 1)], boxes)


def _close(x: float, others: list[float]) -> bool:
    return any(abs(x - other) <= NEAR for other in others)


def _moved(grid: Grid, xs: list[float]) -> list[Box]:
    place = [min(range(len(xs)), key=lambda at: abs(xs[at] - x)) for x in grid.xs]
    return [replace(box, left=place[box.left], right=place[box.right]) for box in grid.boxes]


def _without_repeated_head(above: list[Box], below: list[Box]) -> list[Box]:
    head = [(box.left, box.right, _said(box)) for box in above if box.top == 0]
    first = [(box.left, box.right, _said(box)) for box in below if box.top == 0]
    rest = [box for box in below if box.top > 0]
    once = all(box.bottom == 1 for box in above + below if box.top == 0)
    return rest if once and rest and head == first and sum(bool(said) for *_, said in head) > 1 else below


def _said(box: Box) -> str:
    return "\n".join(line.text for line in box.lines)


def _row_goes_on(above: list[Box], below: list[Box], rows: int) -> list[tuple[Box, Box]]:
    """Cells of a row that the page break cut, above and below it; none where that is in doubt."""
    last = {(box.left, box.right): box for box in above if box.bottom == rows}
    top = min(box.top for box in below)
    pairs = [(last.get((box.left, box.right)), box) for box in below if box.top == top]
    known = [(earlier, later) for earlier, later in pairs if earlier is not None]
    if len(known) < len(pairs) or len(known) < len(last):
        return []
    written = [(earlier, later) for earlier, later in known if later.lines]
    if not written or not all(earlier.lines for earlier, _ in written):
        return []
    label, label_below = known[0]
    if len(known) > 1:
        blank = bool(label.lines) and not label_below.lines
        long = any(len(earlier.lines) >= 3 or _mid_sentence(earlier, later) for earlier, later in written)
        return known if blank and long else []
    return known if _mid_sentence(*written[0]) else []


def _mid_sentence(earlier: Box, later: Box) -> bool:
    return (
        continues(earlier.lines[-1], later.lines[0]) and earlier.lines[-1].text[-1] not in "。!?\uff01\uff1f"
    )


def _same_edge(upper: list[TextLine], lower: list[TextLine]) -> list[TextLine]:
    """Both parts measured from one edge: a part may have no line but an indented one."""
    if not upper or not lower:
        return upper + lower
    edges = [min(line.left - line.indent * line.size for line in part) for part in (upper, lower)]
    return [
        replace(line, indent=line.indent + (edge - min(edges)) / line.size)
        for part, edge in ((upper, edges[0]), (lower, edges[1]))
        for line in part
    ]
