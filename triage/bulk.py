"""Whole files through the desk: each row or document taken in or refused by name, none lost, none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path

from triage.bulk_report import BulkReport
from triage.desk import Desk
from triage.documents.columns import COLUMN_NAMES, ColumnMap, bare_name
from triage.documents.dated import dated_on
from triage.documents.form import read_form
from triage.documents.ledger_sheet import Aside, LedgerSheet, read_ledger
from triage.documents.reading import Content, base_name, read_bytes, read_content
from triage.documents.rows import BadRow, Row
from triage.errors import InputError
from triage.ledger.files import FileRef, keep_original
from triage.ledger.store import retried
from triage.ledger.submissions import KINDS, Submission
from triage.ledger.texts import check_past
from triage.recorded_merges import enter_merges
from triage.sheet_records import KIND_WORDS, record_of, submission_of
from triage.taxonomy import Taxonomy

BATCH = 32

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Handed:
    """A file as it was handed in, and what it holds."""

    raw: bytes
    name: str
    content: Content

    @classmethod
    def read(cls, raw: bytes, name: str) -> Handed:
        """Raises InputError where it cannot be read."""
        return cls(raw, base_name(name), read_content(raw, name))

    @classmethod
    def of(cls, path: Path) -> Handed:
        """Raises InputError where it cannot be read."""
        return cls.read(read_bytes(path), path.name)


Good = list[tuple[Row, Submission]]


def intake_file(
    desk: Desk,
    path: Path,
    *,
    who: str,
    session: str = "",
    mapping: ColumnMap | None = None,
    received: date | None = None,
    progress: Progress = lambda *_: None,
) -> BulkReport:
    """Put the suggestions of a file through intake: one of a document, each row of a list.

    Safe to interrupt and to run again.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    run = Run("intake", desk, Handed.of(path), who=who, session=session, mapping=mapping, received=received)
    return run.finish(progress)


def import_file(
    desk: Desk,
    path: Path,
    *,
    who: str,
    session: str = "",
    mapping: ColumnMap | None = None,
    closed: bool = False,
    progress: Progress = lambda *_: None,
) -> BulkReport:
    """Put a ledger kept so far into this one: closed cases with their labels, open ones as they stand.

    A case that is there already is left as it is. Safe to interrupt and to run again.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    run = Run("import", desk, Handed.of(path), who=who, session=session, mapping=mapping, closed=closed)
    return run.finish(progress)


class Run:
    """One file on its way into the ledger, a batch of rows at a time."""

    def __init__(
        self,
        kind: str,
        desk: Desk,
        handed: Handed,
        *,
        who: str,
        session: str = "",
        mapping: ColumnMap | None = None,
        closed: bool = False,
        received: date | None = None,
        report: BulkReport | None = None,
        done: int = 0,
    ) -> None:
        """Args:
            kind: intake or import.
            session: stands in where a row names none.
            closed: rows of which nothing says where they stand are closed ones (import).
            received: the day for what says none itself, today where none is given (intake).
            report, done: of an earlier run that was interrupted, and how many rows it did.

        Raises:
            InputError: the file holds no list of suggestions, or a document none.
        """
        self._closed = closed
        self._received = received and check_past(received, field="received_on", name="收件日期")
        self._desk, self._who, self._session, self._name = desk, who, session, handed.name
        self.kind, self.report, self.done = kind, report or BulkReport(), done
        self._rows: list[Row | BadRow | Aside]
        if handed.content.document is not None:
            self._rows = [self._form(handed)]
        else:
            self._rows = self._list(read_ledger(handed.content, mapping))
        self._seen: dict[tuple[str, str], tuple[Row, str]] = {}
        self._merges: list[tuple[Row, int]] = []
        with desk.ledger.write() as ledger:
            self._sha256 = keep_original(handed.raw, handed.name, who=who, session=ledger)

    @property
    def total(self) -> int:
        return len(self._rows)

    def finish(self, progress: Progress = lambda *_: None) -> BulkReport:
        """All rows that are left."""
        for _ in self.steps():
            progress(self.done, self.total)
        return self.report

    def steps(self) -> Iterator[int]:
        """Put in one batch after the other, each of them committed; how many rows are through."""
        put = self._import if self.kind == "import" else self._intake
        ids = {(taken.sheet, taken.line): taken.case_id for taken in self.report.taken}
        for row in self._rows[: self.done]:  # what came before is compared with, not put in again
            if isinstance(row, Row) and (row.sheet, row.line) in ids:
                self._checked(row)
                self._note_merge(row, ids[row.sheet, row.line])
        for batch in _batches(self._rows[self.done :]):
            put(self._good(batch), self.report)
            self.done += len(batch)
            yield self.done
        if self.kind == "import":
            self.report.kept += enter_merges(self._desk, self._merges, who=self._who)
        self.report.refused.sort(key=lambda bad: (bad.sheet, bad.line))

    def _form(self, handed: Handed) -> Row:
        """The one suggestion of a document, as a row."""
        if self.kind == "import":
            raise InputError(f"{handed.name} 是一份文稿,不是台账。收件请用“收件”(triage intake)。")
        assert handed.content.document is not None  # noqa: S101 - the caller looked
        form = read_form(handed.content.document)
        report = self.report
        report.fields, report.missing = dict(form.fields), list(form.missing)
        report.leftover = list(form.leftover)
        report.notes = [*handed.content.notes, *form.notes]
        if "received_on" not in form.fields:
            dated = dated_on(handed.content.document)
            own = f";文稿落款或提出的日期是 {dated}" if dated else ""
            report.notes.append(f"文稿上没有收件日期,按 {self._received or date.today()} 登记{own}。")
        if "body" not in form.fields:
            raise InputError(f"没有读到正文。读到的有:{_told(form.fields)}。请核对文件,或直接录入。")
        return Row(1, form.fields)

    def _list(self, ledger: LedgerSheet) -> list[Row | BadRow | Aside]:
        rows, dropped = _without_foreign(ledger, self._desk.taxonomy)
        columns = [c.used for c in ledger.columns]
        if self.kind == "intake" and not any("body" in used for used in columns):
            headers = "、".join(h for c in ledger.columns for h in (*c.used.values(), *c.unused))
            raise InputError(
                f"缺少“正文”列(可用列名:正文、内容、建议内容、全文)。现有列:{headers or '无'}。"
                "只有标题的往年台账,请用导入(triage import)。"
            )
        self.report.notes = [*ledger.notes, *dropped]
        if self.kind == "intake" and not any("received_on" in used for used in columns):
            self.report.notes.append(f"表里没有收件日期一列,按 {self._received or date.today()} 登记。")
        self.report.columns = [asdict(c) for c in ledger.columns]
        return rows

    def _good(self, batch: Iterable[Row | BadRow | Aside]) -> Good:
        good: Good = []
        for row in batch:
            if isinstance(row, BadRow):
                self.report.refused.append(row)
            elif isinstance(row, Aside):
                self.report.asides.append(row)
            else:
                try:
                    good.append((row, self._checked(row)))
                except InputError as error:
                    self.report.refused.append(row.refused(error))
        return good

    def _checked(self, row: Row) -> Submission:
        """The row's submission; one whose number another row of the file has for something else is refused."""
        submission = submission_of(row, self._session)
        if self.kind == "intake" and submission.received_on is None:
            submission = replace(submission, received_on=self._received)
        submission = self._desk.check(submission, past=self.kind == "import")
        if self.kind == "import":
            if submission.received_on is None:  # an earlier year, not the day of the import
                submission = replace(submission, received_on=row.date("closed_on") or row.date("replied_on"))
            if submission.received_on is None:
                raise InputError("缺少收件日期和办结日期,无法判断是哪一年的办结件。", field="received_on")
        if submission.number:
            key = (submission.session, submission.number)
            first, sha256 = self._seen.setdefault(key, (row, submission.sha256))
            if first is not row and sha256 != submission.sha256:
                raise InputError(
                    f"编号“{submission.number}”与{first.place}重复,内容却不同,请核对。", field="number"
                )
        return submission

    def _file(self, row: Row) -> FileRef:
        return FileRef(self._sha256, self._name, row.place if self.report.columns else "")

    def _intake(self, good: Good, report: BulkReport) -> None:
        new = [s for _, s in good if not self._desk.knows(s)]
        advice = dict(zip(map(id, new), self._desk.advise(new), strict=True))
        for row, submission in good:
            put = partial(self._desk.take_in, submission, who=self._who, file=self._file(row))
            report.add(row, retried(partial(put, advice=advice.get(id(submission)))))

    def _import(self, good: Good, report: BulkReport) -> None:
        new = [s for _, s in good if not self._desk.knows(s)]
        vectors = dict(zip(map(id, new), zip(*self._desk.encode(new), strict=True), strict=True))
        for row, submission in good:
            try:
                record, kept = record_of(row, submission, self._desk.taxonomy, closed=self._closed)
                put = partial(self._desk.enter, record, who=self._who, file=self._file(row))
                receipt = retried(partial(put, vectors=vectors.get(id(submission))))
            except InputError as error:
                report.refused.append(row.refused(error))
                continue
            report.add(row, receipt)
            if receipt.created:
                report.kept += [f"{row.place}:{line}" for line in kept]
            self._note_merge(row, receipt.case_id)

    def _note_merge(self, row: Row, case_id: int) -> None:
        if row.get("merge"):
            self._merges.append((row, case_id))


def _without_foreign(ledger: LedgerSheet, taxonomy: Taxonomy) -> tuple[list[Row | BadRow | Aside], list[str]]:
    """The rows without columns that only share a name with ours: 类型 may be of the matter, 办理方式 书面."""
    known = {
        "kind": {*KINDS, *KIND_WORDS},
        "topic": {x.name for x in taxonomy.topic},
        "handling": {x.name for x in taxonomy.handling},
    }
    dropped: dict[str, set[str]] = {}
    notes = []
    for columns in ledger.columns:
        for name, labels in known.items():
            header = columns.used.get(name, "")
            if not header or bare_name(header) in (name, bare_name(COLUMN_NAMES[name])):
                continue
            values = {row.get(name) for row in _rows_of(ledger, columns.sheet)} - {""}
            if values and not values & labels:
                dropped.setdefault(columns.sheet, set()).add(name)
                notes.append(f"“{header}”一列的内容都不是{COLUMN_NAMES[name]},没有采用。")
    rows: list[Row | BadRow | Aside] = []
    for row in ledger.rows:
        gone = dropped.get(row.sheet or ledger.columns[0].sheet, set()) if isinstance(row, Row) else set()
        if isinstance(row, Row) and gone:
            row = replace(row, fields={f: text for f, text in row.fields.items() if f not in gone})
        rows.append(row)
    return rows, notes


def _rows_of(ledger: LedgerSheet, sheet: str) -> Iterator[Row]:
    for row in ledger.rows:
        if isinstance(row, Row) and row.sheet in ("", sheet):
            yield row


def _told(fields: Mapping[str, str]) -> str:
    return "、".join(f"{COLUMN_NAMES[name]}“{text[:20]}”" for name, text in fields.items())


def _batches(rows: Sequence[Row | BadRow | Aside]) -> Iterator[list[Row | BadRow | Aside]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
