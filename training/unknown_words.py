"""Words of a year's cases that an earlier year, or a model, does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.classifier import TargetModel
from triage.ledger.tables import CaseRow
from triage.text import Segmenter, document

MOST_CASES = 300  # of a year; of a larger one every second, third … case is read


def words_of_year(year: int, segmenter: Segmenter, *, session: Session) -> dict[str, frozenset[str]]:
    """Case to its distinct words, of the cases received in ``year``."""
    within = CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31))
    ids = list(session.scalars(select(CaseRow.id).where(within).order_by(CaseRow.received_on, CaseRow.id)))
    ids = ids[:: -(-len(ids) // MOST_CASES) or 1]
    rows = session.execute(
        select(CaseRow.id, CaseRow.title, CaseRow.body).where(CaseRow.id.in_(ids)).order_by(CaseRow.id)
    )
    return {str(number): frozenset(segmenter.words(document(title, body))) for number, title, body in rows}


def unknown_by_case(cases: Mapping[str, frozenset[str]]) -> NDArray[np.float64]:
    """Of each case the share of its words that no other one of them has."""
    often = Counter(word for words in cases.values() for word in words)
    return np.array(
        [sum(often[word] == 1 for word in words) / len(words) for words in cases.values() if words]
    )


def unknown_against_model(model: TargetModel, cases: Mapping[str, frozenset[str]]) -> NDArray[np.float64]:
    """Of each case that the model did not learn the share of its words that it does not know."""
    learned = {case for case, _, _ in model.state["examples"]}
    known = model.state["word_counter"].vocabulary_
    return np.array(
        [
            sum(word not in known for word in words) / len(words)
            for case, words in cases.items()
            if words and case not in learned
        ]
    )
