"""Predictions under the names that labels have now, where the model learned earlier ones."""

from __future__ import annotations

from dataclasses import replace

from triage.prediction import Prediction
from triage.taxonomy import Taxonomy


def in_use(prediction: Prediction, taxonomy: Taxonomy) -> Prediction:
    """The same for labels in use: renamed ones by their new name, retired ones left out.

    Only what the model itself put first is decided automatically: where that went without a
    single successor, or another comes first now, a person decides.
    """
    target = prediction.target
    shares: dict[str, float] = {}
    names: dict[str, str] = {}
    for label, p in prediction.ranked:
        now = taxonomy.current_name(target, label)
        if now is not None:
            names[label] = now
            shares[now] = shares.get(now, 0.0) + p  # two that became one
    if len(shares) == len(prediction.ranked) and all(old == new for old, new in names.items()):
        return prediction
    reason = f"“{prediction.label}”已不在分类文件中,请运行 triage retrain"
    total = sum(shares.values()) if len(names) < len(prediction.ranked) else 1.0
    if not total:  # nothing that the model knows is left; it has nothing else to say
        return replace(prediction, auto=False, reason=reason)
    ranked = tuple(sorted(((n, p / total) for n, p in shares.items()), key=lambda one: -one[1]))
    stands = names.get(prediction.label) == ranked[0][0]
    likely = (names[name] for name in prediction.evidence.likely if name in names)
    return replace(
        prediction,
        ranked=ranked,
        evidence=replace(prediction.evidence, likely=tuple(dict.fromkeys(likely))),
        auto=prediction.auto and stands,
        reason=prediction.reason if stands else reason,
    )
