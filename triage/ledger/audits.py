"""The audit sample (抽查): of the cases that the router is sure of, a share is reviewed blind.

Whether a case is drawn is settled by lot before anybody sees it, whatever its label and however sure the
model is; so the share right among the drawn ones estimates the share right among all that the router
was sure of, without bias.

What counts is the first decision made on a drawn case, even where it was taken back later: only who made
that one had not seen what the model said. A case that was merged, or given back to the sender, before
anybody decided it stays without a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from scipy.special import betaincinv
from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from triage.ledger.events import add_event
from triage.ledger.learning_tables import AuditRow
from triage.ledger.predictions import newest_predictions
from triage.ledger.tables import CaseRow, EventRow, PredictionRow
from triage.ledger.year import MONTHS
from triage.taxonomy import Taxonomy

REASON = "抽查:请独立认定"
_TAIL = 0.025  # on either side of a 95 % interval


@dataclass(frozen=True)
class Verdict:
    """What became of one label that the router was sure of, on a drawn case.

    Attributes:
        audit_id: of the draw, which rises with time; share, promise: as they were then.
        label: the model's; given: the person's, "" while nobody decided. Both as they are called today.
        who, at: of the decision.
        blind: nobody may see the model's label yet.
    """

    audit_id: int
    case_id: int
    number: str
    title: str
    received_on: date
    share: float
    promise: float
    model_version: str
    label: str
    given: str = ""
    who: str = ""
    at: datetime | None = None
    blind: bool = False

    @property
    def right(self) -> bool:
        return self.given == self.label


@dataclass(frozen=True)
class AuditFigures:
    """How often the router was right where it was sure, as far as the sample tells.

    Attributes:
        name: the label that the model gave; the month's number.
        precision: share right, each verdict weighted by one over the share that was drawn at its time;
            None where nothing is judged.
        interval: 95 % by Clopper and Pearson, of the effective number where the shares differ.
        promise: share right that was promised at the newest draw.
    """

    name: str
    drawn: int
    judged: int
    right: int
    precision: float | None = None
    interval: tuple[float, float] | None = None
    promise: float | None = None


@dataclass(frozen=True)
class AuditRecord:
    """What the sample says of one target.

    Attributes:
        year: of receipt; None: any. model_version: "" for any.
        sections: by the model's label, the largest first; a blind case is not among them, since its place
            would tell. months: January to December, by the day of receipt.
        verdicts: the newest draw first.
    """

    target: str
    year: int | None
    model_version: str
    total: AuditFigures
    sections: list[AuditFigures] = field(default_factory=list)
    months: list[AuditFigures] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def add_audit(case: CaseRow, *, share: float, promise: float, who: str, session: Session) -> AuditRow:
    """Put a case on record as drawn; the event says nothing of the model's choice."""
    row = AuditRow(case_id=case.id, share=share, promise=promise)
    session.add(row)
    add_event("drawn", who=who, session=session, case_id=case.id, share=share, promise=promise)
    return row


def is_blind(case: CaseRow) -> bool:
    """Whether nobody may see yet what the model said of it: drawn, and never assigned to a section."""
    return case.audit is not None and not any(event.kind == "assigned" for event in case.events)


def blind_cases() -> Select[int]:
    """The numbers of the cases that are blind, for a query."""
    assigned = exists().where(EventRow.case_id == AuditRow.case_id, EventRow.kind == "assigned")
    return select(AuditRow.case_id).where(~assigned)


def shown_predictions(case: CaseRow) -> dict[str, PredictionRow]:
    """Target to the latest prediction, as far as people may see it: nothing of a blind case."""
    return {} if is_blind(case) else newest_predictions(case)


def verdicts(
    target: str,
    *,
    session: Session,
    taxonomy: Taxonomy,
    year: int | None = None,
    model_version: str = "",
    case_id: int | None = None,
) -> list[Verdict]:
    """Every drawn case on which the router was sure of ``target``, the newest draw first.

    Of a target that is not the lead, those are cases whose lead it was sure of as well.
    """
    first = (
        select(func.min(PredictionRow.id))
        .join(AuditRow, AuditRow.case_id == PredictionRow.case_id)
        .where(PredictionRow.target == target)
        .group_by(PredictionRow.case_id)
    )
    wanted: list[ColumnElement[bool]] = [PredictionRow.id.in_(first), PredictionRow.auto.is_(True)]
    if year is not None:
        wanted.append(CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31)))
    if model_version:
        wanted.append(PredictionRow.model_version == model_version)
    if case_id is not None:
        wanted.append(CaseRow.id == case_id)
    rows = session.execute(
        select(
            AuditRow,
            CaseRow.number,
            CaseRow.title,
            CaseRow.received_on,
            PredictionRow.model_version,
            PredictionRow.ranked[(0, 0)].as_string().label("label"),
        )
        .join(CaseRow, CaseRow.id == AuditRow.case_id)
        .join(PredictionRow, PredictionRow.case_id == AuditRow.case_id)
        .where(*wanted)
        .order_by(AuditRow.id.desc())
    ).all()
    given, seen = _given(target, session, case_id)

    def now(label: str) -> str:
        return taxonomy.current_name(target, label) or label

    return [
        Verdict(
            audit_id=row.AuditRow.id,
            case_id=row.AuditRow.case_id,
            number=row.number or "",
            title=row.title,
            received_on=row.received_on,
            share=row.AuditRow.share,
            promise=row.AuditRow.promise,
            model_version=row.model_version,
            label=now(row.label),
            given=now(str(event.detail["label"])) if event else "",
            who=event.who if event else "",
            at=event.created_at if event else None,
            blind=row.AuditRow.case_id not in seen,
        )
        for row in rows
        for event in [given.get(row.AuditRow.case_id)]
    ]


def _given(target: str, session: Session, case_id: int | None) -> tuple[dict[int, EventRow], set[int]]:
    """Drawn cases to the decision on ``target`` by which they were first assigned; all that were assigned."""
    of = select(AuditRow.case_id) if case_id is None else [case_id]
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.case_id.in_(of), EventRow.kind.in_(("assigned", "confirmed", "overridden")))
        .order_by(EventRow.id)
    ).all()
    assigned: dict[int, int | None] = {}
    for row in rows:
        if row.kind == "assigned" and row.case_id is not None:
            assigned.setdefault(row.case_id, row.version)
    given = {
        row.case_id: row
        for row in rows
        if row.case_id is not None
        and row.kind != "assigned"
        and row.version == assigned.get(row.case_id)
        and row.detail["target"] == target
    }
    return given, set(assigned)


def audit_record(
    target: str,
    *,
    session: Session,
    taxonomy: Taxonomy,
    year: int | None = None,
    model_version: str = "",
) -> AuditRecord:
    """What the sample says of ``target``: in all, by the model's label, by month of receipt."""
    found = verdicts(target, session=session, taxonomy=taxonomy, year=year, model_version=model_version)
    sections = _grouped([v for v in found if not v.blind], lambda v: v.label)
    months = _grouped(found, lambda v: str(v.received_on.month))
    return AuditRecord(
        target=target,
        year=year,
        model_version=model_version,
        total=figures_of("", found),
        sections=sorted(sections.values(), key=lambda f: (-f.drawn, f.name)),
        months=[months.get(str(m)) or figures_of(str(m), []) for m in MONTHS],
        verdicts=found,
    )


def figures_of(name: str, found: Sequence[Verdict]) -> AuditFigures:
    """The figures of some verdicts."""
    judged = [v for v in found if v.given]
    newest = max(found, key=lambda v: v.audit_id, default=None)
    precision, interval = precision_of([(v.right, v.share) for v in judged])
    return AuditFigures(
        name=name,
        drawn=len(found),
        judged=len(judged),
        right=sum(v.right for v in judged),
        precision=precision,
        interval=interval,
        promise=newest.promise if newest else None,
    )


def precision_of(
    judged: Sequence[tuple[bool, float]],
) -> tuple[float | None, tuple[float, float] | None]:
    """Share right among all that were sure, and its 95 % interval, from those that were drawn.

    Args:
        judged: whether each was right, and the share that was drawn at its time: it stands for one over it.
    """
    weights = [1 / share for _, share in judged]
    total = sum(weights)
    if not total:
        return None, None
    precision = sum(w for w, (right, _) in zip(weights, judged, strict=True) if right) / total
    n = total**2 / sum(w * w for w in weights)  # Kish: so many equal weights would tell as much
    right = precision * n
    low = float(betaincinv(right, n - right + 1, _TAIL)) if precision > 0 else 0.0
    high = float(betaincinv(right + 1, n - right, 1 - _TAIL)) if precision < 1 else 1.0
    return precision, (low, high)


def _grouped(found: Iterable[Verdict], name_of: Callable[[Verdict], str]) -> dict[str, AuditFigures]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in found:
        groups.setdefault(name_of(verdict), []).append(verdict)
    return {name: figures_of(name, group) for name, group in groups.items()}
