"""What the page of one case shows: predictions, who decided what, deadlines, acts, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.act_forms import ACTS, ENTRY_ACTS, missing_targets
from service.case_acts import offers_for
from service.marking import mark
from service.people import Person
from service.related_view import DONE, related_context
from service.schemas_handling import HandlingOut
from triage.desk import Desk
from triage.errors import TriageError
from triage.ledger.audits import is_blind, shown_predictions
from triage.ledger.deadlines import DEADLINE_NAMES, is_open
from triage.ledger.decisions import settled
from triage.ledger.events import flags_of
from triage.ledger.memberships import SHARED, follows
from triage.ledger.neighbours import neighbours
from triage.ledger.search import CaseFilter, count_by_state, list_cases
from triage.ledger.tables import CaseRow, PredictionRow
from triage.taxonomy import TARGETS

NEWEST_EVENTS = 30
DECIDED = {"decided": "已记入台账。", "close": "已办结销号。"}


def told(done: str) -> str:
    """What the page says after an act; empty for a word that nothing is called by."""
    names = {act.slug: act.name for act in ACTS}
    names |= {f"{act.entry}-{act.slug}": act.name for act in ENTRY_ACTS}
    if done in names and done not in DECIDED:
        return f"已记入台账:{names[done]}。"
    return DECIDED.get(done) or DONE.get(done, "")


def case_context(
    case: CaseRow,
    desk: Desk,
    person: Person,
    typed: Mapping[str, Any],
    refused: TriageError | None,
    *,
    session: Session,
) -> dict[str, Any]:
    """Everything on the page of ``case`` as ``person`` sees it.

    Args:
        typed: the form that was refused: ``act`` and its fields; empty otherwise.
    """
    taxonomy = desk.taxonomy
    predictions = shown_predictions(case)
    waiting, _ = list_cases(CaseFilter(state="in_review"), session=session, limit=2, unsure_first=True)
    earlier, later = neighbours(case, session=session, section=person.bound_to)
    offers = offers_for(case, person, taxonomy, typed, field_errors(refused))
    today = date.today()
    return {
        "predictions": predictions,
        "decisions": settled(case),
        "from_lead": SHARED if follows(case) else (),
        "flags": flags_of(case),
        "near": near_cases(predictions, session=session),
        "title_pieces": mark(case.title or "(无标题)", list(predictions.values())),
        "body_pieces": mark(case.body, list(predictions.values())),
        "blind": is_blind(case),
        "choices": {t: [x.name for x in taxonomy.labels(t) if x.active] for t in TARGETS},
        "leader": case.leader or taxonomy.leader_of(case.section),
        "handling": HandlingOut.of(case),
        "result_names": {r.code: r.name for r in taxonomy.result_classes},
        "clock": clock_of(case, today),
        "today": today,
        "missing": missing_targets(case, taxonomy),
        "offers": offers,
        "lost": lost_fields(typed, offers.keys),
        "changes": _changes(refused),
        "events_before": case.events[:-NEWEST_EVENTS],
        "events": case.events[-NEWEST_EVENTS:],
        "earlier_id": earlier,
        "later_id": later,
        "waiting": count_by_state(session)["in_review"],
        "next_id": next((c.id for c in waiting if c.id != case.id), None),
        **related_context(case, typed=typed, session=session),
    }


def field_errors(refused: TriageError | None) -> dict[str, str]:
    """What is wrong with which field."""
    if refused is None:
        return {}
    found = refused.detail.get("errors")
    if isinstance(found, dict):
        return dict(found)
    return {str(refused.detail["field"]): refused.message} if "field" in refused.detail else {}


def _changes(refused: TriageError | None) -> list[dict[str, Any]]:
    """What others did meanwhile, with the moment as the page writes moments."""
    told = refused.detail.get("changes") if refused else None
    found = told if isinstance(told, list) else []
    return [{**change, "created_at": datetime.fromisoformat(change["created_at"])} for change in found]


def lost_fields(typed: Mapping[str, Any], shown: set[str]) -> list[tuple[str, str]]:
    """What was typed into a form that the page has no longer, since the case went on meanwhile."""
    key = str(typed.get("act", ""))
    of_case = [act for act in ACTS if key == act.slug]
    of_entry = [a for a in ENTRY_ACTS if key.startswith(f"{a.entry}-") and key.endswith(f"-{a.slug}")]
    act = next(iter([*of_case, *of_entry]), None)
    if act is None or key in shown:
        return []
    return [(one.label, str(typed[one.name])) for one in act.fields if typed.get(one.name)]


@dataclass(frozen=True)
class Clock:
    """What is due next of the case itself.

    Attributes:
        days: left until then; below zero: late by so many.
    """

    name: str
    due_on: date
    days: int


def clock_of(case: CaseRow, today: date) -> Clock | None:
    """The case's next open deadline; the window for giving it back is none."""
    rows = [d for d in case.deadlines if is_open(d) and d.duty_id is None and d.kind != "objection"]
    row = min(rows, key=lambda d: d.due_on, default=None)
    return Clock(DEADLINE_NAMES[row.kind], row.due_on, (row.due_on - today).days) if row else None


def near_cases(predictions: Mapping[str, PredictionRow], *, session: Session) -> dict[str, CaseRow]:
    """The earlier cases that the predictions name, with what became of them, by their reference."""
    named = {str(near["case"]) for p in predictions.values() for near in p.evidence.get("nearest", ())}
    ids = [int(name) for name in named if name.isascii() and name.isdigit() and len(name) < 19]
    rows: Sequence[CaseRow] = session.scalars(select(CaseRow).where(CaseRow.id.in_(ids))).all()
    return {str(row.id): row for row in rows}
