"""Which texts are learned from and which are asked about. The same for every system."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from triage.documents.rows import Row
from triage.taxonomy import Taxonomy

FOLDS = 5
FEW_TEST = 1000
BUDGETS = (0.01, 0.02, 0.05, 0.10)


@dataclass(frozen=True)
class Split:
    """One task for a system.

    Attributes:
        key: names the split inside its part, with the group it is averaged in before the first space.
        target: whose labels are learned and asked.
        train, test: rows, all of them with a label of ``target``; train may be empty.
        taxonomy: descriptions of the labels, for the systems that can use them.
        budgets: error budgets at which routing is measured; learning thresholds takes time.
        bootstrap: whether intervals over the test rows are computed, where there is only one split.
        each_out: leave one out: each test row is asked of a model that learned from all the others;
            ``train`` is then the same rows as ``test``.
    """

    key: str
    target: str
    train: list[Row]
    test: list[Row]
    taxonomy: Taxonomy = field(default_factory=Taxonomy)
    seed: int = 0
    budgets: tuple[float, ...] = ()
    bootstrap: bool = False
    each_out: bool = False

    @property
    def group(self) -> str:
        return self.key.split(" ")[0]

    def fingerprint(self) -> str:
        """Changes whenever anything that decides a result changes: texts, labels, descriptions, settings."""
        said = [
            (row.get("title"), row.get("body"), row.get(self.target)) for row in (*self.train, *self.test)
        ]
        settings = (self.target, len(self.train), self.seed, self.budgets, self.bootstrap, self.each_out)
        content = json.dumps([settings, said, repr(self.taxonomy)], ensure_ascii=False)
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def fold_splits(
    rows: Sequence[Row], target: str, taxonomy: Taxonomy, seeds: int, budgets: tuple[float, ...]
) -> Iterator[Split]:
    """Stratified folds, for each seed."""
    labels = [row.get(target) for row in rows]
    for seed in range(seeds):
        for nth, test in enumerate(folds(labels, FOLDS, seed)):
            chosen = set(test)
            yield Split(
                f"{target}-folds seed{seed}-fold{nth}",
                target,
                [row for i, row in enumerate(rows) if i not in chosen],
                [rows[i] for i in test],
                taxonomy,
                seed,
                budgets,
            )


def few_splits(rows: Sequence[Row], taxonomy: Taxonomy, sizes: Sequence[int], draws: int) -> Iterator[Split]:
    """k examples a label (or all there are); the texts asked are the same for every k of a draw.

    The texts asked are drawn first, so that labels are as frequent among them as they are in life: what is
    left after taking 100 of each would have hardly any of the rare ones.
    """
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(rows))
        asked = min(FEW_TEST, len(rows) // 2)
        test = [rows[i] for i in order[:asked]]
        pools: dict[str, list[Row]] = defaultdict(list)
        for i in order[asked:]:
            pools[rows[i].get("topic")].append(rows[i])
        for k in sizes:
            train = [row for pool in pools.values() for row in pool[:k]]
            # only there the thresholds are pooled over the draws
            budgets = (0.05,) if k == 20 else ()
            yield Split(f"k={k} draw{draw}", "topic", train, test, taxonomy, draw, budgets)


def unit_splits(rows: Sequence[Row], taxonomy: Taxonomy) -> Iterator[Split]:
    """The years up to 2019 against 2020."""
    train, test = before(rows, "2020-01-01")
    yield Split("2020 in-time", "section", train, test, taxonomy)


def unit_each_out(rows: Sequence[Row], taxonomy: Taxonomy) -> Iterator[Split]:
    """Each row asked of a model of all the others."""
    yield Split("each-out all", "section", list(rows), list(rows), taxonomy, each_out=True)


def board_splits(rows: Sequence[Row]) -> Iterator[Split]:
    """The years before 2025 against 2025."""
    train, test = before(rows, "2025-01-01")
    for target in ("topic", "handling"):
        yield Split(f"{target} in-time", target, train, test, bootstrap=True)


def office_splits(closed: Sequence[Row], incoming: Sequence[Row], taxonomy: Taxonomy) -> Iterator[Split]:
    """The closed year against the incoming pile."""
    for target in ("section", "topic", "handling"):
        yield Split(f"{target} in-time", target, list(closed), list(incoming), taxonomy, budgets=(0.05,))


def before(rows: Sequence[Row], day: str) -> tuple[list[Row], list[Row]]:
    """Rows received before ``day`` (ISO), and the others; each in order of time."""
    ordered = sorted(rows, key=lambda row: (row.get("received_on"), row.line))
    return (
        [row for row in ordered if row.get("received_on") < day],
        [row for row in ordered if row.get("received_on") >= day],
    )


def folds(labels: Sequence[str], count: int, seed: int) -> list[list[int]]:
    """Indices 0..n-1 in ``count`` parts, each label spread evenly, however few examples it has."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    order = sorted(shuffled.tolist(), key=lambda i: labels[i])  # stable: shuffled inside a label
    return [sorted(order[start::count]) for start in range(count)]
