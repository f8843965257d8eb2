"""The chain: it holds after every kind of act, and names what was altered behind the program's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date

import pytest
from arrivals import arrive
from sqlalchemy import text

from triage.errors import InputError
from triage.ledger.chain import digest
from triage.ledger.contacts import add_contact
from triage.ledger.decisions import decide
from triage.ledger.relations import dismiss
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.ledger.verify import Verdict, verify_ledger
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(section=(Label("能源科"), Label("价格科")), result_classes=(ResultClass("A", "已解决"),))


@pytest.fixture
def full(ledger: Ledger) -> Ledger:
    """Three cases, decided, talked about and parted: one transaction each."""
    for number in "123":
        with ledger.write() as session:
            arrive(Submission(title="路灯", body="路灯不亮。", number=number, deputy="张三"), session=session)
    for case_id, label in ((1, "能源科"), (2, "价格科")):
        with ledger.write() as session:
            decide(case_id, {"section": label}, who="李", why="看过", session=session, taxonomy=TAXONOMY)
    with ledger.write() as session:
        add_contact(1, "phone", who="李", what="说明", session=session)
    with ledger.write() as session:
        dismiss(1, 3, who="王", why="两回事", session=session)
    return ledger


def check(ledger: Ledger, anchor: str = "") -> Verdict:
    with ledger.read() as session:
        return verify_ledger(session, anchor=anchor)


@pytest.fixture
def by_hand(full: Ledger) -> Ledger:
    """Somebody with the whole database in hand: no trigger stops them."""
    tables = ("event", "decision", "prediction", "seal", '"case"', "contact", "relation")
    with full.engine.begin() as connection:
        if full.is_sqlite:
            names = connection.execute(text("select name from sqlite_master where type = 'trigger'"))
            for (name,) in names.all():
                connection.execute(text(f"drop trigger {name}"))
        else:
            for table in tables:
                connection.execute(text(f"alter table {table} disable trigger all"))
    return full


def change(ledger: Ledger, *statements: str) -> list[str]:
    """What the check says after the statements were run by hand."""
    if ledger.path is not None:
        with closing(sqlite3.connect(ledger.path)) as file:
            for statement in statements:
                file.execute(statement)
            file.commit()
    else:
        with ledger.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))
    return check(ledger).problems


def test_what_the_program_wrote_holds(full: Ledger) -> None:
    verdict = check(full)
    assert verdict.problems == []
    with full.engine.connect() as connection:
        assert verdict.events == connection.execute(text("select count(*) from event")).scalar()
        assert verdict.anchor.startswith(f"{verdict.events}:")
    assert verdict.rows > 10


def test_an_empty_ledger_holds(ledger: Ledger) -> None:
    assert check(ledger) == Verdict(0, 0, "0:", [])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("who", "'赵'"),
        ("kind", "'queued'"),
        ("case_id", "3"),
        ("version", "9"),
        ("detail", '\'{"why": "改过"}\''),
        ("created_at", "'2026-01-01 00:00:00'"),
        ("hash", "'0000'"),
    ],
)
def test_an_altered_event_is_the_first_one_named(by_hand: Ledger, column: str, value: str) -> None:
    problems = change(by_hand, f"update event set {column} = {value} where id = 8")
    assert problems[0].startswith("第 8 号经过")
    assert "被改动" in problems[0]
    assert not any(f"第 {n} 号经过" in p for p in problems for n in range(1, 8))


def test_a_removed_event_is_named(by_hand: Ledger) -> None:
    problems = change(by_hand, "delete from event where id = 7")
    assert problems[0].startswith("第 7 号经过被删去")


def test_events_put_in_between_are_named(by_hand: Ledger) -> None:
    problems = change(
        by_hand,
        "insert into event (id, case_id, kind, who, detail, hash, created_at) "
        "values (99, 1, 'confirmed', '赵', '{}', 'ff', '2026-01-01 00:00:00')",
    )
    assert any("第 99 号" in problem or "第 12 至 98 号" in problem for problem in problems)


def test_the_end_cut_off_is_seen_by_its_seal_its_rows_or_the_anchor(by_hand: Ledger) -> None:
    before = check(by_hand)
    last = before.events
    problems = change(by_hand, f"delete from event where id = {last}")
    assert "封存记录还在" in problems[0]
    problems = change(by_hand, f"delete from seal where event_id = {last}")
    assert problems  # what that transaction wrote no longer has a seal, or its first event stands alone
    assert "锚点" in check(by_hand, before.anchor).problems[-1]


def test_an_anchor_written_down_earlier_is_found_again(full: Ledger) -> None:
    anchor = check(full).anchor
    with full.write() as session:
        add_contact(2, "letter", who="李", session=session)
    assert check(full, anchor).problems == []
    assert "锚点" in check(full, "5:" + "ab" * 32).problems[0]


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("update decision set label = '价格科' where id = 1", "认定 1 "),
        ("update decision set who = '赵' where id = 1", "认定 1 "),
        ("update \"case\" set body = '路灯亮了。' where id = 2", "建议件 2 "),
        ("update \"case\" set state = 'closed' where id = 1", "建议件 1 "),
        ("update \"case\" set due_on = '2030-01-01' where id = 1", "建议件 1 "),
        ("update deadline set due_on = '2030-01-01' where id = 1", "期限 1 "),
        ("update contact set how = 'visit' where id = 1", "联系 1 "),
        ("update relation set status = 'proposed' where id = 1", "关联 1 "),
        ("delete from contact where id = 1", "联系 1 "),
        ("delete from decision where id = 2", "认定 2 "),
        (
            "insert into contact (case_id, deputy, how, held_on, what, who, created_at) "
            "values (2, '张三', 'visit', '2026-01-01', '', '赵', '2026-01-01 00:00:00')",
            "联系 2 ",
        ),
    ],
)
def test_a_row_altered_by_hand_is_named(by_hand: Ledger, statement: str, named: str) -> None:
    (problem,) = change(by_hand, statement)
    assert problem.startswith(named)


def test_a_seal_altered_to_fit_is_named(by_hand: Ledger) -> None:
    problems = change(by_hand, "update seal set rows = '{}' where event_id = 2")
    assert problems[0] == "第 2 号经过的封存记录被改动。"


def test_a_change_without_an_event_is_refused(full: Ledger) -> None:
    with pytest.raises(RuntimeError, match="without an event"), full.write() as session:
        session.get_one(CaseRow, 1).handler = "吴"
    assert check(full).problems == []


def test_a_column_added_later_changes_no_seal() -> None:
    row = {"id": 1, "title": "路灯", "due_on": date(2026, 1, 1), "score": 0.5}
    assert digest(row) == digest({**row, "added": None, "more": "", "lists": []})
    assert digest(row) != digest({**row, "added": "x"})
    assert digest(row) == digest({**row, "version": 7})  # counts changes, says nothing of a case


@pytest.mark.parametrize("anchor", ["abc", "26:0000", "26", ":" + "a" * 64])
def test_a_mistyped_anchor_accuses_nobody(ledger: Ledger, anchor: str) -> None:
    with ledger.read() as session, pytest.raises(InputError, match="锚点写法不对"):
        verify_ledger(session, anchor=anchor)
