"""The index of cases kept in step with the ledger, whichever process wrote into it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from triage import sieve
from triage.bag import WORD
from triage.case_index import CaseIndex, make_case_text
from triage.encoder import Vectors
from triage.evidence import Comparison, compare
from triage.known_labels import known_labels, labels_on_record
from triage.ledger.cases import get_case
from triage.ledger.pair_weights import newest_weights
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseReadingRow, CaseRow, EventRow, VectorRow
from triage.pairs import CaseText
from triage.postgres_index import PostgresIndex
from triage.reading import Suggestion
from triage.related import PairWeights, Related
from triage.stored_cases import StoredCases
from triage.taxonomy import TARGETS
from triage.text import Segmenter

READING = "1"  # raise it whenever a case's words or codes are made in another way
CHUNK = 1000
_SETTLED = tuple(getattr(CaseRow, target) for target in TARGETS)
# after these a case may have another label, or be closed
RELABELLING = (
    "confirmed",
    "overridden",
    "closed",
    "merged",
    "joined",
    "unmerged",
    "lead_changed",
    "followed",
)


@dataclass(frozen=True)
class _Own:
    """A case as it was stored, with the hash of its content."""

    sha256: str
    text: CaseText
    vector: Vectors
    title_vector: Vectors


class LedgerIndex:
    """Safe to use from several threads; what other processes committed is found as well.

    Where a PostgreSQL ledger has more cases than memory is meant for, its own sieve is asked
    and no case is loaded.
    """

    def __init__(self, index: CaseIndex, ledger: Ledger, memory_cases: int) -> None:
        """Args:
        index: an empty one.
        memory_cases: with more cases than these PostgreSQL's sieve is used, where it is there.
        """
        self._index = index
        self._lock = threading.Lock()
        self._last_case = 0
        self._last_event = 0
        self._own: dict[int, _Own] = {}  # stored by this process and not in the index yet
        self._reading = reading_of(index.segmenter)
        self._memory_cases = memory_cases
        self._beyond = False  # more cases than memory is meant for; never turns back
        stored = StoredCases(index.segmenter, index.encoder, self._reading)
        usual = index.collection.mean, index.collection.title_mean, index.collection.office_words
        self._sieve = PostgresIndex(ledger, stored, index.segmenter, index.encoder, index.weights, usual)

    @property
    def _stored_as(self) -> str:
        """How vectors are named in the ledger: those of other encoders are made anew."""
        names = dict.fromkeys((self._index.encoder.name, self._index.title_encoder.name))
        return "+".join(names)

    def encode(self, suggestions: Sequence[Suggestion]) -> tuple[Vectors, Vectors]:
        """Vectors of n whole texts and n titles."""
        return self._index.encode(suggestions)

    def sync(self, session: Session) -> None:
        """Bring the index up to date with everything that ``session`` sees."""
        with self._lock:
            self._sync(session)

    def search(
        self,
        suggestion: Suggestion,
        case: CaseText,
        vectors: tuple[Vectors, Vectors],
        top: int,
        session: Session,
    ) -> list[Related]:
        """The best ``top`` pairs with cases in the ledger, best first."""
        with self._lock:
            self._sync(session)
            if self._beyond:
                return self._sieve.search(suggestion, case, *vectors, top, session)
            return self._index.search(suggestion, case, *vectors, top)

    def compare(self, first: Suggestion, second: Suggestion, session: Session) -> Comparison:
        """What two texts share and where they differ, weighed by how rare words are in the ledger."""
        with self._lock:
            self._sync(session)
            among = self._sieve.collection if self._beyond else self._index.collection
            return compare(first, second, self._index.segmenter, among)

    def pair_features(
        self, pairs: Sequence[tuple[str, str]], session: Session
    ) -> tuple[dict[str, NDArray[np.float64]], int]:
        """Block.features of n pairs of cases in the ledger, each of shape (n,), and how many cases there are."""
        with self._lock:
            self._sync(session)
            if self._beyond:
                return self._sieve.pair_features(pairs, session), len(self._sieve)
            return self._index.pair_features(pairs), len(self._index)

    @property
    def weights(self) -> PairWeights:
        """The pair score's weights in use."""
        return self._index.weights

    def read(self, key: str, suggestion: Suggestion, **about: object) -> CaseText:
        """See make_case_text."""
        return make_case_text(key, suggestion, self._index.segmenter, **about)  # type: ignore[arg-type]

    def remember(self, case: CaseRow, text: CaseText, vectors: tuple[Vectors, Vectors]) -> None:
        """Have a case that was stored just now ready for the index, which then need not load it.

        Args:
            case: with its predictions and decisions.
        """
        if len(self._own) < CHUNK:
            known = replace(text, key=str(case.id), labels=known_labels(case))
            self._own[case.id] = _Own(case.content_sha256, known, *vectors)

    def store(self, case_id: int, text: CaseText, vectors: tuple[Vectors, Vectors], session: Session) -> None:
        """Keep what was read of a case, so that no process has to read it again."""
        session.add(
            VectorRow(
                case_id=case_id,
                encoder=self._stored_as,
                document=vectors[0].tobytes(),
                title=vectors[1].tobytes(),
            )
        )
        session.add(self._reading_row(case_id, text))
        if self._beyond:
            self._sieve.put(replace(text, key=str(case_id)), *vectors, session)

    def _reading_row(self, case_id: int, text: CaseText) -> CaseReadingRow:
        return CaseReadingRow(
            case_id=case_id,
            reading=self._reading,
            bag=text.bag.tobytes(),
            codes=text.codes.astype("<u2").tobytes(),
            core=text.core,
        )

    def _sync(self, session: Session) -> None:
        # events are asked for by number, each once: their kinds have no index
        latest = session.scalar(select(func.max(EventRow.id))) or 0
        learned = newest_weights(session=session, after=self._last_event)
        if learned is not None:
            self._index.weights = self._sieve.weights = learned
        # what is loaded now for the first time has its decisions with it; what this process stored
        # itself has those of that moment
        since = self._last_event if self._last_case or self._own else latest
        newest = session.scalar(select(func.max(CaseRow.id))) or 0
        if self._too_many(newest, session):
            self._sieve.sync(session)
            self._last_event = latest
            return
        while self._last_case < newest:
            self._load(session)
        self._own.clear()
        changed = session.execute(
            select(EventRow.case_id)
            .where(EventRow.id.between(since + 1, latest), EventRow.kind.in_(RELABELLING))
            .distinct()
        ).all()
        for (case_id,) in changed:
            if case_id is not None and str(case_id) in self._index:
                case = get_case(case_id, session=session)
                self._index.update(str(case_id), closed=case.state == "closed", labels=known_labels(case))
        self._last_event = latest

    def _too_many(self, newest: int, session: Session) -> bool:
        """Whether the database's sieve is to be used. ``newest``: highest case number."""
        one_encoder = self._index.title_encoder is self._index.encoder  # the sieve's vectors are of one
        if not self._beyond and one_encoder and newest >= self._memory_cases and sieve.is_there(session):
            count = session.scalar(select(func.count()).select_from(CaseRow)) or 0
            self._beyond = count >= self._memory_cases
        return self._beyond

    def _load(self, session: Session) -> None:
        """The next CHUNK cases: as they were stored, or read again where nothing fitting was."""
        if self._own and self._take_own(session):
            return
        columns = (CaseRow.id, CaseRow.state, CaseRow.received_on, CaseRow.deputy)
        following = select(*columns, *_SETTLED).where(CaseRow.id > self._last_case).order_by(CaseRow.id)
        cases = session.execute(following.limit(CHUNK)).all()
        first, last = cases[0].id, cases[-1].id
        inside = CaseReadingRow.case_id.between(first, last), CaseReadingRow.reading == self._reading
        kept = (CaseReadingRow.case_id, CaseReadingRow.bag, CaseReadingRow.codes, CaseReadingRow.core)
        readings = {row.case_id: row for row in session.execute(select(*kept).where(*inside))}
        stored = {
            row.case_id: row
            for row in session.execute(
                select(VectorRow.case_id, VectorRow.document, VectorRow.title).where(
                    VectorRow.case_id.between(first, last), VectorRow.encoder == self._stored_as
                )
            )
        }
        lacking = [case.id for case in cases if case.id not in readings or case.id not in stored]
        suggestions = _suggestions(lacking, session)
        labels = labels_on_record(cases, session)
        texts = []
        for case in cases:
            about: dict[str, Any] = {
                "received_on": case.received_on,
                "closed": case.state == "closed",
                "deputy": case.deputy,
                "labels": labels[case.id],
            }
            row = readings.get(case.id)
            texts.append(
                self.read(str(case.id), suggestions[case.id], **about)
                if row is None
                else CaseText(
                    key=str(case.id),
                    bag=np.frombuffer(row.bag, dtype=WORD),
                    codes=np.frombuffer(row.codes, dtype="<u2"),
                    core=row.core,
                    **about,
                )
            )
        self._index.add_all(texts, *self._vectors([case.id for case in cases], stored, suggestions))
        self._last_case = last

    def _take_own(self, session: Session) -> bool:
        """The next cases if all of them were stored by this process.

        A number may have gone to another case where the transaction was rolled back.
        """
        following = select(CaseRow.id, CaseRow.content_sha256).where(CaseRow.id > self._last_case)
        rows = session.execute(following.order_by(CaseRow.id).limit(CHUNK)).all()
        own = [self._own.get(row.id) for row in rows]
        fitting = [o for o, row in zip(own, rows, strict=True) if o and o.sha256 == row.content_sha256]
        if len(fitting) < len(rows):
            return False
        for one in fitting:
            self._index.add(one.text, one.vector, one.title_vector)
        self._last_case = rows[-1].id
        return True

    def _vectors(
        self, ids: Sequence[int], stored: Mapping[int, Any], suggestions: Mapping[int, Suggestion]
    ) -> tuple[Vectors, Vectors]:
        """Of whole texts and of titles, each of shape (len(ids), dimensions); those not stored are made."""
        lacking = [i for i in ids if i not in stored]
        fresh = self._index.encode([suggestions[i] for i in lacking])
        made = {i: (fresh[0][at], fresh[1][at]) for at, i in enumerate(lacking)}
        documents = [
            made[i][0] if i in made else np.frombuffer(stored[i].document, dtype=np.float32) for i in ids
        ]
        titles = [made[i][1] if i in made else np.frombuffer(stored[i].title, dtype=np.float32) for i in ids]
        return np.array(documents), np.array(titles)


def _suggestions(ids: Sequence[int], session: Session) -> dict[int, Suggestion]:
    rows = session.execute(select(CaseRow.id, CaseRow.title, CaseRow.body).where(CaseRow.id.in_(ids)))
    return {row.id: Suggestion(row.title, row.body) for row in rows}


def reading_of(segmenter: Segmenter) -> str:
    """The mark of cases read by this program with that segmenter, at most 40 characters."""
    terms = "\0".join(segmenter.terms)
    return f"{READING}-{hashlib.sha256(terms.encode()).hexdigest()[:12]}"
