"""Fit the pair score and print its weights, quality and thresholds.

Run as ``python -m training.fit_related FOLDER``. What is learned from:

- the invented sample office: all pairs of its closed year and incoming pile; a pair belongs
  together where the two share a slug in the ``matter`` column;
- invented titles of suggestions, training/suggestion_titles/learned.csv, with labels from the
  sample office's duties alone: the first writer's for the weights, the second's for the curve
  of wrong proposals (held_out.csv is never read here);
- FOLDER/messages.csv with related_issues.csv: citizens' messages on five issues, each
  against all others. They teach how much the same words weigh; each issue counts alike.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from training.pair_fit import PairSet, fit
from training.sample_office import CLOSED_YEAR, INCOMING, INCOMING_LABELS, OFFICE
from triage.case_index import CaseIndex, make_case_text
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.documents.rows import BadRow, Row, read_csv, read_text
from triage.encoder import Encoder, get_encoder
from triage.errors import InputError
from triage.reading import Reader, RememberingReader, Suggestion
from triage.related import WEIGHTS, PairWeights, probability, strengths, weights_for
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy
from triage.text import get_segmenter

ISSUE = 1.5  # an issue of the messages counts as so many cases: five issues, hundreds of titles and cases
TITLES = Path(__file__).parent / "suggestion_titles"
Labels = Sequence[dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Corpus:
    """Cases in an index and which of them belong together.

    Attributes:
        groups: of each case the slugs of what it asks for; two with a common one belong together.
        asked: positions of the cases whose pairs with all others are judged.
    """

    name: str
    index: CaseIndex
    suggestions: Sequence[Suggestion]
    groups: Sequence[frozenset[str]]
    asked: Sequence[int]

    def pairs(self) -> PairSet:
        """The judged pairs, each once where both cases are asked for, by equal weight of issues."""
        index = self.index
        everyone = np.arange(len(index))
        features = index.block_of(everyone).features(list(self.asked))
        together = np.array([[bool(self.groups[i] & g) for g in self.groups] for i in self.asked])
        whole = len(self.asked) == len(index)
        at = np.array(self.asked)[:, None]
        kept = everyone[None, :] > at if whole else everyone[None, :] != at
        sizes = Counter(slug for i in self.asked for slug in self.groups[i])
        share = [1.0 if whole else ISSUE / max(sizes[s] for s in self.groups[i]) for i in self.asked]
        importance = np.repeat(np.array(share)[:, None], len(index), axis=1)
        return PairSet(
            {name: values[kept] for name, values in features.items()},
            together[kept],
            importance[kept],
            len(index),
        )

    def proposals(self, top: int = 10) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores as the program gives them, of each asked case with its best, and which belong together."""
        best: dict[frozenset[int], float] = {}
        for i in self.asked:
            case = self.index.cases[i]
            vector, title = self.index.vectors_of(i)
            for r in self.index.search(self.suggestions[i], case, vector, title, top):
                pair = frozenset((i, self.index.position(r.key)))
                best[pair] = max(best.get(pair, 0.0), r.score)
        pairs = [tuple(sorted(p)) for p in best]
        return (
            np.array(list(best.values())),
            np.array([bool(self.groups[a] & self.groups[b]) for a, b in pairs]),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 data missing."""
    parser = argparse.ArgumentParser(prog="python -m training.fit_related")
    parser.add_argument("data", type=Path, help="放有 messages.csv 和 related_issues.csv 的文件夹")
    parser.add_argument("--title-encoder", default="", help="标题另用的句向量编码器")
    asked = parser.parse_args(arguments)
    settings = Settings.from_env()
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms())
    reader = RememberingReader(segmenter, get_encoder(settings.encoder))
    second = get_encoder(asked.title_encoder) if asked.title_encoder else None
    start = weights_for(asked.title_encoder)
    try:
        corpora = [
            sample_office(reader, taxonomy, second),
            *learned_titles(reader, taxonomy, second),
            messages(asked.data, reader, taxonomy, second),
        ]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    to_fit = [corpora[0], corpora[1], corpora[-1]]
    sets = [corpus.pairs() for corpus in to_fit]
    for corpus, pairs in zip(to_fit, sets, strict=True):
        print(f"{corpus.name}: {len(pairs.together)} pairs, {pairs.together.sum()} together")
    # every labelled set teaches what to do without labels as well
    weights = fit([*sets, *(without_labels(s) for s in sets[:-1])], start, hold=0.0, from_scratch=True)
    for way in ("wording", "matter", "matter_unlabelled"):
        print(f"{way} = {getattr(weights, way)}")
    for name, used in (("fitted", weights), ("in use", start)):
        for corpus, pairs in zip(to_fit, sets, strict=True):
            report(f"{name}, {corpus.name}", pairs, used)
    for corpus in corpora:
        corpus.index.weights = weights
    print("proposals with third cases:")
    scores, together = map(np.concatenate, zip(*(c.proposals() for c in corpora[:-1]), strict=True))
    print(f"curve = {curve(scores, together)}")
    return 0


def sample_office(reader: RememberingReader, taxonomy: Taxonomy, second: Encoder | None) -> Corpus:
    """All cases of the sample office; the incoming pile carries predicted labels, as in use."""
    closed, incoming, matters = _rows(CLOSED_YEAR), _rows(INCOMING), _read_matters()
    rows = [*closed, *incoming]
    suggestions = [Suggestion(r.get("title"), r.get("body")) for r in rows]
    labels: list[dict[str, dict[str, float]]] = [{t: {r.get(t): 1.0} for t in TARGETS} for r in closed]
    labels += [{} for _ in incoming]
    for target in TARGETS:
        examples = [Example(r.get("number"), r.get("title"), r.get("body"), r.get(target)) for r in closed]
        model = TargetModel.fit(target, taxonomy.labels(target), examples, reader)
        predicted = model.predict(suggestions[len(closed) :])
        for own, p in zip(labels[len(closed) :], predicted, strict=True):
            own[target] = dict(p.ranked)
    groups = [matters[r.get("session"), r.get("number")] for r in rows]
    index = _index(suggestions, labels, reader, taxonomy, second)
    return Corpus("sample office", index, suggestions, groups, range(len(rows)))


def learned_titles(reader: Reader, taxonomy: Taxonomy, second: Encoder | None) -> list[Corpus]:
    """The titles to learn from, a corpus for each writer."""
    rows = list(csv.DictReader(read_text(TITLES / "learned.csv").splitlines()))
    writers = dict.fromkeys(row["writer"] for row in rows)
    return [titles(w, [r for r in rows if r["writer"] == w], reader, taxonomy, second) for w in writers]


def titles(
    name: str,
    rows: Sequence[Mapping[str, str]],
    reader: Reader,
    taxonomy: Taxonomy,
    second: Encoder | None,
) -> Corpus:
    """Titles with their groups; labels from the duties alone."""
    suggestions = [Suggestion(row["title"], "") for row in rows]
    labels: list[dict[str, dict[str, float]]] = [{} for _ in rows]
    for target in TARGETS:
        model = TargetModel.fit(target, taxonomy.labels(target), [], reader)
        for own, p in zip(labels, model.predict(suggestions), strict=True):
            own[target] = dict(p.ranked)
    groups = [frozenset({row["group"]} - {""}) for row in rows]
    index = _index(suggestions, labels, reader, taxonomy, second)
    return Corpus(name, index, suggestions, groups, range(len(rows)))


def messages(folder: Path, reader: Reader, taxonomy: Taxonomy, second: Encoder | None) -> Corpus:
    """Citizens' messages and the issues that some of them belong to; no labels."""
    rows = [r for r in read_csv(folder / "messages.csv") if not isinstance(r, BadRow)]
    issue = {
        row["id"]: row["group"]
        for row in csv.DictReader(read_text(folder / "related_issues.csv").splitlines())
    }
    suggestions = [Suggestion(r.get("title"), r.get("body")) for r in rows]
    groups = [frozenset({issue.get(r.reference, "")} - {""}) for r in rows]
    index = _index(suggestions, [{} for _ in rows], reader, taxonomy, second)
    asked = [i for i, group in enumerate(groups) if group]
    return Corpus("messages", index, suggestions, groups, asked)


def _index(
    suggestions: Sequence[Suggestion],
    labels: Labels,
    reader: Reader,
    taxonomy: Taxonomy,
    second: Encoder | None,
) -> CaseIndex:
    index = CaseIndex(reader.segmenter, reader.encoder, taxonomy, WEIGHTS, second)
    documents, own_titles = index.encode(suggestions)
    for i, suggestion in enumerate(suggestions):
        case = make_case_text(str(i), suggestion, reader.segmenter, labels=labels[i])
        index.add(case, documents[i], own_titles[i])
    return index


def without_labels(pairs: PairSet) -> PairSet:
    """The same pairs as of an office without sections."""
    none = np.full(len(pairs.together), np.nan)
    unlabelled = {"section": none, "topic": none, "named": np.zeros(len(none))}
    return replace(pairs, features={**pairs.features, **unlabelled})


def report(name: str, pairs: PairSet, weights: PairWeights) -> None:
    """Average precision, ROC AUC and calibration of single pairs."""
    strong = strengths(pairs.features, weights, pairs.cases)
    p = probability(strong, pairs.features["named"], weights, pairs.cases)
    print(
        f"{name}: average precision {average_precision_score(pairs.together, p):.3f}, "
        f"ROC AUC {roc_auc_score(pairs.together, p):.3f}, "
        f"pairs expected {p.sum():.0f}, together {pairs.together.sum()}"
    )


def curve(scores: NDArray[np.float64], together: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Rising scores with the share of wrong pairs from each on, never rising with the score."""
    steps = np.round(np.arange(0.1, 1.0, 0.02), 2)
    wrong = [float(1 - together[scores >= s].mean()) if (scores >= s).any() else 0.0 for s in steps]
    falling = np.minimum.accumulate(wrong)
    return tuple((float(s), round(float(w), 3)) for s, w in zip(steps, falling, strict=True))


def _rows(path: Path) -> list[Row]:
    return [row for row in read_csv(path) if not isinstance(row, BadRow)]


def _read_matters() -> dict[tuple[str, str], frozenset[str]]:
    found = {}
    for path in (CLOSED_YEAR, INCOMING_LABELS):
        for row in csv.DictReader(read_text(path).splitlines()):
            slugs = frozenset(slug for slug in row["matter"].split(";") if slug)
            found[row["session"], row["number"]] = slugs
    return found


if __name__ == "__main__":
    sys.exit(main())
