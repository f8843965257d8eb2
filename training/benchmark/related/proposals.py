"""The pairs that our search proposes, in files for a person to read and judge."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.benchmark.related.figures import share
from training.benchmark.related.ours import Proposal
from triage.documents.rows import Row, read_text
from triage.errors import InputError

COLUMNS = ("id_a", "id_b", "kind", "score", "title_a", "body_a", "title_b", "body_b")
JUDGED = "together"
YES, NO = {"1", "是", "yes", "true"}, {"0", "否", "no", "false"}


def write_pairs(path: Path, rows: Sequence[Row], proposals: Iterable[Proposal]) -> str:
    """Write both texts of each pair, a = the text that was asked; return the file's fingerprint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for proposal in proposals:
            a, b = rows[proposal.asked], rows[proposal.other]
            texts = (a.get("title"), a.get("body"), b.get("title"), b.get("body"))
            writer.writerow((a.reference, b.reference, proposal.kind, proposal.score, *texts))
    return mark(path)


def mark(path: Path) -> str:
    """Fingerprint of a file; empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def refuse_to_overwrite(sheet: Path) -> None:
    """What was judged must not be lost.

    Raises:
        InputError: the sheet exists.
    """
    if sheet.exists():
        raise InputError(f"{sheet} 已存在,里面可能有判断结果,没有覆盖。请先移走,或去掉 --sample。")


def write_sample(flagged: Path, sheet: Path, count: int, seed: int) -> int:
    """Draw ``count`` pairs of ``flagged`` into ``sheet``, with an empty column to judge; say how many."""
    entries = _read(flagged)
    drawn = np.random.default_rng(seed).permutation(len(entries))[:count]
    with sheet.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, (JUDGED, *COLUMNS), lineterminator="\n")
        writer.writeheader()
        writer.writerows({JUDGED: "", **entries[i]} for i in drawn.tolist())
    return len(drawn)


def judged_share(sheet: Path) -> dict[str, Any]:
    """Share judged together among the judged pairs of a sheet, with its 95 % Wilson interval.

    Raises:
        InputError: no such file, no column to judge, or a judgment that is neither yes nor no.
    """
    said = []
    for nth, entry in enumerate(_read(sheet), start=1):
        if JUDGED not in entry:
            raise InputError(f"{sheet} 缺少列 {JUDGED}。")
        word = entry[JUDGED].strip().lower()
        if word not in YES | NO | {""}:
            raise InputError(f"{sheet} 第 {nth} 对的 {JUDGED}“{word}”应为 1 或 0(是、否)。")
        if word:
            said.append(word in YES)
    return share(sum(said), len(said))


def _read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read_text(path), newline="")))
