"""The command line takes files in: documents, lists, ledgers; interrupted and gone on with; and gives the ledger out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pytest
from live_server import REPO, clean_env
from odd_files import BODY, word
from sheet_layouts import messy
from test_command import Ran, Run, count, home, places, refused, run

__all__ = ["home", "run"]  # fixtures of test_command, used here


def suggestion(path: Path, number: str = "第081号", body: str = BODY) -> Path:
    paper = docx.Document()
    for text in (number, "案由:关于增设路灯的建议", "领衔代表:王建国", "无关的一行说明文字", "正文:", body):
        paper.add_paragraph(text)
    paper.save(str(path))
    return path


def test_a_document_is_taken_in_and_what_was_not_found_is_told(run: Run, home: Path, tmp_path: Path) -> None:
    path = suggestion(tmp_path / "建议.docx")
    ran = run(home, "intake", path, "--who", "李科员")
    assert ran.code == 0
    assert "已登记为台账第 1 件" in ran.out
    assert "领衔代表:王建国" in ran.out
    assert "没有读到:届次、附议代表、代表团、联系电话、建议承办单位" in ran.out
    assert "没有归入哪一栏:无关的一行说明文字" in ran.out
    assert "已在台账,是第 1 件" in run(home, "intake", path).out
    changed = run(home, "intake", suggestion(tmp_path / "改.docx", body=BODY + "请尽快。"))
    assert "这次内容不同" in changed.out
    assert count(home)["case"] == 1
    assert count(home)["original"] == 2


def test_many_files_go_on_past_one_that_cannot_be_read(run: Run, home: Path, tmp_path: Path) -> None:
    (tmp_path / "坏.docx").write_bytes(word()[:5_000])
    files = [suggestion(tmp_path / f"{n}.docx", f"第{n:03}号") for n in (1, 2)]
    ran = run(home, "intake", files[0], tmp_path / "坏.docx", files[1])
    assert ran.code == 3
    assert "坏.docx 没有登记:" in ran.out
    assert "损坏" in ran.out
    assert count(home)["case"] == 2
    told = run(home, "intake", *files, tmp_path / "坏.docx", "--json").json["files"]
    assert [file.get("known") for file in told] == [1, 1, None]
    assert "损坏" in told[2]["problem"]
    refused(run(home, "intake", tmp_path / "坏.docx"), "坏.docx", "损坏")


def test_an_import_tells_columns_refusals_cell_by_cell_and_remarks(
    run: Run, home: Path, tmp_path: Path
) -> None:
    ran = run(home, "import", messy(tmp_path / "台账.xlsx"), "--session", "六届五次")
    assert ran.code == 3
    assert "新登记 3 件,已在台账 1 件,未能登记 7 行" in ran.out
    assert "案由→标题" in ran.out
    assert "第 9 行(F9):承办科室“粮食处”不在分类文件中" in ran.out
    assert "第 7 行(A7):编号“第001号”与第 4 行重复" in ran.out
    assert "第 17 行不是建议件,略过:合计" in ran.out
    mapped = run(
        home,
        "import",
        tmp_path / "台账.xlsx",
        "--session",
        "六届五次",
        "--map",
        "承办科室:粮食处=粮食和物资储备科",
    )
    assert "新登记 1 件" in mapped.out
    refused(run(home, "import", tmp_path / "台账.xlsx", "--map", "没有=x"), "没有“没有”这一栏")
    refused(run(home, "import", suggestion(tmp_path / "a.docx")), "不是台账")


def test_the_ledger_goes_out_as_a_workbook_that_comes_in_again(run: Run, home: Path, tmp_path: Path) -> None:
    run(home, "import", messy(tmp_path / "台账.xlsx"), "--session", "六届五次")
    assert "已导出 3 件" in run(home, "export", tmp_path / "out.xlsx").out
    book = openpyxl.load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["台账", "年度统计", "提醒"]
    sheet = book["台账"]
    names = {cell.value: cell.column_letter for cell in sheet[1]}
    day = sheet[f"{names['收件日期']}2"]
    assert (day.is_date, day.number_format) == (True, "yyyy-mm-dd")
    assert sheet.freeze_panes == "E2"
    assert sheet.auto_filter.ref is not None
    assert sheet.column_dimensions[names["标题"]].width > 40
    formula = next(cell for cell in sheet[names["标题"]] if cell.value == "=SUM(A1)")
    assert (formula.data_type, formula.quotePrefix) == ("s", True)
    assert "已在台账 3 件" in run(home, "import", tmp_path / "out.xlsx").out
    only = run(
        home, "export", tmp_path / "one.csv", "--section", "能源科", "--state", "closed", "--year", "2025"
    )
    assert "已导出 2 件" in only.out


def test_an_interrupted_import_goes_on_where_it_was(run: Run, home: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["编号", "案由", "交办日期", "承办科室"])
    for n in range(600):
        book.active.append([f"第{n}号", f"第{n}件事情", "2025.1.1", "能源科"])
    book.save(tmp_path / "a.xlsx")
    command = [
        sys.executable,
        "-m",
        "service.command",
        "import",
        str(tmp_path / "a.xlsx"),
        "--closed",
        "--who",
        "李",
    ]
    process = subprocess.Popen(
        command, cwd=REPO, env={**clean_env(), **places(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while count(home)["case"] < 64 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    there = count(home)["case"]
    assert 64 <= there < 600
    assert process.returncode == 130
    assert "已中断" in out.decode()
    assert "Traceback" not in err.decode()
    ended: Ran = run(home, "import", tmp_path / "a.xlsx", "--closed", "--json")
    assert (ended.json["created"], ended.json["known"]) == (600 - there, there)


def test_an_error_about_a_file_names_it_once(run: Run, home: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["甲", "乙", "丙"])
    book.active.append(["1", "2", "3"])
    book.save(tmp_path / "怪表.xlsx")
    ran = run(home, "import", tmp_path / "怪表.xlsx")
    refused(ran, "怪表.xlsx:没有找到表头", "第 1 行像是表头:甲、乙、丙")
    (tmp_path / "坏.docx").write_bytes(word()[:5_000])
    several = run(home, "intake", tmp_path / "坏.docx", suggestion(tmp_path / "好.docx"))
    assert several.out.count("坏.docx") == 1


def test_the_day_of_receipt_is_told_and_can_be_given(run: Run, home: Path, tmp_path: Path) -> None:
    path = suggestion(tmp_path / "建议.docx", body=f"{BODY}\n2026年1月12日")
    told = run(home, "intake", path, "--received", "2026.1.20").out
    assert "文稿上没有收件日期,按 2026-01-20 登记;文稿落款或提出的日期是 2026-01-12" in told
    assert run(home, "show", "1", "--json").json["received_on"] == "2026-01-20"
    today = suggestion(tmp_path / "另.docx", "第082号")
    assert f"按 {date.today()} 登记。" in run(home, "intake", today).out
    assert "收件日期" in run(home, "intake", today, "--received", "2099-01-01").err
    sheet = tmp_path / "清单.csv"
    sheet.write_text(f'编号,标题,正文\n第083号,路灯,"{BODY}"\n', encoding="utf-8")
    assert (
        "表里没有收件日期一列,按 2026-02-01 登记" in run(home, "intake", sheet, "--received", "20260201").out
    )
    assert run(home, "show", "3", "--json").json["received_on"] == "2026-02-01"


@pytest.mark.parametrize("day", ["2024.2.8", "2024/2/8", "20240208", "2024年2月8日", "2024-02-08"])
def test_days_are_taken_as_people_write_them_and_states_by_their_names(
    run: Run, home: Path, tmp_path: Path, day: str
) -> None:
    run(home, "intake", suggestion(tmp_path / "建议.docx"), "--received", day)
    assert (
        run(home, "list", "--from", day, "--to", day, "--state", "待认定、已办结", "--json").json["total"]
        == 1
    )
    assert run(home, "list", "--state", "已办结", "--json").json["total"] == 0
    refused(run(home, "list", "--from", "春节前"), "“春节前”不是日期", code=2)
    refused(run(home, "list", "--state", "待处理"), "没有“待处理”这个状态", "待认定(in_review)")


def test_no_empty_book_is_exported(run: Run, home: Path, tmp_path: Path) -> None:
    run(home, "intake", suggestion(tmp_path / "建议.docx"))
    refused(run(home, "export", tmp_path / "空.xlsx", "--year", "2030"), "没有符合条件的建议件")
    assert not list(tmp_path.glob("*空*"))
    assert run(home, "export", tmp_path / "满.xlsx", "--state", "待认定").code == 0


def test_a_letter_of_the_invented_office_is_warned_of(run: Run, home: Path, tmp_path: Path) -> None:
    run(home, "intake", suggestion(tmp_path / "建议.docx"))
    assert "虚构的示例单位" in run(home, "letter", 1, tmp_path / "答复.docx").err
    office = home / "var" / "office.toml"
    office.write_text(office.read_text("utf-8").replace("invented = true\n", ""), encoding="utf-8")
    assert "虚构" not in run(home, "letter", 1, tmp_path / "再.docx").err


@pytest.mark.parametrize("command", ["intake", "import"])
def test_help_names_what_is_taken(run: Run, home: Path, command: str) -> None:
    assert "--map" in run(home, command, "--help").out
