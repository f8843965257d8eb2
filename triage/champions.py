"""The models that serve: picked up when the pointer changes, never lost to a bad file."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from triage.classifier import TargetModel
from triage.errors import ModelRefused, NotFound
from triage.registry import Registry
from triage.taxonomy import TARGET_NAMES, TARGETS, Label, Taxonomy

# the version of a model that has seen no example
DUTIES_ONLY = "仅凭职责"


class Champions:
    """One serving model for each target.

    A new champion is picked up at the next use. One that fails its check is refused; the
    last good one goes on serving. Where no version can be loaded, a model from the
    duties alone serves, so that there is always a recommendation; it follows the taxonomy at once.

    Attributes:
        lacking: target to the version that the ledger lets serve and this machine does not have.
    """

    def __init__(self, registry: Registry, taxonomy: Taxonomy, encoder: str) -> None:
        self.registry = registry
        self.taxonomy = taxonomy  # may be replaced at any time
        self.lacking: Mapping[str, str] = {}
        self.encoder = encoder
        self._lock = threading.Lock()
        self._models: dict[str, TargetModel] = {}
        self._stamps: dict[str, tuple[int, int] | None] = {}
        self._labels: dict[str, tuple[Label, ...]] = {}
        self._problems: dict[str, str] = {}

    def models(self) -> dict[str, TargetModel]:
        """The serving model of each target that the taxonomy has labels for."""
        taxonomy = self.taxonomy
        wanted = [t for t in TARGETS if any(label.active for label in taxonomy.labels(t))]
        # while one request loads a new champion the others go on with the one before
        first = any(target not in self._models for target in wanted)
        if self._lock.acquire(blocking=first):
            try:
                for target in wanted:
                    self._refresh(target, taxonomy)
            finally:
                self._lock.release()
        return {target: self._models[target] for target in wanted}

    def problems(self) -> dict[str, str]:
        """Target to a sentence about a champion that was refused or is not here and what serves instead."""
        serving = self.models()
        found = {target: said for target, said in self._problems.items() if target in serving}
        for target, version in self.lacking.items():
            if target in serving:
                found[target] = (
                    f"台账里{TARGET_NAMES[target]}启用的是模型 {version},本机没有,或没有复制完整:请从训练它的主机"
                    f"把文件夹 {self.registry.root / target / version} 复制过来,几秒后自动启用。"
                    f"目前使用:{serving[target].version}。{found.get(target, '')}"
                )
        return found

    def _refresh(self, target: str, taxonomy: Taxonomy) -> None:
        stamp = self.registry.pointer_stamp(target)
        labels = taxonomy.labels(target)
        if target in self._models and (stamp, labels) == (self._stamps[target], self._labels[target]):
            return
        self._stamps[target], self._labels[target] = stamp, labels
        self._problems.pop(target, None)
        refusals: list[str] = []
        champions, serving = self.registry.champions(target), self._models.get(target)
        loaded = None
        for version in reversed(champions):
            if refusals and serving is not None and serving.version != DUTIES_ONLY:
                break  # the model in memory is the last good one
            try:
                loaded = self.registry.load(target, version)
                break
            except (ModelRefused, NotFound) as error:
                refusals.append(error.message)
        if loaded is None and (not champions or serving is None or serving.version == DUTIES_ONLY):
            # cheap enough to be fitted anew whenever a duty or a term changes
            reader = self.registry.make_reader(self.encoder, taxonomy.terms())
            loaded = TargetModel.fit(target, labels, [], reader, flags=target == "section")
            loaded.version = DUTIES_ONLY
        if loaded is not None:
            self._models[target] = loaded
        model, active = self._models[target], {x.name for x in labels if x.active}
        # a model that knows a label by its former name says the new one, see triage.bridge
        if {taxonomy.current_name(target, name) for name in model.labels} != active:
            self._problems[target] = (
                f"分类文件里的{TARGET_NAMES[target]}改过了,模型 {model.version} 还是旧的,请运行 triage retrain。"
            )
        if refusals:
            self._problems[target] = f"{' '.join(refusals)}目前使用:{self._models[target].version}。"
