"""Related suggestions and groups inside one CSV file, without a ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from triage.case_index import CaseIndex, make_case_text
from triage.classifier import TargetModel
from triage.documents.rows import BadRow, Row, read_csv, read_text
from triage.encoder import Encoder, Vectors
from triage.errors import InputError
from triage.evidence import Comparison, compare
from triage.groups import Group, Pair, find_groups
from triage.reading import Reader, Suggestion
from triage.related import WEIGHTS, PairWeights, Related
from triage.taxonomy import Taxonomy

BATCH = 256
GROUP_TOP = 20

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


class FileIndex:
    """The cases of one file, searched among themselves."""

    def __init__(
        self,
        rows: Sequence[Row],
        reader: Reader,
        taxonomy: Taxonomy,
        *,
        models: Mapping[str, TargetModel],
        title_encoder: Encoder | None = None,
        weights: PairWeights = WEIGHTS,
        progress: Progress = lambda *_: None,
    ) -> None:
        """Args:
        models: target to a model whose labels tell whether two cases agree; may be empty.
        title_encoder: another encoder for titles than the reader's.
        """
        self._index = CaseIndex(reader.segmenter, reader.encoder, taxonomy, weights, title_encoder)
        self._suggestions: dict[str, Suggestion] = {}
        self._vectors: dict[str, tuple[Vectors, Vectors]] = {}
        for start in range(0, len(rows), BATCH):
            self._add(rows[start : start + BATCH], models)
            progress("读取", min(start + BATCH, len(rows)), len(rows))

    def search(self, key: str, top: int) -> list[Related]:
        """The best ``top`` pairs of a case of the file with the others."""
        text = self._index.cases[self._index.position(key)]
        return self._index.search(self._suggestions[key], text, *self._vectors[key], top)

    def compare(self, key: str, other: str) -> Comparison:
        """What two cases of the file share and where they differ."""
        index = self._index
        return compare(self._suggestions[key], self._suggestions[other], index.segmenter, index.collection)

    def _add(self, rows: Sequence[Row], models: Mapping[str, TargetModel]) -> None:
        suggestions = [Suggestion(row.get("title"), row.get("body")) for row in rows]
        documents, titles = self._index.encode(suggestions)
        labels: list[dict[str, dict[str, float]]] = [{} for _ in rows]
        for target, model in models.items():
            for own, p in zip(labels, model.predict(suggestions), strict=True):
                own[target] = dict(p.ranked)
        for i, row in enumerate(rows):
            key = row.reference
            text = make_case_text(
                key,
                suggestions[i],
                self._index.segmenter,
                received_on=_day(row),
                deputy=row.get("deputy"),
                labels=labels[i],
            )
            self._index.add(text, documents[i], titles[i])
            self._suggestions[key] = suggestions[i]
            self._vectors[key] = documents[i], titles[i]


def _day(row: Row) -> date | None:
    """When it came; a date that cannot be read says nothing about the matter."""
    try:
        return row.date("received_on")
    except InputError:
        return None


def related_in_file(
    queries: Sequence[str],
    index: FileIndex,
    *,
    top: int,
    threshold: float,
    progress: Progress = lambda *_: None,
) -> Iterator[dict[str, Any]]:
    """One dict a query, best first: {"id", "related": [{"id", "kind", "score", "flagged", ...}]}."""
    for done, query in enumerate(queries, start=1):
        found = index.search(query, top)
        progress("查找", done, len(queries))
        yield {"id": query, "related": [_entry(query, r, index, threshold) for r in found]}


def _entry(query: str, related: Related, index: FileIndex, threshold: float) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": related.key,
        "kind": related.kind,
        "score": related.score,
        "flagged": related.score >= threshold,
        "shared_terms": list(related.shared_terms),
    }
    if entry["flagged"]:
        compared = index.compare(query, related.key)
        entry["differs"] = {"own": list(compared.only_first), "other": list(compared.only_second)}
    return entry


def groups_in_file(
    rows: Sequence[Row], index: FileIndex, *, threshold: float, progress: Progress = lambda *_: None
) -> list[Group]:
    """Groups of cases that one plan could answer; rows earlier in time come first."""
    dated = sorted(rows, key=lambda row: _day(row) or date.max)
    year = {row.reference: day.year for row in rows if (day := _day(row))}
    best: dict[frozenset[str], Pair] = {}
    for done, row in enumerate(dated, start=1):
        for r in index.search(row.reference, GROUP_TOP):
            pair = frozenset((row.reference, r.key))
            if len({year[key] for key in pair if key in year}) > 1:
                continue  # an earlier year's case is a precedent, nothing to handle together
            if r.score >= threshold and (pair not in best or best[pair].score < r.score):
                best[pair] = Pair(row.reference, r.key, r.score, r.shared_terms)
        progress("查找", done, len(rows))
    return find_groups(best.values(), [row.reference for row in dated])
