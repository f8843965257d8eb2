"""The comparison that a challenger must pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from training.gate import (
    LEAST_HELD_OUT,
    Cost,
    LabelVerdict,
    Verdict,
    blocks,
    compare,
    split_in_time,
)
from training.gold import GoldExample
from training.paired import Difference
from triage.classifier import Example, TargetModel
from triage.encoder import get_encoder
from triage.reading import Reader
from triage.taxonomy import Label, ResultClass, Taxonomy
from triage.text import get_segmenter

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科"), Label("物流科")),
    result_classes=(ResultClass("A", "已解决"),),
)
THINGS = {
    "能源科": ("电网停电", "变压器增容", "电压不稳", "充电桩故障"),
    "价格科": ("停车收费", "物业涨价", "票价公示", "医院收费"),
    "物流科": ("冷链仓储", "快递进村", "物流园区", "货运配送"),
}
FIRST = date(2025, 1, 1)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(get_segmenter(()), get_encoder("none"))


def gold(first: int, count: int, *, shift: int = 0) -> list[GoldExample]:
    """One case a day; ``shift`` gives every case another section's label."""
    labels = list(THINGS)
    made = []
    for i in range(first, first + count):
        label = labels[i % 3]
        body = f"请解决{THINGS[label][i % 4]}问题,第{i}村。"
        example = Example(str(i), f"{THINGS[label][i % 4]}", body, labels[(i + shift) % 3])
        made.append(GoldExample(FIRST + timedelta(days=i), example))
    return made


def fit(reader: Reader, examples: list[GoldExample], version: str = "v1") -> TargetModel:
    model = TargetModel.fit("section", TAXONOMY.section, [g.example for g in examples], reader)
    model.version = version
    return model


def judge(
    reader: Reader, examples: list[GoldExample], champion: TargetModel, known: set[str] | None = None
) -> Verdict:
    return compare(
        "section",
        TAXONOMY,
        examples,
        champion,
        known or set(),
        reader,
        error_budget=0.05,
        seed=0,
    )


def test_too_few_cases_keep_what_serves_and_leave_it_to_a_person(reader: Reader) -> None:
    few = gold(0, 2 * LEAST_HELD_OUT - 1)
    duties = judge(reader, few, fit(reader, [], "仅凭职责"))
    assert (duties.promote, duties.too_few, duties.held_out, duties.challenger) == (False, True, 0, None)
    assert "只有 19 件" in duties.reason
    assert "保留仅凭职责的模型;要启用,由人决定并写明理由" in duties.reason
    trained = judge(reader, few, fit(reader, gold(0, 6)))
    assert not trained.promote
    assert "保留现用模型" in trained.reason


def test_the_latest_fifth_is_held_out_and_its_dates_are_told(reader: Reader) -> None:
    verdict = judge(reader, gold(0, 100), fit(reader, gold(0, 3)))
    assert verdict.held_out == 20
    assert (verdict.first, verdict.last) == ("2025-03-22", "2025-04-10")
    assert verdict.challenger is not None
    assert verdict.champion is not None
    assert verdict.challenger.n == verdict.champion.n == 20
    told = verdict.to_dict()
    assert (told["held_out"], told["from"], told["to"]) == (20, "2025-03-22", "2025-04-10")
    assert told["challenger"]["accuracy"] == verdict.challenger.accuracy


def test_at_least_ten_are_held_out(reader: Reader) -> None:
    assert judge(reader, gold(0, 24), fit(reader, gold(0, 3))).held_out == 10


def test_a_better_challenger_is_promoted(reader: Reader) -> None:
    champion = fit(reader, gold(0, 30, shift=1))
    verdict = judge(reader, gold(0, 60), champion)
    assert verdict.promote
    assert verdict.challenger is not None
    assert verdict.champion is not None
    assert verdict.challenger.accuracy > verdict.champion.accuracy
    assert not verdict.champion_refitted


def test_a_challenger_that_learned_nonsense_is_not_promoted(reader: Reader) -> None:
    champion = fit(reader, gold(0, 30))
    examples = gold(30, 60, shift=1) + gold(90, 15)
    verdict = judge(reader, examples, champion, {str(i) for i in range(30)})
    assert not verdict.promote
    assert verdict.challenger is not None
    assert verdict.champion is not None
    assert verdict.challenger.accuracy < verdict.champion.accuracy
    assert "不如现用模型" in verdict.reason


def test_a_champion_that_has_seen_the_held_out_cases_is_not_measured_by_its_memory(reader: Reader) -> None:
    examples = gold(0, 60)
    flattered = fit(reader, examples)
    verdict = judge(reader, examples, flattered, {g.example.case for g in examples})
    assert verdict.champion_refitted
    assert verdict.champion == verdict.challenger  # one recipe, one set of data
    assert verdict.promote


def test_nobody_is_judged_by_labels_that_the_router_gave() -> None:
    examples = [replace(g, earned="untouched") if n % 2 else g for n, g in enumerate(gold(0, 60))]
    split = split_in_time(examples, set())
    assert split is not None
    assert all(g.by_a_person for g in split.latest)
    assert len(split.latest) == 12
    first = examples.index(split.latest[0])
    assert split.earlier == examples[:first]  # what lies between the held-out ones teaches neither


def test_cases_that_the_champion_never_saw_are_held_out_where_there_are_enough() -> None:
    examples = gold(0, 60)
    known = {g.example.case for g in examples[:45]}
    split = split_in_time(examples, known)
    assert split is not None
    assert not split.seen
    assert split.latest == examples[-12:]
    nearly_all = {g.example.case for g in examples[:55]}
    crowded = split_in_time(examples, nearly_all)
    assert crowded is not None
    assert crowded.seen


def test_a_text_that_the_champion_saw_under_another_number_is_not_new_to_it() -> None:
    examples = gold(0, 60)
    examples[-12:] = [replace(g, repeats=("seen",)) for g in examples[-12:]]
    split = split_in_time(examples, {"seen"})
    assert split is not None
    assert split.latest == examples[36:48]


def test_an_old_ledger_brought_in_later_is_not_the_latest() -> None:
    examples = gold(0, 60)
    known = {g.example.case for g in examples[20:]}  # the first twenty came in afterwards
    split = split_in_time(examples, known)
    assert split is not None
    assert split.seen
    assert split.latest == examples[-12:]


def test_too_few_that_a_person_decided_are_too_few() -> None:
    examples = [replace(g, earned="untouched") if n < 51 else g for n, g in enumerate(gold(0, 60))]
    assert split_in_time(examples, set()) is None


LEVEL = Difference(0.0, -0.05, 0.05, 0.5)
CHEAP = {"challenger": Cost(10, 5), "champion": Cost(10, 5)}


def why(**changed: Difference) -> list[str]:
    return blocks({"accuracy": LEVEL, "log_loss": LEVEL, "calibration": LEVEL} | changed, (), CHEAP, 50)


def test_what_blocks_is_named_and_what_may_be_chance_does_not() -> None:
    assert why() == []
    assert "多错 5 件,超出偶然" in why(accuracy=Difference(-0.1, -0.2, 0.0, 0.97))[0]
    slight = Difference(-0.02, -0.1, 0.06, 0.6)
    assert why(accuracy=slight, log_loss=Difference(-0.1, -0.2, 0.0, 0.1)) == []
    assert why(accuracy=slight, log_loss=Difference(0.1, 0.0, 0.2, 0.9)) == []
    likely = Difference(-0.06, -0.14, 0.02, 0.9)
    assert "概率也更不可信" in why(accuracy=likely, log_loss=Difference(0.1, 0.0, 0.2, 0.9))[0]
    worse = Difference(0.08, 0.02, 0.14, 0.99)
    assert "校准误差大 0.080" in why(calibration=worse, log_loss=Difference(0.1, 0.0, 0.2, 0.9))[0]
    assert why(calibration=worse, log_loss=Difference(-0.2, -0.3, -0.1, 0.01)) == []
    assert why(calibration=Difference(0.08, -0.05, 0.2, 0.7), log_loss=worse) == []


def test_one_label_that_falls_back_blocks_however_good_the_rest() -> None:
    fallen = LabelVerdict("能源科", 12, 14, 7, 13, Difference(-0.43, -0.7, -0.2, 0.999))
    by_chance = LabelVerdict("价格科", 12, 12, 9, 11, Difference(-0.17, -0.3, 0.0, 0.96))
    up = {"accuracy": Difference(0.1, 0.05, 0.15, 0.01), "log_loss": LEVEL, "calibration": LEVEL}
    (said,) = blocks(up, (fallen, by_chance), CHEAP, 100)
    assert said == "“能源科”退步:与它有关的 14 件中认对 7 件,现用模型认对 13 件"
    assert blocks(up, (by_chance,), CHEAP, 100) != []  # alone, without the other that chance could have hit


def test_slower_and_larger_block_beyond_what_anybody_notices() -> None:
    level = {"accuracy": LEVEL, "log_loss": LEVEL, "calibration": LEVEL}
    assert blocks(level, (), {"challenger": Cost(45, 90), "champion": Cost(5, 1)}, 50) == []
    slow, large = blocks(level, (), {"challenger": Cost(120, 400), "champion": Cost(50, 150)}, 50)
    assert "太慢:一件 120 毫秒,现用模型 50 毫秒" in slow
    assert "太大:400 MB,现用模型 150 MB" in large


def test_the_verdict_tells_differences_labels_and_costs(reader: Reader) -> None:
    told = judge(reader, gold(0, 150), fit(reader, gold(0, 30, shift=1))).to_dict()
    assert told["promote"]
    accuracy = told["differences"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert accuracy["value"] == pytest.approx(
        told["challenger"]["accuracy"] - told["champion"]["accuracy"], abs=1e-3
    )
    assert [one["n"] for one in told["labels"]] == [10, 10, 10]
    assert all(one["challenger"] > one["champion"] for one in told["labels"])
    assert set(told["costs"]) == {"challenger", "champion"}
