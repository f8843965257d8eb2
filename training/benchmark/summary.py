"""From results of single splits to the figures of the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from training.benchmark.figures import wilson
from training.benchmark.store import Result


def summarise(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One entry for each part, group of splits and system, in the order of the results.

    Quality: mean and standard deviation over the splits of accuracy, top3, macro_f1, log_loss and ece;
    shares pooled over all texts with their Wilson intervals; routing pooled over all texts. Speed: as measured.
    """
    grouped: dict[tuple[str, str, str], list[Result]] = defaultdict(list)
    for result in results:
        grouped[result.part, result.key.split(" ")[0], result.system].append(result)
    return [
        {
            "part": part,
            "group": group,
            "system": system,
            **(_speed(own) if part == "speed" else _quality(own)),
        }
        for (part, group, system), own in grouped.items()
    ]


def _speed(results: Sequence[Result]) -> dict[str, Any]:
    return dict(results[-1].figures)


def _quality(results: Sequence[Result]) -> dict[str, Any]:
    each = [result.figures for result in results]
    n = sum(f["n"] for f in each)
    found: dict[str, Any] = {"splits": len(each), "n": n, "seconds": sum(r.seconds for r in results)}
    values = {
        "accuracy": [f["right"] / f["n"] for f in each],
        "top3": [f["top3"] / f["n"] for f in each],
        **{name: [f[name] for f in each] for name in ("macro_f1", "log_loss", "ece")},
    }
    for name, of_splits in values.items():
        found[name] = {
            "mean": float(np.mean(of_splits)),
            "sd": float(np.std(of_splits, ddof=1)) if len(each) > 1 else 0.0,
        }
    found["accuracy"]["wilson"] = wilson(sum(f["right"] for f in each), n)
    found["top3"]["wilson"] = wilson(sum(f["top3"] for f in each), n)
    if "intervals" in each[0]:
        for name, interval in each[0]["intervals"].items():
            found[name]["bootstrap"] = interval
    if all("sets" in f for f in each):
        found["sets"] = {
            "size": sum(f["sets"]["labels"] for f in each) / n,
            "held": sum(f["sets"]["held"] for f in each) / n,
        }
    found["auto"] = {}
    for budget in each[0]["auto"]:
        routed = sum(f["auto"][budget]["routed"] for f in each)
        right = sum(f["auto"][budget]["right"] for f in each)
        found["auto"][budget] = {
            "coverage": routed / n,
            "precision": right / routed if routed else None,
        }
    return found
