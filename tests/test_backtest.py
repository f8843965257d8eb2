"""Train on one file, predict another: honest figures, whatever the files hold."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sklearn.metrics import accuracy_score, f1_score

from training.backtest import backtest, read_labelled, write_predictions, write_report
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.reading import Reader
from triage.taxonomy import Label, Taxonomy
from triage.text import get_segmenter

THINGS = {
    "能源": ("电网停电", "变压器增容", "电压不稳", "充电桩故障"),
    "价格": ("停车收费", "物业涨价", "票价公示", "医院收费"),
    "物流": ("冷链仓储", "快递进村", "物流园区", "货运配送"),
}
KEYS = {
    "n_train",
    "n_test",
    "n_classes",
    "accuracy",
    "macro_f1",
    "top3_accuracy",
    "ece",
    "auto",
    "fit_seconds",
    "ms_per_case",
    "cases_per_second",
}
TIMES = {"fit_seconds", "ms_per_case", "cases_per_second"}


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(get_segmenter(()), get_encoder("none"))


def rows(start: int, count: int) -> list[str]:
    """Lines id,title,body,topic,section; every tenth speaks of another thing than its label."""
    made = []
    for i in range(start, start + count):
        label = list(THINGS)[i % 3]
        said = list(THINGS)[(i + (i % 10 == 0)) % 3]
        thing = THINGS[said][i % 4]
        made.append(f"{i},关于{thing}的建议,请解决{thing}问题第{i}村,{label},{label}科")
    return made


def write(tmp_path: Path, name: str, lines: list[str]) -> Path:
    path = tmp_path / name
    path.write_text("\n".join(["id,title,body,topic,section", *lines]) + "\n", encoding="utf-8")
    return path


def run(
    tmp_path: Path,
    reader: Reader,
    train: list[str],
    test: list[str],
    *,
    targets: tuple[str, ...] = ("topic",),
    taxonomy: Taxonomy | None = None,
    budget: float = 0.05,
    seed: int = 0,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The report and the predictions as they stand in the files that were written."""
    report, table = backtest(
        read_labelled(write(tmp_path, "train.csv", train)),
        read_labelled(write(tmp_path, "test.csv", test)),
        targets,
        taxonomy or Taxonomy(),
        reader,
        error_budget=budget,
        seed=seed,
    )
    write_report(report, tmp_path / "out.json")
    write_predictions(table, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        predictions = list(csv.DictReader(file))
    return json.loads((tmp_path / "out.json").read_text(encoding="utf-8")), predictions


def test_the_report_has_every_figure(tmp_path: Path, reader: Reader) -> None:
    report, _ = run(tmp_path, reader, rows(0, 60), rows(60, 30), targets=("topic", "section"))
    assert set(report["targets"]) == {"topic", "section"}
    for figures in report["targets"].values():
        assert figures.keys() >= KEYS
        assert (figures["n_train"], figures["n_test"], figures["n_classes"]) == (60, 30, 3)
        assert figures["auto"].keys() >= {"error_budget", "coverage", "precision"}
        assert figures["auto"]["error_budget"] == 0.05
        assert 0 < figures["ms_per_case"]["p50"] <= figures["ms_per_case"]["p95"]
        assert figures["fit_seconds"] >= 0
        assert figures["cases_per_second"] > 0
        assert 0.5 < figures["accuracy"] <= figures["top3_accuracy"] == 1.0
        assert 0 <= figures["ece"] <= 1
    assert report["peak_rss_mb"] > 50
    assert (report["train_rows"], report["test_rows"], report["seed"]) == (60, 30, 0)
    assert report["encoder"] == "none"


def test_the_figures_agree_with_scikit_learn_on_the_predictions_file(tmp_path: Path, reader: Reader) -> None:
    report, predictions = run(tmp_path, reader, rows(0, 60), rows(60, 40))
    gold = [r["topic_gold"] for r in predictions]
    predicted = [r["topic_predicted"] for r in predictions]
    assert [r["id"] for r in predictions] == [str(i) for i in range(60, 100)]
    assert gold == [list(THINGS)[i % 3] for i in range(60, 100)]
    figures = report["targets"]["topic"]
    assert figures["accuracy"] == pytest.approx(accuracy_score(gold, predicted), abs=1e-4)
    assert figures["macro_f1"] == pytest.approx(f1_score(gold, predicted, average="macro"), abs=1e-4)
    assert figures["accuracy"] < 1  # some rows are wrong on purpose
    assert all(0 <= float(r["topic_probability"]) <= 1 for r in predictions)


def test_what_was_decided_by_itself_agrees_with_the_predictions_file(tmp_path: Path, reader: Reader) -> None:
    report, predictions = run(tmp_path, reader, rows(0, 90), rows(90, 60), budget=0.3)
    auto = [r for r in predictions if r["topic_auto"] == "1"]
    right = [r for r in auto if r["topic_gold"] == r["topic_predicted"]]
    told = report["targets"]["topic"]["auto"]
    assert 0 < len(auto) <= len(predictions)
    assert told["error_budget"] == 0.3
    assert told["coverage"] == pytest.approx(len(auto) / len(predictions), abs=1e-4)
    assert told["precision"] == pytest.approx(len(right) / len(auto), abs=1e-4)
    assert {r["topic_auto"] for r in predictions} <= {"0", "1"}


def test_labels_that_training_never_had_count_as_wrong(tmp_path: Path, reader: Reader) -> None:
    known = [r for r in rows(100, 33) if int(r.split(",")[0]) % 10]
    strange = [f"x{i},养蜂,蜂蜜滞销第{i}村,养蜂,养蜂科" for i in range(10)]
    alone, _ = run(tmp_path, reader, rows(0, 60), known)
    report, predictions = run(tmp_path, reader, rows(0, 60), known + strange)
    figures = report["targets"]["topic"]
    assert figures["n_test"] == len(known) + 10
    assert figures["n_classes"] == 3
    right = alone["targets"]["topic"]["accuracy"] * len(known)
    assert figures["accuracy"] == pytest.approx(right / (len(known) + 10), abs=1e-3)
    assert figures["top3_accuracy"] == pytest.approx(len(known) / (len(known) + 10), abs=1e-3)
    assert [r["topic_gold"] for r in predictions if r["id"].startswith("x")] == ["养蜂"] * 10


def test_the_same_seed_gives_the_same_figures(tmp_path: Path, reader: Reader) -> None:
    results = [run(tmp_path, reader, rows(0, 60), rows(60, 30), seed=7) for _ in range(2)]
    first, second = (
        {k: v for k, v in report["targets"]["topic"].items() if k not in TIMES} for report, _ in results
    )
    assert first == second
    assert results[0][1] == results[1][1]


def test_a_taxonomy_adds_labels_that_had_no_example(tmp_path: Path, reader: Reader) -> None:
    labels = tuple(Label(name, "", things) for name, things in THINGS.items())
    taxonomy = Taxonomy(topic=(*labels, Label("养蜂", "养蜂", ("养蜂", "蜂蜜"))))
    strange = [f"x{i},养蜂合作社,蜂蜜滞销第{i}村,养蜂,养蜂科" for i in range(4)]
    report, predictions = run(tmp_path, reader, rows(0, 60), rows(61, 9) + strange, taxonomy=taxonomy)
    assert report["targets"]["topic"]["n_classes"] == 4
    assert [r["topic_predicted"] for r in predictions if r["id"].startswith("x")] == ["养蜂"] * 4


def test_rows_without_a_label_are_left_out_of_that_target_only(tmp_path: Path, reader: Reader) -> None:
    half = ["900,题,请解决停车收费问题,,价格科", "901,题,请解决停车收费问题,价格,"]
    report, predictions = run(tmp_path, reader, rows(0, 60), rows(61, 9) + half, targets=("topic", "section"))
    assert [report["targets"][t]["n_test"] for t in ("topic", "section")] == [10, 10]
    assert len(predictions) == 11
    by_id = {r["id"]: r for r in predictions}
    assert (by_id["900"]["topic_predicted"], by_id["901"]["section_predicted"]) == ("", "")


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path, reader: Reader) -> None:
    report, _ = run(tmp_path, reader, [*rows(0, 60), "1,少列", "61,,,价格,价格科"], rows(61, 9))
    assert report["bad_rows"] == {"train": 2, "test": 0}
    assert report["train_rows"] == 60


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (rows(0, 30), ["900,题,文,,"], "测试文件没有主题"),
        ([r for r in rows(1, 9) if ",价格," in r], rows(0, 5), "不足两种标签"),
        (["900,题,文,,"], rows(0, 5), "不足两种标签"),
        (rows(0, 5), ["900,,,价格,价格科"], "没有可用的行"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_words(
    tmp_path: Path, reader: Reader, train: list[str], test: list[str], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        run(tmp_path, reader, train, test)


def test_labels_outside_the_taxonomy_are_named(tmp_path: Path, reader: Reader) -> None:
    taxonomy = Taxonomy(topic=(Label("能源", "电"), Label("价格", "收费")))
    with pytest.raises(InputError, match="不在分类文件里:物流"):
        run(tmp_path, reader, rows(0, 9), rows(9, 9), taxonomy=taxonomy)
