"""Takes batches in beside the service's other work, in a thread of its own; a killed one goes on elsewhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from triage.bulk import Handed, Run
from triage.bulk_report import BulkReport
from triage.desk import Desk
from triage.documents.columns import ColumnMap
from triage.errors import TriageError
from triage.ledger.base import utc_now
from triage.ledger.batches import claim_batch, end_batch, get_batch, note_progress
from triage.ledger.files import get_original
from triage.ledger.store import retried

POLL_SECONDS = 5.0
SAVE_SECONDS = 1.0  # a report is written that often, not with every row
BROKE = "程序出错,没有做完。已登记的都在台账里,可以继续;请把时间告诉管理员查看日志。"
log = logging.getLogger("triage.batch_runner")


def mapping_of_batch(options: Mapping[str, Any]) -> ColumnMap:
    """What the one who began a batch said of its columns and values."""
    return ColumnMap(options.get("columns", {}), options.get("values", {}), tuple(options.get("left", ())))


class BatchRunner:
    """One thread that takes in whatever waits; several processes may each have one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._wanted = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._heard = utc_now()  # as this runner last left it with its batch

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is a new batch."""
        self._wanted.set()

    def end(self) -> None:
        """Finish the rows that are being written, leave the rest waiting."""
        self._ending.set()
        self._wanted.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                batch_id = self._claim()
            except TriageError:
                batch_id = None  # what was perhaps claimed all the same counts as lost in a minute
            except Exception:  # a thread that ended would leave every batch waiting until a restart
                log.exception("looking for a batch")
                batch_id = None
            if batch_id is None:
                self._wanted.wait(POLL_SECONDS)
                self._wanted.clear()
            else:
                self._take_in(batch_id)

    def _claim(self) -> int | None:
        with self._desk.ledger.read() as session:
            if claim_batch(session=session) is None:
                return None  # the usual answer, without the lock of a writer
            session.rollback()
        with self._desk.ledger.write() as session:
            row = claim_batch(session=session)
            session.flush()
            if row is None:
                return None
            self._heard = row.alive_at
            return row.id

    def _take_in(self, batch_id: int) -> None:
        try:
            state, problem = self._through(batch_id), ""
        except TriageError as error:
            state, problem = "failed", error.message
        except Exception:  # whatever it was, the batch must say that it is not done
            log.exception("batch %s", batch_id)
            state, problem = "failed", BROKE
        if state:
            try:
                retried(lambda: self._end(batch_id, state, problem))
            except TriageError:
                log.exception("batch %s stays claimed until it counts as lost", batch_id)

    def _through(self, batch_id: int) -> str:
        """All rows of a batch; the state it ends in, empty where it is no longer ours."""
        with self._desk.ledger.read() as session:
            batch = get_batch(batch_id, session=session)
            raw = get_original(batch.sha256, session=session).content
        options = batch.options
        mapping = mapping_of_batch(options)
        run = Run(
            batch.kind,
            self._desk,
            Handed.read(raw, batch.name),
            who=batch.who,
            session=options.get("session", ""),
            mapping=mapping,
            closed=options.get("closed", False),
            received=date.fromisoformat(options["received"]) if options.get("received") else None,
            report=BulkReport.from_dict(batch.report),
            done=batch.done,
        )
        saved = 0.0
        for _ in run.steps():
            if self._ending.is_set():
                self._note(batch_id, run)
                return "waiting"
            if time.monotonic() - saved >= SAVE_SECONDS:
                if not self._note(batch_id, run):
                    return ""
                saved = time.monotonic()
        return "done" if self._note(batch_id, run) else ""

    def _note(self, batch_id: int, run: Run) -> bool:
        """Whether it is still this runner's."""

        def note() -> datetime | None:
            with self._desk.ledger.write() as session:
                return note_progress(
                    batch_id, self._heard, run.done, run.total, run.report.to_dict(), session=session
                )

        heard = retried(note)
        self._heard = heard or self._heard
        return heard is not None

    def _end(self, batch_id: int, state: str, problem: str) -> None:
        with self._desk.ledger.write() as session:
            end_batch(batch_id, self._heard, state, problem=problem, session=session)
