"""The words two suggestions share, and those by which they differ."""

from __future__ import annotations

import numpy as np
import pytest

from triage.case_index import make_case_text
from triage.evidence import compare, shared_terms, words_of
from triage.pairs import Collection
from triage.reading import Suggestion
from triage.text import Segmenter, get_segmenter

FIRST = Suggestion("关于规范柳塘镇停车场的建议", "柳塘镇停车场收费混乱,请物价部门核查。")
SECOND = Suggestion("关于板杉镇停车场的建议", "板杉镇停车场夜间关闭,物价部门应公布投诉电话。")
NOTHING = np.zeros(0, dtype=np.float32)


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return get_segmenter(("停车场",))


def shared(segmenter: Segmenter) -> tuple[str, ...]:
    first, second = (make_case_text(key, s, segmenter) for key, s in (("1", FIRST), ("2", SECOND)))
    weights = Collection(NOTHING, NOTHING).rarity(first.bag)
    return shared_terms(words_of(FIRST, segmenter), first, weights, second, segmenter)


def test_the_shared_terms_stand_in_both_texts_those_of_the_titles_first(segmenter: Segmenter) -> None:
    found = shared(segmenter)
    assert found[0] == "停车场"
    assert "物价部门" in found
    assert all(term in s.title + s.body for term in found for s in (FIRST, SECOND))


def test_a_compound_is_named_without_its_parts(segmenter: Segmenter) -> None:
    found = shared(segmenter)
    assert not {"停车", "车场", "物价", "部门"} & set(found)


def test_a_shared_place_is_no_shared_matter(segmenter: Segmenter) -> None:
    again = Suggestion("柳塘镇的电网", "柳塘镇电网老化。")
    found = compare(FIRST, again, segmenter, Collection(NOTHING, NOTHING))
    assert "柳塘镇" not in found.shared + found.only_first + found.only_second


def test_places_and_words_of_one_side_say_where_two_differ(segmenter: Segmenter) -> None:
    found = compare(FIRST, SECOND, segmenter, Collection(NOTHING, NOTHING))
    assert found.shared[0] == "停车场"
    assert "柳塘镇" in found.only_first
    assert "板杉镇" in found.only_second
    assert not set(found.only_first) & set(found.only_second)


def test_the_same_text_differs_in_nothing(segmenter: Segmenter) -> None:
    found = compare(FIRST, FIRST, segmenter, Collection(NOTHING, NOTHING))
    assert (found.only_first, found.only_second) == ((), ())
    assert "停车场" in found.shared
