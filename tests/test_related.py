"""Which cases belong together: pair score, kinds, the index, a file without a ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from training import sample_office
from triage.case_index import CaseIndex, make_case_text
from triage.config import Settings
from triage.desk import Desk
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.ledger.tables import CaseRow, RelationRow
from triage.reading import Reader, Suggestion
from triage.related import (
    CaseText,
    Similarities,
    agreement,
    containment,
    kind_of,
    pair_score,
    same_year,
)
from triage.related_file import read_cases, read_queries, related_in_file
from triage.taxonomy import Taxonomy, load_taxonomy
from triage.text import get_segmenter

SUBJECTS = {
    "停车": ("停车场",),
    "县域": ("县域经济",),
    "物流": ("物流集散基地", "冷链物流"),
    "小镇": ("特色小镇",),
    "产业": ("产业项目",),
    "医疗": ("医疗机构收费", "医疗废物"),
    "投资": ("政府投资管理办法",),
}
Pair = frozenset[int]


@pytest.fixture(scope="module")
def demo(demo_home_once: Path) -> Iterator[Desk]:
    """The sample office after its demo, read only."""
    desk = Desk(Settings.from_env({"TRIAGE_HOME": str(demo_home_once)}))
    yield desk
    desk.ledger.close()


@pytest.fixture(scope="module")
def cases(demo: Desk) -> list[CaseRow]:
    """This year's pile."""
    with demo.ledger.read() as session:
        return list(session.scalars(select(CaseRow).where(CaseRow.state != "closed")))


@pytest.fixture(scope="module")
def relations(demo: Desk) -> list[RelationRow]:
    with demo.ledger.read() as session:
        return list(session.scalars(select(RelationRow)))


@pytest.fixture(scope="module")
def reader(cache_dir: Path) -> Reader:
    """Words only, so quick."""
    return Reader(get_segmenter(("停车场",), cache_dir), get_encoder("none"))


def of_subject(cases: list[CaseRow], subject: str) -> list[int]:
    return [c.id for c in cases if any(words in c.title for words in SUBJECTS[subject])]


def pairs(relations: list[RelationRow]) -> dict[Pair, RelationRow]:
    return {frozenset((r.case_id, r.other_id)): r for r in relations}


def case(key: str = "1", **about: Any) -> CaseText:
    return CaseText(**{"key": key, "title": "", "words": {}, "title_words": {}, "plain": "", **about})


def make_index(
    reader: Reader, texts: list[tuple[str, str]], **about: Any
) -> tuple[CaseIndex, list[CaseText]]:
    """An index over (title, body) texts with keys 0, 1, ..."""
    index = CaseIndex(reader.segmenter, reader.encoder, Taxonomy())
    made = [
        make_case_text(str(i), Suggestion(title, body), reader.segmenter, **about)
        for i, (title, body) in enumerate(texts)
    ]
    none = np.zeros(0, dtype=np.float32)
    for text in made:
        index.add(text, none, none)
    return index, made


def search(index: CaseIndex, wanted: CaseText, top: int = 10) -> list[Any]:
    none = np.zeros(0, dtype=np.float32)
    return index.search(wanted, none, none, top)


def test_the_pile_holds_all_subjects(cases: list[CaseRow]) -> None:
    assert {s: len(of_subject(cases, s)) for s in SUBJECTS} == {
        "停车": 1,
        "县域": 1,
        "物流": 2,
        "小镇": 3,
        "产业": 1,
        "医疗": 2,
        "投资": 1,
    }


@pytest.mark.parametrize("subject", ["物流", "小镇", "医疗"])
def test_cases_of_one_subject_are_proposed_for_joint_handling(
    subject: str, cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    found = pairs(relations)
    for pair in combinations(of_subject(cases, subject), 2):
        assert frozenset(pair) in found, [c.title for c in cases if c.id in pair]
        assert found[frozenset(pair)].kind == "related"


def test_no_pair_of_different_subjects_is_proposed(
    cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    subject_of = {i: s for s in SUBJECTS for i in of_subject(cases, s)}
    title = {c.id: c.title for c in cases}
    wrong = [
        (title[r.case_id], title[r.other_id], r.score)
        for r in relations
        if r.case_id in subject_of
        and r.other_id in subject_of
        and subject_of[r.case_id] != subject_of[r.other_id]
    ]
    assert wrong == []


def test_the_resent_text_is_a_duplicate_and_left_to_a_person(
    cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    first, second = [c for c in cases if "白鹭乡" in c.title and "电网" in c.title]
    relation = pairs(relations)[frozenset((first.id, second.id))]
    assert relation.kind == "duplicate"
    later = max(first, second, key=lambda c: c.id)
    assert relation.case_id == later.id
    assert later.route == "review"
    assert "重复" in later.route_reason
    assert sum(r.kind == "duplicate" for r in relations) == 1


def test_relations_with_the_closed_year_are_precedents(
    demo: Desk, cases: list[CaseRow], relations: list[RelationRow]
) -> None:
    this_year = {c.id for c in cases}
    precedents = [r for r in relations if r.other_id not in this_year]
    assert len(precedents) >= 3
    assert {r.kind for r in precedents} == {"precedent"}
    assert "precedent" not in {r.kind for r in relations if r.other_id in this_year}
    assert all(r.score >= demo.settings.related_threshold for r in relations)


def test_the_shared_terms_stand_in_both_texts(demo: Desk, relations: list[RelationRow]) -> None:
    with demo.ledger.read() as session:
        for relation in relations:
            texts = [session.get_one(CaseRow, i) for i in (relation.case_id, relation.other_id)]
            for term in relation.shared_terms:
                assert all(term in (c.title + c.body).lower() for c in texts), term
    assert all(r.shared_terms for r in relations)


def test_labels_agree_as_far_as_their_probabilities_overlap() -> None:
    sure = case(labels={"section": {"能源科": 1.0}})
    torn = case(labels={"section": {"能源科": 0.64, "价格科": 0.36}})
    other = case(labels={"section": {"价格科": 1.0}})
    assert agreement(sure, sure, "section") == pytest.approx(1.0)
    assert agreement(sure, other, "section") == 0.0
    assert agreement(sure, torn, "section") == pytest.approx(0.8)
    assert agreement(torn, torn, "section") == pytest.approx(1.0)
    assert agreement(sure, case(), "section") is None
    assert agreement(sure, sure, "topic") is None


def test_an_unknown_date_may_be_of_the_same_year() -> None:
    day = case(received_on=date(2026, 1, 5))
    assert same_year(day, case(received_on=date(2026, 12, 31)))
    assert not same_year(day, case(received_on=date(2025, 12, 31)))
    assert same_year(day, case())


@pytest.mark.parametrize(
    ("older", "same_text", "kind"),
    [
        ({"received_on": date(2026, 1, 5)}, 0.3, "related"),
        ({"received_on": date(2026, 1, 5)}, 0.95, "duplicate"),
        ({"received_on": date(2025, 1, 5)}, 0.95, "precedent"),
        ({"received_on": date(2025, 1, 5)}, 0.1, "precedent"),
        ({"received_on": date(2026, 1, 5), "closed": True}, 0.95, "precedent"),
        ({"received_on": date(2026, 1, 5), "closed": True}, 0.1, "precedent"),
        ({"received_on": date(2027, 1, 5)}, 0.1, "related"),
        ({}, 0.95, "duplicate"),
        ({}, 0.1, "related"),
    ],
)
def test_the_kind_follows_text_year_and_state(older: dict[str, Any], same_text: float, kind: str) -> None:
    assert kind_of(case(received_on=date(2026, 3, 1)), case("2", **older), same_text) == kind


def test_containment_knows_the_same_text_again() -> None:
    text = "白鹭乡的电网是上世纪建的过年回来的人一多就跳闸请列入改造计划"
    assert containment(text, text) == 1.0
    assert containment(text, text + "谢谢各位领导") > 0.8
    assert containment(text, "建议规范停车场收费公示价格严查乱收费行为并公布投诉电话") < 0.1
    assert containment(text[:12], text) == 0.0  # a sentence inside a long text is no duplicate
    assert containment("", "") == 0.0
    assert containment(text, text[::-1]) == 0.0


def test_the_score_rises_with_every_similarity_and_falls_with_the_collection() -> None:
    a = case(labels={"section": {"能源科": 1.0}})
    b = case("2", labels={"section": {"能源科": 1.0}})
    none, half = Similarities(0, 0, 0, 0), {"text": 0.5, "title": 0.5, "sense": 0.5, "title_sense": 0.5}
    base = pair_score(a, b, none, frozenset(), 100)
    assert 0.0 < base < 0.05
    for name, value in half.items():
        one = Similarities(**{"text": 0, "title": 0, "sense": 0, "title_sense": 0, name: value})
        assert pair_score(a, b, one, frozenset(), 100) > base
    whole = Similarities(**half)
    score = pair_score(a, b, whole, frozenset(), 100)
    elsewhere = case("3", labels={"section": {"价格科": 1.0}})
    assert pair_score(a, elsewhere, whole, frozenset(), 100) < score
    assert pair_score(a, b, whole, frozenset(), 50_000) < score
    assert pair_score(a, b, Similarities(1, 1, 1, 1), frozenset(), 100) <= 1.0


def test_a_case_is_not_found_in_an_empty_index_or_beside_itself(reader: Reader) -> None:
    index, (own,) = make_index(reader, [("停车场收费", "停车场乱收费")])
    assert search(index, own) == []
    empty, _ = make_index(reader, [])
    assert search(empty, own) == []
    assert len(index) == 1
    assert "0" in index
    assert "1" not in index


def test_the_case_that_shares_most_is_first(reader: Reader) -> None:
    index, made = make_index(
        reader,
        [
            ("关于冷链物流园区的建议", "建设冷链物流园区,降低仓储成本。"),
            ("关于停车场收费的建议", "停车场收费标准不公开,请物价部门核查。"),
            ("关于农村电网的建议", "农村电网老化,过年停电,请改造变电站。"),
        ],
    )
    wanted = make_case_text("q", Suggestion("停车场收费乱", "请公开停车场收费标准"), reader.segmenter)
    found = search(index, wanted)
    assert found[0].key == made[1].key
    assert "停车" in "".join(found[0].shared_terms)
    assert [r.score for r in found] == sorted((r.score for r in found), reverse=True)
    assert len(search(index, wanted, top=1)) == 1


def test_a_case_that_was_closed_meanwhile_is_a_precedent(reader: Reader) -> None:
    index, made = make_index(reader, [("停车", "停车场收费标准不公开"), ("停车", "停车场收费标准不公开")])
    assert search(index, made[1])[0].kind == "duplicate"
    index.update("0", closed=True, labels={"section": {"价格科": 1.0}})
    assert search(index, made[1])[0].kind == "precedent"


def test_cases_that_come_one_by_one_are_found_like_those_that_came_together(reader: Reader) -> None:
    things = ["停车场", "变电站", "幼儿园", "高速公路", "光伏", "码头", "水库", "粮库", "殡仪馆", "图书馆"]
    texts = [(f"关于{thing}的建议", f"请改善{thing},{thing}太少。") for thing in things]
    texts += [(f"{thing}问题", f"群众反映{thing}不够用。") for thing in things]
    index, made = make_index(reader, texts[:1])
    none = np.zeros(0, dtype=np.float32)
    for i, (title, body) in enumerate(texts[1:], start=1):
        made.append(make_case_text(str(i), Suggestion(title, body), reader.segmenter))
        search(index, made[-1])  # builds the matrices again and again
        index.add(made[-1], none, none)
    together, _ = make_index(reader, texts)
    for i, wanted in enumerate(made):
        partner = str((i + len(things)) % len(texts))
        assert search(index, wanted)[0].key == search(together, wanted)[0].key == partner


def test_a_large_index_still_finds_the_one(reader: Reader) -> None:
    texts = [(f"关于第{i}号道路的建议", f"第{i}村到第{i + 1}村道路狭窄。") for i in range(600)]
    texts[17] = ("关于养蜂合作社的建议", "养蜂合作社的蜂蜜卖不出去。")
    index, _ = make_index(reader, texts)
    wanted = make_case_text("q", Suggestion("蜂蜜滞销", "养蜂合作社蜂蜜没有销路"), reader.segmenter)
    assert search(index, wanted)[0].key == "17"
    index.add(
        make_case_text("late", Suggestion("", "养蜂合作社蜂蜜没有销路"), reader.segmenter),
        *[np.zeros(0, dtype=np.float32)] * 2,
    )
    assert {r.key for r in search(index, wanted, 2)} == {"17", "late"}


def write(tmp_path: Path, text: str, name: str = "cases.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, reader: Reader, queries: list[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    rows, _ = read_cases(path)
    lines = related_in_file(
        rows,
        [r.reference for r in rows] if queries is None else queries,
        reader,
        Taxonomy(),
        models={},
        top=10,
        threshold=0.33,
    )
    return {line["id"]: line["related"] for line in lines}


SMALL = (
    "id,title,body\n"
    "a,停车场收费,停车场收费标准不公开请物价部门核查并公示\n"
    "b,农村电网,农村电网老化过年停电请改造变电站\n"
    "c,停车场收费,停车场收费标准不公开请物价部门核查并公示\n"
    "d,冷链物流,建设冷链物流园区降低仓储成本\n"
)


def test_identical_texts_in_a_file_are_flagged_as_duplicates(tmp_path: Path, reader: Reader) -> None:
    found = run(write(tmp_path, SMALL), reader)
    assert list(found) == ["a", "b", "c", "d"]
    for one, other in (("a", "c"), ("c", "a")):
        best = found[one][0]
        assert (best["id"], best["kind"], best["flagged"]) == (other, "duplicate", True)
        assert best["score"] >= 0.8
        assert "停车" in "".join(best["shared_terms"])
    assert not any(r["flagged"] for r in found["b"])
    assert not any(r["id"] == one for one, others in found.items() for r in others)


def test_queries_ask_for_some_rows_only(tmp_path: Path, reader: Reader) -> None:
    path = write(tmp_path, SMALL)
    rows, _ = read_cases(path)
    queries = read_queries(write(tmp_path, "c\n\n a \n", "ids.txt"), rows)
    assert queries == ["c", "a"]
    assert list(run(path, reader, queries)) == ["c", "a"]


def test_an_unknown_id_is_refused_by_name(tmp_path: Path) -> None:
    rows, _ = read_cases(write(tmp_path, SMALL))
    with pytest.raises(InputError, match="1 个 id 不在案件文件里,例如:z"):
        read_queries(write(tmp_path, "a\nz\n", "ids.txt"), rows)


def test_two_rows_with_one_id_are_refused_with_both_lines(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="第 6 行的 id“a”与第 2 行重复"):
        read_cases(write(tmp_path, SMALL + "a,别的,别的内容\n"))


def test_rows_without_id_or_text_are_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows, bad = read_cases(write(tmp_path, SMALL + ",无编号,文\ne,,\nf,只有标题,\n"))
    assert [r.reference for r in rows] == ["a", "b", "c", "d", "f"]
    assert [(b.line, b.reason) for b in bad] == [(6, "缺少 id 或编号"), (7, "标题和正文都为空")]


def test_a_file_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="没有可用的行"):
        read_cases(write(tmp_path, "title,body\n停车,收费\n"))


def test_titles_alone_and_unreadable_dates_are_enough(tmp_path: Path, reader: Reader) -> None:
    text = "编号,案由,收件日期\n1,停车场收费标准公开,去年\n2,停车场收费标准公开,2026-01-05\n3,农村电网,\n"
    found = run(write(tmp_path, text), reader)
    assert found["1"][0]["id"] == "2"
    assert found["1"][0]["flagged"]


def test_an_earlier_year_in_the_file_is_a_precedent(tmp_path: Path, reader: Reader) -> None:
    text = SMALL.replace("id,title,body", "id,title,body,收件日期")
    lines = text.splitlines()
    dated = [lines[0], *(f"{line},{2024 + i}-01-05" for i, line in enumerate(lines[1:]))]
    found = run(write(tmp_path, "\n".join(dated) + "\n"), reader)
    assert found["c"][0]["kind"] == "precedent"  # a is two years older than c
    assert found["a"][0]["id"] == "c"
    assert found["a"][0]["kind"] == "related"


def test_the_sample_office_has_words_for_every_section(cache_dir: Path) -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    index = CaseIndex(get_segmenter(taxonomy.terms(), cache_dir), get_encoder("none"), taxonomy)
    assert set(index.section_words) == {label.name for label in taxonomy.section}
    assert "物流" in index.section_words["服务业发展科"]
    assert all(index.section_words.values())
