"""Labels worth a second look: planted wrong ones are found, like cases decided apart, labels nobody uses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from training.gold import GoldExample
from training.label_findings import differing_pairs, label_findings, sentences, unused_labels
from training.wrong_labels import find_suspects, suspects_by_label
from triage.classifier import Example, TargetModel
from triage.encoder import get_encoder
from triage.reading import Reader
from triage.taxonomy import Label
from triage.text import get_segmenter

LABELS = ["能源科", "价格科", "物流科"]
THINGS = {
    "能源科": ("电网停电", "变压器增容", "电压不稳", "充电桩故障"),
    "价格科": ("停车收费", "物业涨价", "票价公示", "医院收费"),
    "物流科": ("冷链仓储", "快递进村", "物流园区", "货运配送"),
}


def cases(count: int, *, wrong: tuple[int, ...] = (), who: str = "李") -> list[GoldExample]:
    """One case a day; of the ``wrong`` ones the label is another section's than the text's."""
    made = []
    for i in range(count):
        speaks = LABELS[i % 3]
        label = LABELS[(i + 1) % 3] if i in wrong else speaks
        body = f"请解决{THINGS[speaks][i // 3 % 4]}问题,第{i}村。"
        example = Example(str(i), THINGS[speaks][i // 3 % 4], body, label)
        made.append(GoldExample(date(2025, 1, 1) + timedelta(days=i), example, "confirmed", who, label))
    return made


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(get_segmenter(()), get_encoder("none"))


def fit(gold: list[GoldExample], reader: Reader) -> TargetModel:
    return TargetModel.fit("section", [Label(x) for x in LABELS], [g.example for g in gold], reader)


def test_a_case_is_suspect_where_another_label_is_likelier_and_as_sure_as_its_own_cases_are() -> None:
    gold = [*cases(6), *cases(1)]
    unsure = [0.6, 0.35, 0.05]  # 物流科's; 能源科 is likelier, but its own cases are surer than that
    strange = [0.1, 0.85, 0.05]  # 能源科's, and as sure as 价格科's own that it is theirs
    rows = [[0.9, 0.05, 0.05], [0.05, 0.8, 0.15], [0.1, 0.1, 0.8], [0.9, 0.05, 0.05], [0.1, 0.8, 0.1]]
    unseen = np.array([*rows, unsure, strange])
    (suspect,) = find_suspects(gold, LABELS, unseen)
    assert (suspect.label, suspect.likely, suspect.own, suspect.other) == ("能源科", "价格科", 0.1, 0.85)
    assert suspect.who == "李"


def test_planted_wrong_labels_come_first_and_their_section_is_named(reader: Reader) -> None:
    wrong = (2, 17, 32, 47)  # what speaks of 物流科 was put into 能源科
    gold = cases(90, wrong=wrong)
    model = fit(gold, reader)
    found = label_findings(gold, model)
    first = {s["case"] for s in found["suspects"][: len(wrong)]}
    assert first == {str(i) for i in wrong}
    assert all((s["label"], s["likely"]) == ("能源科", "物流科") for s in found["suspects"][: len(wrong)])
    named = {x["label"]: (x["suspected"], x["missing"]) for x in found["by_label"] if x["stands_out"]}
    assert named == {"能源科": (4, 0), "物流科": (0, 4)}
    told = sentences("承办科室", found, gold, {"2": "第2号"})
    assert any("“能源科”的 34 件里有 4 件像是别的" in one["sentence"] for one in told)
    assert {"id": 2, "number": "第2号", "title": "冷链仓储"} in told[0]["cases"]


def test_what_somebody_looked_at_and_what_no_person_decided_is_not_listed(reader: Reader) -> None:
    gold = cases(90, wrong=(2, 17, 32))
    gold[2] = replace(gold[2], rechecked=True)
    gold[17] = replace(gold[17], earned="untouched")
    model = fit(gold, reader)
    assert model.out_of_fold is not None
    assert [s.case for s in find_suspects(gold, LABELS, model.out_of_fold)] == ["32"]


def test_clean_labels_name_no_section(reader: Reader) -> None:
    gold = cases(60)
    model = fit(gold, reader)
    assert model.out_of_fold is not None
    suspects = find_suspects(gold, LABELS, model.out_of_fold)
    assert suspects == []
    assert suspects_by_label(gold, suspects) == []


def test_like_cases_that_two_people_decided_differently_are_paired_once(reader: Reader) -> None:
    gold = cases(30)
    twin = gold[3].example
    other = replace(twin, case="99", label="价格科", body=twin.body.replace("第3村", "第31村"))
    gold.append(GoldExample(date(2025, 3, 1), other, "confirmed", "王", "价格科"))
    pairs = differing_pairs(gold, fit(gold, reader))
    assert [{p.first, p.second} for p in pairs] == [
        {"99", p.first if p.second == "99" else p.second} for p in pairs
    ]
    assert len(pairs) == 1
    assert {pairs[0].first_who, pairs[0].second_who} == {"李", "王"}
    assert {pairs[0].first_label, pairs[0].second_label} == {"能源科", "价格科"}
    same = [replace(g, who="李") for g in gold]
    assert differing_pairs(same, fit(same, reader)) == []  # one person may see why they differ


def test_a_label_that_the_year_before_used_and_nobody_does_now_is_told() -> None:
    before = [replace(g, received_on=date(2024, 5, 1)) for g in cases(30)]
    now = [g for g in cases(40) if g.example.label != "物流科"]
    assert unused_labels([*before, *now]) == [{"label": "物流科", "year": 2025, "before": 10}]
    assert unused_labels([*before, *now[:10]]) == []  # too few to tell
    assert unused_labels([]) == []
