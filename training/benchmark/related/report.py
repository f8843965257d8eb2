"""The tables of related texts, in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from training.benchmark.related.scorers import RelatedSystem
from training.benchmark.store import Result

Entry = dict[str, Any]
Column = tuple[str, Callable[[Entry], str]]

INTRO = """
# Related suggestions

Which texts belong together: ours and peers on the same pools. Issues and resubmissions are groups among citizens'
messages to a city, **not deputies' suggestions**; they were made by rules on shared words and on identical bodies,
so they lean towards systems that compare words. The titles are **invented** for this program. A text is asked
against all others of its pool; what a system scores 0 or less is not listed.
"""
TITLES = {
    "issues": "The same issue, among {n} messages",
    "resubmissions": "The same text sent again",
    "titles": "Invented titles, held out",
    "stream": "Messages in the order in which they came, each against the earlier ones (ours)",
}
NOTES = {
    "issues": "recall@10: hits among the first ten, of as many as could stand there. precision@5: hits among the "
    "first five. 95 % bootstrap intervals over the messages asked.",
    "resubmissions": "Found: pairs of which each finds the other among the first ten. Flagged: pairs proposed as "
    "duplicates. 95 % Wilson intervals. The pairs flagged that are not in the file are in duplicates.csv, to be read.",
    "titles": "Over all pairs of titles, 95 % bootstrap intervals over titles; flags with 95 % Wilson intervals.",
    "stream": "The whole pool is searched and pairs with a later message are left out. The pairs are in flagged.csv. "
    "Chained: joined by flagged pairs, directly or through others.",
}
TARGETS: dict[str, dict[str, float]] = {
    "issues": {"recall@10": 0.92, "precision@5": 0.93},
    "titles": {"average precision": 0.75, "ROC AUC": 0.95},
}


def entries_of(results: Sequence[Result]) -> list[Entry]:
    """One entry a part and system."""
    return [{"part": r.part, "system": r.system, "seconds": r.seconds, **r.figures} for r in results]


def related_report(
    entries: Sequence[Entry],
    systems: Sequence[RelatedSystem],
    left_out: Sequence[str],
    judged: Entry | None,
    about: dict[str, Any],
) -> str:
    """Markdown of all parts that have entries; empty where there are none.

    Args:
        left_out: notes on systems that could not run.
        judged: the share that a person judged together, or None.
        about: what is said of the run, name and value.
    """
    if not entries and judged is None:
        return ""
    said = [*(f"{name}: {value}" for name, value in about.items()), *left_out]
    lines = [INTRO, *(f"- {line}" for line in said), "", "| system | what it is |", "|---|---|"]
    named = {entry["system"] for entry in entries}
    lines += [f"| {system.name} | {system.says} |" for system in systems if system.name in named]
    for part in dict.fromkeys(entry["part"] for entry in entries):
        own = [entry for entry in entries if entry["part"] == part]
        lines += ["", f"## {TITLES[part].format(n=own[0].get('texts'))}", "", NOTES[part], ""]
        lines += _stream(own[0]) if part == "stream" else _table(part, own)
        if part == "issues":
            lines += ["", "By group, recall@10 / precision@5:", "", *_groups(own)]
    if judged is not None:
        lines += ["", f"Judged together: {_share(judged)} of the pairs that a person judged."]
    return "\n".join(lines) + "\n"


def _table(part: str, entries: Sequence[Entry]) -> list[str]:
    shown = _columns(part, entries)
    targets = TARGETS.get(part, {})
    lines = [f"| system | {' | '.join(name for name, _ in shown)} |", "|---|" + "---|" * len(shown)]
    if targets:
        aims = (f"≥ {targets[name]:.2f}" if name in targets else "" for name, _ in shown)
        lines.append(f"| *target* | {' | '.join(aims)} |")
    return lines + [f"| {e['system']} | {' | '.join(cell(e) for _, cell in shown)} |" for e in entries]


def _columns(part: str, entries: Sequence[Entry]) -> list[Column]:
    names = {
        "issues": {"recall@10": "recall", "precision@5": "precision"},
        "resubmissions": {"found": "found", "flagged as duplicate": "flagged"},
        "titles": {
            "average precision": "average_precision",
            "ROC AUC": "roc_auc",
            "recall@10": "recall",
            "flagged pairs that are right": "flags_right",
            "right pairs that are flagged": "flags_found",
        },
    }[part]
    shown: list[Column] = [(said, _cell(name)) for said, name in names.items()]
    if part == "resubmissions":
        shown.append(("flagged duplicates, not in the file", _duplicates))
    return shown


def _cell(name: str) -> Callable[[Entry], str]:
    return lambda entry: _share(entry[name]) if name in entry else ""


def _share(own: Entry) -> str:
    if own["mean"] is None:
        return "none"
    low, high = own["interval"]
    counts = f", {own['right']} of {own['n']}" if "n" in own else ""
    return f"{own['mean']:.3f} ({low:.2f} to {high:.2f}{counts})"


def _duplicates(entry: Entry) -> str:
    own = entry.get("duplicates")
    return f"{own['all']}, {own['not_listed']}" if own else ""


def _groups(entries: Sequence[Entry]) -> list[str]:
    names = {name: own["size"] for name, own in entries[0]["groups"].items()}
    heads = [f"{name} ({size})" for name, size in names.items()]
    lines = [f"| system | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    for entry in entries:
        cells = [f"{g['recall']:.2f} / {g['precision']:.2f}" for g in map(entry["groups"].get, names)]
        lines.append(f"| {entry['system']} | {' | '.join(cells)} |")
    return lines


def _stream(entry: Entry) -> list[str]:
    kinds = "、".join(f"{kind} {count}" for kind, count in entry["kinds"].items()).replace("、", ", ")
    inside = {"all groups": entry["inside"], **entry["groups"]}
    return [
        f"{entry['texts']} messages, {entry['flagged']} pairs flagged ({kinds or 'none'}), for "
        f"{entry['asked_with_flags']} messages; the largest chain has {entry['largest_chain']}.",
        "",
        "| pairs inside | flagged directly | chained |",
        "|---|---|---|",
        *(f"| {name} | {_share(own['direct'])} | {_share(own['chained'])} |" for name, own in inside.items()),
    ]
