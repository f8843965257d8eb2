"""Peers on counted words, built from scikit-learn alone."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from training.benchmark.systems import Scores
from training.benchmark.tools import Tools

WORD = r"(?u)\S+"  # the words are separated already


class SvcPeer:
    """TF-IDF and a linear support vector machine with Platt's calibration.

    Args:
        characters: also character 1- and 2-grams.
        encoder: also sentence vectors by this encoder.
    """

    def __init__(self, tools: Tools, *, characters: bool = False, encoder: str = "") -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._words = TfidfVectorizer(token_pattern=WORD, lowercase=False, sublinear_tf=True)
        self._characters = (
            TfidfVectorizer(analyzer="char", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
            if characters
            else None
        )
        self._encoder = encoder
        self._model: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        self._words.fit([self._tools.words(t) for t in texts])
        if self._characters is not None:
            self._characters.fit(texts)
        self._model = calibrated_svc(self._features(texts), labels, seed)
        self.labels = self._model.classes_.tolist()

    def scores(self, texts: Sequence[str]) -> Scores:
        return unit_sums(self._model.predict_proba(self._features(texts)))

    def _features(self, texts: Sequence[str]) -> Any:
        parts = [self._words.transform([self._tools.words(t) for t in texts])]
        if self._characters is not None:
            parts.append(self._characters.transform(texts))
        if self._encoder:
            parts.append(sp.csr_matrix(self._tools.vectors(texts, self._encoder)))
        return sp.hstack(parts).tocsr()


def calibrated_svc(features: Any, labels: Sequence[str], seed: int) -> Any:
    """A LinearSVC with sigmoid calibration in as many folds, up to 5, as the rarest label has examples.

    Where a label has one example, no text of it can be held out, and the sigmoids are learned on the
    training texts themselves.
    """
    svc = LinearSVC(random_state=seed)
    least = min(Counter(labels).values())
    if least < 2:
        found = on_these(svc.fit(features, labels), len(labels), "sigmoid")
    else:
        cv = StratifiedKFold(min(5, least), shuffle=True, random_state=seed)
        found = CalibratedClassifierCV(svc, cv=cv)
    return found.fit(features, labels)


def on_these(fitted: Any, n: int, method: str) -> CalibratedClassifierCV:
    """A calibration of a fitted model, to be learned on exactly the n texts that it is given next."""
    everything = np.arange(n)
    return CalibratedClassifierCV(FrozenEstimator(fitted), method=method, cv=[(everything, everything)])


class SignalenPeer:
    """What Signalen trains: term frequencies, logistic regression (L1, liblinear), a grid in 5 folds.

    As in its code but for what is Dutch (stemming, stop words) and for its two limits of iterations,
    which give one and the same model.
    """

    def __init__(self, tools: Tools) -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._model: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        pipeline = Pipeline(
            [
                ("vectors", TfidfVectorizer(token_pattern=WORD, lowercase=False, use_idf=False)),
                ("model", OneVsRestClassifier(_l1(seed))),
            ]
        )
        grid = {
            "vectors__ngram_range": [(1, 1), (1, 2)],
            "model__estimator__class_weight": [None, "balanced"],
        }
        words = [self._tools.words(t) for t in texts]
        folds = min(5, max(Counter(labels).values()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of labels with fewer examples than folds
            if folds < 2:
                self._model = pipeline.fit(words, labels)
            else:
                cv = StratifiedKFold(folds, shuffle=True, random_state=seed)
                self._model = GridSearchCV(pipeline, grid, cv=cv).fit(words, labels)
        self.labels = self._model.classes_.tolist()

    def scores(self, texts: Sequence[str]) -> Scores:
        return unit_sums(self._model.predict_proba([self._tools.words(t) for t in texts]))


def _l1(seed: int) -> LogisticRegression:
    return LogisticRegression(l1_ratio=1.0, solver="liblinear", max_iter=500, random_state=seed)


class PaperlessPeer:
    """What paperless-ngx trains: counts of words and word pairs in 1 % of the texts, a small network."""

    def __init__(self, tools: Tools) -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._counter = CountVectorizer(token_pattern=WORD, lowercase=False, ngram_range=(1, 2), min_df=0.01)
        self._model: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        counts = self._counter.fit_transform([self._tools.words(t) for t in texts])
        self._model = MLPClassifier(tol=0.01, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self._model.fit(counts, labels)
        self.labels = self._model.classes_.tolist()

    def scores(self, texts: Sequence[str]) -> Scores:
        words = [self._tools.words(t) for t in texts]
        return unit_sums(self._model.predict_proba(self._counter.transform(words)))


def unit_sums(scores: Any) -> Scores:
    """Rows scaled to sum 1; even where a row says nothing."""
    scores = np.asarray(scores, dtype=float)
    total = scores.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, scores / np.where(total > 0, total, 1), 1 / scores.shape[1]))
