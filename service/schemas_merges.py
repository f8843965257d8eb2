"""What the API takes and gives on merges and relations (Pydantic), with examples."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service.schemas import RelationOut
from service.schemas_parts import CommitmentOut, Strict
from triage.evidence import Comparison
from triage.ledger.commitments import open_commitments
from triage.ledger.memberships import active_members, active_merge, merge_due_on, settled_labels
from triage.ledger.merge_changes import MAX_NAME, MAX_PLAN
from triage.ledger.merges import MergeOutcome
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, MergeRow, RelationRow
from triage.ledger.texts import MAX_WHY

MAX_CASES = 200


class Signed(Strict):
    """谁、为什么。"""

    who: str = Field(min_length=1, max_length=100, description="经办人")
    why: str = Field("", max_length=MAX_WHY, description="理由")


class Change(Signed):
    """对并案的改动。"""

    version: int | None = Field(None, description="所见的并案 version;已被别人改动则返回 409")


class MergeIn(Signed):
    """把几件在办的建议并案办理;已办结的记为往年先例。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"cases": [12, 15, 31], "lead": 12, "name": "冷链物流", "who": "李科员", "why": "同一事项"}
            ]
        },
    )

    cases: list[int] = Field(min_length=1, max_length=MAX_CASES, description="台账编号,至少两件")
    lead: int = Field(description="主件的台账编号")
    name: str = Field("", max_length=MAX_NAME, description="并案名称,默认为主件的标题")


class MembersIn(Change):
    """加入并案。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"cases": [31], "who": "李科员", "version": 1}]},
    )

    cases: list[int] = Field(min_length=1, max_length=MAX_CASES)


class LeadIn(Change):
    """更换主件。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"lead": 15, "who": "李科员", "why": "由先收到的一件作主件"}]},
    )

    lead: int


class DueIn(Change):
    """调整并案期限,须写理由。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"due_on": "2026-05-31", "who": "李科员", "why": "代表要求提前答复"}]
        },
    )

    due_on: date | None = Field(description="空则恢复为各件中最早的答复期限")


class PlanIn(Change):
    """统一办理方案。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"plan": "统一调研,分别答复。", "name": "冷链物流", "who": "李科员"}]
        },
    )

    plan: str = Field(max_length=MAX_PLAN)
    name: str = Field("", max_length=MAX_NAME, description="新的并案名称,空则不改")


class UnmergeIn(Change):
    """解除并案,须写理由。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"cases": [15], "who": "李科员", "why": "所提事项不同", "version": 1}]
        },
    )

    cases: list[int] | None = Field(None, max_length=MAX_CASES, description="退出的各件,默认全部")
    lead: int | None = Field(None, description="主件退出时接任的主件,默认最早的一件")


class DismissIn(Signed):
    """两件不相关:不再提示。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"case_id": 12, "other_id": 31, "who": "李科员", "why": "只是同一个镇"}]
        },
    )

    case_id: int
    other_id: int


class MemberOut(BaseModel):
    """并案中的一件。"""

    case_id: int
    number: str | None
    title: str
    deputy: str
    role: str
    state: str
    state_name: str
    due_on: date | None
    reply_number: str
    closed_on: date | None
    lead: bool


class MergeOut(BaseModel):
    """一个并案。"""

    id: int
    name: str
    lead: int
    plan: str
    labels: dict[str, str] = Field(description="各件共用的承办科室和办理类型")
    due_on: date | None = Field(description="由人调整过的期限,没有则为各件中最早的答复期限")
    due_set: bool = Field(description="期限是否由人调整过")
    version: int = Field(description="改动一次加一")
    created_at: datetime
    dissolved_at: datetime | None
    members: list[MemberOut] = Field(description="现在的各件,主件在前")

    @classmethod
    def of(cls, merge: MergeRow) -> MergeOut:
        return cls(
            id=merge.id,
            name=merge.name,
            lead=merge.lead_id,
            plan=merge.plan,
            labels=merge.labels,
            due_on=merge_due_on(merge),
            due_set=merge.due_on is not None,
            version=merge.version,
            created_at=merge.created_at,
            dissolved_at=merge.dissolved_at,
            members=[
                MemberOut(
                    case_id=case.id,
                    number=case.number,
                    title=case.title,
                    deputy=case.deputy,
                    role=case.role,
                    state=case.state,
                    state_name=STATE_NAMES[case.state],
                    due_on=case.due_on,
                    reply_number=case.reply_number,
                    closed_on=case.closed_on,
                    lead=case.id == merge.lead_id,
                )
                for case in active_members(merge)
            ],
        )


class PrecedentOut(BaseModel):
    """已办结而没有并入的一件,记为先例。"""

    case_id: int
    precedent_id: int


class MergeOutcomeOut(BaseModel):
    """并案的结果。"""

    merge: MergeOut | None = Field(description="在办件不足两件时为空")
    precedents: list[PrecedentOut]
    warnings: list[str] = Field(description="请经办人核对的提示")

    @classmethod
    def of(cls, outcome: MergeOutcome) -> MergeOutcomeOut:
        return cls(
            merge=MergeOut.of(outcome.merge) if outcome.merge else None,
            precedents=[PrecedentOut(case_id=a, precedent_id=b) for a, b in outcome.precedents],
            warnings=outcome.warnings,
        )


class MergeName(BaseModel):
    id: int
    name: str


class OtherCase(BaseModel):
    """关联的另一件。"""

    id: int
    number: str | None
    title: str
    deputy: str
    year: int
    state: str
    state_name: str
    section: str | None = Field(description="已认定的承办科室;并案中的件随主件")
    result_class: str | None
    reply_number: str
    closed_on: date | None
    merge: MergeName | None
    commitments: list[CommitmentOut] = Field(description="尚未兑现的承诺")


class Differs(BaseModel):
    """两件各自独有的词,最能说明事项的在前。"""

    own: list[str]
    other: list[str]

    @classmethod
    def of(cls, compared: Comparison) -> Differs:
        return cls(own=list(compared.only_first), other=list(compared.only_second))


class RelatedOut(BaseModel):
    """台账中的一条关联。"""

    kind: Literal["duplicate", "related", "precedent"]
    kind_name: str
    score: float
    status: Literal["proposed", "confirmed", "dismissed"]
    shared_terms: list[str]
    evidence: dict[str, Any]
    differs: Differs | None = Field(None, description="只比较把握最大的 20 条")
    case: OtherCase

    @classmethod
    def of(cls, row: RelationRow, other: CaseRow, *, session: Session) -> RelatedOut:
        merge = active_merge(other)
        told = RelationOut.of(row, other).model_dump(
            include={"kind", "kind_name", "score", "status", "shared_terms"}
        )
        return cls(
            **told,
            evidence=row.evidence,
            case=OtherCase(
                id=other.id,
                number=other.number,
                title=other.title,
                deputy=other.deputy,
                year=other.received_on.year,
                state=other.state,
                state_name=STATE_NAMES[other.state],
                section=settled_labels(other).get("section"),
                result_class=other.result_class,
                reply_number=other.reply_number,
                closed_on=other.closed_on,
                merge=MergeName(id=merge.id, name=merge.name) if merge else None,
                commitments=[CommitmentOut.of(c) for c in open_commitments([other.id], session=session)],
            ),
        )
