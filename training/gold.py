"""Gold labels: what a person confirmed, overrode or closed; never an untouched automatic one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from triage.classifier import Example
from triage.ledger.decisions import newest_decisions
from triage.ledger.tables import CaseRow
from triage.text import content_hash

GOLD_KINDS = ("confirm", "override", "closed")


@dataclass(frozen=True)
class GoldExample:
    """One example with the day its case came in; sorts by time."""

    received_on: date
    example: Example


def gold_examples(target: str, *, session: Session) -> list[GoldExample]:
    """Closed cases whose newest decision on ``target`` is a person's, oldest first."""
    cases = session.scalars(
        select(CaseRow)
        .where(CaseRow.state == "closed")
        .order_by(CaseRow.received_on, CaseRow.id)
        .options(selectinload(CaseRow.decisions))
    )
    found = []
    for case in cases:
        decision = newest_decisions(case).get(target)
        if decision is not None and decision.kind in GOLD_KINDS:
            found.append(
                GoldExample(case.received_on, Example(str(case.id), case.title, case.body, decision.label))
            )
    return found


def describe_data(examples: list[GoldExample]) -> dict[str, Any]:
    """What a manifest says of its training data: size, span, fingerprint, case references."""
    return {
        "examples": len(examples),
        "first": examples[0].received_on.isoformat() if examples else None,
        "last": examples[-1].received_on.isoformat() if examples else None,
        "fingerprint": content_hash(
            *(
                part
                for g in examples
                for part in (g.example.case, g.example.title, g.example.body, g.example.label)
            )
        ),
        "cases": [g.example.case for g in examples],
    }
