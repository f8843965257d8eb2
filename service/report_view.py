"""The report of a training as a page: for the service, and whole in one file without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from service import report_charts
from training.gold import EARNED_NAMES
from training.report import FORMAT
from triage import routing
from triage.errors import NotFound

HERE = Path(__file__).parent
SHOWN_CONFUSIONS = 15
SHOWN_CASES = 6  # of one confusion
SHOWN_CHANGED = 40
METRIC_NAMES = {
    "accuracy": "准确率",
    "macro_f1": "宏平均 F1",
    "top3_accuracy": "前三命中",
    "log_loss": "对数损失(越小越好)",
    "ece": "校准误差(越小越好)",
    "coverage": "可自动认定",
    "precision": "其中正确",
}
SHARES = ("accuracy", "top3_accuracy", "coverage", "precision")
DIFFERENCE_NAMES = {"accuracy": "accuracy", "log_loss": "log_loss", "ece": "calibration"}
LEFT_OUT_NAMES = {
    "unsigned": "自动认定、没有科室签收",
    "repeats": "与别的件文字相同",
    "retired": "选项已停用、没有接替",
    "waiting": "选项已拆分、等人认定",
}
WHO_NAMES = {"after": "新模型对", "before": "原来的对", "neither": "都不对"}


def check_report(report: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """The report of training ``number`` if it can be shown.

    Raises:
        NotFound: there is none, or it was written by a newer program.
    """
    if not report.get("format"):
        raise NotFound(f"第 {number} 次训练没有留下报告:没有做完,或是早先的程序做的。重新训练一次就有。")
    if report["format"] > FORMAT:
        raise NotFound(f"第 {number} 次训练的报告由更新的程序写成,请升级本程序后再看。")
    return report


def report_page(report: Mapping[str, Any], *, number: int | None = None) -> str:
    """The page as HTML.

    Args:
        number: of the training in the ledger; None: a file of its own that needs nothing beside it.
    """
    css = None if number else Markup((HERE / "static" / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return _templates().get_template("report.html").render(report=report, number=number, css=css)


@cache
def _templates() -> Environment:
    found = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)
    found.filters |= {
        "percent": percent,
        "probability": routing.percent,
        "span": span,
        "local_time": local_time,
        "signed": signed,
    }
    found.globals |= {
        "charts": report_charts,
        "earned_names": EARNED_NAMES,
        "metric_rows": metric_rows,
        "left_out_names": LEFT_OUT_NAMES,
        "who_names": WHO_NAMES,
        "SHOWN_CONFUSIONS": SHOWN_CONFUSIONS,
        "SHOWN_CASES": SHOWN_CASES,
        "SHOWN_CHANGED": SHOWN_CHANGED,
    }
    return found


def percent(share: float | None) -> str:
    """A share for people; a dash where there is none."""
    return "—" if share is None else f"{share:.0%}"


def span(ends: Sequence[float] | None) -> str:
    """An interval of shares."""
    return "" if not ends else f"{ends[0]:.0%} 至 {ends[1]:.0%}"


def signed(value: float) -> str:
    """A difference of shares, in points."""
    return f"{100 * value:+z.1f}"


def local_time(written: str) -> str:
    """A time of the report on this machine's clock."""
    return datetime.fromisoformat(written).astimezone().strftime("%Y-%m-%d %H:%M")


def metric_rows(verdict: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """What was measured of both sides: name, challenger, champion, difference with its interval.

    A figure that the report does not have is left out.
    """
    ours, theirs = verdict.get("challenger") or {}, verdict.get("champion") or {}
    differences = verdict.get("differences") or {}
    rows = []
    for key, name in METRIC_NAMES.items():
        if key not in ours:
            continue
        gap = differences.get(DIFFERENCE_NAMES.get(key, ""))
        rows.append((name, _metric(key, ours.get(key)), _metric(key, theirs.get(key)), _gap(key, gap)))
    costs = verdict.get("costs") or {}
    if {"challenger", "champion"} <= set(costs):
        ours, theirs = costs["challenger"], costs["champion"]
        rows.append(("一件用时", f"{ours['ms']:.1f} 毫秒", f"{theirs['ms']:.1f} 毫秒", ""))
        rows.append(("模型文件", f"{ours['mb']:.1f} MB", f"{theirs['mb']:.1f} MB", ""))
    return rows


def _metric(key: str, value: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.1%}" if key in SHARES else f"{value:.3f}"


def _gap(key: str, gap: Mapping[str, float] | None) -> str:
    if not gap:
        return ""
    if key in SHARES:
        return f"{signed(gap['value'])} 个百分点({signed(gap['low'])} 至 {signed(gap['high'])})"
    value, low, high = gap["value"], gap["low"], gap["high"]
    return f"{value:+z.3f}({low:+z.3f} 至 {high:+z.3f})"
