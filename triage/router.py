"""The router: what is sure it decides, what is not waits for a person, and of the sure some are drawn for one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from triage.flags import Flag
from triage.ledger.audits import REASON, add_audit
from triage.ledger.decisions import ROUTER, add_decision, settle
from triage.ledger.events import add_event
from triage.ledger.predictions import add_prediction
from triage.ledger.states import move
from triage.ledger.tables import CaseRow, DecisionRow, PredictionRow
from triage.prediction import Prediction
from triage.taxonomy import TARGET_NAMES, Taxonomy


@dataclass(frozen=True)
class Lot:
    """By which a sure case is drawn for the audit sample.

    Attributes:
        draw: gives a number from 0 up to 1; share: below which a case is drawn.
        promise: share right that is promised of what is routed.
    """

    draw: Callable[[], float]
    share: float
    promise: float


def route_case(
    case: CaseRow,
    predictions: Mapping[str, Prediction],
    flags: Sequence[Flag],
    held: Sequence[str],
    *,
    lot: Lot,
    taxonomy: Taxonomy,
    session: Session,
) -> None:
    """Write the predictions of a new case down and decide what is sure.

    Args:
        predictions: target to prediction, the one that a case is assigned by first; at least one.
        held: why a person must look however sure the labels; empty where nothing says so.
    """
    rows = {target: add_prediction(case, p, session=session) for target, p in predictions.items()}
    session.flush()
    lead = next(iter(predictions.values()))  # the section, where the office has sections
    sure = lead.auto and not held
    if sure and lot.draw() < lot.share:
        _draw(case, lot, session)
        _hold(case, rows, ())
        return
    for flag in flags:
        add_event(
            "flagged",
            who=ROUTER,
            session=session,
            case_id=case.id,
            flag=flag.kind,
            score=round(flag.score, 4),
            why=flag.reason,
        )
    undecided, decided = [], []
    for target, prediction in predictions.items():
        if prediction.auto and not held:
            decided.append(_decide(case, prediction, rows[target], session))
        else:
            undecided.append(f"{TARGET_NAMES[target]}:{prediction.reason}")
    case.certainty = lead.probability
    case.route = "auto" if sure else "review"
    if held:
        case.route_reason = ";".join(held)
    elif sure:
        case.route_reason = lead.reason
    else:
        case.route_reason = ";".join(undecided)
    if not sure:
        move(case, "in_review", "queued", who=ROUTER, session=session, why=case.route_reason)
    session.flush()
    _hold(case, rows, decided)
    if sure:
        settle(case, [lead.target], taxonomy, who=ROUTER, session=session)


def _hold(case: CaseRow, rows: Mapping[str, PredictionRow], decided: Sequence[DecisionRow]) -> None:
    """What was written just now is on the case without being read back."""
    set_committed_value(case, "predictions", list(rows.values()))
    set_committed_value(case, "decisions", list(decided))
    set_committed_value(case, "memberships", [])


def _decide(case: CaseRow, prediction: Prediction, row: PredictionRow, session: Session) -> DecisionRow:
    decision = add_decision(
        case,
        prediction.target,
        prediction.label,
        kind="auto",
        who=ROUTER,
        why=prediction.reason,
        prediction=row,
        session=session,
    )
    add_event(
        "routed",
        who=ROUTER,
        session=session,
        case_id=case.id,
        target=prediction.target,
        label=prediction.label,
        probability=round(prediction.probability, 4),
        model_version=prediction.model_version,
        why=prediction.reason,
    )
    return decision


def _draw(case: CaseRow, lot: Lot, session: Session) -> None:
    """For the audit sample: nothing is decided, and nothing tells what the models said.

    The certainty is left out until somebody decided: the queue is ordered by it, and a case
    without one stands first in it.
    """
    audit = add_audit(case, share=lot.share, promise=lot.promise, who=ROUTER, session=session)
    case.route, case.route_reason = "review", REASON
    move(case, "in_review", "queued", who=ROUTER, session=session, why=REASON)
    session.flush()
    set_committed_value(case, "audit", audit)
