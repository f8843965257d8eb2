"""The search: its sieve, what it finds however the cases came, and the evidence it gives."""

from __future__ import annotations

import numpy as np
import pytest

from triage.case_index import CaseIndex, make_case_text
from triage.encoder import get_encoder, unit_rows
from triage.evidence import compare
from triage.pairs import CaseText, weighted_words
from triage.reading import Suggestion
from triage.related import WEIGHTS, Related
from triage.sense_rows import SenseRows
from triage.taxonomy import Taxonomy
from triage.text import Segmenter, get_segmenter

NOTHING = np.zeros(0, dtype=np.float32)
THINGS = [
    "停车场收费",
    "变电站",
    "幼儿园",
    "高速公路",
    "光伏发电",
    "码头岸线",
    "水库大坝",
    "粮食烘干",
    "殡仪服务",
    "图书借阅",
]


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return get_segmenter(("停车场",))


def make_index(segmenter: Segmenter, texts: list[tuple[str, str]]) -> CaseIndex:
    """An index of words only; keys 0, 1, ..."""
    index = CaseIndex(segmenter, get_encoder("none"), Taxonomy(), WEIGHTS)
    for i, text in enumerate(texts):
        index.add(make_case_text(str(i), Suggestion(*text), segmenter), NOTHING, NOTHING)
    return index


def search(index: CaseIndex, title: str, body: str, key: str = "q", top: int = 10) -> list[Related]:
    suggestion = Suggestion(title, body)
    case = make_case_text(key, suggestion, index.segmenter)
    return index.search(suggestion, case, NOTHING, NOTHING, top)


def pool() -> list[tuple[str, str]]:
    texts = [(f"关于{thing}的建议", f"请改善{thing},{thing}太少。") for thing in THINGS]
    return texts + [(f"{thing}问题", f"群众反映{thing}不够用。") for thing in THINGS]


def test_nothing_is_found_in_an_empty_index_nor_a_case_beside_itself(segmenter: Segmenter) -> None:
    assert search(make_index(segmenter, []), "停车场收费", "停车场乱收费") == []
    index = make_index(segmenter, [("停车场收费", "停车场乱收费")])
    assert search(index, "停车场收费", "停车场乱收费", key="0") == []
    assert (len(index), "0" in index, "1" in index) == (1, True, False)


def test_cases_without_a_single_word_do_no_harm(segmenter: Segmenter) -> None:
    index = make_index(segmenter, [("", "。"), ("", "1 2 3")])
    assert len(search(index, "停车场收费", "停车场乱收费")) == 2


def test_cases_that_come_one_by_one_are_found_like_those_that_came_together(segmenter: Segmenter) -> None:
    texts = pool()
    grown, together = make_index(segmenter, texts[:1]), make_index(segmenter, texts)
    for i, (title, body) in enumerate(texts[1:], start=1):
        search(grown, title, body)  # the sieve takes in what came so far
        grown.add(make_case_text(str(i), Suggestion(title, body), segmenter), NOTHING, NOTHING)
    for i, (title, body) in enumerate(texts):
        partner = str((i + len(THINGS)) % len(texts))
        for index in (grown, together):
            assert search(index, title, body, key=str(i))[0].key == partner


def test_the_sieve_scores_words_as_a_plain_cosine_does(segmenter: Segmenter) -> None:
    index = make_index(segmenter, pool())
    asked = make_case_text("q", Suggestion("停车场和码头", "停车场不够用,码头太少"), segmenter)
    index.search(Suggestion("", "停车场"), asked, NOTHING, NOTHING)

    def weights(case: CaseText) -> dict[int, float]:
        own = dict(zip(case.bag["id"].tolist(), weighted_words(case.bag, index.collection), strict=True))
        length = float(np.sqrt(sum(w * w for w in own.values())))
        return {word: w / length for word, w in own.items()}

    query = weights(asked)
    plain = [sum(w * query.get(word, 0.0) for word, w in weights(c).items()) for c in index.cases]
    assert index._postings.scores(asked.bag, index.collection) == pytest.approx(plain, abs=1e-5)


def test_parts_of_the_sieve_are_joined_as_they_grow(segmenter: Segmenter) -> None:
    index = make_index(segmenter, [])
    for i in range(130):
        text = Suggestion(f"第{i}号道路", f"第{i}村到第{i + 1}村道路狭窄")
        index.add(make_case_text(str(i), text, segmenter), NOTHING, NOTHING)
        search(index, "道路", "道路狭窄")
    assert len(index._postings._parts) <= 8
    assert index._postings.size == 130


def test_a_case_that_was_closed_meanwhile_is_a_precedent(segmenter: Segmenter) -> None:
    index = make_index(segmenter, [("停车", "停车场收费标准不公开,请公示并核查")])
    assert search(index, "停车", "停车场收费标准不公开,请公示并核查")[0].kind == "duplicate"
    index.update("0", closed=True, labels={"section": {"价格科": 1.0}})
    assert search(index, "停车", "停车场收费标准不公开,请公示并核查")[0].kind == "precedent"


def test_the_same_text_again_comes_first_however_little_it_says(segmenter: Segmenter) -> None:
    texts = [("收费", "停车场收费标准不公开,停车场收费太高,停车场没人管"), ("来信", "停车场收费太高")]
    found = search(make_index(segmenter, texts), "反映", "停车场收费太高")
    assert (found[0].key, found[0].kind) == ("1", "duplicate")
    assert found[0].score >= 0.8


def test_evidence_is_in_both_texts_and_places_tell_them_apart(segmenter: Segmenter) -> None:
    first = Suggestion("关于柳塘镇停车场收费的建议", "柳塘镇停车场收费不公开。")
    second = Suggestion("关于板杉镇停车场扩建的建议", "板杉镇停车场车位不足。")
    index = make_index(segmenter, [(second.title, second.body), *pool()])
    best = next(r for r in search(index, first.title, first.body) if r.key == "0")
    assert "停车场" in best.shared_terms
    assert not {"停车", "柳塘镇", "板杉镇"} & set(best.shared_terms)
    compared = compare(first, second, segmenter, index.collection)
    assert compared.shared[0] == "停车场"
    assert "柳塘镇" in compared.only_first
    assert "板杉镇" in compared.only_second


def test_short_vectors_still_find_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.sense_rows.EXACT", 50)
    monkeypatch.setattr("triage.sense_rows.DIRECTIONS", 8)
    drawn = np.random.default_rng(0)
    centres = drawn.normal(size=(10, 32)).astype(np.float32)
    vectors = np.repeat(centres, 30, axis=0) + 0.1 * drawn.normal(size=(300, 32)).astype(np.float32)
    rows = SenseRows(32)
    for vector in vectors:
        rows.add(vector[None, :])
    mean = vectors.mean(axis=0)
    for group in range(10):
        scores = rows.scores(centres[group], mean)
        assert set(np.argsort(-scores)[:30] // 30) == {group}
    exact = unit_rows(vectors - mean) @ unit_rows((vectors[7] - mean)[None, :])[0]
    assert np.corrcoef(rows.scores(vectors[7], mean), exact)[0, 1] > 0.9


def test_rows_keep_their_vectors_and_may_have_no_dimension() -> None:
    rows = SenseRows(3)
    for i in range(600):
        rows.add(np.array([[i, 1, -i]], dtype=np.float32))
    assert rows.rows(np.array([599]))[0].tolist() == [599.0, 1.0, -599.0]
    empty = SenseRows(0)
    empty.add(NOTHING[None, :])
    assert empty.scores(NOTHING, NOTHING).tolist() == [0.0]
