"""Learning the pair score from the pairs that people of this office joined or parted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import select

from training.pair_fit import PairSet, fit
from triage.desk import Desk
from triage.ledger.pair_weights import record_weights
from triage.ledger.tables import RelationRow
from triage.related import PairWeights, probability, strengths, weights_for

LEAST = 20  # judged pairs below which chance decides
HOLD = 1.0
FOLDS = 5


@dataclass(frozen=True)
class PairOutcome:
    """What became of learning from pairs.

    Attributes:
        before, after: mean log loss on pairs that were not learned from; None where not compared.
    """

    joined: int
    parted: int
    learned: bool
    note: str
    before: float | None = None
    after: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {"target": "related", **self.__dict__}


def learn_pairs(desk: Desk, *, who: str) -> PairOutcome:
    """Move the weights toward this office's judged pairs, if that predicts unseen ones better.

    A pair counts as judged when a person confirmed it, merged its cases, dismissed it or
    parted them again. The pairs are held out in five parts, oldest first.
    """
    with desk.ledger.read() as session:
        judged = session.execute(
            select(RelationRow.case_id, RelationRow.other_id, RelationRow.status)
            .where(RelationRow.status.in_(("confirmed", "dismissed")))
            .order_by(RelationRow.id)
        ).all()
        pairs = [(str(a), str(b)) for a, b, _ in judged]
        features, cases = desk.pair_features(pairs, session)
    together = np.array([status == "confirmed" for _, _, status in judged], dtype=bool)
    joined, parted = int(together.sum()), int((~together).sum())
    if joined < LEAST / 4 or parted < LEAST / 4 or len(judged) < LEAST:
        return PairOutcome(
            joined, parted, False, f"认定和排除的关联共 {len(judged)} 对,满 {LEAST} 对且两类都不太少才学习"
        )
    whole = PairSet(features, together, np.ones(len(judged)), cases)
    base = weights_for(desk.settings.title_encoder)
    before, after = _held_out(whole, base)
    if after >= before:
        note = (
            f"用本单位的 {len(judged)} 对学习没有改善(对数损失 {before:.3f} 变为 {after:.3f}),沿用原来的权重"
        )
        return PairOutcome(joined, parted, False, note, before, after)
    learned = fit([whole], base, hold=HOLD)
    weights = replace(learned, learned_from={"joined": joined, "parted": parted})
    with desk.ledger.write() as session:
        record_weights(weights, who=who, before=before, after=after, session=session)
    note = f"用本单位的 {len(judged)} 对学习,未学过的对上对数损失由 {before:.3f} 降为 {after:.3f}"
    return PairOutcome(joined, parted, True, note, before, after)


def _held_out(pairs: PairSet, base: PairWeights) -> tuple[float, float]:
    """Mean log loss of the weights in the program and of learned ones, on pairs not learned from."""
    before, after = [], []
    for held in np.array_split(np.arange(len(pairs.together)), FOLDS):
        rest = np.setdiff1d(np.arange(len(pairs.together)), held)
        learned = fit([_part(pairs, rest)], base, hold=HOLD)
        own = _part(pairs, held)
        before.append(_losses(own, base))
        after.append(_losses(own, learned))
    return float(np.concatenate(before).mean()), float(np.concatenate(after).mean())


def _part(pairs: PairSet, chosen: Sequence[int] | np.ndarray[Any, Any]) -> PairSet:
    features = {name: values[chosen] for name, values in pairs.features.items()}
    return PairSet(features, pairs.together[chosen], pairs.importance[chosen], pairs.cases)


def _losses(pairs: PairSet, weights: PairWeights) -> np.ndarray[Any, Any]:
    strong = strengths(pairs.features, weights, pairs.cases)
    p = probability(strong, pairs.features["named"], weights, pairs.cases)
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.where(pairs.together, -np.log(p), -np.log(1 - p))
