"""Holding a ledger against what its writers were told: nothing lost, nothing twice, nothing halved."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training.writers.acts import Act
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseReadingRow, CaseRow, DecisionRow, EventRow, PredictionRow, VectorRow
from triage.ledger.verify import verify_ledger
from triage.taxonomy import TARGETS

DECIDED = ("confirmed", "overridden")


class Held:
    """What a ledger holds, read once, and the faults found by holding acts against it."""

    def __init__(self, ledger: Ledger) -> None:
        self.faults: list[str] = []
        self.checked: Counter[str] = Counter()
        with ledger.read() as session:
            self.events = list(session.execute(select(EventRow.__table__).order_by(EventRow.id)).all())
            self.cases = {row.id: row for row in session.execute(select(CaseRow.__table__))}
            decisions = list(session.execute(select(DecisionRow.__table__).order_by(DecisionRow.id)))
            self._check_whole(session)
            self._verify(session)
        self._check_file(ledger)
        self._by_why: defaultdict[str, list[Any]] = defaultdict(list)
        for event in self.events:
            self._by_why[str(event.detail.get("why"))].append(event)
        self._decided_by_why: defaultdict[str, list[Any]] = defaultdict(list)
        for decision in decisions:
            self._decided_by_why[decision.why].append(decision)

    def _fault(self, what: str) -> None:
        self.faults.append(what)

    def _verify(self, session: Session) -> None:
        verdict = verify_ledger(session)
        self.faults += verdict.problems
        self.checked.update({"events in the chain": verdict.events, "rows sealed": verdict.rows})

    def _check_file(self, ledger: Ledger) -> None:
        if not ledger.is_sqlite:
            return
        with ledger.engine.connect() as connection:
            if connection.exec_driver_sql("pragma integrity_check").scalar() != "ok":
                self._fault("pragma integrity_check")
            if connection.exec_driver_sql("pragma foreign_key_check").all():
                self._fault("pragma foreign_key_check")

    def _check_whole(self, session: Session) -> None:
        """Every case has all that its intake writes."""
        recommended = select(PredictionRow.case_id, func.count()).group_by(PredictionRow.case_id)
        counts = dict(session.execute(recommended).all())
        vectors = set(session.scalars(select(VectorRow.case_id)))
        readings = set(session.scalars(select(CaseReadingRow.case_id)))
        received = Counter(event.case_id for event in self.events if event.kind == "received")
        for case_id in self.cases:
            whole = counts.get(case_id) == len(TARGETS) and case_id in vectors and case_id in readings
            if not whole or received[case_id] != 1:
                self._fault(f"case {case_id} is not whole")
        self.checked["whole cases"] = len(self.cases)

    # -- the feed

    def check_feed(self, read: Sequence[dict[str, Any]]) -> None:
        """What was read while others wrote is every event, in order, as it stands now."""
        if len(read) != len(self.events):
            self._fault(f"feed: {len(read)} read, {len(self.events)} in the ledger")
        for change, event in zip(read, self.events, strict=False):
            told = tuple(
                change[name] for name in ("id", "case_id", "version", "kind", "who", "detail", "hash")
            )
            if told != (
                event.id,
                event.case_id,
                event.version,
                event.kind,
                event.who,
                event.detail,
                event.hash,
            ):
                self._fault(f"feed: event {event.id} was told otherwise: {change}")
        self.checked["feed"] = len(read)

    # -- what was acknowledged

    def check_acts(self, acts: Sequence[Act], others: Collection[str] = ()) -> None:
        """Everything acknowledged is there once, everything refused is not, and nothing else is there.

        Args:
            others: marks of cases that came otherwise than by an act.
        """
        by_kind: defaultdict[str, list[Act]] = defaultdict(list)
        for act in acts:
            by_kind[act.kind].append(act)
        self._check_intakes(by_kind["intake"])
        decided = [*by_kind["decide"], *by_kind["decide unseen"]]
        for act in decided:
            self._check_decision(act)
        self._check_lost_updates(by_kind["decide"])
        for act in by_kind["close"]:
            self._check_close(act)
        for act in by_kind["merge"]:
            self._check_merge(act)
        self._check_strangers(acts, others)

    def _check_intakes(self, acts: Sequence[Act]) -> None:
        numbers = Counter(row.number for row in self.cases.values() if row.number)
        for number, times in numbers.items():
            if times > 1:
                self._fault(f"number {number} is there {times} times")
        by_mark: defaultdict[str, list[Act]] = defaultdict(list)
        for act in acts:
            by_mark[act.mark].append(act)
        for mark, same in by_mark.items():
            there = [row for row in self.cases.values() if mark in row.body]
            told = {act.case_id for act in same if act.is_done}
            if len(there) > 1 or not told <= {row.id for row in there}:
                self._fault(f"intake {mark}: told {sorted(told)}, there {[row.id for row in there]}")
                continue
            made = [act for act in same if act.is_done and act.answer["created"]]
            if len(made) > 1:
                self._fault(f"intake {mark}: told twice that it was made")
            for row in there:
                self._check_content(row, same, made)
            self.checked["intakes acknowledged"] += len([act for act in same if act.is_done])

    def _check_content(self, row: Any, same: Sequence[Act], made: Sequence[Act]) -> None:
        held = {"title": row.title, "body": row.body, "number": row.number or "", "session": row.session}
        possible = [{name: act.sent[name] for name in held} for act in made or same]
        key = f"key:{same[0].key}" if same[0].key else None
        if held not in possible or row.idempotency_key != key:
            self._fault(f"case {row.id} has another content than was sent")
        for act in same:
            differs = act.sent["body"] != row.body
            if act.is_done and act.answer["differs"] != differs:
                self._fault(f"case {row.id}: differs is {act.answer['differs']}")

    def _check_decision(self, act: Act) -> None:
        labels = sorted((d["target"], d["label"]) for d in act.sent["decisions"])
        rows = [d for d in self._decided_by_why[act.sent["why"]] if d.case_id == act.case_id]
        events = [e for e in self._by_why[act.sent["why"]] if e.case_id == act.case_id and e.kind in DECIDED]
        made = sorted((d.target, d.label) for d in rows if d.who == act.who)
        told = sorted((e.detail["target"], e.detail["label"]) for e in events if e.who == act.who)
        if made != told or made not in self._possible(act, labels):
            self._fault(f"{_named(act)}: {labels} decided, {made} and {told} in the ledger")
        versions = {e.version for e in events}
        if events and act.seen is not None and versions != {act.seen + 1}:
            self._fault(f"{_named(act)}: seen {act.seen}, made {versions}")
        if act.is_done and not {d.id for d in rows} <= {d["id"] for d in act.answer["decisions"]}:
            self._fault(f"{_named(act)}: the answer lacks it")
        self.checked["decisions acknowledged"] += act.is_done

    def _possible(self, act: Act, whole: list[Any]) -> list[list[Any]]:
        """What may be in the ledger after an act: all of it or nothing."""
        if act.is_done:
            return [whole]
        return [[]] if act.is_refused else [[], whole]

    def _check_lost_updates(self, acts: Iterable[Act]) -> None:
        """Of those who saw the same version of a case one was the first, and the others were told."""
        won = Counter((act.case_id, act.seen) for act in acts if act.is_done)
        for (case_id, seen), times in won.items():
            if times > 1:
                self._fault(f"case {case_id}: {times} decisions from version {seen}")
        self.checked["versions won"] = len(won)

    def _check_close(self, act: Act) -> None:
        number = act.sent["reply_number"]
        events = [
            e.detail["reply_number"]
            for e in self._by_why[act.sent["why"]]
            if (e.case_id, e.kind, e.who) == (act.case_id, "closed", act.who)
        ]
        if events not in self._possible(act, [number]):
            self._fault(f"{_named(act)}: {events} in the ledger")
        row = self.cases[act.case_id]
        if events and (row.state, row.reply_number) != ("closed", number):
            self._fault(f"{_named(act)}: the case is {row.state} with {row.reply_number!r}")
        self.checked["closings acknowledged"] += act.is_done

    def _check_merge(self, act: Act) -> None:
        merged = sorted(e.case_id for e in self._by_why[act.sent["why"]] if e.kind == "merged")
        if act.is_done:
            merge = act.answer["merge"]
            wanted = sorted(member["case_id"] for member in merge["members"]) if merge else []
            held = merged == wanted
        else:
            held = not merged or (act.is_unknown and set(merged) <= set(act.sent["cases"]))
        if not held:
            self._fault(f"{_named(act)}: {merged} in the ledger")
        self.checked["merges acknowledged"] += act.is_done

    def _check_strangers(self, acts: Iterable[Act], others: Collection[str]) -> None:
        """Nothing is in the ledger that nobody sent."""
        sent = {str(act.sent.get("why")) for act in acts}
        for why, events in self._by_why.items():
            by_people = any(e.kind in (*DECIDED, "closed", "merged") for e in events)
            if by_people and why not in sent and not why.startswith("并案办理"):
                self._fault(f"done, but nobody sent it: {why}")
        marks = {act.mark for act in acts if act.kind == "intake"} | set(others)
        for row in self.cases.values():
            if row.body.partition(":")[0] not in marks:
                self._fault(f"case {row.id} was sent by nobody")


def _named(act: Act) -> str:
    return f"{act.kind} {act.mark} on case {act.case_id} ({act.status or 'no answer'})"
