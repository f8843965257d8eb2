"""What models say of suggestions, without any ledger: ranked labels for each target, and flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage.bridge import Bridge
from triage.flags import Flag, FlagModel
from triage.prediction import Prediction
from triage.reading import Readings, Suggestion


def recommend(
    bridges: Mapping[str, Bridge], suggestions: Sequence[Suggestion]
) -> tuple[list[dict[str, Prediction]], list[tuple[Flag, ...]]]:
    """Predictions by target and flags of n suggestions, in order.

    Args:
        bridges: of each target, from its model to the labels in use.
    """
    read: dict[tuple[str, tuple[str, ...]], Readings] = {}
    predictions: list[dict[str, Prediction]] = [{} for _ in suggestions]
    for target, bridge in bridges.items():
        reader = bridge.model.reader
        # the targets' models nearly always share one reader, so a text is read once
        if reader.key not in read:
            read[reader.key] = reader.read(suggestions)
        for own, prediction in zip(predictions, bridge.predict_read(read[reader.key]), strict=True):
            own[target] = prediction
    flags: list[tuple[Flag, ...]] = [() for _ in suggestions]
    section = bridges["section"].model if "section" in bridges else None
    if section is not None and "flags" in section.state:
        flags = FlagModel(section.state["flags"]).raise_flags(read[section.reader.key])
    return predictions, flags
