"""The ledger out as a file, into an empty ledger, and out again: the same, whatever happened to its cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from arrivals import arrive

from training import sample_office
from triage.bulk import import_file
from triage.bulk_report import BulkReport
from triage.config import Settings
from triage.desk import Desk
from triage.documents.ledger_sheet import read_ledger
from triage.documents.reading import read_content
from triage.documents.rows import Row
from triage.exports.ledger_file import export_ledger
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment, keep_commitment
from triage.ledger.contacts import add_contact, add_feedback
from triage.ledger.deadlines import extend
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty, answer_duty
from triage.ledger.events import add_event
from triage.ledger.handling import accept, send_back, set_people, start_handling
from triage.ledger.key_cases import mark_key
from triage.ledger.merges import merge_cases
from triage.ledger.replies import reply_to_case
from triage.ledger.returns import return_case
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.ledger.verify import verify_ledger
from triage.taxonomy import Taxonomy, load_taxonomy

TODAY = date.today()
START = TODAY - timedelta(days=40)
LONG = "第一段,𠮷祥里的路灯。\r\n" + "很长的正文。" * 8_000  # more than a cell of Excel holds
TRICKY = [
    {"title": "=SUM(A1:A9)", "body": "+86 开头\r\n-减号\t制表\n=1+1", "deputy": "@某人"},
    {"title": "_x0041_ 不是 A", "body": "竖排\x0b换行,和 _x000D_ 字样", "deputy": "王刚"},
    {"title": "", "body": "没有标题。", "number": "", "session": "", "deputy": ""},
    {"title": "长件", "body": LONG, "number": "第3192号(经济发展类248号)"},
]


@pytest.fixture
def office(ledger: Ledger, settings: Settings) -> Taxonomy:
    """A ledger in which nearly everything that can happen to a case has happened."""
    sample_office.install_office(settings)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    first, second, third = (x.name for x in taxonomy.section[:3])
    rules = taxonomy.rules

    def act(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with ledger.write() as session:
            return function(*args, **{"who": "李科员", **more}, session=session)

    def put(n: int, labels: dict[str, str] | None = None, **more: Any) -> int:
        sent = {"title": f"第{n}件", "body": f"正文{n}。", "number": f"第{n:03}号", "session": "六届五次"}
        sent = {**sent, "kind": "建议", "deputy": "张三", "cosigners": "李四、王 五", "delegation": "清溪团"}
        with ledger.write() as session:
            case = arrive(Submission(**{**sent, "received_on": START, **more}), session=session)
            if labels:
                decide(case.id, labels, who="赵六", why="看过", session=session, taxonomy=taxonomy)
            return case.id

    whole = {
        "section": first,
        "topic": taxonomy.topic[0].name,
        "handling": taxonomy.handling[0].name,
    }
    closed = put(1, whole, role="主办", phone="0578-1234567", proposed_unit="市财政局")
    act(set_people, closed, leader="钱局", handler="孙七")
    act(add_contact, closed, "phone", deputy="李四", what="谈了:进展\n和计划", held_on=START)
    act(add_contact, closed, "meeting", held_on=TODAY)
    act(
        close_case,
        closed,
        result_class=taxonomy.result_classes[0].code,
        reply_number="云发改〔2026〕1号",
        taxonomy=taxonomy,
        commitments=[Commitment("年内完工", TODAY + timedelta(days=30)), Commitment("逐年\n投入")],
    )
    act(add_feedback, closed, "满意", rules=rules, comment="回复及时:谢谢")
    act(add_feedback, closed, "基本满意", rules=rules, deputy="李四")
    with ledger.read() as session:
        kept = session.get_one(CaseRow, closed).commitments[0].id
    act(keep_commitment, kept)
    one = put(2, whole)
    act(
        close_case,
        one,
        result_class=taxonomy.result_classes[1].code,
        reply_number="云发改〔2026〕2号",
        taxonomy=taxonomy,
        commitments=[Commitment("只有一项\n分两行写", TODAY)],
    )
    assigned = put(3, {"section": first})
    duty = act(add_duty, assigned, second, taxonomy=taxonomy)
    act(answer_duty, duty.id, "没有意见")
    act(add_duty, assigned, third, taxonomy=taxonomy)
    act(mark_key, assigned, why="市长领办")
    accepted = put(4, {"section": second}, kind="提案")
    act(accept, accepted, handler="周八")
    handled = put(5, {"section": second}, role="会办", lead_unit="市交通局")
    act(start_handling, handled)
    late = put(6, {"section": third})
    with ledger.read() as session:
        due = session.get_one(CaseRow, late).due_on
    act(extend, late, due + timedelta(days=20), why="涉及面广", consent="政府办同意", rules=rules)
    replied = put(7, {"section": third})
    act(reply_to_case, replied, number="云发改〔2026〕3号", taxonomy=taxonomy)
    redone = put(8, {"section": third})
    act(reply_to_case, redone, number="云发改〔2026〕4号", taxonomy=taxonomy)
    act(add_feedback, redone, "不满意", rules=rules)
    back = put(9, {"section": first})
    act(send_back, back, why="不属本科室")
    gone = put(10, {"section": first})
    act(return_case, gone, why="不属本局", proposed_unit="市水利局", consent="政府办同意")
    flagged = put(11)
    act(add_event, "flagged", case_id=flagged, flag="not_ours", score=0.9, why="词语都不熟")
    lead, member = put(12, {"section": first}), put(13)
    act(merge_cases, [lead, member], lead_id=lead, name="物流(含冷链)")
    for n, more in enumerate(TRICKY, start=20):
        put(n, {"section": first}, **more)
    return taxonomy


@contextmanager
def empty_desk(settings: Settings, path: Path) -> Iterator[Desk]:
    """A desk of the same office with nothing in its ledger."""
    ledger = Ledger(f"sqlite:///{path}")
    ledger.migrate()
    yield Desk(replace(settings, database_url=ledger.url), ledger=ledger)
    ledger.close()


def table(path: Path) -> list[tuple[str, dict[str, str]]]:
    rows = read_ledger(read_content(path.read_bytes(), path.name)).rows
    assert all(isinstance(row, Row) for row in rows)
    return [(str(row.line), dict(row.fields)) for row in rows if isinstance(row, Row)]


def export(ledger: Ledger, path: Path, taxonomy: Taxonomy) -> Path:
    with ledger.read() as session:
        export_ledger(path, session=session, taxonomy=taxonomy)
    return path


@pytest.mark.parametrize("suffix", ["xlsx", "csv", "json"])
def test_out_and_in_and_out_again_is_equal(
    office: Taxonomy, ledger: Ledger, settings: Settings, tmp_path: Path, suffix: str
) -> None:
    first = export(ledger, tmp_path / f"first.{suffix}", office)
    with empty_desk(settings, tmp_path / "second.sqlite3") as desk:
        report = import_file(desk, first, who="导入员")
        assert (report.refused, report.kept, report.asides) == ([], [], [])
        again = export(desk.ledger, tmp_path / f"again.{suffix}", office)
        repeat: BulkReport = import_file(desk, first, who="导入员")
        assert (len(repeat.created), repeat.differing) == (0, [])
        with desk.ledger.read() as session:
            assert verify_ledger(session).problems == []
    before, after = table(first), table(again)
    assert len(before) == 17
    assert after == before
    # what is compared is there at all: each column has something in some row
    assert {field for _, row in before for field, text in row.items() if text} >= {
        *("flags", "assists", "contacts", "feedback", "merge", "commitment_kept_on", "key_on", "leader"),
        *("section_who", "phone", "proposed_unit", "lead_unit", "replied_on"),
    }


@pytest.mark.parametrize("suffix", ["xlsx", "csv", "json"])
def test_an_unchanged_export_brought_back_is_nothing_new(desk: Desk, tmp_path: Path, suffix: str) -> None:
    sent = Submission(title="路灯", body="第一段。\r\n  第二段。 ", number="第1号", session="六届五次")
    case_id = desk.take_in(sent, who="李").case_id  # without a day of receipt, as documents come
    path = export(desk.ledger, tmp_path / f"a.{suffix}", desk.taxonomy)
    report = import_file(desk, path, who="李")
    assert (report.created, report.known, report.differing) == ([], 1, [])
    with desk.ledger.read() as session:
        assert "resent" not in {e.kind for e in session.get_one(CaseRow, case_id).events}
    assert desk.take_in(replace(sent, body="别的。"), who="李").differs
