"""How triage did: what it settled alone, what people changed, how often its first label stood.

A case counts for a target where a prediction was made for it and, once it is decided, the decision
that stands was made on a prediction. Past cases that were entered as settled have none: they are no
triage and are left out. One that was drawn for the audit sample counts as what a person made of it: confirmed or
overridden, never automatic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only, selectinload

from triage.ledger.decisions import newest_decisions
from triage.ledger.learning_tables import AuditRow
from triage.ledger.tables import CaseRow, DecisionRow, EventRow, PredictionRow
from triage.ledger.year import MONTHS, UNKNOWN, Share, of_year
from triage.taxonomy import TARGETS, Taxonomy

WAITING = ("received", "in_review")
HOWS = {"auto": "auto", "confirm": "confirmed", "override": "overridden"}  # kind of decision to name


@dataclass(frozen=True)
class TriageFigures:
    """What triage did for one target, in all or in one month or section.

    Attributes:
        name: of the group; the month's number, the section that stands, UNKNOWN where none does.
        taken_in: cases that were read; auto, confirmed, overridden and undecided add up to it.
        auto: what stands was decided by the program alone, and nobody has decided since.
        confirmed: a person decided on the first label; overridden: on another one.
        undecided: nothing stands: it waits (again, where the section sent it back), or was given back
            to the sender before anybody decided.
        corrected: of cases that were ever decided automatically, those that a person overrode later,
            that the section sent back, or that were given back to the sender (退办) and are still.
        right: of cases in which something stands and that were not given back to the sender, those
            where it is the first label of the prediction that it was decided on, the newest at that time.
        right_when_seen: the same of those that a person decided; an untouched automatic one is right
            only because nobody said otherwise.
    """

    name: str
    taken_in: int
    auto: int
    confirmed: int
    overridden: int
    corrected: Share
    right: Share
    right_when_seen: Share

    @property
    def undecided(self) -> int:
        return self.taken_in - self.decided

    @property
    def decided(self) -> int:
        return self.auto + self.confirmed + self.overridden

    @property
    def changed(self) -> Share:
        """Overridden, of all that is decided."""
        return Share(self.overridden, self.decided)


@dataclass(frozen=True)
class TriageRecord:
    """How triage did with the cases received in a year.

    Attributes:
        lead: the target that months and sections are about: the first that the office uses.
        targets: target to its figures in all.
        months: January to December, by the day of receipt; sections: the largest first, UNKNOWN last.
        section: the one whose record it is; None: all.
        corrected: number of each case that counts as corrected, to its month.
        drawn: cases that would have been automatic and went to a person for the audit sample.
    """

    year: int
    lead: str
    targets: dict[str, TriageFigures] = field(default_factory=dict)
    months: list[TriageFigures] = field(default_factory=list)
    sections: list[TriageFigures] = field(default_factory=list)
    corrected: dict[int, str] = field(default_factory=dict)
    section: str | None = None
    drawn: int = 0

    @property
    def total(self) -> TriageFigures:
        """All of the year's cases, by the lead target."""
        return self.targets[self.lead]


@dataclass(frozen=True)
class _Outcome:
    """What came of one case's prediction for one target.

    Attributes:
        how: of HOWS; empty while nothing stands.
        right: None where nothing stands, or the bureau does not have the case any more.
    """

    case_id: int
    month: str
    how: str
    label: str
    routed: bool
    corrected: bool
    right: bool | None


def triage_record(
    year: int, *, session: Session, taxonomy: Taxonomy, section: str | None = None
) -> TriageRecord:
    """The record of the cases received in ``year``; of one section's where it is named."""
    wanted = of_year(year, section)
    cases = session.scalars(
        select(CaseRow)
        .where(*wanted)
        .options(
            load_only(CaseRow.received_on, CaseRow.state),
            selectinload(CaseRow.decisions).load_only(
                DecisionRow.case_id,
                DecisionRow.target,
                DecisionRow.label,
                DecisionRow.kind,
                DecisionRow.prediction_id,
            ),
        )
    ).all()
    # the first label alone: the evidence beside it is long
    first = PredictionRow.ranked[(0, 0)].as_string()
    made = session.execute(
        select(PredictionRow.id, PredictionRow.case_id, PredictionRow.target, first)
        .join(CaseRow, CaseRow.id == PredictionRow.case_id)
        .where(*wanted)
    ).all()
    first_labels = {number: label for number, _, _, label in made}
    read = {(case_id, target) for _, case_id, target, _ in made}
    gone_back = set(
        session.scalars(
            select(EventRow.case_id)
            .join(CaseRow, CaseRow.id == EventRow.case_id)
            .where(*wanted, EventRow.kind == "sent_back")
        )
    )
    lead = next((t for t in TARGETS if taxonomy.labels(t)), TARGETS[0])
    outcomes: dict[str, list[_Outcome]] = {}
    for case in cases:
        standing = newest_decisions(case)
        if case.state in WAITING:
            standing.pop(lead, None)  # what a section sent back waits for another one
        back = case.id in gone_back or case.state == "returned"
        for target in TARGETS:
            if (case.id, target) in read:
                found = _outcome(case, target, standing.get(target), first_labels, back)
                if found is not None:
                    outcomes.setdefault(target, []).append(found)
    of_lead = outcomes.get(lead, [])
    by_month = _grouped(of_lead, lambda o: o.month)
    sections = _grouped(of_lead, lambda o: o.label or UNKNOWN)
    return TriageRecord(
        year=year,
        lead=lead,
        targets={t: _figures(t, outcomes.get(t, [])) for t in TARGETS if t == lead or t in outcomes},
        months=[by_month.get(str(m)) or _figures(str(m), []) for m in MONTHS],
        sections=sorted(sections.values(), key=lambda f: (f.name == UNKNOWN, -f.taken_in, f.name)),
        corrected={o.case_id: o.month for o in of_lead if o.corrected},
        section=section,
        drawn=session.scalar(
            select(func.count(AuditRow.id)).join(CaseRow, CaseRow.id == AuditRow.case_id).where(*wanted)
        )
        or 0,
    )


def _outcome(
    case: CaseRow,
    target: str,
    standing: DecisionRow | None,
    first_labels: dict[int, str],
    back: bool,
) -> _Outcome | None:
    """None where what stands was not decided on a prediction."""
    how = HOWS.get(standing.kind, "") if standing is not None else ""
    if standing is not None and (standing.kind == "closed" or (how and standing.prediction_id is None)):
        return None
    made = [d for d in case.decisions if d.target == target]
    routed = [n for n, d in enumerate(made) if d.kind == "auto"]
    overridden = bool(routed) and any(d.kind == "override" for d in made[routed[0] :])
    label = standing.label if standing is not None and how else ""
    first = first_labels.get(standing.prediction_id or 0) if standing is not None else None
    return _Outcome(
        case_id=case.id,
        month=str(case.received_on.month),
        how=how,
        label=label,
        routed=bool(routed),
        corrected=bool(routed) and (overridden or back),
        right=first == label if how and case.state != "returned" else None,
    )


def _grouped(outcomes: Iterable[_Outcome], name_of: Callable[[_Outcome], str]) -> dict[str, TriageFigures]:
    groups: dict[str, list[_Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(name_of(outcome), []).append(outcome)
    return {name: _figures(name, group) for name, group in groups.items()}


def _figures(name: str, outcomes: list[_Outcome]) -> TriageFigures:
    decided = [o for o in outcomes if o.how]
    judged = [o for o in decided if o.right is not None]
    seen = [o for o in judged if o.how != "auto"]
    routed = [o for o in outcomes if o.routed]
    return TriageFigures(
        name=name,
        taken_in=len(outcomes),
        auto=sum(o.how == "auto" for o in outcomes),
        confirmed=sum(o.how == "confirmed" for o in outcomes),
        overridden=sum(o.how == "overridden" for o in outcomes),
        corrected=Share(sum(o.corrected for o in routed), len(routed)),
        right=Share(sum(o.right is True for o in judged), len(judged)),
        right_when_seen=Share(sum(o.right is True for o in seen), len(seen)),
    )
