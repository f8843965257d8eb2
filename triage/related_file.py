"""Related suggestions inside one CSV file, without a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from triage.case_index import CaseIndex, make_case_text
from triage.classifier import TargetModel
from triage.documents import BadRow, Row, read_csv, read_text
from triage.errors import InputError
from triage.reading import Reader, Suggestion
from triage.taxonomy import Taxonomy

BATCH = 256

Progress = Callable[[str, int, int], None]


def read_cases(path: Path) -> tuple[list[Row], list[BadRow]]:
    """Rows with an id of their own (column id or number) and a title or a body.

    Raises:
        InputError: the file cannot be read, or two rows have one id.
    """
    rows: list[Row] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for row in read_csv(path, required=()):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not row.reference:
            bad.append(BadRow(row.line, "缺少 id 或编号"))
        elif not row.get("title") and not row.get("body"):
            bad.append(BadRow(row.line, "标题和正文都为空"))
        elif row.reference in seen:
            raise InputError(
                f"{path} 第 {row.line} 行的 id“{row.reference}”与第 {seen[row.reference]} 行重复。"
            )
        else:
            seen[row.reference] = row.line
            rows.append(row)
    if not rows:
        raise InputError(f"{path} 中没有可用的行(需要 id 和 title 或 body 列)。")
    return rows, bad


def read_queries(path: Path, rows: list[Row]) -> list[str]:
    """Ids to ask for, one a line; all must be in the file of cases."""
    known = {row.reference for row in rows}
    wanted = [line.strip() for line in read_text(path).splitlines() if line.strip()]
    unknown = [w for w in wanted if w not in known]
    if unknown:
        raise InputError(f"{path} 中有 {len(unknown)} 个 id 不在案件文件里,例如:{'、'.join(unknown[:5])}。")
    return wanted


def related_in_file(
    rows: list[Row],
    queries: list[str],
    reader: Reader,
    taxonomy: Taxonomy,
    *,
    models: dict[str, TargetModel],
    top: int,
    threshold: float,
    progress: Progress = lambda *_: None,
) -> Iterator[dict[str, Any]]:
    """One dict a query, best first: {"id", "related": [{"id", "kind", "score", "flagged", ...}]}.

    Args:
        models: target to a model whose labels tell whether two cases agree; may be empty.
    """
    index = CaseIndex(reader.segmenter, reader.encoder, taxonomy)
    texts = {}
    vectors = {}
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        suggestions = [Suggestion(row.get("title"), row.get("body")) for row in batch]
        documents, titles = index.encode(suggestions)
        labels: list[dict[str, dict[str, float]]] = [{} for _ in batch]
        for target, model in models.items():
            for own, p in zip(labels, model.predict(suggestions), strict=True):
                own[target] = dict(p.ranked)
        for i, row in enumerate(batch):
            try:
                day = row.date("received_on")
            except InputError:
                day = None  # a date that cannot be read says nothing about the matter
            text = make_case_text(
                row.reference, suggestions[i], reader.segmenter, received_on=day, labels=labels[i]
            )
            index.add(text, documents[i], titles[i])
            texts[row.reference] = text
            vectors[row.reference] = (documents[i], titles[i])
        progress("读取", min(start + BATCH, len(rows)), len(rows))
    for done, query in enumerate(queries, start=1):
        found = index.search(texts[query], *vectors[query], top)
        progress("查找", done, len(queries))
        yield {
            "id": query,
            "related": [
                {
                    "id": r.key,
                    "kind": r.kind,
                    "score": r.score,
                    "flagged": r.score >= threshold,
                    "shared_terms": list(r.shared_terms),
                }
                for r in found
            ],
        }
