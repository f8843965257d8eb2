"""The desk where a case comes in: read, recommend, find related, route, write - in one transaction."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from triage.bridge import Bridge
from triage.case_index import CaseIndex
from triage.champions import Champions
from triage.classifier import TargetModel
from triage.config import Settings
from triage.encoder import Vectors, get_encoder
from triage.errors import OutcomeUnknown
from triage.evidence import Comparison
from triage.flags import Flag
from triage.ledger.cases import get_case
from triage.ledger.decisions import ROUTER
from triage.ledger.files import FileRef, link_file
from triage.ledger.intake import add_case, find_case, note_resent
from triage.ledger.learning_tables import RoutingStopRow
from triage.ledger.predictions import add_prediction
from triage.ledger.records import RECORD, Record, add_record
from triage.ledger.relations import propose_relations
from triage.ledger.routing_stops import binding_stops, under_stops
from triage.ledger.store import Ledger, after_commit
from triage.ledger.submissions import Submission, check_submission
from triage.ledger.texts import check_who
from triage.ledger_index import LedgerIndex
from triage.office_watch import OfficeWatch
from triage.pairs import CaseText
from triage.prediction import Prediction
from triage.reading import Reader, Suggestion, reader_of
from triage.recommending import recommend
from triage.record_check import check_record
from triage.registry import Registry
from triage.related import PairWeights, Related, weights_for
from triage.router import Lot, route_case
from triage.signing import SigningKey
from triage.taxonomy import Taxonomy
from triage.text import get_segmenter

SEARCH_TOP = 10


@dataclass(frozen=True)
class Advice:
    """What the models say of one submission, before anything is written."""

    predictions: dict[str, Prediction]
    vector: Vectors
    title_vector: Vectors
    flags: tuple[Flag, ...] = ()

    def labels(self) -> dict[str, dict[str, float]]:
        return {target: dict(p.ranked) for target, p in self.predictions.items()}


@dataclass(frozen=True)
class Receipt:
    """What became of a submission.

    Attributes:
        created: False where the case was in the ledger already.
        differs: True where it came again with other content (kept as an event).
    """

    case_id: int
    created: bool
    differs: bool = False


class Desk:
    """One office's models, ledger and index of cases; safe to use from several threads.

    Attributes:
        draw: a number from 0 up to 1, by lot; below ``audit_share`` a sure case is reviewed blind.
    """

    def __init__(self, settings: Settings, *, ledger: Ledger | None = None) -> None:
        """Raises TaxonomyError, LedgerMissing or InputError where the office is not set up."""
        self.settings = settings
        self.office = OfficeWatch(settings.taxonomy_path)
        taxonomy = self.office.taxonomy()
        self.ledger = ledger or Ledger(settings.database_url)
        self.ledger.check()
        self.registry = Registry(settings.models_dir, self.make_reader, SigningKey(settings.signing_key))
        self.champions = Champions(self.registry, taxonomy, settings.encoder)
        for choice in filter(None, (settings.encoder, settings.title_encoder)):
            get_encoder(choice)  # one that is not there is told at the start
        self._made_index: LedgerIndex | None = None
        self._making = threading.Lock()
        self._bridges: dict[str, Bridge] = {}
        self.draw: Callable[[], float] = random.SystemRandom().random

    @property
    def _index(self) -> LedgerIndex:
        """Made when first needed: dictionary and encoder take seconds to load, and pages need neither."""
        with self._making:
            if self._made_index is None:
                settings, taxonomy = self.settings, self.office.taxonomy()
                # it keeps the terms it begins with: others would make every kept reading another
                segmenter = get_segmenter(taxonomy.terms())
                index = CaseIndex(
                    segmenter,
                    get_encoder(settings.encoder),
                    taxonomy,
                    weights_for(settings.title_encoder),
                    get_encoder(settings.title_encoder) if settings.title_encoder else None,
                )
                self._made_index = LedgerIndex(index, self.ledger, settings.memory_cases)
            return self._made_index

    @property
    def taxonomy(self) -> Taxonomy:
        """The office's taxonomy as its file says now."""
        taxonomy = self.office.taxonomy()
        self.champions.taxonomy = taxonomy
        return taxonomy

    def problems(self) -> dict[str, str]:
        """Sentences about what cannot serve as it is and what serves instead: the office's file, models."""
        own = {"office": self.office.problem} if self.office.problem else {}
        return own | self.champions.problems()

    def make_reader(self, encoder: str, terms: Sequence[str]) -> Reader:
        """A reader for models trained with that encoder and those terms."""
        return reader_of(self.settings, encoder, terms)

    def warm_up(self) -> None:
        """Load models and index now rather than at the first case."""
        self.champions.models()
        with self.ledger.read() as session:
            self._index.sync(session)

    def check(self, submission: Submission, *, past: bool = False) -> Submission:
        """See check_submission; limits from the settings."""
        return check_submission(
            submission,
            max_title_chars=self.settings.max_title_chars,
            max_body_chars=self.settings.max_body_chars,
            past=past,
        )

    def advise(self, submissions: Sequence[Submission]) -> list[Advice]:
        """Predictions and vectors for n checked submissions; writes nothing."""
        suggestions = [Suggestion(s.title, s.body) for s in submissions]
        # texts and titles in one pass; the encoder remembers them for the models' readers
        documents, titles = self._index.encode(suggestions)
        taxonomy, models = self.taxonomy, self.champions.models()
        bridges = {target: self._bridge(model, taxonomy) for target, model in models.items()}
        predictions, flags = recommend(bridges, suggestions)
        return [Advice(own, documents[i], titles[i], flags[i]) for i, own in enumerate(predictions)]

    def _bridge(self, model: TargetModel, taxonomy: Taxonomy) -> Bridge:
        """From what the model learned to the labels in use; made anew when either changes."""
        known = self._bridges.get(model.target)
        if known is None or not known.fits(model, taxonomy):
            known = self._bridges[model.target] = Bridge(model, taxonomy)
        return known

    def related(self, submission: Submission, advice: Advice, session: Session) -> list[Related]:
        """The best pairs with cases in the ledger, best first; flagged or not."""
        return self._search(submission, advice, self._read(submission, advice), session)

    def _search(
        self, submission: Submission, advice: Advice, text: CaseText, session: Session
    ) -> list[Related]:
        suggestion = Suggestion(submission.title, submission.body)
        vectors = advice.vector, advice.title_vector
        return self._index.search(suggestion, text, vectors, SEARCH_TOP, session)

    def _read(self, submission: Submission, advice: Advice) -> CaseText:
        return self._index.read(
            "",
            Suggestion(submission.title, submission.body),
            received_on=submission.received_on or date.today(),
            deputy=submission.deputy,
            labels=advice.labels(),
        )

    def compare(self, case_id: int, other_id: int, session: Session) -> Comparison:
        """What two cases of the ledger share and where they differ; NotFound where one is unknown."""
        first, second = (get_case(i, session=session) for i in (case_id, other_id))
        return self._index.compare(
            Suggestion(first.title, first.body), Suggestion(second.title, second.body), session
        )

    def pair_features(
        self, pairs: Sequence[tuple[str, str]], session: Session
    ) -> tuple[dict[str, NDArray[np.float64]], int]:
        """What the pair score is made of for n pairs of cases in the ledger; see LedgerIndex.pair_features."""
        return self._index.pair_features(pairs, session)

    @property
    def pair_weights(self) -> PairWeights:
        """The pair score's weights in use, as of the last search."""
        return self._index.weights

    def is_flagged(self, related: Related) -> bool:
        """Whether the pair is shown to staff as a proposal."""
        return related.score >= self.pair_weights.threshold(self.settings.related_wrong_share)

    def held_back(self, advice: Advice, found: Sequence[Related]) -> list[str]:
        """Why a person must see the case however sure its labels are; empty where nothing says so."""
        held = [f"{flag.name}:{flag.reason}" for flag in advice.flags]
        if any(r.kind == "duplicate" and self.is_flagged(r) for r in found):
            held.insert(0, "疑似与在办件重复,请先核对")
        return held

    def as_routed(self, predictions: Mapping[str, Prediction], session: Session) -> dict[str, Prediction]:
        """The predictions as the router takes them: no label is sure whose automatic routing stopped."""
        return under_stops(predictions, session=session, taxonomy=self.taxonomy)

    def stops(self, session: Session) -> list[RoutingStopRow]:
        """The stops of automatic routing that bind the models which serve."""
        serving = {target: model.version for target, model in self.champions.models().items()}
        return binding_stops(serving, session=session)

    def knows(self, submission: Submission) -> bool:
        """Whether a checked submission is in the ledger already."""
        with self.ledger.read() as session:
            return find_case(submission, session=session) is not None

    def take_in(
        self,
        submission: Submission,
        *,
        who: str,
        advice: Advice | None = None,
        file: FileRef | None = None,
    ) -> Receipt:
        """Put one submission into the ledger, whole, or find that it is there.

        Args:
            who: person or program that hands it in.
            advice: what advise() said of it, where that was asked for many at once.
            file: the kept file that it was read from.

        Raises:
            InputError: see check_submission; nothing was written.
            LedgerBusy: nothing was written. OutcomeUnknown: perhaps it was; handing it in again is safe.
        """
        who, submission = check_who(who), self.check(submission)
        if advice is None and not self.knows(submission):
            advice = self.advise([submission])[0]
        try:
            return self._record(submission, advice, who, file)
        except IntegrityError:  # somebody else wrote it; it is found there now
            return self._record(submission, advice, who, file)
        except OutcomeUnknown:  # it is found there or written now
            return after_commit(lambda: self._record(submission, advice, who, file))

    def _record(
        self, submission: Submission, advice: Advice | None, who: str, file: FileRef | None
    ) -> Receipt:
        with self.ledger.write() as session:
            known = self._known(submission, file, who, session)
            if known is not None:
                return known
            if advice is None:
                advice = self.advise([submission])[0]
            text = self._read(submission, advice)
            found = [r for r in self._search(submission, advice, text, session) if self.is_flagged(r)]
            told: dict[str, Any] = {"file": file.to_dict()} if file else {}
            case = add_case(submission, who=who, session=session, rules=self.taxonomy.rules, **told)
            if file:
                link_file(case, file, who=who, session=session, told=True)
            route_case(
                case,
                self.as_routed(advice.predictions, session),
                advice.flags,
                self.held_back(advice, found),
                lot=Lot(self.draw, self.settings.audit_share, 1 - self.settings.error_budget),
                taxonomy=self.taxonomy,
                session=session,
            )
            propose_relations(case, found, who=ROUTER, session=session)
            vectors = advice.vector, advice.title_vector
            self._index.store(case.id, text, vectors, session)
            self._index.remember(case, text, vectors)
            session.flush()
            return Receipt(case.id, created=True)

    def _known(
        self, submission: Submission, file: FileRef | None, who: str, session: Session
    ) -> Receipt | None:
        """The case that this submission already is, with what came now noted in it."""
        case = find_case(submission, session=session)
        if case is None:
            return None
        differs = note_resent(case, submission, who=who, session=session)
        if file:
            link_file(case, file, who=who, session=session)
        return Receipt(case.id, created=False, differs=differs)

    def enter(
        self,
        record: Record,
        *,
        who: str,
        vectors: tuple[Vectors, Vectors] | None = None,
        file: FileRef | None = None,
    ) -> Receipt:
        """Put one case into the ledger as another ledger has it, or find that it is there.

        One that nobody decided yet gets its recommendations and waits for a person.

        Raises:
            InputError: an unknown label or result class, a state that its labels do not allow, bad text.
        """
        who, submission = check_who(who), self.check(record.submission, past=True)
        record = replace(record, submission=submission)
        check_record(record, self.taxonomy)
        undecided = record.state in ("received", "in_review")
        advice = self.advise([submission])[0] if undecided and not self.knows(submission) else None
        with self.ledger.write() as session:
            known = self._known(submission, file, who, session)
            if known is not None:
                return known
            told: dict[str, Any] = {"file": file.to_dict()} if file else {}
            case = add_record(record, who=who, session=session, rules=self.taxonomy.rules, **told)
            if file:
                link_file(case, file, who=who, session=session, told=True)
            for prediction in advice.predictions.values() if advice else ():
                add_prediction(case, replace(prediction, auto=False, reason=RECORD), session=session)
            if advice:
                case.certainty = next(iter(advice.predictions.values())).probability
            if vectors is None:
                documents, titles = self.encode([submission])
                vectors = documents[0], titles[0]
            text = self._index.read("", Suggestion(submission.title, submission.body))
            self._index.store(case.id, text, vectors, session)
            session.flush()
            return Receipt(case.id, created=True)

    def encode(self, submissions: Sequence[Submission]) -> tuple[Vectors, Vectors]:
        """Vectors of n whole texts and n titles, for importing many at once."""
        return self._index.encode([Suggestion(s.title, s.body) for s in submissions])
