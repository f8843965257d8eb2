"""Predictions under the labels in use, between a change of the office and the next training.

A label that was renamed or followed by a single one hands its probability on. One that was split shares
it out among those who took over, as their duties compare with the text. One that is new and took over
from nobody gets what the duties alone give it. So a new section is recommended from its first day on.
"""

from __future__ import annotations

from dataclasses import replace

from triage.classifier import TargetModel
from triage.prediction import Prediction
from triage.reading import Readings
from triage.taxonomy import Taxonomy


class Bridge:
    """From the labels that a model learned to those of a taxonomy."""

    def __init__(self, model: TargetModel, taxonomy: Taxonomy) -> None:
        self.model = model
        self.labels = taxonomy.labels(model.target)
        # an office that names no labels takes what the examples show
        self._names = {
            label: taxonomy.current_names(model.target, label) if self.labels else (label,)
            for label in model.labels
        }
        followed = {name for names in self._names.values() for name in names}
        active = [label for label in self.labels if label.active]
        self._new = [label.name for label in active if label.name not in followed]
        self._unchanged = not self._new and all(names == (old,) for old, names in self._names.items())
        self._duties: TargetModel | None = None
        if self._new or any(len(names) > 1 for names in self._names.values()):
            self._duties = TargetModel.fit(model.target, active, [], model.reader)

    def fits(self, model: TargetModel, taxonomy: Taxonomy) -> bool:
        """Whether it leads from this model to this taxonomy."""
        return self.model is model and self.labels == taxonomy.labels(model.target)

    def predict_read(self, texts: Readings) -> list[Prediction]:
        """One prediction a text; texts as ``model.reader`` reads them."""
        predictions = self.model.predict_read(texts)
        if self._unchanged:
            return predictions
        duties = [dict(p.ranked) for p in self._duties.predict_read(texts)] if self._duties else []
        return [self._led(p, duties[i] if duties else {}) for i, p in enumerate(predictions)]

    def _led(self, prediction: Prediction, duties: dict[str, float]) -> Prediction:
        """Only what the model itself put first, under one name, is still decided automatically."""
        new = {name: duties[name] for name in self._new}
        shares: dict[str, float] = {}
        for label, p in prediction.ranked:
            names = self._names[label]
            total = sum(duties[name] for name in names) if len(names) > 1 else 1.0
            for name in names:
                part = duties[name] / total if len(names) > 1 else 1.0
                shares[name] = shares.get(name, 0.0) + p * part
        left = sum(shares.values())
        if not left and not new:  # nothing that the model knows is left, and it has nothing else to say
            return replace(prediction, auto=False, reason=self._changed(prediction.label))
        if new or any(not names for names in self._names.values()):  # else nothing is to be made room for
            room = 1 - sum(new.values()) if left else 0.0
            shares = {name: p / left * room for name, p in shares.items() if left}
            total = 1.0 if left else sum(new.values())
            shares |= {name: p / total for name, p in new.items()}
        ranked = tuple(sorted(shares.items(), key=lambda one: -one[1]))
        name, probability = ranked[0]
        stands = self._names[prediction.label] == (name,)
        sure, reason = self.model.thresholds.decide(prediction.label, probability)
        likely = (name for old in prediction.evidence.likely for name in self._names[old])
        return replace(
            prediction,
            ranked=ranked,
            evidence=replace(prediction.evidence, likely=tuple(dict.fromkeys(likely))),
            auto=prediction.auto and stands and sure,
            reason=reason if stands else self._changed(prediction.label),
        )

    def _changed(self, label: str) -> str:
        """Why a person decides, where what the model put first is not what comes first now."""
        now = self._names[label]
        if len(now) > 1:
            what = f"“{label}”已由{'、'.join(now)}接替"
        elif not now:
            what = f"“{label}”已不在分类文件中"
        else:
            what = "分类文件里有新的选项"
        return f"{what},模型还没有学过,请重新学习(triage retrain)"
