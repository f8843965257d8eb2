"""The cases behind each figure, and those of a section, held against a count by hand.

The ledgers are drawn: every mixture of what may be on record; on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from arrivals import arrive

from training.sample_office import OFFICE
from triage.ledger.cases import get_case
from triage.ledger.handling_tables import ContactRow, DeadlineRow, DutyRow, FeedbackRow
from triage.ledger.search import CaseFilter, count_by_state, count_cases, find_ids, list_cases
from triage.ledger.states import STATE_NAMES
from triage.ledger.store import Ledger
from triage.ledger.submissions import ROLES, Submission
from triage.ledger.tables import CaseRow, DecisionRow, MergeMemberRow, MergeRow, PredictionRow
from triage.ledger.within import is_within
from triage.ledger.year import year_figures
from triage.taxonomy import Taxonomy, load_taxonomy

CASES = 120
YEAR = date.today().year - 1
SECTIONS = ("能源科", "价格科", "交通科")


@pytest.fixture(scope="module")
def taxonomy() -> Taxonomy:
    return load_taxonomy(OFFICE)


def draw(ledger: Ledger, seed: int) -> list[int]:
    """Cases of two years with everything that a figure counts; their numbers."""
    drawn = random.Random(seed)
    today = date.today()
    with ledger.write() as session:
        cases = [
            arrive(Submission(number=f"第{n}号", title="路灯", body="路灯"), session=session)
            for n in range(CASES)
        ]
        for case in cases:
            case.received_on = date(YEAR + drawn.randrange(2), drawn.randrange(1, 13), drawn.randrange(1, 29))
            case.state = drawn.choice(list(STATE_NAMES))
            case.role = drawn.choice(("", *ROLES))
            case.section = drawn.choice((None, *SECTIONS))
            case.result_class = drawn.choice((None, "A", "B"))
            case.key_on = drawn.choice((None, today))
            session.add_all(_rows_of(case, drawn, today))
            for _ in range(drawn.randrange(3)):
                session.add(_prediction(case, drawn))
        session.flush()
        for case in cases:
            made = session.query(PredictionRow).filter_by(case_id=case.id).all()
            for _ in range(drawn.randrange(3)):
                session.add(
                    DecisionRow(
                        case_id=case.id,
                        target=drawn.choice(("section", "section", "topic")),
                        label="能源科",
                        kind=drawn.choice(("auto", "confirm", "override", "closed")),
                        who="测试",
                        prediction_id=drawn.choice((None, *(p.id for p in made))),
                    )
                )
                session.flush()
        for _ in range(12):
            members = drawn.sample(cases, 4)
            merge = MergeRow(name="并案", lead_id=members[0].id, labels={})
            session.add(merge)
            session.flush()
            for case in members:
                taken = session.query(MergeMemberRow).filter_by(case_id=case.id, left_at=None).count()
                left = case.created_at if taken or drawn.random() < 0.3 else None
                session.add(MergeMemberRow(merge_id=merge.id, case_id=case.id, left_at=left))
                session.flush()
        return [case.id for case in cases]


def _rows_of(case: CaseRow, drawn: random.Random, today: date) -> list[Any]:
    rows: list[Any] = []
    day = today + timedelta(days=drawn.randrange(-5, 6))
    for _ in range(drawn.randrange(3)):
        how, struck = drawn.choice(("phone", "visit", "meeting")), drawn.choice((None, None, today))
        told = {"case_id": case.id, "held_on": day, "what": "", "who": "测试", "struck_on": struck}
        rows.append(ContactRow(deputy="王", how=how, **told))
    for _ in range(drawn.randrange(3)):
        rows.append(
            FeedbackRow(
                case_id=case.id,
                deputy=drawn.choice(("王", "李")),
                verdict=drawn.choice(("满意", "基本满意", "不满意")),
                given_on=day,
                comment="",
                struck_on=drawn.choice((None, None, today)),
            )
        )
    for _ in range(drawn.randrange(3)):
        rows.append(
            DeadlineRow(
                case_id=case.id,
                kind=drawn.choice(("reply", "assist", "redo")),
                rule="",
                start_on=day,
                due_on=today + timedelta(days=drawn.randrange(-2, 3)),
                met_on=drawn.choice((None, today, today - timedelta(days=1))),
                dropped_on=drawn.choice((None, None, today)),
            )
        )
    if drawn.random() < 0.2:
        withdrawn = drawn.choice((None, today))
        rows.append(
            DutyRow(
                case_id=case.id,
                section=drawn.choice(SECTIONS),
                kind="assist",
                task="",
                withdrawn_on=withdrawn,
            )
        )
    return rows


def _prediction(case: CaseRow, drawn: random.Random) -> PredictionRow:
    return PredictionRow(
        case_id=case.id,
        target=drawn.choice(("section", "topic")),
        model_version="1",
        ranked=[["能源科", 0.5]],
        evidence={},
        auto=False,
        reason="",
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_lists_the_cases_that_each_figure_of_the_year_counts(
    ledger: Ledger, taxonomy: Taxonomy, seed: int
) -> None:
    draw(ledger, seed)
    with ledger.read() as session:

        def found(**wanted: Any) -> int:
            return count_cases(CaseFilter(year=YEAR, **wanted), session=session)

        figures = year_figures(YEAR, session=session, taxonomy=taxonomy)
        assert found() == figures.total
        assert found(merged=True) == figures.merged > 0
        assert found(key_only=True) == figures.key_cases
        for name in ("on_time", "contacted", "met"):
            share = getattr(figures, name)
            yes, no = found(**{name: "yes"}), found(**{name: "no"})
            assert (yes, yes + no) == (share.count, share.of), name
            assert 0 < yes < share.of, name
        for role in ROLES:
            assert found(role=role) == figures.roles.get(role, 0)
        for state in STATE_NAMES:
            assert found(state=state) == figures.states.get(state, 0)
        for section in figures.sections:
            if section.name in SECTIONS:
                assert found(section=section.name) == section.cases
                assert found(section=section.name, state="closed") == section.closed
                assert found(section=section.name, on_time="no") == section.late
        by_month = [found(month_received=month) for month in range(1, 13)]
        assert sum(by_month) == figures.total
        both_years = count_cases(CaseFilter(month_received=3), session=session)
        assert both_years == by_month[2] + count_cases(
            CaseFilter(month_received=3, year=YEAR + 1), session=session
        )


@pytest.mark.parametrize("seed", range(3))
def test_satisfied_and_decided_so_are_what_stands(ledger: Ledger, taxonomy: Taxonomy, seed: int) -> None:
    ids = draw(ledger, seed)
    kinds = {"auto": "auto", "confirmed": "confirm", "overridden": "override"}
    with ledger.read() as session:
        words, stands = {}, {}
        for case_id in ids:
            case = get_case(case_id, session=session)
            words[case_id] = set({f.deputy: f.verdict for f in case.feedback if f.struck_on is None}.values())
            newest = [d for d in case.decisions if d.target == "section"][-1:]
            if case.state not in ("received", "in_review") and any(
                p.target == "section" for p in case.predictions
            ):
                stands[case_id] = {d.kind for d in newest if d.prediction_id is not None}
        glad = {i for i, said in words.items() if said & {"满意", "基本满意"}}
        assert set(find_ids(CaseFilter(satisfied="yes"), session=session)) == glad
        assert set(find_ids(CaseFilter(satisfied="no"), session=session)) == {
            i for i in ids if "不满意" in words[i]
        }
        for how, kind in kinds.items():
            expected = {i for i, found in stands.items() if kind in found}
            assert expected, how
            assert set(find_ids(CaseFilter(how=how), session=session)) == expected, how


@pytest.mark.parametrize("seed", range(3))
def test_what_is_within_a_section_is_the_same_for_one_case_and_for_the_list(
    ledger: Ledger, seed: int
) -> None:
    ids = draw(ledger, seed)
    with ledger.read() as session:
        for section in (*SECTIONS, "没有的科"):
            listed = set(find_ids(CaseFilter(within=section), session=session))
            cases = {i: get_case(i, session=session) for i in ids}
            assert listed == {i for i, case in cases.items() if is_within(case, section, session=session)}
            led = {i for i, case in cases.items() if case.section == section}
            assert led < listed or section == "没有的科"
            counts = count_by_state(session, section)
            assert counts == {state: sum(cases[i].state == state for i in listed) for state in STATE_NAMES}
            some = {
                c.id
                for c in list_cases(CaseFilter(within=section, words="路灯"), session=session, limit=500)[0]
            }
            assert some == listed
