"""Words as numbers, and what makes two cases alike."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from triage.bag import bag_of, id_of, rarity_of
from triage.case_index import CaseIndex, make_case_text
from triage.config import CHECKOUT
from triage.encoder import get_encoder
from triage.pairs import FEATURES, Block
from triage.reading import Suggestion
from triage.related import WEIGHTS
from triage.taxonomy import Label, Taxonomy
from triage.text import get_segmenter

OFFICE = Taxonomy(
    section=(Label("服务业科", terms=("物流园区", "冷链物流")), Label("能源科", terms=("电网",)))
)
SURE = {"section": {"服务业科": 1.0}}


def block(texts: list[tuple[str, str]], labels: list[Any] | None = None) -> Block:
    segmenter = get_segmenter(("冷链物流",))
    index = CaseIndex(segmenter, get_encoder("none"), OFFICE, WEIGHTS)
    nothing = np.zeros(0, dtype=np.float32)
    for i, (title, body) in enumerate(texts):
        own = labels[i] if labels else None
        index.add(make_case_text(str(i), Suggestion(title, body), segmenter, labels=own), nothing, nothing)
    return index.block_of(np.arange(len(texts)))


def test_a_bag_is_sorted_capped_and_knows_the_title() -> None:
    bag = bag_of({"物流": 300, "我们": 2, "园区": 1}, {"物流": 1, "我们": 1})
    assert bag["id"].tolist() == sorted(map(id_of, ("物流", "我们", "园区")))
    by_word = {word: bag[bag["id"] == id_of(word)][0] for word in ("物流", "我们", "园区")}
    assert by_word["物流"]["count"] == 255
    assert [int(by_word[w]["title"]) for w in ("物流", "我们", "园区")] == [2, 1, 0]


def test_what_few_texts_hold_weighs_more() -> None:
    bag = bag_of({"物流": 1, "我们": 1}, {})
    rare, common = (rarity_of(bag, np.array([n, n]), 1000) for n in (1, 500))
    assert (rare > common).all()
    assert rare[bag["id"] == id_of("物流")][0] > rare[bag["id"] == id_of("我们")][0]


def test_a_word_has_one_number_in_every_process() -> None:
    code = "from triage.bag import id_of; print(id_of('物流'))"
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(CHECKOUT)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert int(out.stdout) == id_of("物流")


def test_likeness_is_mutual_and_between_nothing_and_one() -> None:
    texts = [
        ("冷链物流建设", "建设冷库,发展冷链物流。"),
        ("物流园区", "建设物流园区。"),
        ("农村电网", ""),
        ("", "停电"),
    ]
    found = block(texts).features(slice(None))
    assert set(found) == set(FEATURES)
    for name, values in found.items():
        known = np.nan_to_num(values)
        assert known == pytest.approx(known.T, abs=1e-6), name
        assert known.min() >= -1e-6
        assert known.max() <= 1 + 1e-6
    assert np.isnan(found["section"]).all()
    assert found["title_wording"][0, 1] > found["title_wording"][0, 2] == 0.0
    assert found["title_wording"][0, 3] == 0.0  # one without a title


def test_few_words_agree_by_chance_and_count_less() -> None:
    body = "".join(
        f"第{i}条意见是改善{thing}。"
        for i, thing in enumerate(["道路", "学校", "医院", "电网", "水库", "桥梁", "码头"])
    )
    body += "希望有关部门研究解决停车场收费标准不公开、乱收费、无人管理、设施老旧、照明不足、消防通道堵塞的情况,加强巡查执法,公布投诉电话。"
    short = block([("停车场收费", ""), ("停车场收费", "")]).features([0])["wording"][0, 1]
    long = block([("停车场收费", body), ("停车场收费", body)]).features([0])["wording"][0, 1]
    assert short < 0.5 < long


def test_labels_agree_as_far_as_their_probabilities_overlap() -> None:
    torn = {"section": {"服务业科": 0.64, "能源科": 0.36}}
    agreed = block([("甲", "一")] * 4, [SURE, torn, {"section": {"能源科": 1.0}}, None]).features([0])
    assert agreed["section"][0, :3] == pytest.approx([1.0, 0.8, 0.0])
    assert np.isnan(agreed["section"][0, 3])


def test_a_thing_that_both_titles_name_and_the_section_answers_for() -> None:
    texts = [("冷链物流", "甲"), ("物流基地", "乙"), ("物流基地", "丙"), ("基地建设", "丁")]
    labels = [SURE, SURE, {"section": {"能源科": 1.0}}, SURE]
    assert block(texts, labels).features([0])["named"][0].tolist()[1:] == [1.0, 0.0, 0.0]
    apart = [{**SURE, "topic": {"物流": 1.0}}, {**SURE, "topic": {"粮食": 1.0}}]
    assert block(texts[:2], apart).features([0])["named"][0, 1] == 0.0
