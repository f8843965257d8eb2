"""Search over cases in memory: candidates by words and by meaning, then the pair score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from triage.bag import bag_of, id_of
from triage.encoder import Encoder, Vectors
from triage.grams import codes_of
from triage.pairs import FEATURES, Block, CaseText, Collection
from triage.postings import Postings
from triage.ranking import rank_block
from triage.reading import Suggestion
from triage.related import PairWeights, Related
from triage.sense_rows import SenseRows
from triage.taxonomy import Taxonomy
from triage.text import Segmenter, clean, document, title_core
from triage.words import matter_words

CANDIDATES = 40
TITLE_COUNTS = 3


def make_case_text(
    key: str,
    suggestion: Suggestion,
    segmenter: Segmenter,
    *,
    received_on: date | None = None,
    closed: bool = False,
    deputy: str = "",
    labels: Mapping[str, Mapping[str, float]] | None = None,
) -> CaseText:
    """What the index keeps of one suggestion; the title's words count TITLE_COUNTS times."""
    core = title_core(suggestion.title)
    title_words = matter_words(core, segmenter)
    words = matter_words(clean(suggestion.body), segmenter)
    for word, count in title_words.items():
        words[word] += TITLE_COUNTS * count
    return CaseText(
        key=key,
        bag=bag_of(words, title_words),
        codes=codes_of(document(suggestion.title, suggestion.body)),
        core=len(codes_of(core)),
        received_on=received_on,
        closed=closed,
        deputy=deputy,
        labels=labels or {},
    )


class CaseIndex:
    """Cases in memory, added to as they come; never forgets one.

    Not thread-safe: the caller holds a lock. Word weights follow the growing collection.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        encoder: Encoder,
        taxonomy: Taxonomy,
        weights: PairWeights,
        title_encoder: Encoder | None = None,
    ) -> None:
        """Args:
        title_encoder: another encoder for titles; the same one where there is none.
        """
        self.segmenter = segmenter
        self.encoder = encoder
        self.title_encoder = title_encoder or encoder
        self.weights = weights
        self.cases: list[CaseText] = []
        self._position: dict[str, int] = {}
        self._postings = Postings()
        self._vectors = SenseRows(encoder.dimensions)
        self._title_vectors = SenseRows(self.title_encoder.dimensions)
        described = [
            "。".join([x.name, *x.terms]) for target in ("section", "topic") for x in taxonomy.labels(target)
        ]
        usual, usual_title = (_mean(e, [clean(d) for d in described]) for e in (encoder, self.title_encoder))
        terms = {
            word
            for label in taxonomy.section
            for term in label.terms
            for word in matter_words(clean(term), segmenter)
        }
        self.collection = Collection(usual, usual_title, frozenset(map(id_of, terms)))

    def __len__(self) -> int:
        return len(self.cases)

    def __contains__(self, key: str) -> bool:
        return key in self._position

    def position(self, key: str) -> int:
        """Where a case stands in ``cases``; KeyError where it is not inside."""
        return self._position[key]

    def vectors_of(self, position: int) -> tuple[Vectors, Vectors]:
        """Sentence vectors of a case inside and of its title, each of shape (dimensions,)."""
        chosen = np.array([position])
        return self._vectors.rows(chosen)[0], self._title_vectors.rows(chosen)[0]

    def encode(self, suggestions: Sequence[Suggestion]) -> tuple[Vectors, Vectors]:
        """Vectors of n whole texts and of n titles, each of shape (n, dimensions)."""
        documents = [document(s.title, s.body) for s in suggestions]
        if self.title_encoder is not self.encoder:
            return self.encoder.encode(documents), self.encode_titles(suggestions)
        both = self.encoder.encode([*documents, *(title_core(s.title) for s in suggestions)])
        return both[: len(documents)], both[len(documents) :]

    def encode_titles(self, suggestions: Sequence[Suggestion]) -> Vectors:
        """Vectors of n titles without their frames, shape (n, dimensions)."""
        return self.title_encoder.encode([title_core(s.title) for s in suggestions])

    def add(self, case: CaseText, vector: Vectors, title_vector: Vectors) -> None:
        """Take one case in; its vectors have shape (dimensions,)."""
        self.add_all([case], vector[None, :], title_vector[None, :])

    def add_all(self, cases: Sequence[CaseText], vectors: Vectors, title_vectors: Vectors) -> None:
        """Take n cases in, at least one; their vectors have shape (n, dimensions)."""
        for case in cases:
            self._position[case.key] = len(self.cases)
            self.cases.append(case)
        self.collection.add(cases, vectors, title_vectors)
        self._vectors.add(vectors)
        self._title_vectors.add(title_vectors)

    def update(self, key: str, *, closed: bool, labels: Mapping[str, Mapping[str, float]]) -> None:
        """What was decided of a case since it came."""
        at = self._position[key]
        self.cases[at] = replace(self.cases[at], closed=closed, labels=labels)

    def search(
        self, suggestion: Suggestion, case: CaseText, vector: Vectors, title_vector: Vectors, top: int = 10
    ) -> list[Related]:
        """The best ``top`` pairs of ``case`` with the cases inside, best first.

        Args:
            suggestion: the text that ``case`` was made of, for the evidence.
        """
        chosen = self._candidates(case, vector, title_vector, max(CANDIDATES, 2 * top))
        return self.rank(suggestion, case, vector, title_vector, chosen, top) if len(chosen) else []

    def rank(
        self,
        suggestion: Suggestion,
        case: CaseText,
        vector: Vectors,
        title_vector: Vectors,
        chosen: NDArray[np.int64],
        top: int,
    ) -> list[Related]:
        """The best ``top`` pairs of ``case`` with the cases at the ``chosen`` positions, best first."""
        block = self.block([case], vector[None, :], title_vector[None, :], chosen)
        return rank_block(
            suggestion,
            block,
            top,
            weights=self.weights,
            cases=len(self.cases),
            segmenter=self.segmenter,
            among=self.collection,
        )

    def block(
        self,
        asked: Sequence[CaseText],
        vectors: Vectors,
        title_vectors: Vectors,
        chosen: NDArray[np.int64],
    ) -> Block:
        """The asked cases with their vectors, then the cases inside at the ``chosen`` positions."""
        return Block(
            [*asked, *(self.cases[i] for i in chosen.tolist())],
            np.vstack([vectors, self._vectors.rows(chosen)]),
            np.vstack([title_vectors, self._title_vectors.rows(chosen)]),
            self.collection,
        )

    def block_of(self, chosen: NDArray[np.int64]) -> Block:
        """The cases inside at the ``chosen`` positions."""
        vectors, title_vectors = self._vectors.rows(chosen), self._title_vectors.rows(chosen)
        return Block([self.cases[i] for i in chosen.tolist()], vectors, title_vectors, self.collection)

    def pair_features(self, pairs: Sequence[tuple[str, str]]) -> dict[str, NDArray[np.float64]]:
        """Block.features of n pairs of cases inside, each of shape (n,)."""
        rows = []
        for first, second in pairs:
            chosen = np.array([self._position[first], self._position[second]])
            rows.append(self.block_of(chosen).features([0]))
        return {name: np.array([row[name][0, 1] for row in rows]) for name in FEATURES}

    def _candidates(
        self, case: CaseText, vector: Vectors, title_vector: Vectors, each: int
    ) -> NDArray[np.int64]:
        """Positions of the ``each`` cases nearest by words, by meaning and by the title's meaning."""
        self._postings.extend(self.cases, self.collection)
        best: set[int] = set()
        for scores in (
            self._postings.scores(case.bag, self.collection),
            self._vectors.scores(vector, self.collection.mean),
            self._title_vectors.scores(title_vector, self.collection.title_mean),
        ):
            wanted = min(each + 1, len(scores))
            if wanted:
                best.update(np.argpartition(-scores, wanted - 1)[:wanted].tolist())
        best.discard(self._position.get(case.key, -1))
        return np.array(sorted(best), dtype=np.int64)


def _mean(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """The mean vector of texts, shape (dimensions,); zeros where there are none."""
    vectors = encoder.encode(texts)
    return vectors.mean(axis=0) if len(vectors) else np.zeros(encoder.dimensions, dtype=np.float32)
