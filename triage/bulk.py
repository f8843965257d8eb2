"""Whole files through the desk: each row taken in or refused by name, none lost, none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from triage.desk import Desk, Receipt
from triage.documents.rows import BadRow, Row, read_csv
from triage.errors import InputError
from triage.ledger.commitments import Commitment
from triage.ledger.store import retried
from triage.ledger.submissions import Submission
from triage.taxonomy import TARGETS

BATCH = 32

Progress = Callable[[int, int], None]


@dataclass
class BulkReport:
    """What became of each row of a file.

    Attributes:
        created: cases new in the ledger; known: rows that were there already.
        differing: lines that came again with other content (kept as an event).
        refused: lines that could not be taken, with the reason.
    """

    created: list[int] = field(default_factory=list)
    known: int = 0
    differing: list[int] = field(default_factory=list)
    refused: list[BadRow] = field(default_factory=list)

    def add(self, row: Row, receipt: Receipt) -> None:
        """Count what became of one row."""
        if receipt.created:
            self.created.append(receipt.case_id)
        else:
            self.known += 1
            if receipt.differs:
                self.differing.append(row.line)

    def to_dict(self) -> dict[str, Any]:
        return {
            "created": len(self.created),
            "known": self.known,
            "differing_lines": self.differing,
            "refused": [{"line": bad.line, "reason": bad.reason} for bad in self.refused],
            "case_ids": self.created,
        }


def submission_of(row: Row, session: str) -> Submission:
    """The submission in a row; ``session`` stands in where the row names none."""
    return Submission(
        title=row.get("title"),
        body=row.get("body"),
        session=row.get("session") or session,
        number=row.get("number") or row.get("id"),
        kind=row.get("kind"),
        deputy=row.get("deputy"),
        delegation=row.get("delegation"),
        received_on=row.date("received_on"),
        role=row.get("role"),
        cosigners=row.get("cosigners"),
        lead_unit=row.get("lead_unit"),
    )


def commitments_of(row: Row) -> list[Commitment]:
    """What the reply in a row promised.

    Raises:
        InputError: a day without anything that was promised.
    """
    days = {field: row.date(field) for field in ("commitment_due_on", "commitment_kept_on")}
    if not row.get("commitment"):
        if any(days.values()):
            raise InputError("填了承诺时限或兑现日期,却没有承诺事项。", field="commitment")
        return []
    return [Commitment(row.get("commitment"), days["commitment_due_on"], days["commitment_kept_on"])]


Good = list[tuple[Row, Submission]]


def intake_file(
    desk: Desk, path: Path, *, who: str, session: str = "", progress: Progress = lambda *_: None
) -> BulkReport:
    """Put every row of a CSV file through intake. Safe to interrupt and to run again.

    Raises:
        InputError: the file as a whole cannot be read.
    """

    def put(good: Good, report: BulkReport) -> None:
        new = [s for _, s in good if not desk.knows(s)]
        advice = dict(zip(map(id, new), desk.advise(new), strict=True))
        for row, submission in good:
            receipt = retried(partial(desk.take_in, submission, who=who, advice=advice.get(id(submission))))
            report.add(row, receipt)

    return _through(path, lambda row: desk.check(submission_of(row, session)), put, progress)


def import_file(
    desk: Desk, path: Path, *, who: str, session: str = "", progress: Progress = lambda *_: None
) -> BulkReport:
    """Put a past year's closed cases with their labels into the ledger.

    Raises:
        InputError: the file as a whole cannot be read.
    """

    def checked(row: Row) -> Submission:
        submission = desk.check(submission_of(row, session))
        if submission.received_on is None:  # an earlier year, not the day of the import
            submission = replace(submission, received_on=row.date("closed_on"))
        if submission.received_on is None:
            raise InputError("缺少收件日期和办结日期,无法判断是哪一年的办结件。")
        return submission

    def put(good: Good, report: BulkReport) -> None:
        new = [s for _, s in good if not desk.knows(s)]
        vectors = dict(zip(map(id, new), zip(*desk.encode(new), strict=True), strict=True))
        for row, submission in good:
            try:
                receipt = desk.import_closed(
                    submission,
                    {target: row.get(target) for target in TARGETS},
                    who=who,
                    result_class=row.get("result_class"),
                    reply_number=row.get("reply_number"),
                    closed_on=row.date("closed_on"),
                    commitments=commitments_of(row),
                    vectors=vectors.get(id(submission)),
                )
            except InputError as error:
                report.refused.append(BadRow(row.line, error.message))
            else:
                report.add(row, receipt)

    return _through(path, checked, put, progress)


def _through(
    path: Path,
    checked: Callable[[Row], Submission],
    put: Callable[[Good, BulkReport], None],
    progress: Progress,
) -> BulkReport:
    """Read, check each row, hand the good ones on in batches; refusals keep their line."""
    rows = list(read_csv(path))
    report = BulkReport()
    done = 0
    for batch in _batches(rows):
        good: Good = []
        for row in batch:
            if isinstance(row, BadRow):
                report.refused.append(row)
                continue
            try:
                good.append((row, checked(row)))
            except InputError as error:
                report.refused.append(BadRow(row.line, error.message))
        put(good, report)
        done += len(batch)
        progress(done, len(rows))
    report.refused.sort(key=lambda bad: bad.line)
    return report


def _batches(rows: Iterable[Row | BadRow]) -> Iterator[list[Row | BadRow]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
