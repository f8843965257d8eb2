"""The benchmark on data that this file makes up: the same splits for all, the same figures twice."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from training.benchmark import annif_peer
from training.benchmark.__main__ import main
from training.benchmark.data import DataFolder, mailbox_duties, office_rows, taxonomy_toml
from training.benchmark.figures import Answer, figures, intervals, wilson
from training.benchmark.linear_peers import PaperlessPeer, SignalenPeer, SvcPeer, unit_sums
from training.benchmark.parts import PARTS, Plan, splits, takes_part
from training.benchmark.registry import all_systems
from training.benchmark.sources import fingerprint, reached
from training.benchmark.splits import Split, before, few_splits, fold_splits, folds, unit_each_out
from training.benchmark.systems import Peer, answer
from training.benchmark.tools import Tools
from triage.documents.rows import Row
from triage.prediction import Evidence, Prediction
from triage.taxonomy import Label, Taxonomy, parse_taxonomy

THINGS = {
    "能源": ("电网停电", "变压器增容", "电压不稳", "充电桩故障"),
    "价格": ("停车收费", "物业涨价", "票价公示", "医院收费"),
    "物流": ("冷链仓储", "快递进村", "物流园区", "货运配送"),
}
UNITS = {"供电": "能源", "发改/物价": "价格", "交通运输": "物流"}


def made(count: int) -> list[tuple[str, str]]:
    """Label and text; every tenth speaks of another thing than its label."""
    found = []
    for i in range(count):
        label = list(THINGS)[i % 3]
        said = list(THINGS)[(i + (i % 10 == 0)) % 3]
        thing = THINGS[said][i // 3 % 4]
        found.append((label, f"请解决{thing}问题,第{i}村的{thing}一直没有人管"))
    return found


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all files, a few dozen rows each."""
    folder = tmp_path_factory.mktemp("data")
    texts = made(90)
    write(
        folder / "complaints_topic.csv",
        ("id", "title", "body", "topic"),
        [(f"c{i}", f"关于{text[3:7]}的问题", text, label) for i, (label, text) in enumerate(texts)],
    )
    write(
        folder / "complaints_taxonomy.csv",
        ("一级分类", "二级分类", "三级分类"),
        [(label, f"{label}管理", thing) for label, things in THINGS.items() for thing in (*things, "其他")],
    )
    unit_of = {label: unit for unit, label in UNITS.items()}
    write(
        folder / "mailbox_section.csv",
        ("id", "received_on", "title", "body", "section", "reply"),
        [
            (f"m{i}", f"20{18 + i % 3}-0{1 + i % 9}-11", "", text, unit_of[label], "")
            for i, (label, text) in enumerate(made(24))
        ],
    )
    write(
        folder / "board_topic_type.csv",
        ("id", "received_on", "title", "body", "topic", "handling"),
        [
            (f"b{i}", f"202{4 + (i > 30)}-01-11", "", text, label, ("咨询", "投诉")[i % 2])
            for i, (label, text) in enumerate(made(42))
        ],
    )
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run keeps what it makes."""
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def tools() -> Tools:
    return Tools("none")


def row(line: int, body: str, **labels: str) -> Row:
    return Row(line, {"id": str(line), "title": "", "body": body, **labels})


def topic_rows(count: int = 60) -> list[Row]:
    return [row(i, text, topic=label) for i, (label, text) in enumerate(made(count))]


def measured(data: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    """Entries of a run of ours and one peer; without the times."""
    arguments = [str(data), "--encoder", "none", "--peers", "ours,words", "--out", str(out), *more]
    assert main(arguments) == 0
    entries: list[dict[str, Any]] = json.loads((out / "report.json").read_text(encoding="utf-8"))["entries"]
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]


def test_the_same_command_gives_the_same_figures_and_all_the_parts(data: Path, home: Path) -> None:
    parts = ["topic", "few", "board"]
    asked = [word for part in parts for word in ("--part", part)]
    first = measured(data, home / "first", *asked, "--seeds", "1", "--draws", "1")
    second = measured(data, home / "second", *asked, "--seeds", "1", "--draws", "1")
    assert first == second
    assert list(dict.fromkeys(entry["part"] for entry in first)) == parts
    topic = {entry["system"]: entry for entry in first if entry["part"] == "topic"}
    assert topic.keys() == {"ours", "words"}
    for entry in topic.values():
        assert (entry["splits"], entry["n"]) == (5, 90)
        assert 0.7 < entry["accuracy"]["mean"] < 0.95  # a tenth of the labels is wrong on purpose
        assert list(entry["auto"]) == ["0.01", "0.02", "0.05", "0.1"]
    report = (home / "first" / "report.md").read_text(encoding="utf-8")
    assert "not deputies' suggestions" in report
    assert "| ours | 90 |" in report


def test_units_are_asked_in_time_and_each_left_out(data: Path, home: Path) -> None:
    entries = measured(data, home / "out", "--part", "units", "--quick")
    assert [(entry["group"], entry["system"], entry["n"]) for entry in entries] == [
        ("2020", "ours", 8),
        ("2020", "words", 8),
        ("each-out", "ours", 5),
        ("each-out", "words", 5),
    ]
    for entry in entries:
        low, high = entry["accuracy"]["wilson"]
        assert low <= entry["accuracy"]["mean"] <= high
        assert entry["accuracy"]["mean"] <= entry["top3"]["mean"]


def test_an_interrupted_run_goes_on_where_it_was(
    data: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("--part", "topic", "--seeds", "1")
    whole = measured(data, home / "out", *run)
    assert capsys.readouterr().out.count("秒") == 10
    assert measured(data, home / "out", *run) == whole
    assert capsys.readouterr().out.count("秒") == 0
    results = home / "out" / "results.jsonl"
    lines = results.read_text(encoding="utf-8").splitlines()
    results.write_text("\n".join([*lines[:-2], lines[-2][:40]]), encoding="utf-8")
    assert measured(data, home / "out", *run) == whole
    assert capsys.readouterr().out.count("秒") == 2


def test_results_of_other_code_are_not_used_again(
    data: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("--part", "board")
    measured(data, home / "out", *run)
    capsys.readouterr()
    monkeypatch.setattr(
        "training.benchmark.run.fingerprint", lambda sources, packages: f"changed {len(sources)}"
    )
    measured(data, home / "out", *run)
    assert capsys.readouterr().out.count("秒") == 2


def test_the_sample_office_is_told_apart(data: Path, home: Path) -> None:
    entries = measured(data, home / "out", "--part", "office", "--quick")
    assert {entry["system"] for entry in entries} == {"ours"}
    report = (home / "out" / "report.md").read_text(encoding="utf-8")
    assert "invented" in report
    assert "trial run" in report
    closed, incoming = office_rows()
    assert all(r.get("section") and r.get("body") for r in (*closed, *incoming))


def test_speed_is_measured_with_loading_in_a_fresh_process(data: Path, home: Path) -> None:
    (entry,) = [e for e in measured(data, home / "out", "--part", "speed") if e["system"] == "ours"]
    assert 0 < entry["p50_ms"] <= entry["p95_ms"]
    assert entry["texts_per_second"] > 0
    assert entry["load_seconds"] > 0
    assert entry["fit_texts"] == 72


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{tmp}/nowhere"], "找不到数据文件夹"),
        (["{tmp}", "--part", "board", "--peers", "ours-plain"], "board_topic_type.csv"),
        (["{tmp}", "--peers", "oracle"], "没有这些系统:oracle"),
        (["{tmp}", "--peers", "annif-svc"], "annif-svc 缺少 annif"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(
    arguments: list[str],
    says: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BENCHMARK_ANNIF", str(home / "no-annif"))
    assert main([a.format(tmp=home) for a in arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_an_annif_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_ANNIF", sys.executable)  # has no Annif
    with pytest.raises(annif_peer.InputError, match=r"Annif 没有回答:.*annif"):
        annif_peer.annif_version()
    annif_peer._worker.cache_clear()


def test_the_three_levels_of_names_become_a_taxonomy_file() -> None:
    names = [
        ("价格", "收费管理", "停车收费"),
        ("价格", "收费管理", "其他"),
        ("价格", "物价", '票价"听证"、公示'),
        ("能源", "电力", "停电"),
    ]
    taxonomy = parse_taxonomy(taxonomy_toml(names, ["价格", "能源"]))
    assert taxonomy.topic == (
        Label("价格", "收费管理、物价。", ("停车收费", '票价"听证"', "公示")),
        Label("能源", "电力。", ("停电",)),
    )


def test_the_units_duties_are_complete() -> None:
    labels = mailbox_duties().section
    assert len(labels) == 24
    for label in labels:
        assert 8 <= len(label.terms) <= 25
        assert len(set(label.terms)) == len(label.terms)
        assert len(label.description) > 30


def test_folds_spread_every_label() -> None:
    labels = ["甲"] * 10 + ["乙"] * 5 + ["丙"]
    parts = folds(labels, 5, 3)
    assert sorted(i for part in parts for i in part) == list(range(16))
    assert [sum(labels[i] == "甲" for i in part) for part in parts] == [2] * 5
    assert [sum(labels[i] == "乙" for i in part) for part in parts] == [1] * 5
    assert parts == folds(labels, 5, 3) != folds(labels, 5, 4)


def test_few_examples_grow_and_are_never_asked() -> None:
    found = list(few_splits(topic_rows(), Taxonomy(), (0, 2, 5), 2))
    assert [split.key for split in found][:3] == ["k=0 draw0", "k=2 draw0", "k=5 draw0"]
    for draw in (found[:3], found[3:]):
        ids = [{r.reference for r in split.train} for split in draw]
        assert [len(i) for i in ids] == [0, 6, 15]
        assert ids[1] < ids[2]
        assert draw[0].test == draw[1].test == draw[2].test
        assert not ids[2] & {r.reference for r in draw[0].test}
        assert len(draw[0].test) == 30
    assert found[0].test != found[3].test


def test_time_divides_before_and_after() -> None:
    rows = [row(1, "甲", received_on="2020-01-01"), row(2, "乙", received_on="2019-12-31")]
    train, test = before(rows, "2020-01-01")
    assert [r.line for r in train] == [2]
    assert [r.line for r in test] == [1]


def test_a_fingerprint_changes_with_what_decides_a_result() -> None:
    rows = topic_rows(9)
    split = Split("a", "topic", rows[:6], rows[6:])
    same = Split("another name", "topic", rows[:6], rows[6:])
    assert split.fingerprint() == same.fingerprint()
    others = [
        Split("a", "topic", rows[:5], rows[5:]),
        Split("a", "topic", rows[:6], rows[6:], seed=1),
        Split("a", "topic", rows[:6], rows[6:], budgets=(0.05,)),
        Split("a", "topic", rows[:6], rows[6:], Taxonomy(topic=(Label("能源", "电"),))),
        Split("a", "topic", rows[:6], [*rows[6:8], row(8, "别的", topic="物流")]),
    ]
    assert len({split.fingerprint(), *(other.fingerprint() for other in others)}) == 6


def test_code_is_followed_through_its_imports() -> None:
    files = all_systems()["ours"].sources
    assert {"triage/classifier.py", "triage/routing.py", "training/backtest.py"} <= set(files)
    assert not [f for f in files if "ledger" in f or "peers" in f or f.startswith("service/")]
    assert "triage/classifier.py" not in all_systems()["words"].sources
    assert reached("training.evaluate") == ("training/evaluate.py", "triage/prediction.py")
    assert fingerprint(files, ()) != fingerprint(files[1:], ())
    assert fingerprint(files, ("numpy",)) != fingerprint(files, ())


class Echo:
    """Says what it has seen most; fails where it is asked about a text it learned."""

    def __init__(self, tools: Tools) -> None:
        self.labels: list[str] = []
        self._seen: set[str] = set()

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        self.labels = sorted(set(labels))
        self._seen = set(texts)

    def scores(self, texts: Sequence[str]) -> Any:
        assert not self._seen & set(texts)
        return np.full((len(texts), len(self.labels)), 1 / len(self.labels))


def peer_system(make: Callable[[Tools], Peer]) -> Any:
    system = all_systems()["words"]
    return type(system)("p", "", make, (), (), cheap=True)  # type: ignore[call-arg]


def test_leaving_one_out_never_shows_the_text_asked(tools: Tools) -> None:
    (split,) = unit_each_out([row(i, f"文{i}", section="甲乙"[i % 2]) for i in range(6)], Taxonomy())
    given = answer(peer_system(Echo), split, tools)
    assert len(given.predictions) == 6
    assert given.auto == {}


def test_a_peers_thresholds_come_from_texts_it_had_not_seen(tools: Tools) -> None:
    (split, *_) = fold_splits(topic_rows(), "topic", Taxonomy(), 1, (0.05, 0.5))
    assert not any(answer(peer_system(Echo), split, tools).auto[0.05])  # it would have failed
    sure = answer(peer_system(SvcPeer), split, tools)
    assert any(sure.auto[0.5])
    assert sum(sure.auto[0.05]) <= sum(sure.auto[0.5])


@pytest.mark.parametrize("make", [SvcPeer, SignalenPeer, PaperlessPeer])
@pytest.mark.parametrize("rare", [0, 1, 3])
def test_peers_give_probabilities_however_few_the_examples(
    make: Callable[[Tools], Peer], rare: int, tools: Tools
) -> None:
    examples = [*made(60), *[("养蜂", f"养蜂合作社蜂蜜滞销{i}") for i in range(rare)]]
    peer, again = make(tools), make(tools)
    for one in (peer, again):
        one.fit([text for _, text in examples], [label for label, _ in examples], 0)
    asked = ["请解决物流园区问题", "", "请解决停车收费问题"]
    scores = peer.scores(asked)
    assert peer.labels == sorted({label for label, _ in examples})
    assert scores.shape == (3, len(peer.labels))
    assert scores.sum(axis=1) == pytest.approx(1)
    assert np.array_equal(again.scores(asked), scores)
    assert [peer.labels[k] for k in scores[[0, 2]].argmax(axis=1)] == ["物流", "价格"]


def test_scores_that_say_nothing_are_even() -> None:
    assert unit_sums([[0, 0], [1, 3]]).tolist() == [[0.5, 0.5], [0.25, 0.75]]


def test_figures_are_counts_that_can_be_pooled() -> None:
    said = [("甲", 0.9), ("乙", 0.8), ("甲", 0.6)]
    predictions = [
        Prediction("topic", ((label, p), ("丙", 1 - p)), Evidence(), "", False, "") for label, p in said
    ]
    found = figures(Answer(predictions, {0.05: [True, False, True]}), ["甲", "甲", "乙"])
    assert (found["n"], found["right"], found["top3"]) == (3, 1, 1)
    assert found["auto"] == {"0.05": {"routed": 2, "right": 1}}
    assert "intervals" not in found


def test_intervals_hold_the_figure() -> None:
    low, high = wilson(30, 49)  # Newcombe's examples agree to the third place
    assert (round(low, 3), round(high, 3)) == (0.472, 0.736)
    gold = ["甲", "乙"] * 20
    found = intervals(["甲"] * 10 + gold[10:], gold)
    assert found["accuracy"][0] < 35 / 40 < found["accuracy"][1]
    assert found == intervals(["甲"] * 10 + gold[10:], gold)


def test_who_takes_part(data: Path) -> None:
    systems, folder = all_systems(), DataFolder(data)
    taking = {
        part: [
            {name for name, system in systems.items() if takes_part(system, part, split)}
            for split in splits(part, folder, Plan(seeds=1, draws=1, sizes=(0, 5, 20)))
        ]
        for part in PARTS
    }
    assert taking["few"][0] == {"ours", "words-descriptions"}
    assert {"ours", "ours-plain", "annif-svc", "fasttext"} <= taking["few"][1]
    assert "words-descriptions" not in taking["topic"][0]
    assert "ours" not in taking["board"][0]  # there is no description to give
    assert "annif-svc" in taking["units"][0]
    assert taking["units"][1].isdisjoint({"annif-svc", "fasttext", "signalen-like"})
    assert taking["office"][0] == {"ours", "ours-plain"}
    for names in taking["ablation"]:  # those without descriptions cannot answer without examples
        assert {"ours", "ours-no-encoder"} <= names <= taking["ablation"][0]
    assert all(name.startswith("ours") for name in taking["ablation"][0])
