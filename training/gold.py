"""Gold labels: what a person confirmed, overrode or closed; never an unchallenged guess of the models.

A label decided by the router counts only once the section has signed for the case and closed it, and
counts less than one that a person gave. The text is the one that was handed in: nothing that was
written later on can be known at intake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only, selectinload

from triage.classifier import Example
from triage.ledger.decisions import newest_decisions
from triage.ledger.learning_tables import AuditRow
from triage.ledger.tables import CaseRow, DecisionRow, EventRow, MergeMemberRow, PredictionRow
from triage.taxonomy import Label
from triage.text import content_hash, document

# How a label was earned, the strongest first, and what it counts beside one that a person confirmed.
# docs/decisions/0015-gold.md says why, python -m training.measure_gold what they are worth.
EARNED_WEIGHTS = {"overridden": 1.0, "audited": 1.0, "confirmed": 1.0, "recorded": 1.0, "untouched": 0.5}
EARNED_NAMES = {
    "overridden": "人工改判",
    "audited": "抽查时认定",
    "confirmed": "人工确认",
    "recorded": "往年办结",
    "untouched": "自动认定,科室签收并办结",
}
BY_A_PERSON = tuple(name for name in EARNED_WEIGHTS if name != "untouched")
_RANK = {name: rank for rank, name in enumerate(EARNED_WEIGHTS)}


@dataclass(frozen=True)
class GoldExample:
    """One example with the day its case came in.

    Attributes:
        earned: a key of EARNED_WEIGHTS.
        who: who decided; decided: the label as it was called then, "" for the example's own.
        rechecked: somebody looked at the label once more after the case was closed.
        repeats: other cases with the same text, for which it stands.
    """

    received_on: date
    example: Example
    earned: str = "recorded"
    who: str = ""
    decided: str = ""
    rechecked: bool = False
    repeats: tuple[str, ...] = ()

    @property
    def by_a_person(self) -> bool:
        """Whether a person gave the label, so that a model can be judged by it."""
        return self.earned in BY_A_PERSON

    @property
    def text(self) -> str:
        """What two cases share that say the same."""
        return document(self.example.title, self.example.body)


@dataclass(frozen=True)
class Gold:
    """What the ledger teaches for one target.

    Attributes:
        examples: oldest first; each text once.
        unsigned: closed cases whose label the router gave and no section signed for.
        repeats: examples that say the same as another one and were left out.
    """

    examples: list[GoldExample]
    unsigned: int = 0
    repeats: int = 0

    def earned(self) -> dict[str, int]:
        """How many examples were earned in each way."""
        counts = Counter(g.earned for g in self.examples)
        return {name: counts[name] for name in EARNED_WEIGHTS if counts[name]}


def read_gold(target: str, *, session: Session) -> Gold:
    """Closed cases and what their newest decision on ``target`` teaches, under the labels of that time."""
    cases = session.scalars(
        select(CaseRow)
        .where(CaseRow.state == "closed")
        .order_by(CaseRow.received_on, CaseRow.id)
        .options(
            load_only(CaseRow.received_on, CaseRow.title, CaseRow.body),
            selectinload(CaseRow.decisions).load_only(
                *(
                    DecisionRow.case_id,
                    DecisionRow.target,
                    DecisionRow.label,
                    DecisionRow.kind,
                    DecisionRow.who,
                )
            ),
            selectinload(CaseRow.audit),
        )
    )
    signed, taken, drawn = _signed(session), _taken(target, session), _drawn(target, session)
    rechecked = _rechecked(target, session)
    found, unsigned = [], 0
    for case in cases:
        decision = newest_decisions(case).get(target)
        if decision is None:
            continue
        kind = taken.get(case.id, decision.kind)
        if kind == "auto" and case.id not in signed:
            unsigned += 1
            continue
        earned = {"override": "overridden", "closed": "recorded", "auto": "untouched"}.get(kind, "confirmed")
        if earned == "confirmed" and case.audit is not None and case.id not in taken:
            earned = "audited"
        example = Example(
            *(str(case.id), case.title, case.body, decision.label),
            weight=EARNED_WEIGHTS[earned],
            stands_for=_stands_for(case, target, drawn),
        )
        found.append(
            GoldExample(case.received_on, example, earned, decision.who, decision.label, case.id in rechecked)
        )
    examples = each_text_once(found)
    return Gold(examples, unsigned, len(found) - len(examples))


def _stands_for(case: CaseRow, target: str, drawn: Mapping[int, float]) -> float:
    """For how many cases it speaks where it is asked how often a model is right.

    One that was drawn speaks for all that it was drawn from: what the router decided itself. Of
    those the others say nothing, also where somebody put one right: only wrong ones come to light so.
    """
    if case.id in drawn:
        return drawn[case.id]
    routed = any(d.kind == "auto" for d in case.decisions if d.target == target)
    return 0.0 if routed else 1.0


def _drawn(target: str, session: Session) -> dict[int, float]:
    """Cases that were drawn and whose label the router was sure of, to how many each speaks for."""
    rows = session.execute(
        select(AuditRow.case_id, AuditRow.share)
        .join(PredictionRow, PredictionRow.case_id == AuditRow.case_id)
        .where(PredictionRow.target == target, PredictionRow.auto)
    )
    return {case_id: 1 / share for case_id, share in rows}


def each_text_once(examples: Sequence[GoldExample]) -> list[GoldExample]:
    """Of examples that say the same the one earned best, the newest of these; in order of time.

    The same text on both sides of a split would let a model shine by memory.
    """
    best: dict[str, GoldExample] = {}
    for one in examples:  # oldest first
        known = best.get(one.text)
        if known is None or _RANK[one.earned] <= _RANK[known.earned]:
            best[one.text] = one
    cases: dict[str, list[str]] = {}
    for one in examples:
        cases.setdefault(one.text, []).append(one.example.case)
    return [
        replace(one, repeats=tuple(case for case in cases[one.text] if case != one.example.case))
        for one in examples
        if best[one.text] is one
    ]


def _signed(session: Session) -> set[int]:
    """Cases that their section signed for, and that did not go to another one since."""

    def newest(kind: str) -> dict[int, int]:
        rows = session.execute(
            select(EventRow.case_id, func.max(EventRow.id))
            .where(EventRow.kind == kind)
            .group_by(EventRow.case_id)
        )
        return {case_id: at for case_id, at in rows if case_id is not None}

    assigned = newest("assigned")
    return {case_id for case_id, at in newest("accepted").items() if at > assigned.get(case_id, 0)}


def _taken(target: str, session: Session) -> dict[int, str]:
    """Merged cases whose newest decision was taken from the lead at closing, to how the lead came by it."""
    rows = session.execute(
        select(EventRow.case_id, EventRow.detail)
        .where(
            EventRow.kind.in_(("confirmed", "overridden")),
            EventRow.detail["target"].as_string() == target,
            EventRow.case_id.in_(select(MergeMemberRow.case_id)),
        )
        .order_by(EventRow.id)
    )
    newest = {case_id: detail.get("taken_from") for case_id, detail in rows if case_id is not None}
    return {case_id: kind for case_id, kind in newest.items() if kind}


def _rechecked(target: str, session: Session) -> set[int]:
    """Cases whose label somebody looked at after they were closed."""
    rows = session.scalars(
        select(EventRow.case_id).where(
            EventRow.kind.in_(("confirmed", "overridden")),
            EventRow.detail["target"].as_string() == target,
            EventRow.detail["after_closing"].as_boolean(),
        )
    )
    return {case_id for case_id in rows if case_id is not None}


def renamed(one: GoldExample, label: str, weight: float = 1.0) -> GoldExample:
    """The same example under another label; ``weight`` is what is left of its own."""
    example = replace(one.example, label=label, weight=one.example.weight * weight)
    return replace(one, example=example)


def describe_data(examples: Sequence[GoldExample]) -> dict[str, Any]:
    """What a manifest says of its training data: size, span, how earned, fingerprint, case references."""
    counts = Counter(g.earned for g in examples)
    return {
        "examples": len(examples),
        "earned": {name: counts[name] for name in EARNED_WEIGHTS if counts[name]},
        "first": examples[0].received_on.isoformat() if examples else None,
        "last": examples[-1].received_on.isoformat() if examples else None,
        "fingerprint": content_hash(
            *(
                part
                for g in examples
                for part in (
                    *(g.example.case, g.example.title, g.example.body),
                    *(g.example.label, f"{g.example.weight:.6g}", f"{g.example.stands_for:.6g}"),
                )
            )
        ),
        "cases": [g.example.case for g in examples],
    }


def manifest_data(
    examples: Sequence[GoldExample], labels: Sequence[Label], *, encoder: str, seed: int
) -> dict[str, Any]:
    """The same with all else that a model is made of: what may be predicted, the encoder, the seed."""
    taxonomy = content_hash(*(repr(label) for label in labels))
    return {**describe_data(examples), "taxonomy": taxonomy, "encoder": encoder, "seed": seed}
