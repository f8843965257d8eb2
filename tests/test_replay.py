"""Years replayed: what an office that learns well gains over one that never learns or believes itself."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from service.command import main
from training.backtest import read_labelled
from training.gold import EARNED_WEIGHTS
from training.replay import ITSELF, NEVER, OURS, Office, live, slices_of
from training.replay_report import replay
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.reading import Reader, RememberingReader
from triage.taxonomy import Taxonomy
from triage.text import get_segmenter

# what each section is asked about changes from year to year: who never learns falls behind
THINGS = {
    "能源科": ("电网停电", "充电桩故障", "光伏并网", "煤炭储备", "油气管道"),
    "价格科": ("停车收费", "物业涨价", "票价公示", "医院定价", "殡葬费用"),
    "物流科": ("冷链仓储", "快递进村", "货运枢纽", "园区配送", "集散基地"),
}
LABELS = list(THINGS)


def write(path: Path, years: int = 5, a_year: int = 30, *, odd: int = 0) -> Path:
    """Cases of each year; every ``odd``-th speaks of one section's things and belongs to another."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "received_on", "title", "body", "section"])
        writer.writeheader()
        for year in range(years):
            for i in range(a_year):
                label = LABELS[i % 3]
                speaks = LABELS[(i + 1) % 3] if odd and i % odd == 0 else label
                thing = THINGS[speaks][min(4, year + (i // 3) % 2)]
                day = date(2020 + year, 1, 1) + timedelta(days=i)
                body = f"请解决{thing}问题,第{i}村第{year}次。"
                writer.writerow(
                    {"id": f"{year}-{i}", "received_on": day, "title": thing, "body": body, "section": label}
                )
    return path


@pytest.fixture(scope="module")
def reader() -> Reader:
    return RememberingReader(get_segmenter(()), get_encoder("none"))


def test_each_year_is_triaged_by_what_was_learned_before_it(reader: Reader, tmp_path: Path) -> None:
    slices = slices_of(read_labelled(write(tmp_path / "a.csv")), "section")
    assert [(name, len(rows)) for name, rows in slices] == [(str(y), 30) for y in range(2020, 2025)]
    report = replay(Office("section", Taxonomy(), reader, error_budget=0.2), slices, seeds=1)
    ours, never = report["ways"][OURS.name], report["ways"][NEVER.name]
    assert [y["name"] for y in ours] == ["2021", "2022", "2023", "2024"]
    assert [y["learned_from"] for y in ours] == [30, 60, 90, 120]
    assert [y["learned_from"] for y in never] == [30] * 4
    assert ours[0]["accuracy"] == never[0]["accuracy"]
    assert ours[-1]["accuracy"] > never[-1]["accuracy"] + 0.3
    last = report["differences"][NEVER.name][-1]
    assert last["value"] == pytest.approx(ours[-1]["accuracy"] - never[-1]["accuracy"], abs=1e-3)
    assert last["low"] > 0


def test_one_that_believes_itself_learns_its_own_mistakes(reader: Reader, tmp_path: Path) -> None:
    slices = slices_of(read_labelled(write(tmp_path / "a.csv", odd=5)), "section")
    office = Office("section", Taxonomy(), reader, error_budget=0.4, unnoticed=0.0, audit_share=0.2)
    ours, itself = (live(office, way, slices, 0) for way in (OURS, ITSELF))
    # it was sure and wrong, nobody told it, and it takes that for a proof
    routed = [(y.figures["coverage"], y.figures["precision"]) for y in itself[1:]]
    assert max(coverage * (1 - (right or 1)) for coverage, right in routed) > 0.05
    honest, boastful = (sum(y.figures["calibration_error"] for y in way[2:]) for way in (ours, itself))
    assert boastful > honest


def test_the_gate_speaks_in_every_year(reader: Reader, tmp_path: Path) -> None:
    slices = slices_of(read_labelled(write(tmp_path / "a.csv")), "section")
    years = live(Office("section", Taxonomy(), reader), OURS, slices, 0)
    assert all(isinstance(year.figures["promoted"], bool) for year in years)
    assert all(year.figures["gate"] for year in years)
    assert set(OURS.weights) == set(EARNED_WEIGHTS)


def test_short_years_become_equal_slices_and_days_are_needed(tmp_path: Path) -> None:
    few = read_labelled(write(tmp_path / "few.csv", years=9, a_year=6))
    assert [len(rows) for _, rows in slices_of(few, "section")] == [9] * 6
    assert [len(rows) for _, rows in slices_of(few, "section", 3)] == [18] * 3
    with pytest.raises(InputError, match="不能分成 30 份"):
        slices_of(few, "section", 30)
    path = tmp_path / "odd.csv"
    path.write_text(
        (tmp_path / "few.csv").read_text(encoding="utf-8").replace("2020-01-03", "某日"), encoding="utf-8"
    )
    with pytest.raises(InputError, match="第 4 行没有收件日期"):
        slices_of(read_labelled(path), "section")
    with pytest.raises(InputError, match="只有 12 行"):
        slices_of(read_labelled(write(tmp_path / "tiny.csv", years=2, a_year=6)), "section")


def test_the_command_prints_the_years_and_writes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path))
    out = tmp_path / "out.json"
    cases = write(tmp_path / "a.csv", years=3)
    asked = ["replay", "--cases", str(cases), "--json", str(out), "--encoder", "none", "--seeds", "1"]
    assert main(asked) == 0
    said = capsys.readouterr().out
    for words in ("每年用办结件学习", "从不重新学习", "拿自己的自动认定学习", "2021", "2022"):
        assert words in said
    report = json.loads(out.read_text(encoding="utf-8"))["targets"]["section"]
    assert set(report["ways"]) == {OURS.name, NEVER.name, ITSELF.name}
    assert len(report["ways"][OURS.name]) == 2
