"""Where the lines and bars of a picture stand; templates/charts.html draws them.

A picture says nothing that the table beside it does not: it is for a quick look. The looks of the
shapes (``css``) are in year.css, told apart by lightness, so that they can be read in grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from triage.ledger.year import Share

FONT = 12  # px; a Chinese character is as wide
_TOP, _RIGHT, _BOTTOM, _LEFT = 22.0, 8.0, 24.0, 36.0


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    width: float
    height: float
    css: str
    title: str = ""
    href: str = ""


@dataclass(frozen=True)
class Text:
    """A word; ``anchor`` is start, middle or end."""

    x: float
    y: float
    text: str
    css: str = ""
    anchor: str = "middle"


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    css: str = "grid"


@dataclass(frozen=True)
class Path:
    d: str
    css: str


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    css: str
    title: str


@dataclass(frozen=True)
class Chart:
    """One picture; shapes are drawn in this order.

    Attributes:
        legend: looks and name of each kind of thing.
        stretch: it fills the width that it is given; there are no words in it.
    """

    title: str
    desc: str
    width: float
    height: float
    legend: Sequence[tuple[str, str]] = ()
    stretch: bool = False
    lines: list[Line] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    rects: list[Rect] = field(default_factory=list)
    dots: list[Dot] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)


@dataclass(frozen=True)
class Series:
    """One kind of thing in a picture: its name, its looks, its numbers and where each leads."""

    name: str
    css: str
    values: Sequence[int]
    hrefs: Sequence[str] = ()

    def href(self, at: int) -> str:
        return self.hrefs[at] if self.hrefs else ""


@dataclass(frozen=True)
class Rates:
    """A line: a share for each label, with or without the band of its interval."""

    name: str
    css: str
    shares: Sequence[Share]
    band: bool = True


def stacked_columns(
    title: str,
    labels: Sequence[str],
    series: Sequence[Series],
    *,
    width: float = 620,
    height: float = 220,
    left: float = _LEFT,
    right: float = _RIGHT,
) -> Chart:
    """A column for each label, the first series at its foot, the sum above it."""
    sums = [sum(s.values[at] for s in series) for at in range(len(labels))]
    step = round_step(max(sums, default=0))
    top = max(step, -(-max(sums, default=0) // step) * step)
    chart = Chart(title, _told(labels, series), width, height, [(s.css, s.name) for s in series])
    scale = (height - _TOP - _BOTTOM) / top
    foot = height - _BOTTOM
    for value in range(0, top + 1, step):
        y = foot - value * scale
        chart.lines.append(Line(left, y, width - right, y, "axis" if value == 0 else "grid"))
        chart.texts.append(Text(left - 6, y + 4, str(value), "tick", "end"))
    room = (width - left - right) / max(1, len(labels))
    for at, label in enumerate(labels):
        middle, y = left + room * (at + 0.5), foot
        for one in series:
            tall = one.values[at] * scale
            y -= tall
            if tall:
                told = f"{label} {one.name} {one.values[at]} 件"
                chart.rects.append(
                    Rect(middle - room * 0.32, y, room * 0.64, tall, one.css, told, one.href(at))
                )
        chart.texts.append(Text(middle, height - 7, label, "tick"))
        if sums[at]:
            chart.texts.append(Text(middle, y - 5, str(sums[at]), "sum"))
    return chart


def share_bar(title: str, series: Sequence[Series], *, width: float = 560, height: float = 40) -> Chart:
    """One bar that is all of them; each series has one value, written where it fits."""
    total = sum(s.values[0] for s in series)
    chart = Chart(title, _told([""], series), width, height, [(s.css, s.name) for s in series])
    x = 0.0
    for one in series:
        if not one.values[0]:
            continue
        wide = width * one.values[0] / total
        share = f"{one.values[0] / total:.0%}"
        told = f"{one.name} {one.values[0]} 件,占 {share}"
        chart.rects.append(Rect(x, 1, wide, height - 2, one.css, told, one.href(0)))
        text = next((t for t in (f"{one.name} {share}", share) if text_width(t) + 10 <= wide), "")
        if text:
            chart.texts.append(Text(x + wide / 2, height / 2 + 4.5, text, f"on {one.css}"))
        x += wide
    return chart


def row_bar(title: str, series: Sequence[Series], longest: int, *, width: float = 240) -> Chart:
    """A bar for one row of a table, as long as its sum is beside the longest row."""
    chart = Chart(title, _told([""], series), width, 14, stretch=True)
    x, scale = 0.0, width / max(1, longest)
    for one in series:
        wide = one.values[0] * scale
        if wide:
            chart.rects.append(Rect(x, 1, wide, 12, one.css, f"{title} {one.name} {one.values[0]} 件"))
        x += wide
    return chart


def rate_lines(
    title: str, labels: Sequence[str], rates: Sequence[Rates], *, width: float = 620, height: float = 220
) -> Chart:
    """A line for each, from 0 to 100 %, broken where nothing is known."""
    foot, scale = height - _BOTTOM, height - _TOP - _BOTTOM
    room = (width - _LEFT - _RIGHT) / max(1, len(labels))
    told = ";".join(
        f"{labels[at]}{one.name} {share.rate:.0%}({share.count}/{share.of})"
        for one in rates
        for at, share in enumerate(one.shares)
        if share.rate is not None
    )
    chart = Chart(
        title, told or "没有可计的件", width, height, [(f"line {one.css}", one.name) for one in rates]
    )
    for percent in range(0, 101, 25):
        y = foot - scale * percent / 100
        chart.lines.append(Line(_LEFT, y, width - _RIGHT, y, "axis" if percent == 0 else "grid"))
        chart.texts.append(Text(_LEFT - 6, y + 4, f"{percent}%", "tick", "end"))
    for at, label in enumerate(labels):
        chart.texts.append(Text(_LEFT + room * (at + 0.5), height - 7, label, "tick"))
    for one in rates:
        for run in _runs(one.shares):
            low, high, line = [], [], []
            for at in run:
                share, x = one.shares[at], _LEFT + room * (at + 0.5)
                rate, (lower, upper) = share.rate or 0.0, share.interval or (0.0, 0.0)
                line.append((x, foot - scale * rate))
                low.append((x, foot - scale * lower))
                high.append((x, foot - scale * upper))
                says = f"{labels[at]}{one.name} {rate:.0%}({share.count}/{share.of}),95% 区间 {lower:.0%} 至 {upper:.0%}"
                chart.dots.append(Dot(*line[-1], one.css, says))
            if len(run) == 1:  # a band of one month has no width
                x = line[0][0]
                high, low = (
                    [(x - 5, high[0][1]), (x + 5, high[0][1])],
                    [(x - 5, low[0][1]), (x + 5, low[0][1])],
                )
            if one.band:
                chart.paths.append(Path(_drawn([*high, *reversed(low)]) + "Z", f"band {one.css}"))
            chart.paths.append(Path(_drawn(line), f"line {one.css}"))
    return chart


def round_step(most: int) -> int:
    """The distance of the lines of a scale: 1, 2 or 5 times a power of ten, at most five of them."""
    power = 1
    while True:
        for base in (1, 2, 5):
            if base * power * 5 >= most:
                return base * power
        power *= 10


def text_width(text: str) -> float:
    """About how wide a text is: a Latin letter is half as wide as a character."""
    return sum(FONT if ord(ch) > 0x2E80 else FONT * 0.58 for ch in text)


def _told(labels: Sequence[str], series: Sequence[Series]) -> str:
    found = [
        f"{label}{one.name} {one.values[at]} 件"
        for at, label in enumerate(labels)
        for one in series
        if one.values[at]
    ]
    return "、".join(found) or "没有件"


def _runs(shares: Sequence[Share]) -> list[list[int]]:
    """Places next to each other that have a rate."""
    runs: list[list[int]] = []
    for at, share in enumerate(shares):
        if share.rate is None:
            continue
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _drawn(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
