"""Champions that an upgraded library can no longer read, fitted anew from the ledger before they serve.

The same cases, labels as they count now, the same recipe: no gate is asked, since nothing was learned that
the office did not let serve before. The old files stay for whoever goes back to the old library.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass

from training.gold import manifest_data
from training.mapping import read_mapped
from triage.classifier import TargetModel
from triage.desk import Desk
from triage.errors import InputError, ModelRefused, NotFound
from triage.promotion import enter_version, reconcile
from triage.registry import EXACT, Manifest, outdated
from triage.taxonomy import TARGET_NAMES, TARGETS


@dataclass(frozen=True)
class Rebuilt:
    """What became of one champion; version: the new one, or None with the sentence why not."""

    target: str
    old: str
    version: str | None
    said: str


def outdated_champions(desk: Desk) -> list[Manifest]:
    """Manifests of champions that this program cannot read."""
    found = []
    for target in TARGETS:
        version = desk.registry.champion(target)
        try:
            manifest = desk.registry.manifest(target, version) if version else None
        except (ModelRefused, NotFound):
            continue  # broken or gone, which no fit of ours explains: the page says so
        if manifest is not None and outdated(manifest):
            found.append(manifest)
    return found


def rebuild_outdated(
    desk: Desk, *, who: str, on_step: Callable[[str], None] = lambda _: None
) -> list[Rebuilt]:
    """Fit what cannot be read any more; the caller holds the lock of trainings.

    Args:
        on_step: is told the target that is about to be fitted.
    """
    done = []
    reconcile(desk)
    for manifest in outdated_champions(desk):
        on_step(manifest.target)
        done.append(_rebuild(desk, manifest, who))
    return done


def _rebuild(desk: Desk, old: Manifest, who: str) -> Rebuilt:
    target, name = old.target, TARGET_NAMES[old.target]
    why_not = outdated(old)
    try:
        reader = desk.make_reader(old.encoder, desk.taxonomy.terms())
    except InputError as error:  # its encoder is not to be had here
        return Rebuilt(target, old.version, None, f"{name}模型 {old.version} {why_not}。{error.message}")
    learned = set(old.data.get("cases", []))
    with desk.ledger.read() as session:
        _, found = read_mapped(target, desk.taxonomy, reader, session=session)
    mapped = [g for g in found.examples if g.example.case in learned]
    if not mapped:
        said = f"{name}模型 {old.version} {why_not}。台账里没有它学过的办结件,不能重新训练,目前仅凭职责推荐。"
        return Rebuilt(target, old.version, None, said)
    labels = desk.taxonomy.labels(target)
    seed = old.data.get("seed", 0)
    model = TargetModel.fit(
        target,
        labels,
        [g.example for g in mapped],
        reader,
        error_budget=desk.settings.error_budget,
        seed=seed,
        flags=target == "section",
    )
    data = manifest_data(mapped, labels, encoder=reader.encoder.name, seed=seed)
    # the figures are the old file's: the same cases, the same recipe
    manifest = desk.registry.save(model, data=data, metrics=old.metrics)
    here = importlib.metadata.version(EXACT)
    why = f"{EXACT} {old.libraries.get(EXACT)} 换成 {here},用原来的 {len(mapped)} 件办结样例重新训练"
    enter_version(desk, manifest, promote=True, previous=old.version, who=who, why=why)
    return Rebuilt(target, old.version, manifest.version, f"{name}:{why}。现用版本 {manifest.version}。")
