"""Commitments: what a reply promised is recorded, kept or still open; on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from arrivals import arrive
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from triage.bulk import import_file
from triage.desk import Desk
from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment, add_commitment, keep_commitment, open_commitments
from triage.ledger.decisions import decide
from triage.ledger.events import EVENT_NAMES
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, CommitmentRow, EventRow
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(section=(Label("能源科"),), result_classes=(ResultClass("B", "正在解决"),))


def put(ledger: Ledger, number: str = "1") -> int:
    with ledger.write() as session:
        return arrive(Submission(title="路灯", body="路灯不亮。", number=number), session=session).id


def promise(ledger: Ledger, case_id: int, what: str = "年内修好", due_on: date | None = None) -> int:
    with ledger.write() as session:
        return add_commitment(case_id, what, due_on, who="李", session=session).id


def still_open(ledger: Ledger, *case_ids: int) -> list[str]:
    with ledger.read() as session:
        return [row.what for row in open_commitments(case_ids, session=session)]


def events(ledger: Ledger, case_id: int) -> list[EventRow]:
    with ledger.read() as session:
        return list(get_case(case_id, session=session).events)


def test_what_was_promised_is_open_until_somebody_records_that_it_was_kept(ledger: Ledger) -> None:
    case_id = put(ledger)
    commitment_id = promise(ledger, case_id, " 年内修好 ", date(2026, 12, 31))
    assert still_open(ledger, case_id) == ["年内修好"]
    with ledger.write() as session:
        keep_commitment(commitment_id, who="王", kept_on=date(2025, 10, 1), why="已装路灯", session=session)
    assert still_open(ledger, case_id) == []
    made, kept = events(ledger, case_id)[2:]
    assert (made.kind, made.who, kept.kind, kept.who) == ("committed", "李", "commitment_kept", "王")
    assert (made.detail["what"], made.detail["due_on"]) == ("年内修好", "2026-12-31")
    assert (kept.detail["commitment_id"], kept.detail["kept_on"]) == (commitment_id, "2025-10-01")
    assert kept.detail["why"] == "已装路灯"
    assert (EVENT_NAMES[made.kind], EVENT_NAMES[kept.kind]) == ("作出承诺", "承诺兑现")


def test_the_open_ones_are_of_the_cases_asked_for_and_the_most_urgent_come_first(ledger: Ledger) -> None:
    first, second, third = (put(ledger, number) for number in "123")
    promise(ledger, first, "无时限")
    promise(ledger, first, "年底", date(2026, 12, 31))
    promise(ledger, second, "年中", date(2026, 6, 30))
    promise(ledger, third, "别的件")
    assert still_open(ledger, first, second) == ["年中", "年底", "无时限"]
    assert still_open(ledger) == []


def test_it_is_kept_once_and_today_where_nobody_names_a_day(ledger: Ledger) -> None:
    commitment_id = promise(ledger, put(ledger))
    with ledger.write() as session:
        assert keep_commitment(commitment_id, who="王", session=session).kept_on == date.today()
    with pytest.raises(Conflict, match="兑现,不必再记"), ledger.write() as session:
        keep_commitment(commitment_id, who="张", kept_on=date(2025, 1, 1), session=session)
    for unknown in (99, 0, 2**70):
        with pytest.raises(NotFound, match="承诺事项"), ledger.write() as session:
            keep_commitment(unknown, who="王", session=session)


@pytest.mark.parametrize(
    ("who", "days", "says"),
    [(" ", 0, "经办人姓名"), ("王", 1, "兑现日期.*还没有到")],
    ids=["nobody", "tomorrow"],
)
def test_a_promise_is_not_kept_by_nobody_nor_on_a_day_to_come(
    ledger: Ledger, who: str, days: int, says: str
) -> None:
    case_id = put(ledger)
    commitment_id = promise(ledger, case_id)
    with pytest.raises(InputError, match=says), ledger.write() as session:
        keep_commitment(commitment_id, who=who, kept_on=date.today() + timedelta(days=days), session=session)
    assert still_open(ledger, case_id) == ["年内修好"]


@pytest.mark.parametrize(
    ("what", "who", "says"),
    [
        (" ", "李", "填写承诺事项"),
        ("长" * 2_001, "李", "承诺事项太长"),
        ("修好", " ", "经办人姓名"),
        ("\x00", "李", "无法保存"),
    ],
)
def test_an_empty_promise_or_one_by_nobody_is_refused(ledger: Ledger, what: str, who: str, says: str) -> None:
    case_id = put(ledger)
    with pytest.raises(InputError, match=says), ledger.write() as session:
        add_commitment(case_id, what, who=who, session=session)
    assert still_open(ledger, case_id) == []


def test_a_commitment_is_never_deleted(ledger: Ledger) -> None:
    promise(ledger, put(ledger))
    with pytest.raises(DBAPIError), ledger.write() as session:
        session.execute(text("delete from commitment"))


def close(ledger: Ledger, case_id: int, *promised: Commitment) -> None:
    with ledger.write() as session:
        decide(case_id, {"section": "能源科"}, who="李", why="试", session=session, taxonomy=TAXONOMY)
        close_case(
            case_id, result_class="B", who="李", commitments=promised, session=session, taxonomy=TAXONOMY
        )


def test_closing_takes_what_the_reply_promised_or_nothing_at_all(ledger: Ledger) -> None:
    first, second = put(ledger, "1"), put(ledger, "2")
    close(ledger, first, Commitment("修好"), Commitment("复查", date(2026, 9, 1)))
    assert still_open(ledger, first) == ["复查", "修好"]
    assert [e.kind for e in events(ledger, first)][-3:] == ["closed", "committed", "committed"]
    with pytest.raises(InputError, match="承诺事项"):
        close(ledger, second, Commitment("修好"), Commitment(""))
    with ledger.read() as session:
        assert get_case(second, session=session).state == "in_review"
    assert still_open(ledger, second) == []


HEAD = "编号,标题,正文,收件日期,承办科室,办理结果,承诺事项,承诺时限,承诺兑现日期,主协办\n"


def imported(desk: Desk, path: Path, *rows: str) -> Any:
    path.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return import_file(desk, path, who="李")


def test_past_years_bring_their_commitments_roles_and_deadlines(desk: Desk, tmp_path: Path) -> None:
    report = imported(
        desk,
        tmp_path / "往年.csv",
        "1,路灯,路灯不亮。,2025-11-30,能源科,B,年内修好,2026-06-30,,协办",
        "2,电网,电网老化。,2025-01-10,能源科,A,改造电网,2025-12-31,2025-10-01,",
        "3,电价,电价太高。,2025-01-10,能源科,A,,,,主办",
    )
    assert (len(report.created), report.refused) == (3, [])
    with desk.ledger.read() as session:
        cases = session.scalars(select(CaseRow).order_by(CaseRow.id)).all()
        assert [c.role for c in cases] == ["会办", "", "主办"]
        assert [c.due_on for c in cases] == [date(2025, 12, 30), date(2025, 4, 10), date(2025, 4, 10)]
        promised = [[(p.what, p.due_on, p.kept_on) for p in case.commitments] for case in cases]
    assert promised == [
        [("年内修好", date(2026, 6, 30), None)],
        [("改造电网", date(2025, 12, 31), date(2025, 10, 1))],
        [],
    ]


def test_a_row_with_a_day_but_no_promise_is_refused_by_name(desk: Desk, tmp_path: Path) -> None:
    report = imported(
        desk,
        tmp_path / "往年.csv",
        "1,路灯,路灯不亮。,2025-11-30,能源科,B,,2026-06-30,,",
        "2,电网,电网老化。,2025-01-10,能源科,A,改造,明年,,",
        "3,电价,电价太高。,2025-01-10,能源科,A,,,,牵头",
    )
    assert [bad.line for bad in report.refused] == [2, 3, 4]
    says = [bad.reason for bad in report.refused]
    for reason, word in zip(says, ("没有承诺事项", "不是日期", "承办角色“牵头”"), strict=True):
        assert word in reason
    with desk.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(CommitmentRow)) == 0
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 0
