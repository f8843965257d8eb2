"""Train on one CSV file, predict another: the one way all quality figures come from."""

from __future__ import annotations

import csv
import json
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from training.evaluate import evaluate
from triage.classifier import Example, TargetModel
from triage.documents.rows import BadRow, Row, read_csv
from triage.errors import InputError
from triage.prediction import Prediction
from triage.reading import Reader, Suggestion
from triage.taxonomy import TARGET_NAMES, TARGETS, Label, Taxonomy

TIMED = 200  # texts timed one at a time
BATCH = 64

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class LabelledFile:
    """A CSV file in memory; rows that could not be read are named, not dropped silently."""

    rows: list[Row]
    bad: list[BadRow]

    def targets(self) -> list[str]:
        return [t for t in TARGETS if any(t in row.fields for row in self.rows[:1])]

    def labelled(self, target: str) -> list[Row]:
        """Rows with a label of ``target``."""
        return [row for row in self.rows if row.get(target)]


def read_labelled(path: Path) -> LabelledFile:
    """Read a file with columns id, title, body and any of topic, handling, section."""
    rows: list[Row] = []
    bad: list[BadRow] = []
    for row in read_csv(path):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not row.get("body") and not row.get("title"):
            bad.append(BadRow(row.line, "标题和正文都为空"))
        else:
            rows.append(row)
    if not rows:
        raise InputError(f"{path} 中没有可用的行。")
    return LabelledFile(rows, bad)


def backtest(
    train: LabelledFile,
    test: LabelledFile,
    targets: Sequence[str],
    taxonomy: Taxonomy,
    reader: Reader,
    *,
    error_budget: float,
    seed: int = 0,
    progress: Progress = lambda *_: None,
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Figures and predictions for each target.

    Returns:
        A JSON-able report, and one dict a test row with id and, for each target, gold,
        predicted, probability and auto.

    Raises:
        InputError: a target has fewer than two labels in the training file, or none in the test.
    """
    reader.read([Suggestion("预热", "加载词典与编码器")])
    report: dict[str, Any] = {
        "train_rows": len(train.rows),
        "test_rows": len(test.rows),
        "bad_rows": {"train": len(train.bad), "test": len(test.bad)},
        "encoder": reader.encoder.name,
        "seed": seed,
        "targets": {},
    }
    table: dict[int, dict[str, str]] = {}
    for target in targets:
        done = try_target(
            target,
            train,
            test,
            taxonomy,
            reader,
            error_budget=error_budget,
            seed=seed,
            timed=TIMED,
            progress=progress,
        )
        report["targets"][target] = _figures(done, target)
        for line, cells in _cells(done, target).items():
            table.setdefault(line, {}).update(cells)
    report["peak_rss_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return report, [table[line] for line in sorted(table)]


class Fit(Protocol):
    """How a model is made of examples; ``TargetModel.fit`` is one."""

    def __call__(
        self,
        target: str,
        labels: Sequence[Label],
        examples: Sequence[Example],
        reader: Reader,
        *,
        error_budget: float,
        seed: int,
    ) -> TargetModel: ...


@dataclass(frozen=True)
class Trial:
    """One target, learned from one file and asked about the other.

    Attributes:
        learned: how many examples the model was fitted on.
        asked: rows of the test file with a label, length n.
        predictions: one a row of ``asked``, length n.
        single_ms: milliseconds a text for the first ones, asked one at a time.
        batch_seconds: for all n texts, asked in batches.
    """

    model: TargetModel
    learned: int
    asked: list[Row]
    predictions: list[Prediction]
    fit_seconds: float
    single_ms: list[float]
    batch_seconds: float


def try_target(
    target: str,
    train: LabelledFile,
    test: LabelledFile,
    taxonomy: Taxonomy,
    reader: Reader,
    *,
    error_budget: float,
    seed: int = 0,
    timed: int = 0,
    fit: Fit = TargetModel.fit,
    progress: Progress = lambda *_: None,
) -> Trial:
    """Fit on ``train``, predict ``test``; ``timed`` of its texts also one at a time.

    Raises:
        InputError: fewer than two labels in the training file, or none in the test.
    """
    known, asked = train.labelled(target), test.labelled(target)
    if not asked:
        raise InputError(f"测试文件没有{TARGET_NAMES[target]}({target})的标签。")
    labels = taxonomy.labels(target)
    seen = {row.get(target) for row in known}
    if len(seen | {x.name for x in labels}) < 2:
        raise InputError(f"训练文件里{TARGET_NAMES[target]}({target})不足两种标签,无法训练。")
    described = {x.name for x in labels}
    if labels and not seen <= described:
        odd = "、".join(sorted(seen - described))
        raise InputError(f"训练文件中的{TARGET_NAMES[target]}不在分类文件里:{odd}。")
    examples = [Example(row.reference, row.get("title"), row.get("body"), row.get(target)) for row in known]
    progress(f"训练 {target}", 0, 1)
    started = time.perf_counter()
    model = fit(target, labels, examples, reader, error_budget=error_budget, seed=seed)
    fit_seconds = time.perf_counter() - started
    progress(f"训练 {target}", 1, 1)
    texts = [Suggestion(row.get("title"), row.get("body")) for row in asked]
    single = []
    for at, text in enumerate(texts[:timed]):
        started = time.perf_counter()
        model.predict([text])
        single.append(1000 * (time.perf_counter() - started))
        progress(f"计时 {target}", at + 1, min(timed, len(texts)))
    predictions: list[Prediction] = []
    started = time.perf_counter()
    for at in range(0, len(texts), BATCH):
        predictions += model.predict(texts[at : at + BATCH])
        progress(f"预测 {target}", len(predictions), len(texts))
    batch_seconds = time.perf_counter() - started
    return Trial(model, len(examples), asked, predictions, fit_seconds, single, batch_seconds)


def _figures(done: Trial, target: str) -> dict[str, Any]:
    """The trial's figures, ready for JSON."""
    metrics = evaluate(done.predictions, [row.get(target) for row in done.asked])
    thresholds = done.model.thresholds
    return {
        "n_train": done.learned,
        "n_test": metrics.n,
        "n_classes": len(done.model.labels),
        "accuracy": round(metrics.accuracy, 4),
        "macro_f1": round(metrics.macro_f1, 4),
        "top3_accuracy": round(metrics.top3_accuracy, 4),
        "ece": round(metrics.ece, 4),
        "auto": {
            "error_budget": thresholds.budget,
            "coverage": round(metrics.coverage, 4),
            "precision": None if metrics.precision is None else round(metrics.precision, 4),
            "reason": thresholds.reason,
        },
        "weights": {k: round(v, 3) for k, v in done.model.state["weights"].items()},
        "fit_seconds": round(done.fit_seconds, 2),
        "ms_per_case": {
            "p50": round(float(np.percentile(done.single_ms, 50)), 2),
            "p95": round(float(np.percentile(done.single_ms, 95)), 2),
        },
        "cases_per_second": round(len(done.asked) / done.batch_seconds, 1),
    }


def _cells(done: Trial, target: str) -> dict[int, dict[str, str]]:
    """For each line of the test file what the table of predictions says of ``target``."""
    return {
        row.line: {
            "id": row.reference,
            f"{target}_gold": row.get(target),
            f"{target}_predicted": prediction.label,
            f"{target}_probability": f"{prediction.probability:.4f}",
            f"{target}_auto": "1" if prediction.auto else "0",
        }
        for row, prediction in zip(done.asked, done.predictions, strict=True)
    }


def write_report(report: dict[str, Any], path: Path) -> None:
    """The report as JSON."""
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_predictions(rows: Sequence[dict[str, str]], path: Path) -> None:
    """One line a test row; columns of every target."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
