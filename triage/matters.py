"""Where a text can be cut into two matters: parts that look like different labels and share few words.

An enumeration inside one matter (first, second, third) keeps to the matter's words and label;
two matters in one suggestion do not. Length does not count: a part's scores are divided by
its own length, and shared words are measured against the poorer part.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from triage.reading import Readings
from triage.tfidf import count, gram_counter, rarity_of, weigh
from triage.words import general_rarity

GRAM = 3  # characters in the longest run that is counted
FRAGMENT = 8  # characters below which a sentence is no sentence
SMALLEST_PART = 0.2  # of a text, in characters, that can be a matter of its own
COHESION = 2.0  # what shared words take off; chosen on the sample office and complaints
COMMON = 5.0  # rarity up to which a shared word says nothing
SCALE = 200  # cases whose sentences put label scores on one scale
CANNOT = -10.0  # score of a text that cannot be cut

_SENTENCE = re.compile(r"[^。!?;]*[。!?;]+|[^。!?;]+$")

Scores = NDArray[np.float64]
Cut = tuple[list[str], sp.csr_matrix]  # sentences and their counts of character grams


@dataclass(frozen=True)
class Split:
    """The best place to cut a text: its score, the parts, the index of the label each looks like."""

    score: float
    parts: tuple[str, str] = ("", "")
    labels: tuple[int, int] = (0, 0)


class MatterModel:
    """Finds the best split of a text. ``state`` is a plain dict, fit for joblib."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state

    @classmethod
    def fit(
        cls,
        phrases: Sequence[tuple[int, str]],
        background: Sequence[str],
        texts: Readings,
        truth: NDArray[np.int_],
    ) -> tuple[MatterModel, Scores]:
        """Learn from phrases with their label's index and from n cases; either may be missing.

        Args:
            background: phrases of no label, only for how rare a character gram is.
            truth: index of each case's label, shape (n,).

        Returns:
            The model, and the scores of the cases, shape (n,), by models that had not seen them.
        """
        said = [phrase for _, phrase in phrases]
        counter = gram_counter(GRAM, min_df(len(texts))).fit([*said, *background, *texts.documents])
        model = cls({"counter": counter})
        cuts = [model._cut(texts, i) for i in range(len(texts))]
        known = _Known(
            phrases=count(counter, said),
            phrase_labels=np.array([k for k, _ in phrases], dtype=int),
            background=count(counter, background),
            cases=count(counter, texts.documents),
            truth=truth,
            sample=count(counter, [s for sentences, _ in cuts[:SCALE] for s in sentences] or said),
        )
        every, unseen = np.arange(len(texts)), np.full(len(texts), CANNOT)
        model.state["learned"] = known.learn(every)
        for held_out in known.folds():
            learned = known.learn(np.setdiff1d(every, held_out))
            unseen[held_out] = [model._split(texts, i, cuts[i], learned).score for i in held_out]
        return model, unseen

    def split(self, texts: Readings) -> list[Split]:
        """The best split of each text; CANNOT where there is none."""
        learned = self.state["learned"]
        return [self._split(texts, i, self._cut(texts, i), learned) for i in range(len(texts))]

    def _cut(self, texts: Readings, i: int) -> Cut:
        title = title_of(texts, i)
        sentences = _sentences(texts.documents[i][len(title) + 1 if title else 0 :])
        return sentences, count(self.state["counter"], sentences)

    def _split(self, texts: Readings, i: int, cut: Cut, learned: dict[str, Any]) -> Split:
        """Every position is tried at once: sums over the sentences give each part's label
        scores (additive) and length (from the sentences' products)."""
        sentences, counts = cut
        sizes = np.array([len(s) for s in sentences], dtype=float)
        share = np.cumsum(sizes) / max(1.0, sizes.sum())
        cuts = np.flatnonzero((share >= SMALLEST_PART) & (share <= 1 - SMALLEST_PART))
        if not learned or not len(cuts):
            return Split(CANNOT)
        grams = sp.diags(np.sqrt(sizes)) @ weigh(counts, learned["rarity"])
        first, second = _two_sums(np.asarray(grams @ learned["coef"]), cuts)
        inner = np.cumsum(np.cumsum((grams @ grams.T).toarray(), axis=0), axis=1)
        before, both, whole = inner[cuts, cuts], inner[cuts, -1], inner[-1, -1]
        first = first / np.sqrt(np.maximum(before, 1e-9))[:, None]
        second = second / np.sqrt(np.maximum(whole - 2 * both + before, 1e-9))[:, None]
        rows, a, b = np.arange(len(cuts)), first.argmax(axis=1), second.argmax(axis=1)
        apart = np.minimum(first[rows, a] - first[rows, b], second[rows, b] - second[rows, a])
        score = apart - COHESION * self._cohesion(_words_by_sentence(texts, i, sentences), cuts)
        best = int(score.argmax())
        at = int(cuts[best]) + 1
        parts = "".join(sentences[:at]), "".join(sentences[at:])
        return Split(float(score[best]), parts, (int(a[best]), int(b[best])))

    def _cohesion(self, words: Sequence[Sequence[str]], cuts: NDArray[np.int_]) -> Scores:
        """How much telling words tie the parts together at each cut, 0 to about 2.

        Two shares are added: of the poorer part's words, those that the other has too; and
        of the words that recur at all, those that recur across the cut.
        """
        columns = {word: k for k, word in enumerate(dict.fromkeys(w for own in words for w in own))}
        counts = np.zeros((len(words), len(columns)))
        for row, own in enumerate(words):
            for word in own:
                counts[row, columns[word]] += 1
        weight = np.array([max(0.0, general_rarity(word) - COMMON) for word in columns])
        before, after = _two_sums(counts, cuts)
        shared = ((before > 0) & (after > 0)) @ weight
        poorer = np.minimum((before > 0) @ weight, (after > 0) @ weight)
        recurring = (counts.sum(axis=0) >= 2) @ weight
        # the constants, a word or two's weight, keep very short parts from deciding
        return np.asarray(shared / np.maximum(poorer, 20.0) + (shared + 4.0) / (recurring + 8.0))


@dataclass(frozen=True)
class _Known:
    """What label scores are learned from, as counts of character grams; cases may be missing.

    Attributes:
        sample: sentences that put the scores on one scale.
    """

    phrases: sp.csr_matrix
    phrase_labels: NDArray[np.int_]
    background: sp.csr_matrix
    cases: sp.csr_matrix
    truth: NDArray[np.int_]
    sample: sp.csr_matrix

    def folds(self) -> list[NDArray[np.int_]]:
        """Five parts of the cases with each label spread evenly; fewer where there are fewer cases."""
        order = np.argsort(self.truth, kind="stable")
        return [np.sort(order[start::5]) for start in range(min(5, len(order)))]

    def learn(self, rows: NDArray[np.int_]) -> dict[str, Any]:
        """Linear label scores from the phrases and the cases ``rows``, both of equal say.

        Rarity is learned anew too: a gram that only a left-out case has must count for nothing.
        Empty where neither phrases nor cases know two labels.
        """
        from sklearn.svm import LinearSVC  # 8 MB that a process which only serves does without

        cases = self.cases[rows]
        rarity = rarity_of(sp.vstack([self.phrases, self.background, cases]).tocsr(), min_df(len(rows)))
        sample = weigh(self.sample, rarity)
        labels = 1 + max([*self.phrase_labels, *self.truth], default=0)
        parts = []
        for counts, truth in ((self.phrases, self.phrase_labels), (cases, self.truth[rows])):
            present = np.unique(truth)
            if len(present) < 2:
                continue
            svm = LinearSVC(class_weight="balanced", random_state=0)
            coef = svm.fit(weigh(counts, rarity), truth).coef_
            if len(present) == 2:  # scikit-learn keeps one row for two labels
                coef = np.vstack([-coef[0], coef[0]])
            scores = np.asarray(sample @ coef.T)
            part = np.zeros((len(rarity), labels))
            part[:, present] = coef.T / max(1e-9, (scores - scores.mean(axis=1, keepdims=True)).std())
            parts.append(part)
        if not parts:
            return {}
        coef = (sum(parts) / np.sqrt(len(parts))).astype(np.float32)
        return {"rarity": rarity, "coef": coef}


def min_df(cases: int) -> int:
    """In how many texts a gram must be: of many cases, one that a case alone has says nothing."""
    return 2 if cases else 1


def title_of(texts: Readings, i: int) -> str:
    """The title, which a reading has once more at the end of the weighed text."""
    return texts.weighed[i][len(texts.documents[i]) + 1 :]


def _sentences(text: str) -> list[str]:
    """Sentences of a cleaned text; fragments join what stands before them."""
    found: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if found and min(len(sentence), len(found[-1])) < FRAGMENT:
            found[-1] += sentence
        else:
            found.append(sentence)
    return found


def _words_by_sentence(texts: Readings, i: int, sentences: Sequence[str]) -> list[list[str]]:
    """The words that were segmented already, dealt out to the sentences of the body."""
    start = len(texts.documents[i]) - sum(map(len, sentences))
    ends = (start + np.cumsum([len(s) for s in sentences])).tolist()
    found: list[list[str]] = [[] for _ in sentences]
    at = 0
    for word in texts.words[i].split():
        at = texts.weighed[i].index(word, at)
        row = bisect_right(ends, at)
        if at >= start and row < len(sentences) and len(word) > 1:
            found[row].append(word)
        at += len(word)
    return found


def _two_sums(rows: NDArray[Any], cuts: NDArray[np.int_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Sums of the rows up to and with each cut, and after it."""
    total = np.cumsum(rows, axis=0)
    return total[cuts], total[-1] - total[cuts]
