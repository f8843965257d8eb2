"""Recommendations for whole files and the whole ledger: every row has its line, and the ledger stays as it is."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from service.command import main
from triage.desk import Desk
from triage.ledger.submissions import Submission

GRID = ("1", "农村电网改造", "请改造农村电网,夏季常停电,变压器太小。")
FEES = ("2", "停车收费太高", "停车场收费标准不公示,请核定停车收费价格。")


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command on an office that has learned nothing yet."""
    monkeypatch.setenv("TRIAGE_ENCODER", "none")
    return ["--home", str(desk.settings.home), "recommend", "--json"]


def write(path: Path, *rows: tuple[str, ...], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([("编号", "标题", "正文"), *rows])
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_row_has_its_line_and_a_bad_one_says_why(
    asked: list[str], desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = write(
        tmp_path / "a.csv", GRID, ("x", "", ""), FEES, ("y", "长" * 501, "正文"), encoding="gb18030"
    )
    out = tmp_path / "out.jsonl"
    assert main([*asked, str(texts), "--out", str(out), "--chunk", "2"]) == 3
    grid, empty, fees, long = lines(out)
    assert [line["place"] for line in lines(out)] == [f"第 {n} 行" for n in (2, 3, 4, 5)]
    known = desk.advise([Submission(GRID[1], GRID[2])])[0].predictions["section"]
    assert grid["predictions"]["section"]["label"] == known.label
    assert grid["predictions"]["section"]["probability"] == pytest.approx(known.probability, abs=1e-4)
    assert fees["predictions"]["section"]["label"] != known.label
    assert empty["refused"] == "标题和正文都是空的。"
    assert "标题太长:501 字" in long["refused"]
    tally = json.loads(capsys.readouterr().out)
    assert (tally["texts"], tally["refused"], tally["done"]) == (4, 2, 2)


def test_the_same_rows_as_json_lines_and_a_table_for_excel(asked: list[str], tmp_path: Path) -> None:
    csv_file, out = write(tmp_path / "a.csv", GRID, ("=1+1", *FEES[1:])), tmp_path / "out.csv"
    assert main([*asked, str(csv_file), "--out", str(out)]) == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["编号"] for row in table] == ["1", "'=1+1"]
    records = [
        dict(zip(("编号", "标题", "正文", "科室"), (*row, "能源科"), strict=True)) for row in (GRID, FEES)
    ]
    told = "\n".join([json.dumps(records[0], ensure_ascii=False), "[]", json.dumps(records[1])])
    (tmp_path / "a.jsonl").write_text(told, encoding="utf-8")
    assert main([*asked, str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "o.jsonl")]) == 3
    grid, odd, fees = lines(tmp_path / "o.jsonl")
    assert [r["predictions"]["section"]["label"] for r in (grid, fees)] == [row["承办科室"] for row in table]
    assert "应为一个对象" in odd["refused"]


def test_the_whole_ledger_beside_the_labels_that_it_has(
    asked: list[str], desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, title, body in (GRID, FEES):
        desk.take_in(Submission(title, body, number=number), who="测试")
    assert desk.ledger.path is not None
    before = desk.ledger.path.read_bytes()
    out = tmp_path / "out.jsonl"
    assert main([*asked, "--ledger", "--out", str(out)]) == 0
    assert [(line["place"], line["id"], line["title"]) for line in lines(out)] == [
        ("1", "1", GRID[1]),
        ("2", "2", FEES[1]),
    ]
    assert desk.ledger.path.read_bytes() == before
    assert json.loads(capsys.readouterr().out)["recorded"]["section"] == 0


def test_an_interrupted_run_goes_on_and_does_changed_chunks_anew(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(str(i), GRID[1], f"{GRID[2]}第{i}村。") for i in range(6)]
    texts, out = write(tmp_path / "a.csv", *rows), tmp_path / "out.jsonl"
    options = [str(texts), "--out", str(out), "--chunk", "2"]
    with monkeypatch.context() as patch:
        patch.setattr("triage.recommend_many.os.replace", interrupted_at(out))
        assert main([*asked, *options]) == 130
    assert not out.exists()
    write(texts, *rows[:2], ("2", *FEES[1:]), *rows[3:])
    capsys.readouterr()
    assert main([*asked, *options]) == 0
    tally = json.loads(capsys.readouterr().out)
    assert (tally["kept"], tally["done"], tally["texts"]) == (2, 1, 6)
    assert [line["title"] for line in lines(out)] == [GRID[1]] * 2 + [FEES[1]] + [GRID[1]] * 3
    assert main([*asked, *options]) == 1
    assert "已存在" in capsys.readouterr().err


def interrupted_at(last: Path) -> Any:
    """os.replace, until the result itself is to be put in its place."""
    from os import replace

    def stopping(source: Path, target: Path) -> None:
        if target == last:
            raise KeyboardInterrupt
        replace(source, target)

    return stopping


def test_what_it_cannot_do_is_a_sentence(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = write(tmp_path / "a.csv", GRID)
    document = tmp_path / "a.txt"
    document.write_text("关于改造电网的建议\n\n请改造电网。", encoding="utf-8")
    for options, said in (
        ([str(texts), "--out", str(tmp_path / "a.pdf")], "不能写成 .pdf"),
        ([str(texts), "--out", str(tmp_path / "o.csv"), "--model", "section"], "应写成 目标=版本"),
        (
            [str(texts), "--out", str(tmp_path / "o.csv"), "--model", "section=20250101-000000-abcdef"],
            "没有承办科室模型版本",
        ),
        ([str(texts), "--out", str(tmp_path / "o.csv"), "--jobs", "0"], "应为 1 到 256"),
        ([str(document), "--out", str(tmp_path / "o.csv")], "不是清单"),
        ([str(tmp_path / "none.csv"), "--out", str(tmp_path / "o.csv")], "找不到文件"),
    ):
        assert main([*asked, *options]) == 1
        assert said in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()
