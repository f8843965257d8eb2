"""What weighing gold labels by how they were earned is worth: the same years replayed with other weights.

python -m training.measure_gold FILE --target topic --json OUT: FILE as for triage replay. With --random N so many of its
rows in a random order, for a file without days; with --draws D the mean over D such orders.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from training.backtest import LabelledFile, read_labelled, write_report
from training.gold import EARNED_WEIGHTS
from training.replay import ITSELF, NEVER, OURS, Office, Way, slices_of
from training.replay_report import replay
from triage.config import Settings
from triage.reading import RememberingReader, make_reader
from triage.taxonomy import TARGETS, Taxonomy, load_taxonomy

LEVEL = dict.fromkeys(EARNED_WEIGHTS, 1.0)
WAYS = (
    OURS,
    Way("untouched labels as proof too", drawn=False),
    Way("all alike", weights=LEVEL, drawn=False),
    Way("untouched left out", weights={**LEVEL, "untouched": 0.0}),
    Way("corrected and audited 1.5", weights={**EARNED_WEIGHTS, "overridden": 1.5, "audited": 1.5}),
    Way("corrected and audited 2", weights={**EARNED_WEIGHTS, "overridden": 2.0, "audited": 2.0}),
    Way("ours without the gate", gated=False),
    ITSELF,
    NEVER,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Accuracy by year, mean over seeds; ours less each other with a 95 % bootstrap interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--target", choices=TARGETS, required=True)
    parser.add_argument("--taxonomy", type=Path)
    parser.add_argument("--slices", type=int)
    parser.add_argument("--random", type=int, metavar="N")
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--unnoticed", type=float, default=0.5)
    parser.add_argument("--error-budget", type=float, default=0.05)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    settings = Settings.from_env()
    taxonomy = load_taxonomy(args.taxonomy) if args.taxonomy else Taxonomy()
    plain = make_reader(settings.encoder, taxonomy.terms())
    reader = RememberingReader(plain.segmenter, plain.encoder)
    office = Office(args.target, taxonomy, reader, args.error_budget, unnoticed=args.unnoticed)
    file = read_labelled(args.cases)
    reports = []
    for draw in range(args.draws):
        asked = in_random_order(file, args.target, args.random, draw) if args.random else file
        slices = slices_of(asked, args.target, args.slices)
        reports.append(replay(office, slices, ways=WAYS, seeds=args.seeds))
        print(f"{args.target}, draw {draw}, {len(slices) - 1} years, {args.seeds} seeds")
        _print(reports[-1])
    if len(reports) > 1:
        _print_means(reports)
    if args.json:
        write_report({"draws": reports}, args.json)


def in_random_order(file: LabelledFile, target: str, count: int, seed: int) -> LabelledFile:
    """So many of the rows with a label of ``target``, one a day from 2020 on, in a random order."""
    rows = file.labelled(target)
    chosen = np.random.default_rng(seed).permutation(len(rows))[:count]
    days = [(date(2020, 1, 1) + timedelta(days=nth)).isoformat() for nth in range(len(chosen))]
    return LabelledFile(
        [
            replace(rows[i], fields={**rows[i].fields, "received_on": day})
            for i, day in zip(chosen, days, strict=True)
        ],
        file.bad,
    )


def _print(report: dict[str, Any]) -> None:
    print("accuracy | routed | right among routed")
    for name, years in report["ways"].items():
        told = [
            f"{y['accuracy']:.3f} {y['coverage']:.2f} {'  - ' if y['precision'] is None else format(y['precision'], '.2f')}"
            for y in years
        ]
        print(f"{name:34s} {' | '.join(told)}")
    for name, years in report["differences"].items():
        told = [f"{y['value']:+.3f} ({y['low']:+.3f} to {y['high']:+.3f})" for y in years]
        print(f"ours less {name:24s} {' | '.join(told)}", flush=True)


def _print_means(reports: Sequence[dict[str, Any]]) -> None:
    """Over the draws: each year's accuracy, share routed, share right of all that was routed; then all years."""
    print(f"mean of {len(reports)} draws: accuracy | routed | right among routed")
    for name, years in reports[0]["ways"].items():
        told = []
        for nth in range(len(years)):
            own = [report["ways"][name][nth] for report in reports]
            routed = [y["coverage"] * y["n"] for y in own]
            right = sum(r * y["precision"] for r, y in zip(routed, own, strict=True) if r)
            share = format(right / sum(routed), ".3f") if sum(routed) else "  - "
            told.append(
                f"{fmean(y['accuracy'] for y in own):.3f} {fmean(y['coverage'] for y in own):.2f} {share}"
            )
        over = fmean(y["accuracy"] for report in reports for y in report["ways"][name])
        print(f"{name:34s} {' | '.join(told)} || {over:.4f}")


if __name__ == "__main__":
    main()
