"""How well a model does on examples that it had not seen: by label, by confidence, what it confuses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from training.evaluate import ECE_BINS
from triage.classifier import TargetModel
from triage.ledger.year import Share
from triage.routing import Thresholds

BUDGETS = (0.01, 0.02, 0.05, 0.1)


def share_of(count: int, of: int) -> dict[str, Any]:
    """A share with its 95 % Wilson interval; rate and interval are None where there is nothing to count."""
    share = Share(count, of)
    return {
        "count": count,
        "of": of,
        "rate": None if share.rate is None else round(share.rate, 4),
        "interval": None if share.interval is None else [round(end, 4) for end in share.interval],
    }


def weighed_share(what: NDArray[np.bool_], weight: NDArray[np.float64]) -> dict[str, Any]:
    """The share of ``what`` where each case stands for ``weight`` of them; both of shape (n,).

    Count, total and interval are those of as many equal cases as tell as much (Kish); where all
    weights are 1 these are the cases themselves.
    """
    mass = float(weight.sum())
    if not mass:
        return share_of(0, 0)
    alike = mass**2 / float((weight**2).sum())
    rate = float(weight[what].sum()) / mass
    return share_of(round(rate * alike), round(alike)) | {"rate": round(rate, 4)}


@dataclass(frozen=True)
class Unseen:
    """First labels of n examples by models that had not seen them (cross-validation).

    Attributes:
        cases, titles, gold, first: of length n; probability: of the first label; right: whether it is
            the gold label; weight: for how many cases it stands, 0 where it says nothing of how
            often the model is right (see Example.stands_for); shape (n,).
    """

    cases: list[str]
    titles: list[str]
    gold: list[str]
    first: list[str]
    probability: NDArray[np.float64]
    right: NDArray[np.bool_]
    weight: NDArray[np.float64]

    @classmethod
    def of(cls, model: TargetModel, wanted: Collection[str]) -> Unseen:
        """Of the model's own examples, those whose case is ``wanted``."""
        unseen, examples = model.state["unseen"], model.state["examples"]
        rows = [i for i, (case, _, _) in enumerate(examples) if case in wanted]
        return cls(
            cases=[examples[i][0] for i in rows],
            titles=[examples[i][1] for i in rows],
            gold=[examples[i][2] for i in rows],
            first=[unseen["labels"][i] for i in rows],
            probability=np.asarray(unseen["probabilities"], dtype=np.float64)[rows],
            right=np.asarray(unseen["right"], dtype=bool)[rows],
            weight=np.asarray(unseen.get("stands_for", np.ones(len(examples))), dtype=np.float64)[rows],
        )

    def __len__(self) -> int:
        return len(self.cases)

    def overall(self) -> dict[str, Any]:
        """Share right and macro-F1."""
        counts = self.weight > 0
        macro = None
        if counts.any():
            macro = f1_score(
                self.gold, self.first, average="macro", zero_division=0, sample_weight=self.weight
            )
        return {
            "judged": int(counts.sum()),
            "accuracy": weighed_share(self.right, self.weight),
            "macro_f1": None if macro is None else round(float(macro), 4),
        }

    def by_label(self, labels: Sequence[str]) -> list[dict[str, Any]]:
        """Precision and recall of each label, in the office's order."""
        gold, first = np.array(self.gold, dtype=object), np.array(self.first, dtype=object)
        return [
            {
                "label": label,
                "n": int((self.weight[gold == label] > 0).sum()),
                "precision": weighed_share(self.right[first == label], self.weight[first == label]),
                "recall": weighed_share(self.right[gold == label], self.weight[gold == label]),
            }
            for label in labels
        ]

    def confusions(self, numbers: Mapping[str, str]) -> list[dict[str, Any]]:
        """What was taken for what, most frequent first, each with its cases, the surest first.

        Args:
            numbers: case to the number that people know it by.
        """
        wrong: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for i in np.argsort(-self.probability, kind="stable"):
            if not self.right[i]:
                case = self.cases[i]
                wrong[self.gold[i], self.first[i]].append(
                    {
                        "id": int(case),
                        "number": numbers.get(case, ""),
                        "title": self.titles[i],
                        "probability": round(float(self.probability[i]), 4),
                    }
                )
        ordered = sorted(wrong.items(), key=lambda item: (-len(item[1]), item[0]))
        return [
            {"gold": gold, "first": first, "count": len(cases), "cases": cases}
            for (gold, first), cases in ordered
        ]

    def reliability(self) -> dict[str, Any]:
        """How often first labels were right, by how sure they were: bins of equal width."""
        at = np.minimum((self.probability * ECE_BINS).astype(int), ECE_BINS - 1)
        bins: list[dict[str, Any]] = []
        for b in range(ECE_BINS):
            own = (at == b) & (self.weight > 0)
            n, weight = int(own.sum()), self.weight[own]
            bins.append(
                {
                    "from": b / ECE_BINS,
                    "to": (b + 1) / ECE_BINS,
                    "n": n,
                    "stated": round(float(np.average(self.probability[own], weights=weight)), 4)
                    if n
                    else None,
                    "right": weighed_share(self.right[own], weight),
                }
            )
        mass = float(self.weight.sum())
        error = None
        if mass:
            error = sum(
                float(self.weight[at == b].sum()) / mass * abs(one["stated"] - one["right"]["rate"])
                for b, one in enumerate(bins)
                if one["n"]
            )
        return {"bins": bins, "calibration_error": None if error is None else round(error, 4)}


def thresholds_at(model: TargetModel, own: float) -> list[dict[str, Any]]:
    """What the model would decide by itself at each error budget, measured on its unseen examples.

    Args:
        own: the office's budget, which may be another than BUDGETS.
    """
    return [_threshold(model, model.thresholds_for(budget)) for budget in sorted({*BUDGETS, own})]


def _threshold(model: TargetModel, found: Thresholds) -> dict[str, Any]:
    unseen = model.state["unseen"]
    probability, right = (np.asarray(unseen[name]) for name in ("probabilities", "right"))
    weight = np.asarray(unseen.get("stands_for", np.ones(len(right))), dtype=np.float64)
    needed = np.array([found.needed(label) for label in unseen["labels"]], dtype=float)
    routed = probability >= needed  # None became nan: never routed
    return {
        "budget": found.budget,
        "threshold": None if found.pooled is None else round(found.pooled, 4),
        "coverage": weighed_share(routed, weight),
        "precision": weighed_share(right[routed].astype(bool), weight[routed]),
        "reason": found.reason,
        "exceptions": [
            {
                "label": label,
                "threshold": None if needed is None else round(needed, 4),
                "untrained": label in unseen["untrained"],
            }
            for label, needed in sorted(found.by_label.items())
        ],
    }
