"""Parts of what the API takes and gives that several schemas share (Pydantic)."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from triage.ledger.commitments import MAX_COMMITMENT, Commitment
from triage.ledger.memberships import active_members, active_merge, merge_due_on
from triage.ledger.tables import CaseRow, CommitmentRow


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


def example(**fields: Any) -> ConfigDict:
    """The configuration of a strict schema with one example of what is sent."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [fields]})


class LookBackOut(BaseModel):
    """承诺的一次回头看。"""

    model_config = ConfigDict(from_attributes=True)

    looked_on: date
    progress: str
    who: str


class CommitmentOut(BaseModel):
    """答复中的一项承诺。"""

    id: int
    case_id: int
    what: str
    due_on: date | None
    kept_on: date | None
    overdue: bool = Field(description="已过时限而没有兑现")
    look_backs: list[LookBackOut] = Field(description="历次回头看")

    @classmethod
    def of(cls, row: CommitmentRow) -> CommitmentOut:
        late = row.kept_on is None and row.due_on is not None and row.due_on < date.today()
        return cls(
            id=row.id,
            case_id=row.case_id,
            what=row.what,
            due_on=row.due_on,
            kept_on=row.kept_on,
            overdue=late,
            look_backs=[LookBackOut.model_validate(seen) for seen in row.look_backs],
        )


class MergeBrief(BaseModel):
    """一件所在的并案。"""

    id: int
    name: str
    lead: int = Field(description="主件的台账编号")
    members: list[int] = Field(description="各件的台账编号,主件在前")
    due_on: date | None = Field(description="由人调整过的期限,没有则为各件中最早的答复期限")
    version: int

    @classmethod
    def of(cls, case: CaseRow) -> MergeBrief | None:
        merge = active_merge(case)
        if merge is None:
            return None
        return cls(
            id=merge.id,
            name=merge.name,
            lead=merge.lead_id,
            members=[member.id for member in active_members(merge)],
            due_on=merge_due_on(merge),
            version=merge.version,
        )


class CommitmentIn(Strict):
    """答复中向代表承诺的事项。"""

    what: str = Field(min_length=1, max_length=MAX_COMMITMENT)
    due_on: date | None = None

    def commitment(self) -> Commitment:
        return Commitment(self.what, self.due_on)


class KeepIn(Strict):
    """承诺兑现。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"who": "李科员", "kept_on": "2026-10-30", "why": "充电桩已建成投用"}]
        },
    )

    who: str = Field(min_length=1, max_length=100)
    kept_on: date | None = Field(None, description="兑现日期,默认当天")
    why: str = Field("", max_length=2_000, description="说明")
