"""A text in pieces: nothing lost, every evidence word marked for the target it speaks for."""

from __future__ import annotations

from typing import Any

import pytest

from service.marking import WORDS_A_TARGET, evidence_words, mark
from triage.ledger.tables import PredictionRow


def prediction(target: str, words: list[str], duty_terms: list[str] | None = None) -> PredictionRow:
    evidence: dict[str, Any] = {
        "words": [{"word": w, "weight": 0.5} for w in words],
        "duty_terms": duty_terms or [],
        "nearest": [],
    }
    return PredictionRow(target=target, ranked=[["甲", 1.0]], evidence=evidence)


def test_a_text_without_predictions_is_one_plain_piece() -> None:
    assert mark("停车场收费", []) == [("停车场收费", "")]


def test_an_evidence_word_is_marked_wherever_it_stands() -> None:
    pieces = mark("收费乱,请管收费", [prediction("section", ["收费"])])
    assert pieces == [("收费", "section"), ("乱,请管", ""), ("收费", "section")]


def test_each_target_has_its_own_mark() -> None:
    found = mark("停车收费要检查", [prediction("topic", ["收费"]), prediction("handling", ["检查"])])
    assert [p for p in found if p[1]] == [("收费", "topic"), ("检查", "handling")]


def test_a_word_of_two_targets_is_marked_for_the_section() -> None:
    both = [prediction("topic", ["收费"]), prediction("section", ["收费"])]
    assert mark("收费", both) == [("收费", "section")]


def test_the_longest_word_wins() -> None:
    words = [prediction("section", ["停车"]), prediction("topic", ["停车场收费"])]
    assert mark("停车场收费", words) == [("停车场收费", "topic")]


def test_the_newest_prediction_of_a_target_counts() -> None:
    found = mark("停车收费", [prediction("section", ["停车"]), prediction("section", ["收费"])])
    assert found == [("停车", ""), ("收费", "section")]


def test_a_word_is_found_whatever_its_case() -> None:
    assert mark("建设5G和AI", [prediction("section", ["5g", "ai"])]) == [
        ("建设", ""),
        ("5G", "section"),
        ("和", ""),
        ("AI", "section"),
    ]


def test_signs_that_mean_something_in_a_pattern_are_plain_here() -> None:
    found = mark("学C++(一)吗?a.b", [prediction("section", ["c++", "(一)", "a.b"])])
    assert [text for text, target in found if target] == ["C++", "(一)", "a.b"]


def test_single_characters_are_too_common_to_mark() -> None:
    assert evidence_words(prediction("section", ["费", "收费"])) == ["收费"]


def test_key_terms_of_the_duties_come_before_other_words() -> None:
    row = prediction("section", ["收费", "停车"], duty_terms=["价格监测", "收费"])
    assert evidence_words(row) == ["价格监测", "收费", "停车"]


def test_only_the_strongest_words_are_marked() -> None:
    words = [f"词{n:02d}" for n in range(20)]
    assert evidence_words(prediction("section", words)) == words[:WORDS_A_TARGET]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "停车",
        "停车收费停车收费",
        "<script>停车</script>&amp;",
        "İ停车ß收费\n\n 收 费",
        "费停\U0001f697车收费",
    ],
)
def test_the_pieces_together_are_the_text_itself(text: str) -> None:
    rows = [prediction("section", ["停车", "script"]), prediction("topic", ["收费", "i̇"])]
    assert "".join(piece for piece, _ in mark(text, rows)) == text
    assert all(target in ("", "section", "topic") for _, target in mark(text, rows))
