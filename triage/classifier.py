"""The model for one target: ranked labels with honest probabilities, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from triage.duties import DutySimilarity, describes, description_text
from triage.encoder import unit_rows
from triage.mixing import PRIOR, learn_weights, mix
from triage.reading import Reader, Readings, Suggestion
from triage.routing import Thresholds, learn_thresholds
from triage.taxonomy import Label

Scores = NDArray[np.float64]

BLOCKS = ("lexical", "dense", "duties")
FORMAT = 1  # of the stored state; raised when an older file can no longer be read
DESCRIPTION_WEIGHT = 0.3  # of a label's description as a training text, beside 1 for a case
EVIDENCE_WORDS = 12
NEAREST_CASES = 3


@dataclass(frozen=True)
class Example:
    """One closed case with its gold label for one target."""

    case: str
    title: str
    body: str
    label: str


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
    """Why the first label is first.

    Attributes:
        words: from the linear model itself, strongest first.
        duty_terms: key terms of the first label that stand in the text.
        nearest: nearest earlier cases with what they were.
    """

    words: tuple[EvidenceWord, ...] = ()
    duty_terms: tuple[str, ...] = ()
    nearest: tuple[NearCase, ...] = ()

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


class TargetModel:
    """A fitted model for one target. ``state`` is a plain dict, fit for joblib."""

    def __init__(self, state: dict[str, Any], reader: Reader, version: str = "未登记") -> None:
        self.state = state
        self.reader = reader
        self.version = version
        self.target: str = state["target"]
        self.labels: list[str] = state["labels"]
        self.thresholds = Thresholds(**state["thresholds"])

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
    ) -> TargetModel:
        """Fit on closed cases and the labels' own descriptions; either may be missing.

        Args:
            labels: what may be predicted; labels of examples that are not among them are
                added when the list is empty, and their examples left out otherwise.
        """
        known = [label for label in labels if label.active]
        if not known:
            known = [Label(name) for name in sorted({e.label for e in examples})]
        names = [label.name for label in known]
        examples = [e for e in examples if e.label in set(names)]
        texts = reader.read([Suggestion(e.title, e.body) for e in examples])
        truth = np.array([names.index(e.label) for e in examples], dtype=int)
        fitter = _Fitter(known, reader, texts, truth, seed)
        final = fitter.final()
        blocks = fitter.out_of_fold()
        # a block that could not be tried out of fold keeps its prior weight
        weights = {name: PRIOR[name] for name in BLOCKS if name in final}
        weights |= learn_weights(blocks, truth, list(blocks))
        probabilities = mix(blocks, weights, len(truth), len(names))
        first = probabilities.argmax(axis=1)
        thresholds = learn_thresholds(
            [names[k] for k in first],
            probabilities.max(axis=1, initial=0.0),
            first == truth,
            error_budget,
            untrained=[name for k, name in enumerate(names) if k not in truth],
        )
        state = {
            "format": FORMAT,
            "target": target,
            "labels": names,
            "label_terms": [list(label.terms) for label in known],
            "encoder": reader.encoder.name,
            "terms": list(reader.segmenter.terms),
            "weights": weights,
            "thresholds": thresholds.to_dict(),
            "examples": [(e.case, e.title, e.label) for e in examples],
            **final,
        }
        return cls(state, reader)

    def predict(self, suggestions: Sequence[Suggestion]) -> list[Prediction]:
        """One prediction a suggestion, in order."""
        return self.predict_read(self.reader.read(suggestions))

    def predict_read(self, texts: Readings) -> list[Prediction]:
        """The same for texts that were read already (shared between the targets)."""
        features = _Features(self.state, texts)
        if not len(texts):
            return []
        probabilities = self._mixed(features, texts)
        return [self._prediction(i, probabilities[i], features, texts) for i in range(len(texts))]

    def probabilities(self, texts: Readings) -> Scores:
        """Shape (n, labels), columns in the order of ``labels``; no evidence, so faster."""
        return self._mixed(_Features(self.state, texts), texts)

    def _mixed(self, features: _Features, texts: Readings) -> Scores:
        blocks = _block_scores(self.state, features, texts)
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
                words=self._words(i, row, features),
                duty_terms=tuple(t for t in self.state["label_terms"][order[0]] if t.lower() in document),
                nearest=self._nearest(i, features),
            ),
            model_version=self.version,
            auto=auto,
            reason=reason,
        )

    def _words(self, i: int, row: Scores, features: _Features) -> tuple[EvidenceWord, ...]:
        """What each word adds to the first label's log-odds against the others.

        Exact for the linear block: a * x_j * (w_first,j - mean of the other labels' w_j, each
        weighed by its probability), a being the block's weight in the mix.
        """
        if "lexical" not in self.state:
            return ()
        coefficients = self.state["lexical"]["coef"]
        text = features.words[i]
        weight = self.state["weights"].get("lexical", 0.0)
        columns = coefficients[:, text.indices]
        first = int(row.argmax())
        others = row.copy()
        others[first] = 0.0
        others = others / others.sum() if others.sum() > 0 else np.zeros_like(others)
        gain = weight * text.data * (columns[first] - others @ columns)
        vocabulary = self.state["word_names"]
        best = np.argsort(-gain, kind="stable")[:EVIDENCE_WORDS]
        return tuple(
            EvidenceWord(str(vocabulary[text.indices[j]]), round(float(gain[j]), 4))
            for j in best
            if gain[j] > 1e-3
        )

    def _nearest(self, i: int, features: _Features) -> tuple[NearCase, ...]:
        if not self.state["examples"]:
            return ()
        lexical = (self.state["example_lexical"] @ features.lexical[i].T).toarray()
        similarity = lexical.ravel() / 2  # words and characters: two unit vectors side by side
        if features.dense.shape[1]:
            similarity = 0.5 * similarity + 0.5 * (self.state["example_dense"] @ features.dense[i])
        best = np.argsort(-similarity, kind="stable")[:NEAREST_CASES]
        found = []
        for j in best:
            case, title, label = self.state["examples"][j]
            found.append(NearCase(case, title, label, round(float(similarity[j]), 4)))
        return tuple(found)


class _Features:
    """Feature blocks of some texts under a fitted state."""

    def __init__(self, state: dict[str, Any], texts: Readings) -> None:
        self.words = _transform(state["word_vectorizer"], texts.words)
        characters = _transform(state["char_vectorizer"], texts.weighed)
        self.lexical = sp.hstack([self.words, characters]).tocsr()
        self.dense = unit_rows(texts.vectors - state["text_mean"])


def _transform(vectorizer: TfidfVectorizer, texts: Sequence[str]) -> sp.csr_matrix:
    if not texts:  # scikit-learn refuses to transform nothing
        return sp.csr_matrix((0, len(vectorizer.vocabulary_)), dtype=np.float32)
    return vectorizer.transform(texts).tocsr()


def _block_scores(state: dict[str, Any], features: _Features, texts: Readings) -> dict[str, Scores]:
    scores: dict[str, Scores] = {}
    for name, matrix in (("lexical", features.lexical), ("dense", features.dense)):
        if name in state:
            scores[name] = np.asarray(matrix @ state[name]["coef"].T + state[name]["intercept"])
    if "duties" in state:
        scores["duties"] = DutySimilarity(state["duties"]).scores(texts)
    return scores


def _never_empty(texts: list[str]) -> list[str]:
    """The texts, or a stand-in where none has a word: scikit-learn refuses an empty vocabulary."""
    return texts if any(text.strip() for text in texts) else ["无"]


class _Fitter:
    """Builds the blocks from examples (n texts) and descriptions (one text a label)."""

    def __init__(
        self,
        labels: Sequence[Label],
        reader: Reader,
        texts: Readings,
        truth: NDArray[np.int_],
        seed: int,
    ) -> None:
        self.labels = labels
        self.texts = texts
        self.truth = truth
        self.seed = seed
        described = [k for k, label in enumerate(labels) if description_text(label)]
        self.described = np.array(described, dtype=int)
        descriptions = reader.read_texts([description_text(labels[k]) for k in described])
        n = len(texts)
        self.state: dict[str, Any] = {
            "word_vectorizer": TfidfVectorizer(
                token_pattern=r"(?u)\S+", lowercase=False, sublinear_tf=True, dtype=np.float32
            ),
            "char_vectorizer": TfidfVectorizer(
                analyzer="char",
                ngram_range=(1, 2),
                lowercase=False,
                sublinear_tf=True,
                min_df=2 if n >= 400 else 1,
                dtype=np.float32,
            ),
        }
        self.state["word_vectorizer"].fit(_never_empty([*texts.words, *descriptions.words]))
        self.state["char_vectorizer"].fit(_never_empty([*texts.weighed, *descriptions.weighed]))
        self.state["word_names"] = self.state["word_vectorizer"].get_feature_names_out()
        prior = 20.0 if len(described) else 0.0
        total = texts.vectors.sum(axis=0)
        if prior:
            total = total + prior * descriptions.vectors.mean(axis=0)
        self.state["text_mean"] = total / max(1.0, n + prior)
        self.own = _Features(self.state, texts)
        self.described_features = _Features(self.state, descriptions)
        if describes(labels):
            self.duties: DutySimilarity | None = DutySimilarity.fit(labels, reader, texts)
        else:
            self.duties = None

    def out_of_fold(self) -> dict[str, Scores]:
        """Scores of shape (n, labels) for each text by blocks that had not seen it."""
        n, k = len(self.truth), len(self.labels)
        blocks: dict[str, Scores] = {}
        folds = self._folds()
        for name in ("lexical", "dense"):
            out = np.zeros((n, k))
            fitted = False
            for held_out in folds:
                rows = np.setdiff1d(np.arange(n), held_out)
                linear = self._linear(name, rows)
                if linear is not None:
                    fitted = True
                    matrix = self._matrix(name)[0][held_out]
                    out[held_out] = matrix @ linear["coef"].T + linear["intercept"]
            if fitted:
                blocks[name] = out
        if self.duties is not None:
            blocks["duties"] = self.duties.scores(self.texts)
        return blocks

    def final(self) -> dict[str, Any]:
        """The state after fitting on every text."""
        state = dict(self.state)
        for name in ("lexical", "dense"):
            linear = self._linear(name, np.arange(len(self.truth)))
            if linear is not None:
                state[name] = linear
        if self.duties is not None:
            state["duties"] = self.duties.state
        state["example_lexical"] = self.own.lexical
        state["example_dense"] = self.own.dense.astype(np.float32)
        return state

    def _folds(self) -> list[NDArray[np.int_]]:
        """Each label spread evenly: few-example labels are in as many folds as they can be."""
        n = len(self.truth)
        if n < 2:
            return []
        count = min(n, 10 if n < 500 else 5)
        shuffled = np.random.default_rng(self.seed).permutation(n)
        order = shuffled[np.argsort(self.truth[shuffled], kind="stable")]
        return [np.sort(order[start::count]) for start in range(count)]

    def _matrix(self, name: str) -> tuple[Any, Any]:
        return getattr(self.own, name), getattr(self.described_features, name)

    def _linear(self, name: str, rows: NDArray[np.int_]) -> dict[str, NDArray[np.float32]] | None:
        own, described = self._matrix(name)
        if not own.shape[1]:
            return None
        truth = np.concatenate([self.truth[rows], self.described])
        present = np.unique(truth)
        if len(present) < 2:
            return None
        weight = np.concatenate([np.ones(len(rows)), np.full(len(self.described), DESCRIPTION_WEIGHT)])
        if sp.issparse(own):
            matrix: Any = sp.vstack([own[rows], described]).tocsr()
        else:
            matrix = np.vstack([own[rows], described])
        svm = LinearSVC(C=1.0, class_weight="balanced", random_state=self.seed).fit(
            matrix, truth, sample_weight=weight
        )
        coef, intercept = svm.coef_, svm.intercept_
        if len(present) == 2:  # scikit-learn keeps one row for two labels
            coef, intercept = np.vstack([-coef, coef]), np.concatenate([-intercept, intercept])
        all_coef = np.zeros((len(self.labels), coef.shape[1]), dtype=np.float32)
        # a label never seen here scores as a clear "no"
        all_intercept = np.full(len(self.labels), -1.0, dtype=np.float32)
        all_coef[present], all_intercept[present] = coef, intercept
        return {"coef": all_coef, "intercept": all_intercept}
