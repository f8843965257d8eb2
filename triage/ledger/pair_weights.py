"""The pair score's weights as this office learned them: an event each time, the newest counts."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.ledger.events import add_event
from triage.ledger.tables import EventRow
from triage.related import PairWeights


def record_weights(weights: PairWeights, *, who: str, before: float, after: float, session: Session) -> None:
    """Keep new weights; every process takes them up with its next search.

    Args:
        before, after: mean log loss on pairs not learned from, of the old and the new weights.
    """
    add_event(
        "pairs_learned",
        who=who,
        session=session,
        weights=weights.to_dict(),
        before=round(before, 4),
        after=round(after, 4),
    )


def newest_weights(*, session: Session, after: int = 0) -> PairWeights | None:
    """Weights of the newest learning later than event ``after``; None where there is none."""
    event = session.scalars(
        select(EventRow)
        .where(EventRow.kind == "pairs_learned", EventRow.id > after)
        .order_by(EventRow.id.desc())
        .limit(1)
    ).first()
    return PairWeights.from_dict(event.detail["weights"]) if event else None
