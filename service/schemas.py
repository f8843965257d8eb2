"""What the API takes and gives (Pydantic), with examples."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from service.schemas_files import CaseFileOut
from service.schemas_handling import HandlingOut
from service.schemas_parts import CommitmentIn, CommitmentOut, MergeBrief, Strict
from triage.flags import FLAG_NAMES
from triage.ledger.audits import is_blind
from triage.ledger.decisions import DECISION_NAMES
from triage.ledger.events import EVENT_NAMES, flags_of
from triage.ledger.memberships import settled_labels
from triage.ledger.states import STATE_NAMES
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, DecisionRow, EventRow, PredictionRow, RelationRow
from triage.prediction import Prediction
from triage.related import KIND_NAMES
from triage.taxonomy import TARGET_NAMES, Taxonomy

FILE_FIELDS = ("file", "file_name")
Target = Literal["section", "topic", "handling"]


class SubmissionIn(Strict):
    """一件建议或提案。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "title": "关于规范停车场收费的建议",
                    "body": "市区多处停车场收费标准不公示,建议统一明码标价并加强检查。",
                    "session": "云澜市六届人大五次会议",
                    "number": "第081号",
                    "kind": "建议",
                    "deputy": "张三(虚构)",
                    "received_on": "2026-01-12",
                }
            ]
        },
    )

    title: str = Field("", description="标题,可为空")
    body: str = Field(description="正文")
    session: str = Field("", description="会议届次")
    number: str = Field("", description="建议编号;同一届次同一编号只登记一次")
    kind: str = Field("", description="建议、提案、议案或空")
    deputy: str = Field("", description="领衔代表")
    delegation: str = Field("", description="代表团或界别")
    received_on: date | None = Field(None, description="收件日期,默认当天")
    role: str = Field("", description="承办角色:主办、会办(协办)、分办、独办、参阅或空")
    cosigners: str = Field("", description="附议代表")
    lead_unit: str = Field("", description="会办件的主办单位")
    phone: str = Field("", description="代表联系电话")
    proposed_unit: str = Field("", description="代表建议的承办单位")
    file: str = Field("", max_length=64, description="留存的原件的 sha256,先交到 /api/files")
    file_name: str = Field("", max_length=200, description="原件的文件名")

    def submission(self, idempotency_key: str = "") -> Submission:
        return Submission(**self.model_dump(exclude=set(FILE_FIELDS)), idempotency_key=idempotency_key)


class LabelProbability(BaseModel):
    label: str
    probability: float


class PredictionOut(BaseModel):
    """推荐:全部标签按概率从高到低,合计为 1。"""

    target: Target
    target_name: str
    ranked: list[LabelProbability]
    evidence: dict[str, Any]
    model_version: str
    auto: bool = Field(description="把握是否达到自动认定的要求")
    reason: str

    @classmethod
    def of(cls, prediction: Prediction) -> PredictionOut:
        return cls._make(
            prediction.target,
            prediction.ranked,
            prediction.evidence.to_dict(),
            prediction.model_version,
            prediction.auto,
            prediction.reason,
        )

    @classmethod
    def of_row(cls, row: PredictionRow) -> PredictionOut:
        return cls._make(row.target, row.ranked, row.evidence, row.model_version, row.auto, row.reason)

    @classmethod
    def _make(
        cls, target: str, ranked: Any, evidence: dict[str, Any], version: str, auto: bool, reason: str
    ) -> PredictionOut:
        return cls.model_validate(
            {
                "target": target,
                "target_name": TARGET_NAMES[target],
                "ranked": [{"label": label, "probability": p} for label, p in ranked],
                "evidence": evidence,
                "model_version": version,
                "auto": auto,
                "reason": reason,
            }
        )


class FlagOut(BaseModel):
    """收件时的核对提示;有提示的不自动分办。"""

    kind: Literal["not_ours", "several_matters", "too_short"]
    name: str = Field(description="疑似不属本单位职责、多事一议、内容过短")
    score: float = Field(description="越高越可疑,只在同一种提示之间可比")
    reason: str

    @classmethod
    def make(cls, kind: str, score: float, reason: str) -> FlagOut:
        return cls.model_validate({"kind": kind, "name": FLAG_NAMES[kind], "score": score, "reason": reason})


class RelationOut(BaseModel):
    """与另一件的关联。"""

    case_id: int
    title: str
    session: str
    number: str | None
    kind: Literal["duplicate", "related", "precedent"]
    kind_name: str
    score: float
    shared_terms: list[str]
    status: str = Field(description="proposed 已提示、confirmed 已确认、dismissed 已排除")

    @classmethod
    def of(cls, row: RelationRow, other: CaseRow) -> RelationOut:
        return cls.model_validate(
            {
                "case_id": other.id,
                "title": other.title,
                "session": other.session,
                "number": other.number,
                "kind": row.kind,
                "kind_name": KIND_NAMES[row.kind],
                "score": row.score,
                "shared_terms": row.shared_terms,
                "status": row.status,
            }
        )


class DecisionOut(BaseModel):
    """认定:谁、何时、为什么、依据哪次推荐。"""

    id: int
    target: Target
    label: str
    kind: str
    kind_name: str
    who: str
    why: str
    prediction_id: int | None
    created_at: datetime

    @classmethod
    def of(cls, row: DecisionRow) -> DecisionOut:
        return cls.model_validate(
            {
                "id": row.id,
                "target": row.target,
                "label": row.label,
                "kind": row.kind,
                "kind_name": DECISION_NAMES[row.kind],
                "who": row.who,
                "why": row.why,
                "prediction_id": row.prediction_id,
                "created_at": row.created_at,
            }
        )


class EventOut(BaseModel):
    """经过:只增不改。"""

    id: int
    kind: str
    kind_name: str
    who: str
    detail: dict[str, Any]
    created_at: datetime

    @classmethod
    def of(cls, row: EventRow) -> EventOut:
        return cls(
            id=row.id,
            kind=row.kind,
            kind_name=EVENT_NAMES[row.kind],
            who=row.who,
            detail=row.detail,
            created_at=row.created_at,
        )


class CaseSummary(BaseModel):
    """列表中的一件。"""

    id: int
    session: str
    number: str | None
    kind: str
    title: str
    deputy: str
    delegation: str
    role: str = Field(description="承办角色")
    lead_unit: str = Field(description="会办件的主办单位")
    leader: str = Field(description="分管领导:本件指定的,没有则为科室的")
    handler: str = Field(description="承办人")
    received_on: date
    due_on: date | None = Field(description="答复期限")
    state: str
    state_name: str
    route: Literal["auto", "review"]
    route_reason: str
    result_class: str | None
    reply_number: str
    replied_on: date | None
    closed_on: date | None
    key_on: date | None = Field(description="列为重点督办的日期")
    version: int = Field(description="改动一次加一;认定时带上所见的值,防止覆盖别人的认定")
    labels: dict[str, str] = Field(description="已认定的承办科室、主题、办理类型;并案中的件随主件")
    flags: list[FlagOut] = Field(description="收件时的核对提示,平时为空")

    @classmethod
    def of(cls, case: CaseRow, taxonomy: Taxonomy) -> CaseSummary:
        return cls.model_validate(_summary(case, taxonomy))


class CaseOut(CaseSummary):
    """一件的全部:正文、推荐、认定、关联、经过。"""

    body: str
    cosigners: str = Field(description="附议代表")
    phone: str = Field(description="代表联系电话")
    proposed_unit: str = Field(description="代表建议的承办单位")
    drawn: bool = Field(description="是否抽查的件")
    blind: bool = Field(description="抽查而还没有人认定:推荐不显示,请独立认定")
    predictions: list[PredictionOut] = Field(description="抽查的件在认定之前为空")
    decisions: list[DecisionOut]
    relations: list[RelationOut]
    merge: MergeBrief | None = Field(description="所在的并案,没有则为空")
    commitments: list[CommitmentOut]
    files: list[CaseFileOut] = Field(description="原件")
    handling: HandlingOut
    events: list[EventOut]

    @classmethod
    def whole(
        cls, case: CaseRow, relations: list[tuple[RelationRow, CaseRow]], taxonomy: Taxonomy, **more: Any
    ) -> Self:
        blind = is_blind(case)
        return cls.model_validate(
            {
                **_summary(case, taxonomy),
                "body": case.body,
                "cosigners": case.cosigners,
                "phone": case.phone,
                "proposed_unit": case.proposed_unit,
                "drawn": case.audit is not None,
                "blind": blind,
                "predictions": [] if blind else [PredictionOut.of_row(p) for p in case.predictions],
                "decisions": [DecisionOut.of(d) for d in case.decisions],
                "relations": [RelationOut.of(r, other) for r, other in relations],
                "merge": MergeBrief.of(case),
                "commitments": [CommitmentOut.of(c) for c in case.commitments],
                "files": [CaseFileOut.model_validate(f) for f in case.files],
                "handling": HandlingOut.of(case),
                "events": [EventOut.of(e) for e in case.events],
                **more,
            }
        )


class CaseReceipt(CaseOut):
    """收件结果。"""

    created: bool
    differs: bool = Field(description="此前已登记,而这次内容不同;不同的内容已记入经过")


class CasePage(BaseModel):
    total: int
    limit: int
    offset: int
    cases: list[CaseSummary]


class TriageOut(BaseModel):
    """试算:不写台账。"""

    route: Literal["auto", "review"]
    flags: list[FlagOut]
    predictions: list[PredictionOut]
    related: list[dict[str, Any]]


class OneDecision(Strict):
    target: Target
    label: str = Field(min_length=1, max_length=200)


class DecisionsIn(Strict):
    """确认或改判;与推荐不同的为改判,须写理由。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "who": "李科员",
                    "why": "",
                    "version": 1,
                    "decisions": [{"target": "section", "label": "价格收费管理科"}],
                }
            ]
        },
    )

    who: str = Field(min_length=1, max_length=100, description="认定人")
    why: str = Field("", max_length=2_000, description="理由;改判必填")
    version: int | None = Field(None, description="所见的 version;已被别人改动则返回 409")
    decisions: list[OneDecision] = Field(min_length=1)


class CloseIn(Strict):
    """办结销号。"""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "who": "李科员",
                    "result_class": "A",
                    "reply_number": "云发改函〔2026〕12号",
                    "commitments": [{"what": "年内建成两处充电站", "due_on": "2026-12-31"}],
                }
            ]
        },
    )

    who: str = Field(min_length=1, max_length=100)
    result_class: str = Field(min_length=1, max_length=20)
    reply_number: str = Field("", max_length=100)
    why: str = Field("", max_length=2_000)
    version: int | None = Field(None, description="所见的 version;已被别人改动则返回 409")
    commitments: list[CommitmentIn] = Field(default_factory=list, max_length=50)


class ModelOut(BaseModel):
    target: Target
    target_name: str
    serving: str = Field(description="正在使用的版本")
    problem: str = Field(description="现用模型被拒绝时的说明,平时为空")
    versions: list[dict[str, Any]]


def _summary(case: CaseRow, taxonomy: Taxonomy) -> dict[str, Any]:
    return {
        "id": case.id,
        "session": case.session,
        "number": case.number,
        "kind": case.kind,
        "title": case.title,
        "deputy": case.deputy,
        "delegation": case.delegation,
        "role": case.role,
        "lead_unit": case.lead_unit,
        "leader": case.leader or taxonomy.leader_of(case.section),
        "handler": case.handler,
        "received_on": case.received_on,
        "due_on": case.due_on,
        "state": case.state,
        "state_name": STATE_NAMES[case.state],
        "route": case.route,
        "route_reason": case.route_reason,
        "result_class": case.result_class,
        "reply_number": case.reply_number,
        "replied_on": case.replied_on,
        "closed_on": case.closed_on,
        "key_on": case.key_on,
        "version": case.version,
        "labels": settled_labels(case),
        "flags": [FlagOut.make(d["flag"], d["score"], d["why"]) for d in flags_of(case)],
    }
