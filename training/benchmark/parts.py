"""What is measured: the splits of each part, and which systems take part in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from training.benchmark.data import DataFolder, mailbox_duties, office_rows
from training.benchmark.ours import VARIANTS, WHOLE
from training.benchmark.splits import (
    BUDGETS,
    Split,
    board_splits,
    few_splits,
    fold_splits,
    office_splits,
    unit_each_out,
    unit_splits,
)
from training.benchmark.systems import System
from training.sample_office import OFFICE
from triage.documents.rows import Row
from triage.taxonomy import load_taxonomy

PARTS = ("topic", "few", "units", "board", "ablation", "speed", "office")
SIZES = (0, 5, 10, 20, 50, 100)
ABLATION_SIZES = (0, 5, 20)  # examples a label at which parts are switched off


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        seeds: of the folds; draws: of the few examples.
        sizes: numbers of examples a label.
        quick: only a few hundred texts of each file, to see that everything runs; no figures to quote.
    """

    seeds: int = 3
    draws: int = 5
    sizes: tuple[int, ...] = SIZES
    quick: bool = False


QUICK = Plan(seeds=1, draws=1, sizes=(0, 20), quick=True)


def splits(part: str, data: DataFolder, plan: Plan) -> Iterator[Split]:
    """The splits of ``part``.

    Raises:
        InputError: a file that the part needs is missing.
    """
    if part in ("topic", "few", "ablation", "speed"):
        rows = _some(data.complaints(), plan, 7)
        taxonomy = data.complaint_taxonomy(sorted({row.get("topic") for row in rows}))
        if part == "topic":
            yield from fold_splits(rows, "topic", taxonomy, plan.seeds, BUDGETS)
        elif part == "few":
            yield from few_splits(rows, taxonomy, plan.sizes, plan.draws)
        elif part == "speed":
            yield next(fold_splits(rows, "topic", taxonomy, 1, ()))
        else:
            yield from fold_splits(rows, "topic", taxonomy, 1, (0.05,))
            few = few_splits(rows, taxonomy, plan.sizes, plan.draws)
            yield from (split for split in few if split.group in {f"k={k}" for k in ABLATION_SIZES})
            # folds, because leaving each one out takes hours with many variants
            yield from fold_splits(data.mailbox(), "section", mailbox_duties(), 1, ())
    elif part == "units":
        units = data.mailbox()
        yield from unit_splits(units, mailbox_duties())
        for split in unit_each_out(units, mailbox_duties()):
            yield replace(split, test=split.test[:5]) if plan.quick else split
    elif part == "board":
        yield from board_splits(_some(data.board(), plan, 4))
    else:
        closed, incoming = office_rows()
        yield from office_splits(_some(closed, plan, 2), incoming, load_taxonomy(OFFICE))


def _some(rows: list[Row], plan: Plan, step: int) -> list[Row]:
    return rows[::step] if plan.quick else rows


def takes_part(system: System, part: str, split: Split) -> bool:
    """Whether ``system`` is asked about ``split``."""
    if system.name in VARIANTS and part != "ablation":
        return False
    if part in ("ablation", "office") and system.name not in {**WHOLE, **VARIANTS}:
        return False
    if system.described and not split.taxonomy.labels(split.target):
        return False
    if system.described and system.name not in {**WHOLE, **VARIANTS} and part not in ("few", "units"):
        return False  # descriptions as training texts: only where examples are few
    if not split.train and not system.described:
        return False
    return system.cheap or not split.each_out
