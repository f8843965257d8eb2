"""Measures what is not measured yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from training.benchmark.data import DataFolder
from training.benchmark.figures import figures
from training.benchmark.parts import Plan, splits, takes_part
from training.benchmark.sources import fingerprint
from training.benchmark.speed import measure
from training.benchmark.splits import Split
from training.benchmark.store import Result, Store
from training.benchmark.systems import System, answer
from training.benchmark.tools import Tools

Say = Callable[[str], None]


def run(
    parts: Sequence[str],
    systems: Sequence[System],
    data: DataFolder,
    plan: Plan,
    store: Store,
    tools: Tools,
    say: Say,
) -> list[Result]:
    """Results of every part, system and split asked for, in that order; those at hand are not repeated.

    Raises:
        InputError: a data file is missing or unfit.
    """
    code = {s.name: f"{fingerprint(s.sources, s.packages)} {tools.encoder}" for s in systems}
    # all of them first: a missing file should be known before hours of work
    tasks = [
        (part, split, mark, system)
        for part in parts
        for split in splits(part, data, plan)
        for mark in [split.fingerprint()]
        for system in systems
        if takes_part(system, part, split)
    ]
    say(f"共 {len(tasks)} 项,已有结果的不重做。")
    found = []
    for nth, (part, split, mark, system) in enumerate(tasks, start=1):
        kind = "speed" if part == "speed" else "quality"
        result = store.find(kind, system.name, mark, code[system.name])
        if result is None:
            started = time.perf_counter()
            measured = measure(system, split, tools) if part == "speed" else _quality(system, split, tools)
            seconds = time.perf_counter() - started
            result = Result(kind, system.name, part, split.key, mark, code[system.name], seconds, measured)
            store.add(result)
            say(f"[{nth}/{len(tasks)}] {part} {split.key} {system.name}:{seconds:.1f} 秒{_first(result)}")
        # what another part measured on the same split serves here too
        found.append(replace(result, part=part, key=split.key))
    return found


def _quality(system: System, split: Split, tools: Tools) -> dict[str, object]:
    gold = [row.get(split.target) for row in split.test]
    return figures(answer(system, split, tools), gold, bootstrap=split.bootstrap)


def _first(result: Result) -> str:
    if result.kind == "speed":
        return f",单件 {result.figures['p50_ms']:.1f} 毫秒"
    return f",准确率 {result.figures['right'] / result.figures['n']:.3f}"
