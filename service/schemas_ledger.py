"""What the API gives of the ledger as a whole (Pydantic): the feed of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from triage.ledger.events import EVENT_NAMES
from triage.ledger.tables import EventRow


class ChangeOut(BaseModel):
    """台账的一次变化:只增不改,编号连续。"""

    id: int = Field(description="从 1 起连续编号,也是游标")
    case_id: int | None = Field(description="台账编号;模型、节假日等全单位的变化为空")
    version: int | None = Field(description="这次变化之后该件的 version")
    kind: str
    kind_name: str
    who: str
    detail: dict[str, Any] = Field(description="状态有变的,state 为新状态,state_before 为原状态")
    hash: str
    created_at: datetime

    @classmethod
    def of(cls, row: EventRow) -> ChangeOut:
        return cls(
            id=row.id,
            case_id=row.case_id,
            version=row.version,
            kind=row.kind,
            kind_name=EVENT_NAMES[row.kind],
            who=row.who,
            detail=row.detail,
            hash=row.hash,
            created_at=row.created_at,
        )


class ChangePage(BaseModel):
    """按顺序的一页变化。"""

    changes: list[ChangeOut]
    cursor: int = Field(description="下次用 after=cursor 接着读")
    more: bool = Field(description="后面还有,可立即接着读")
