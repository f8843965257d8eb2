"""A year's figures (工作台账的年度统计), each counted from the cases behind it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from triage.ledger.contacts import FACE_TO_FACE, SATISFIED
from triage.ledger.deadlines import MAIN
from triage.ledger.handling_tables import ContactRow, DeadlineRow, FeedbackRow
from triage.ledger.lacks import ANSWERS_DEPUTY
from triage.ledger.tables import CaseRow, CommitmentRow, MergeMemberRow
from triage.taxonomy import Taxonomy

UNKNOWN = "未定"
MONTHS = range(1, 13)
_Z = 1.959964  # of 95 %


@dataclass(frozen=True)
class Share:
    """So many of so many.

    Attributes:
        recorded: False where nothing of the kind was ever entered, so that none is not known to be none.
    """

    count: int
    of: int
    recorded: bool = True

    @property
    def rate(self) -> float | None:
        """None where there is nothing to count, or nothing on record."""
        return self.count / self.of if self.of and self.recorded else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % of the rate, by Wilson; None where there is no rate."""
        if self.rate is None:
            return None
        share, z2 = self.rate, _Z**2
        middle = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        half = _Z * math.sqrt(share * (1 - share) / self.of + z2 / (4 * self.of**2)) / (1 + z2 / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class GroupFigures:
    """The part of the year that one section, topic or month has.

    Attributes:
        name: of the section or topic, UNKNOWN where none counts; the month's number.
        on_time, late: answered by the day; answered later or overdue. The others may still be in time.
    """

    name: str
    cases: int
    closed: int
    returned: int
    on_time: int
    late: int
    classes: dict[str, int]

    @property
    def open(self) -> int:
        """Neither closed nor given back."""
        return self.cases - self.closed - self.returned


@dataclass(frozen=True)
class YearFigures:
    """What a year's cases add up to; of cases received in it.

    Attributes:
        roles, states, classes: name or code to count; classes of cases with one.
        contacted, met: cases that the bureau answers, by whether the deputy was talked to at all
            and face to face (联系率, 见面率); satisfied: newest word of each deputy (满意率).
        on_time: cases that were due and answered in time, of those answered or overdue.
        commitments: kept, of those made; overdue_commitments: neither kept nor within their day.
        section: the one whose part of the year it is; None: the whole.
        sections, topics: the largest first, UNKNOWN last; months: January to December, by the day of receipt.
    """

    year: int
    total: int = 0
    roles: dict[str, int] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    key_cases: int = 0
    merged: int = 0
    contacted: Share = Share(0, 0)
    met: Share = Share(0, 0)
    satisfied: Share = Share(0, 0)
    on_time: Share = Share(0, 0)
    redone: int = 0
    commitments: Share = Share(0, 0)
    overdue_commitments: int = 0
    sections: list[GroupFigures] = field(default_factory=list)
    topics: list[GroupFigures] = field(default_factory=list)
    months: list[GroupFigures] = field(default_factory=list)
    section: str | None = None

    def class_share(self, code: str) -> Share:
        return Share(self.classes.get(code, 0), sum(self.classes.values()))

    @property
    def closed(self) -> Share:
        """Closed, of all that were not given back."""
        return Share(self.states.get("closed", 0), self.total - self.states.get("returned", 0))


def of_year(year: int, section: str | None = None) -> list[ColumnElement[bool]]:
    """The conditions on a case to belong to the year, or to one section's part of it."""
    found: list[ColumnElement[bool]] = [CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31))]
    return found if section is None else [*found, CaseRow.section == section]


def year_figures(
    year: int, *, session: Session, taxonomy: Taxonomy, today: date | None = None, section: str | None = None
) -> YearFigures:
    """Figures of the cases received in ``year``, as of ``today``; of one section where it is named."""
    today = today or date.today()
    wanted = of_year(year, section)
    own = (CaseRow.id, CaseRow.received_on, CaseRow.state, CaseRow.role, CaseRow.section, CaseRow.topic)
    # single columns: the texts, which are long, are not read
    cases = session.execute(select(*own, CaseRow.result_class, CaseRow.key_on).where(*wanted)).all()

    def of(
        case_id: InstrumentedAttribute[int], columns: Sequence[Any], *where: ColumnElement[bool]
    ) -> Sequence[Any]:
        """(number of the case, columns ...) of what belongs to the year's cases, in order of entry."""
        query = select(case_id, *columns).join(CaseRow, CaseRow.id == case_id)
        return session.execute(query.where(*wanted, *where).order_by(case_id.class_.id)).all()

    ways: dict[int, set[str]] = {}
    for case_id, how in of(ContactRow.case_id, [ContactRow.how], ContactRow.struck_on.is_(None)):
        ways.setdefault(case_id, set()).add(how)
    said = of(FeedbackRow.case_id, [FeedbackRow.deputy, FeedbackRow.verdict], FeedbackRow.struck_on.is_(None))
    words = {(case_id, deputy): verdict for case_id, deputy, verdict in said}.values()
    due = of(
        DeadlineRow.case_id,
        [DeadlineRow.due_on, DeadlineRow.met_on],
        DeadlineRow.kind.in_(MAIN),
        DeadlineRow.duty_id.is_(None),
        DeadlineRow.dropped_on.is_(None),
    )
    timely = {case_id: was_in_time(due_on, met_on, today) for case_id, due_on, met_on in due}
    redone = {row[0] for row in of(DeadlineRow.case_id, [], DeadlineRow.kind == "redo")}
    promises = of(CommitmentRow.case_id, [CommitmentRow.due_on, CommitmentRow.kept_on])
    merged = {row[0] for row in of(MergeMemberRow.case_id, [], MergeMemberRow.left_at.is_(None))}

    answered = [c.id for c in cases if c.role in ANSWERS_DEPUTY and c.state != "returned"]
    codes = [r.code for r in taxonomy.result_classes]
    classes = Counter(c.result_class for c in cases if c.result_class)
    judged = [in_time for in_time in timely.values() if in_time is not None]
    by_month = _grouped(cases, timely, lambda c: str(c.received_on.month))
    return YearFigures(
        year=year,
        total=len(cases),
        roles=dict(Counter(c.role or UNKNOWN for c in cases)),
        states=dict(Counter(c.state for c in cases)),
        classes={code: classes[code] for code in [*codes, *sorted(classes.keys() - set(codes))]},
        key_cases=sum(c.key_on is not None for c in cases),
        merged=len(merged),
        contacted=Share(sum(i in ways for i in answered), len(answered), bool(ways)),
        met=Share(
            sum(bool(ways.get(i, set()) & set(FACE_TO_FACE)) for i in answered), len(answered), bool(ways)
        ),
        satisfied=Share(sum(word in SATISFIED for word in words), len(words)),
        on_time=Share(sum(judged), len(judged)),
        redone=len(redone),
        commitments=Share(sum(p.kept_on is not None for p in promises), len(promises)),
        overdue_commitments=sum(
            p.kept_on is None and p.due_on is not None and p.due_on < today for p in promises
        ),
        sections=_by_size(_grouped(cases, timely, lambda c: c.section or UNKNOWN)),
        topics=_by_size(_grouped(cases, timely, lambda c: c.topic or UNKNOWN)),
        months=[by_month.get(str(m)) or GroupFigures(str(m), 0, 0, 0, 0, 0, {}) for m in MONTHS],
        section=section,
    )


def was_in_time(due_on: date, met_on: date | None, today: date) -> bool | None:
    """Whether what was due came by its day; None while it may still."""
    if met_on is not None:
        return met_on <= due_on
    return False if due_on < today else None


def _grouped(
    cases: Iterable[Any], timely: Mapping[int, bool | None], name_of: Callable[[Any], str]
) -> dict[str, GroupFigures]:
    groups: dict[str, list[Any]] = {}
    for case in cases:
        groups.setdefault(name_of(case), []).append(case)
    return {
        name: GroupFigures(
            name=name,
            cases=len(group),
            closed=sum(c.state == "closed" for c in group),
            returned=sum(c.state == "returned" for c in group),
            on_time=sum(timely.get(c.id) is True for c in group),
            late=sum(timely.get(c.id) is False for c in group),
            classes=dict(Counter(c.result_class for c in group if c.result_class)),
        )
        for name, group in groups.items()
    }


def _by_size(groups: Mapping[str, GroupFigures]) -> list[GroupFigures]:
    return sorted(groups.values(), key=lambda group: (group.name == UNKNOWN, -group.cases, group.name))
