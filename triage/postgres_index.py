"""Search over a ledger's cases inside PostgreSQL: no process holds more than a sample of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from triage import sieve
from triage.bag import Bag
from triage.collection_sample import SAMPLE, sample_collection
from triage.encoder import Encoder, Vectors
from triage.ledger.store import Ledger
from triage.pairs import FEATURES, Block, CaseText, Collection, Prior, weighted_words
from triage.ranking import rank_block
from triage.reading import Suggestion
from triage.related import PairWeights, Related, strengths
from triage.short_sense import Axes
from triage.sieve import AxesPair, Likely
from triage.stored_cases import StoredCases
from triage.text import Segmenter

CANDIDATES = 80  # cases that are compared whole
WORD_ROWS = 2000  # cases that the words asked for may bring
ASKED_WORDS = 32
BATCH = 5000
ENOUGH = 4096  # axes made of fewer cases are made again when there are four times as many
GROWTH = 1.25  # how far the ledger grows before its words are counted anew


class PostgresIndex:
    """What LedgerIndex asks once the ledger is too large for memory.

    Not thread-safe: the caller holds a lock. A pair has the same score as in CaseIndex, given
    the same Collection; that one comes from a sample, see sample_collection.
    """

    def __init__(
        self,
        ledger: Ledger,
        stored: StoredCases,
        segmenter: Segmenter,
        encoder: Encoder,
        weights: PairWeights,
        prior: Prior,
        *,
        sample: int = SAMPLE,
    ) -> None:
        """Args:
        prior: see Collection.
        sample: how many cases the collection is counted from.
        """
        self.weights = weights
        self.collection = Collection(*prior)
        self._ledger = ledger
        self.stored = stored
        self._segmenter = segmenter
        self._encoder = encoder
        self._prior = prior
        self._sample = sample
        self._axes: AxesPair | None = None
        self._made_for = f"{encoder.name} {stored.reading}"
        self._cases = 0
        self._checked = 0  # up to this case number none lacks its row
        self._unsure = False  # filled in a transaction that may have been rolled back since

    def __len__(self) -> int:
        return self._cases

    def sync(self, session: Session) -> None:
        """Take up what every process wrote, and put into the sieve what is not inside yet.

        A session that only reads cannot keep what is filled in, so that is then done in a
        transaction of its own.
        """
        if self._unsure:
            self._axes, self._cases, self._checked, self._unsure = None, 0, 0, False
        axes = sieve.newest_axes(session, self._axes.id if self._axes else 0)
        if axes is not None:
            self._take_up(axes)
        counted = self._count(session)
        if self._must_start_over(self._cases + counted[0]) or counted[1]:
            if session.get_bind().get_execution_options().get("triage_write"):
                self._fill(session)
                self._unsure = True
            else:
                with self._ledger.write() as own:
                    self._fill(own)
            counted = self._count(session)
        if not counted[1]:
            self._cases, self._checked = self._cases + counted[0], counted[2]
        if self._cases and self._cases >= GROWTH * self.collection.texts:
            self.collection = sample_collection(
                self.stored, self._prior, session, size=self._sample
            ).collection

    def search(
        self,
        suggestion: Suggestion,
        case: CaseText,
        vector: Vectors,
        title_vector: Vectors,
        top: int,
        session: Session,
    ) -> list[Related]:
        """The best ``top`` pairs of ``case`` with the cases in the ledger, best first.

        Args:
            suggestion: the text that ``case`` was made of, for the evidence.
        """
        ids = [i for i in self.candidates(case, vector, title_vector, session) if str(i) != case.key]
        return self.rank(suggestion, case, vector, title_vector, ids, top, session) if ids else []

    def candidates(
        self, case: CaseText, vector: Vectors, title_vector: Vectors, session: Session
    ) -> list[int]:
        """Numbers of the cases worth comparing whole: by a rough score of those the sieve lets through."""
        if self._axes is None:
            return []
        sense = self._axes.document.shorten(vector[None, :])[0]
        title_sense = self._axes.title.shorten(title_vector[None, :])[0]
        words = asked_words(case.bag, self.collection)
        found = sieve.likely(words, sense, title_sense, session)
        if len(found.ids) <= CANDIDATES:
            return [int(i) for i in found.ids]
        rough = strengths(
            rough_features(case.bag, sense, title_sense, found, self.collection), self.weights, self._cases
        )
        return [int(i) for i in found.ids[np.argpartition(-rough, CANDIDATES)[:CANDIDATES]]]

    def rank(
        self,
        suggestion: Suggestion,
        case: CaseText,
        vector: Vectors,
        title_vector: Vectors,
        ids: Sequence[int],
        top: int,
        session: Session,
    ) -> list[Related]:
        """The best ``top`` pairs of ``case`` with the cases of those numbers, best first."""
        others, vectors, titles = self.stored.fetch(ids, session)
        block = Block(
            [case, *others],
            np.vstack([vector[None, :], vectors]),
            np.vstack([title_vector[None, :], titles]),
            self.collection,
        )
        return rank_block(
            suggestion,
            block,
            top,
            weights=self.weights,
            cases=self._cases,
            segmenter=self._segmenter,
            among=self.collection,
        )

    def pair_features(
        self, pairs: Sequence[tuple[str, str]], session: Session
    ) -> dict[str, NDArray[np.float64]]:
        """Block.features of n pairs of cases in the ledger, each of shape (n,); KeyError for unknown ones."""
        rows = []
        for pair in pairs:
            cases, vectors, titles = self.stored.fetch([int(key) for key in pair], session)
            at = [case.key for case in cases]
            if set(pair) - set(at):
                raise KeyError(pair)
            features = Block(cases, vectors, titles, self.collection).features([at.index(pair[0])])
            rows.append({name: values[0, at.index(pair[1])] for name, values in features.items()})
        return {name: np.array([row[name] for row in rows]) for name in FEATURES}

    def put(self, case: CaseText, vector: Vectors, title_vector: Vectors, session: Session) -> None:
        """Add a new case in its own transaction; without axes yet the next sync does it."""
        if self._axes is not None:
            sense = self._axes.document.shorten(vector[None, :])
            sieve.put(
                [case], sense, self._axes.title.shorten(title_vector[None, :]), self.collection, session
            )

    def _take_up(self, axes: AxesPair) -> None:
        self._axes, self._cases, self._checked = axes, 0, 0

    def _count(self, session: Session) -> tuple[int, int, int]:
        """Cases beyond the checked ones, how many of them lack their row, and the highest number."""
        row = session.execute(
            text(
                "select count(*) as cases, count(*) - count(s.case_id) as lacking, max(c.id) as newest "
                'from "case" c left join case_sieve s on s.case_id = c.id where c.id > :checked'
            ),
            {"checked": self._checked},
        ).one()
        return row.cases, row.lacking, row.newest or self._checked

    def _must_start_over(self, cases: int) -> bool:
        if self._axes is None or self._axes.made_for != self._made_for:
            return cases > 0
        return self._axes.cases < ENOUGH and cases >= 4 * self._axes.cases

    def _fill(self, session: Session) -> None:
        """With the writers' lock held: new axes where they are due, then a row for each case without one."""
        axes = sieve.newest_axes(session, self._axes.id if self._axes else 0)
        if axes is not None:  # another process was first
            self._take_up(axes)
        cases = session.execute(text('select count(*) from "case"')).scalar() or 0
        afresh = self._must_start_over(cases)
        if afresh:
            sampled = sample_collection(self.stored, self._prior, session, size=self._sample)
            self.collection = sampled.collection
            sieve.start_over(
                Axes.of(sampled.vectors),
                Axes.of(sampled.title_vectors),
                made_for=self._made_for,
                cases=cases,
                session=session,
            )
            made = sieve.newest_axes(session)
            assert made is not None  # noqa: S101  # kept just now
            self._take_up(made)
        self._put_lacking(session)
        if afresh:
            sieve.make_indexes(cases, session)

    def _put_lacking(self, session: Session) -> None:
        assert self._axes is not None  # noqa: S101  # see _fill
        after = self._checked
        while True:
            ids = (
                session.execute(
                    text(
                        'select id from "case" c where id > :after and not exists '
                        "(select from case_sieve where case_id = c.id) order by id limit :batch"
                    ),
                    {"after": after, "batch": BATCH},
                )
                .scalars()
                .all()
            )
            if not ids:
                return
            after = ids[-1]
            cases, vectors, titles = self.stored.fetch(ids, session, labelled=False)
            short = self._axes.document.shorten(vectors), self._axes.title.shorten(titles)
            sieve.put(cases, *short, self.collection, session)


def asked_words(bag: Bag, among: Collection) -> list[int]:
    """The words that say most for the cases they bring, together about WORD_ROWS of them; one at least.

    A word is worth the square of its weight, shared among the cases that hold it: rare nouns
    come first, and what stands in every tenth text is never asked for.
    """
    if not len(bag):
        return []
    weights = weighted_words(bag, among)
    # a word that the sample has not seen may stand in some texts all the same
    holders = np.array([max(1, among.words.get(i, 0)) for i in bag["id"].tolist()])
    order = np.argsort(-(np.maximum(weights, 0.0) ** 2) / holders, kind="stable")[:ASKED_WORDS]
    fitting = max(1, int((np.cumsum(holders[order]) <= WORD_ROWS).sum()))
    return [int(i) for i in bag["id"][order[:fitting]]]


def rough_features(
    bag: Bag, sense: Vectors, title_sense: Vectors, found: Likely, among: Collection
) -> dict[str, NDArray[np.float64]]:
    """Block.features of one case with n of the sieve, of shape (n,), as far as the sieve's rows tell.

    Args:
        sense, title_sense: short forms, shape (SHORT,).
    """
    own = sieve.hold([bag], among)[0]
    at = np.searchsorted(own["id"], found.held["id"])
    at[at == len(own)] = 0
    shared = own["id"][at] == found.held["id"] if len(own) else np.zeros(len(at), dtype=bool)
    of, held, mine = found.of[shared], found.held[shared], own[at[shared]]
    cosines = [
        np.bincount(of, held[name].astype(float) * mine[name], minlength=len(found.ids)) / 255**2
        for name in ("share", "title")
    ]
    return {
        "wording": (2 * cosines[0] + cosines[1]) / 3,
        "sense": (found.sense @ sense).astype(float),
        "title_sense": (found.title_sense @ title_sense).astype(float),
        "title_wording": cosines[1],
        "section": np.full(len(found.ids), np.nan),
        "topic": np.full(len(found.ids), np.nan),
    }
