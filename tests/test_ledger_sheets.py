"""Ledgers out of sheets of many layouts; a messy one with a report of every row."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from later_sheets import LAYOUTS as LATER
from later_sheets import SheetLayout as Later
from sheet_layouts import MESSY_ASIDES, MESSY_REFUSED, MESSY_TAKEN, SHEETS, SheetLayout, messy

from training import sample_office
from triage.bulk import import_file
from triage.bulk_report import BulkReport
from triage.desk import Desk
from triage.documents.columns import ColumnMap, parse_map
from triage.documents.fields import split_names
from triage.documents.ledger_sheet import Aside, read_ledger
from triage.documents.reading import read_content
from triage.documents.rows import Row
from triage.errors import InputError
from triage.ledger.cases import get_case
from triage.sheet_records import record_of, submission_of
from triage.taxonomy import load_taxonomy
from triage.text import normalise

DAYS = ("received_on", "closed_on", "replied_on", "due_on")


def read(path: Path, mapping: ColumnMap | None = None) -> list[Row]:
    found = read_ledger(read_content(path.read_bytes(), path.name), mapping)
    return [row for row in found.rows if isinstance(row, Row)]


@pytest.mark.parametrize("layout", SHEETS, ids=lambda layout: layout.name)
def test_every_field_of_every_row_is_found(tmp_path: Path, layout: SheetLayout) -> None:
    path, truth = layout.make(tmp_path)
    rows = read(path)
    assert len(rows) == len(truth)
    for row, wanted in zip(rows, truth, strict=True):
        found = {name: text.strip() for name, text in row.fields.items() if text.strip()}
        found |= {name: str(row.date(name)) for name in DAYS if name in found}
        assert found == wanted


@pytest.mark.parametrize("layout", LATER, ids=lambda layout: layout.name)
def test_ledgers_drawn_by_somebody_else_become_the_same_records(tmp_path: Path, layout: Later) -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    path = layout.make(tmp_path)
    rows = read(path)
    assert len(rows) == len(layout.truth)
    for row, wanted in zip(rows, layout.truth, strict=True):
        record, _ = record_of(row, submission_of(row, ""), taxonomy)
        told = {
            name: str(getattr(record.submission, name, "") or getattr(record, name, "")) for name in wanted
        }
        told |= {name: decided.label for name, decided in record.labels.items() if name in wanted}
        told |= {name: row.get(name) for name in ("feedback",) if name in wanted}
        told |= {
            name: "、".join(split_names(told[name]) or [told[name]])
            for name in ("cosigners",)
            if name in told
        }
        assert {name: normalise(text) for name, text in told.items()} == {
            name: normalise(text) for name, text in wanted.items()
        }


def test_a_messy_sheet_is_taken_in_as_far_as_it_goes_and_the_rest_told_cell_by_cell(
    desk: Desk, tmp_path: Path
) -> None:
    path = messy(tmp_path / "台账.xlsx")
    report = import_file(desk, path, who="李", session="六届五次")
    assert [taken.line for taken in report.taken] == MESSY_TAKEN
    assert {bad.cell: bad.reason[: len(MESSY_REFUSED[bad.cell])] for bad in report.refused} == MESSY_REFUSED
    assert [aside.line for aside in report.asides] == MESSY_ASIDES
    assert len(report.created) == 3  # line 8 is line 5 once more
    with desk.ledger.read() as session:
        second = get_case(report.created[1], session=session)
        assert (second.number, str(second.received_on), str(second.closed_on)) == (
            "第002号",
            "2025-02-03",
            "2025-05-06",
        )
        formula = get_case(report.created[2], session=session)
        assert (formula.title, str(formula.received_on)) == ("=SUM(A1)", "2025-03-01")
    assert (report.columns[0]["used"]["result_class"], report.columns[0]["unused"]) == ("办理结果", ())
    again = import_file(desk, path, who="李", session="六届五次")
    assert (again.created, len(again.taken)) == ([], len(MESSY_TAKEN))
    assert BulkReport.from_dict(again.to_dict()) == again


def two_sheets(path: Path) -> Path:
    book = openpyxl.Workbook()
    for name, number in (("人大建议", "第001号"), ("政协提案", "第001号")):
        sheet = book.create_sheet(name)
        sheet.append(["编号", "届次", "案由", "交办日期", "承办科室"])
        sheet.append([number, name, "停电", "2025.1.1", "能源科" if name == "人大建议" else "没有的科"])
    hidden = book.create_sheet("草稿")
    hidden.append(["编号", "案由"])
    hidden.sheet_state = "hidden"
    book["Sheet"].append(["本册共两张表"])
    book.save(path)
    return path


def test_sheets_are_read_one_by_one_and_the_place_names_them(desk: Desk, tmp_path: Path) -> None:
    report = import_file(desk, two_sheets(tmp_path / "a.xlsx"), who="李", closed=True)
    assert [(t.sheet, t.line) for t in report.taken] == [("人大建议", 2)]
    assert [(bad.sheet, bad.cell) for bad in report.refused] == [("政协提案", "E2")]
    assert any("草稿" in note and "隐藏" in note for note in report.notes)
    assert any("“Sheet”不是台账" in note for note in report.notes)
    with desk.ledger.read() as session:
        (file,) = get_case(report.created[0], session=session).files
        assert file.place == "工作表“人大建议”第 2 行"


def test_own_names_of_columns_and_values_are_mapped_by_pair_or_file(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["事项", "责任部门", "日子"])
    book.active.append(["停电", "电力处", "2025.1.1"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"没有找到表头.*事项、责任部门、日子"):
        read(tmp_path / "a.xlsx")
    (tmp_path / "对照.txt").write_text(
        "# 去年的表\n承办科室 = 责任部门\n\n收件日期=日子\n承办科室:电力处=能源科\n"
    )
    mapping = parse_map(["标题=事项", str(tmp_path / "对照.txt")])
    (row,) = read(tmp_path / "a.xlsx", mapping)
    assert dict(row.fields) == {"title": "停电", "section": "能源科", "received_on": "2025.1.1"}
    with pytest.raises(InputError, match=r"“没有这列”列\(正文\)在表里没有"):
        read(tmp_path / "a.xlsx", parse_map(["标题=事项", "正文=没有这列"]))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("没有的栏=x", "没有“没有的栏”这一栏"),
        ("nowhere.txt", "没有这个文件"),
        ("标题=", "看不懂"),
        ("=事项", "看不懂"),
    ],
)
def test_a_mapping_that_is_not_understood_is_refused(tmp_path: Path, given: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_map([given])
    (tmp_path / "m.txt").write_text(f"标题=事项\n{given}\n")
    with pytest.raises(InputError, match=says if "=" in given else "看不懂"):
        parse_map([str(tmp_path / "m.txt")])


def test_a_colon_in_place_of_the_sign_is_told_how_to_be_written() -> None:
    with pytest.raises(InputError, match="对照“标题:建议题目”看不懂,应写成“标题=表里的列名”"):
        parse_map(["标题:建议题目"])


def test_the_row_that_looks_like_a_header_is_shown_and_not_a_merged_title(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["2025年工作一览"])
    book.active.merge_cells("A1:C1")
    book.active.append(["事项", "责任部门", "日子"])
    book.active.append(["停电", "电力处", "2025.1.1"])
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError, match=r"第 2 行像是表头:事项、责任部门、日子。$") as caught:
        read(tmp_path / "a.xlsx")
    assert "2025年工作一览" not in caught.value.message
    with pytest.raises(
        InputError, match=r"对照中的“事向”列\(标题\)在表里没有。表里的列:事项、责任部门、日子"
    ):
        read(tmp_path / "a.xlsx", parse_map(["标题=事向"]))


def test_columns_that_only_share_a_name_with_ours_are_left_out(desk: Desk, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["编号", "案由", "类型", "办理方式", "交办日期", "承办科室"])
    book.active.append(["1", "停电", "经济类", "书面", "2025.1.1", "能源科"])
    book.save(tmp_path / "a.xlsx")
    report = import_file(desk, tmp_path / "a.xlsx", who="李", closed=True)
    assert (len(report.created), report.refused) == (1, [])
    assert [note[:6] for note in report.notes] == ["“类型”一列", "“办理方式”"]


def test_what_a_sheet_says_of_contacts_and_feedback_is_entered_or_told(desk: Desk, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["编号", "案由", "领衔代表", "交办日期", "承办科室", "办结日期", "面商情况", "满意度"])
    rows = [
        ("电话联系", "满意"),
        ("2025.2.1 面商 张三:谈了电价\n已上门走访", "基本满意"),
        ("领导很重视", "尚可"),
    ]
    for n, (contacts, feedback) in enumerate(rows):
        book.active.append([str(n), "停电", "张三", "2025.1.1", "能源科", "2025.3.1", contacts, feedback])
    book.save(tmp_path / "a.xlsx")
    report = import_file(desk, tmp_path / "a.xlsx", who="李")
    with desk.ledger.read() as session:
        cases = [get_case(i, session=session) for i in report.created]
        held = [[(k.how, str(k.held_on), k.deputy, k.what) for k in case.contacts] for case in cases]
        said = [[(f.verdict, str(f.given_on)) for f in case.feedback] for case in cases]
    assert held == [
        [("phone", "2025-03-01", "张三", "")],
        [("meeting", "2025-02-01", "张三", "谈了电价"), ("visit", "2025-03-01", "张三", "")],
        [],
    ]
    assert said == [[("满意", "2025-03-01")], [("基本满意", "2025-03-01")], []]
    assert ["G4" in line or "H4" in line for line in report.kept] == [True, True]
    assert [isinstance(a, Aside) for a in report.asides] == []


def sheet_of(path: Path, *rows: list[str]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


PLAIN = ["编号", "案由", "领衔代表", "交办日期", "承办科室"]


def test_a_row_that_does_not_say_it_is_over_is_never_closed(desk: Desk, tmp_path: Path) -> None:
    path = sheet_of(tmp_path / "a.xlsx", PLAIN, ["1", "停电", "张三", "2025.1.1", "能源科"])
    report = import_file(desk, path, who="李")
    assert report.taken == []
    assert "看不出是否办结" in report.refused[0].reason
    said = import_file(desk, path, who="李", closed=True)
    with desk.ledger.read() as session:
        assert get_case(said.created[0], session=session).state == "closed"


@pytest.mark.parametrize(
    ("header", "word", "state"),
    [
        ("办理进度", "正在办理", "in_handling"),
        ("是否办结", "否", "in_handling"),
        ("是否办结", "是", "closed"),
    ],
)
def test_where_a_case_stands_is_read_under_other_names(
    desk: Desk, tmp_path: Path, header: str, word: str, state: str
) -> None:
    row = ["1", "停电", "张三", "2025.1.1", "能源科", word]
    report = import_file(desk, sheet_of(tmp_path / "a.xlsx", [*PLAIN, header], row), who="李")
    with desk.ledger.read() as session:
        assert get_case(report.created[0], session=session).state == state


def test_a_row_with_a_number_and_a_signer_is_no_remark(desk: Desk, tmp_path: Path) -> None:
    path = sheet_of(
        tmp_path / "a.xlsx", PLAIN, ["202", "", "乙二", "", ""], ["说明:止于六月", "", "", "", ""]
    )
    report = import_file(desk, path, who="李")
    assert [(bad.line, bad.cell) for bad in report.refused] == [(2, "B2")]
    assert [aside.line for aside in report.asides] == [3]
