"""The report of a training: what was learned, how good it is, what changed, and what a person should see to.

Figures on examples come from cross-validation (each answered by a model that had not seen it) and count
only labels that a person gave; the comparison of champion and challenger comes from the gate.
docs/training-report.md says what stands under which key.
"""

from __future__ import annotations

import platform
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from training.changed_cases import changed_cases
from training.drift import drift
from training.label_findings import label_findings, sentences
from training.learning_curve import learning_curve, wanting_labels
from training.material import Material
from training.quality import Unseen, thresholds_at
from training.report_words import summary, todo
from training.retrain import Outcome
from triage.desk import Desk
from triage.ledger.tables import CaseRow
from triage.registry import libraries
from triage.taxonomy import TARGET_NAMES

FORMAT = 1  # raised when a reader of an older report would no longer understand a newer one


def training_report(
    desk: Desk,
    outcomes: Sequence[Outcome],
    *,
    who: str,
    seed: int = 0,
    seconds: float = 0.0,
    curve: bool = True,
    on_step: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Everything there is to say of a training, fit for JSON.

    Args:
        outcomes: as ``retrain`` returned them.
        seconds: that the training took.
        curve: whether to fit the models of the learning curve, see there how many.
        on_step: is told the target whose part is about to be made.
    """
    with desk.ledger.read() as session:
        numbers = {str(i): number or "" for i, number in session.execute(select(CaseRow.id, CaseRow.number))}
    targets = []
    for outcome in outcomes:
        on_step(outcome.target)
        targets.append(_target(desk, outcome, numbers, seed=seed, curve=curve))
    champions = {outcome.target: outcome.material.champion for outcome in outcomes}
    findings = [
        line
        for outcome, told in zip(outcomes, targets, strict=True)
        if told.get("label_findings")
        for line in sentences(told["name"], told["label_findings"], outcome.material.gold, numbers)
    ]
    report: dict[str, Any] = {
        "format": FORMAT,
        "office": desk.taxonomy.office,
        "invented": desk.taxonomy.invented,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": who,
        "seed": seed,
        "seconds": round(seconds, 1),
        "error_budget": desk.settings.error_budget,
        "targets": targets,
        "label_findings": findings,
        "drift": drift(desk, models=champions) if champions else None,
        "versions": {
            "program": _program(),
            "python": platform.python_version(),
            "libraries": libraries(),
            "encoder": desk.settings.encoder,
        },
    }
    return report | {"summary": summary(report), "todo": todo(report)}


def _target(
    desk: Desk, outcome: Outcome, numbers: dict[str, str], *, seed: int, curve: bool
) -> dict[str, Any]:
    material = outcome.material
    told: dict[str, Any] = {
        "target": outcome.target,
        "name": TARGET_NAMES[outcome.target],
        **{k: v for k, v in outcome.to_dict().items() if k not in ("target", "verdict")},
        "trained": outcome.version is not None,
        "previous": material.champion.version,
        "data": material.data(),
        "verdict": _verdict(outcome),
    }
    if material.model is None:
        return told
    labels = desk.taxonomy.labels(outcome.target)
    judged = {g.example.case for g in material.gold if g.by_a_person}
    unseen = Unseen.of(material.model, judged)
    by_label, confusions = unseen.by_label(material.model.labels), unseen.confusions(numbers)
    return told | {
        "quality": unseen.overall(),
        "labels": by_label,
        "confusions": confusions,
        "wanting": wanting_labels(by_label, told["data"]["labels"], confusions),
        "reliability": unseen.reliability(),
        "thresholds": thresholds_at(material.model, desk.settings.error_budget),
        "curve": learning_curve(outcome.target, labels, material.gold, material.reader, seed=seed)
        if curve
        else None,
        "changed": changed_cases(material, desk.taxonomy, numbers),
        # known only while the examples' unseen probabilities are in memory
        "label_findings": label_findings(material.gold, material.model)
        if material.model.out_of_fold is not None
        else None,
        "model": _model(material),
    }


def _verdict(outcome: Outcome) -> dict[str, Any] | None:
    """The comparison of this training; where nothing was trained that of the model that serves."""
    if outcome.verdict is not None:
        return outcome.verdict.to_dict()
    manifest = outcome.material.manifest
    return manifest.metrics if manifest is not None and manifest.metrics else None


def _model(material: Material) -> dict[str, Any] | None:
    manifest = material.manifest
    if manifest is None:
        return None
    return {
        "version": manifest.version,
        "created_at": manifest.created_at,
        "sha256": manifest.sha256,
        "encoder": manifest.encoder,
        "format": manifest.format,
        "python": manifest.python,
        "libraries": manifest.libraries,
        "seconds": round(material.seconds, 1),
    }


def _program() -> str:
    """The version of the checkout that is running."""
    path = Path(__file__).parents[1] / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])
