"""The benchmark of related texts, on texts that this file makes up: figures by hand, peers, a whole run."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from training.benchmark.__main__ import main
from training.benchmark.related import gold as golds
from training.benchmark.related.figures import (
    Curve,
    chains,
    mean,
    mutual,
    of_queries,
    precision,
    ranking,
    recall,
    share,
)
from training.benchmark.related.gold import Gold
from training.benchmark.related.ours import Found, OurScorer, Way, in_time_order
from training.benchmark.related.proposals import judged_share
from training.benchmark.related.registry import related_systems
from training.benchmark.related.scorers import Context
from training.benchmark.related.trigram_peer import EITHER, LEAST, LIMIT, WHOLE, TrigramPeer
from training.benchmark.tools import Tools
from triage.documents.rows import Row
from triage.errors import InputError

PARKING = "锦绣家园小区强制捆绑销售车位,业主买房时被要求同时购买车位,请有关部门查处"
HOUSING = "人才购房补贴申请半年没有到账,请问青山区的人才购房补贴什么时候发放"
MESSAGES = [
    ("m0", "2019-01-05", "锦绣家园车位捆绑销售", PARKING),
    ("m1", "2019-03-01", "锦绣家园开发商捆绑销售车位", PARKING + ",开发商至今没有说法"),
    ("m2", "2019-02-01", "投诉锦绣家园捆绑卖车位", "我们是锦绣家园业主,开发商捆绑销售车位,价格很高"),
    ("m3", "2019-01-09", "人才购房补贴何时发放", HOUSING),
    ("m4", "2019-04-02", "咨询人才购房补贴", HOUSING + "?已经问过两次"),
    ("m5", "2019-05-02", "人才购房补贴没有到账", "青山区人才购房补贴一直没有到账,何时发放"),
    ("m6", "2019-06-01", "路灯不亮", "红旗街道的路灯晚上不亮,老人摔倒,请尽快修好路灯"),
    ("m7", "2019-06-03", "路灯一直不亮", "红旗街道的路灯晚上不亮,老人摔倒,请尽快修好路灯"),
    ("m8", "2019-06-04", "养蜂", "山里养蜂户的蜂蜜卖不出去,想请政府帮忙联系销路"),
    ("m9", "2019-06-05", "学校食堂", "第三小学食堂饭菜太咸,孩子们吃不惯,希望改进菜谱"),
]
NAMES = ("车位", "车位", "车位", "补贴", "补贴", "补贴")


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def pool(*texts: str, days: Sequence[str] = ()) -> list[Row]:
    dated = [*days, *[""] * (len(texts) - len(days))]
    return [
        Row(i + 2, {"id": f"t{i}", "title": "", "body": text, "received_on": day})
        for i, (text, day) in enumerate(zip(texts, dated, strict=True))
    ]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ten messages, and ten titles in the place of the held-out ones."""
    folder = tmp_path / "data"
    folder.mkdir()
    write(folder / "messages.csv", ("id", "received_on", "title", "body"), MESSAGES)
    write(folder / "related_issues.csv", ("group", "id"), [(g, f"m{i}") for i, g in enumerate(NAMES)])
    write(folder / "resubmissions.csv", ("group", "id"), [("D1", "m6"), ("D1", "m7")])
    titles = [(m[0], m[2], NAMES[i] if i < len(NAMES) else "") for i, m in enumerate(MESSAGES)]
    write(folder / "titles.csv", ("id", "title", "group"), titles)
    monkeypatch.setattr(golds, "HELD_OUT", folder / "titles.csv")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run keeps what it makes."""
    monkeypatch.setenv("TRIAGE_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Tools("none"), 0.33, tmp_path / "out")


def measured(data: Path, out: Path, *more: str) -> dict[str, Any]:
    """Content of report.json after a run of ours and one peer; without the times."""
    arguments = [str(data), "--encoder", "none", "--peers", "ours-text,tfidf-words", "--out", str(out)]
    assert main([*arguments, *more]) == 0
    content: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for entry in content["related"]:
        del entry["seconds"]
    return content


def parts(*names: str) -> list[str]:
    return [word for name in names for word in ("--part", name)]


def test_a_ranking_leaves_out_the_text_asked_and_what_is_not_listed() -> None:
    scores = np.array([0.5, 0.9, 0.0, 0.5, -1.0, 0.7])
    assert ranking(scores, 1) == [5, 0, 3]
    assert ranking(scores, 4) == [1, 5, 0, 3]
    assert ranking(scores, 1, 2) == [5, 0]
    assert ranking(scores, 2, 2) == [1, 5]


def test_recall_is_of_what_could_stand_among_ten_and_precision_of_five_places() -> None:
    assert recall([3, 5, 9], {3, 4, 9}) == pytest.approx(2 / 3)
    assert recall(list(range(20)), set(range(8, 28))) == pytest.approx(2 / 10)
    assert precision([3, 5, 9], {3, 4, 9}) == pytest.approx(2 / 5)
    assert precision([1, 2, 3, 5, 6, 7], {1, 7}) == pytest.approx(1 / 5)


def test_figures_of_queries_are_means_over_texts_with_partners() -> None:
    gold = Gold(pool(*"甲乙丙丁戊己"), {"a": [0, 1, 2], "b": [3, 4], "alone": [5]})
    rankings = {0: [1, 2], 1: [0], 2: [5], 3: [4], 4: [0]}
    found = of_queries(rankings, gold)
    assert found["queries"] == 5
    assert found["recall"]["mean"] == pytest.approx((1 + 0.5 + 0 + 1 + 0) / 5)
    assert found["precision"]["mean"] == pytest.approx((0.4 + 0.2 + 0 + 0.2 + 0) / 5)
    assert found["groups"]["a"] == {
        "size": 3,
        "recall": pytest.approx(0.5),
        "precision": pytest.approx(0.2),
    }
    assert found["groups"].keys() == {"a", "b"}


def test_an_interval_is_seeded_and_holds_the_mean() -> None:
    own = mean([0.0, 1.0] * 20)
    low, high = own["interval"]
    assert 0.3 < low < own["mean"] == 0.5 < high < 0.7
    assert own == mean([0.0, 1.0] * 20)
    assert mean([1.0, 1.0])["interval"] == [1.0, 1.0]
    assert share(0, 0)["mean"] is None


def test_a_pair_is_found_only_where_each_finds_the_other() -> None:
    rankings = {0: [1], 1: [0, 2], 2: [], 3: [4], 4: [3]}
    found = mutual(rankings, [(0, 1), (1, 2), (3, 4)])
    assert (found["right"], found["n"]) == (2, 3)


def test_areas_by_hand() -> None:
    # pairs, best first: (0,1) right, (0,2) wrong, (2,3) right, the rest equal and wrong
    matrix = np.array([[9.0, 0.9, 0.8, 0.1], [0, 9, 0.1, 0.1], [0, 0, 9, 0.5], [0, 0, 0.7, 9]])
    curve = Curve.of(matrix, Gold(pool(*"甲乙丙丁"), {"a": [0, 1], "b": [2, 3]}))
    average, auc = curve.areas(np.ones(4, dtype=int))
    assert average == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert auc == pytest.approx(7 / 8)  # of 2 x 4 couples of a right and a wrong pair, one is the wrong way
    assert np.isnan(curve.areas(np.array([3, 0, 0, 0]))).all()  # no pair of a text with itself


def test_areas_agree_with_scikit_learn_with_ties_and_drawn_texts() -> None:
    random = np.random.default_rng(3)
    count = 30
    matrix = random.integers(0, 6, (count, count)) / 5.0
    gold = Gold(pool(*map(str, range(count))), {f"g{k}": range(4 * k, 4 * k + 4) for k in range(5)})
    left, right = np.triu_indices(count, 1)
    scores = np.maximum(matrix[left, right], matrix[right, left])
    together = np.array([pair in gold.pairs() for pair in zip(left.tolist(), right.tolist(), strict=True)])
    counts = np.bincount(random.integers(0, count, count), minlength=count)
    for drawn in (np.ones(count, dtype=int), counts):
        weights = drawn[left] * drawn[right]
        average, auc = Curve.of(matrix, gold).areas(drawn)
        assert average == pytest.approx(average_precision_score(together, scores, sample_weight=weights))
        assert auc == pytest.approx(roc_auc_score(together, scores, sample_weight=weights))
    figures = Curve.of(matrix, gold).figures(count)
    low, high = figures["roc_auc"]["interval"]
    assert low < figures["roc_auc"]["mean"] < high
    assert figures == Curve.of(matrix, gold).figures(count)


def test_chains_join_through_others() -> None:
    chain = chains([(0, 1), (1, 4), (2, 3)], 6).tolist()
    assert chain[0] == chain[1] == chain[4]
    assert chain[2] == chain[3]
    assert len(set(chain)) == 3
    assert len(set(chains([], 3).tolist())) == 3


def test_in_time_only_earlier_texts_count() -> None:
    rows = pool("甲", "乙", "丙", days=("2020-02-01", "2020-01-01", "2020-02-01"))
    answers = [
        [Found(1, "related", 0.9, True), Found(2, "related", 0.8, True)],
        [Found(0, "related", 0.9, True)],
        [Found(0, "duplicate", 0.8, True), Found(1, "related", 0.2, False)],
    ]
    found = in_time_order(rows, answers)
    assert [(p.asked, p.other, p.kind) for p in found] == [(0, 1, "related"), (2, 0, "duplicate")]


def test_a_pair_flagged_from_both_sides_is_one_proposal(context: Context) -> None:
    scorer = OurScorer(context, Way())
    scorer.answers = [
        [Found(1, "related", 0.4, True), Found(2, "related", 0.1, False)],
        [Found(0, "duplicate", 0.9, True)],
        [],
    ]
    (one,) = scorer.proposals()
    assert (one.pair, one.asked, one.kind, one.score) == ((0, 1), 1, "duplicate", 0.9)
    assert scorer.scores(0).tolist() == [0.0, 0.4, 0.1]


@pytest.mark.parametrize("name", list(related_systems()))
def test_every_system_puts_an_obvious_pair_first(name: str, context: Context) -> None:
    system = related_systems()[name]
    if lacking := system.missing():
        pytest.skip(f"needs {lacking}, which only make benchmark installs")
    scorer = system.make(context)
    rows = [
        Row(i, {"id": key, "title": title, "body": body}) for i, (key, _, title, body) in enumerate(MESSAGES)
    ]
    scorer.fit(rows)
    for query, partner in ((0, 1), (1, 0), (3, 4), (6, 7), (7, 6)):
        scores = scorer.scores(query)
        assert scores.shape == (len(rows),)
        assert ranking(scores, query)[0] == partner


def test_pg_trgm_is_cut_as_decidim_cuts_it(context: Context) -> None:
    texts = [f"红旗街道的路灯晚上不亮第{i}处" for i in range(LIMIT + 5)]
    peer = TrigramPeer(context, WHOLE)
    peer.fit(pool(*texts, "养蜂户的蜂蜜卖不出去"))
    scores = peer.scores(0)
    assert (scores > 0).sum() == LIMIT
    assert scores[scores > 0].min() >= LEAST
    assert scores[0] == scores[-1] == 0
    assert not peer.scores(len(texts)).any()


def test_pg_trgm_takes_the_likeness_of_titles_or_of_bodies(context: Context) -> None:
    long = "另外还想反映第三小学食堂饭菜太咸,孩子们吃不惯,希望改进菜谱,谢谢"
    rows = [
        Row(i, {"id": str(i), "title": title, "body": body})
        for i, (title, body) in enumerate(
            [("红旗街道路灯不亮", PARKING), ("红旗街道路灯不亮", HOUSING + long)]
        )
    ]
    near = []
    for likeness in (EITHER, WHOLE):
        peer = TrigramPeer(context, likeness)
        peer.fit(rows)
        near.append(peer.scores(0)[1])
    assert near[0] == 1.0
    assert near[1] < LEAST + 0.1


def test_a_run_gives_all_parts_and_again_the_same(
    data: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = parts("issues", "resubmissions", "titles", "stream")
    first = measured(data, home / "out", *asked)
    assert capsys.readouterr().out.count("秒") == 7
    assert measured(data, home / "out", *asked) == first
    assert capsys.readouterr().out.count("秒") == 0
    assert measured(data, home / "other", *asked) == first
    issues, again, titles, stream = (
        {e["system"]: e for e in first["related"] if e["part"] == part}
        for part in ("issues", "resubmissions", "titles", "stream")
    )
    for entry in issues.values():
        assert entry["queries"] == 6
        assert entry["recall"]["mean"] == 1.0
        assert entry["precision"]["mean"] == pytest.approx(2 / 5)
    assert again["tfidf-words"]["found"]["right"] == 1
    assert again["ours-text"]["flagged"]["right"] == 1
    assert titles.keys() == {"ours-text", "tfidf-words"}
    assert 0.5 < titles["tfidf-words"]["roc_auc"]["mean"] <= 1
    assert stream.keys() == {"ours-text"}
    report = (home / "out" / "report.md").read_text(encoding="utf-8")
    assert "not deputies' suggestions" in report
    assert "| *target* | ≥ 0.92 | ≥ 0.93 |" in report


def test_files_for_a_person_hold_both_texts_and_are_made_again(data: Path, home: Path) -> None:
    out = home / "out"
    measured(data, out, *parts("stream", "resubmissions"))
    flagged = read(out / "flagged.csv")
    place = {message[0]: (message[1], i) for i, message in enumerate(MESSAGES)}
    assert ("m7", "m6") in {(pair["id_a"], pair["id_b"]) for pair in flagged}
    for pair in flagged:
        assert place[pair["id_a"]] > place[pair["id_b"]]  # against earlier ones
        assert pair["body_a"] in {message[3] for message in MESSAGES}
    assert not {("m6", "m7"), ("m7", "m6")} & {(p["id_a"], p["id_b"]) for p in read(out / "duplicates.csv")}
    written = (out / "flagged.csv").read_bytes()
    (out / "flagged.csv").write_text("", encoding="utf-8")
    measured(data, out, *parts("stream"))
    assert (out / "flagged.csv").read_bytes() == written


def test_drawn_pairs_are_judged_and_never_overwritten(
    data: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = home / "out"
    measured(data, out, *parts("stream"), "--sample", "2", "--seed", "0")
    sheet = read(out / "judge.csv")
    assert len(sheet) == 2
    assert {pair["together"] for pair in sheet} == {""}
    again = [
        *parts("stream"),
        "--peers",
        "ours-text",
        "--encoder",
        "none",
        "--out",
        str(out),
        "--sample",
        "2",
    ]
    assert main([str(data), *again]) == 2
    assert "没有覆盖" in capsys.readouterr().err
    judged = home / "judged.csv"
    write(judged, list(sheet[0]), [["1", *list(p.values())[1:]] for p in sheet])
    content = measured(data, out, *parts("stream"), "--judged", str(judged))
    assert (content["judged"]["right"], content["judged"]["n"]) == (2, 2)
    assert content["judged"]["interval"][0] == pytest.approx(0.342, abs=0.001)
    assert "Judged together: 1.000" in (out / "report.md").read_text(encoding="utf-8")


def test_judgments_are_counted_and_odd_ones_named(tmp_path: Path) -> None:
    sheet = tmp_path / "judge.csv"
    write(sheet, ("together", "id_a"), [("1", "a"), ("否", "b"), ("是", "c"), ("", "d")])
    assert (judged_share(sheet)["right"], judged_share(sheet)["n"]) == (2, 3)
    write(sheet, ("together", "id_a"), [("1", "a"), ("大概", "b")])
    with pytest.raises(InputError, match=r"第 2 对.*“大概”"):
        judged_share(sheet)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda d: (d / "messages.csv").unlink(), "找不到数据文件"),
        (lambda d: (d / "related_issues.csv").unlink(), "related_issues.csv"),
        (lambda d: write(d / "related_issues.csv", ("name", "id"), [("a", "m1")]), "应有列:group、id"),
        (lambda d: write(d / "related_issues.csv", ("group", "id"), [("a", "m99")]), "“m99”不在文本文件里"),
        (
            lambda d: write(d / "related_issues.csv", ("group", "id"), [("a", "m1"), ("b", "m1")]),
            "“m1”出现了两次",
        ),
        (lambda d: (d / "titles.csv").unlink(), "找不到文件"),
    ],
)
def test_what_is_missing_or_unfit_is_said_in_one_sentence(
    spoil: Any, says: str, data: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(data)
    arguments = [str(data), *parts("issues", "titles"), "--peers", "tfidf-words", "--out", str(home / "out")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_quick_run_keeps_the_groups(data: Path, home: Path) -> None:
    content = measured(data, home / "out", *parts("issues"), "--quick")
    assert {entry["texts"] for entry in content["related"]} == {6}
    assert {entry["queries"] for entry in content["related"]} == {6}


def test_the_held_out_titles_can_be_read() -> None:
    gold = golds.titles(golds.HELD_OUT)
    assert len(gold.rows) > 100
    assert gold.pairs()
