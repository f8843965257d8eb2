"""What a person should look into of the labels: likely wrong ones, like cases decided apart, unused labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.gold import GoldExample
from training.wrong_labels import find_suspects, suspects_by_label
from triage.classifier import TargetModel

SHOWN = 30
SHOWN_PAIRS = 15
NEWEST = 3000  # examples among which pairs are looked for
ALIKE = 0.35  # of 1; docs/decisions/0018-wrong-labels.md says how many pairs of one matter lie above
LEAST_BEFORE = 3  # cases a year from which it tells that there are none the next
LEAST_YEAR = 20  # cases of a year that can tell


@dataclass(frozen=True)
class Pair:
    """Two cases that say much the same and that two people decided differently."""

    first: str
    second: str
    first_label: str
    second_label: str
    first_who: str
    second_who: str
    alike: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def label_findings(gold: Sequence[GoldExample], model: TargetModel) -> dict[str, Any]:
    """Findings on one target, fit for JSON.

    Args:
        gold: what ``model`` was fitted on just now, so that it has ``out_of_fold``.
    """
    known = set(model.labels)
    gold = [g for g in gold if g.example.label in known]
    assert model.out_of_fold is not None
    suspects = find_suspects(gold, model.labels, model.out_of_fold)
    return {
        "suspects": [one.to_dict() for one in suspects[:SHOWN]],
        "suspected": len(suspects),
        "by_label": [one.to_dict() for one in suspects_by_label(gold, suspects)],
        "differing": [one.to_dict() for one in differing_pairs(gold, model)],
        "unused": unused_labels(gold),
    }


def differing_pairs(gold: Sequence[GoldExample], model: TargetModel) -> list[Pair]:
    """Pairs among the newest examples, the most alike first; each case in one pair."""
    start = max(0, len(gold) - NEWEST)
    alike = likeness(model, start)
    people = gold[start:]
    labels = np.array([g.example.label for g in people])
    who = np.array([g.who for g in people])
    by_a_person = np.array([g.by_a_person for g in people], dtype=bool)
    apart = (labels[:, None] != labels[None, :]) & (who[:, None] != who[None, :])
    apart &= by_a_person[:, None] & by_a_person[None, :]
    rows, columns = np.nonzero(np.triu(apart & (alike >= ALIKE), 1))
    order = np.argsort(-alike[rows, columns], kind="stable")
    found, taken = [], set[int]()
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if i in taken or j in taken:
            continue
        taken |= {i, j}
        a, b = people[i], people[j]
        found.append(
            Pair(
                *(a.example.case, b.example.case, a.example.label, b.example.label, a.who, b.who),
                round(float(alike[i, j]), 3),
            )
        )
        if len(found) == SHOWN_PAIRS:
            break
    return found


def likeness(model: TargetModel, start: int = 0) -> NDArray[np.float64]:
    """Of each two examples from ``start`` on, shape (n, n): the measure of a recommendation's nearest cases."""
    lexical, dense = (model.state[name][start:] for name in ("example_lexical", "example_dense"))
    words = 0.5 * (lexical @ lexical.T).toarray()  # two unit vectors side by side
    return np.asarray(0.5 * words + 0.5 * (dense @ dense.T) if dense.shape[1] else words, dtype=np.float64)


def unused_labels(gold: Sequence[GoldExample]) -> list[dict[str, Any]]:
    """Labels that nobody gave in the newest year, though the year before did."""
    if not gold:
        return []
    year = gold[-1].received_on.year
    counts = {y: Counter(g.example.label for g in gold if g.received_on.year == y) for y in (year - 1, year)}
    if sum(counts[year].values()) < LEAST_YEAR:
        return []
    return [
        {"label": label, "year": year, "before": before}
        for label, before in sorted(counts[year - 1].items())
        if before >= LEAST_BEFORE and not counts[year][label]
    ]


def sentences(
    name: str, findings: dict[str, Any], gold: Sequence[GoldExample], numbers: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The findings on one target as the report tells them: a sentence and its cases each.

    Args:
        name: of the target; numbers: case to its number.
    """
    titles = {g.example.case: g.example.title for g in gold}

    def cases(ids: Sequence[str]) -> list[dict[str, Any]]:
        return [{"id": int(i), "number": numbers.get(i, ""), "title": titles.get(i, "")} for i in ids]

    told = []
    for one in findings["by_label"]:
        if one["stands_out"]:
            own = [s["case"] for s in findings["suspects"] if one["label"] in (s["label"], s["likely"])]
            said = (
                f"{name}“{one['label']}”的 {one['n']} 件里有 {one['suspected']} 件像是别的,"
                f"另有别的 {one['missing']} 件像是它的,明显多于其他,值得再看"
            )
            told.append({"sentence": said, "cases": cases(own)})
    if findings["suspected"]:
        said = f"{name}共有 {findings['suspected']} 件的认定与内容不像,最不像的排在前面"
        told.append({"sentence": said, "cases": cases([s["case"] for s in findings["suspects"][:10]])})
    for pair in findings["differing"][:5]:
        said = (
            f"内容相近的两件,{name}由{pair['first_who']}认定为“{pair['first_label']}”,"
            f"由{pair['second_who']}认定为“{pair['second_label']}”,值得谈一谈"
        )
        told.append({"sentence": said, "cases": cases([pair["first"], pair["second"]])})
    for one in findings["unused"]:
        said = f"{name}“{one['label']}”在 {one['year']} 年没有人认定过,上一年有 {one['before']} 件"
        told.append({"sentence": said, "cases": []})
    return told
