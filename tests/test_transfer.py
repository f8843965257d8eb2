"""Moving a ledger: every row as it was, the chain goes on, and nothing half done is left."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from arrivals import arrive, enter_closed
from sqlalchemy import func, select, text

from training.sample_office import install_office
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, InputError, LedgerMissing
from triage.ledger import transfer
from triage.ledger.base import Base
from triage.ledger.cases import get_case
from triage.ledger.chain import head
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment, keep_commitment, look_back
from triage.ledger.contacts import add_contact
from triage.ledger.decisions import decide
from triage.ledger.events import add_event
from triage.ledger.merges import merge_cases
from triage.ledger.predictions import newest_predictions
from triage.ledger.relations import relations_of
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import EventRow, VectorRow
from triage.ledger.transfer import move_ledger
from triage.ledger.verify import verify_ledger

PLACES = ("sqlite", "postgresql")
NewLedger = Callable[[str], Ledger]
GRID = Submission(title="关于改造电网的建议", body="村里一到过年就跳闸停电,请列入农网改造计划。", deputy="李")


@pytest.fixture
def new_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewLedger]:
    """Makes ledgers without any table, of a kind."""
    made: list[Ledger] = []

    def make(kind: str) -> Ledger:
        name = f"t{uuid.uuid4().hex}"
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path / name}.sqlite3"
        else:
            server = request.getfixturevalue("postgres_server")
            server.psql(f"create database {name};")
            url = server.get_uri(database=name)
        made.append(Ledger(url))
        return made[-1]

    yield make
    for ledger in made:
        ledger.close()


def fill(ledger: Ledger, settings: Settings) -> Desk:
    """A year in small: cases through the desk, decided, merged, promised, closed, talked about."""
    install_office(settings)
    ledger.migrate()
    desk = Desk(replace(settings, database_url=ledger.url), ledger=ledger)
    enter_closed(
        desk,
        replace(GRID, number="第1号", received_on=date(2025, 1, 20)),
        {"section": "能源科"},
        who="李",
        result_class="A",
        reply_number="云发改〔2025〕1号",
        closed_on=date(2025, 5, 20),
        commitments=[Commitment("投产", date(2026, 6, 30))],
    )
    for number in ("第101号", "第102号", "第103号"):
        desk.take_in(replace(GRID, number=number, received_on=date(2026, 1, 20)), who="李")
    with ledger.write() as session:
        decide_all(2, desk, session)
    with ledger.write() as session:
        merge_cases([2, 3], lead_id=2, who="李", session=session)
    with ledger.write() as session:
        look_back(1, "已开工", who="李", session=session)
        add_contact(2, "phone", who="李", what="说明进展", session=session)
    with ledger.write() as session:
        session.add(VectorRow(case_id=4, encoder="other", document=bytes(range(256)), title=b""))
        add_event(
            "flagged", who="系统", session=session, case_id=4, score=0.1 + 0.2, why="不属\n“本局”\u2028😀"
        )
    close(2, desk)
    return desk


def decide_all(case_id: int, desk: Desk, session: Any) -> None:
    predicted = newest_predictions(get_case(case_id, session=session))
    labels = {target: row.ranked[0][0] for target, row in predicted.items()}
    decide(case_id, labels, who="李", session=session, taxonomy=desk.taxonomy)


def close(case_id: int, desk: Desk) -> None:
    with desk.ledger.write() as session:
        close_case(
            case_id, result_class="B", reply_number="9号", who="李", session=session, taxonomy=desk.taxonomy
        )


def content(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row of every table, in the database's own values."""
    with ledger.engine.connect() as connection:
        return {
            table.name: [
                tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in Base.metadata.sorted_tables
        }


def is_empty(ledger: Ledger) -> bool:
    return not any(content(ledger).values())


@pytest.mark.parametrize("to", PLACES)
@pytest.mark.parametrize("of", PLACES)
def test_everything_is_there_as_it_was_and_the_chain_goes_on(
    new_ledger: NewLedger, settings: Settings, of: str, to: str
) -> None:
    source, target = new_ledger(of), new_ledger(to)
    fill(source, settings)
    before = content(source)
    told: list[tuple[str, int, int]] = []
    counts = move_ledger(source, target, who="王管理员", progress=lambda *step: told.append(step))
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert min(counts[t] for t in ("case", "prediction", "look_back", "contact", "merge_member", "seal")) > 0
    assert told[-1] == ("核对记录", 1, 1)
    assert ("复制记录", sum(counts.values()), sum(counts.values())) in told
    assert content(source) == before
    after = content(target)
    moved, sealed = after["event"].pop(), after["seal"].pop()
    assert after == before
    with source.read() as session:
        last, running = head(session)
    with target.read() as session:
        event = session.scalars(select(EventRow).order_by(EventRow.id.desc())).first()
        assert event is not None
        assert (event.kind, event.who, event.id, event.case_id) == (
            "ledger_moved",
            "王管理员",
            last + 1,
            None,
        )
        assert event.detail == {"rows": counts, "last_event": last, "hash": running}
        assert (moved[0], sealed[0]) == (last + 1, last + 1)
        assert verify_ledger(session).problems == []
    # the work goes on over there: new numbers, one of every table that people fill
    desk = Desk(replace(settings, database_url=target.url), ledger=target)
    case_id = desk.take_in(replace(GRID, number="第104号", deputy="王"), who="李").case_id
    assert case_id == counts["case"] + 1
    with target.write() as session:
        decide_all(case_id, desk, session)
    with target.write() as session:
        merge_cases([4, case_id], lead_id=case_id, who="李", session=session)
        add_contact(case_id, "phone", who="李", what="说明", session=session)
        keep_commitment(1, who="李", session=session)
    close(case_id, desk)
    target.migrate()
    with target.read() as session:
        assert verify_ledger(session).problems == []
        assert {other.id for _, other in relations_of(case_id, session=session)} >= {1, 2, 3, 4}
        numbers = session.scalars(select(EventRow.id).order_by(EventRow.id)).all()
        assert list(numbers) == list(range(1, len(numbers) + 1))


def test_every_sequence_stands_after_the_copied_rows(new_ledger: NewLedger, settings: Settings) -> None:
    source, target = new_ledger("sqlite"), new_ledger("postgresql")
    fill(source, settings)
    move_ledger(source, target, who="王")
    with target.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            key = table.autoincrement_column
            if key is not None:
                highest = connection.execute(select(func.coalesce(func.max(key), 0))).scalar_one()
                next_one = text("select nextval(pg_get_serial_sequence(:name, 'id'))")
                assert connection.execute(next_one, {"name": f'"{table.name}"'}).scalar_one() == highest + 1


@pytest.mark.parametrize("to", PLACES)
def test_more_rows_than_a_batch(
    new_ledger: NewLedger, settings: Settings, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    source, target = new_ledger("sqlite"), new_ledger(to)
    fill(source, settings)
    monkeypatch.setattr(transfer, "BATCH", 2)
    move_ledger(source, target, who="王")
    assert content(target)["prediction"] == content(source)["prediction"]


@pytest.mark.parametrize("to", PLACES)
def test_a_target_that_holds_anything_is_refused(new_ledger: NewLedger, to: str) -> None:
    source, target = new_ledger("sqlite"), new_ledger(to)
    source.migrate()
    target.migrate()
    with source.write() as session:
        arrive(GRID, session=session)
    with target.write() as session:
        add_event("holiday_set", who="李", session=session)
    before = content(target)
    with pytest.raises(Conflict, match="只能迁移到空的数据库"):
        move_ledger(source, target, who="王")
    assert content(target) == before


def test_a_target_of_an_earlier_version_that_holds_a_case_is_not_upgraded(new_ledger: NewLedger) -> None:
    source, target = new_ledger("sqlite"), new_ledger("sqlite")
    source.migrate()
    with target._writer.begin() as connection:
        command.upgrade(target._alembic(connection), "0001")
        connection.execute(
            text(
                "insert into model_version (target, version, sha256, manifest, created_at) "
                "values ('section', '1', '', '{}', '2025-01-01 00:00:00')"
            )
        )
    with pytest.raises(Conflict, match="只能迁移到空的数据库"):
        move_ledger(source, target, who="王")
    with pytest.raises(LedgerMissing):
        target.check()


@pytest.mark.parametrize("kind", PLACES)
def test_a_ledger_is_not_moved_onto_itself(new_ledger: NewLedger, kind: str) -> None:
    source = new_ledger(kind)
    source.migrate()
    again = Ledger(source.url)
    with pytest.raises(InputError, match="同一个数据库"):
        move_ledger(source, again, who="王")
    again.close()
    assert is_empty(source)


def test_the_same_file_by_another_path_is_the_same_ledger(new_ledger: NewLedger, tmp_path: Path) -> None:
    source = new_ledger("sqlite")
    source.migrate()
    assert source.path is not None
    (tmp_path / "link").symlink_to(source.path)
    again = Ledger(f"sqlite:///{tmp_path / 'link'}")
    with pytest.raises(InputError, match="同一个数据库"):
        move_ledger(source, again, who="王")
    again.close()


def test_a_source_that_is_not_up_to_date_says_what_to_run(new_ledger: NewLedger) -> None:
    source, target = new_ledger("postgresql"), new_ledger("sqlite")
    with pytest.raises(LedgerMissing, match="triage init"):
        move_ledger(source, target, who="王")


@pytest.mark.parametrize("to", PLACES)
@pytest.mark.parametrize("where", ["_check", "_check_unchanged", "add_event"])
def test_a_failure_leaves_the_target_empty_and_the_next_try_works(
    new_ledger: NewLedger, settings: Settings, monkeypatch: pytest.MonkeyPatch, to: str, where: str
) -> None:
    source, target = new_ledger("sqlite"), new_ledger(to)
    fill(source, settings)
    before = content(source)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the cable")

    with monkeypatch.context() as broken:
        broken.setattr(transfer, where, fail)
        with pytest.raises(OSError, match="the cable"):
            move_ledger(source, target, who="王")
    assert is_empty(target)
    assert content(source) == before
    move_ledger(source, target, who="王")
    assert content(target)["case"] == before["case"]


def by_hand(ledger: Ledger, *statements: str) -> None:
    """Change a SQLite ledger behind the program's back."""
    assert ledger.path is not None
    with closing(sqlite3.connect(ledger.path)) as file:
        for statement in statements:
            file.execute(statement)
        file.commit()


@pytest.mark.parametrize("to", PLACES)
@pytest.mark.parametrize(
    "statement",
    [
        "update \"case\" set deputy = '改过' where id = 2",
        "insert into duty (case_id, section, kind, task, handler, answer, created_at) "
        "values (2, '能源科', 'assist', '', '', '', '2026-01-01 00:00:00')",
    ],
)
def test_a_record_that_does_not_hold_is_not_moved(
    new_ledger: NewLedger, settings: Settings, to: str, statement: str
) -> None:
    source, target = new_ledger("sqlite"), new_ledger(to)
    fill(source, settings)
    by_hand(source, statement)
    with pytest.raises(Conflict, match="核对没有通过"):
        move_ledger(source, target, who="王")
    assert is_empty(target)


def test_what_postgresql_cannot_hold_is_named(new_ledger: NewLedger, settings: Settings) -> None:
    source, target = new_ledger("sqlite"), new_ledger("postgresql")
    fill(source, settings)
    by_hand(source, f"update \"case\" set leader = '{'长' * 101}' where id = 2")
    with pytest.raises(Conflict, match="表 case 中有写不进目标数据库的记录"):
        move_ledger(source, target, who="王")
    assert is_empty(target)


@pytest.mark.parametrize("of", PLACES)
def test_what_is_written_meanwhile_stops_the_move(
    new_ledger: NewLedger, settings: Settings, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    source, target = new_ledger(of), new_ledger("sqlite")
    fill(source, settings)
    count = transfer._count
    written: list[int] = []

    def count_then_write(*args: Any) -> int:
        found = count(*args)
        if not written:
            with source.write() as session:
                written.append(arrive(replace(GRID, number="新"), session=session).id)
        return found

    monkeypatch.setattr(transfer, "_count", count_then_write)
    with pytest.raises(Conflict, match="先停止服务"):
        move_ledger(source, target, who="王")
    assert written
    assert is_empty(target)
