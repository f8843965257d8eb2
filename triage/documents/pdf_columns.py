"""Text in two columns: the white gutter between them, and the left column before the right one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

from triage.documents.pdf_lines import Glyph, TextLine, em_of, line_of, rows_of

_ENOUGH_ROWS = 8  # fewer are a form's fields side by side, unless the page before had columns
_WIDEST_GUTTER = 0.25  # of the text's width
_Row = list[Glyph]


@dataclass
class Group:
    """Lines that follow one another.

    Attributes:
        column: whether they stand in one of two columns, not across the page.
    """

    lines: list[TextLine]
    column: bool = False


def groups_of(glyphs: Sequence[Glyph], known: float | None) -> tuple[list[Group], float | None]:
    """Visual lines in reading order.

    Args:
        known: where the gutter of the page before was, in points.

    Returns:
        The lines and where their gutter is; None where there is none.
    """
    rows = _seen(rows_of(glyphs))
    goes_on = known is not None and not any(_crosses(row, known) for row in rows)
    gutter = known if goes_on else _gutter(rows)
    if gutter is None:
        return [Group(_lines(rows))] if rows else [], None
    groups: list[Group] = []
    found: float | None = None
    for across, band in groupby(rows, key=lambda row: _crosses(row, gutter)):
        stretch = list(band)
        left = _seen([one for one in row if _middle(one) < gutter] for row in stretch)
        right = _seen([one for one in row if _middle(one) >= gutter] for row in stretch)
        if not across and (goes_on or _are_columns(left, right)):
            groups += [Group(_lines(part), column=True) for part in (left, right) if part]
            found = gutter
        else:
            groups.append(Group(_lines(stretch)))
    return groups, found


def _seen(rows: Iterable[_Row]) -> list[_Row]:
    """The rows that show anything: spaces alone are no row, on a page as in a column."""
    return [row for row in rows if any(not glyph.text.isspace() for glyph in row)]


def _lines(rows: list[_Row]) -> list[TextLine]:
    return [line for row in rows if (line := line_of(row)) is not None]


def _middle(glyph: Glyph) -> float:
    return (glyph.left + glyph.right) / 2


def _crosses(row: _Row, x: float) -> bool:
    return any(start < x < end for start, end in _stretches(row))


def _stretches(row: _Row) -> list[tuple[float, float]]:
    """From where to where the row is written without a gap of an em."""
    seen = [glyph for glyph in row if not glyph.text.isspace()]
    em, _ = em_of(seen)
    found: list[tuple[float, float]] = []
    for glyph in seen:
        if found and glyph.left - found[-1][1] < em:
            found[-1] = (found[-1][0], max(found[-1][1], glyph.right))
        else:
            found.append((glyph.left, glyph.right))
    return found


def _gutter(rows: list[_Row]) -> float | None:
    """The middle of the widest stretch, near the text's middle, that the fewest rows cross."""
    if not rows:
        return None
    spans = [span for row in rows for span in _stretches(row)]
    left, right = min(start for start, _ in spans), max(end for _, end in spans)
    places = [left + (right - left) * part / 200 for part in range(60, 141)]
    crossed = [sum(start < x < end for start, end in spans) for x in places]
    least = min(crossed)
    if least > len(rows) / 2:
        return None
    runs = [
        [x for x, _ in run]
        for few, run in groupby(zip(places, crossed, strict=True), key=lambda one: one[1] == least)
        if few
    ]
    widest = max(runs, key=len)
    return (widest[0] + widest[-1]) / 2


def _are_columns(left: list[_Row], right: list[_Row]) -> bool:
    """Prose fills the left column; the fields of a form leave it half empty."""
    if len(left) < _ENOUGH_ROWS or not right:
        return False
    em = median(em_of(row)[0] for row in left)
    ends = [_stretches(row)[-1][1] for row in left]
    begin, end = min(row[0].left for row in left), max(ends)
    after = min(row[0].left for row in right)
    whole = max(_stretches(row)[-1][1] for row in right) - begin
    full = sum(one >= end - 2 * em for one in ends)
    return em <= after - end <= max(_WIDEST_GUTTER * whole, 2 * em) and full * 2 >= len(ends)
