"""The grids that rulings draw on a page: rows, columns, and the cells that span them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from triage.documents.pdf_lines import TextLine

NEAR = 3.0  # points; double borders and carelessly drawn corners are no further apart
_SHORTEST = 6.0  # points; shorter rulings are dots and parts of letters
_MOST_RULINGS = 1000
_MOST_FIELDS = 20_000  # more than any table on a page; drawings and hatchings have more


@dataclass(frozen=True, slots=True)
class Ruling:
    """A drawn line, in points: level or upright, where it is, and from where to where it goes."""

    level: bool
    at: float
    start: float
    end: float


@dataclass
class Box:
    """A cell as a rectangle of grid fields; its ends are not in it."""

    top: int
    left: int
    bottom: int
    right: int
    lines: list[TextLine] = field(default_factory=list)


@dataclass
class Grid:
    """A table in the making.

    Attributes:
        xs: the edges of its finest columns, in points.
        ys: the edges of its rows; of a table over several pages, only their number counts.
    """

    xs: list[float]
    ys: list[float]
    boxes: list[Box]

    @property
    def top(self) -> float:
        return self.ys[0]

    @property
    def rows(self) -> int:
        return len(self.ys) - 1


def find_grids(rulings: Iterable[Ruling]) -> list[Grid]:
    """The tables that the rulings of one page draw, from top to bottom; without text yet."""
    joined = _joined(rulings)
    if len(joined) > _MOST_RULINGS:
        return []
    grids = [grid for part in _components(joined) if (grid := _grid(part)) is not None]
    outer = [grid for grid in grids if not any(_inside(grid, other) for other in grids)]
    return sorted(outer, key=lambda grid: grid.top)


def _joined(rulings: Iterable[Ruling]) -> list[Ruling]:
    """Cell borders come in many short pieces; pieces of one line become one ruling."""
    whole: list[Ruling] = []
    track: list[Ruling] = []
    for ruling in sorted(rulings, key=lambda one: (one.level, one.at)):
        if track and (ruling.level != track[0].level or ruling.at - track[0].at > 1.0):
            whole += _track(track)
            track = []
        track.append(ruling)
    whole += _track(track)
    return [ruling for ruling in whole if ruling.end - ruling.start >= _SHORTEST]


def _track(pieces: list[Ruling]) -> list[Ruling]:
    whole: list[Ruling] = []
    for piece in sorted(pieces, key=lambda one: one.start):
        if whole and piece.start - whole[-1].end <= NEAR:
            whole[-1] = replace(whole[-1], end=max(whole[-1].end, piece.end))
        else:
            whole.append(piece)
    return whole


def _components(rulings: list[Ruling]) -> list[list[Ruling]]:
    """Rulings that touch one another, directly or by others."""
    left = set(range(len(rulings)))
    parts: list[list[Ruling]] = []
    while left:
        queue = [left.pop()]
        part: list[Ruling] = []
        while queue:
            ruling = rulings[queue.pop()]
            part.append(ruling)
            touched = [other for other in left if _touch(ruling, rulings[other])]
            left.difference_update(touched)
            queue += touched
        parts.append(part)
    return parts


def _touch(one: Ruling, other: Ruling) -> bool:
    return (
        one.level != other.level
        and other.start - NEAR <= one.at <= other.end + NEAR
        and one.start - NEAR <= other.at <= one.end + NEAR
    )


def _inside(grid: Grid, other: Grid) -> bool:
    """A table within a cell is read as that cell's text."""
    return (
        grid is not other
        and other.xs[0] - NEAR < grid.xs[0]
        and grid.xs[-1] < other.xs[-1] + NEAR
        and other.ys[0] - NEAR < grid.ys[0]
        and grid.ys[-1] < other.ys[-1] + NEAR
    )


def _grid(rulings: list[Ruling]) -> Grid | None:
    """The grid of rulings that touch; None where they frame fewer than two cells."""
    level = [ruling for ruling in rulings if ruling.level]
    upright = [ruling for ruling in rulings if not ruling.level]
    if len(level) < 2 or not upright:
        return None
    # Tables without side borders end where their level rulings end.
    xs = _lines_at([one.at for one in upright] + _ends(level))
    ys = _lines_at([one.at for one in level] + _ends(upright))
    if len(xs) < 2 or len(ys) < 2 or (len(xs) - 1) * (len(ys) - 1) > _MOST_FIELDS:
        return None
    boxes = _boxes(_walls(level, ys, xs), _walls(upright, xs, ys))
    if len(boxes) < 2:
        return None
    return _pruned(Grid(xs, ys, boxes))


def _ends(rulings: list[Ruling]) -> list[float]:
    return [min(one.start for one in rulings), max(one.end for one in rulings)]


def _lines_at(places: list[float]) -> list[float]:
    found: list[list[float]] = []
    for place in sorted(places):
        if found and place - found[-1][0] <= NEAR:
            found[-1].append(place)
        else:
            found.append([place])
    return [sum(group) / len(group) for group in found]


def _walls(rulings: list[Ruling], across: list[float], along: list[float]) -> list[list[bool]]:
    """For each grid line, which of its stretches are drawn for the most part."""
    covered = [[0.0] * (len(along) - 1) for _ in across]
    for ruling in rulings:
        line = min(range(len(across)), key=lambda at: abs(across[at] - ruling.at))
        for stretch in range(len(along) - 1):
            common = min(ruling.end, along[stretch + 1]) - max(ruling.start, along[stretch])
            covered[line][stretch] += max(0.0, common)
    return [
        [length >= 0.6 * (along[at + 1] - along[at]) for at, length in enumerate(line)] for line in covered
    ]


def _boxes(level: list[list[bool]], upright: list[list[bool]]) -> list[Box]:
    """Rectangles of fields without a wall between them, by rows."""
    rows, columns = len(level) - 1, len(upright) - 1
    taken: set[tuple[int, int]] = set()
    boxes: list[Box] = []
    for top in range(rows):
        for left in range(columns):
            if (top, left) in taken:
                continue
            right = left + 1
            while right < columns and not upright[right][top] and (top, right) not in taken:
                right += 1
            bottom = top + 1
            while bottom < rows and not any(level[bottom][left:right]):
                if any(upright[x][bottom] for x in range(left + 1, right)):
                    break
                bottom += 1
            taken.update((y, x) for y in range(top, bottom) for x in range(left, right))
            boxes.append(Box(top, left, bottom, right))
    return boxes


def _pruned(grid: Grid) -> Grid:
    """Without grid lines at which no cell begins or ends, such as underlined blanks draw them."""
    columns = sorted({edge for box in grid.boxes for edge in (box.left, box.right)})
    rows = sorted({edge for box in grid.boxes for edge in (box.top, box.bottom)})
    boxes = [
        Box(rows.index(box.top), columns.index(box.left), rows.index(box.bottom), columns.index(box.right))
        for box in grid.boxes
    ]
    return Grid([grid.xs[at] for at in columns], [grid.ys[at] for at in rows], boxes)
