"""What the API takes and gives about files and batches (Pydantic)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas_parts import Strict
from triage.bulk import Handed
from triage.documents.form import read_form
from triage.documents.ledger_sheet import Aside, LedgerSheet, read_ledger
from triage.documents.rows import BadRow, Row
from triage.ledger.batches import KIND_NAMES, STATE_NAMES
from triage.ledger.file_tables import BatchRow

SAMPLE = 5


class FormOut(BaseModel):
    """从一份文稿里读到的一件建议。"""

    fields: dict[str, str] = Field(description="读到的各栏,没有读到的不在其中")
    missing: list[str] = Field(description="没有读到的栏目")
    leftover: list[str] = Field(description="没有归入哪一栏的文字")


class TableOut(BaseModel):
    """从一份表里读到的各行。"""

    rows: int = Field(description="可以登记的行数")
    columns: list[dict[str, Any]] = Field(description="各工作表的栏目与列名,和没有用到的列")
    sample: list[dict[str, str]] = Field(description="前几行")
    refused: list[dict[str, Any]] = Field(description="读不了的行和原因")
    asides: list[dict[str, Any]] = Field(description="合计、说明等不是建议件的行")


class FileOut(BaseModel):
    """留存的原件和读到的内容;还没有登记成建议件。"""

    sha256: str
    name: str
    size: int = Field(description="字节")
    kind: str = Field(description="docx、doc、pdf、txt、image、xlsx、xls、ods、csv、json,按内容判断")
    form: FormOut | None = Field(description="文稿才有")
    table: TableOut | None = Field(description="表格才有")
    notes: list[str] = Field(description="要请人留意的")

    @classmethod
    def of(cls, handed: Handed, sha256: str) -> FileOut:
        """Raises InputError where a sheet is no list of suggestions."""
        content = handed.content
        form = found = None
        notes = list(content.notes)
        if content.document is not None:
            read = read_form(content.document)
            form = FormOut(fields=dict(read.fields), missing=list(read.missing), leftover=list(read.leftover))
            notes = [*notes, *(note for note in read.notes if note not in notes)]
        else:
            ledger = read_ledger(content)
            found, notes = _table(ledger), list(ledger.notes)
        return cls(
            sha256=sha256,
            name=handed.name,
            size=len(handed.raw),
            kind=content.kind,
            form=form,
            table=found,
            notes=notes,
        )


def _table(ledger: LedgerSheet) -> TableOut:
    rows = [row for row in ledger.rows if isinstance(row, Row)]
    return TableOut(
        rows=len(rows),
        columns=[c.__dict__ for c in ledger.columns],
        sample=[dict(row.fields) for row in rows[:SAMPLE]],
        refused=[row.__dict__ for row in ledger.rows if isinstance(row, BadRow)],
        asides=[row.__dict__ for row in ledger.rows if isinstance(row, Aside)],
    )


class CaseFileOut(BaseModel):
    """一件建议的原件。"""

    model_config = ConfigDict(from_attributes=True)

    sha256: str = Field(description="在 /api/files/ 下取原件")
    name: str
    place: str = Field(description="表格中的位置;整份文件是这一件时为空")
    who: str
    created_at: datetime


class BatchIn(Strict):
    """把一份留存的原件整批登记。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "kind": "import",
                    "sha256": "0" * 64,
                    "name": "2025年工作台账.xlsx",
                    "session": "云澜市六届人大四次会议",
                    "columns": {"title": "建议题目"},
                    "values": {"section": {"投资处": "固定资产投资科"}},
                    "who": "李科员",
                }
            ]
        },
    )

    kind: Literal["intake", "import"] = Field(description="intake 收件;import 导入已有的台账")
    sha256: str = Field(min_length=64, max_length=64)
    name: str = Field("", max_length=200, description="文件名,记入每件的原件")
    session: str = Field("", max_length=200, description="文件中没有届次时用的届次")
    columns: dict[str, str] = Field({}, description="我们的栏目(如 title)到表里的列名")
    values: dict[str, dict[str, str]] = Field({}, description="栏目到表里的写法到台账的写法")
    closed: bool = Field(False, description="导入时没有写明状态、结果和日期的行,按已办结登记")
    who: str = Field(max_length=100)


class BatchOut(BaseModel):
    """整批登记的进展和结果。"""

    id: int
    kind: str
    kind_name: str
    name: str
    sha256: str
    who: str
    state: str = Field(description="waiting、running、stopped、done、failed")
    state_name: str
    done: int = Field(description="已处理的行")
    total: int = Field(description="共有的行,还没数清时为 0")
    report: dict[str, Any] = Field(description="每一行的去向,边做边添")
    problem: str = Field(description="没有做完的原因")
    created_at: datetime

    @classmethod
    def of(cls, row: BatchRow) -> BatchOut:
        return cls(
            **{
                name: getattr(row, name)
                for name in cls.model_fields
                if name not in ("kind_name", "state_name")
            },
            kind_name=KIND_NAMES[row.kind],
            state_name=STATE_NAMES[row.state],
        )
