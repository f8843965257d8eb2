"""Year-end learning through the ledger: trained, compared, promoted or kept, all in the record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from small_office import OFFICE, import_year, submission
from sqlalchemy import select

from training.retrain import Outcome, retrain
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.closing import close_case
from triage.ledger.decisions import decide
from triage.ledger.store import Ledger
from triage.ledger.tables import EventRow, ModelVersionRow


@pytest.fixture
def office(settings: Settings) -> Iterator[Desk]:
    """The desk of a small office with three sections and nothing else."""
    settings.taxonomy_path.parent.mkdir(parents=True, exist_ok=True)
    settings.taxonomy_path.write_text(OFFICE, encoding="utf-8")
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    yield Desk(settings, ledger=ledger)
    ledger.close()


def learn(desk: Desk) -> Outcome:
    (outcome,) = retrain(desk, who="管理员")
    return outcome


def events(desk: Desk) -> list[EventRow]:
    with desk.ledger.read() as session:
        return list(session.scalars(select(EventRow).where(EventRow.case_id.is_(None)).order_by(EventRow.id)))


def test_without_closed_cases_nothing_is_trained(office: Desk) -> None:
    office.take_in(submission(1, date(2025, 1, 1)), who="李")
    outcome = learn(office)
    assert (outcome.version, outcome.champion, outcome.examples) == (None, "仅凭职责", 0)
    assert "没有可学习" in outcome.note
    assert events(office) == []


def test_the_first_year_makes_a_champion_and_the_record_tells(office: Desk) -> None:
    import_year(office, date(2024, 1, 1), 0, 60)
    outcome = learn(office)
    assert outcome.version is not None
    assert outcome.version == outcome.champion == office.registry.champion("section")
    assert outcome.to_dict()["promoted"]
    assert outcome.verdict is not None
    assert outcome.verdict.challenger is not None
    assert (outcome.verdict.held_out, outcome.examples) == (12, 60)
    assert (outcome.verdict.first, outcome.verdict.last) == ("2024-02-18", "2024-02-29")
    assert office.champions.models()["section"].version == outcome.version  # serves at once
    trained, promoted = events(office)
    assert [(e.kind, e.who) for e in (trained, promoted)] == [
        ("model_trained", "管理员"),
        ("model_promoted", "管理员"),
    ]
    assert (trained.detail["version"], trained.detail["examples"]) == (outcome.version, 60)
    assert trained.detail["metrics"]["held_out"] == 12
    assert (promoted.detail["version"], promoted.detail["previous"]) == (outcome.version, "仅凭职责")
    assert promoted.detail["why"] == outcome.verdict.reason
    with office.ledger.read() as session:
        row = session.scalars(select(ModelVersionRow)).one()
    manifest = office.registry.manifest("section", outcome.version)
    assert (row.sha256, row.manifest["data"]["examples"]) == (manifest.sha256, 60)
    assert manifest.metrics["challenger"]["accuracy"] == outcome.verdict.challenger.accuracy
    assert manifest.data["last"] == "2024-02-29"


def test_unchanged_data_is_not_trained_again_a_changed_taxonomy_is(office: Desk) -> None:
    import_year(office, date(2024, 1, 1), 0, 30)
    first = learn(office)
    count = len(events(office))
    again = learn(office)
    assert (again.version, again.champion) == (None, first.champion)
    assert "没有变化" in again.note
    assert not again.to_dict()["promoted"]
    assert len(events(office)) == count
    assert len(office.registry.versions("section")) == 1
    path = office.settings.taxonomy_path
    path.write_text(OFFICE.replace("电力和充电", "电力、充电和煤炭"), encoding="utf-8")
    changed = Desk(office.settings, ledger=office.ledger)
    assert learn(changed).version is not None


def test_a_challenger_that_learned_scrambled_labels_is_kept_out(office: Desk) -> None:
    import_year(office, date(2023, 1, 1), 0, 60)
    good = learn(office)
    import_year(office, date(2024, 1, 1), 60, 90, shift=1)
    import_year(office, date(2025, 1, 1), 150, 40)
    outcome = learn(office)
    assert outcome.version is not None
    assert outcome.champion == good.version == office.registry.champion("section")
    assert outcome.verdict is not None
    assert outcome.verdict.held_out == 38
    assert outcome.verdict.first == "2025-01-03"
    assert outcome.verdict.challenger is not None
    assert outcome.verdict.champion is not None
    assert outcome.verdict.challenger.accuracy < outcome.verdict.champion.accuracy
    assert not outcome.verdict.champion_refitted
    assert office.champions.models()["section"].version == good.version
    kept = events(office)[-1]
    assert (kept.kind, kept.detail["version"], kept.detail["previous"]) == (
        "model_kept",
        outcome.version,
        good.version,
    )
    assert {m.version for m in office.registry.versions("section")} == {good.version, outcome.version}


def test_a_better_challenger_takes_over_and_can_be_rolled_back(office: Desk) -> None:
    import_year(office, date(2023, 1, 1), 0, 30, shift=1)
    bad = learn(office)
    import_year(office, date(2024, 1, 1), 30, 150)
    outcome = learn(office)
    assert outcome.version is not None
    assert outcome.champion == outcome.version == office.registry.champion("section")
    assert events(office)[-1].detail["previous"] == bad.version
    assert office.registry.rollback("section") == bad.version
    assert office.champions.models()["section"].version == bad.version


def test_cases_of_this_year_count_once_a_person_has_settled_and_closed_them(office: Desk) -> None:
    import_year(office, date(2024, 1, 1), 0, 30)
    learn(office)
    case_id = office.take_in(submission(31, date(2025, 1, 1)), who="李").case_id
    assert learn(office).version is None  # open: nothing to learn yet
    with office.ledger.write() as session:
        decide(
            case_id, {"section": "价格科"}, who="李", why="看过", session=session, taxonomy=office.taxonomy
        )
        close_case(case_id, result_class="A", who="李", session=session, taxonomy=office.taxonomy)
    outcome = learn(office)
    assert outcome.examples == 31
    assert outcome.version is not None
    assert office.registry.manifest("section", outcome.version).data["cases"][-1] == str(case_id)


def test_a_broken_champion_does_not_stop_learning(office: Desk) -> None:
    import_year(office, date(2024, 1, 1), 0, 30)
    first = learn(office)
    assert first.version is not None
    (office.registry.root / "section" / first.version / "model.joblib").write_bytes(b"broken")
    restarted = Desk(office.settings, ledger=office.ledger)
    outcome = learn(restarted)
    assert outcome.version is not None
    assert outcome.champion == outcome.version
    assert restarted.champions.models()["section"].version == outcome.version


def test_once_trained_plain_cases_are_routed_by_the_champion(office: Desk) -> None:
    import_year(office, date(2024, 1, 1), 0, 120)
    outcome = learn(office)
    receipt = office.take_in(submission(121, date(2025, 1, 1)), who="李")
    with office.ledger.read() as session:
        (event,) = session.scalars(
            select(EventRow).where(EventRow.case_id == receipt.case_id, EventRow.kind == "routed")
        )
        assert (event.detail["label"], event.detail["model_version"]) == ("价格科", outcome.version)
