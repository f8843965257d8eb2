"""The desk where a case comes in: read, recommend, find related, route, write - in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from triage.case_index import CaseIndex, make_case_text
from triage.champions import Champions
from triage.config import Settings
from triage.encoder import Vectors, get_encoder
from triage.errors import InputError, TaxonomyError
from triage.flags import Flag, FlagModel
from triage.ledger.cases import (
    Submission,
    add_case,
    check_submission,
    find_case,
    get_case,
    note_resent,
)
from triage.ledger.closing import check_reply_number
from triage.ledger.decisions import ROUTER, add_decision, newest_decisions, newest_predictions, settle
from triage.ledger.events import add_event, check_who
from triage.ledger.predictions import add_prediction
from triage.ledger.relations import propose_relations
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow, EventRow, VectorRow
from triage.prediction import Prediction
from triage.reading import Reader, Suggestion, reader_of
from triage.registry import Registry
from triage.related import CaseText, Related
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy, load_taxonomy
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
    """One office's models, ledger and index of cases; safe to use from several threads."""

    def __init__(self, settings: Settings, *, ledger: Ledger | None = None) -> None:
        """Raises TaxonomyError or LedgerMissing where the office is not set up."""
        self.settings = settings
        self.taxonomy: Taxonomy = load_taxonomy(settings.taxonomy_path)
        if not any(x.active for target in TARGETS for x in self.taxonomy.labels(target)):
            raise TaxonomyError(f"{settings.taxonomy_path} 中没有任何在用的科室、主题或办理类型。")
        self.ledger = ledger or Ledger(settings.database_url)
        self.ledger.check()
        self.registry = Registry(settings.models_dir, self.make_reader)
        self.champions = Champions(self.registry, self.taxonomy, settings.encoder)
        self._segmenter = get_segmenter(self.taxonomy.terms(), settings.cache_dir)
        self._index = CaseIndex(self._segmenter, get_encoder(settings.encoder), self.taxonomy)
        self._index_lock = threading.Lock()
        self._last_case = 0
        self._last_event = 0

    def make_reader(self, encoder: str, terms: Sequence[str]) -> Reader:
        """A reader for models trained with that encoder and those terms."""
        return reader_of(self.settings, encoder, terms)

    def warm_up(self) -> None:
        """Load models and index now rather than at the first case."""
        self.champions.models()
        with self.ledger.read() as session, self._index_lock:
            self._sync(session)

    def check(self, submission: Submission) -> Submission:
        """See check_submission; limits from the settings."""
        return check_submission(
            submission,
            max_title_chars=self.settings.max_title_chars,
            max_body_chars=self.settings.max_body_chars,
        )

    def advise(self, submissions: Sequence[Submission]) -> list[Advice]:
        """Predictions and vectors for n checked submissions; writes nothing."""
        suggestions = [Suggestion(s.title, s.body) for s in submissions]
        models = self.champions.models()
        read: dict[Any, Any] = {}
        predictions: list[dict[str, Prediction]] = [{} for _ in submissions]
        for target, model in models.items():
            # the targets' models nearly always share one reader, so a text is read once
            if model.reader.key not in read:
                read[model.reader.key] = model.reader.read(suggestions)
            for own, prediction in zip(predictions, model.predict_read(read[model.reader.key]), strict=True):
                own[target] = self._in_use(prediction)
        vectors = next(
            (r.vectors for (encoder, _), r in read.items() if encoder == self._index.encoder.name), None
        )
        documents, titles = (
            self._index.encode(suggestions)
            if vectors is None
            else (vectors, self._index.encode_titles(suggestions))
        )
        flags: list[tuple[Flag, ...]] = [() for _ in submissions]
        section = models.get("section")
        if section is not None and "flags" in section.state:
            raised = FlagModel(section.state["flags"])
            flags = raised.raise_flags(read[section.reader.key])
        return [Advice(own, documents[i], titles[i], flags[i]) for i, own in enumerate(predictions)]

    def _in_use(self, prediction: Prediction) -> Prediction:
        """A label that the taxonomy no longer has is never decided automatically."""
        if prediction.label in {x.name for x in self.taxonomy.labels(prediction.target) if x.active}:
            return prediction
        reason = f"“{prediction.label}”已不在分类文件中,请运行 triage retrain"
        return replace(prediction, auto=False, reason=reason)

    def related(self, submission: Submission, advice: Advice, session: Session) -> list[Related]:
        """The best pairs with cases in the ledger, best first; flagged or not."""
        with self._index_lock:
            self._sync(session)
            text = make_case_text(
                "",
                Suggestion(submission.title, submission.body),
                self._segmenter,
                received_on=submission.received_on or date.today(),
                labels=advice.labels(),
            )
            return self._index.search(text, advice.vector, advice.title_vector, SEARCH_TOP)

    def is_flagged(self, related: Related) -> bool:
        """Whether the pair is shown to staff as a proposal."""
        return related.score >= self.settings.related_threshold

    def held_back(self, advice: Advice, found: Sequence[Related]) -> list[str]:
        """Why a person must see the case however sure its labels are; empty where nothing says so."""
        held = [f"{flag.name}:{flag.reason}" for flag in advice.flags]
        if any(r.kind == "duplicate" and self.is_flagged(r) for r in found):
            held.insert(0, "疑似与在办件重复,请先核对")
        return held

    def knows(self, submission: Submission) -> bool:
        """Whether a checked submission is in the ledger already."""
        with self.ledger.read() as session:
            return find_case(submission, session=session) is not None

    def take_in(self, submission: Submission, *, who: str, advice: Advice | None = None) -> Receipt:
        """Put one submission into the ledger, whole, or find that it is there.

        Args:
            who: person or program that hands it in.
            advice: what advise() said of it, where that was asked for many at once.

        Raises:
            InputError: see check_submission; nothing was written.
        """
        who, submission = check_who(who), self.check(submission)
        if advice is None and not self.knows(submission):
            advice = self.advise([submission])[0]
        try:
            return self._record(submission, advice, who)
        except IntegrityError:  # another writer was first; what it wrote is there now
            return self._record(submission, None, who)

    def _record(self, submission: Submission, advice: Advice | None, who: str) -> Receipt:
        with self.ledger.write() as session:
            known = find_case(submission, session=session)
            if known is not None:
                differs = note_resent(known, submission, who=who, session=session)
                return Receipt(known.id, created=False, differs=differs)
            if advice is None:
                advice = self.advise([submission])[0]
            found = [r for r in self.related(submission, advice, session) if self.is_flagged(r)]
            case = add_case(submission, session=session)
            add_event("received", who=who, session=session, case_id=case.id, sha256=submission.sha256)
            self._route(case, advice, found, session)
            propose_relations(case, found, who=ROUTER, session=session)
            session.add(
                VectorRow(
                    case_id=case.id,
                    encoder=self._index.encoder.name,
                    document=advice.vector.tobytes(),
                    title=advice.title_vector.tobytes(),
                )
            )
            session.flush()
            return Receipt(case.id, created=True)

    def _route(self, case: CaseRow, advice: Advice, found: Sequence[Related], session: Session) -> None:
        """Decide what is sure; a likely duplicate or a flagged case is for a person, however
        sure the labels."""
        rows = {target: add_prediction(case, p, session=session) for target, p in advice.predictions.items()}
        session.flush()
        held = self.held_back(advice, found)
        for flag in advice.flags:
            add_event(
                "flagged",
                who=ROUTER,
                session=session,
                case_id=case.id,
                flag=flag.kind,
                score=round(flag.score, 4),
                why=flag.reason,
            )
        undecided = []
        for target, prediction in advice.predictions.items():
            if prediction.auto and not held:
                add_decision(
                    case,
                    target,
                    prediction.label,
                    kind="auto",
                    who=ROUTER,
                    why=prediction.reason,
                    prediction=rows[target],
                    session=session,
                )
                add_event(
                    "routed",
                    who=ROUTER,
                    session=session,
                    case_id=case.id,
                    target=target,
                    label=prediction.label,
                    probability=round(prediction.probability, 4),
                    model_version=prediction.model_version,
                    why=prediction.reason,
                )
            else:
                undecided.append(f"{TARGET_NAMES[target]}:{prediction.reason}")
        lead = next(iter(advice.predictions.values()))  # the section, where the office has sections
        case.certainty = lead.probability
        sure = lead.auto and not held
        case.route = "auto" if sure else "review"
        if held:
            case.route_reason = ";".join(held)
        elif sure:
            case.route_reason = lead.reason
        else:
            case.route_reason = ";".join(undecided)
        if not sure:
            add_event("queued", who=ROUTER, session=session, case_id=case.id, why=case.route_reason)
        session.flush()
        session.refresh(case, ["decisions", "predictions", "events"])
        settle(case, self.taxonomy)

    def import_closed(
        self,
        submission: Submission,
        labels: dict[str, str],
        *,
        who: str,
        result_class: str = "",
        reply_number: str = "",
        closed_on: date | None = None,
        vectors: tuple[Vectors, Vectors] | None = None,
    ) -> Receipt:
        """Put one case of an earlier year into the ledger as closed, with what was decided.

        Raises:
            InputError: no label, unknown label or result class, bad text.
        """
        who, submission = check_who(who), self.check(submission)
        check_reply_number(reply_number)
        if not any(labels.values()):
            raise InputError("没有承办科室、主题、办理类型中的任何一项,不能作为办结件导入。")
        for target, label in labels.items():
            known_names = [x.name for x in self.taxonomy.labels(target)]
            if label and label not in known_names:
                raise InputError(
                    f"{TARGET_NAMES[target]}“{label}”不在分类文件中,可用:{'、'.join(known_names)}。"
                )
        if result_class:
            self.taxonomy.check_result_class(result_class)
        with self.ledger.write() as session:
            known = find_case(submission, session=session)
            if known is not None:
                differs = note_resent(known, submission, who=who, session=session)
                return Receipt(known.id, created=False, differs=differs)
            case = add_case(submission, session=session)
            if vectors is None:
                documents, titles = self.encode([submission])
                vectors = documents[0], titles[0]
            case.state, case.route = "closed", "review"
            case.route_reason = "往年办结件导入"
            case.result_class = result_class or None
            case.reply_number = reply_number
            case.closed_on = closed_on
            for target, label in labels.items():
                if label:
                    add_decision(
                        case, target, label, kind="closed", who=who, why="往年办结记录", session=session
                    )
            add_event(
                "imported",
                who=who,
                session=session,
                case_id=case.id,
                labels={t: x for t, x in labels.items() if x},
                result_class=result_class,
                sha256=submission.sha256,
            )
            session.add(
                VectorRow(
                    case_id=case.id,
                    encoder=self._index.encoder.name,
                    document=vectors[0].tobytes(),
                    title=vectors[1].tobytes(),
                )
            )
            session.flush()
            return Receipt(case.id, created=True)

    def encode(self, submissions: Sequence[Submission]) -> tuple[Vectors, Vectors]:
        """Vectors of n whole texts and n titles, for importing many at once."""
        return self._index.encode([Suggestion(s.title, s.body) for s in submissions])

    def _sync(self, session: Session) -> None:
        """Bring the index up to date with everything committed, by whatever process."""
        if not self._last_case:  # what is loaded now has its decisions with it
            self._last_event = session.scalar(select(func.max(EventRow.id))) or 0
        new = session.scalars(
            select(CaseRow)
            .where(CaseRow.id > self._last_case)
            .order_by(CaseRow.id)
            .options(selectinload(CaseRow.predictions), selectinload(CaseRow.decisions))
        ).all()
        encoder = self._index.encoder
        stored = {
            row.case_id: row
            for row in session.scalars(
                select(VectorRow).where(
                    VectorRow.case_id > self._last_case, VectorRow.encoder == encoder.name
                )
            )
        }
        lacking = [c for c in new if c.id not in stored]
        fresh = self._index.encode([Suggestion(c.title, c.body) for c in lacking])
        made = {c.id: (fresh[0][i], fresh[1][i]) for i, c in enumerate(lacking)}
        for case in new:
            if case.id in stored:
                row = stored[case.id]
                pair = (
                    np.frombuffer(row.document, dtype=np.float32),
                    np.frombuffer(row.title, dtype=np.float32),
                )
            else:
                pair = made[case.id]
            self._index.add(self._case_text(case), *pair)
            self._last_case = case.id
        changed = session.execute(
            select(EventRow.id, EventRow.case_id)
            .where(
                EventRow.id > self._last_event,
                EventRow.kind.in_(("confirmed", "overridden", "closed")),
            )
            .order_by(EventRow.id)
        ).all()
        for event_id, case_id in changed:
            self._last_event = event_id
            if case_id is not None and str(case_id) in self._index:
                case = get_case(case_id, session=session)
                self._index.update(str(case_id), closed=case.state == "closed", labels=_known_labels(case))

    def _case_text(self, case: CaseRow) -> CaseText:
        return make_case_text(
            str(case.id),
            Suggestion(case.title, case.body),
            self._segmenter,
            received_on=case.received_on,
            closed=case.state == "closed",
            labels=_known_labels(case),
        )


def _known_labels(case: CaseRow) -> dict[str, dict[str, float]]:
    """Decided labels with certainty 1, predicted ones with their probabilities."""
    labels: dict[str, dict[str, float]] = {
        target: dict(row.ranked) for target, row in newest_predictions(case).items()
    }
    for target, decision in newest_decisions(case).items():
        labels[target] = {decision.label: 1.0}
    return {t: labels[t] for t in TARGETS if t in labels}
