"""What a model says of one suggestion: ranked labels, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class EvidenceWord:
    """A word of the text and how much it raised the first label over the others (log-odds)."""

    word: str
    weight: float


@dataclass(frozen=True)
class NearCase:
    """An earlier case near to the text: its reference, title, label, cosine similarity."""

    case: str
    title: str
    label: str
    similarity: float


@dataclass(frozen=True)
class Evidence:
    """Why the first label is first, and how far the doubt goes.

    Attributes:
        words: from the linear model itself, strongest first.
        duty_terms: key terms of the first label that stand in the text.
        nearest: nearest earlier cases with what they were.
        likely: the smallest set of labels that holds the right one as often as was promised
            (triage.label_sets), most probable first; empty where nothing can be promised.
    """

    words: tuple[EvidenceWord, ...] = ()
    duty_terms: tuple[str, ...] = ()
    nearest: tuple[NearCase, ...] = ()
    likely: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Prediction:
    """Ranked labels with probabilities that sum to 1, for one target of one suggestion."""

    target: str
    ranked: tuple[tuple[str, float], ...]
    evidence: Evidence
    model_version: str
    auto: bool
    reason: str

    @property
    def label(self) -> str:
        return self.ranked[0][0]

    @property
    def probability(self) -> float:
        return self.ranked[0][1]
