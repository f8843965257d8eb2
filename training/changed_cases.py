"""What a challenger would have said of the last year's cases where the champion said something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from training.gold import GoldExample
from training.material import Material
from triage.bridge import Bridge
from triage.classifier import TargetModel
from triage.reading import Suggestion
from triage.taxonomy import Taxonomy

DAYS = 365


def changed_cases(material: Material, taxonomy: Taxonomy, numbers: Mapping[str, str]) -> dict[str, Any]:
    """The closed cases of the last year whose first label differs between both models.

    Neither side answers from memory: of a case that a model learned, what counts is what it said in
    its cross-validation.

    Args:
        numbers: case to the number that people know it by.
    """
    gold, model = material.gold, material.model
    if not gold or model is None:
        return _told([], 0, "", "")
    last = gold[-1].received_on
    first = last - timedelta(days=DAYS - 1)
    recent = [g for g in gold if first <= g.received_on]
    after, before = (_first_labels(one, recent, taxonomy) for one in (model, material.champion))
    cases = [
        {
            "id": int(g.example.case),
            "number": numbers.get(g.example.case, ""),
            "title": g.example.title,
            "gold": g.example.label,
            "before": before[g.example.case],
            "after": after[g.example.case],
            "right": _who(g.example.label, before[g.example.case], after[g.example.case]),
        }
        for g in recent
        if before[g.example.case] != after[g.example.case]
    ]
    return _told(cases, len(recent), first.isoformat(), last.isoformat())


def _told(cases: list[dict[str, Any]], compared: int, first: str, last: str) -> dict[str, Any]:
    right = [case["right"] for case in cases]
    return {
        "from": first,
        "to": last,
        "compared": compared,
        "changed": len(cases),
        "better": right.count("after"),
        "worse": right.count("before"),
        "neither": right.count("neither"),
        "cases": cases,
    }


def _who(gold: str, before: str, after: str) -> str:
    """Whose label was the right one."""
    return "after" if after == gold else "before" if before == gold else "neither"


def _first_labels(model: TargetModel, recent: Sequence[GoldExample], taxonomy: Taxonomy) -> dict[str, str]:
    """Case to first label, under the labels in use; one that was split is led on as in service."""
    unseen = model.state["unseen"]["labels"]
    known = {
        case: now
        for (case, _, _), label in zip(model.state["examples"], unseen, strict=True)
        if (now := taxonomy.current_name(model.target, label)) is not None
    }
    new = [g for g in recent if g.example.case not in known]
    if new:
        texts = model.reader.read([Suggestion(g.example.title, g.example.body) for g in new])
        made = Bridge(model, taxonomy).predict_read(texts)
        known |= {g.example.case: p.label for g, p in zip(new, made, strict=True)}
    return known
