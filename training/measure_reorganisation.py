"""A section split in two, in the sample office: the first day and the year's end, against starting over.

python -m training.measure_reorganisation [--json OUT]. The sample office is invented. Two of its sections are
taken as one for the first half of its closed cases; then they part, as the office has them. The labels of
the first half are then those of the one that was split, so what they ought to become is known.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from training.gold import GoldExample
from training.mapping import map_labels
from training.sample_office import CLOSED_YEAR, INCOMING, INCOMING_LABELS, OFFICE
from triage.bridge import Bridge
from triage.classifier import Example, TargetModel
from triage.config import Settings
from triage.documents.rows import BadRow, Row, read_csv
from triage.prediction import Prediction
from triage.reading import Reader, RememberingReader, Suggestion, make_reader
from triage.taxonomy import Label, Taxonomy, load_taxonomy

# such as bureaus have joined and parted; no section is in two pairs, so their cases can be counted together
PAIRS = (
    ("产业发展科", "服务业发展科"),
    ("基础设施科", "固定资产投资科"),
    ("农村经济科", "粮食和物资储备科"),
    ("能源科", "资源节约和环境保护科"),
    ("发展规划科", "区域合作科"),
    ("价格收费管理科", "营商环境和信用建设科"),
    ("社会发展科", "国民经济综合科"),
)
BEFORE, AFTER = 120, 72  # closed cases before the split, and from it to the year's end; the rest is asked


@dataclass(frozen=True)
class Tally:
    """Right ones among the cases of the two sections, and among all."""

    own_right: int
    own: int
    all_right: int
    all: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(a + b for a, b in zip(self.parts, other.parts, strict=True)))

    @property
    def parts(self) -> tuple[int, int, int, int]:
        return self.own_right, self.own, self.all_right, self.all

    def to_dict(self) -> dict[str, Any]:
        own, whole = (
            binomtest(right, n).proportion_ci(method="wilson")
            for right, n in ((self.own_right, self.own), (self.all_right, self.all))
        )
        return {
            "own": round(self.own_right / self.own, 4),
            "own_n": self.own,
            "own_interval": [round(own.low, 4), round(own.high, 4)],
            "all": round(self.all_right / self.all, 4),
            "all_n": self.all,
            "all_interval": [round(whole.low, 4), round(whole.high, 4)],
        }


def read_office() -> tuple[Taxonomy, list[GoldExample]]:
    """The sample office and all its cases with a section, oldest first: the closed year, then the incoming."""
    with INCOMING_LABELS.open(encoding="utf-8", newline="") as file:
        labels = {row["number"]: row["section"] for row in csv.DictReader(file)}
    rows = [(row, row.get("section")) for row in _rows(CLOSED_YEAR)]
    rows += [(row, labels[row.get("number")]) for row in _rows(INCOMING)]
    found = [
        GoldExample(
            date.fromisoformat(row.get("received_on")),
            Example(f"{nth}", row.get("title"), row.get("body"), label),
        )
        for nth, (row, label) in enumerate(rows)
        if label
    ]
    return load_taxonomy(OFFICE), sorted(found, key=lambda g: g.received_on)


def _rows(path: Path) -> list[Row]:
    return [row for row in read_csv(path) if not isinstance(row, BadRow)]


def split_in_two(
    pair: tuple[str, str], taxonomy: Taxonomy, cases: Sequence[GoldExample], reader: Reader
) -> dict[str, Tally]:
    """What each way of going on is worth for one pair of sections."""
    first, second = (next(x for x in taxonomy.section if x.name == name) for name in pair)
    joined = Label(
        f"{first.name}和{second.name}", f"{first.description}{second.description}", first.terms + second.terms
    )
    others = tuple(x for x in taxonomy.section if x.name not in pair)
    before = replace(taxonomy, section=(*others, joined))
    after = replace(taxonomy, section=(*taxonomy.section, replace(joined, active=False, successors=pair)))
    year_one = [_called(g, joined.name) if g.example.label in pair else g for g in cases[:BEFORE]]
    year_two, asked = cases[BEFORE : BEFORE + AFTER], cases[BEFORE + AFTER :]
    old = _fit(before, year_one, reader)
    mapped = map_labels("section", year_one, after, reader)
    first_day = cases[BEFORE:]

    def tally(model: TargetModel, whom: Sequence[GoldExample]) -> Tally:
        texts = reader.read([Suggestion(g.example.title, g.example.body) for g in whom])
        return _tally(Bridge(model, after).predict_read(texts), whom, pair)

    return {
        "first day, bridge": tally(old, first_day),
        "first day, starting over": tally(_fit(after, [], reader), first_day),
        "year's end, mapped": tally(_fit(after, [*mapped.examples, *year_two], reader), asked),
        "year's end, mapped and reviewed": tally(_fit(after, cases[: BEFORE + AFTER], reader), asked),
        "year's end, starting over": tally(_fit(after, year_two, reader), asked),
    }


def _called(one: GoldExample, label: str) -> GoldExample:
    return replace(one, example=replace(one.example, label=label))


def _fit(taxonomy: Taxonomy, gold: Sequence[GoldExample], reader: Reader) -> TargetModel:
    return TargetModel.fit("section", taxonomy.section, [g.example for g in gold], reader)


def _tally(predictions: Sequence[Prediction], asked: Sequence[GoldExample], pair: tuple[str, str]) -> Tally:
    right = [p.label == g.example.label for p, g in zip(predictions, asked, strict=True)]
    own = [r for r, g in zip(right, asked, strict=True) if g.example.label in pair]
    return Tally(sum(own), len(own), sum(right), len(right))


def main(argv: Sequence[str] | None = None) -> None:
    """Accuracy on the cases of the two sections and on all, over all pairs, with Wilson intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    settings = Settings.from_env()
    taxonomy, cases = read_office()
    plain = make_reader(settings.encoder, taxonomy.terms())
    reader = RememberingReader(plain.segmenter, plain.encoder)
    total: dict[str, Tally] = {}
    for pair in PAIRS:
        for name, found in split_in_two(pair, taxonomy, cases, reader).items():
            total[name] = total[name] + found if name in total else found
    told = {name: tally.to_dict() for name, tally in total.items()}
    for name, t in told.items():
        own, whole = t["own_interval"], t["all_interval"]
        print(
            f"{name:34s} cases of the two {t['own']:.3f} ({own[0]:.2f} to {own[1]:.2f}, n = {t['own_n']})"
            f"   all {t['all']:.3f} ({whole[0]:.2f} to {whole[1]:.2f}, n = {t['all_n']})"
        )
    if args.json:
        args.json.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
