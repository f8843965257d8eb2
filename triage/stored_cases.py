"""Cases as a PostgreSQL ledger keeps them for finding related ones, fetched by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from triage.bag import WORD
from triage.case_index import make_case_text
from triage.encoder import Encoder, Vectors
from triage.known_labels import labels_on_record
from triage.pairs import CaseText
from triage.reading import Suggestion
from triage.text import Segmenter, document, title_core

_CASES = text(
    'select c.id, c.received_on, c.state, c.deputy, c.section, c.topic, c.handling, r.bag, r.codes, r.core, v.document, v.title from "case" c '
    "left join case_reading r on r.case_id = c.id and r.reading = :reading "
    "left join case_vector v on v.case_id = c.id and v.encoder = :encoder "
    "where c.id = any(:ids) order by c.id"
)
_TEXTS = text('select id, title, body from "case" where id = any(:ids)')


class StoredCases:
    """Reads case_reading and case_vector; what is lacking there is read and encoded anew."""

    def __init__(self, segmenter: Segmenter, encoder: Encoder, reading: str) -> None:
        """Args:
        reading: the mark of readings made as this program makes them.
        """
        self.reading = reading
        self._segmenter = segmenter
        self._encoder = encoder

    def fetch(
        self, ids: Sequence[int], session: Session, *, labelled: bool = True
    ) -> tuple[list[CaseText], Vectors, Vectors]:
        """The cases by rising number with vectors of n texts and of n titles; unknown numbers are left out.

        The vectors are rounded to half precision, as the index in memory keeps them, so that
        both give a pair the same score.

        Args:
            labelled: False where nobody looks at the labels.
        """
        wanted = {"ids": list(ids), "reading": self.reading, "encoder": self._encoder.name}
        rows = session.execute(_CASES, wanted).all()
        lacking = [row.id for row in rows if row.bag is None or row.document is None]
        texts: dict[int, Suggestion] = {}
        if lacking:
            found = session.execute(_TEXTS, {"ids": lacking})
            texts = {row.id: Suggestion(row.title, row.body) for row in found}
        labels = labels_on_record(rows, session) if labelled else {}
        cases = []
        vectors = np.zeros((len(rows), self._encoder.dimensions), dtype=np.float32)
        titles = np.zeros_like(vectors)
        for i, row in enumerate(rows):
            about: dict[str, Any] = {
                "received_on": row.received_on,
                "closed": row.state == "closed",
                "deputy": row.deputy,
                "labels": labels.get(row.id, {}),
            }
            cases.append(
                make_case_text(str(row.id), texts[row.id], self._segmenter, **about)
                if row.bag is None
                else CaseText(
                    key=str(row.id),
                    bag=np.frombuffer(row.bag, dtype=WORD),
                    codes=np.frombuffer(row.codes, dtype="<u2"),
                    core=row.core,
                    **about,
                )
            )
            if row.document is None:
                suggestion = texts[row.id]
                vectors[i] = self._encoder.encode([document(suggestion.title, suggestion.body)])[0]
                titles[i] = self._encoder.encode([title_core(suggestion.title)])[0]
            else:
                vectors[i] = np.frombuffer(row.document, dtype=np.float32)
                titles[i] = np.frombuffer(row.title, dtype=np.float32)
        return cases, _as_kept(vectors), _as_kept(titles)


def _as_kept(vectors: Vectors) -> Vectors:
    return vectors.astype(np.float16).astype(np.float32)
