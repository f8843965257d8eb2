"""Ledgers of every released version, on both databases: brought up to date with all they hold, and worked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from arrivals import arrive
from sqlalchemy import Connection, MetaData, Table, insert, select, text
from sqlalchemy.exc import DBAPIError
from test_transfer import content

from triage import sieve
from triage.errors import LedgerMissing
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.commitments import keep_commitment
from triage.ledger.decisions import decide, settled
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, DeadlineRow, EventRow, ReplyRow, ResultRow
from triage.ledger.verify import verify_ledger
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科")),
    topic=(Label("电网"), Label("收费")),
    handling=(Label("当年解决"), Label("解释说明")),
    result_classes=(ResultClass("A", "已解决"), ResultClass("B", "列入计划")),
)
NOW = datetime(2025, 3, 4, 23, 59, 58, 123456, tzinfo=UTC)
RANKED = [["能源科", 0.1 + 0.2], ["价格科", 0.7]]
RECEIVED, DUE, CLOSED = date(2025, 1, 20), date(2025, 4, 20), date(2025, 5, 20)
# closed; lead; follows it; waits; closed as a member; closed long ago; left a merge; assists
CLOSED_CASE, LEAD, MEMBER, WAITING, CLOSED_MEMBER, PAST, LEFT, ASSISTING = range(1, 9)


def reflected(connection: Connection) -> Mapping[str, Table]:
    """The tables as the database has them, without the sieve's."""
    tables = MetaData()
    tables.reflect(connection, only=lambda name, _: name not in sieve.TABLES)
    return tables.tables


@dataclass
class Old:
    """A ledger of an earlier version while it is filled."""

    connection: Connection
    revision: str

    def __post_init__(self) -> None:
        self.tables = reflected(self.connection)

    def put(self, table: str, **values: Any) -> int:
        """A row as that version wrote it: its own columns only, the number given by the database."""
        known = self.tables[table].columns
        kept = {name: value for name, value in values.items() if name in known}
        if "created_at" in known:
            kept.setdefault("created_at", NOW)
        return int(self.connection.execute(insert(self.tables[table]).values(kept)).inserted_primary_key[0])

    def case(self, state: str, **values: Any) -> int:
        """A case; due in the versions that counted it."""
        texts = dict.fromkeys(("kind", "deputy", "delegation", "route_reason", "reply_number", "role"), "")
        usual = {"session": "六届五次", "title": "路灯", "body": "路灯\n不亮😀。", "content_sha256": "0" * 64}
        counted = {"received_on": RECEIVED, "due_on": DUE, "route": "review", "version": 3}
        number = self.put("case", **{**texts, **usual, **counted, "state": state, **values})
        self.event("received", number, sha256="0" * 64)
        return number

    def decision(self, case_id: int, target: str, label: str, kind: str = "confirm", **more: Any) -> None:
        given = {"case_id": case_id, "target": target, "label": label, "kind": kind, "who": "李", "why": ""}
        self.put("decision", **{**given, **more})
        self.event("confirmed", case_id, target=target, label=label, why="看过")

    def event(self, kind: str, case_id: int | None = None, **detail: Any) -> None:
        self.put("event", case_id=case_id, kind=kind, who="李", detail=detail)


def fill(old: Old) -> None:
    """What an office had in its ledger then."""
    old.case(
        "closed",
        number="第1号",
        idempotency_key="钥匙",
        role="主办",
        certainty=0.1 + 0.2,
        result_class="A",
        reply_number="云发改〔2025〕1号",
        closed_on=CLOSED,
    )
    predicted = old.put(
        "prediction",
        case_id=CLOSED_CASE,
        target="section",
        model_version="20250101-000000-abcdef",
        ranked=RANKED,
        evidence={"words": [{"word": "路灯", "weight": 0.5}], "cases": []},
        auto=False,
        reason="没有把握",
    )
    old.decision(CLOSED_CASE, "section", "能源科", "auto", prediction_id=predicted)
    old.decision(CLOSED_CASE, "section", "价格科", "override", prediction_id=predicted)
    old.decision(CLOSED_CASE, "topic", "电网")
    old.decision(CLOSED_CASE, "handling", "当年解决")
    old.event("closed", CLOSED_CASE, result_class="A", reply_number="云发改〔2025〕1号", why="")
    for number in range(LEAD, ASSISTING + 1):
        old.case(
            {WAITING: "in_review", CLOSED_MEMBER: "closed", PAST: "closed"}.get(number, "assigned"),
            number=f"第{number}号",
            role="会办" if number == ASSISTING else "",
            result_class={CLOSED_MEMBER: "B", PAST: "A"}.get(number),
            reply_number="2号" if number == CLOSED_MEMBER else "",
            closed_on=CLOSED if number == CLOSED_MEMBER else None,
        )
        if number != WAITING:
            old.decision(number, "section", "价格科", "closed" if number == PAST else "confirm")
        if number != PAST:
            old.put(
                "prediction",
                case_id=number,
                target="topic",
                model_version="仅凭职责",
                ranked=[["收费", 1.0]],
                evidence={"words": []},
                auto=True,
                reason="",
            )
    if old.connection.dialect.name != "sqlite":
        old.connection.execute(text("select nextval('event_id_seq')"))  # a transaction that was rolled back
    old.put(
        "relation",
        case_id=LEAD,
        other_id=CLOSED_CASE,
        kind="related",
        score=0.7,
        shared_terms=["路灯"],
        evidence={"same": ["路灯"]},
        status="proposed",
    )
    old.put("case_vector", case_id=LEAD, encoder="usem3", document=bytes(range(256)), title=b"\0")
    old.put("model_version", target="section", version="1", sha256="0" * 64, manifest={"cases": 3})
    old.event("model_trained", target="section", version="1")
    if old.revision >= "0002":
        _merge(old)
    if old.revision >= "0003":
        old.put("case_reading", case_id=LEAD, reading="1", bag=b"\1\2", codes=b"\3", core=2)


def _merge(old: Old) -> None:
    labels = {"section": "能源科", "handling": "解释说明"}
    merge = {"plan": "一并办理", "labels": labels, "version": 2}
    one = old.put("merge", name="路灯", lead_id=LEAD, **merge)
    other = old.put("merge", name="散了的", lead_id=LEFT, dissolved_at=NOW, **merge)
    for case_id in (LEAD, MEMBER, CLOSED_MEMBER):
        old.put("merge_member", merge_id=one, case_id=case_id, joined_at=NOW)
        old.event("merged", case_id, merge_id=one, members=[LEAD, MEMBER, CLOSED_MEMBER], labels=labels)
    old.put("merge_member", merge_id=other, case_id=LEFT, joined_at=NOW, left_at=NOW + timedelta(days=1))
    for target, label in labels.items():
        old.decision(LEAD, target, label)
    old.put("commitment", case_id=CLOSED_CASE, what="投产", due_on=date(2026, 6, 30))


def held(connection: Connection, columns: dict[str, list[str]]) -> dict[str, list[Any]]:
    """Every row of those tables as far as those columns go."""
    tables, found = reflected(connection), {}
    for name, names in columns.items():
        table = tables[name]
        query = select(*(table.c[c] for c in names)).order_by(*table.primary_key.columns)
        found[name] = [tuple(row) for row in connection.execute(query)]
    return found


@pytest.fixture(params=["0001", "0002", "0003", "0004"])
def old_ledger(request: pytest.FixtureRequest, bare_ledger: Ledger) -> tuple[Ledger, str]:
    """A ledger as that version left it, and its revision."""
    with bare_ledger._writer.begin() as connection:
        command.upgrade(bare_ledger._alembic(connection), request.param)
        fill(Old(connection, request.param))
    return bare_ledger, request.param


def columns_of(ledger: Ledger) -> dict[str, list[str]]:
    with ledger.engine.connect() as connection:
        tables = reflected(connection)
        return {name: tables[name].columns.keys() for name in sorted(tables) if name != "alembic_version"}


def test_all_it_held_is_there_and_as_it_was(old_ledger: tuple[Ledger, str]) -> None:
    ledger, _ = old_ledger
    columns = columns_of(ledger)
    with ledger.engine.connect() as connection:
        before = held(connection, columns)
    assert all(before.values())
    with pytest.raises(LedgerMissing, match="triage init"):
        ledger.check()
    ledger.migrate()
    ledger.check()
    with ledger.engine.connect() as connection:
        after = held(connection, columns)
    sealed = after["event"][len(before["event"]) :]
    after["event"] = after["event"][: len(before["event"])]
    assert after == before
    assert [row[columns["event"].index("kind")] for row in sealed] == ["ledger_sealed"]


def test_what_counts_and_what_became_of_it_stands_on_its_own(old_ledger: tuple[Ledger, str]) -> None:
    ledger, revision = old_ledger
    ledger.migrate()
    merged = revision >= "0002"
    with ledger.read() as session:
        cases = {case.id: case for case in session.scalars(select(CaseRow))}
        labels = {i: (c.section, c.topic, c.handling) for i, c in cases.items()}
        own = ("价格科", None, None)
        assert labels == {
            CLOSED_CASE: ("价格科", "电网", "当年解决"),
            LEAD: ("能源科", None, "解释说明") if merged else own,
            MEMBER: ("能源科", None, "解释说明") if merged else own,
            WAITING: (None, None, None),
            CLOSED_MEMBER: own,
            PAST: own,
            LEFT: own,
            ASSISTING: own,
        }
        for case in cases.values():
            now = {target: found.label for target, found in settled(case).items()}
            assert {t: getattr(case, t) for t in ("section", "topic", "handling") if getattr(case, t)} == now
        replies = session.scalars(select(ReplyRow).order_by(ReplyRow.case_id)).all()
        assert [(r.case_id, r.number, r.replied_on) for r in replies] == [
            (CLOSED_CASE, "云发改〔2025〕1号", CLOSED),
            (CLOSED_MEMBER, "2号", CLOSED),
        ]
        assert [c.id for c in cases.values() if c.replied_on == CLOSED] == [CLOSED_CASE, CLOSED_MEMBER]
        results = session.scalars(select(ResultRow).order_by(ResultRow.case_id)).all()
        assert [(r.case_id, r.result_class, r.found_on) for r in results] == [
            (CLOSED_CASE, "A", CLOSED),
            (CLOSED_MEMBER, "B", CLOSED),
            (PAST, "A", RECEIVED),
        ]
        deadlines = {d.case_id: d for d in session.scalars(select(DeadlineRow))}
        assert sorted(deadlines) == (sorted(cases) if merged else [])  # 0001 did not count days
        for case_id, row in deadlines.items():
            assert (row.start_on, row.due_on, row.rule, row.duty_id) == (RECEIVED, DUE, "", None)
            assert row.kind == ("assist" if case_id == ASSISTING else "reply")
            done = {CLOSED_CASE: (CLOSED, None), CLOSED_MEMBER: (CLOSED, None), PAST: (None, RECEIVED)}
            assert (row.met_on, row.dropped_on) == done.get(case_id, (None, None))


def test_the_whole_record_is_in_the_chain(old_ledger: tuple[Ledger, str]) -> None:
    ledger, _ = old_ledger
    ledger.migrate()
    with ledger.read() as session:
        verdict = verify_ledger(session)
        assert verdict.problems == []
        events = session.scalars(select(EventRow).order_by(EventRow.id)).all()
        assert verdict.events == len(events)
        assert all(len(event.hash) == 64 for event in events)
        assert len({event.hash for event in events}) == len(events)
        assert events[-1].detail == {"rows": verdict.rows, "why": "台账升级"}


def test_more_events_and_rows_than_a_batch(
    old_ledger: tuple[Ledger, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, _ = old_ledger
    monkeypatch.setattr("triage.ledger.adoption.BATCH", 3)
    ledger.migrate()
    with ledger.read() as session:
        assert verify_ledger(session).problems == []
        kinds = session.scalars(select(EventRow.kind)).all()
    assert kinds.count("ledger_sealed") > 5


def test_a_second_time_changes_nothing(old_ledger: tuple[Ledger, str]) -> None:
    ledger, _ = old_ledger
    ledger.migrate()
    before = content(ledger)
    ledger.migrate()
    assert content(ledger) == before


def test_the_record_cannot_be_changed_afterwards_either(old_ledger: tuple[Ledger, str]) -> None:
    ledger, revision = old_ledger
    ledger.migrate()
    never_changed = ("event", "decision", "prediction", "seal", "reply", "result")
    acts = [
        f"update {table} set {column} = {column}" for table in never_changed for column in ("created_at",)
    ]
    acts = [act.replace("created_at", "hash") if " seal " in act else act for act in acts]
    acts += [f"delete from {table}" for table in (*never_changed, '"case"')]
    if revision >= "0002":
        acts += [f"delete from {table}" for table in ("merge_member", "merge", "commitment", "deadline")]
    for act in acts:
        with pytest.raises(DBAPIError, match=r"append-only|never deleted"), ledger.write() as session:
            session.execute(text(act))


def test_the_work_goes_on_and_so_does_the_chain(old_ledger: tuple[Ledger, str]) -> None:
    ledger, revision = old_ledger
    ledger.migrate()
    with ledger.write() as session:
        new = arrive(Submission(title="停车", body="停车难。", number="第9号"), session=session).id
    assert new == ASSISTING + 1
    labels = {"section": "能源科", "topic": "收费", "handling": "当年解决"}
    for case_id in (new, WAITING):
        with ledger.write() as session:
            decide(case_id, labels, who="王", why="看过", session=session, taxonomy=TAXONOMY)
    with ledger.write() as session:
        decide(
            LEAD,
            {"section": "价格科", "topic": "收费", "handling": "解释说明"},
            who="王",
            why="看过",
            seen_version=get_case(LEAD, session=session).version,
            session=session,
            taxonomy=TAXONOMY,
        )
    for case_id in (new, LEAD):
        with ledger.write() as session:
            close_case(
                case_id,
                result_class="B",
                reply_number=f"{case_id}号函",
                who="王",
                session=session,
                taxonomy=TAXONOMY,
            )
    if revision >= "0002":
        with ledger.write() as session:
            keep_commitment(1, who="王", session=session)
    with ledger.read() as session:
        lead = get_case(LEAD, session=session)
        assert (lead.state, lead.section, lead.reply_number) == ("closed", "价格科", f"{LEAD}号函")
        assert get_case(MEMBER, session=session).section == "价格科"  # alone, or with its lead
        assert all(d.met_on for d in lead.deadlines if d.kind == "reply")
        assert verify_ledger(session).problems == []
        events = session.scalars(select(EventRow).order_by(EventRow.id)).all()
        sealed = next(i for i, event in enumerate(events) if event.kind == "ledger_sealed")
        assert [e.id for e in events[sealed:]] == list(range(events[sealed].id, events[-1].id + 1))


def test_a_ledger_that_holds_models_alone_is_chained_too(bare_ledger: Ledger) -> None:
    with bare_ledger._writer.begin() as connection:
        command.upgrade(bare_ledger._alembic(connection), "0004")
        old = Old(connection, "0004")
        old.put("model_version", target="section", version="1", sha256="0" * 64, manifest={})
    bare_ledger.migrate()
    with bare_ledger.read() as session:
        verdict = verify_ledger(session)
    assert (verdict.problems, verdict.events, verdict.rows) == ([], 1, 1)


def test_an_empty_ledger_stays_empty(bare_ledger: Ledger) -> None:
    with bare_ledger._writer.begin() as connection:
        command.upgrade(bare_ledger._alembic(connection), "0004")
    bare_ledger.migrate()
    assert not any(content(bare_ledger).values())
