"""Search over cases: candidates by words and by meaning, then the pair score."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.encoder import Encoder, Vectors, unit_rows
from triage.reading import Suggestion
from triage.related import (
    DUPLICATE_CONTAINMENT,
    CaseText,
    Related,
    Similarities,
    containment,
    kind_of,
    pair_score,
)
from triage.taxonomy import Taxonomy
from triage.text import Segmenter, clean, document, strip_frame
from triage.words import is_known, is_place, matter_words, rarity

CANDIDATES = 40
EVIDENCE_TERMS = 6
PRIOR_TEXTS = 20
_NOT_WORD = re.compile(r"[\W_]+")


def title_core(title: str) -> str:
    """The matter of a title, cleaned."""
    return strip_frame(clean(title)) if title.strip() else ""


def make_case_text(
    key: str,
    suggestion: Suggestion,
    segmenter: Segmenter,
    *,
    received_on: date | None = None,
    closed: bool = False,
    labels: Mapping[str, Mapping[str, float]] | None = None,
) -> CaseText:
    """What the index keeps of one suggestion; the title's words count three times."""
    core = title_core(suggestion.title)
    title_words = matter_words(core, segmenter)
    words = matter_words(clean(suggestion.body), segmenter)
    for word, count in title_words.items():
        words[word] += 2 * count
    return CaseText(
        key=key,
        title=suggestion.title,
        words=dict(words),
        title_words=dict(title_words),
        plain=_NOT_WORD.sub("", clean(suggestion.body) or core),
        received_on=received_on,
        closed=closed,
        labels=labels or {},
    )


class CaseIndex:
    """Cases in memory, added to as they come; never forgets one.

    Not thread-safe: the caller holds a lock. Word weights follow the growing collection.
    """

    def __init__(self, segmenter: Segmenter, encoder: Encoder, taxonomy: Taxonomy) -> None:
        self.segmenter = segmenter
        self.encoder = encoder
        self.cases: list[CaseText] = []
        self._position: dict[str, int] = {}
        self._vocabulary: dict[str, int] = {}
        self._frequency: Counter[str] = Counter()
        self._built = 0  # cases inside the matrices; the rest waits
        self._text = _Rows()
        self._titles = _Rows()
        size = encoder.dimensions
        self._vectors = np.zeros((0, size), dtype=np.float32)
        self._title_vectors = np.zeros((0, size), dtype=np.float32)
        self._mean = np.zeros(size, dtype=np.float32)
        self._centred, self._centred_titles = self._vectors, self._title_vectors
        self._new_vectors: list[tuple[Vectors, Vectors]] = []
        described = [
            "。".join([x.name, *x.terms]) for target in ("section", "topic") for x in taxonomy.labels(target)
        ]
        prior = encoder.encode([clean(d) for d in described])
        self._prior = prior.mean(axis=0) if len(prior) else np.zeros(size, dtype=np.float32)
        self.section_words = {
            label.name: frozenset(
                word for term in label.terms for word in matter_words(clean(term), segmenter)
            )
            for label in taxonomy.section
        }

    def __len__(self) -> int:
        return len(self.cases)

    def __contains__(self, key: str) -> bool:
        return key in self._position

    def encode(self, suggestions: Sequence[Suggestion]) -> tuple[Vectors, Vectors]:
        """Vectors of n whole texts and of n titles, each of shape (n, dimensions)."""
        documents = self.encoder.encode([document(s.title, s.body) for s in suggestions])
        return documents, self.encode_titles(suggestions)

    def encode_titles(self, suggestions: Sequence[Suggestion]) -> Vectors:
        """Vectors of n titles without their frames, shape (n, dimensions)."""
        return self.encoder.encode([title_core(s.title) for s in suggestions])

    def add(self, case: CaseText, vector: Vectors, title_vector: Vectors) -> None:
        """Take one case in; its vectors have shape (dimensions,)."""
        self._position[case.key] = len(self.cases)
        self.cases.append(case)
        self._frequency.update(case.words.keys())
        self._new_vectors.append((vector, title_vector))

    def update(self, key: str, *, closed: bool, labels: Mapping[str, Mapping[str, float]]) -> None:
        """What was decided of a case since it came."""
        at = self._position[key]
        old = self.cases[at]
        self.cases[at] = CaseText(
            key=old.key,
            title=old.title,
            words=old.words,
            title_words=old.title_words,
            plain=old.plain,
            received_on=old.received_on,
            closed=closed,
            labels=labels,
        )

    def search(self, case: CaseText, vector: Vectors, title_vector: Vectors, top: int = 10) -> list[Related]:
        """The best ``top`` pairs of ``case`` with the cases inside, best first."""
        self._build()
        if not self.cases:
            return []
        query = self._text.query(self._weighted(case.words))
        title_query = self._titles.query(self._weighted(case.title_words))
        sense = self._sense(self._centred, vector)
        candidates: set[int] = set()
        for scores in (query, title_query, sense):
            best = min(CANDIDATES, len(scores))
            candidates.update(np.argpartition(-scores, best - 1)[:best].tolist())
        own = self._position.get(case.key)
        chosen = np.array(sorted(candidates - {own}), dtype=int)
        if not len(chosen):
            return []
        title_sense = self._sense(self._centred_titles[chosen], title_vector)
        found: list[tuple[float, str, int]] = []
        for at, of_titles in zip(chosen.tolist(), title_sense.tolist(), strict=True):
            near = Similarities(
                text=float(query[at]),
                title=float(title_query[at]),
                sense=float(sense[at]),
                title_sense=of_titles,
            )
            score, kind = self._judge(case, self.cases[at], near)
            found.append((score, kind, at))
        found.sort(key=lambda f: (-f[0], self.cases[f[2]].key))
        return [
            Related(self.cases[at].key, kind, round(score, 4), self._shared_terms(case, self.cases[at]))
            for score, kind, at in found[:top]
        ]

    def similarities(self, case: CaseText, vector: Vectors, title_vector: Vectors) -> list[Similarities]:
        """How near every case inside is to ``case``, in the order they were added."""
        self._build()
        text = self._text.query(self._weighted(case.words))
        title = self._titles.query(self._weighted(case.title_words))
        sense = self._sense(self._centred, vector)
        title_sense = self._sense(self._centred_titles, title_vector)
        return [Similarities(*map(float, four)) for four in zip(text, title, sense, title_sense, strict=True)]

    def _judge(self, case: CaseText, other: CaseText, near: Similarities) -> tuple[float, str]:
        """Score and kind of a pair."""
        section = case.labels.get("section", {})
        words = (
            self.section_words.get(max(section, key=section.__getitem__), frozenset())
            if section
            else frozenset()
        )
        score = pair_score(case, other, near, words, len(self.cases))
        same_text = containment(case.plain, other.plain) if near.text > 0.4 else 0.0
        if same_text >= DUPLICATE_CONTAINMENT:
            score = max(score, same_text)
        return score, kind_of(case, other, same_text)

    def _shared_terms(self, case: CaseText, other: CaseText) -> tuple[str, ...]:
        """The shared words that say most, those of both titles first."""
        weighed = {
            word: self._weight(word) * (1 + (word in case.title_words) + (word in other.title_words))
            for word in case.words.keys() & other.words.keys()
            if not is_place(word) and (is_known(word) or word in self.segmenter.terms)
        }
        kept: list[str] = []
        for word in sorted(weighed, key=lambda w: (-weighed[w], w)):
            # 停车场 says what its parts 停车 and 车场 would say again
            if weighed[word] > 1.0 and not any(word in k for k in kept):
                kept = [k for k in kept if k not in word] + [word]
        return tuple(kept[:EVIDENCE_TERMS])

    def _sense(self, centred: Vectors, vector: Vectors) -> NDArray[np.float64]:
        if not centred.shape[1]:
            return np.zeros(len(centred))
        return np.asarray(centred @ unit_rows((vector - self._mean)[None, :])[0], dtype=float)

    def _weight(self, word: str) -> float:
        return rarity(word, self._frequency[word], len(self.cases))

    def _weighted(self, words: Mapping[str, int]) -> dict[int, float]:
        return {
            self._vocabulary[w]: (1.0 + np.log(c)) * self._weight(w)
            for w, c in words.items()
            if w in self._vocabulary
        } | {
            -1 - i: (1.0 + np.log(c)) * self._weight(w)
            for i, (w, c) in enumerate(words.items())
            if w not in self._vocabulary
        }

    def _build(self) -> None:
        """Bring the matrices up to date; weights of older rows are renewed as texts double."""
        waiting = self.cases[self._built :]
        if not waiting:
            return
        if self._built and len(self.cases) < 1.5 * self._built:
            fresh: Iterable[CaseText] = waiting
        else:
            fresh = self.cases
            self._text, self._titles = _Rows(), _Rows()
        for case in fresh:
            for word in case.words:
                self._vocabulary.setdefault(word, len(self._vocabulary))
            self._text.add(self._weighted(case.words))
            self._titles.add(self._weighted(case.title_words))
        self._vectors = np.vstack([self._vectors, *(v[None, :] for v, _ in self._new_vectors)])
        self._title_vectors = np.vstack([self._title_vectors, *(t[None, :] for _, t in self._new_vectors)])
        self._new_vectors.clear()
        # what all texts have in common says nothing of any one: compare what is left
        total = self._vectors.sum(axis=0) + PRIOR_TEXTS * self._prior
        self._mean = total / (len(self._vectors) + PRIOR_TEXTS)
        self._centred = unit_rows(self._vectors - self._mean)
        self._centred_titles = unit_rows(self._title_vectors - self._mean)
        self._built = len(self.cases)


class _Rows:
    """Unit rows over a growing vocabulary: one large matrix and a short tail."""

    TAIL = 512

    def __init__(self) -> None:
        self._main: sp.csr_matrix | None = None
        self._tail: list[tuple[NDArray[np.int_], NDArray[np.float64]]] = []
        self._tail_matrix: sp.csr_matrix | None = None
        self._width = 0

    def add(self, row: Mapping[int, float]) -> None:
        columns = np.fromiter(row.keys(), dtype=int, count=len(row))
        values = np.fromiter(row.values(), dtype=float, count=len(row))
        length = float(np.sqrt((values**2).sum()))
        self._tail.append((columns, values / length if length else values))
        self._tail_matrix = None
        if len(columns):
            self._width = max(self._width, int(columns.max()) + 1)

    def query(self, row: Mapping[int, float]) -> NDArray[np.float64]:
        """Cosine of every row with ``row``; negative columns are words that no row has."""
        if len(self._tail) > self.TAIL:
            tail = self._stack()
            if self._main is None:
                self._main = tail
            else:
                self._main = sp.csr_matrix(
                    (self._main.data, self._main.indices, self._main.indptr),
                    shape=(self._main.shape[0], self._width),
                )
                self._main = sp.vstack([self._main, tail]).tocsr()
            self._tail, self._tail_matrix = [], None
        vector = np.zeros(self._width)
        square = 0.0
        for column, value in row.items():
            square += value * value
            if 0 <= column < self._width:
                vector[column] = value
        if square:
            vector /= np.sqrt(square)
        parts = []
        if self._main is not None:
            parts.append(self._main @ vector[: self._main.shape[1]])
        if self._tail:
            if self._tail_matrix is None:
                self._tail_matrix = self._stack()
            parts.append(self._tail_matrix @ vector[: self._tail_matrix.shape[1]])
        return np.concatenate(parts) if parts else np.zeros(0)

    def _stack(self) -> Any:
        pointers = np.cumsum([0, *(len(columns) for columns, _ in self._tail)])
        return sp.csr_matrix(
            (
                np.concatenate([values for _, values in self._tail]),
                np.concatenate([columns for columns, _ in self._tail]),
                pointers,
            ),
            shape=(len(self._tail), self._width),
        )
