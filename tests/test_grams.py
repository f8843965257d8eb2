"""Runs of characters: counted and weighed as scikit-learn does it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from triage.grams import BUCKETS, Runs, codes_of, runs_of_all, weigh_runs

TEXTS = ["关于停车场收费的建议", "停车场收费太高", "农村电网改造", "农村公路改造与电网", "停"]


def runs_of(texts: list[str], cores: list[int] | None = None) -> Runs:
    return runs_of_all([codes_of(t) for t in texts], cores or [0] * len(texts))


def test_cosines_are_those_of_scikit_learn() -> None:
    texts_with = np.zeros(BUCKETS, dtype=np.int32)
    for text in TEXTS:
        texts_with[np.unique(runs_of([text]).buckets)] += 1
    ours = weigh_runs(runs_of(TEXTS), texts_with, len(TEXTS))
    theirs = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), sublinear_tf=True).fit_transform(TEXTS)
    assert (ours @ ours.T).toarray() == pytest.approx((theirs @ theirs.T).toarray(), abs=1e-6)


@pytest.mark.parametrize("text", ["", "停", "𠮷野家的牛", "坏\ud800字", "a, b。c"])
def test_any_text_is_kept_as_it_is(text: str) -> None:
    assert codes_of(text).tobytes().decode("utf-16-le", "surrogatepass") == text
    runs = runs_of([text]).buckets
    assert len(runs) == (2 * len(codes_of(text)) - 3 if len(codes_of(text)) > 1 else 0)
    assert (runs < BUCKETS).all()


def test_texts_without_runs_are_rows_of_nothing() -> None:
    rows = weigh_runs(runs_of(["停", ""]), np.zeros(BUCKETS, dtype=np.int32), 2)
    assert rows.shape[0] == 2
    assert rows.nnz == 0


def test_texts_read_together_have_the_runs_of_each() -> None:
    together = runs_of(TEXTS)
    for row, text in enumerate(TEXTS):
        assert sorted(together.buckets[together.row == row]) == sorted(runs_of([text]).buckets)


def test_a_title_has_the_runs_that_lie_inside_it() -> None:
    whole = runs_of(["停车场收费太高", "电网"], cores=[3, 0])
    assert sorted(whole.titles().buckets) == sorted(runs_of(["停车场"]).buckets)
    assert len(whole.with_titles(2).buckets) == len(whole.buckets) + 2 * 3


@pytest.mark.parametrize("copies", [1, 1100])  # beyond 1,024 texts the counts need wider numbers
def test_counts_are_those_of_counting_one_after_the_other(copies: int) -> None:
    bucket, row, counts = runs_of(["停车停车", "车"] * copies).per_text()
    found = {(int(b), int(r)): int(c) for b, r, c in zip(bucket, row, counts, strict=True)}
    again = {b: list(runs_of(["停车停车"]).buckets).count(b) for b in runs_of(["停车停车"]).buckets}
    assert found == {(b, 2 * i): n for b, n in again.items() for i in range(copies)}
