"""What the API takes and gives of the ledger as a whole (Pydantic): feed, calendar, year, reminders."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.schemas_acts import ActIn
from service.schemas_parts import CommitmentOut, Strict, example
from triage.ledger.carried import Carried
from triage.ledger.events import EVENT_NAMES
from triage.ledger.reminders import KIND_NAMES, Reminder
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, CommitmentRow, EventRow
from triage.ledger.year import Share, YearFigures
from triage.periods import HOLIDAY_KINDS
from triage.taxonomy import Taxonomy


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


class HolidayIn(Strict):
    """与平日不同的一天。"""

    day: date
    kind: Literal["off", "work", "plain"] = Field(
        description="off 放假、work 周末上班、plain 照常(取消原登记)"
    )
    name: str = Field("", max_length=100)


class HolidaysIn(ActIn):
    """登记节假日;以工作日计的未到期限随之重算。"""

    model_config = example(who="李科员", days=[{"day": "2026-10-01", "kind": "off", "name": "国庆节"}])

    days: list[HolidayIn] = Field(min_length=1, max_length=1000)


class HolidayOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    day: date
    kind: str
    kind_name: str = ""
    name: str

    @classmethod
    def of(cls, row: Any) -> HolidayOut:
        return cls(day=row.day, kind=row.kind, kind_name=HOLIDAY_KINDS[row.kind], name=row.name)


class HolidaysOut(BaseModel):
    changed: list[HolidayOut]
    moved: list[int] = Field(description="期限随之变动的各件的台账编号")


class CaseBrief(BaseModel):
    """列表里的一件。"""

    id: int
    session: str
    number: str | None
    title: str
    deputy: str
    section: str | None
    leader: str
    handler: str
    state: str
    state_name: str
    received_on: date
    result_class: str | None

    @classmethod
    def of(cls, case: CaseRow, taxonomy: Taxonomy) -> CaseBrief:
        return cls(
            id=case.id,
            session=case.session,
            number=case.number,
            title=case.title,
            deputy=case.deputy,
            section=case.section,
            leader=case.leader or taxonomy.leader_of(case.section),
            handler=case.handler,
            state=case.state,
            state_name=STATE_NAMES[case.state],
            received_on=case.received_on,
            result_class=case.result_class,
        )


class OpenCommitment(BaseModel):
    case: CaseBrief
    commitment: CommitmentOut

    @classmethod
    def of(cls, row: CommitmentRow, case: CaseRow, taxonomy: Taxonomy) -> OpenCommitment:
        return cls(case=CaseBrief.of(case, taxonomy), commitment=CommitmentOut.of(row))


class CommitmentPage(BaseModel):
    """各年未兑现的承诺,最急的在前。"""

    total: int
    commitments: list[OpenCommitment]


class CarriedOut(BaseModel):
    """往年的一件,今年仍要跟踪。"""

    case: CaseBrief
    reasons: list[str]
    commitments: list[CommitmentOut]

    @classmethod
    def of(cls, found: Carried, taxonomy: Taxonomy) -> CarriedOut:
        return cls(
            case=CaseBrief.of(found.case, taxonomy),
            reasons=found.reasons,
            commitments=[CommitmentOut.of(c) for c in found.commitments],
        )


class ShareOut(BaseModel):
    count: int
    of: int
    rate: float | None = Field(description="count / of;没有可计的、没有记录的为空")

    @classmethod
    def make(cls, share: Share) -> ShareOut:
        return cls(count=share.count, of=share.of, rate=share.rate)


class ClassOut(ShareOut):
    code: str
    name: str


class SectionOut(BaseModel):
    section: str
    cases: int
    closed: int
    late: int
    classes: dict[str, int]


class YearOut(BaseModel):
    """一年的统计,以该年收件为准。"""

    year: int
    total: int
    roles: dict[str, int] = Field(description="承办角色到件数")
    states: dict[str, int] = Field(description="状态到件数")
    classes: list[ClassOut] = Field(description="办理结果类别的件数和占比")
    key_cases: int = Field(description="重点督办件数")
    merged: int = Field(description="并案办理的件数")
    contacted: ShareOut = Field(description="联系率")
    met: ShareOut = Field(description="见面率")
    satisfied: ShareOut = Field(description="满意率(满意、基本满意),以每位代表最近一次反馈计")
    on_time: ShareOut = Field(description="按期率")
    redone: int = Field(description="重新办理的件数")
    commitments: ShareOut = Field(description="承诺兑现率")
    sections: list[SectionOut]

    @classmethod
    def make(cls, figures: YearFigures, taxonomy: Taxonomy) -> YearOut:
        names = {r.code: r.name for r in taxonomy.result_classes}
        shares = {code: figures.class_share(code) for code in figures.classes}
        return cls(
            year=figures.year,
            total=figures.total,
            roles=figures.roles,
            states=figures.states,
            classes=[
                ClassOut(code=code, name=names.get(code, ""), count=s.count, of=s.of, rate=s.rate)
                for code, s in shares.items()
            ],
            key_cases=figures.key_cases,
            merged=figures.merged,
            contacted=ShareOut.make(figures.contacted),
            met=ShareOut.make(figures.met),
            satisfied=ShareOut.make(figures.satisfied),
            on_time=ShareOut.make(figures.on_time),
            redone=figures.redone,
            commitments=ShareOut.make(figures.commitments),
            sections=[
                SectionOut(section=s.name, cases=s.cases, closed=s.closed, late=s.late, classes=s.classes)
                for s in figures.sections
            ],
        )


class ReminderOut(BaseModel):
    """一条提醒。"""

    mark: str = Field(description="同一条提醒的标识,可用来去重")
    case_id: int
    kind: str
    kind_name: str
    message: str
    due_on: date | None
    section: str
    leader: str
    handler: str
    told: bool = Field(description="已经提醒过")

    @classmethod
    def of(cls, reminder: Reminder, told: bool) -> ReminderOut:
        return cls(**vars(reminder), kind_name=KIND_NAMES[reminder.kind], told=told)
