"""How triage did with a year's cases, by counts made by hand; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from arrivals import arrive
from sqlalchemy import event

from triage.ledger.cases import get_case
from triage.ledger.decisions import ROUTER, add_decision, decide, settle
from triage.ledger.handling import send_back
from triage.ledger.predictions import add_prediction
from triage.ledger.returns import return_case
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.triage_record import TriageFigures, TriageRecord, triage_record
from triage.ledger.year import UNKNOWN, Share
from triage.prediction import Evidence, Prediction
from triage.taxonomy import Label, Taxonomy

TAXONOMY = Taxonomy(section=(Label("能源科"), Label("价格科")), topic=(Label("能源"), Label("价格收费")))
ENERGY = (("能源科", 0.8), ("价格科", 0.2))
PRICES = (("价格科", 0.6), ("能源科", 0.4))


def come_in(
    ledger: Ledger, n: int, received_on: date, *predicted: tuple[tuple[str, float], ...], auto: bool = False
) -> int:
    """A case with its predictions, the last of them decided automatically if wanted."""
    with ledger.write() as session:
        sent = Submission(title=f"第{n}件", body=f"正文{n}。", number=str(n), received_on=received_on)
        case = arrive(sent, session=session)
        for ranked in predicted:
            prediction = Prediction("section", ranked, Evidence(), "20260101-000000-abcdef", auto, "把握")
            row = add_prediction(case, prediction, session=session)
            session.flush()
        if auto:
            label = predicted[-1][0][0]
            add_decision(case, "section", label, kind="auto", who=ROUTER, prediction=row, session=session)
            session.flush()
            session.refresh(case, ["decisions"])
            settle(case, ["section"], TAXONOMY, who=ROUTER, session=session)
        return case.id


def say(ledger: Ledger, case_id: int, label: str) -> None:
    """A person decides."""
    with ledger.write() as session:
        decide(case_id, {"section": label}, who="李", why="看过", session=session, taxonomy=TAXONOMY)


@pytest.fixture
def year(ledger: Ledger) -> Ledger:
    """Seven cases of 2026 that were triaged; one that was entered as settled, one of 2025."""
    january, february, march = (date(2026, month, 5) for month in (1, 2, 3))
    come_in(ledger, 1, january, ENERGY, auto=True)
    say(ledger, come_in(ledger, 2, january, ENERGY, auto=True), "价格科")
    say(ledger, come_in(ledger, 3, february, PRICES, ENERGY), "能源科")  # it was read again before that
    say(ledger, come_in(ledger, 4, february, ENERGY), "价格科")
    come_in(ledger, 5, march, ENERGY)
    back, gone = (come_in(ledger, n, march, ENERGY, auto=True) for n in (6, 7))
    entered = come_in(ledger, 8, march)
    with ledger.write() as session:
        send_back(back, why="不属本科室", who="王", session=session)
        sent = {"why": "不属本局", "proposed_unit": "市水利局", "consent": "交办单位同意"}
        return_case(gone, **sent, who="李", session=session)
        case = get_case(entered, session=session)
        add_decision(case, "section", "能源科", kind="closed", who="李", session=session)
    say(ledger, come_in(ledger, 9, date(2025, 3, 3), ENERGY), "能源科")
    return ledger


def record_of(ledger: Ledger, year: int = 2026, section: str | None = None) -> TriageRecord:
    with ledger.read() as session:
        return triage_record(year, session=session, taxonomy=TAXONOMY, section=section)


def test_each_case_counts_once_by_what_stands(year: Ledger) -> None:
    found = record_of(year).total
    assert (found.taken_in, found.auto, found.confirmed, found.overridden) == (7, 2, 1, 2)
    assert found.undecided == 2  # one waits; one waits again, since its section sent it back
    assert found.changed == Share(2, 5)


def test_automatic_ones_are_corrected_by_people_sections_and_returns(year: Ledger) -> None:
    record = record_of(year)
    assert record.total.corrected == Share(3, 4)
    assert list(record.corrected.values()) == ["1", "3", "3"]


def test_right_is_what_the_newest_prediction_said_first(year: Ledger) -> None:
    found = record_of(year).total
    assert found.right == Share(2, 4)  # what was given back to the sender is no section's
    assert found.right_when_seen == Share(1, 3)
    lower, upper = found.right.interval or (0.0, 0.0)
    assert (round(lower, 3), round(upper, 3)) == (0.150, 0.850)


def test_months_and_sections_add_up_to_the_year(year: Ledger) -> None:
    record = record_of(year)

    def sums(groups: list[TriageFigures]) -> list[tuple[int, ...]]:
        return [
            (g.taken_in, g.auto, g.confirmed, g.overridden, g.undecided, g.corrected.count) for g in groups
        ]

    whole = sums([record.total])[0]
    for groups in (record.months, record.sections):
        assert tuple(map(sum, zip(*sums(groups), strict=True))) == whole
    assert [m.taken_in for m in record.months] == [2, 2, 3, *[0] * 9]
    assert [m.right for m in record.months[:3]] == [Share(1, 2), Share(1, 2), Share(0, 0)]
    assert [(s.name, s.taken_in) for s in record.sections] == [("能源科", 3), ("价格科", 2), (UNKNOWN, 2)]


def test_a_year_and_a_section_are_counted_by_themselves(year: Ledger) -> None:
    assert record_of(year, 2025).total.right == Share(1, 1)
    assert record_of(year, 2024).total.taken_in == 0
    assert record_of(year, section="价格科").total.overridden == 2
    assert record_of(year, section="价格科").total.taken_in == 2


@contextmanager
def statements(ledger: Ledger) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(ledger.engine, "before_cursor_execute", note)
    yield asked
    event.remove(ledger.engine, "before_cursor_execute", note)


def test_more_cases_take_no_more_questions(year: Ledger) -> None:
    with statements(year) as few:
        record_of(year)
    for n in range(20, 40):
        come_in(year, n, date(2026, 6, 1), ENERGY, auto=True)
    with statements(year) as many:
        assert record_of(year).total.taken_in == 27
    assert len(many) == len(few)
