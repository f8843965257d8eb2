"""What a training leaves for its report: the data, both models and how they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from training.gold import EARNED_WEIGHTS, Gold, GoldExample, describe_data
from training.mapping import Mapped
from triage.classifier import TargetModel
from triage.reading import Reader
from triage.registry import Manifest


@dataclass(frozen=True)
class Material:
    """One target's training while it is in memory; nothing of it is stored.

    Attributes:
        found: what the ledger taught; mapped: the same under the labels in use.
        champion: what served before; learned: the cases that it was trained on.
        model: fitted on all examples, promoted or not; the champion itself where nothing was
            trained; None where there was nothing to learn from.
        manifest: the model's, where it has one.
        seconds: that comparing, fitting and saving took; 0 where nothing was trained.
    """

    found: Gold
    mapped: Mapped
    champion: TargetModel
    learned: Collection[str]
    reader: Reader
    model: TargetModel | None = None
    manifest: Manifest | None = None
    seconds: float = 0.0

    @property
    def gold(self) -> list[GoldExample]:
        return self.mapped.examples

    def data(self) -> dict[str, Any]:
        """Counts of the examples, and of what was left out and why."""
        gold = self.gold
        labels = Counter(g.example.label for g in gold)
        waiting = sum(not p.sure for p in self.mapped.proposals)
        described = describe_data(gold)
        return {
            "examples": len(gold),
            "new": sum(g.example.case not in self.learned for g in gold),
            "by_a_person": sum(g.by_a_person for g in gold),
            "weight": round(sum(g.example.weight for g in gold), 2),
            "labels": dict(sorted(labels.items(), key=lambda item: (-item[1], item[0]))),
            "earned": {
                name: {"count": count, "weight": EARNED_WEIGHTS[name]}
                for name, count in described["earned"].items()
            },
            "years": dict(sorted(Counter(str(g.received_on.year) for g in gold).items())),
            "first": described["first"],
            "last": described["last"],
            "fingerprint": described["fingerprint"],
            "renamed": self.mapped.renamed,
            "reviewed": self.mapped.reviewed,
            "left_out": {
                "unsigned": self.found.unsigned,
                "repeats": self.found.repeats,
                "retired": self.mapped.retired,
                "waiting": waiting,
            },
        }
