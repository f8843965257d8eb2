"""A year's figures (工作台账的年度统计), each counted from the cases behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from triage.ledger.contacts import FACE_TO_FACE, SATISFIED
from triage.ledger.deadlines import MAIN
from triage.ledger.lacks import ANSWERS_DEPUTY
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

UNKNOWN = "未定"


@dataclass(frozen=True)
class Share:
    """So many of so many; ``rate`` is None where there is nothing to count."""

    count: int
    of: int

    @property
    def rate(self) -> float | None:
        return self.count / self.of if self.of else None


@dataclass(frozen=True)
class SectionFigures:
    """One section's part of the year."""

    section: str
    cases: int
    closed: int
    late: int
    classes: dict[str, int]


@dataclass(frozen=True)
class YearFigures:
    """What a year's cases add up to; of cases received in it.

    Attributes:
        roles, states, classes: name or code to count; classes of cases with one.
        contacted, met: cases that the bureau answers, by whether the deputy was talked to at all
            and face to face (联系率, 见面率); satisfied: newest word of each deputy (满意率).
        on_time: cases that were due and answered in time, of those answered or overdue.
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
    sections: list[SectionFigures] = field(default_factory=list)

    def class_share(self, code: str) -> Share:
        return Share(self.classes.get(code, 0), sum(self.classes.values()))


def year_figures(
    year: int, *, session: Session, taxonomy: Taxonomy, today: date | None = None
) -> YearFigures:
    """Figures of the cases received in ``year``, as of ``today``."""
    today = today or date.today()
    cases = session.scalars(
        select(CaseRow)
        .where(CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31)))
        .options(
            selectinload(CaseRow.contacts),
            selectinload(CaseRow.feedback),
            selectinload(CaseRow.deadlines),
            selectinload(CaseRow.commitments),
            selectinload(CaseRow.memberships),
        )
    ).all()
    answered = [c for c in cases if c.role in ANSWERS_DEPUTY and c.state != "returned"]
    ways = [{k.how for k in c.contacts if k.struck_on is None} for c in answered]
    words = [word for c in cases for word in _newest_words(c)]
    timely = [in_time for c in cases if (in_time := was_in_time(c, today)) is not None]
    promises = [p for c in cases for p in c.commitments]
    codes = [r.code for r in taxonomy.result_classes]
    classes = Counter(c.result_class for c in cases if c.result_class)
    return YearFigures(
        year=year,
        total=len(cases),
        roles=dict(Counter(c.role or UNKNOWN for c in cases)),
        states=dict(Counter(c.state for c in cases)),
        classes={code: classes[code] for code in [*codes, *sorted(classes.keys() - set(codes))]},
        key_cases=sum(c.key_on is not None for c in cases),
        merged=sum(any(m.left_at is None for m in c.memberships) for c in cases),
        contacted=Share(sum(bool(w) for w in ways), len(ways)),
        met=Share(sum(bool(w & set(FACE_TO_FACE)) for w in ways), len(ways)),
        satisfied=Share(sum(word in SATISFIED for word in words), len(words)),
        on_time=Share(sum(timely), len(timely)),
        redone=sum(any(d.kind == "redo" for d in c.deadlines) for c in cases),
        commitments=Share(sum(p.kept_on is not None for p in promises), len(promises)),
        sections=_by_section(cases, today),
    )


def was_in_time(case: CaseRow, today: date) -> bool | None:
    """Whether the reply or opinion came by its day; None while it may still."""
    due = [d for d in case.deadlines if d.kind in MAIN and d.duty_id is None and d.dropped_on is None]
    if not due:
        return None
    if due[-1].met_on is not None:
        return due[-1].met_on <= due[-1].due_on
    return False if due[-1].due_on < today else None


def _newest_words(case: CaseRow) -> Iterable[str]:
    return {f.deputy: f.verdict for f in case.feedback if f.struck_on is None}.values()


def _by_section(cases: Iterable[CaseRow], today: date) -> list[SectionFigures]:
    groups: dict[str, list[CaseRow]] = {}
    for case in cases:
        groups.setdefault(case.section or UNKNOWN, []).append(case)
    return [
        SectionFigures(
            section=section,
            cases=len(group),
            closed=sum(c.state == "closed" for c in group),
            late=sum(was_in_time(c, today) is False for c in group),
            classes=dict(Counter(c.result_class for c in group if c.result_class)),
        )
        for section, group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
