"""The tables, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from training.benchmark.systems import System

Entry = dict[str, Any]
Column = tuple[str, Callable[[Entry], str]]

INTRO = """# Benchmark

Our classifier and its peers, learned and asked on the same splits in one run. The texts are citizens' messages to
city governments, **not deputies' suggestions**: no public set of suggestions has labels like ours. The part
"office" is the exception: its texts are **invented**, and it is no evidence of quality.

"-like" means built as that project builds its classifier, not its code. A peer is routed by our own rule
(thresholds from its out-of-fold predictions), so coverage and precision compare like with like.
"""

TITLES = {
    "topic": "Topics of complaints, all examples (7 labels; 5 folds a seed)",
    "few": "Topics of complaints, k examples a label (asked about {n_each} texts that were not drawn)",
    "units": "Responsible unit of a mayor's mailbox (24 labels)",
    "board": "Message board, before 2025 learned, 2025 asked",
    "ablation": "Our classifier with parts switched off",
    "speed": "Speed",
    "office": "The sample office (invented texts): closed year learned, incoming pile asked",
}
NOTES = {
    "topic": "Mean ± standard deviation over folds and seeds. Routed: share decided automatically at that error "
    "budget, and the share right among those, over all folds.",
    "few": "Mean ± standard deviation over draws. k = 0: descriptions of the labels only.",
    "units": "With 95 % Wilson intervals. 2020: earlier years learned, 2020 asked. each-out: leave one out. The "
    "units' duties were written from general knowledge, before reading any of the messages.",
    "board": "With 95 % bootstrap intervals over the texts asked.",
    "speed": "One text of 300 characters asked alone; all test texts at once; a fresh process from its first import "
    "to its first answer. Ours gives its evidence and nearest cases in that time, the peers a label.",
    "ablation": "Mean ± standard deviation over folds or draws.",
    "office": "With 95 % Wilson intervals. Invented by the writers of this program; never to be quoted as quality.",
}


def report(entries: Sequence[Entry], systems: Sequence[System], about: dict[str, Any]) -> str:
    """Markdown of all parts that have entries.

    Args:
        entries: as summarise gives them.
        about: what is said of the run, name and value.
    """
    lines = [INTRO, *(f"- {name}: {value}" for name, value in about.items()), ""]
    lines += ["| system | what it is |", "|---|---|"]
    lines += [f"| {system.name} | {system.says} |" for system in systems]
    for part in dict.fromkeys(entry["part"] for entry in entries):
        own = [entry for entry in entries if entry["part"] == part]
        texts = own[0]["n"] // own[0]["splits"] if "n" in own[0] else 0
        lines += ["", f"## {TITLES[part].format(n_each=texts)}", "", NOTES.get(part, "")]
        for group in dict.fromkeys(entry["group"] for entry in own):
            lines += ["", f"**{group}**", ""] if part not in ("topic", "speed") else [""]
            lines += table([entry for entry in own if entry["group"] == group], columns(part))
    return "\n".join(lines) + "\n"


def columns(part: str) -> list[Column]:
    """What a table of that part shows."""
    if part == "speed":
        return [
            ("fit, s", lambda e: f"{e['fit_seconds']:.1f}"),
            ("one text p50 / p95, ms", lambda e: f"{e['p50_ms']:.1f} / {e['p95_ms']:.1f}"),
            ("texts a second", lambda e: f"{e['texts_per_second']:.0f}"),
            ("load, s", lambda e: f"{e['load_seconds']:.1f}"),
        ]
    interval = {"units": "wilson", "board": "bootstrap", "office": "wilson"}.get(part, "")
    shown: list[Column] = [("texts", lambda e: str(e["n"])), ("accuracy", _figure("accuracy", interval))]
    if part == "units":
        shown.append(("among first three", _figure("top3", interval)))
    else:
        shown.append(("macro-F1", _figure("macro_f1", interval)))
    shown.append(("ECE", lambda e: f"{e['ece']['mean']:.3f}"))
    return [
        *shown,
        ("routed (right among those)", _routed),
        ("labels in the 95 % set (right one held)", _sets),
    ]


def table(entries: Sequence[Entry], shown: Sequence[Column]) -> list[str]:
    """Lines of a Markdown table; columns in which nothing stands are left out."""
    cells = [[make(entry) for _, make in shown] for entry in entries]
    kept = [i for i in range(len(shown)) if any(row[i] for row in cells)]
    head = ["system", *(shown[i][0] for i in kept)]
    return [
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
        *(
            f"| {entry['system']} | {' | '.join(row[i] for i in kept)} |"
            for entry, row in zip(entries, cells, strict=True)
        ),
    ]


def _figure(name: str, interval: str) -> Callable[[Entry], str]:
    def cell(entry: Entry) -> str:
        own = entry[name]
        if interval and interval in own:
            low, high = own[interval]
            return f"{own['mean']:.3f} ({low:.2f} to {high:.2f})"
        spread = f" ± {own['sd']:.3f}" if entry["splits"] > 1 else ""
        return f"{own['mean']:.3f}{spread}"

    return cell


def _sets(entry: Entry) -> str:
    return f"{entry['sets']['size']:.2f} ({entry['sets']['held']:.1%})" if "sets" in entry else ""


def _routed(entry: Entry) -> str:
    cells = []
    for budget, own in entry["auto"].items():
        right = "" if own["precision"] is None else f" ({own['precision']:.1%})"
        cells.append(f"{float(budget):.0%}: {own['coverage']:.1%}{right}")
    return "; ".join(cells)
