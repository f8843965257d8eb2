"""What a large ledger's texts have in common, from a fixed sample of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from triage.encoder import Vectors
from triage.pairs import Collection, Prior
from triage.stored_cases import StoredCases

SAMPLE = 20_000
BATCH = 2000


@dataclass(frozen=True)
class Sampled:
    """A collection scaled to the whole ledger, and the sample's vectors, shape (sample, dimensions)."""

    collection: Collection
    vectors: Vectors
    title_vectors: Vectors


def sample_collection(stored: StoredCases, prior: Prior, session: Session, *, size: int = SAMPLE) -> Sampled:
    """The collection as far as a sample of ``size`` cases tells; exactly where there are no more cases.

    A case is in the sample or not by a hash of its number: every process takes the same ones,
    and a ledger that grows changes only some of them.

    Args:
        prior: see Collection.
    """
    whole = session.execute(text('select count(*) from "case"')).scalar() or 0
    ids = (
        session.execute(text('select id from "case" order by hashint4(id), id limit :size'), {"size": size})
        .scalars()
        .all()
    )
    collection = Collection(*prior)
    vectors: list[Vectors] = [np.zeros((0, len(prior[0])), dtype=np.float32)]
    titles: list[Vectors] = [np.zeros((0, len(prior[0])), dtype=np.float32)]
    for start in range(0, len(ids), BATCH):
        found = stored.fetch(ids[start : start + BATCH], session, labelled=False)
        if found[0]:
            collection.add(*found)
        vectors.append(found[1])
        titles.append(found[2])
    _scale(collection, whole)
    return Sampled(collection, np.vstack(vectors), np.vstack(titles))


def _scale(collection: Collection, texts: int) -> None:
    """Counts of a sample made those of ``texts`` texts; the means stay."""
    if not collection.texts or collection.texts == texts:
        return
    factor = texts / collection.texts
    collection.texts = texts
    collection.words = {word: round(count * factor) for word, count in collection.words.items()}
    collection.runs = np.rint(collection.runs * factor).astype(np.int32)
    collection.title_runs = np.rint(collection.title_runs * factor).astype(np.int32)
