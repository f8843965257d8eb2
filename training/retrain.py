"""Year-end learning: gold labels from the ledger, a challenger for each target, the gate, promotion."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from training.gate import Verdict, compare
from training.gold import manifest_data
from training.mapping import read_mapped
from training.material import Material
from triage.classifier import TargetModel
from triage.desk import Desk
from triage.errors import ModelRefused
from triage.promotion import enter_version
from triage.reading import Reader, RememberingReader
from triage.registry import Manifest
from triage.taxonomy import TARGETS


@dataclass(frozen=True)
class Outcome:
    """What became of one target.

    Attributes:
        version: the new version, promoted or not; None where nothing was trained.
        champion: the version that serves now.
        material: what the report is made of.
    """

    target: str
    examples: int
    version: str | None
    champion: str
    verdict: Verdict | None
    note: str
    material: Material = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "examples": self.examples,
            "version": self.version,
            "champion": self.champion,
            "promoted": self.version is not None and self.version == self.champion,
            "verdict": self.verdict.to_dict() if self.verdict else None,
            "note": self.note,
        }


def retrain(
    desk: Desk,
    *,
    who: str,
    targets: Sequence[str] = TARGETS,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Train a challenger for each target and promote it only if it is not worse.

    ``on_step`` is told the target that is about to be trained. The version that is saved
    and promoted is fitted on all gold labels, the held-out ones included.
    """
    plain = desk.make_reader(desk.settings.encoder, desk.taxonomy.terms())
    reader = RememberingReader(plain.segmenter, plain.encoder)
    outcomes = []
    for target in targets:
        if any(label.active for label in desk.taxonomy.labels(target)):
            on_step(target)
            outcomes.append(_retrain_target(desk, target, reader, who, seed))
    return outcomes


def _retrain_target(desk: Desk, target: str, reader: Reader, who: str, seed: int) -> Outcome:
    started = time.perf_counter()
    with desk.ledger.read() as session:
        found, mapped = read_mapped(target, desk.taxonomy, reader, session=session)
    gold = mapped.examples
    champion = desk.champions.models()[target]
    labels = desk.taxonomy.labels(target)
    data = manifest_data(gold, labels, encoder=reader.encoder.name, seed=seed)
    serving: Manifest | None = None
    try:
        if champion.version == desk.registry.champion(target):
            serving = desk.registry.manifest(target, champion.version)
    except ModelRefused:
        serving = None
    known = serving.data if serving else {}
    material = Material(found, mapped, champion, frozenset(known.get("cases", [])), reader)
    if not gold:
        return Outcome(target, 0, None, champion.version, None, "没有可学习的办结样例", material)
    if all(known.get(k) == data[k] for k in ("fingerprint", "taxonomy", "encoder")):
        note = "办结样例、分类和编码器都没有变化,无需重训"
        material = replace(material, model=champion, manifest=serving)
        return Outcome(target, len(gold), None, champion.version, None, note, material)
    verdict = compare(
        target,
        desk.taxonomy,
        gold,
        champion,
        set(known.get("cases", [])),
        reader,
        error_budget=desk.settings.error_budget,
        seed=seed,
    )
    model = TargetModel.fit(
        target,
        labels,
        [g.example for g in gold],
        reader,
        error_budget=desk.settings.error_budget,
        seed=seed,
        flags=target == "section",
    )
    manifest = desk.registry.save(model, data=data, metrics=verdict.to_dict())
    enter_version(
        desk,
        manifest,
        promote=verdict.promote,
        previous=champion.version,
        who=who,
        why=verdict.reason,
    )
    return Outcome(
        target,
        len(gold),
        manifest.version,
        manifest.version if verdict.promote else champion.version,
        verdict,
        verdict.reason,
        replace(material, model=model, manifest=manifest, seconds=time.perf_counter() - started),
    )
