"""What the API gives on groups: cases of one year that one plan could answer (Pydantic)."""

from __future__ import annotations

from pydantic import BaseModel, Field

from service.schemas_merges import MergeName
from triage.ledger.groups import LedgerGroup
from triage.ledger.states import STATE_NAMES


class GroupCase(BaseModel):
    """组中的一件。"""

    id: int
    number: str | None
    title: str
    state: str
    state_name: str


class GroupOut(BaseModel):
    """可以一并办理的一组。"""

    name: str = Field(description="已并案的用并案名称,未并案的由共同的词拟出")
    lead: int = Field(description="主件的台账编号;未并案的为建议的主件")
    score: float = Field(description="组内各对把握的平均,0 到 1")
    cases: list[GroupCase] = Field(description="收件早的在前")
    merges: list[MergeName] = Field(description="组内已有的并案")
    to_join: list[int] = Field(description="在办而未并案的各件,即建议并入的")

    @classmethod
    def of(cls, group: LedgerGroup) -> GroupOut:
        return cls(
            name=group.name,
            lead=group.lead.id,
            score=group.score,
            cases=[
                GroupCase(
                    id=case.id,
                    number=case.number,
                    title=case.title,
                    state=case.state,
                    state_name=STATE_NAMES[case.state],
                )
                for case in group.cases
            ],
            merges=[MergeName(id=merge.id, name=merge.name) for merge in group.merges],
            to_join=[case.id for case in group.to_join],
        )
