"""The gate: a challenger is compared with the champion on the latest cases, held out in time.

docs/decisions/0004-gate.md says why it is as it is.
"""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import joblib
import numpy as np

from training.evaluate import Metrics, evaluate
from training.gold import GoldExample
from training.paired import Difference, Sides, share_difference
from triage.bridge import Bridge
from triage.champions import DUTIES_ONLY
from triage.classifier import TargetModel
from triage.reading import Reader, Suggestion
from triage.taxonomy import Taxonomy

HELD_OUT_SHARE = 0.2
LEAST_HELD_OUT = 10
LEAST_OF_LABEL = 8  # held-out cases of one label from which it is judged by itself
# A loss that shows in fewer of the draws than this may be chance. To keep a good challenger out costs a year
# of learning, so two losses that may each be chance must both be likely before they block together.
WORSE = 0.95
LIKELY_WORSE = 0.8
CALIBRATION_SLACK = 0.02
# A text may take twice as long and a file be twice as large, and more below what anybody notices.
COST_FACTOR = 2.0
FREE_MS = 50.0
FREE_MB = 100.0
TIMED = 15  # texts, one at a time


@dataclass(frozen=True)
class LabelVerdict:
    """One label on the held-out cases that concern it: its own, and those that either side took for its own.

    What is wrongly sent to a section burdens it as much as what it misses: a model that calls everything
    by the commonest label must not shine in that label.

    Attributes:
        n: cases of the label; concerned: those that either side took for its own as well.
        challenger, champion: of the concerned, how many each side rightly put there or elsewhere.
    """

    label: str
    n: int
    concerned: int
    challenger: int
    champion: int
    difference: Difference

    def worse(self, labels: int) -> bool:
        """Whether the challenger loses more than chance would in any of so many labels."""
        return self.challenger < self.champion and self.difference.worse >= 1 - (1 - WORSE) / labels

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "difference": self.difference.to_dict()}


@dataclass(frozen=True)
class Cost:
    """Of serving one model: median milliseconds a text, megabytes of its file."""

    ms: float
    mb: float

    def to_dict(self) -> dict[str, Any]:
        return {"ms": round(self.ms, 2), "mb": round(self.mb, 2)}


@dataclass(frozen=True)
class Verdict:
    """Both sides of the comparison.

    Attributes:
        held_out: how many of the latest cases; first, last: their dates.
        champion_refitted: True where the champion had been trained on held-out cases and a
            stand-in, fitted on its data without them, was measured in its place.
        differences: accuracy, log_loss, calibration: challenger less champion.
        labels: those with enough held-out cases; costs: challenger and champion.
        promote: the challenger is not worse; reason: why, or all that blocks it.
        too_few: there were not enough cases to tell; a person may decide all the same.
    """

    held_out: int
    first: str
    last: str
    challenger: Metrics | None
    champion: Metrics | None
    champion_refitted: bool
    promote: bool
    reason: str
    differences: dict[str, Difference] = field(default_factory=dict)
    labels: tuple[LabelVerdict, ...] = ()
    costs: dict[str, Cost] = field(default_factory=dict)
    too_few: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "held_out": self.held_out,
            "from": self.first,
            "to": self.last,
            "challenger": self.challenger.to_dict() if self.challenger else None,
            "champion": self.champion.to_dict() if self.champion else None,
            "champion_refitted": self.champion_refitted,
            "differences": {name: d.to_dict() for name, d in self.differences.items()},
            "labels": [one.to_dict() for one in self.labels],
            "costs": {name: cost.to_dict() for name, cost in self.costs.items()},
            "promote": self.promote,
            "reason": self.reason,
            "too_few": self.too_few,
        }


@dataclass(frozen=True)
class Split:
    """Gold examples in time: the challenger learns from ``earlier``, both sides are asked about ``latest``.

    Attributes:
        seen: the champion was trained on some of the latest.
    """

    earlier: list[GoldExample]
    latest: list[GoldExample]
    seen: bool


def split_in_time(gold: Sequence[GoldExample], champion_cases: set[str]) -> Split | None:
    """The latest cases that a person decided, at best those that the champion never saw; None: too few.

    Labels that the router gave judge nobody: the champion would be right by its own word.
    """
    count = max(LEAST_HELD_OUT, round(HELD_OUT_SHARE * len(gold)))
    judged = [at for at, g in enumerate(gold) if g.by_a_person]
    fresh = [at for at in judged if champion_cases.isdisjoint((gold[at].example.case, *gold[at].repeats))]
    # what the champion never saw may be old, where an earlier ledger was brought in: those are not the latest
    seen = len(fresh) < LEAST_HELD_OUT or fresh[-count:][0] < judged[-2 * count :][0]
    held_out = (judged if seen else fresh)[-count:]
    if len(gold) < 2 * LEAST_HELD_OUT or len(held_out) < LEAST_HELD_OUT or held_out[0] < LEAST_HELD_OUT:
        return None
    return Split(list(gold[: held_out[0]]), [gold[at] for at in held_out], seen)


def compare(
    target: str,
    taxonomy: Taxonomy,
    gold: Sequence[GoldExample],
    champion: TargetModel,
    champion_cases: set[str],
    reader: Reader,
    *,
    error_budget: float,
    seed: int,
) -> Verdict:
    """Hold out the latest cases in time; fit the challenger on what came before them; measure both.

    A champion that has learned held-out cases would be flattered by its memory. Its recipe,
    fitted on its own cases without those, stands in for it. It answers as it would serve: under
    the labels of ``taxonomy``.

    Args:
        gold: oldest first, under the labels of ``taxonomy``.
        champion_cases: what the champion was trained on.
    """
    split = split_in_time(gold, champion_cases)
    if split is None:
        what = f"人工认定过的办结样例只有 {sum(g.by_a_person for g in gold)} 件,不足以留出最近的做比较"
        kept = "仅凭职责的模型" if champion.version == DUTIES_ONLY else "现用模型"
        reason = f"{what},保留{kept};要启用,由人决定并写明理由"
        return Verdict(0, "", "", None, None, False, promote=False, reason=reason, too_few=True)
    latest = split.latest
    texts = [Suggestion(g.example.title, g.example.body) for g in latest]
    truth = [g.example.label for g in latest]

    def fitted(examples: Sequence[GoldExample]) -> TargetModel:
        return TargetModel.fit(
            target,
            taxonomy.labels(target),
            [g.example for g in examples],
            reader,
            error_budget=error_budget,
            seed=seed,
        )

    challenger = fitted(split.earlier)
    rival = champion
    if split.seen:
        rival = fitted([g for g in split.earlier if g.example.case in champion_cases])
    bridge = Bridge(rival, taxonomy)
    ours = challenger.predict(texts)
    theirs = bridge.predict_read(rival.reader.read(texts))
    sides = Sides.of(ours, theirs, truth)
    differences = {
        "accuracy": sides.accuracy(seed=seed),
        "log_loss": sides.log_loss(seed=seed),
        "calibration": sides.calibration(seed=seed),
    }
    labels = _by_label([p.label for p in ours], [p.label for p in theirs], truth, seed)
    costs = {"challenger": _cost(challenger, texts), "champion": _cost(rival, texts)}
    our_figures, their_figures = evaluate(ours, truth), evaluate(theirs, truth)
    against = blocks(differences, labels, costs, len(latest))
    return Verdict(
        held_out=len(latest),
        first=latest[0].received_on.isoformat(),
        last=latest[-1].received_on.isoformat(),
        challenger=our_figures,
        champion=their_figures,
        champion_refitted=split.seen,
        promote=not against,
        reason=";".join(against) if against else _praise(differences, len(latest)),
        differences=differences,
        labels=labels,
        costs=costs,
    )


def _by_label(
    ours: Sequence[str], theirs: Sequence[str], truth: Sequence[str], seed: int
) -> tuple[LabelVerdict, ...]:
    asked = np.array([ours, theirs, truth])
    found = []
    for label, n in sorted(Counter(truth).items()):
        if n >= LEAST_OF_LABEL:
            said = asked == label
            rows = said.any(axis=0)
            right = said[:2, rows] == said[2, rows]
            gap = right[0].astype(float) - right[1]
            mine, other = (int(side.sum()) for side in right)
            difference = share_difference(gap, seed=seed)
            found.append(LabelVerdict(label, n, int(rows.sum()), mine, other, difference))
    return tuple(found)


def _cost(model: TargetModel, texts: Sequence[Suggestion]) -> Cost:
    """Measured on readings made before: reading a text costs both sides the same."""
    texts = texts[:TIMED]
    took = []
    for read in [model.reader.read([text]) for text in texts]:
        started = time.perf_counter()
        model.predict_read(read)
        took.append(1000 * (time.perf_counter() - started))
    file = io.BytesIO()
    joblib.dump(model.state, file, compress=3)
    return Cost(float(np.median(took)), file.tell() / 1e6)


def blocks(
    differences: dict[str, Difference], labels: Sequence[LabelVerdict], costs: dict[str, Cost], n: int
) -> list[str]:
    """Everything that speaks against the challenger, in the user's words."""
    found = []
    accuracy, loss = differences["accuracy"], differences["log_loss"]
    lost = round(-accuracy.value * n)
    if accuracy.worse >= WORSE:
        found.append(f"在留出的最近 {n} 件上不如现用模型(多错 {lost} 件,超出偶然)")
    elif accuracy.value < 0 and min(accuracy.worse, loss.worse) >= LIKELY_WORSE:
        found.append(f"在留出的最近 {n} 件上不如现用模型(多错 {lost} 件,概率也更不可信)")
    found += [
        f"“{one.label}”退步:与它有关的 {one.concerned} 件中认对 {one.challenger} 件,现用模型认对 {one.champion} 件"
        for one in labels
        if one.worse(len(labels))
    ]
    calibration = differences["calibration"]
    if calibration.value > CALIBRATION_SLACK and calibration.worse >= WORSE and loss.value > 0:
        found.append(f"所说的概率更不可信(校准误差大 {calibration.value:.3f})")
    ours, theirs = costs["challenger"], costs["champion"]
    if ours.ms > max(FREE_MS, COST_FACTOR * theirs.ms):
        found.append(f"太慢:一件 {ours.ms:.0f} 毫秒,现用模型 {theirs.ms:.0f} 毫秒")
    if ours.mb > max(FREE_MB, COST_FACTOR * theirs.mb):
        found.append(f"太大:{ours.mb:.0f} MB,现用模型 {theirs.mb:.0f} MB")
    return found


def _praise(differences: dict[str, Difference], n: int) -> str:
    accuracy = differences["accuracy"]
    if accuracy.value >= 0:
        return "准确率不低于现用模型"
    trusted = ",概率更可信" if differences["log_loss"].value < 0 else ""
    return f"准确率相差在偶然范围内(多错 {round(-accuracy.value * n)} 件){trusted}"
