"""Old labels under today's names: after a section was renamed, merged, split or retired.

One to one by its successor. One to many by what a person said of the case, else by the duties of those
who took over, as far as these tell; what they cannot tell waits for a person and teaches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from training.gold import Gold, GoldExample, read_gold, renamed
from triage.classifier import TargetModel
from triage.ledger.label_mappings import reviewed_labels
from triage.reading import Reader, Suggestion
from triage.taxonomy import Taxonomy

SURE_ENOUGH = 0.6  # that the duties must be of a successor before a case teaches it unread


@dataclass(frozen=True)
class Proposal:
    """Where the case of a label that was split belongs by the duties of those who took over.

    Attributes:
        ranked: the successors with probabilities, the likeliest first.
    """

    gold: GoldExample
    ranked: tuple[tuple[str, float], ...]

    @property
    def sure(self) -> bool:
        """Whether it teaches before a person has looked."""
        return self.ranked[0][1] >= SURE_ENOUGH


@dataclass(frozen=True)
class Mapped:
    """Gold examples under the labels in use.

    Attributes:
        examples: in order of time.
        renamed: how many have a label that was called otherwise; reviewed: that a person mapped.
        proposals: cases of split labels that no person has mapped yet, the doubtful first.
        retired: how many have a label that went without a successor.
    """

    examples: list[GoldExample]
    renamed: int = 0
    reviewed: int = 0
    proposals: tuple[Proposal, ...] = ()
    retired: int = 0


def read_mapped(target: str, taxonomy: Taxonomy, reader: Reader, *, session: Session) -> tuple[Gold, Mapped]:
    """What the ledger teaches, as it was decided and under the labels in use."""
    gold = read_gold(target, session=session)
    reviewed = reviewed_labels(target, session=session)
    return gold, map_labels(target, gold.examples, taxonomy, reader, reviewed)


def map_labels(
    target: str,
    examples: Sequence[GoldExample],
    taxonomy: Taxonomy,
    reader: Reader,
    reviewed: Mapping[str, str] | None = None,
) -> Mapped:
    """Gold examples as ``taxonomy`` calls their labels now; all unchanged where it has no labels.

    Args:
        reviewed: case to label, see triage.ledger.label_mappings.
    """
    if not taxonomy.labels(target):
        return Mapped(list(examples))
    reviewed = reviewed or {}
    kept: list[GoldExample | None] = []
    unread: dict[tuple[str, ...], list[int]] = {}
    counts = {"renamed": 0, "reviewed": 0, "retired": 0}
    for one in examples:
        names = taxonomy.current_names(target, one.example.label)
        said = reviewed.get(one.example.case) if len(names) > 1 else None
        if said is not None and (now := taxonomy.current_name(target, said)) in names:
            names = (now,)
            counts["reviewed"] += 1
        if not names:
            counts["retired"] += 1
            kept.append(None)
        elif len(names) > 1:
            unread.setdefault(names, []).append(len(kept))
            kept.append(one)
        else:
            counts["renamed"] += names[0] != one.example.label
            kept.append(renamed(one, names[0]))
    proposals = []
    for names, rows in unread.items():
        asked = [one for one in (kept[row] for row in rows) if one is not None]
        for row, proposal in zip(rows, _propose(target, asked, names, taxonomy, reader), strict=True):
            label, probability = proposal.ranked[0]
            kept[row] = renamed(proposal.gold, label, probability) if proposal.sure else None
            proposals.append(proposal)
    proposals.sort(key=lambda p: p.ranked[0][1])
    return Mapped([g for g in kept if g is not None], proposals=tuple(proposals), **counts)


def _propose(
    target: str, asked: Sequence[GoldExample], names: Sequence[str], taxonomy: Taxonomy, reader: Reader
) -> list[Proposal]:
    """By the successors' duties alone, which is all that is known of them."""
    labels = [label for label in taxonomy.labels(target) if label.name in names]
    model = TargetModel.fit(target, labels, [], reader)
    texts = [Suggestion(one.example.title, one.example.body) for one in asked]
    return [Proposal(one, p.ranked) for one, p in zip(asked, model.predict(texts), strict=True)]
