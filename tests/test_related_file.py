"""Related cases and groups inside one file, without a ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from triage.encoder import get_encoder
from triage.errors import InputError
from triage.reading import Reader
from triage.related_file import FileIndex, groups_in_file, read_cases, read_queries, related_in_file
from triage.taxonomy import Taxonomy
from triage.text import get_segmenter


@pytest.fixture(scope="module")
def reader() -> Reader:
    """Words only, so quick."""
    return Reader(get_segmenter(("停车场",)), get_encoder("none"))


def write(tmp_path: Path, text: str, name: str = "cases.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def run(path: Path, reader: Reader, queries: list[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    rows, _ = read_cases(path)
    index = FileIndex(rows, reader, Taxonomy(), models={})
    asked = [r.reference for r in rows] if queries is None else queries
    lines = related_in_file(asked, index, top=10, threshold=0.33)
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


def test_a_flagged_pair_says_where_the_two_differ(tmp_path: Path, reader: Reader) -> None:
    again = SMALL + "e,停车场收费,停车场收费标准不公开请物价部门核查并公示投诉电话\n"
    found = run(write(tmp_path, again), reader)
    entry = next(r for r in found["e"] if r["id"] == "a")
    assert "停车场" in entry["shared_terms"]
    assert "电话" in "".join(entry["differs"]["own"])
    assert entry["differs"]["other"] == []
    assert all("differs" not in r for r in found["b"] if not r["flagged"])


def test_groups_hold_what_belongs_together_in_one_year(tmp_path: Path, reader: Reader) -> None:
    body = "停车场收费标准不公开请物价部门核查并公示"
    text = (
        "id,title,body,收件日期\n"
        f"a,停车场收费,{body},2026-03-01\n"
        f"b,停车场收费,{body}明白,2026-02-01\n"
        f"c,停车场收费,{body},2025-02-01\n"
        "d,农村电网,农村电网老化过年停电请改造变电站,2026-02-01\n"
    )
    rows, _ = read_cases(write(tmp_path, text))
    index = FileIndex(rows, reader, Taxonomy(), models={})
    (group,) = groups_in_file(rows, index, threshold=0.33)
    assert group.keys == ("b", "a")  # the earlier one first; c is an earlier year's
    assert group.lead == "b"
    assert "停车场" in group.name
    assert group.to_dict()["pairs"][0]["score"] >= 0.8
