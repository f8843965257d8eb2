"""The pictures of a training's report: how honest the probabilities are, and what more examples bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.charts import Chart, Dot, Line, Path, Rates, Text, rate_lines
from triage.ledger.year import Share

_TOP, _RIGHT, _BOTTOM, _LEFT = 14.0, 14.0, 40.0, 44.0
WIDTH, HEIGHT = 340.0, 250.0


def reliability_chart(reliability: Mapping[str, Any]) -> Chart:
    """A dot a bin at what was said and what came true, with its interval; honest ones stand on the diagonal."""
    bins = [b for b in reliability["bins"] if b["n"]]
    told = ";".join(
        f"所说 {b['stated']:.0%},实际认对 {b['right']['rate']:.0%}({b['right']['count']}/{b['n']})"
        for b in bins
    )
    chart = Chart("所说的把握与实际认对的比例", told or "没有可计的件", WIDTH, HEIGHT)
    _frame(chart, "所说的把握", [(share / 100, f"{share}%") for share in range(0, 101, 25)])
    chart.lines.append(Line(_x(0), _y(0), _x(1), _y(1), "diagonal"))
    for b in bins:
        low, high = b["right"]["interval"]
        x = _x(b["stated"])
        chart.lines.append(Line(x, _y(low), x, _y(high), "whisker"))
        says = f"所说 {b['stated']:.0%},{b['n']} 件中认对 {b['right']['rate']:.0%}"
        chart.dots.append(Dot(x, _y(b["right"]["rate"]), "tone1", says))
    return chart


def curve_chart(curve: Mapping[str, Any]) -> Chart:
    """Share right on the same latest cases by examples a label, with the band of its interval."""
    points = curve["points"]
    told = ";".join(f"{p['examples']} 件样例,认对 {p['accuracy']:.0%}" for p in points)
    chart = Chart("学的样例越多,认对的比例", told, WIDTH, HEIGHT)
    places = [(at + 0.5) / len(points) for at in range(len(points))]
    names = ["全部" if p["per_label"] is None else str(p["per_label"]) for p in points]
    _frame(chart, "每个选项学几件", list(zip(places, names, strict=True)))
    line = [(_x(at), _y(p["accuracy"])) for at, p in zip(places, points, strict=True)]
    low, high = (
        [(_x(at), _y(p["interval"][end])) for at, p in zip(places, points, strict=True)] for end in (0, 1)
    )
    chart.paths.append(Path(_drawn([*high, *reversed(low)]) + "Z", "band tone1"))
    chart.paths.append(Path(_drawn(line), "line tone1"))
    for p, (x, y) in zip(points, line, strict=True):
        chart.dots.append(Dot(x, y, "tone1", f"{p['examples']} 件样例,认对 {p['accuracy']:.0%}"))
    return chart


def threshold_chart(thresholds: Sequence[Mapping[str, Any]]) -> Chart:
    """What is decided alone and what of it is right, at each error budget."""
    coverage, precision = (
        [Share(t[name]["count"], t[name]["of"]) for t in thresholds] for name in ("coverage", "precision")
    )
    return rate_lines(
        "各差错率下自动认定的比例和其中正确的比例",
        [f"≤{t['budget']:.0%}" for t in thresholds],
        [Rates("可自动认定", "tone1", coverage, band=False), Rates("其中正确", "late", precision)],
        width=WIDTH,
        height=HEIGHT - 30,
    )


def _frame(chart: Chart, below: str, ticks: Sequence[tuple[float, str]]) -> None:
    """Lines at each quarter of the height, names under the picture."""
    for percent in range(0, 101, 25):
        y = _y(percent / 100)
        chart.lines.append(Line(_LEFT, y, WIDTH - _RIGHT, y, "axis" if percent == 0 else "grid"))
        chart.texts.append(Text(_LEFT - 6, y + 4, f"{percent}%", "tick", "end"))
    for at, name in ticks:
        chart.texts.append(Text(_x(at), HEIGHT - _BOTTOM + 16, name, "tick"))
    chart.texts.append(Text(_x(0.5), HEIGHT - 6, below, "tick"))


def _x(share: float) -> float:
    return _LEFT + share * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _drawn(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
