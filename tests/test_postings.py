"""The first sieve by words: its scores are cosines, however the cases came in."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from triage.bag import Bag, bag_of
from triage.grams import codes_of
from triage.pairs import CaseText, Collection, weighted_words
from triage.postings import ASKED_WORDS, Postings

NOTHING = np.zeros(0, dtype=np.float32)


def made_up(count: int) -> tuple[list[CaseText], Collection]:
    """Cases of made-up words, fewer each than a search asks for, and the full collection of them."""
    draw = np.random.default_rng(7)
    cases = []
    for i in range(count):
        chosen = draw.zipf(1.4, size=ASKED_WORDS - 8) % 500
        words = {f"词{w}": int(draw.integers(1, 6)) for w in chosen.tolist()}
        cases.append(CaseText(str(i), bag_of(words, {}), codes_of(""), 0))
    among = Collection(NOTHING, NOTHING)
    for case in cases:
        among.add([case], NOTHING[None, :], NOTHING[None, :])
    return cases, among


def by_hand(asked: Bag, cases: list[CaseText], among: Collection) -> NDArray[np.float64]:
    """Cosines of the weighed words, one case after the other."""

    def weighed(bag: Bag) -> dict[int, float]:
        weights = weighted_words(bag, among)
        return dict(zip(bag["id"].tolist(), (weights / np.linalg.norm(weights)).tolist(), strict=True))

    own = weighed(asked)
    return np.array([sum(own.get(i, 0.0) * w for i, w in weighed(c.bag).items()) for c in cases])


@pytest.mark.parametrize("one_by_one", [True, False])
def test_scores_are_the_cosines_of_the_weighed_words(one_by_one: bool) -> None:
    cases, among = made_up(300)
    postings = Postings()
    for upto in range(1, 301) if one_by_one else [300]:
        postings.extend(cases[:upto], among)
    assert postings.size == 300
    for case in cases[::50]:
        expected = by_hand(case.bag, cases, among)
        assert postings.scores(case.bag, among) == pytest.approx(expected, abs=1e-5)
        assert expected.max() == pytest.approx(1.0)


def test_parts_are_joined_as_cases_come_one_by_one() -> None:
    cases, among = made_up(255)
    postings = Postings()
    most = 0
    for upto in range(1, len(cases) + 1):
        postings.extend(cases[:upto], among)
        most = max(most, len(postings._parts))
    assert 1 < most <= 8
    assert sum(part.size for part in postings._parts) == postings.size == 255


def test_words_that_nobody_has_and_no_words_score_nothing() -> None:
    cases, among = made_up(20)
    postings = Postings()
    postings.extend(cases, among)
    for words in ({"谁也没写过的词": 2}, {}):
        assert postings.scores(bag_of(words, {}), among).tolist() == [0.0] * 20


def test_without_a_case_there_is_no_score() -> None:
    _, among = made_up(1)
    assert len(Postings().scores(bag_of({"停车场": 1}, {}), among)) == 0


def test_a_word_weighs_the_logarithm_of_its_count_times_its_rarity() -> None:
    cases, among = made_up(20)
    for case in cases:
        expected = (1 + np.log(case.bag["count"].astype(float))) * among.rarity(case.bag)
        assert weighted_words(case.bag, among) == pytest.approx(expected, rel=1e-5)
