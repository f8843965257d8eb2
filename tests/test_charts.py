"""The geometry of the pictures: what is drawn is as large as what it stands for."""

from __future__ import annotations

import itertools

import pytest
from scipy.stats import binomtest

from service.charts import Chart, Rates, Series, rate_lines, round_step, row_bar, share_bar, stacked_columns
from triage.ledger.year import Share

LABELS = ["1月", "2月", "3月"]
CLOSED = Series("已办结", "tone1", [8, 0, 2], ["/a", "/b", "/c"])
OPEN = Series("在办", "tone2", [4, 0, 1])


def inside(chart: Chart) -> bool:
    """Whether all that is drawn is within the picture."""
    corners = [(r.x, r.y) for r in chart.rects] + [(r.x + r.width, r.y + r.height) for r in chart.rects]
    corners += [(dot.x, dot.y) for dot in chart.dots] + [(text.x, text.y) for text in chart.texts]
    return all(0 <= x <= chart.width + 1e-6 and 0 <= y <= chart.height + 1e-6 for x, y in corners)


def test_columns_are_as_high_as_their_numbers_and_stand_on_each_other() -> None:
    chart = stacked_columns("各月", LABELS, [CLOSED, OPEN])
    first, second, third, fourth = chart.rects
    assert first.height / 8 == pytest.approx(third.height / 2) == pytest.approx(second.height / 4)
    assert second.y + second.height == pytest.approx(first.y)
    assert fourth.x == third.x > first.x
    assert (first.href, second.href, third.href) == ("/a", "", "/c")
    assert first.title == "1月 已办结 8 件"
    assert [t.text for t in chart.texts if t.css == "sum"] == ["12", "3"]
    assert inside(chart)


def test_the_description_says_every_number_that_is_drawn() -> None:
    chart = stacked_columns("各月", LABELS, [CLOSED, OPEN])
    assert chart.desc == "1月已办结 8 件、1月在办 4 件、3月已办结 2 件、3月在办 1 件"
    assert stacked_columns("各月", LABELS, [Series("已办结", "tone1", [0, 0, 0])]).desc == "没有件"


def test_a_share_bar_is_filled_and_says_shares_where_they_fit() -> None:
    parts = [Series("A类", "tone1", [75]), Series("B类", "tone2", [24]), Series("C类", "tone3", [1])]
    chart = share_bar("办理结果", [*parts, Series("D类", "tone4", [0])])
    assert sum(r.width for r in chart.rects) == pytest.approx(chart.width)
    assert [t.text for t in chart.texts] == ["A类 75%", "B类 24%"]
    assert [name for _, name in chart.legend] == ["A类", "B类", "C类", "D类"]
    assert inside(chart)


def test_rows_share_one_scale() -> None:
    rows = [row_bar(name, [Series("件", "tone1", [n])], 20) for name, n in (("甲", 20), ("乙", 5))]
    assert rows[0].rects[0].width == rows[0].width
    assert rows[1].rects[0].width == pytest.approx(rows[0].width / 4)


def test_a_line_breaks_where_nothing_is_known_and_its_band_is_the_interval() -> None:
    shares = [Share(9, 10), Share(4, 5), Share(0, 0), Share(3, 3)]
    chart = rate_lines("准确率", [*LABELS, "4月"], [Rates("一致", "tone1", shares)])
    lines = [p.d for p in chart.paths if p.css.startswith("line")]
    assert [d.count("L") for d in lines] == [1, 0]
    assert len(chart.dots) == 3
    assert chart.dots[1].y > chart.dots[0].y > chart.dots[2].y  # less is lower
    assert "95% 区间" in chart.dots[0].title
    assert inside(chart)
    bare = rate_lines("改判率", [*LABELS, "4月"], [Rates("改判", "late", shares, band=False)])
    assert not any(p.css.startswith("band") for p in bare.paths)


@pytest.mark.parametrize(("most", "step"), [(0, 1), (3, 1), (5, 1), (6, 2), (24, 5), (130, 50), (999, 200)])
def test_scales_have_round_steps_and_few_lines(most: int, step: int) -> None:
    assert round_step(most) == step
    assert most / step <= 5


def test_the_interval_of_a_share_is_wilsons() -> None:
    for count, of in itertools.chain(((0, 3), (3, 3), (1, 2)), ((k, 47) for k in (5, 20, 46))):
        expected = binomtest(count, of).proportion_ci(method="wilson")
        assert Share(count, of).interval == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert Share(0, 0).interval is None
    assert Share(0, 9, recorded=False).interval is None
