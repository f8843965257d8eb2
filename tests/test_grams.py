"""Runs of characters: counted and weighed as scikit-learn does it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from triage.grams import BUCKETS, codes_of, runs_of, weigh_runs

TEXTS = ["关于停车场收费的建议", "停车场收费太高", "农村电网改造", "农村公路改造与电网", "停"]


def test_cosines_are_those_of_scikit_learn() -> None:
    rows = [runs_of(codes_of(text)) for text in TEXTS]
    texts_with = np.zeros(BUCKETS, dtype=np.int32)
    for row in rows:
        texts_with[np.unique(row)] += 1
    ours = weigh_runs(rows, texts_with, len(TEXTS))
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True).fit_transform(TEXTS)
    assert (ours @ ours.T).toarray() == pytest.approx((theirs @ theirs.T).toarray(), abs=1e-6)


@pytest.mark.parametrize("text", ["", "停", "𠮷野家的牛", "坏\ud800字", "a, b。c"])
def test_any_text_is_kept_as_it_is(text: str) -> None:
    assert codes_of(text).tobytes().decode("utf-16-le", "surrogatepass") == text
    runs = runs_of(codes_of(text))
    assert len(runs) == (2 * len(codes_of(text)) - 3 if len(codes_of(text)) > 1 else 0)
    assert (runs < BUCKETS).all()


def test_texts_without_runs_are_rows_of_nothing() -> None:
    rows = weigh_runs([runs_of(codes_of(t)) for t in ("停", "")], np.zeros(BUCKETS, dtype=np.int32), 2)
    assert rows.shape[0] == 2
    assert rows.nnz == 0
