"""How alike the cases of a small block are, all at once: what the pair score is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.bag import Bag, rarity_of
from triage.encoder import Vectors, unit_rows
from triage.grams import BUCKETS, Codes, runs_of, weigh_runs

Matrix = NDArray[np.float64]

PRIOR_TEXTS = 20
SHORT = 30  # words below which alike wording says less
SAME_TOPIC = 0.5  # agreement from which two topics may be the same
# a noun in no more of BACKGROUND texts at large; two titles without bodies that share one of the
# office's (物流, not 中心) mean the same matter 9 times in 10
SPECIFIC = 2.0
TELLING_BARE = 0.02
TELLING = 0.05  # cosine of two titles' runs from which the noun they share is a good part of them
FEATURES = ("wording", "title_wording", "sense", "title_sense", "named", "section", "topic")


@dataclass(frozen=True, slots=True)
class CaseText:
    """What finding related cases needs to know of one case.

    Attributes:
        key: case id in the ledger, or the id column of a file.
        bag: its words; codes: its cleaned text, the title without frame first.
        core: length of that title in ``codes``; all of them where there is no body.
        labels: for each target the probabilities of its labels; a decided one has 1.0.
    """

    key: str
    bag: Bag
    codes: Codes
    core: int
    received_on: date | None = None
    closed: bool = False
    deputy: str = ""
    labels: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def title_codes(self) -> Codes:
        return self.codes[: self.core]

    @property
    def body_codes(self) -> Codes:
        """The body; the title where there is no body."""
        return self.codes[self.core :] if self.core < len(self.codes) else self.codes

    @property
    def has_body(self) -> bool:
        return self.core < len(self.codes)


Prior = tuple[Vectors, Vectors, frozenset[int]]  # what a Collection begins with


class Collection:
    """How many of the texts a word or a run of characters stands in, and their mean vectors."""

    def __init__(
        self, prior: Vectors, title_prior: Vectors, office_words: frozenset[int] = frozenset()
    ) -> None:
        """Args:
        prior, title_prior: what any text of this office is like, shape (dimensions,).
        office_words: words of the key terms of its sections, by number.
        """
        self.texts = 0
        self.office_words = office_words
        self.words: dict[int, int] = {}
        self.runs = np.zeros(BUCKETS, dtype=np.int32)
        self.title_runs = np.zeros(BUCKETS, dtype=np.int32)
        self.mean, self.title_mean = prior, title_prior
        self._sums = PRIOR_TEXTS * prior.astype(np.float64), PRIOR_TEXTS * title_prior.astype(np.float64)

    def add(self, case: CaseText, vector: Vectors, title_vector: Vectors) -> None:
        """Count one more text."""
        self.texts += 1
        for word in case.bag["id"].tolist():
            self.words[word] = self.words.get(word, 0) + 1
        self.runs[np.unique(runs_of(case.codes))] += 1
        self.title_runs[np.unique(runs_of(case.title_codes))] += 1
        self._sums = self._sums[0] + vector, self._sums[1] + title_vector
        weight = self.texts + PRIOR_TEXTS
        self.mean = (self._sums[0] / weight).astype(np.float32)
        self.title_mean = (self._sums[1] / weight).astype(np.float32)

    def rarity(self, bag: Bag) -> NDArray[np.float64]:
        """Weight of each word of a bag."""
        known = self.words
        found = np.fromiter((known.get(i, 0) for i in bag["id"].tolist()), dtype=np.int64, count=len(bag))
        return rarity_of(bag, found, self.texts)


class Block:
    """n cases with everything that makes them alike; similarities are asked for some rows of them."""

    def __init__(
        self, cases: Sequence[CaseText], vectors: Vectors, title_vectors: Vectors, among: Collection
    ) -> None:
        """Args:
        vectors, title_vectors: sentence vectors of texts and titles, shape (n, dimensions).
        """
        self.cases = cases
        self._words = _word_rows([c.bag for c in cases], among)
        whole = [_whole_runs(c) for c in cases]
        self._runs = weigh_runs(whole, among.runs, among.texts)
        titles = [runs_of(c.title_codes) for c in cases]
        self._title_runs = weigh_runs(titles, among.title_runs, among.texts)
        self._sense = unit_rows(vectors.astype(np.float32) - among.mean)
        self._title_sense = unit_rows(title_vectors.astype(np.float32) - among.title_mean)
        self._titled = np.array([c.core > 0 for c in cases])
        bags = [c.bag for c in cases]
        self._named = _named_rows(bags, among.office_words)
        self._specific = _named_rows([b[b["expected"] <= SPECIFIC] for b in bags], among.office_words)
        self._bare = np.array([not c.has_body for c in cases])

    def words(self, rows: slice | Sequence[int]) -> Matrix:
        """Cosine of the words of ``rows`` with every case's, shape (len(rows), n)."""
        return _cosines(self._words, rows)

    def features(self, rows: slice | Sequence[int]) -> dict[str, Matrix]:
        """Similarities of ``rows`` with every case, each of shape (len(rows), n).

        ``wording``: words, runs of characters, runs in the titles, on average, less where one
        of the two is SHORT; ``title_wording``: runs in the titles; ``sense`` and
        ``title_sense``: cosines of the sentence vectors; ``section``, ``topic``: how far the labels agree, NaN where one has none;
        ``named``: 1 where the section is the same, the topic perhaps, and both titles name a
        thing that the office answers for (物流集散基地, 农产品冷链物流), else 0.
        """
        chosen = np.arange(len(self.cases))[rows]
        parts = [_cosines(m, chosen) for m in (self._words, self._runs, self._title_runs)]
        titled = (self._titled[chosen][:, None] & self._titled[None, :]).astype(float)
        sizes = np.array([len(c.bag) for c in self.cases], dtype=float)
        told = np.minimum(1.0, np.minimum(sizes[chosen][:, None], sizes[None, :]) / SHORT)
        section = self._agreement("section", chosen)
        topic = self._agreement("topic", chosen)
        bare = self._bare[chosen][:, None] & self._bare[None, :]
        named = (_cosines(self._named, chosen) > 0) & (parts[2] >= TELLING)
        named |= bare & (_cosines(self._specific, chosen) > 0) & (parts[2] >= TELLING_BARE)
        return {
            "wording": told * (parts[0] + parts[1] + titled * parts[2]) / (2.0 + titled),
            "title_wording": parts[2],
            "sense": np.asarray(self._sense[chosen] @ self._sense.T, dtype=float),
            "title_sense": np.asarray(self._title_sense[chosen] @ self._title_sense.T, dtype=float),
            "named": (named & self._same_section(chosen) & ~(topic < SAME_TOPIC)).astype(float),
            "section": section,
            "topic": topic,
        }

    def _same_section(self, chosen: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether both have a section and the likeliest one is the same."""
        known: dict[str, int] = {}
        first = np.full(len(self.cases), -1)
        for i, case in enumerate(self.cases):
            labels = case.labels.get("section")
            if labels:
                first[i] = known.setdefault(max(labels, key=labels.__getitem__), len(known))
        same = first[chosen][:, None] == first[None, :]
        return np.asarray(same & (first >= 0)[None, :], dtype=bool)

    def _agreement(self, target: str, chosen: NDArray[np.int64]) -> Matrix:
        """Overlap of the labels' probabilities (Bhattacharyya), 0 to 1."""
        rows = [c.labels.get(target) or {} for c in self.cases]
        known = {label: i for i, label in enumerate(dict.fromkeys(name for row in rows for name in row))}
        table = np.zeros((len(rows), len(known)))
        for i, row in enumerate(rows):
            for label, p in row.items():
                table[i, known[label]] = np.sqrt(p)
        agreed = table[chosen] @ table.T
        missing = np.array([not row for row in rows])
        agreed[missing[chosen]] = np.nan
        agreed[:, missing] = np.nan
        return agreed


def _whole_runs(case: CaseText) -> NDArray[np.uint32]:
    """Runs of the text; the title says what it is about and counts three times."""
    title = runs_of(case.title_codes)
    return np.concatenate([runs_of(case.codes), title, title])


def _word_rows(bags: Sequence[Bag], among: Collection) -> sp.csr_matrix:
    """Unit rows of weighted words."""
    ids = np.concatenate([b["id"] for b in bags])
    _, column = np.unique(ids, return_inverse=True)
    row = np.repeat(np.arange(len(bags)), [len(b) for b in bags])
    values = np.concatenate([weighted_words(b, among) for b in bags])
    length = np.sqrt(np.bincount(row, values**2, minlength=len(bags)))
    values = values / np.where(length > 0, length, 1.0)[row]
    return sp.csr_matrix((values, (row, column)), shape=(len(bags), int(column.max(initial=0)) + 1))


def _named_rows(bags: Sequence[Bag], office_words: frozenset[int]) -> sp.csr_matrix:
    """For each case the nouns of its title that stand in a key term of the office, shape (n, such words)."""
    columns: dict[int, int] = {}
    rows, at = [], []
    for i, bag in enumerate(bags):
        for word in bag["id"][bag["title"] == 2].tolist():
            if word in office_words:
                rows.append(i)
                at.append(columns.setdefault(word, len(columns)))
    shape = (len(bags), max(1, len(columns)))
    return sp.csr_matrix((np.ones(len(rows)), (rows, at)), shape=shape)


def weighted_words(bag: Bag, among: Collection) -> NDArray[np.float64]:
    """TF-IDF of each word of a bag, not yet of unit length."""
    return np.asarray((1.0 + np.log(bag["count"].astype(float))) * among.rarity(bag), dtype=float)


def _cosines(rows: sp.csr_matrix, chosen: slice | Sequence[int] | NDArray[np.int64]) -> Matrix:
    return np.asarray((rows[chosen] @ rows.T).toarray(), dtype=float)
