"""Whole files through the desk: each bad row named with its line, every good one in, none twice."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from triage.bulk import import_file, intake_file
from triage.bulk_report import BulkReport
from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.search import CaseFilter, list_cases
from triage.ledger.tables import CaseRow

HEADER = "编号,届次,案别,标题,正文,领衔代表,收件日期\n"


def good(n: int, body: str = "停车场乱收费,请严查。") -> str:
    return f'第{n:03}号,六届五次,建议,停车收费{n},"{body}",李,2026-01-{n % 28 + 1:02}\n'


def write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


def numbers(desk: Desk) -> list[str | None]:
    with desk.ledger.read() as session:
        return list(session.scalars(select(CaseRow.number).order_by(CaseRow.id)))


def assert_refused(report: BulkReport, wanted: dict[int, str]) -> None:
    """Exactly those lines, each with a reason that starts so."""
    refused = {bad.line: bad.reason for bad in report.refused}
    assert len(refused) == len(report.refused)
    assert {line: refused.get(line, "")[: len(says)] for line, says in wanted.items()} == wanted
    assert refused.keys() == wanted.keys()


def test_good_and_bad_rows_mixed(desk: Desk, tmp_path: Path) -> None:
    text = HEADER + good(1)  # line 2
    text += "第002号,六届五次,建议\n"  # 3: columns missing
    text += "第003号,六届五次,建议,题,文,李,2026-01-05,多,余\n"  # 4: too many
    text += "第004号,六届五次,建议,题,,李,2026-01-05\n"  # 5: no body
    text += f"第005号,六届五次,建议,题,{'长' * 700_000},李,2026-01-05\n"  # 6: 2 MB
    text += "第006号,六届五次,建议,题,文,李,去年冬天\n"  # 7: no date
    text += "第007号,六届五次,来信,题,文,李,2026-01-05\n"  # 8: unknown kind
    text += good(8, "第一行\n第二行")  # 9, 10
    text += "\n" + good(9)  # 11 empty, 12
    text += '第010号,六届五次,建议,题,"没有收尾的引号,李,2026-01-05\n'  # 13
    text += good(11)
    report = intake_file(desk, write(tmp_path, text), who="李")
    assert_refused(
        report,
        {
            3: "有 3 列,表头是 7 列",
            4: "有 9 列,表头是 7 列",
            5: "正文为空",
            6: "正文太长:700,000 字",
            7: "收件日期“去年冬天”不是日期",
            8: "案别“来信”无效",
            13: "引号不成对",
        },
    )
    assert numbers(desk) == ["第001号", "第008号", "第009号"]
    assert len(report.created) == 3
    assert report.to_dict()["created"] == 3
    assert [r["line"] for r in report.to_dict()["refused"]] == [bad.line for bad in report.refused]


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig"])
def test_files_as_excel_writes_them(desk: Desk, tmp_path: Path, encoding: str) -> None:
    report = intake_file(desk, write(tmp_path, HEADER + good(1) + good(2), encoding), who="李")
    assert (len(report.created), report.refused) == (2, [])
    with desk.ledger.read() as session:
        rows, _ = list_cases(CaseFilter(text="停车收费2"), session=session)
    (case,) = rows
    assert (case.session, case.kind, case.deputy) == ("六届五次", "建议", "李")
    assert case.received_on == date(2026, 1, 3)


def test_running_a_file_again_doubles_nothing(desk: Desk, tmp_path: Path) -> None:
    numbered = HEADER + "".join(good(n) for n in range(1, 5))
    plain = HEADER + ",,,题一,没有编号的内容。,李,\n,,,题二,另一件没有编号。,王,\n"
    for text, count in ((numbered, 4), (plain, 2)):
        path = write(tmp_path, text)
        first, second = (intake_file(desk, path, who="李") for _ in range(2))
        assert (len(first.created), first.known) == (count, 0)
        assert (len(second.created), second.known, second.differing) == (0, count, [])
    assert len(numbers(desk)) == 6


def test_a_row_that_came_again_changed_is_named_and_kept(desk: Desk, tmp_path: Path) -> None:
    intake_file(desk, write(tmp_path, HEADER + good(1) + good(2)), who="李")
    report = intake_file(desk, write(tmp_path, HEADER + good(1) + good(2, "改过的内容")), who="王")
    assert (report.created, report.known, report.differing) == ([], 2, [3])
    with desk.ledger.read() as session:
        rows, _ = list_cases(CaseFilter(text="第002号"), session=session)
        assert rows[0].body == "停车场乱收费,请严查。"
        (resent,) = (e for e in rows[0].events if e.kind == "resent")
        assert resent.detail["sent"]["body"] == "改过的内容"
        assert len(rows[0].files) == 2  # the sheet it came in first, and the one it came in again


def test_one_number_for_two_matters_in_a_file_is_refused_with_both_lines(desk: Desk, tmp_path: Path) -> None:
    report = intake_file(desk, write(tmp_path, HEADER + good(1) + good(1) + good(1, "别的内容")), who="李")
    assert (len(report.created), report.known) == (1, 1)
    assert_refused(report, {4: "编号“第001号”与第 2 行重复,内容却不同"})


def test_the_session_of_the_command_stands_in(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, "id,title,body,session\n7,题,文,\n8,题,文章,六届四次\n")
    intake_file(desk, path, who="李", session="六届五次")
    with desk.ledger.read() as session:
        found = session.execute(select(CaseRow.number, CaseRow.session).order_by(CaseRow.id)).all()
    assert [tuple(row) for row in found] == [("7", "六届五次"), ("8", "六届四次")]


def test_an_interrupted_file_goes_on_where_it_stopped(desk: Desk, tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "".join(good(n) for n in range(1, 71)))
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        intake_file(desk, path, who="李", progress=stop)
    (done, total) = seen[0]
    assert 0 < done < total == 70
    assert len(numbers(desk)) == done
    steps: list[int] = []
    report = intake_file(desk, path, who="李", progress=lambda at, _: steps.append(at))
    assert (report.known, len(report.created)) == (done, 70 - done)
    assert steps == sorted(steps)
    assert steps[-1] == 70
    assert numbers(desk) == [f"第{n:03}号" for n in range(1, 71)]


def test_a_file_without_rows_takes_in_nothing(desk: Desk, tmp_path: Path) -> None:
    report = intake_file(desk, write(tmp_path, HEADER), who="李")
    assert (report.taken, report.refused, report.asides) == ([], [], [])
    assert report.columns[0]["used"]["received_on"] == "收件日期"


@pytest.mark.parametrize("text", ["", "标题,领衔代表\n题,李\n"])
def test_a_file_that_cannot_be_used_is_refused_whole(desk: Desk, tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        intake_file(desk, write(tmp_path, text), who="李")
    assert numbers(desk) == []


CLOSED = "编号,标题,正文,收件日期,承办科室,主题,办理类型,办理结果,办结日期,答复文号\n"


def test_a_past_year_is_imported_and_mistakes_are_named_by_line(desk: Desk, tmp_path: Path) -> None:
    text = CLOSED
    text += "1,题,停电,2025-01-05,能源科,能源,立即办理,A,2025-05-01,云〔2025〕1号\n"  # 2
    text += "2,题,停电二,2025-01-05,电力科,能源,立即办理,A,2025-05-01,\n"  # 3: no such section
    text += "3,题,停电三,2025-01-05,能源科,能源,立即办理,Z,2025-05-01,\n"  # 4: no such class
    text += "4,题,停电四,2025-01-05,,,,A,2025-05-01,\n"  # 5: no label
    text += "5,题,停电五,,能源科,能源,,,,\n"  # 6: no date at all
    text += "6,题,停电六,2025-01-05,能源科,能源,,A,五月,\n"  # 7: bad date of closing
    text += "7,题,,2025-01-05,能源科,能源,,A,2025-05-01,\n"  # 8: no body
    text += "8,题,停电八,,能源科,,,B,2025-06-01,\n"  # 9: the day of closing stands in
    report = import_file(desk, write(tmp_path, text), who="李", session="六届四次")
    assert_refused(
        report,
        {
            3: "承办科室“电力科”不在分类文件中",
            4: "“Z”不是办理结果类别",
            5: "没有承办科室、主题、办理类型",
            6: "缺少收件日期和办结日期",
            7: "办结日期“五月”不是日期",
        },
    )
    assert len(report.created) == 3  # the seventh has only a title, as ledgers do
    with desk.ledger.read() as session:
        first, untold, last = session.scalars(select(CaseRow).order_by(CaseRow.id)).all()
        assert (untold.title, untold.body) == ("题", "")
        assert {d.target: d.label for d in first.decisions} == {
            "section": "能源科",
            "topic": "能源",
            "handling": "立即办理",
        }
        assert (first.state, first.result_class, first.reply_number) == ("closed", "A", "云〔2025〕1号")
        assert (first.session, first.closed_on) == ("六届四次", date(2025, 5, 1))
        assert last.received_on == date(2025, 6, 1)
    again = import_file(desk, write(tmp_path, text), who="李", session="六届四次")
    assert (again.created, again.known) == ([], 3)
    assert len(numbers(desk)) == 3
