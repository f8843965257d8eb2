"""Counting words and runs: quicker than scikit-learn for a few texts, and the same counts."""

from __future__ import annotations

import pytest
from sklearn.feature_extraction.text import CountVectorizer

from training import sample_office
from triage.documents.rows import BadRow, read_csv
from triage.tfidf import count, count_beside, gram_counter, word_counter

TEXTS = [row.get("body") for row in read_csv(sample_office.CLOSED_YEAR) if not isinstance(row, BadRow)] + [
    "",
    " ",
    "停",
    "两  处\t空白\n换行",
    "停车 停车 x",
    "𠮷野家",
]


@pytest.mark.parametrize("counter", [word_counter(), gram_counter(2), gram_counter(3, fewest=2)])
def test_counts_are_those_of_scikit_learn(counter: CountVectorizer) -> None:
    counter.fit(TEXTS[::2])
    ours, theirs = count(counter, TEXTS), counter.transform(TEXTS)
    assert ours.shape == theirs.shape
    assert (ours != theirs).nnz == 0
    assert ours.dtype == theirs.dtype
    assert ours.has_sorted_indices


def test_counters_side_by_side_are_the_counters_one_after_the_other() -> None:
    words, grams = word_counter().fit(TEXTS), gram_counter(2).fit(TEXTS)
    both = count_beside((words, TEXTS), (grams, TEXTS))
    split = len(words.vocabulary_)
    assert (both[:, :split] != words.transform(TEXTS)).nnz == 0
    assert (both[:, split:] != grams.transform(TEXTS)).nnz == 0
