"""Measures what is not measured yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from training.benchmark.data import DataFolder
from training.benchmark.related import gold as golds
from training.benchmark.related.gold import Gold
from training.benchmark.related.measure import measure
from training.benchmark.related.proposals import mark
from training.benchmark.related.registry import RELATED_PARTS
from training.benchmark.related.scorers import Context, PairScorer, RelatedSystem
from training.benchmark.sources import fingerprint
from training.benchmark.store import Result, Store

Say = Callable[[str], None]
# the file of groups that a part asks about; the part titles has a pool of its own
GROUPS = {
    "issues": "related_issues.csv",
    "resubmissions": "resubmissions.csv",
    "stream": "related_issues.csv",
}


def run_related(
    systems: Sequence[RelatedSystem],
    gold: Mapping[str, Gold],
    context: Context,
    store: Store,
    say: Say,
) -> list[Result]:
    """Results of every part and system asked for, part by part; those at hand are not repeated.

    Each system reads a pool once for all parts on it.

    Args:
        gold: pool and groups of each part, as read_gold gives them.
    """
    asked = [part for part in RELATED_PARTS if part in gold]
    found: dict[tuple[int, int], Result] = {}
    for nth, system in enumerate(systems):
        code = f"{fingerprint(system.sources, system.packages)} {context.tools.encoder} {context.threshold}"
        fitted: dict[str, tuple[PairScorer, float]] = {}
        for part in (part for part in asked if part in system.parts):
            mark_of_gold = gold[part].fingerprint()
            known = store.find(f"related {part}", system.name, mark_of_gold, code)
            if known is None or not _files_stand(known, context.out):
                pool = "titles" if part == "titles" else "messages"
                started = time.perf_counter()
                if pool not in fitted:
                    scorer = system.make(context)
                    scorer.fit(gold[part].rows)
                    fitted[pool] = scorer, time.perf_counter() - started
                scorer, reading = fitted[pool]
                started = time.perf_counter()
                figures = measure(part, scorer, gold[part], context.out)
                seconds = reading + time.perf_counter() - started
                kind = f"related {part}"
                known = Result(kind, system.name, part, pool, mark_of_gold, code, seconds, figures)
                store.add(known)
                say(f"{part} {system.name}:{seconds:.1f} 秒")
            found[asked.index(part), nth] = known
    return [found[key] for key in sorted(found)]


def read_gold(parts: Sequence[str], data: DataFolder, *, quick: bool) -> dict[str, Gold]:
    """The pool and groups of those of ``parts`` that are about related texts.

    Raises:
        InputError: a data file is missing or unfit.
    """
    asked = [part for part in parts if part in GROUPS]
    found: dict[str, Gold] = {}
    if asked:
        read = golds.messages(data, *(GROUPS[part] for part in asked), quick=quick)
        found = dict(zip(asked, read, strict=True))
    if "titles" in parts:
        found["titles"] = golds.titles(golds.HELD_OUT)
    return found


def _files_stand(result: Result, out: Path) -> bool:
    """Whether the files that came with a result are still the same."""
    return all(mark(out / name) == said for name, said in result.figures.get("file", {}).items())
