"""The ledger out of the program: an Excel workbook for people, CSV and JSON for programs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from triage.errors import InputError
from triage.exports.ledger_columns import Cell, cases_of, cells, headers
from triage.exports.workbook import write_workbook
from triage.ledger.search import CaseFilter, find_ids
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

SUFFIXES = (".xlsx", ".csv", ".json")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

Progress = Callable[[int, int], None]


def export_ledger(
    path: Path,
    *,
    session: Session,
    taxonomy: Taxonomy,
    wanted: CaseFilter | None = None,
    progress: Progress = lambda *_: None,
) -> int:
    """Write the wanted cases, all by default, to ``path`` by its suffix, oldest first; how many.

    Raises:
        InputError: another file type, or a filter that is not understood.
    """
    check_suffix(path)
    ids = sorted(find_ids(wanted or CaseFilter(), session=session))
    if path.suffix == ".xlsx":
        write_workbook(path, ids, session=session, taxonomy=taxonomy, progress=progress)
    elif path.suffix == ".json":
        _write_json(path, ids, session, progress)
    else:
        _write_csv(path, ids, session, progress)
    return len(ids)


def check_suffix(path: Path) -> None:
    """Raises InputError for a file type that is not written."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"不能导出为 {path.suffix or path.name},请用 .xlsx、.csv 或 .json 结尾的文件名。")


def _write_csv(path: Path, ids: Sequence[int], session: Session, progress: Progress) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells Excel UTF-8
        writer = csv.writer(file)
        writer.writerow(headers())
        for at, case in enumerate(cases_of(ids, session), start=1):
            writer.writerow([harmless(_text(value)) for value in cells(case)])
            progress(at, len(ids))


def _write_json(path: Path, ids: Sequence[int], session: Session, progress: Progress) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("[")
        for at, case in enumerate(cases_of(ids, session), start=1):
            file.write(("" if at == 1 else ",") + "\n" + json.dumps(_record(case), ensure_ascii=False))
            progress(at, len(ids))
        file.write("\n]\n")


def _record(case: CaseRow) -> dict[str, Any]:
    return {
        **dict(zip(headers(), map(_text, cells(case)), strict=True)),
        "认定记录": [
            {
                "项": d.target,
                "结果": d.label,
                "方式": d.kind,
                "认定人": d.who,
                "理由": d.why,
                "时间": d.created_at.isoformat(),
            }
            for d in case.decisions
        ],
        "经过": [
            {"事": e.kind, "经办": e.who, "内容": e.detail, "时间": e.created_at.isoformat()}
            for e in case.events
        ],
    }


def _text(value: Cell) -> str:
    return "" if value is None else str(value)


def harmless(value: str) -> str:
    """A deputy's text must never become a formula in somebody's spreadsheet."""
    return "'" + value if value.startswith(_FORMULA) else value
