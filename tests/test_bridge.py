"""Predictions under the labels in use: renamed, merged, split, new, retired ones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from triage.bridge import Bridge
from triage.classifier import Example, TargetModel
from triage.encoder import get_encoder
from triage.prediction import Prediction
from triage.reading import Reader, Suggestion
from triage.taxonomy import Label, Taxonomy
from triage.text import get_segmenter

POWER = Label("能源科", "电网改造、充电桩、煤炭储备", ("电网", "充电桩", "煤炭"))
PRICES = Label("价格科", "停车收费、物业收费、票价", ("收费", "票价"))
ROADS = Label("交通科", "公路、桥梁、渡口", ("公路", "桥梁"))
OLD = (POWER, PRICES, ROADS)
TEXTS = {
    "能源科": ("电网停电", "充电桩不够", "煤炭储备不足", "电网老旧"),
    "价格科": ("停车收费太高", "物业收费不公示", "票价上涨", "医院收费"),
    "交通科": ("公路坑洼", "桥梁限重", "渡口停航", "公路绿化"),
}
GRID = Suggestion("电网改造", "请改造电网,更换变压器,电网停电太多。")
COAL = Suggestion("煤炭储备", "煤炭储备不足,请增加煤炭储备。")


@pytest.fixture(scope="module")
def model() -> TargetModel:
    reader = Reader(get_segmenter(()), get_encoder("none"))
    examples = [
        Example(f"{label}{i}", text, f"{text},第{i}村请尽快解决。", label)
        for label, texts in TEXTS.items()
        for i in range(12)
        for text in [texts[i % 4]]
    ]
    return TargetModel.fit("section", OLD, examples, reader, error_budget=0.1)


def ask(model: TargetModel, *sections: Label, text: Suggestion = GRID) -> Prediction:
    (prediction,) = Bridge(model, Taxonomy(section=sections)).predict_read(model.reader.read([text]))
    assert sum(dict(prediction.ranked).values()) == pytest.approx(1)
    return prediction


def test_unchanged_labels_are_told_as_the_model_tells_them(model: TargetModel) -> None:
    assert ask(model, *OLD) == model.predict([GRID])[0]
    assert ask(model, *OLD).auto


def test_a_renamed_section_keeps_its_probability_and_is_still_routed(model: TargetModel) -> None:
    before = model.predict([GRID])[0]
    after = ask(model, replace(POWER, name="能源处", formerly=("能源科",)), PRICES, ROADS)
    assert (after.label, after.auto) == ("能源处", True)
    assert after.probability == pytest.approx(before.probability)
    assert "能源科" not in dict(after.ranked)


def test_two_sections_that_became_one_hand_over_both_shares(model: TargetModel) -> None:
    before = dict(model.predict([GRID])[0].ranked)
    gone = replace(PRICES, active=False, successors=("能源科",))
    after = ask(model, POWER, gone, ROADS)
    assert dict(after.ranked)["能源科"] == pytest.approx(before["能源科"] + before["价格科"])


def test_a_split_section_is_shared_out_by_the_duties_and_waits_for_a_person(model: TargetModel) -> None:
    gone = replace(POWER, active=False, successors=("电力科", "煤炭科"))
    parts = (
        Label("电力科", "电网改造、充电桩", ("电网", "充电桩")),
        Label("煤炭科", "煤炭储备、煤矿", ("煤炭",)),
    )
    grid = ask(model, gone, *parts, PRICES, ROADS)
    coal = ask(model, gone, *parts, PRICES, ROADS, text=COAL)
    assert (grid.label, coal.label) == ("电力科", "煤炭科")
    before = dict(model.predict([GRID])[0].ranked)
    ranked = dict(grid.ranked)
    assert ranked["电力科"] + ranked["煤炭科"] == pytest.approx(before["能源科"])
    assert not grid.auto
    assert "电力科、煤炭科接替" in grid.reason
    assert "重新学习" in grid.reason


def test_a_new_section_is_recommended_from_its_duties_on_its_first_day(model: TargetModel) -> None:
    ferries = Label("水运科", "码头、航道、渔船靠泊", ("码头", "航道"))
    asked = Suggestion("疏浚航道", "请疏浚航道,扩建码头,方便渔船靠泊码头。")
    prediction = ask(model, *OLD, ferries, text=asked)
    assert prediction.label == "水运科"
    assert not prediction.auto
    assert "新的选项" in prediction.reason
    grid = ask(model, *OLD, ferries)
    assert grid.label == "能源科"
    assert grid.probability < model.predict([GRID])[0].probability  # the new one has its share


def test_a_retired_section_without_successor_is_left_out(model: TargetModel) -> None:
    after = ask(model, replace(POWER, active=False), PRICES, ROADS)
    assert set(dict(after.ranked)) == {"价格科", "交通科"}
    assert not after.auto
    assert "“能源科”已不在分类文件中" in after.reason


def test_where_nothing_is_left_of_what_it_learned_the_duties_speak_alone(model: TargetModel) -> None:
    gone = tuple(replace(label, active=False) for label in OLD)
    new = (Label("甲科", "电网、变压器", ("电网",)), Label("乙科", "航道、码头", ("航道",)))
    assert ask(model, *gone, *new).label == "甲科"
