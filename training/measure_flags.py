"""Measure the flags of triage.flags on the sample office and on public texts.

Run as ``python -m training.measure_flags DATA_FOLDER``; the folder holds messages.csv,
mailbox_section.csv, complaints_topic.csv and complaints_taxonomy.csv. Prints a short
Markdown report; ``--json FILE`` also writes all figures. The office's texts are invented and
the public ones are citizens' messages, so the figures compare versions of the flags; they do
not say what a bureau will see. Everything is seeded.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from training.sample_office import CLOSED_YEAR, INCOMING, INCOMING_LABELS, OFFICE
from triage.encoder import get_encoder
from triage.flags import FLAG_NAMES, FlagModel
from triage.reading import Reader, Readings, Suggestion
from triage.taxonomy import Label, load_taxonomy
from triage.text import get_segmenter

FILES = ("messages.csv", "mailbox_section.csv", "complaints_topic.csv", "complaints_taxonomy.csv")
MESSAGES = 200  # of messages.csv, drawn at random
LEARNED, HELD_OUT = 500, 400  # complaints to learn from, and to measure on
RESAMPLES = 500
FOLDS = 5
LONGEST = 1200  # characters of a body that is joined with another
OWN_MAILBOX = ("发改/物价",)  # of mailbox_section.csv: an office like the sample office
# Texts without a matter, written for this measure after the flag was made.
EMPTY_TEXTS = (
    "意见", "反映问题", "希望得到答复", "请求解决", "关于几个问题的建议", "请上级领导关心", "见附件材料", "请尽快落实",
    "关于群众反映问题的提案", "恳请支持", "问题一直没有处理", "望回复", "再次请求帮助", "请政府帮帮我们", "情况说明",
    "关于进一步改进工作的意见", "同上", "请核实处理", "希望领导给予答复", "我的建议", "关于解决实际问题的建议", "谢谢领导",
    "请相关部门调查处理", "内容详见正文", "代表建议", "请问怎么办", "投诉", "求助", "希望有关部门重视起来", "没有答复",
)  # fmt: skip

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Cases:
    """n texts with the index of each one's label (-1: none)."""

    suggestions: list[Suggestion]
    truth: NDArray[np.int_]

    def __len__(self) -> int:
        return len(self.suggestions)

    def take(self, rows: Sequence[int] | NDArray[np.int_]) -> Cases:
        return Cases([self.suggestions[i] for i in rows], self.truth[np.asarray(rows, dtype=int)])

    def titles(self) -> Cases:
        return Cases([Suggestion(s.title, "") for s in self.suggestions], self.truth)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0; 2 where the folder or a file is missing."""
    parser = argparse.ArgumentParser(prog="python -m training.measure_flags")
    parser.add_argument("folder", type=Path, help="公开数据所在的文件夹")
    parser.add_argument("--json", type=Path, help="把全部数字写入这个文件")
    args = parser.parse_args(arguments)
    missing = [name for name in FILES if not (args.folder / name).is_file()]
    if missing:
        print(f"{args.folder} 中没有 {'、'.join(missing)},无法测量。", file=sys.stderr)
        return 2
    figures = measure(args.folder)
    print(markdown(figures))
    if args.json:
        args.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")
    return 0


def measure(folder: Path) -> dict[str, Any]:
    """All figures; each AUC with n and a 95 % bootstrap interval."""
    taxonomy = load_taxonomy(OFFICE)
    segmenter = get_segmenter(taxonomy.terms())
    reader = Reader(segmenter, get_encoder("none"))  # the flags use no vectors
    names = [label.name for label in taxonomy.section]
    closed = _cases(_rows(CLOSED_YEAR), "section", names)
    incoming = Cases(
        _cases(_rows(INCOMING)).suggestions, _cases(_rows(INCOMING_LABELS), "section", names).truth
    )
    messages = _cases(random.Random(1).sample(_rows(folder / "messages.csv"), MESSAGES))
    mailbox_rows = _rows(folder / "mailbox_section.csv")
    elsewhere = _cases([r for r in mailbox_rows if r["section"] not in OWN_MAILBOX])
    return {
        "not_ours": not_ours(taxonomy.section, closed, incoming, messages, elsewhere, reader),
        "several_matters": several_matters(taxonomy.section, closed, folder, reader),
        "too_short": too_short(taxonomy.section, [closed, incoming, messages, elsewhere], reader),
    }


def not_ours(
    labels: Sequence[Label], closed: Cases, incoming: Cases, messages: Cases, mailbox: Cases, reader: Reader
) -> dict[str, Any]:
    """Against citizens' messages, and against each of the office's own sections left out."""
    found: dict[str, Any] = {}
    nothing = closed.take([])
    for part in ("whole", "titles"):
        ours, new, *others = (
            c.titles() if part == "titles" else c for c in (closed, incoming, messages, mailbox)
        )
        for name, known in (("day one", nothing), ("history", ours)):
            whole = _fit(labels, known, reader)
            if len(known):
                own, raised = _crossfitted(labels, ours, reader)
            else:
                own, raised = whole.not_ours(_read(ours, reader))[0], _raised(whole, ours, "not_ours", reader)
            own = np.concatenate([own, whole.not_ours(_read(new, reader))[0]])
            figures = {
                "flagged of the office's closed cases": raised,
                "flagged of its incoming cases": _raised(whole, new, "not_ours", reader),
            }
            for source, texts in zip(("messages", "mailbox"), others, strict=True):
                figures[f"AUC against {source}"] = auc(whole.not_ours(_read(texts, reader))[0], own)
                figures[f"flagged of {source}"] = _raised(whole, texts, "not_ours", reader)
            figures["AUC, a section left out"] = _section_left_out(labels, ours, bool(len(known)), reader)
            found[f"{part}, {name}"] = figures
    return found


def _crossfitted(labels: Sequence[Label], cases: Cases, reader: Reader) -> tuple[Scores, dict[str, Any]]:
    """Scores, and the share flagged, by models that had not seen the cases."""
    scores, flagged = np.zeros(len(cases)), 0
    for held_out in _folds(len(cases)):
        model = _fit(labels, cases.take(np.setdiff1d(np.arange(len(cases)), held_out)), reader)
        texts = _read(cases.take(held_out), reader)
        scores[held_out] = model.not_ours(texts)[0]
        flagged += _count(model, texts, "not_ours")
    return scores, _share(flagged, len(cases))


def _section_left_out(labels: Sequence[Label], cases: Cases, history: bool, reader: Reader) -> dict[str, Any]:
    """The cases of a section that the model knows nothing of, against those of the others (cross-fit)."""
    found, sizes = [], []
    for gone in range(len(labels)):
        rest = [label for k, label in enumerate(labels) if k != gone]
        theirs = np.flatnonzero(cases.truth == gone)
        kept = np.flatnonzero(cases.truth != gone)
        ours = Cases(cases.take(kept).suggestions, cases.truth[kept] - (cases.truth[kept] > gone))
        model = _fit(rest, ours if history else ours.take([]), reader)
        own = _crossfitted(rest, ours, reader)[0] if history else model.not_ours(_read(ours, reader))[0]
        foreign = model.not_ours(_read(cases.take(theirs), reader))[0]
        found.append(
            float(roc_auc_score([1] * len(foreign) + [0] * len(own), np.concatenate([foreign, own])))
        )
        sizes.append(len(theirs))
    rng = np.random.default_rng(0)
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(found), len(found))
        means.append(np.average(np.array(found)[drawn], weights=np.array(sizes)[drawn]))
    low, high = np.quantile(means, [0.025, 0.975])
    return {
        "auc": round(float(np.average(found, weights=sizes)), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
        "sections": {label.name: round(a, 3) for label, a in zip(labels, found, strict=True)},
        "n": [int(sum(sizes)), len(found)],
    }


def several_matters(labels: Sequence[Label], closed: Cases, folder: Path, reader: Reader) -> dict[str, Any]:
    """Pairs joined from two labels, against single texts and against pairs of one label."""
    found: dict[str, Any] = {}
    office = _joinable(closed)
    found["office, day one"] = _joined(
        lambda _: _fit(labels, closed.take([]), reader), office, [np.arange(len(office))], reader
    )
    found["office, history"] = _joined(
        lambda rest: _fit(labels, office.take(rest), reader), office, _folds(len(office)), reader
    )
    topics = _topics(folder)
    rows = random.Random(1).sample(_rows(folder / "complaints_topic.csv"), 2 * (LEARNED + HELD_OUT))
    complaints = _joinable(_cases(rows, "topic", [t.name for t in topics])).take(range(LEARNED + HELD_OUT))
    test = [np.arange(LEARNED, LEARNED + HELD_OUT)]
    found["complaints, day one"] = _joined(
        lambda _: _fit(topics, complaints.take([]), reader), complaints, test, reader
    )
    found["complaints, history"] = _joined(
        lambda rest: _fit(topics, complaints.take(rest), reader), complaints, test, reader
    )
    mailbox = _rows(folder / "mailbox_section.csv")
    departments = [Label(name) for name in sorted({r["section"] for r in mailbox})]
    letters = _joinable(_cases(mailbox, "section", [d.name for d in departments]))
    found["mailbox, history"] = _joined(
        lambda rest: _fit(departments, letters.take(rest), reader), letters, _folds(len(letters)), reader
    )
    return found


def _joined(
    fit: Callable[[NDArray[np.int_]], FlagModel],
    cases: Cases,
    parts: Sequence[NDArray[np.int_]],
    reader: Reader,
) -> dict[str, Any]:
    """Figures on the held-out ``parts``; titles are left out, they would tell."""
    rng = random.Random(0)
    kinds = ("single", "whole, two labels", "whole, one label", "halves, two labels", "halves, one label")
    scores: dict[str, list[float]] = {kind: [] for kind in kinds}
    lengths: dict[str, list[float]] = {kind: [] for kind in kinds}
    flagged = dict.fromkeys(kinds, 0)
    for held_out in parts:
        model = fit(np.setdiff1d(np.arange(len(cases)), held_out))
        bodies = [cases.suggestions[i].body for i in held_out]
        truth = cases.truth[held_out]
        texts = {"single": bodies}
        for name, same in (("two labels", False), ("one label", True)):
            pairs = _pairs(truth, same, rng)
            texts[f"whole, {name}"] = [_join(bodies[a], bodies[b]) for a, b in pairs]
            texts[f"halves, {name}"] = [_join(_half(bodies[a]), _half(bodies[b])) for a, b in pairs]
        for kind, own in texts.items():
            readings = reader.read([Suggestion("", body) for body in own])
            scores[kind] += [split.score for split in model.matters.split(readings)]
            lengths[kind] += [len(body) for body in own]
            flagged[kind] += _count(model, readings, "several_matters")
    versus = (
        ("whole, two labels", "single"),
        ("whole, two labels", "whole, one label"),
        ("halves, two labels", "single"),
        ("halves, two labels", "halves, one label"),
    )
    return {
        "AUC": {f"{a} against {b}": auc(np.array(scores[a]), np.array(scores[b])) for a, b in versus},
        "AUC of length alone": {
            f"{a} against {b}": auc(np.array(lengths[a]), np.array(lengths[b])) for a, b in versus
        },
        "flagged": {kind: _share(flagged[kind], len(scores[kind])) for kind in kinds},
        "median characters": {kind: int(np.median(own)) for kind, own in lengths.items()},
    }


def too_short(labels: Sequence[Label], sources: Sequence[Cases], reader: Reader) -> dict[str, Any]:
    """Real titles alone (few may be flagged), and texts without a matter (most should be)."""
    model = _fit(labels, sources[0].take([]), reader)
    found = {"texts without a matter": Cases([Suggestion(t, "") for t in EMPTY_TEXTS], np.array([]))}
    for name, cases in zip(("closed", "incoming", "messages", "mailbox"), sources, strict=True):
        found[f"titles: {name}"] = cases.titles()
    return {name: {"flagged": _raised(model, own, "too_short", reader)} for name, own in found.items()}


def auc(higher: Scores, lower: Scores) -> dict[str, Any]:
    """Share of pairs in the right order, with a 95 % interval from resampling both sides."""
    rng = np.random.default_rng(0)

    def one(a: Scores, b: Scores) -> float:
        return float(roc_auc_score([1] * len(a) + [0] * len(b), np.concatenate([a, b])))

    drawn = [one(rng.choice(higher, len(higher)), rng.choice(lower, len(lower))) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "auc": round(one(higher, lower), 3),
        "interval": [round(float(low), 3), round(float(high), 3)],
        "n": [len(higher), len(lower)],
    }


def markdown(figures: dict[str, Any]) -> str:
    """The figures as a table a flag: AUC with its interval, and shares flagged."""
    lines = ["# Flags", "", "AUC with 95 % interval; share flagged at the threshold in use.", ""]
    for kind, rows in figures.items():
        lines += [f"## {kind} {FLAG_NAMES[kind]}", ""]
        tables = {name: dict(_flat(row)) for name, row in rows.items()}
        columns = list(next(iter(tables.values())))
        lines += [f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [f"| {name} | {' | '.join(row.values())} |" for name, row in tables.items()]
        lines.append("")
    return "\n".join(lines)


def _flat(figures: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        if isinstance(value, int):
            yield f"{above}{name}", str(value)
        elif "auc" in value:
            low, high = value["interval"]
            yield (
                f"{above}{name}",
                f"{value['auc']:.3f} ({low:.3f} to {high:.3f}; n {value['n'][0]}, {value['n'][1]})",
            )
        elif "share" in value:
            yield f"{above}{name}", f"{value['share']:.1%} of {value['n']}"
        else:
            yield from _flat(value, f"{name}: ")


def _fit(labels: Sequence[Label], cases: Cases, reader: Reader) -> FlagModel:
    return FlagModel.fit(labels, _read(cases, reader), cases.truth, reader.segmenter)


def _read(cases: Cases, reader: Reader) -> Readings:
    return reader.read(cases.suggestions)


def _count(model: FlagModel, texts: Readings, kind: str) -> int:
    return sum(any(flag.kind == kind for flag in flags) for flags in model.raise_flags(texts))


def _raised(model: FlagModel, cases: Cases, kind: str, reader: Reader) -> dict[str, Any]:
    return _share(_count(model, _read(cases, reader), kind), len(cases))


def _share(count: int, n: int) -> dict[str, Any]:
    return {"share": round(count / n, 4), "count": count, "n": n}


def _folds(n: int) -> list[NDArray[np.int_]]:
    return np.array_split(np.random.default_rng(0).permutation(n), FOLDS)


def _pairs(truth: NDArray[np.int_], same: bool, rng: random.Random) -> list[tuple[int, int]]:
    """As many pairs as there are texts, of one label or of two."""
    able = [
        (a, b)
        for a in range(len(truth))
        for b in range(len(truth))
        if a != b and (truth[a] == truth[b]) == same
    ]
    return rng.sample(able, min(len(truth), len(able)))


def _joinable(cases: Cases) -> Cases:
    """Cases whose body has at least three sentences and is no book."""
    return cases.take(
        [
            i
            for i, s in enumerate(cases.suggestions)
            if len(_sentences(s.body)) >= 3 and len(s.body) <= LONGEST
        ]
    )


def _sentences(body: str) -> list[str]:
    found, own = [], ""
    for character in body.strip():
        own += character
        if character in "。!?;！？；\n" and own.strip():
            found.append(own)
            own = ""
    return [*found, own] if own.strip() else found


def _half(body: str) -> str:
    """The first sentences, up to about half the characters: two halves are as long as one text."""
    own = ""
    for sentence in _sentences(body):
        if own and len(own) + len(sentence) / 2 > len(body) / 2:
            break
        own += sentence
    return own


def _join(first: str, second: str) -> str:
    first = first.strip()
    return first + ("" if first[-1] in "。!?;！？；" else "。") + second.strip()


def _topics(folder: Path) -> list[Label]:
    """The topics of complaints_topic.csv with their category names as duties."""
    terms: dict[str, dict[str, None]] = {}
    used = {row["topic"] for row in _rows(folder / "complaints_topic.csv")}
    for row in _rows(folder / "complaints_taxonomy.csv"):
        if row["一级分类"] in used:
            own = terms.setdefault(row["一级分类"], {})
            own |= {row[level]: None for level in ("二级分类", "三级分类") if row[level] != "其他"}
    return [Label(name, terms=tuple(own)) for name, own in terms.items()]


def _cases(rows: Sequence[dict[str, str]], target: str = "", names: Sequence[str] = ()) -> Cases:
    truth = [names.index(row[target]) if target else -1 for row in rows]
    return Cases(
        [
            Suggestion(row["title"], row["body"]) if "body" in row else Suggestion(row["title"], "")
            for row in rows
        ],
        np.array(truth, dtype=int),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    sys.exit(main())
