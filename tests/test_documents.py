"""Suggestions out of CSV files, row by row."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from triage.documents.rows import BadRow, Row, read_csv, read_text
from triage.errors import InputError


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path) -> list[Row | BadRow]:
    return list(read_csv(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_encodings_that_excel_writes_are_read(tmp_path: Path, encoding: str) -> None:
    (row,) = read(write(tmp_path, "编号,标题,正文\n第001号,停车,收费高\n", encoding))
    assert isinstance(row, Row)
    assert (row.get("number"), row.get("title"), row.get("body")) == ("第001号", "停车", "收费高")


def test_usual_chinese_headers_are_understood(tmp_path: Path) -> None:
    header = "建议编号,会议名称,案由,建议内容,领衔人,界别,交办日期,主办科室,内容分类,办理方式,办复类别,文号,办复日期"
    cells = "1,六届,题,文,李,经济界,2026年1月5日,能源科,能源,立即办理,A,〔2026〕1号,2026/3/2"
    (row,) = read(write(tmp_path, f"{header}\n{cells}\n"))
    assert isinstance(row, Row)
    wanted = ("number", "session", "title", "body", "deputy", "delegation", "section", "topic", "handling")
    assert [row.get(f) for f in wanted] == [
        "1",
        "六届",
        "题",
        "文",
        "李",
        "经济界",
        "能源科",
        "能源",
        "立即办理",
    ]
    assert (row.get("result_class"), row.get("reply_number")) == ("A", "〔2026〕1号")
    assert (row.date("received_on"), row.date("replied_on")) == (date(2026, 1, 5), date(2026, 3, 2))


def test_our_own_name_of_a_column_wins_over_others(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path, "序号,number,body\n1,第081号,文\n"))
    assert isinstance(row, Row)
    assert row.get("number") == "第081号"


def test_header_case_and_space_do_not_matter(tmp_path: Path) -> None:
    (row,) = read(write(tmp_path, " Title , BODY\n题,文\n"))
    assert isinstance(row, Row)
    assert (row.get("title"), row.get("body")) == ("题", "文")


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    text = 'title,body\n一,"第一行\n第二行\n第三行"\n二,文\n\n三,文,多\n四,文\n'
    rows = read(write(tmp_path, text))
    assert [r.line for r in rows] == [2, 5, 7, 8]
    assert isinstance(rows[0], Row)
    assert rows[0].get("body") == "第一行\n第二行\n第三行"
    assert isinstance(rows[2], BadRow)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_line_endings_do_not_matter(tmp_path: Path, newline: str) -> None:
    rows = read(write(tmp_path, newline.join(["title,body", "一,文", "二,文", ""])))
    assert [(r.line, isinstance(r, Row)) for r in rows] == [(2, True), (3, True)]


def test_a_row_with_missing_or_extra_cells_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = read(write(tmp_path, "title,body,deputy\n一,文\n二,文,李\n三,文,李,张\n四,文,王\n"))
    assert [type(r) for r in rows] == [BadRow, Row, BadRow, Row]
    assert isinstance(rows[0], BadRow)
    assert "有 2 列,表头是 3 列" in rows[0].reason


def test_an_unclosed_quote_is_named_with_the_line_where_it_opens(tmp_path: Path) -> None:
    rows = read(write(tmp_path, 'title,body\n一,文\n二,"没有收尾\n三,文\n四,文\n'))
    assert [type(r) for r in rows] == [Row, BadRow]
    assert isinstance(rows[1], BadRow)
    assert rows[1].line == 3
    assert "引号" in rows[1].reason


def test_a_cell_of_two_megabytes_can_be_read(tmp_path: Path) -> None:
    body = "长" * 700_000
    (row,) = read(write(tmp_path, f"title,body\n一,{body}\n"))
    assert isinstance(row, Row)
    assert len(row.get("body")) == 700_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "空文件"),
        ("title,deputy\n一,李\n", "缺少“正文”列.*title、deputy"),
        ('"title,body\n一,文\n', "表头"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        read(write(tmp_path, text))


def test_a_missing_file_a_folder_and_a_picture_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="找不到文件"):
        read_text(tmp_path / "none.csv")
    with pytest.raises(InputError, match="是目录"):
        read_text(tmp_path)
    picture = tmp_path / "picture.csv"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xff\xff\xff")
    with pytest.raises(InputError, match="既不是 UTF-8 也不是 GB18030"):
        read_text(picture)


@pytest.mark.parametrize(
    "raw",
    ["2026-01-15", "2026/1/15", "2026.1.15", "2026年1月15日", " 2026-01-15 08:30:00 ", "2026-1-15T00:00"],
)
def test_dates_are_read_as_people_write_them(raw: str) -> None:
    assert Row(2, {"received_on": raw}).date("received_on") == date(2026, 1, 15)


@pytest.mark.parametrize("raw", ["去年", "2026-13-01", "2026-02-30", "15/01/2026", "456720", "2026年"])
def test_what_is_no_date_is_refused_with_its_column(raw: str) -> None:
    with pytest.raises(InputError, match=f"收件日期“{raw}”不是日期"):
        Row(2, {"received_on": raw}).date("received_on")


def test_an_empty_or_absent_date_is_none() -> None:
    assert Row(2, {"received_on": " "}).date("received_on") is None
    assert Row(2, {}).date("received_on") is None


def test_a_row_is_called_by_its_id_or_else_its_number() -> None:
    assert Row(2, {"id": "7", "number": "第081号"}).reference == "7"
    assert Row(2, {"id": " ", "number": "第081号"}).reference == "第081号"
    assert Row(2, {}).reference == ""
