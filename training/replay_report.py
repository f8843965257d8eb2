"""What replays of the years come to, way by way over the seeds, and who replays them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from statistics import fmean, pstdev
from typing import Any

import numpy as np

from training.paired import mean_difference
from training.replay import WAYS, Office, Way, Year, live
from triage.crew import Crew, Kit, Place, Work
from triage.documents.rows import Row
from triage.reading import RememberingReader, Suggestion

Slices = Sequence[tuple[str, list[Row]]]


def replay(
    office: Office,
    slices: Slices,
    *,
    ways: Sequence[Way] = WAYS,
    seeds: int = 3,
    workers: Crew | None = None,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Figures of each way by year, and of the first way less each other one.

    Args:
        seeds: replays of each way, with other draws and fits; figures are means with their spread.
        workers: who replays; the report is the same whoever they are. None: this process, with ``office.reader``.

    Returns:
        A JSON-able report. A difference is of the mean accuracy over the seeds, with a 95 % interval by
        bootstrap over the year's cases.
    """
    asked = [(way, seed) for way in ways for seed in range(seeds)]
    found: Iterable[tuple[int, list[Year]]]
    if workers is None:
        found = ((nth, live(office, way, slices, seed)) for nth, (way, seed) in enumerate(asked))
    else:
        found = workers.each(LIVE, _kit(office, slices), ((nth, *one) for nth, one in enumerate(asked)))
    years: dict[int, list[Year]] = {}
    progress(f"重演 {office.target}", 0, len(asked))
    for nth, lives in found:
        years[nth] = lives
        progress(f"重演 {office.target}", len(years), len(asked))
    lived: dict[str, list[list[Year]]] = {}
    for nth, (way, _) in enumerate(asked):
        lived.setdefault(way.name, []).append(years[nth])
    right = {
        name: [np.mean([run[y].right for run in runs], axis=0) for y in range(len(slices) - 1)]
        for name, runs in lived.items()
    }
    first = ways[0].name
    return {
        "target": office.target,
        "learned_first": len(slices[0][1]),
        "labels": len({row.get(office.target) for _, rows in slices for row in rows}),
        "audit_share": office.audit_share,
        "unnoticed": office.unnoticed,
        "error_budget": office.error_budget,
        "encoder": office.reader.encoder.name,
        "seeds": seeds,
        "ways": {
            name: [_mean([run[y].figures for run in runs]) for y in range(len(slices) - 1)]
            for name, runs in lived.items()
        },
        "differences": {
            way.name: [
                {"name": slices[y + 1][0], **mean_difference(ours - theirs, seed=0).to_dict()}
                for y, (ours, theirs) in enumerate(zip(right[first], right[way.name], strict=True))
            ]
            for way in ways[1:]
        },
    }


def _kit(office: Office, slices: Slices) -> Kit:
    own = {f.name: getattr(office, f.name) for f in fields(office) if f.name != "reader"}
    content = {"office": own, "slices": slices, "reader": office.reader.key}
    return Kit.pack(content, repr(content))


def _open(content: dict[str, Any], place: Place) -> tuple[Office, Slices]:
    plain, slices = place.reader(*content["reader"]), content["slices"]
    reader = RememberingReader(plain.segmenter, plain.encoder)
    # all at once: read in another order a vector may differ in its last bit
    reader.read([Suggestion(r.get("title"), r.get("body")) for _, rows in slices for r in rows])
    return Office(reader=reader, **content["office"]), slices


def _do(opened: tuple[Office, Slices], piece: tuple[int, Way, int]) -> tuple[int, list[Year]]:
    (office, slices), (nth, way, seed) = opened, piece
    return nth, live(office, way, slices, seed)


LIVE = Work(_open, _do)


def _mean(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of one year over the seeds; ``spread`` is the standard deviation."""
    told: dict[str, Any] = {"name": runs[0]["name"], "n": runs[0]["n"], "spread": {}}
    for key in (
        "accuracy",
        "macro_f1",
        "coverage",
        "precision",
        "override_rate",
        "calibration_error",
        "learned_from",
    ):
        values = [run[key] for run in runs if run[key] is not None]
        told[key] = round(fmean(values), 4) if values else None
        told["spread"][key] = round(pstdev(values), 4) if values else None
    if "gate" in runs[0]:
        told["promoted"] = sum(run["promoted"] for run in runs)
        told["gate"] = [run["gate"] for run in runs]
    return told
