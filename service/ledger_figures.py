"""The series of /metrics that are read from the ledger and the desk: the same in every process.

A scrape must cost next to nothing: what only grows is counted from where the last scrape ended, the
rest goes through indexes, and all of it is kept for some seconds. What is dear, the precision of the
audit sample, is counted after the answer to a scrape and told at the next.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from triage.desk import Desk
from triage.errors import TriageError
from triage.ledger.audits import AuditFigures, figures_of, verdicts
from triage.ledger.base import utc_now
from triage.ledger.learning_tables import TrainingRow
from triage.ledger.leases import LOST_SECONDS
from triage.ledger.search import CaseFilter, count_cases
from triage.ledger.tables import DecisionRow, EventRow
from triage.ledger.trainings import MOVING, STATE_NAMES
from triage.taxonomy import TARGETS

READ_SECONDS = 4.0  # for reading; Prometheus itself waits 10
KEEP_SECONDS = 5.0
AUDIT_SECONDS = 3600.0  # seconds of a processor, in a large ledger
_INTAKES = {"created": "received", "changed": "resent", "imported": "imported"}  # to the event that tells
_JUDGING = ("drawn", "confirmed", "overridden")  # events that may move the audit sample's figures
_KINDS = ("auto", "confirm", "override", "closed")
log = logging.getLogger("triage.metrics")


@dataclass
class _Counted:
    """Rows of a table that is only added to, by kind, as far as they were counted."""

    last: int
    by: Counter[tuple[str, ...]]


class LedgerFigures:
    """Reads the figures of one desk's ledger; safe to use from several threads.

    Attributes:
        keep_seconds: how long figures are told again without being read.
        audit_seconds: how long the audit sample's precision is told again.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._read_at = 0.0
        self._series: list[Metric] = []
        self._events = _Counted(0, Counter())
        self._decisions = _Counted(0, Counter())
        self._audit: dict[str, AuditFigures] = {}
        self._audit_at = 0.0  # by time.time()
        self._audit_of: tuple[int, ...] = ()  # counts of events when it was counted
        self._was_up = True
        self.keep_seconds = KEEP_SECONDS
        self.audit_seconds = AUDIT_SECONDS

    def read(self) -> list[Metric]:
        """The series as they are now or were ``keep_seconds`` ago; never raises for the database's sake."""
        if not self._lock.acquire(timeout=READ_SECONDS):  # another scrape hangs in the database
            return [unreachable()]
        try:
            if not self._series or time.monotonic() - self._read_at >= self.keep_seconds:
                self._series = self._read()
                self._read_at = time.monotonic()
            return self._series
        finally:
            self._lock.release()

    def _read(self) -> list[Metric]:
        try:
            with self._desk.ledger.read() as session:
                found = [_up(True), *self._of_ledger(session)]
            self._was_up = True
        except (TriageError, SQLAlchemyError):
            if self._was_up:
                log.warning("the ledger's database cannot be read", exc_info=True)
            self._was_up = False
            return [unreachable()]
        return [*found, *self._of_audit(), *self._of_desk()]

    def _of_ledger(self, session: Session) -> Iterator[Metric]:
        self._go_on(session)
        kinds, decisions = self._events.by, self._decisions.by
        intakes = CounterMetricFamily(
            "triage_intakes", "Cases that came into the ledger, by how", labels=("outcome",)
        )
        for outcome, kind in _INTAKES.items():
            intakes.add_metric((outcome,), kinds[kind,])
        yield intakes
        lead = next(iter(self._desk.champions.models()))
        by_route = {
            "auto": decisions[lead, "auto"],
            "review": kinds["queued",] - kinds["drawn",],
            "audit": kinds["drawn",],
        }
        routes = CounterMetricFamily(
            "triage_cases_routed", "New cases by who decides them", labels=("route",)
        )
        for route, count in by_route.items():
            routes.add_metric((route,), count)
        yield routes
        decided = CounterMetricFamily(
            "triage_decisions", "Decisions by target and kind", labels=("target", "kind")
        )
        for target in TARGETS:
            for kind in _KINDS:
                decided.add_metric((target, kind), decisions[target, kind])
        yield decided
        yield CounterMetricFamily(
            "triage_withdrawals", "Decisions taken back by who made them", kinds["withdrawn",]
        )
        for name, text, wanted in (
            ("triage_queue_cases", "Cases that wait for a person to decide", CaseFilter(state="in_review")),
            ("triage_overdue_cases", "Open cases whose reply is overdue", CaseFilter(late_only=True)),
        ):
            yield GaugeMetricFamily(name, text, count_cases(wanted, session=session))
        stopped = GaugeMetricFamily(
            "triage_routing_stops", "Labels that the serving model may not decide", labels=("target",)
        )
        stops = Counter(stop.target for stop in self._desk.stops(session))
        for target in TARGETS:
            stopped.add_metric((target,), stops[target])
        yield stopped
        yield from _of_training(session)

    def _go_on(self, session: Session) -> None:
        """Count what was added since the last time; each in one statement, so that nothing is missed.

        The ledger has one writer at a time: a row is never committed after one with a higher number.
        """
        for counted, number, columns in (
            (self._events, EventRow.id, (EventRow.kind,)),
            (self._decisions, DecisionRow.id, (DecisionRow.target, DecisionRow.kind)),
        ):
            # joined to nothing, or SQLite goes through its whole index of kinds for the order's sake
            by = [column.concat("") for column in columns]
            query = select(func.count(), func.max(number), *by).group_by(*by)
            if counted.last:  # the first time that index is the shorter way
                query = query.where(number > counted.last)
            for count, last, *key in session.execute(query):
                counted.by[tuple(key)] += count
                counted.last = max(counted.last, last)

    def _of_audit(self) -> Iterator[Metric]:
        precision = GaugeMetricFamily(
            "triage_audit_precision", "Share right of automatic decisions, by the sample", labels=("target",)
        )
        bound = GaugeMetricFamily(
            "triage_audit_precision_bound", "Ends of its 95 % interval", labels=("target", "bound")
        )
        promise = GaugeMetricFamily(
            "triage_audit_promise", "Share right that was promised", labels=("target",)
        )
        judged = GaugeMetricFamily(
            "triage_audit_judged", "Drawn cases that a person has judged", labels=("target",)
        )
        for target, found in self._audit.items():
            judged.add_metric((target,), found.judged)
            if found.precision is None or found.interval is None or found.promise is None:
                continue
            precision.add_metric((target,), found.precision)
            promise.add_metric((target,), found.promise)
            for name, value in zip(("lower", "upper"), found.interval, strict=True):
                bound.add_metric((target, name), value)
        yield from (precision, bound, promise, judged)
        if self._audit_at:
            yield GaugeMetricFamily(
                "triage_audit_counted_timestamp_seconds", "When these were counted", self._audit_at
            )

    def count_audit(self) -> None:
        """Count the audit sample anew if it may have changed and the last time is long enough ago.

        Takes seconds in a large ledger: call it where nobody waits.
        """
        of = tuple(self._events.by[kind,] for kind in _JUDGING)
        fresh = self._audit_at and (of == self._audit_of or time.time() - self._audit_at < self.audit_seconds)
        if fresh or not self._was_up or not self._counting.acquire(blocking=False):
            return
        try:
            with self._desk.ledger.read() as session:
                taxonomy = self._desk.taxonomy
                found = {
                    target: figures_of("", verdicts(target, session=session, taxonomy=taxonomy))
                    for target in self._desk.champions.models()
                }
        except (TriageError, SQLAlchemyError):
            log.warning("the audit sample could not be counted", exc_info=True)
        else:
            self._audit, self._audit_of, self._audit_at = found, of, time.time()
        finally:
            self._counting.release()

    def _of_desk(self) -> Iterator[Metric]:
        info = GaugeMetricFamily(
            "triage_model_info", "The model version that serves", labels=("target", "version")
        )
        for target, model in self._desk.champions.models().items():
            info.add_metric((target, model.version), 1)
        yield info
        problem = GaugeMetricFamily(
            "triage_problem", "1 where the office's file or a model cannot serve as it is", labels=("part",)
        )
        said = self._desk.problems()
        for part in ("office", *TARGETS):
            problem.add_metric((part,), part in said)
        yield problem


def unreachable() -> Metric:
    """What is left to be told where the database is not to be had."""
    return _up(False)


def _up(is_up: bool) -> Metric:
    return GaugeMetricFamily("triage_database_up", "Whether the ledger's database can be read", int(is_up))


def _of_training(session: Session) -> Iterator[Metric]:
    """The newest training's state; one that was not heard of any more is lost, whoever has said so."""
    columns = TrainingRow.state, TrainingRow.alive_at, TrainingRow.ended_at
    newest = session.execute(select(*columns).order_by(TrainingRow.id.desc()).limit(1)).first()
    state = newest.state if newest else ""
    if newest and state in MOVING and (utc_now() - newest.alive_at).total_seconds() > LOST_SECONDS:
        state = "lost"
    told = GaugeMetricFamily(
        "triage_training_state", "1 for the state of the newest training", labels=("state",)
    )
    for name in STATE_NAMES:
        told.add_metric((name,), name == state)
    yield told
    if newest and newest.ended_at:
        yield GaugeMetricFamily(
            "triage_training_ended_timestamp_seconds", "When it ended", newest.ended_at.timestamp()
        )
