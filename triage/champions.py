"""The models that serve: picked up when the pointer changes, never lost to a bad file."""

from __future__ import annotations

import threading

from triage.classifier import TargetModel
from triage.errors import ModelRefused, NotFound
from triage.registry import Registry
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

# the version of a model that has seen no example
DUTIES_ONLY = "仅凭职责"


class Champions:
    """One serving model for each target.

    A new champion is picked up at the next use. One that fails its check is refused; the
    last good one goes on serving. Where no version can be loaded, a model from the
    duties alone serves, so that there is always a recommendation.
    """

    def __init__(self, registry: Registry, taxonomy: Taxonomy, encoder: str) -> None:
        self.registry = registry
        self.taxonomy = taxonomy
        self.encoder = encoder
        self._lock = threading.Lock()
        self._models: dict[str, TargetModel] = {}
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._problems: dict[str, str] = {}

    def models(self) -> dict[str, TargetModel]:
        """The serving model of each target that the taxonomy has labels for."""
        with self._lock:
            for target in TARGETS:
                if any(label.active for label in self.taxonomy.labels(target)):
                    self._refresh(target)
            return dict(self._models)

    def problems(self) -> dict[str, str]:
        """Target to a sentence about a champion that was refused and what serves instead."""
        self.models()
        return dict(self._problems)

    def _refresh(self, target: str) -> None:
        stamp = self.registry.pointer_stamp(target)
        if target in self._models and stamp == self._stamps[target]:
            return
        self._stamps[target] = stamp
        self._problems.pop(target, None)
        refusals: list[str] = []
        for version in reversed(self.registry.champions(target)):
            serving = self._models.get(target)
            if refusals and serving is not None:
                break  # the model in memory is the last good one
            try:
                self._models[target] = self.registry.load(target, version)
                break
            except (ModelRefused, NotFound) as error:
                refusals.append(error.message)
        if target not in self._models:
            reader = self.registry.make_reader(self.encoder, self.taxonomy.terms())
            self._models[target] = TargetModel.fit(
                target, self.taxonomy.labels(target), [], reader, flags=target == "section"
            )
            self._models[target].version = DUTIES_ONLY
        model, active = self._models[target], {x.name for x in self.taxonomy.labels(target) if x.active}
        if set(model.labels) != active:
            self._problems[target] = (
                f"分类文件里的{TARGET_NAMES[target]}改过了,模型 {model.version} 还是旧的,请运行 triage retrain。"
            )
        if refusals:
            self._problems[target] = f"{' '.join(refusals)}目前使用:{self._models[target].version}。"
