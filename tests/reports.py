"""What a training of the sample office leaves for its report, without a fit."""

from __future__ import annotations

from training.gold import read_gold
from training.mapping import map_labels
from training.material import Material
from training.retrain import Outcome
from triage.desk import Desk
from triage.taxonomy import TARGETS


def of_demo(desk: Desk) -> list[Outcome]:
    """What a training would leave that found nothing new: the models that serve."""
    outcomes = []
    for target in TARGETS:
        model = desk.champions.models()[target]
        with desk.ledger.read() as session:
            found = read_gold(target, session=session)
        mapped = map_labels(target, found.examples, desk.taxonomy, model.reader)
        manifest = desk.registry.manifest(target, model.version)
        material = Material(found, mapped, model, manifest.data["cases"], model.reader, model, manifest)
        outcomes.append(Outcome(target, len(found.examples), None, model.version, None, "没有变化", material))
    return outcomes
