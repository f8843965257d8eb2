"""What the queue shows of each waiting case: why it is here, and what a confirmation would write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from triage.flags import FLAG_NAMES
from triage.ledger.audits import is_blind, shown_predictions
from triage.ledger.decisions import settled
from triage.ledger.events import flags_of
from triage.ledger.tables import CaseRow, PredictionRow, RelationRow
from triage.related import KIND_NAMES
from triage.routing import percent
from triage.taxonomy import TARGETS, Taxonomy

# why a case waits, beside what the models flagged
DUPLICATE, SENT_BACK, UNSURE, DRAWN = "duplicate", "sent_back", "unsure", "drawn"
WHY_NAMES = {UNSURE: "把握不足", DUPLICATE: "疑似重复", **FLAG_NAMES, SENT_BACK: "科室退回", DRAWN: "抽查"}
_DUPLICATE_SAYS = "疑似与在办件重复"
# ready reasons for deciding otherwise than recommended, by the digit that picks them
REASONS = ("属该科室职责", "推荐理解有误", "按领导批示", "按上年办法")


@dataclass(frozen=True)
class Cell:
    """A target's label as it would be written; probability is None where it is settled already."""

    label: str
    probability: float | None
    how: str = ""


@dataclass(frozen=True)
class Row:
    """One waiting case.

    Attributes:
        cells: target to what a confirmation writes; one that is missing must be chosen first.
        whys: kind and sentence of each reason why a person looks.
        related: kind to the number of cases that look alike.
        blind: nobody may see yet what the models said.
    """

    case: CaseRow
    cells: dict[str, Cell]
    whys: Sequence[tuple[str, str]]
    related: dict[str, int]
    blind: bool

    def is_whole(self, taxonomy: Taxonomy) -> bool:
        """Whether every target that the office uses has a label to show, in use."""
        wanted = {t: {x.name for x in taxonomy.labels(t) if x.active} for t in TARGETS if taxonomy.labels(t)}
        return all(t in self.cells and self.cells[t].label in names for t, names in wanted.items())


def queue_rows(cases: Sequence[CaseRow], *, session: Session) -> list[Row]:
    """The rows of a page of cases, in their order; a handful of queries however many they are."""
    ids = [case.id for case in cases]
    ranked = selectinload(CaseRow.predictions).defer(PredictionRow.evidence)  # long, and no row shows it
    load = [ranked, *map(selectinload, (CaseRow.decisions, CaseRow.events, CaseRow.audit))]
    session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)).options(*load)).all()
    related = _related(ids, session)
    return [
        Row(case, cells_of(case), whys_of(case), related.get(case.id, {}), is_blind(case)) for case in cases
    ]


def cells_of(case: CaseRow) -> dict[str, Cell]:
    """Target to what stands or is recommended first; of a blind case only what stands."""
    decisions, predictions = settled(case), shown_predictions(case)
    cells = {}
    for target in TARGETS:
        if target in decisions:
            cells[target] = Cell(decisions[target].label, None, decisions[target].kind)
        elif target in predictions:
            label, probability = predictions[target].ranked[0]
            cells[target] = Cell(label, probability)
    return cells


def whys_of(case: CaseRow) -> list[tuple[str, str]]:
    """Why a person must look, the most telling first."""
    found = [(f["flag"], f["why"]) for f in flags_of(case)]
    if _DUPLICATE_SAYS in case.route_reason:
        found.insert(0, (DUPLICATE, _DUPLICATE_SAYS))
    back = [event for event in case.events if event.kind in (SENT_BACK, "return_refused")]
    if back:
        found.insert(0, (SENT_BACK, f"{back[-1].who}:{back[-1].detail.get('why', '')}"))
    if case.audit is not None:
        said = case.route_reason if is_blind(case) else "抽查的件,认定过,又回到了这里"
        found.append((DRAWN, said))
    return found or [(UNSURE, case.route_reason.split(";")[0])]


def said_of_audit(case: CaseRow) -> str:
    """Of a drawn case that is judged: what the model had said of its lead; empty for any other."""
    if case.audit is None or is_blind(case):
        return ""
    lead = next(iter(shown_predictions(case).values()))
    label, probability = lead.ranked[0]
    return f"抽查的件,模型当时认定为{label}({percent(probability)})"


def _related(ids: Sequence[int], session: Session) -> dict[int, dict[str, int]]:
    rows = session.execute(
        select(RelationRow.case_id, RelationRow.other_id, RelationRow.kind).where(
            or_(RelationRow.case_id.in_(ids), RelationRow.other_id.in_(ids)),
            RelationRow.status != "dismissed",
        )
    ).all()
    counts: dict[int, Counter[str]] = {case_id: Counter() for case_id in ids}
    for first, second, kind in rows:
        for case_id in {first, second} & counts.keys():
            counts[case_id][kind] += 1
    return {case_id: {k: count[k] for k in KIND_NAMES if count[k]} for case_id, count in counts.items()}


@lru_cache(maxsize=1000)
def initials(name: str) -> str:
    """First letters of a name's syllables: 能源科 is nyk."""
    from pypinyin import Style, lazy_pinyin  # its phrases take 0.4 s to load: when first asked

    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
