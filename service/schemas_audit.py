"""What the API gives of the audit sample (Pydantic)."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field

from triage.ledger.audits import AuditFigures, AuditRecord, Verdict
from triage.ledger.learning_tables import RoutingStopRow
from triage.taxonomy import TARGET_NAMES


class AuditFiguresOut(BaseModel):
    """抽查的一组:全部、模型认定的一类,或收件的一个月。"""

    name: str = Field(description="模型认定的名称;月份;全部为空")
    drawn: int = Field(description="抽出的件;按名称分的不含还没有人认定的")
    judged: int = Field(description="其中已有人独立认定的")
    right: int = Field(description="认定与模型相同的")
    precision: float | None = Field(description="自动认定的正确率估计,按抽取比例加权")
    low: float | None = Field(description="95% 区间(Clopper-Pearson)的下端")
    high: float | None = Field(description="上端")
    promise: float | None = Field(description="最近一次抽取时承诺的正确率")

    @classmethod
    def of(cls, figures: AuditFigures) -> AuditFiguresOut:
        low, high = figures.interval or (None, None)
        return cls(
            name=figures.name,
            drawn=figures.drawn,
            judged=figures.judged,
            right=figures.right,
            precision=figures.precision,
            low=low,
            high=high,
            promise=figures.promise,
        )


class VerdictOut(BaseModel):
    """抽查的一件;认定之前不说模型认定了什么。"""

    case_id: int
    received_on: date
    model_version: str
    label: str | None = Field(description="模型认定的,没有人认定之前为空")
    given: str | None = Field(description="人认定的")
    right: bool | None
    who: str
    judged_at: datetime | None

    @classmethod
    def of(cls, verdict: Verdict) -> VerdictOut:
        judged = bool(verdict.given)
        return cls(
            case_id=verdict.case_id,
            received_on=verdict.received_on,
            model_version=verdict.model_version,
            label=None if verdict.blind else verdict.label,
            given=verdict.given if judged else None,
            right=verdict.right if judged else None,
            who=verdict.who,
            judged_at=verdict.at,
        )


class StopOut(BaseModel):
    """自动认定的一次停止。"""

    id: int
    target: str
    target_name: str
    label: str
    model_version: str
    why: str
    stopped_at: datetime
    binding: bool = Field(description="现在还停着;换了模型或恢复以后为 false")
    resumed_at: datetime | None
    resumed_by: str
    resumed_why: str

    @classmethod
    def of(cls, row: RoutingStopRow, *, binding: bool) -> StopOut:
        return cls(
            id=row.id,
            target=row.target,
            target_name=TARGET_NAMES[row.target],
            label=row.label,
            model_version=row.model_version,
            why=row.why,
            stopped_at=row.stopped_at,
            binding=binding,
            resumed_at=row.resumed_at,
            resumed_by=row.resumed_by,
            resumed_why=row.resumed_why,
        )


class AuditOut(BaseModel):
    """抽查:有把握的件里随机抽出、由人独立认定的,由此得出自动认定的正确率。"""

    target: str
    year: int
    total: AuditFiguresOut
    sections: list[AuditFiguresOut] = Field(description="按模型认定的名称;只算已有人认定的件")
    months: list[AuditFiguresOut] = Field(description="按收件的月份,一月到十二月")
    cases: list[VerdictOut]
    stops: list[StopOut] = Field(description="全部停止的记录,新的在前")

    @classmethod
    def of(cls, record: AuditRecord, year: int, stops: list[StopOut]) -> AuditOut:
        return cls(
            target=record.target,
            year=year,
            total=AuditFiguresOut.of(record.total),
            sections=[AuditFiguresOut.of(f) for f in record.sections],
            months=[AuditFiguresOut.of(f) for f in record.months],
            cases=[VerdictOut.of(v) for v in record.verdicts],
            stops=stops,
        )
