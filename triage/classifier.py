"""The model for one target: ranked labels with honest probabilities, and the evidence."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.dense import DenseModel, centred
from triage.duties import PRIOR_TEXTS, DutySimilarity, describes, description_text
from triage.flags import FlagModel
from triage.label_sets import PROMISE, learn_floor, likely_labels
from triage.lexical import LexicalModel, Vocabulary, word_gains
from triage.mixing import PRIOR, learn_weights, mix
from triage.prediction import Evidence, EvidenceWord, NearCase, Prediction
from triage.reading import Reader, Readings, Suggestion
from triage.routing import Thresholds, learn_thresholds
from triage.taxonomy import Label

Scores = NDArray[np.float64]

FORMAT = 2  # of the stored state; raised when an older file can no longer be read
DESCRIPTION_WEIGHT = 1.0  # of a label's description as a training text, beside 1 for a case
EVIDENCE_WORDS = 12
NEAREST_CASES = 3
NEAREST_BY_VECTOR = 60  # cases whose words are compared too, where there are vectors


@dataclass(frozen=True)
class Example:
    """One closed case with its gold label for one target.

    Attributes:
        weight: how much it counts where labels are learned.
        stands_for: how many cases it counts for where it is asked how often the model is right;
            0 for a label that a model gave itself.
    """

    case: str
    title: str
    body: str
    label: str
    weight: float = 1.0
    stands_for: float = 1.0


class TargetModel:
    """A fitted model for one target. ``state`` is a plain dict, fit for joblib."""

    def __init__(self, state: dict[str, Any], reader: Reader, version: str = "未登记") -> None:
        self.state = state
        self.reader = reader
        self.version = version
        self.target: str = state["target"]
        self.labels: list[str] = state["labels"]
        self.thresholds = Thresholds(**state["thresholds"])
        self._vocabulary = Vocabulary(state["word_counter"], state["character_counter"])
        self._lexical = LexicalModel(state["lexical"]) if "lexical" in state else None
        self._dense = DenseModel(state["dense"]) if "dense" in state else None
        self._duties = DutySimilarity(state["duties"]) if "duties" in state else None
        # of each example by a model that had not seen it, shape (n, labels); only where just fitted
        self.out_of_fold: Scores | None = None

    @classmethod
    def fit(
        cls,
        target: str,
        labels: Sequence[Label],
        examples: Sequence[Example],
        reader: Reader,
        *,
        error_budget: float = 0.05,
        seed: int = 0,
        blocks: Collection[str] = tuple(PRIOR),
        flags: bool = False,
    ) -> TargetModel:
        """Fit on closed cases and the labels' own descriptions; either may be missing.

        Args:
            labels: what may be predicted; labels of examples that are not among them are
                added when the list is empty, and their examples left out otherwise.
            blocks: what is mixed; fewer only to measure what each is worth.
            flags: whether to learn the flags as well, from these labels' duties and examples:
                for the model of the sections, and only where it is to serve.
        """
        known = [label for label in labels if label.active]
        if not known:
            known = [Label(name) for name in sorted({e.label for e in examples})]
        names = [label.name for label in known]
        examples = [e for e in examples if e.label in set(names)]
        texts = reader.read([Suggestion(e.title, e.body) for e in examples])
        truth = np.array([names.index(e.label) for e in examples], dtype=int)
        weight = np.array([e.weight for e in examples], dtype=np.float64)
        stands_for = np.array([e.stands_for for e in examples], dtype=np.float64)
        fitter = _Fitter(known, reader, texts, truth, weight, seed)
        # a block that could not be tried on unseen texts keeps its prior weight
        weights = {name: PRIOR[name] if name in blocks else 0.0 for name in fitter.blocks}
        tried = [name for name in fitter.unseen if name in blocks]
        weights |= learn_weights(fitter.unseen, truth, tried, stands_for)
        probabilities = mix(fitter.unseen, weights, len(truth), len(names))
        first = probabilities.argmax(axis=1)
        unseen = {
            "labels": [names[k] for k in first],
            "probabilities": probabilities.max(axis=1, initial=0.0),
            "right": first == truth,
            "untrained": [name for k, name in enumerate(names) if k not in truth],
            "stands_for": stands_for,
        }
        state = {
            "format": FORMAT,
            "target": target,
            "labels": names,
            "label_terms": [list(label.terms) for label in known],
            "encoder": reader.encoder.name,
            "terms": list(reader.segmenter.terms),
            "weights": weights,
            "unseen": unseen,
            "thresholds": learn_thresholds(**unseen, budget=error_budget).to_dict(),
            "set_floor": learn_floor(probabilities, truth, PROMISE, stands_for),
            "examples": [(e.case, e.title, e.label) for e in examples],
            **fitter.state,
        }
        if flags:
            state["flags"] = FlagModel.fit(known, texts, truth, reader.segmenter).state
        model = cls(state, reader)
        model.out_of_fold = probabilities
        return model

    def thresholds_for(self, error_budget: float) -> Thresholds:
        """What the model would decide by itself at another error budget; nothing is fitted again."""
        return learn_thresholds(**self.state["unseen"], budget=error_budget)

    def predict(self, suggestions: Sequence[Suggestion]) -> list[Prediction]:
        """One prediction a suggestion, in order."""
        return self.predict_read(self.reader.read(suggestions))

    def predict_read(self, texts: Readings) -> list[Prediction]:
        """The same for texts that were read already (shared between the targets)."""
        if not len(texts):
            return []
        features = _Features(self.state, self._vocabulary, texts)
        probabilities = self._mixed(features, texts)
        return [self._prediction(i, probabilities[i], features, texts) for i in range(len(texts))]

    def _mixed(self, features: _Features, texts: Readings) -> Scores:
        blocks: dict[str, Scores] = {}
        if self._lexical is not None:
            blocks["lexical"] = self._lexical.scores(features.lexical)
        if self._dense is not None:
            blocks["dense"] = self._dense.scores(features.dense)
        if self._duties is not None:
            blocks |= self._duties.scores(texts)
        return mix(blocks, self.state["weights"], len(texts), len(self.labels))

    def _prediction(self, i: int, row: Scores, features: _Features, texts: Readings) -> Prediction:
        order = np.argsort(-row, kind="stable")
        ranked = tuple((self.labels[k], float(row[k])) for k in order)
        auto, reason = self.thresholds.decide(*ranked[0])
        document = texts.documents[i]
        return Prediction(
            target=self.target,
            ranked=ranked,
            evidence=Evidence(
                words=self._words(row, features.lexical[i], texts.one(i)),
                duty_terms=tuple(t for t in self.state["label_terms"][order[0]] if t.lower() in document),
                nearest=self._nearest(i, features),
                likely=likely_labels(ranked, self.state["set_floor"]),
            ),
            model_version=self.version,
            auto=auto,
            reason=reason,
        )

    def _words(self, row: Scores, matrix: sp.csr_matrix, text: Readings) -> tuple[EvidenceWord, ...]:
        """What each word adds to the first label's log-odds against the others.

        Exact for the lexical block: its gains for the first label, less those for the other
        labels each weighed by its probability, times the block's weight in the mix.
        """
        if self._lexical is None:
            return ()
        gains = self._lexical.gains(matrix)
        first = int(row.argmax())
        others = row.copy()
        others[first] = 0.0
        others = others / others.sum() if others.sum() > 0 else np.zeros_like(others)
        own = self.state["weights"]["lexical"] * (gains[first] - others @ gains)
        found = word_gains(own, matrix.indices, text, self._vocabulary)[:EVIDENCE_WORDS]
        return tuple(EvidenceWord(word, round(gain, 4)) for word, gain in found if gain > 1e-3)

    def _nearest(self, i: int, features: _Features) -> tuple[NearCase, ...]:
        if not self.state["examples"]:
            return ()
        # words and characters: two unit vectors side by side
        if features.dense.shape[1]:
            near = self.state["example_dense"] @ features.dense[i]
            known = np.argsort(-near, kind="stable")[:NEAREST_BY_VECTOR]
            similarity = 0.5 * near[known]
            share = 0.25
        else:
            known = np.arange(len(self.state["examples"]))
            similarity = np.zeros(len(known))
            share = 0.5
        row = features.lexical[i].toarray().ravel()
        similarity = similarity + share * (self.state["example_lexical"][known] @ row)
        best = np.argsort(-similarity, kind="stable")[:NEAREST_CASES]
        found = []
        for j in best:
            case, title, label = self.state["examples"][known[j]]
            found.append(NearCase(case, title, label, round(float(similarity[j]), 4)))
        return tuple(found)


class _Features:
    """What the blocks see of some texts under a fitted state."""

    def __init__(self, state: dict[str, Any], vocabulary: Vocabulary, texts: Readings) -> None:
        self.lexical = vocabulary.weigh(vocabulary.count(texts), state["rarity"])
        self.dense = centred(texts.vectors, state["text_mean"])


class _Fitter:
    """Fits the blocks on examples (n texts) and descriptions (one text a label).

    Attributes:
        state: of the blocks fitted on everything.
        unseen: scores of shape (n, labels) of each text by blocks that had not seen it.
        blocks: names of the blocks in ``state``.
    """

    def __init__(
        self,
        labels: Sequence[Label],
        reader: Reader,
        texts: Readings,
        truth: NDArray[np.int_],
        weight: NDArray[np.float64],
        seed: int,
    ) -> None:
        n, described = len(texts), [k for k, label in enumerate(labels) if description_text(label)]
        descriptions = reader.read_texts([description_text(labels[k]) for k in described])
        self.labels, self.seed, self.n = len(labels), seed, n
        self.truth = np.concatenate([truth, np.array(described, dtype=int)])
        self.weight = np.concatenate([weight, np.full(len(described), DESCRIPTION_WEIGHT)])
        self.vocabulary, self.counts = Vocabulary.fit(
            [*texts.words, *descriptions.words], [*texts.weighed, *descriptions.weighed]
        )
        own = self.counts[:n]
        rarity = self.vocabulary.rarity(self.counts)
        prior = PRIOR_TEXTS if described else 0
        total = texts.vectors.sum(axis=0)
        if prior:
            total = total + prior * descriptions.vectors.mean(axis=0)
        mean = total / max(1, n + prior)
        dense = centred(texts.vectors, mean)
        self.state: dict[str, Any] = {
            "word_counter": self.vocabulary.words,
            "character_counter": self.vocabulary.characters,
            "rarity": rarity,
            "text_mean": mean,
            "example_lexical": self.vocabulary.weigh(own, rarity),
            "example_dense": dense,
        }
        self.unseen: dict[str, Scores] = {}
        self.blocks: list[str] = []
        self._fit_lexical()
        if described:
            # descriptions are shorter and drier than cases: centred on their own mean
            dense = np.vstack([dense, centred(descriptions.vectors, descriptions.vectors.mean(axis=0))])
        fitted = DenseModel.fit(dense, self.truth, self.weight, self.labels, seed)
        if fitted is not None:
            self.state["dense"] = fitted[0].state
            self.unseen["dense"] = fitted[1][:n]
            self.blocks.append("dense")
        if describes(labels):
            duties, scores = DutySimilarity.fit(labels, descriptions, texts, reader.encoder)
            self.state["duties"] = duties.state
            self.unseen |= scores
            self.blocks += list(scores)

    def _fit_lexical(self) -> None:
        everything = np.arange(len(self.truth))
        final = self._lexical(everything, self.state["rarity"])
        if final is None:
            return
        self.state["lexical"] = final.state
        self.blocks.append("lexical")
        out = np.zeros((self.n, self.labels))
        for held_out in self._folds():
            rows = np.setdiff1d(everything, held_out)
            rarity = self.vocabulary.rarity(self.counts[rows])
            model = self._lexical(rows, rarity)
            if model is None:
                return
            out[held_out] = model.scores(self.vocabulary.weigh(self.counts[held_out], rarity))
        self.unseen["lexical"] = out

    def _lexical(self, rows: NDArray[np.int_], rarity: NDArray[np.float32]) -> LexicalModel | None:
        matrix = self.vocabulary.weigh(self.counts[rows], rarity)
        return LexicalModel.fit(matrix, self.truth[rows], self.weight[rows], self.labels, self.seed)

    def _folds(self) -> list[NDArray[np.int_]]:
        """Each label spread evenly: few-example labels are in as many folds as they can be."""
        n = self.n
        if n < 2:
            return []
        count = min(n, 10 if n < 500 else 5)
        shuffled = np.random.default_rng(self.seed).permutation(n)
        order = shuffled[np.argsort(self.truth[:n][shuffled], kind="stable")]
        return [np.sort(order[start::count]) for start in range(count)]
