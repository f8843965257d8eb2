"""What a system is: something that learns a split's training rows and answers for its test rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from training.benchmark.figures import Answer
from training.benchmark.splits import Split, folds
from training.benchmark.tools import Tools, peer_text
from triage.documents.rows import Row
from triage.prediction import Evidence, Prediction
from triage.routing import Thresholds, learn_thresholds
from triage.text import clean

Scores = NDArray[np.float64]
PEER_FOLDS = 3  # out-of-fold predictions of a peer, for its thresholds


class Fitted(Protocol):
    """A fitted system, for timing. It can be pickled, so that loading can be timed too."""

    def ask(self, rows: Sequence[Row]) -> None:
        """Answer for n rows; nothing is kept."""


class System(Protocol):
    """One line of the tables.

    Attributes:
        name: short, as it is chosen on the command line.
        says: what it is, in one line.
        described: whether it can use descriptions of labels, so that it can answer without examples.
        cheap: whether it can be fitted some hundred times.
        sources: files of ours whose text decides its results, from the checkout's root.
        packages: distributions whose versions do.
    """

    name: str
    says: str
    described: bool
    cheap: bool
    sources: tuple[str, ...]
    packages: tuple[str, ...]

    def missing(self) -> str:
        """What is not installed; empty where it can run."""

    def answer(self, split: Split, tools: Tools) -> Answer:
        """Learn ``split.train``, answer for ``split.test`` (not one by one: see ``answer_each_out``)."""

    def fitted(self, split: Split, tools: Tools) -> Fitted:
        """Only learn."""


def answer(system: System, split: Split, tools: Tools) -> Answer:
    """The system's answer for any split, leave-one-out included."""
    if not split.each_out:
        return system.answer(split, tools)
    predictions: list[Prediction] = []
    for i, row in enumerate(split.test):
        others = [*split.train[:i], *split.train[i + 1 :]]
        one = replace(split, train=others, test=[row], each_out=False)
        predictions += system.answer(one, tools).predictions
    return Answer(predictions, {})


class Peer(Protocol):
    """A classifier as others build it.

    ``fit`` learns n cleaned texts; ``labels`` are then the labels it saw, in order of its columns.
    """

    labels: list[str]

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None: ...

    def scores(self, texts: Sequence[str]) -> Scores:
        """Shape (n, labels), rows sum to 1."""


@dataclass
class PeerSystem:
    """Makes a system of a peer: routing is learned by our rule on its own out-of-fold predictions."""

    name: str
    says: str
    make: Callable[[Tools], Peer]
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    described: bool = False
    cheap: bool = False
    missing: Callable[[], str] = lambda: ""

    def answer(self, split: Split, tools: Tools) -> Answer:
        texts, labels = self._training(split)
        peer = self._fitted(tools, texts, labels, split.seed)
        scores = peer.scores([peer_text(row) for row in split.test])
        predictions = [_prediction(peer.labels, row) for row in scores]
        auto = {
            budget: [thresholds.decide(p.label, p.probability)[0] for p in predictions]
            for budget, thresholds in self._thresholds(split, tools).items()
        }
        return Answer(predictions, auto)

    def fitted(self, split: Split, tools: Tools) -> Fitted:
        return AskedPeer(self._fitted(tools, *self._training(split), split.seed))

    def _fitted(self, tools: Tools, texts: Sequence[str], labels: Sequence[str], seed: int) -> Peer:
        peer = self.make(tools)
        peer.fit(texts, labels, seed)
        return peer

    def _training(self, split: Split) -> tuple[list[str], list[str]]:
        texts = [peer_text(row) for row in split.train]
        labels = [row.get(split.target) for row in split.train]
        if self.described:
            for label in split.taxonomy.labels(split.target):
                texts.append(clean("。".join([label.name, label.description, *label.terms])))
                labels.append(label.name)
        return texts, labels

    def _thresholds(self, split: Split, tools: Tools) -> dict[float, Thresholds]:
        if not split.budgets:
            return {}
        texts, labels = self._training(split)
        cases = len(split.train)  # descriptions are learned from, but nothing is measured on them
        first, sure = [""] * cases, np.zeros(cases)
        for held_out in folds(labels[:cases], PEER_FOLDS, split.seed):
            chosen = set(held_out)
            rest = [i for i in range(len(texts)) if i not in chosen]
            peer = self._fitted(tools, [texts[i] for i in rest], [labels[i] for i in rest], split.seed)
            for i, row in zip(held_out, peer.scores([texts[i] for i in held_out]), strict=True):
                first[i], sure[i] = peer.labels[int(row.argmax())], float(row.max())
        right = np.array([a == b for a, b in zip(first, labels[:cases], strict=True)])
        return {budget: learn_thresholds(first, sure, right, budget) for budget in split.budgets}


class AskedPeer:
    """A fitted peer, for timing."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def ask(self, rows: Sequence[Row]) -> None:
        self._peer.scores([peer_text(row) for row in rows])


def _prediction(labels: Sequence[str], row: Scores) -> Prediction:
    order = np.argsort(-row, kind="stable")
    ranked = tuple((labels[k], float(row[k])) for k in order)
    return Prediction("", ranked, Evidence(), "", auto=False, reason="")
