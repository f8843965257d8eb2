"""How alike the cases of a small block are, all at once: what the pair score is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.bag import WORD, Bag, rarity_of
from triage.encoder import Vectors, unit_rows
from triage.grams import BUCKETS, Codes, runs_of_all, weigh_runs

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

    def add(self, cases: Sequence[CaseText], vectors: Vectors, title_vectors: Vectors) -> None:
        """Count n more texts, at least one.

        Args:
            vectors, title_vectors: shape (n, dimensions).
        """
        self.texts += len(cases)
        ids, held = np.unique(np.concatenate([c.bag["id"] for c in cases]), return_counts=True)
        for word, count in zip(ids.tolist(), held.tolist(), strict=True):
            self.words[word] = self.words.get(word, 0) + count
        runs = runs_of_all([c.codes for c in cases], [c.core for c in cases])
        for counted, found in ((self.runs, runs), (self.title_runs, runs.titles())):
            bucket = found.per_text()[0]  # rising, once a text
            at = np.flatnonzero(np.diff(bucket, prepend=-1))
            counted[bucket[at]] += np.diff(at, append=len(bucket)).astype(np.int32)
        self._sums = self._sums[0] + vectors.sum(axis=0), self._sums[1] + title_vectors.sum(axis=0)
        weight = self.texts + PRIOR_TEXTS
        self.mean = (self._sums[0] / weight).astype(np.float32)
        self.title_mean = (self._sums[1] / weight).astype(np.float32)

    def rarity(self, bag: Bag) -> NDArray[np.float64]:
        """Weight of each word of a bag."""
        return rarity_of(bag, self.texts_with(bag["id"]), self.texts)

    def texts_with(self, ids: NDArray[np.uint32]) -> NDArray[np.int64]:
        """In how many texts each of these words stands, shape (len(ids),)."""
        known = self.words
        return np.array([known.get(i, 0) for i in ids.tolist()], dtype=np.int64)


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
        runs = runs_of_all([c.codes for c in cases], [c.core for c in cases])
        # the title says what it is about and counts three times
        self._runs = weigh_runs(runs.with_titles(2), among.runs, among.texts)
        self._title_runs = weigh_runs(runs.titles(), among.title_runs, among.texts)
        self._sense = unit_rows(vectors.astype(np.float32) - among.mean)
        self._title_sense = unit_rows(title_vectors.astype(np.float32) - among.title_mean)
        self._titled = np.array([c.core > 0 for c in cases])
        self._named, self._specific = _named_rows([c.bag for c in cases], among.office_words)
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
        section = self._agreement(self._sections, chosen)
        topic = self._agreement(self._topics, chosen)
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
        table = self._sections
        first = np.full(len(table), -1)
        if table.shape[1]:
            first = np.where(table.any(axis=1), table.argmax(axis=1), -1)
        same = np.equal(first[chosen][:, None], first[None, :])
        return np.asarray(same & np.atleast_1d(first >= 0)[None, :], dtype=bool)

    def _agreement(self, table: Matrix, chosen: NDArray[np.int64]) -> Matrix:
        """Overlap of the labels' probabilities (Bhattacharyya), 0 to 1."""
        agreed = np.asarray(table[chosen] @ table.T)
        missing: NDArray[np.bool_] = np.asarray(~table.any(axis=1))
        agreed[missing[chosen]] = np.nan
        agreed[:, missing] = np.nan
        return agreed

    @cached_property
    def _sections(self) -> Matrix:
        return _label_table([c.labels.get("section") or {} for c in self.cases])

    @cached_property
    def _topics(self) -> Matrix:
        return _label_table([c.labels.get("topic") or {} for c in self.cases])


def _label_table(rows: Sequence[Mapping[str, float]]) -> Matrix:
    """Square roots of each case's probabilities, a column a label, shape (n, labels)."""
    known = {label: i for i, label in enumerate(dict.fromkeys(name for row in rows for name in row))}
    table = np.zeros((len(rows), len(known)))
    where = [(i, known[label]) for i, row in enumerate(rows) for label in row]
    if where:
        table[tuple(np.array(where).T)] = np.sqrt([p for row in rows for p in row.values()])
    return table


def _word_rows(bags: Sequence[Bag], among: Collection) -> sp.csr_matrix:
    """Unit rows of weighted words."""
    sizes = [len(b) for b in bags]
    # one field after the other: joining records takes ten times as long
    whole = np.empty(sum(sizes), dtype=WORD)
    for name in ("id", "count", "kind", "expected"):
        whole[name] = np.concatenate([b[name] for b in bags])
    ids, column = np.unique(whole["id"], return_inverse=True)
    values = word_weights(whole, among.texts_with(ids)[column], among.texts)
    row = np.repeat(np.arange(len(bags)), sizes)
    length = np.sqrt(np.bincount(row, values**2, minlength=len(bags)))
    values = values / np.where(length > 0, length, 1.0)[row]
    ends = np.concatenate([[0], np.cumsum(sizes)])
    return sp.csr_matrix((values, column, ends), shape=(len(bags), max(1, len(ids))))


def _named_rows(bags: Sequence[Bag], office_words: frozenset[int]) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """For each case the nouns of its title that stand in a key term of the office, shape (n, such words).

    Returns:
        All of them, and those alone that are SPECIFIC.
    """
    nouns = np.concatenate([bag["title"] for bag in bags]) == 2
    ids = np.concatenate([bag["id"] for bag in bags])[nouns]
    specific = np.concatenate([bag["expected"] for bag in bags])[nouns] <= SPECIFIC
    row = np.repeat(np.arange(len(bags)), [len(bag) for bag in bags])[nouns]
    own = np.array([word in office_words for word in ids.tolist()], dtype=bool)
    words, column = np.unique(ids[own], return_inverse=True)
    row, specific = row[own], specific[own]
    shape = (len(bags), max(1, len(words)))
    found = []
    for chosen in (np.ones(len(row), dtype=bool), specific):
        at = row[chosen], column[chosen]
        found.append(sp.csr_matrix((np.ones(len(at[0])), at), shape=shape))
    return found[0], found[1]


def weighted_words(bag: Bag, among: Collection) -> NDArray[np.float64]:
    """TF-IDF of each word of a bag, not yet of unit length."""
    return word_weights(bag, among.texts_with(bag["id"]), among.texts)


def word_weights(bag: Bag, texts_with: NDArray[np.int64], texts: int) -> NDArray[np.float64]:
    """The same where it is known in how many of the ``texts`` texts each word stands."""
    return np.asarray(
        (1.0 + np.log(bag["count"].astype(float))) * rarity_of(bag, texts_with, texts), dtype=float
    )


def _cosines(rows: sp.csr_matrix, chosen: slice | Sequence[int] | NDArray[np.int64]) -> Matrix:
    # against a few whole rows: a product of two sparse matrices would turn the large one each time
    return np.asarray((rows @ np.ascontiguousarray(rows[chosen].toarray().T)).T, dtype=float)
