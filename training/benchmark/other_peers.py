"""Peers that need a package of their own: XGBoost, fastText. See requirements-benchmark.in."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from training.benchmark.linear_peers import WORD, on_these, unit_sums
from training.benchmark.splits import folds
from training.benchmark.systems import Scores
from training.benchmark.tools import Tools


def lacks(module: str) -> str:
    """The name of ``module`` if it is not installed, else empty."""
    return "" if find_spec(module) else module


class BugbugPeer:
    """What bugbug trains for components: TF-IDF words (min_df 0.0001), XGBoost with its defaults, isotonic
    calibration on a fifth of the texts; without calibration where a label has fewer than 5 examples."""

    def __init__(self, tools: Tools) -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._words = TfidfVectorizer(token_pattern=WORD, lowercase=False, min_df=0.0001)
        self._model: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        from xgboost import XGBClassifier

        self.labels = sorted(set(labels))
        truth = np.array([self.labels.index(label) for label in labels])
        features = self._words.fit_transform([self._tools.words(t) for t in texts])
        model = XGBClassifier(n_jobs=1, random_state=seed)
        if min(Counter(labels).values()) < 5:
            self._model = model.fit(features, truth)
            return
        learn, check = train_test_split(
            np.arange(len(truth)), test_size=0.2, random_state=seed, stratify=truth
        )
        model.fit(features[learn], truth[learn])
        self._model = on_these(model, len(check), "isotonic")
        self._model.fit(features[check], truth[check])

    def scores(self, texts: Sequence[str]) -> Scores:
        words = [self._tools.words(t) for t in texts]
        return unit_sums(self._model.predict_proba(self._words.transform(words)))


# learning rate, word n-grams
GRID = tuple(product((0.2, 0.5, 1.0), (1, 2)))
# With thousands of texts more than 25 epochs gain nothing, but with 100 texts 25 are far too few.
LEAST_EPOCHS = 25
TEXTS_SEEN = 30_000


class FastTextPeer:
    """fastText on words; learning rate and n-grams chosen on a fifth of the training texts."""

    def __init__(self, tools: Tools) -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._model: Any = None

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        self.labels = sorted(set(labels))
        truth = [self.labels.index(label) for label in labels]
        words = [self._tools.words(t) for t in texts]
        check = folds(labels, 5, seed)[0]
        chosen = set(check)
        learn = [i for i in range(len(texts)) if i not in chosen]
        right = []
        for settings in GRID:
            model = _train([words[i] for i in learn], [truth[i] for i in learn], settings, seed)
            said = _probabilities(model, [words[i] for i in check], len(self.labels)).argmax(axis=1)
            right.append(int((said == np.array([truth[i] for i in check])).sum()))
        self._model = _train(words, truth, GRID[int(np.argmax(right))], seed)

    def scores(self, texts: Sequence[str]) -> Scores:
        return unit_sums(_probabilities(self._model, [self._tools.words(t) for t in texts], len(self.labels)))

    def __getstate__(self) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            self._model.save_model(f"{folder}/model")
            return self.__dict__ | {"_model": Path(folder, "model").read_bytes()}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        import fasttext

        self.__dict__.update(stored)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "model").write_bytes(stored["_model"])
            self._model = fasttext.load_model(f"{folder}/model")


def _train(words: Sequence[str], truth: Sequence[int], settings: tuple[float, int], seed: int) -> Any:
    import fasttext

    rate, grams = settings
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"__label__{k} {text}\n" for k, text in zip(truth, words, strict=True)]
        Path(folder, "texts").write_text("".join(lines), encoding="utf-8")
        # one thread: with more the result is another every time
        return fasttext.train_supervised(
            f"{folder}/texts",
            lr=rate,
            epoch=max(LEAST_EPOCHS, TEXTS_SEEN // len(words)),
            wordNgrams=grams,
            bucket=200_000,
            thread=1,
            seed=seed,
            verbose=0,
        )


def _probabilities(model: Any, words: Sequence[str], labels: int) -> Scores:
    out = np.zeros((len(words), labels))
    for i, text in enumerate(words):
        names, probabilities = model.predict(text, k=-1)
        for name, probability in zip(names, probabilities, strict=True):
            out[i, int(name.removeprefix("__label__"))] = probability
    return out
