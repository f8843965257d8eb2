"""A poisoned year: a fifth of one label's cases get others; does the gate block it, does the report name it?

python -m training.measure_wrong_labels FOLDER [--json OUT]: the sample office's sections (invented) and the topics of
complaints_topic.csv in the folder. Finding the planted cases is compared with cleanlab, where it is installed
(requirements-benchmark.lock), on the same probabilities.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from training.gate import compare
from training.gold import GoldExample
from training.label_findings import ALIKE, likeness
from training.measure_reorganisation import read_office
from training.sample_office import CLOSED_YEAR
from training.wrong_labels import find_suspects, suspects_by_label
from triage.champions import DUTIES_ONLY
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.errors import InputError
from triage.reading import Reader, RememberingReader, make_reader
from triage.taxonomy import Label, Taxonomy

SHARE = 0.2
YEAR = 600  # complaints a year: three years, the last one poisoned
WAYS = {"spread": "each to another label at random", "one": "all to one other label"}


@dataclass(frozen=True)
class Scene:
    """Clean years and the one that is poisoned."""

    name: str
    target: str
    taxonomy: Taxonomy
    before: list[GoldExample]
    year: list[GoldExample]


def scenes(folder: Path | None) -> list[Scene]:
    """The sample office, whose champion is the duties alone; complaints in a random order, if they are there."""
    taxonomy, cases = read_office()
    found = [Scene("sample office", "section", taxonomy, [], cases)]
    if folder is None:
        return found
    with (folder / "complaints_topic.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    order = np.random.default_rng(0).permutation(len(rows))[: 3 * YEAR]
    gold = [
        GoldExample(
            date(2020, 1, 1) + timedelta(days=nth),
            Example(rows[i]["id"], rows[i]["title"], rows[i]["body"], rows[i]["topic"]),
        )
        for nth, i in enumerate(order)
    ]
    labels = tuple(Label(name) for name in sorted({g.example.label for g in gold}))
    topics = Taxonomy(topic=labels)
    return [*found, Scene("complaints", "topic", topics, gold[: 2 * YEAR], gold[2 * YEAR :])]


def poison(
    year: Sequence[GoldExample], label: str, way: str, seed: int
) -> tuple[list[GoldExample], set[str]]:
    """The year with SHARE of the label's cases under others, and which these are."""
    rng = np.random.default_rng(seed)
    own = [g.example.case for g in year if g.example.label == label]
    chosen = set(rng.choice(own, max(1, round(SHARE * len(own))), replace=False).tolist())
    others = sorted({g.example.label for g in year} - {label})
    one = str(rng.choice(others))
    return [
        replace(g, example=replace(g.example, label=one if way == "one" else str(rng.choice(others))))
        if g.example.case in chosen
        else g
        for g in year
    ], chosen


def clean_year(scene: Scene, reader: Reader) -> dict[str, Any]:
    """What is named and listed where nothing was planted; in the sample office how like cases of one matter are."""
    gold = [*scene.before, *scene.year]
    labels = scene.taxonomy.labels(scene.target)
    model = TargetModel.fit(scene.target, labels, [g.example for g in gold], reader)
    assert model.out_of_fold is not None
    suspects = find_suspects(gold, model.labels, model.out_of_fold)
    told: dict[str, Any] = {"data": scene.name, "clean": True, "listed_all": len(suspects)}
    told["named"] = sum(one.stands_out for one in suspects_by_label(gold, suspects))
    if scene.target == "section":
        with CLOSED_YEAR.open(encoding="utf-8-sig", newline="") as file:
            matters = {row["title"]: row["matter"] for row in csv.DictReader(file) if row["matter"]}
        own = np.array([matters.get(g.example.title, f"alone {nth}") for nth, g in enumerate(gold)])
        pairs = np.triu_indices(len(gold), 1)
        same = (own[:, None] == own[None, :])[pairs]
        above = likeness(model)[pairs] >= ALIKE
        told["pairs_of_one_matter"] = [int((same & above).sum()), int(same.sum())]
        told["other_pairs"] = [int((~same & above).sum()), int((~same).sum())]
    return told


def try_one(
    scene: Scene, label: str, way: str, seed: int, champion: TargetModel, reader: Reader
) -> dict[str, Any]:
    """One poisoned year: the gate, the names, and how well the planted ones are found."""
    year, planted = poison(scene.year, label, way, seed)
    gold = [*scene.before, *year]
    known = {g.example.case for g in scene.before}
    verdict = compare(
        scene.target, scene.taxonomy, gold, champion, known, reader, error_budget=0.05, seed=seed
    )
    labels = scene.taxonomy.labels(scene.target)
    model = TargetModel.fit(scene.target, labels, [g.example for g in gold], reader, seed=seed)
    assert model.out_of_fold is not None
    suspects = find_suspects(gold, model.labels, model.out_of_fold)
    named = {one.label for one in suspects_by_label(gold, suspects) if one.stands_out}
    touched = {label, *(g.example.label for g in year if g.example.case in planted)}
    own = np.array([model.labels.index(g.example.label) for g in gold])
    truth = np.array([g.example.case in planted for g in gold])
    listed = {s.case for s in suspects}
    ten = {s.case for s in suspects[:10]}
    first = {s.case for s in suspects[: len(planted)]}
    return {
        "planted": len(planted),
        "blocked": not verdict.promote,
        "named": label in named,
        "named_wrongly": len(named - touched),
        "listed": len(planted & listed) / len(planted),
        "listed_all": len(listed),
        "among_ten": bool(planted & ten),
        "first": len(planted & first) / len(planted),
        "average_precision": {
            name: float(average_precision_score(truth, scores))
            for name, scores in _rankings(
                gold, own, model.out_of_fold, [s.case for s in suspects], seed
            ).items()
        },
    }


def _rankings(
    gold: Sequence[GoldExample],
    own: NDArray[np.int_],
    unseen: NDArray[np.float64],
    suspects: Sequence[str],
    seed: int,
) -> dict[str, NDArray[np.float64]]:
    """Scores of each example, higher is more suspect: ours, chance, and cleanlab's two."""
    place = {case: len(suspects) - nth for nth, case in enumerate(suspects)}
    of_own = unseen[np.arange(len(own)), own]
    # those that are no suspects come after all that are, by their own probability
    ours = np.array([place.get(g.example.case, -of_own[i]) for i, g in enumerate(gold)])
    found = {"ours": ours, "by chance": np.random.default_rng(seed).random(len(own))}
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        return found
    for method in ("normalized_margin", "self_confidence"):
        found[f"cleanlab {method}"] = -get_label_quality_scores(own, unseen, method=method)
    quality = -get_label_quality_scores(own, unseen, method="normalized_margin")
    issues = find_label_issues(own, unseen, filter_by="both", n_jobs=1)
    found["cleanlab find_label_issues"] = np.where(issues, 10.0, 0.0) + quality
    return found


def main(argv: Sequence[str] | None = None) -> None:
    """For each scene and way the mean over labels and seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    if args.folder is not None and not (args.folder / "complaints_topic.csv").is_file():
        raise InputError(f"{args.folder} 中没有 complaints_topic.csv。")
    settings = Settings.from_env()
    report = []
    for scene in scenes(args.folder):
        plain = make_reader(settings.encoder, scene.taxonomy.terms())
        reader = RememberingReader(plain.segmenter, plain.encoder)
        labels = scene.taxonomy.labels(scene.target)
        champion = TargetModel.fit(scene.target, labels, [g.example for g in scene.before], reader)
        champion.version = champion.version if scene.before else DUTIES_ONLY
        print(json.dumps(clean_year(scene, reader), ensure_ascii=False))
        for way, said in WAYS.items():
            runs = [
                try_one(scene, label.name, way, seed, champion, reader)
                for label in labels
                for seed in range(args.seeds)
                if any(g.example.label == label.name for g in scene.year)
            ]
            told = _told(scene, said, runs)
            report.append(told)
            print(json.dumps(told, ensure_ascii=False))
    if args.json:
        args.json.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _told(scene: Scene, said: str, runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"data": scene.name, "way": said, "years": len(runs)}
    told["cases"] = len(scene.before) + len(scene.year)
    for key in ("planted", "blocked", "named", "named_wrongly", "listed", "listed_all", "among_ten", "first"):
        told[key] = round(fmean(float(run[key]) for run in runs), 3)
    for key in ("named", "among_ten"):
        told[f"blocked_or_{key}"] = round(fmean(run["blocked"] or run[key] for run in runs), 3)
    told["average_precision"] = {
        name: [
            round(fmean(run["average_precision"][name] for run in runs), 3),
            round(pstdev(run["average_precision"][name] for run in runs), 3),
        ]
        for name in runs[0]["average_precision"]
    }
    return told


if __name__ == "__main__":
    main()
