"""Which two cases belong together: a score for a pair, its kind, and the evidence.

The score is a probability that a person would join the pair, from a handful of
similarities through a logistic function. The weights were fitted on the pairs of the
invented sample office (`python -m training.fit_related` prints them); an office's own
confirmed and dismissed pairs do not move them yet.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from triage.words import is_matter_noun

DUPLICATE_CONTAINMENT = 0.8
SHINGLE = 5

# log-odds = bias + sum(weight x feature), as training/fit_related.py fits them
WITH_SECTION = {
    "bias": -14.5,
    "text": 4.3,
    "title": 4.9,
    "title_sense": 3.5,
    "sense": 10.3,
    "section": 6.6,
}
WITHOUT_SECTION = {"bias": -10.9, "text": 4.2, "title": 5.3, "title_sense": 5.7, "sense": 13.0}
# Two cases of one year, with the same section, topic and handling type, whose titles both
# name a thing that the section answers for (物流集散基地, 农产品冷链物流): 9 of 14 such pairs
# of the sample office belong together, however different the rest of their texts.
SAME_MATTER = 0.64
# The weights were fitted on this many cases. A case has about as many partners in a large
# collection as in a small one, so the odds of any one pair fall with the collection's size.
FITTED_ON = 272

KIND_NAMES = {"duplicate": "重复提交", "related": "可并案", "precedent": "往年先例"}


@dataclass(frozen=True)
class CaseText:
    """What the pair score needs to know of one case.

    Attributes:
        key: case id in the ledger, or the id column of a file.
        words, title_words: counts of matter words, whole text and title alone.
        plain: cleaned text without punctuation, for finding the same text again.
        labels: for each target the probabilities of its labels; a decided one has 1.0.
    """

    key: str
    title: str
    words: Mapping[str, int]
    title_words: Mapping[str, int]
    plain: str
    received_on: date | None = None
    closed: bool = False
    labels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Similarities:
    """Cosines between two cases; sense = sentence vectors, centred on the mean text."""

    text: float
    title: float
    sense: float
    title_sense: float


@dataclass(frozen=True)
class Related:
    """A scored pair, seen from the newer case."""

    key: str
    kind: str
    score: float
    shared_terms: tuple[str, ...]

    @property
    def kind_name(self) -> str:
        return KIND_NAMES[self.kind]


def agreement(a: CaseText, b: CaseText, target: str) -> float | None:
    """How far the two cases' labels of ``target`` agree, 0 to 1; None where one has none."""
    left, right = a.labels.get(target), b.labels.get(target)
    if not left or not right:
        return None
    return sum(math.sqrt(p * right.get(label, 0.0)) for label, p in left.items())


def same_year(a: CaseText, b: CaseText) -> bool:
    """Whether both came in the same year; unknown dates count as the same."""
    if a.received_on is None or b.received_on is None:
        return True
    return a.received_on.year == b.received_on.year


def pair_score(
    a: CaseText, b: CaseText, near: Similarities, section_words: frozenset[str], cases: int
) -> float:
    """Probability that a person would join the pair.

    Args:
        section_words: words of the key terms of ``a``'s first section.
        cases: how many cases were searched.
    """
    section = agreement(a, b, "section")
    weights = WITHOUT_SECTION if section is None else WITH_SECTION
    logit = (
        weights["bias"]
        + weights["text"] * near.text
        + weights["title"] * near.title
        + weights["title_sense"] * near.title_sense
        + weights["sense"] * near.sense
        - math.log(max(1.0, cases / FITTED_ON))
    )
    if section is not None:
        logit += weights["section"] * section
    score = 1.0 / (1.0 + math.exp(-logit))
    if section is not None and same_year(a, b):
        shared = a.title_words.keys() & b.title_words.keys() & section_words
        if any(is_matter_noun(w) for w in shared):
            agreed = [agreement(a, b, target) for target in ("topic", "handling")]
            score = max(score, SAME_MATTER * min(section, *(1.0 if x is None else x for x in agreed)))
    return score


def containment(a: str, b: str) -> float:
    """Share of the shorter text's character shingles that stand in the longer one, 0 to 1.

    Texts of very different length are not the same text, whatever one contains.
    """
    left, right = _shingles(a), _shingles(b)
    small, large = sorted((left, right), key=len)
    if not small or len(small) < 0.6 * len(large):
        return 0.0
    return len(small & large) / len(small)


def _shingles(plain: str) -> set[str]:
    return {plain[i : i + SHINGLE] for i in range(max(1, len(plain) - SHINGLE + 1))} if plain else set()


def kind_of(newer: CaseText, older: CaseText, same_text: float) -> str:
    """duplicate, precedent (older is of an earlier year or closed) or related."""
    if same_text >= DUPLICATE_CONTAINMENT and same_year(newer, older) and not older.closed:
        return "duplicate"
    if older.closed or (
        not same_year(newer, older)
        and newer.received_on is not None
        and older.received_on is not None
        and older.received_on < newer.received_on
    ):
        return "precedent"
    return "related"
