"""Any order of acts on the ledger, held against what docs/ledger.md promises; hypothesis chooses the order.

The model keeps little: of each case its number, its state and the labels decided of it alone. What always holds is
read from the ledger after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from arrivals import arrive
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ledger_acts import (
    ACTS,
    ALONE,
    LABELS,
    LEADS_TO,
    OFFICE,
    ONLY_FROM,
    RULES,
    WHO,
    WHY,
    Given,
    documented_moves,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import TriageError
from triage.ledger.base import Base
from triage.ledger.cases import get_case
from triage.ledger.commitments import keep_commitment, look_back
from triage.ledger.contacts import strike
from triage.ledger.deadlines import owed
from triage.ledger.decisions import decide, newest_decisions
from triage.ledger.duties import answer_duty, withdraw_duty
from triage.ledger.holidays import set_holidays
from triage.ledger.intake import add_case, find_case, note_resent
from triage.ledger.memberships import active_members, active_merge, get_merge, list_merges, settled_labels
from triage.ledger.merge_changes import change_lead, set_merge_due, set_plan
from triage.ledger.merges import add_to_merge, merge_cases, unmerge
from triage.ledger.relations import dismiss
from triage.ledger.reminders import claim_reminders, current_reminders
from triage.ledger.stages import drop_stage, finish_stage
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, EventRow, MergeRow
from triage.ledger.verify import verify_ledger
from triage.ledger.withdrawals import withdraw_decisions
from triage.prediction import Evidence, Prediction
from triage.router import Lot, route_case

MOVES = documented_moves()
MOST_CASES = 5
WHICH = st.integers(0, MOST_CASES - 1)
VERSIONS = st.sampled_from(["seen", "seen", "seen", "stale", "none"])
GIVEN = {
    "who": st.sampled_from(WHO),
    "section": st.sampled_from(LABELS["section"]),
    "days": st.integers(-40, 200),
    "word": st.sampled_from(["", "发改函1号", "发改函2号", "王"]),
}


@dataclass
class Case:
    """What the model knows of a case.

    Attributes:
        last: of the newest act, where it was a decision: who, the labels and state before, else None.
    """

    number: str
    state: str
    version: int = 1
    labels: dict[str, str] = field(default_factory=dict)
    last: tuple[str, dict[str, str], str] | None = None


class LedgerMachine(RuleBasedStateMachine):
    """One ledger, fresh for each run; ``fresh`` and ``done`` are set by whoever runs it."""

    fresh: Callable[[], Ledger]
    done: Callable[[Ledger], None]
    made = refused = 0  # acts, of all runs

    def __init__(self) -> None:
        super().__init__()
        self.ledger = type(self).fresh()
        self.cases: dict[int, Case] = {}
        self.chain: list[tuple[int, str]] = []
        self.steps = 0
        self.rows: dict[str, list[str]] = {}  # as of the last act that was made, where it was asked for

    def teardown(self) -> None:
        with self.ledger.read() as session:
            assert verify_ledger(session).problems == []
        self.ledger.close()
        type(self).done(self.ledger)

    # steps

    @initialize(sure=st.lists(st.booleans(), min_size=2, max_size=4))
    def begin(self, sure: list[bool]) -> None:
        for one in sure:
            self.take_in(one)

    @precondition(lambda self: len(self.cases) < MOST_CASES)
    @rule(sure=st.booleans())
    def take_in(self, sure: bool) -> None:
        number = f"第{len(self.cases) + 1:03}号"
        submission = Submission("路灯", f"{number}路灯不亮。", "七届", number, deputy="李")
        self.rows = {}
        with self.ledger.write() as session:
            case = _routed(submission, session) if sure else arrive(submission, session=session)
            self.cases[case.id] = Case(number, case.state)
            self.cases[case.id].labels = {t: d.label for t, d in newest_decisions(case).items()}

    @rule(which=WHICH, differs=st.booleans())
    def send_again(self, which: int, differs: bool) -> None:
        case_id, known = self._case(which)
        body = "别的正文。" if differs else f"{known.number}路灯不亮。"
        submission = Submission("路灯", body, "七届", known.number, deputy="李")
        with self._act([case_id]) as session:
            found = find_case(submission, session=session)
            assert found is not None
            assert found.id == case_id
            assert note_resent(found, submission, who="系统", session=session) == differs

    @rule(which=WHICH, act=st.sampled_from(sorted(ACTS)), seen=VERSIONS, **GIVEN)
    def act(self, which: int, act: str, seen: str, **drawn: Any) -> None:
        case_id, known = self._case(which)
        before = known.state
        given = Given(case_id, self._version(known, seen), **drawn)
        allowed = act not in LEADS_TO or LEADS_TO[act] in MOVES[before]
        allowed = allowed and before in ONLY_FROM.get(act, MOVES)
        if act in ALONE and self._in_merge(case_id):
            allowed = False
        # one that takes no version cannot be too late
        too_late = seen == "stale" and act != "commit"
        with self._act([case_id], may_refuse=True) as session:
            ACTS[act](given, session)
            session.flush()
            assert allowed, f"{act} of a case that is {before}"
            assert not too_late, f"{act} with an old version"
            if act == "correct":
                known.labels["section"] = given.section
            if act == "close":
                known.labels |= settled_labels(get_case(case_id, session=session))
            if act in LEADS_TO:
                known.state = LEADS_TO[act]
            elif act == "reply":
                known.state = get_case(case_id, session=session).state

    @rule(which=WHICH, seen=VERSIONS, who=st.sampled_from(WHO), data=st.data())
    def decide(self, which: int, seen: str, who: str, data: st.DataObject) -> None:
        case_id, known = self._case(which)
        targets = data.draw(st.sets(st.sampled_from(sorted(LABELS)), min_size=1))
        labels = {target: data.draw(st.sampled_from(LABELS[target])) for target in sorted(targets)}
        before, state = dict(known.labels), known.state
        with self._act([case_id], may_refuse=True) as session:
            version = self._version(known, seen)
            decide(case_id, labels, who=who, why=WHY, session=session, taxonomy=OFFICE, seen_version=version)
            session.flush()
            assert state not in ("closed", "returned")
            assert seen != "stale"
            own = newest_decisions(get_case(case_id, session=session))
            assert {t: own[t].label for t in labels} == labels
            known.labels |= labels
            if "section" in labels and state in ("received", "in_review"):
                known.state = "assigned"
            elif "section" in labels and state in ("accepted", "in_handling"):
                known.state = get_case(case_id, session=session).state
            known.last = (who, before, state)

    @rule(which=WHICH, who=st.sampled_from(WHO))
    def withdraw(self, which: int, who: str) -> None:
        case_id, known = self._case(which)
        last = known.last
        may = last is not None and last[0] == who and not self._in_merge(case_id)
        made = False
        with self._act([case_id], may_refuse=True) as session:
            withdraw_decisions(case_id, who=who, session=session, seen_version=known.version)
            assert may, "a withdrawal of what was not one's own last act"
            made = True
            assert last is not None
            known.labels, known.state = last[1], last[2]
        assert made == may

    @rule(which=st.lists(WHICH, min_size=1, max_size=3), lead=WHICH)
    def merge(self, which: list[int], lead: int) -> None:
        ids = [self._case(n)[0] for n in which]
        lead_id = self._case(lead)[0]
        with self._act(list(self.cases), may_refuse=True) as session:
            merge_cases([lead_id, *ids], lead_id=lead_id, who="甲", session=session)

    @rule(
        which=WHICH,
        change=st.sampled_from(["join", "leave", "dissolve", "lead", "due", "plan"]),
        other=WHICH,
        stale=st.booleans(),
    )
    def change_merge(self, which: int, change: str, other: int, stale: bool) -> None:
        other_id = self._case(other)[0]
        merge = self._merge_of(self._case(which)[0])
        if merge is None:
            return
        version = merge.version - 1 if stale else merge.version
        told: dict[str, Any] = {"who": "甲", "why": WHY, "seen_version": version}
        with self._act(list(self.cases), may_refuse=True) as session:
            match change:
                case "join":
                    add_to_merge(merge.id, [other_id], session=session, **told)
                case "leave":
                    unmerge(merge.id, [other_id], session=session, **told)
                case "dissolve":
                    unmerge(merge.id, session=session, **told)
                case "lead":
                    change_lead(merge.id, other_id, session=session, **told)
                case "due":
                    set_merge_due(merge.id, None, session=session, **told)
                case "plan":
                    set_plan(merge.id, "一并答复", session=session, **told)
            session.flush()
            assert not stale, "a change of a merge that somebody changed meanwhile"

    @rule(which=WHICH, other=WHICH)
    def dismiss(self, which: int, other: int) -> None:
        first, second = self._case(which)[0], self._case(other)[0]
        with self._act([first, second], may_refuse=True) as session:
            dismiss(first, second, who="甲", session=session)

    @rule(
        entry=st.integers(1, 6),
        what=st.sampled_from(["answer", "let off", "done", "drop", "keep", "look", "strike", "holiday"]),
        nth=st.integers(0, 2),
    )
    def handle_entry(self, entry: int, what: str, nth: int) -> None:
        with self._act(list(self.cases), may_refuse=True) as session:
            match what:
                case "answer":
                    answer_duty(entry, "同意", who="甲", session=session)
                case "let off":
                    withdraw_duty(entry, why=WHY, who="甲", session=session)
                case "done":
                    finish_stage(entry, who="甲", session=session)
                case "drop":
                    drop_stage(entry, why=WHY, who="甲", session=session)
                case "keep":
                    keep_commitment(entry, who="甲", session=session)
                case "look":
                    look_back(entry, "进展顺利", who="甲", session=session)
                case "strike":
                    strike(("contact", "feedback", "meeting")[nth], entry, why=WHY, who="甲", session=session)
                case "holiday":
                    _shut(entry, session)

    @rule(days=st.integers(0, 366))
    def remind(self, days: int) -> None:
        with self.ledger.write() as session:
            told = current_reminders(session=session, taxonomy=OFFICE, days=days)
            claim_reminders(told, session=session)
        self.rows = {}
        assert {reminder.case_id for reminder in told} <= set(self.cases)

    # what always holds

    @invariant()
    def nothing_vanishes(self) -> None:
        with self.ledger.read() as session:
            chain = [(e.id, e.hash) for e in session.scalars(select(EventRow).order_by(EventRow.id))]
            assert chain[: len(self.chain)] == self.chain
            assert [number for number, _ in chain] == list(range(1, len(chain) + 1))
            self.chain = chain
            for case_id, known in self.cases.items():
                found = find_case(Submission("", "", "七届", known.number), session=session)
                assert found is not None
                assert found.id == case_id

    @invariant()
    def cases_stand_as_the_model_says(self) -> None:
        with self.ledger.read() as session:
            for case_id, known in self.cases.items():
                case = get_case(case_id, session=session)
                assert case.version == known.version
                assert case.state == known.state, f"{case.state}, not {known.state}"
                own = {t: d.label for t, d in newest_decisions(case).items()}
                assert own == known.labels
                assert (case.closed_on is not None) == (case.state == "closed")
                if case.state in ("closed", "returned"):
                    assert owed(case) == []
                _states_follow(case)

    @invariant()
    def merges_are_whole(self) -> None:
        with self.ledger.read() as session:
            for merge in list_merges(session=session):
                members = active_members(merge)
                assert len(members) >= 2
                assert merge.lead in members
                assert len({case.id for case in members}) == len(members)
                open_ = [case for case in members if case.state != "closed"]
                shared = [{t: settled_labels(c).get(t) for t in merge.labels} for c in open_]
                assert all(one == merge.labels for one in shared)
                assert all(case.state != "returned" for case in members)
            for case_id in self.cases:
                case = get_case(case_id, session=session)
                assert sum(m.left_at is None for m in case.memberships) <= 1
                merge_now = active_merge(case)
                assert merge_now is None or merge_now.dissolved_at is None

    @invariant()
    def verify_now_and_then(self) -> None:
        self.steps += 1
        if self.steps % 10 == 0:
            with self.ledger.read() as session:
                assert verify_ledger(session).problems == []

    # helpers

    def _case(self, which: int) -> tuple[int, Case]:
        ids = list(self.cases)
        case_id = ids[which % len(ids)]
        return case_id, self.cases[case_id]

    def _version(self, known: Case, seen: str) -> int | None:
        return {"seen": known.version, "stale": known.version - 1, "none": None}[seen]

    def _in_merge(self, case_id: int) -> bool:
        return self._merge_of(case_id) is not None

    def _merge_of(self, case_id: int) -> MergeRow | None:
        with self.ledger.read() as session:
            return active_merge(get_case(case_id, session=session))

    @contextmanager
    def _act(self, concerned: list[int], *, may_refuse: bool = False) -> Iterator[Session]:
        """One transaction: refused, it leaves everything as it was; made, it raises versions by one, with events."""
        before = {case_id: replace(known, labels=dict(known.labels)) for case_id, known in self.cases.items()}
        self.rows = self.rows or self._rows()
        may_touch = self._with_merged(concerned)
        try:
            with self.ledger.write() as session:
                yield session
        except TriageError:
            assert may_refuse
            assert self._rows() == self.rows, "what was refused changed something"
            self.cases = before
            LedgerMachine.refused += 1
            return
        LedgerMachine.made += 1
        self.rows = {}
        with self.ledger.read() as session:
            new = session.scalars(select(EventRow).where(EventRow.id > len(self.chain))).all()
            touched = {event.case_id for event in new if event.case_id is not None}
            assert touched <= may_touch, "an act on one case changed another"
            for case_id, known in self.cases.items():
                case = get_case(case_id, session=session)
                raised = case.version - before[case_id].version
                assert raised in (0, 1)
                assert not raised or new, "a version without an event"
                assert case_id not in touched or raised, "an event without a version"
                if raised:
                    known.version = case.version
                    if known.last == before[case_id].last:
                        known.last = None
                moved = [
                    e.detail["state"] for e in new if e.case_id == case_id and "state_before" in e.detail
                ]
                if (
                    moved and known.state == before[case_id].state
                ):  # others moved it, and its own events say so
                    known.state = moved[-1]

    def _with_merged(self, case_ids: list[int]) -> set[int]:
        """These cases and those that are in a merge with one of them."""
        merges = [merge for case_id in case_ids if (merge := self._merge_of(case_id))]
        with self.ledger.read() as session:
            members = [active_members(get_merge(merge.id, session=session)) for merge in merges]
            return {*case_ids, *(case.id for together in members for case in together)}

    def _rows(self) -> dict[str, list[str]]:
        with self.ledger.read() as session:
            plain = session.connection()
            return {
                table.name: sorted(map(repr, plain.exec_driver_sql(f'select * from "{table.name}"')))
                for table in Base.metadata.sorted_tables
            }


def _states_follow(case: CaseRow) -> None:
    """The states that a case's events tell are those that it went through, each allowed by the documents."""
    state = next(event.detail["state"] for event in case.events if event.kind in ("received", "imported"))
    for event in case.events:
        if "state_before" in event.detail:
            assert event.detail["state_before"] == state
            assert event.detail["state"] in MOVES[state], f"{state} became {event.detail['state']}"
            state = event.detail["state"]
    assert case.state == state


def _routed(submission: Submission, session: Session) -> CaseRow:
    """As intake leaves a case of which the models are sure."""
    case = add_case(submission, who="系统", session=session, rules=RULES)
    predictions = {
        target: Prediction(target, ((names[0], 0.97), (names[1], 0.03)), Evidence(), "版本", True, "有把握")
        for target, names in LABELS.items()
    }
    route_case(case, predictions, (), (), lot=Lot(lambda: 1.0, 0.0, 0.95), taxonomy=OFFICE, session=session)
    return case


def _shut(entry: int, session: Session) -> None:
    """A day of the coming weeks on which nobody works, and the deadlines counted anew."""
    set_holidays([(date.today() + timedelta(days=entry), "off", "放假")], who="甲", session=session)
