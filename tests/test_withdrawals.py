"""Taking back a decision: what stood before counts again, and the record keeps both."""

from __future__ import annotations

import random

import pytest
from arrivals import arrive
from test_decisions import TAXONOMY, load, predict

from training.gold import read_gold
from triage.errors import Conflict, InputError, TriageError
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import ROUTER, add_decision, decide, settle, settled
from triage.ledger.handling import accept
from triage.ledger.merges import merge_cases
from triage.ledger.predictions import add_prediction
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.verify import verify_ledger
from triage.ledger.withdrawals import withdraw_decisions


def a_case(ledger: Ledger, number: str = "1", *, routed: bool = False) -> int:
    """A case that waits; or one whose section the program has decided."""
    with ledger.write() as session:
        case = arrive(Submission(title="路灯", body=f"路灯{number}不亮。", number=number), session=session)
        row = add_prediction(case, predict("section", ("能源科", 0.8), ("价格科", 0.2)), session=session)
        add_prediction(case, predict("topic", ("能源", 0.6), ("价格收费", 0.4)), session=session)
        if routed:
            session.flush()
            add_decision(case, "section", "能源科", kind="auto", who=ROUTER, prediction=row, session=session)
            session.flush()
            session.refresh(case, ["decisions"])
            settle(case, ["section"], TAXONOMY, who=ROUTER, session=session)
        return case.id


def act(ledger: Ledger, case_id: int, who: str = "李", **labels: str) -> None:
    with ledger.write() as session:
        decide(
            case_id,
            labels,
            who=who,
            why="理由",
            seen_version=get_case(case_id, session=session).version,
            session=session,
            taxonomy=TAXONOMY,
        )


def undo(ledger: Ledger, case_id: int, who: str = "李", seen: int | None = None) -> None:
    with ledger.write() as session:
        withdraw_decisions(case_id, who=who, session=session, seen_version=seen)


def stands(ledger: Ledger, case_id: int) -> tuple[str, str | None, dict[str, tuple[str, str]]]:
    """State, section on the case, and what counts for each target with how it was decided."""
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        return case.state, case.section, {t: (s.label, s.kind) for t, s in settled(case).items()}


def test_a_confirmation_taken_back_leaves_the_case_waiting_as_before(ledger: Ledger) -> None:
    case = a_case(ledger)
    before = stands(ledger, case)
    act(ledger, case, section="能源科", topic="能源")
    assert stands(ledger, case)[0] == "assigned"
    undo(ledger, case)
    assert stands(ledger, case) == before == ("in_review", None, {})
    events = [(event.kind, event.who) for event in load(ledger, case).events][-4:]
    assert events == [("confirmed", "李"), ("confirmed", "李"), ("assigned", "李"), ("withdrawn", "李")]
    with ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_an_override_of_an_automatic_decision_taken_back_leaves_the_automatic_one(ledger: Ledger) -> None:
    case = a_case(ledger, routed=True)
    before = stands(ledger, case)
    act(ledger, case, section="价格科")
    assert stands(ledger, case)[1] == "价格科"
    undo(ledger, case)
    assert stands(ledger, case) == before
    assert before[2] == {"section": ("能源科", "auto")}


def test_only_the_newest_step_and_only_by_whoever_made_it(ledger: Ledger) -> None:
    case = a_case(ledger)
    with pytest.raises(Conflict, match="不是认定"):
        undo(ledger, case)
    act(ledger, case, section="能源科")
    with pytest.raises(Conflict, match="李办的"):
        undo(ledger, case, who="王")
    with pytest.raises(InputError):
        undo(ledger, case, who=" ")
    with pytest.raises(Conflict, match="已有人改动"):
        undo(ledger, case, seen=load(ledger, case).version - 1)
    with ledger.write() as session:
        accept(case, who="王", session=session)
    with pytest.raises(Conflict, match="不是认定"):
        undo(ledger, case)
    assert stands(ledger, case)[:2] == ("accepted", "能源科")


def test_one_step_is_taken_back_once(ledger: Ledger) -> None:
    case = a_case(ledger)
    act(ledger, case, section="能源科")
    act(ledger, case, section="价格科")
    undo(ledger, case)
    assert stands(ledger, case)[1] == "能源科"
    with pytest.raises(Conflict, match="不是认定"):
        undo(ledger, case)


def test_the_handler_who_was_let_go_by_it_is_named_again(ledger: Ledger) -> None:
    case = a_case(ledger)
    act(ledger, case, section="能源科")
    with ledger.write() as session:
        accept(case, who="王", handler="周工", session=session)
    act(ledger, case, section="价格科")
    assert (load(ledger, case).handler, load(ledger, case).state) == ("", "assigned")
    undo(ledger, case)
    assert (load(ledger, case).handler, load(ledger, case).state) == ("周工", "accepted")


def test_what_others_follow_is_not_taken_back(ledger: Ledger) -> None:
    cases = [a_case(ledger, n) for n in ("1", "2")]
    with ledger.write() as session:
        merge_cases(cases, lead_id=cases[0], name="路灯", who="李", session=session)
    act(ledger, cases[0], section="能源科")
    with pytest.raises(Conflict, match="并案"):
        undo(ledger, cases[0])


def test_what_was_taken_back_teaches_nothing(ledger: Ledger) -> None:
    case = a_case(ledger)
    act(ledger, case, section="价格科", topic="价格收费")
    undo(ledger, case)
    act(ledger, case, section="能源科", topic="能源")
    with ledger.write() as session:
        close_case(case, result_class="A", who="李", session=session, taxonomy=TAXONOMY)
    with ledger.read() as session:
        assert [g.example.label for g in read_gold("section", session=session).examples] == ["能源科"]


@pytest.mark.parametrize("seed", range(6))
def test_any_course_of_deciding_and_taking_back_stands_where_a_stack_would(ledger: Ledger, seed: int) -> None:
    drawn = random.Random(seed)
    case = a_case(ledger, routed=drawn.random() < 0.5)
    model = [stands(ledger, case)]  # what stood after each step that still counts
    can = False
    for _ in range(12):
        if drawn.random() < 0.45:
            try:
                undo(ledger, case)
                assert can
                model.pop()
            except TriageError:
                assert not can
            can = False
        else:
            labels = {"section": drawn.choice(["能源科", "价格科"])}
            if drawn.random() < 0.5:
                labels["topic"] = drawn.choice(["能源", "价格收费"])
            act(ledger, case, **labels)
            model.append(stands(ledger, case))
            can = True
        assert stands(ledger, case) == model[-1]
    with ledger.read() as session:
        assert verify_ledger(session).problems == []
