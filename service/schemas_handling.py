"""What the API gives of a case once a section has it (Pydantic)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from triage.ledger.contacts import CONTACT_NAMES
from triage.ledger.deadlines import DEADLINE_NAMES, is_open
from triage.ledger.duties import DUTY_NAMES
from triage.ledger.tables import CaseRow


class Row(BaseModel):
    """Filled from a table's row."""

    model_config = ConfigDict(from_attributes=True)


class DeadlineOut(Row):
    """一项期限。"""

    id: int
    kind: Literal["reply", "assist", "objection", "feedback", "redo"]
    kind_name: str = ""
    duty_id: int | None = Field(description="属于哪项协办,本件自己的期限为空")
    rule: str = Field(description="按什么规定计算,如 7个工作日;由人指定的为空")
    start_on: date
    due_on: date
    met_on: date | None
    dropped_on: date | None = Field(description="不再需要的日期")
    late: bool = False


class DutyOut(Row):
    """一个科室的协办或分办。"""

    id: int
    section: str
    kind: Literal["assist", "split"]
    kind_name: str = ""
    task: str
    handler: str
    due_on: date | None = None
    answer: str = Field(description="送主办科室的意见,不直接答复代表")
    answered_on: date | None
    withdrawn_on: date | None


class StageOut(Row):
    """分步推进的一个阶段。"""

    id: int
    what: str
    due_on: date
    done_on: date | None
    dropped_on: date | None


class ContactOut(Row):
    """与代表的一次联系。"""

    id: int
    deputy: str
    how: Literal["phone", "visit", "meeting", "letter"]
    how_name: str = ""
    held_on: date
    what: str
    who: str
    struck_on: date | None = Field(description="误记更正的日期,不计入统计")


class ReplyOut(Row):
    """一次答复。"""

    id: int
    number: str
    replied_on: date
    addressee: str
    signer: str
    who: str


class ResultOut(Row):
    """一次办理结果认定。"""

    id: int
    result_class: str
    found_on: date
    why: str
    who: str


class FeedbackOut(Row):
    """代表的一次反馈。"""

    id: int
    deputy: str
    verdict: Literal["满意", "基本满意", "不满意"]
    given_on: date
    comment: str
    reply_id: int | None
    struck_on: date | None


class MeetingOut(Row):
    """一次专题调度。"""

    id: int
    held_on: date
    chair: str
    attendees: str
    settled: str
    struck_on: date | None


class HandlingOut(BaseModel):
    """一件的办理:期限、协办、阶段、联系、答复、结果、反馈、调度。"""

    hard_on: date | None = Field(description="认定为难件的日期")
    reasons: str = Field(description="创造条件逐步解决的,暂不能办的原因")
    measures: str = Field(description="创造条件的措施")
    deadlines: list[DeadlineOut]
    duties: list[DutyOut]
    stages: list[StageOut]
    contacts: list[ContactOut]
    replies: list[ReplyOut]
    results: list[ResultOut]
    feedback: list[FeedbackOut]
    meetings: list[MeetingOut]

    @classmethod
    def of(cls, case: CaseRow) -> HandlingOut:
        today = date.today()
        due = {d.duty_id: d.due_on for d in case.deadlines if d.duty_id}
        return cls(
            hard_on=case.hard_on,
            reasons=case.reasons,
            measures=case.measures,
            deadlines=[
                DeadlineOut.model_validate(d).model_copy(
                    update={
                        "kind_name": DEADLINE_NAMES[d.kind],
                        "late": d.met_on > d.due_on if d.met_on else is_open(d) and d.due_on < today,
                    }
                )
                for d in case.deadlines
            ],
            duties=[
                DutyOut.model_validate(d).model_copy(
                    update={"kind_name": DUTY_NAMES[d.kind], "due_on": due.get(d.id)}
                )
                for d in case.duties
            ],
            stages=[StageOut.model_validate(s) for s in case.stages],
            contacts=[
                ContactOut.model_validate(c).model_copy(update={"how_name": CONTACT_NAMES[c.how]})
                for c in case.contacts
            ],
            replies=[ReplyOut.model_validate(r) for r in case.replies],
            results=[ResultOut.model_validate(r) for r in case.results],
            feedback=[FeedbackOut.model_validate(f) for f in case.feedback],
            meetings=[MeetingOut.model_validate(m) for m in case.meetings],
        )
