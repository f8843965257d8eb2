"""The gate: a challenger is compared with the champion on the latest cases, held out in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from training.evaluate import Metrics, evaluate
from training.gold import GoldExample
from triage.champions import DUTIES_ONLY
from triage.classifier import TargetModel
from triage.reading import Reader, Suggestion
from triage.taxonomy import Label

HELD_OUT_SHARE = 0.2
LEAST_HELD_OUT = 10
# A loss that a fair coin would show this often is no loss.
CHANCE = 0.2


@dataclass(frozen=True)
class Verdict:
    """Both sides of the comparison.

    Attributes:
        held_out: how many of the latest cases; from, to: their dates.
        champion_refitted: True where the champion had been trained on held-out cases and a
            stand-in, fitted on its data without them, was measured in its place.
        promote: the challenger is not worse.
    """

    held_out: int
    first: str
    last: str
    challenger: Metrics | None
    champion: Metrics | None
    champion_refitted: bool
    promote: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {
            "held_out": self.held_out,
            "from": self.first,
            "to": self.last,
            "challenger": self.challenger.to_dict() if self.challenger else None,
            "champion": self.champion.to_dict() if self.champion else None,
            "champion_refitted": self.champion_refitted,
            "promote": self.promote,
            "reason": self.reason,
        }


def compare(
    target: str,
    labels: Sequence[Label],
    gold: Sequence[GoldExample],
    champion: TargetModel,
    champion_cases: set[str],
    reader: Reader,
    *,
    error_budget: float,
    seed: int,
) -> Verdict:
    """Hold out the latest fifth in time; fit the challenger on the rest; measure both.

    A champion that has learned held-out cases would be flattered by its memory. Its recipe,
    fitted on its own cases without those, stands in for it (docs/decisions/0004-gate.md).
    """
    count = max(LEAST_HELD_OUT, round(HELD_OUT_SHARE * len(gold)))
    if len(gold) < 2 * LEAST_HELD_OUT:
        return Verdict(
            0,
            "",
            "",
            None,
            None,
            False,
            promote=champion.version == DUTIES_ONLY,
            reason=f"样例只有 {len(gold)} 件,不足以留出最近的做比较"
            + (",先启用以代替仅凭职责的模型" if champion.version == DUTIES_ONLY else ",保留现用模型"),
        )
    earlier, latest = gold[:-count], gold[-count:]
    texts = [Suggestion(g.example.title, g.example.body) for g in latest]
    truth = [g.example.label for g in latest]

    def fitted(examples: Sequence[GoldExample]) -> TargetModel:
        return TargetModel.fit(
            target,
            labels,
            [g.example for g in examples],
            reader,
            error_budget=error_budget,
            seed=seed,
        )

    challenger = fitted(earlier)
    held_out_cases = {g.example.case for g in latest}
    refitted = bool(champion_cases & held_out_cases)
    rival = fitted([g for g in earlier if g.example.case in champion_cases]) if refitted else champion
    our_predictions, their_predictions = challenger.predict(texts), rival.predict(texts)
    ours, theirs = evaluate(our_predictions, truth), evaluate(their_predictions, truth)
    promote, reason = _judge(
        ours,
        theirs,
        lost=sum(
            a.label != g and b.label == g
            for a, b, g in zip(our_predictions, their_predictions, truth, strict=True)
        ),
        won=sum(
            a.label == g and b.label != g
            for a, b, g in zip(our_predictions, their_predictions, truth, strict=True)
        ),
    )
    return Verdict(
        held_out=count,
        first=latest[0].received_on.isoformat(),
        last=latest[-1].received_on.isoformat(),
        challenger=ours,
        champion=theirs,
        champion_refitted=refitted,
        promote=promote,
        reason=reason,
    )


def _judge(ours: Metrics, theirs: Metrics, *, lost: int, won: int) -> tuple[bool, str]:
    """Not worse: right as often; or, where the difference is within chance, more honest.

    Args:
        lost, won: held-out cases that only the champion, only the challenger got right.
    """
    if ours.accuracy >= theirs.accuracy:
        return True, "准确率不低于现用模型"
    chance = float(binomtest(lost, lost + won, alternative="greater").pvalue)
    if chance > CHANCE and ours.log_loss < theirs.log_loss:
        return True, f"准确率相差在偶然范围内(多错 {lost - won} 件),概率更可信"
    return False, "在留出的最近样例上不如现用模型"
