"""What the API takes when something is done with a case (Pydantic)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field

from service.schemas_parts import Strict, example
from triage.ledger.commitments import MAX_COMMITMENT
from triage.ledger.duties import MAX_ANSWER, MAX_TASK
from triage.ledger.stages import MAX_STAGE
from triage.ledger.texts import MAX_NOTE, MAX_WHO, MAX_WHY


class ActIn(Strict):
    """谁在办。"""

    who: str = Field(min_length=1, max_length=MAX_WHO, description="经办人")


class CaseActIn(ActIn):
    """谁在办,以及他看到的是哪一版。"""

    version: int | None = Field(None, description="所见的 version;已被别人改动则返回 409 并说明改了什么")


class NotedIn(CaseActIn):
    """可以写明理由或说明。"""

    model_config = example(who="周经办", why="已约代表面商")

    why: str = Field("", max_length=MAX_WHY, description="理由或说明")


class ReasonedIn(CaseActIn):
    """须写明理由。"""

    model_config = example(who="李科员", why="市领导批示")

    why: str = Field(min_length=1, max_length=MAX_WHY, description="理由")


class AcceptIn(CaseActIn):
    """科室签收。"""

    model_config = example(who="王科长", handler="周经办", version=3)

    handler: str = Field("", max_length=100, description="承办人")


class SendBackIn(ReasonedIn):
    """科室退回办公室重新认定。"""

    model_config = example(who="王科长", why="事项属能源科职责", proposed_section="能源科")

    proposed_section: str = Field("", max_length=200, description="建议的科室")


class ReturnIn(ReasonedIn):
    """退办。"""

    model_config = example(
        who="李科员", why="事项属市场监管职责", proposed_unit="市市场监管局", consent="市政府督查室电话同意"
    )

    proposed_unit: str = Field(min_length=1, max_length=200, description="建议的承办单位")
    consent: str = Field("", max_length=500, description="超过退办期限时,同意退办的单位和文号")


class PeopleIn(NotedIn):
    """落实责任人;不填的不变,填空文字为取消。"""

    model_config = example(who="李科员", leader="方副主任", handler="周经办")

    leader: str | None = Field(None, max_length=100, description="分管领导;空文字为按科室的分管领导")
    handler: str | None = Field(None, max_length=100, description="承办人")


class RoleIn(NotedIn):
    """确定本单位的承办角色,期限随之重算。"""

    model_config = example(who="李科员", role="会办", lead_unit="市财政局", why="交办单更正")

    role: str = Field(max_length=20, description="主办、会办(协办)、分办、独办、参阅或空")
    lead_unit: str = Field("", max_length=200, description="会办时的主办单位")


class ExtendIn(ReasonedIn):
    """延期。"""

    model_config = example(
        who="李科员", due_on="2026-05-31", why="需要现场调研", consent="市人大选工委同意(云人选〔2026〕3号)"
    )

    due_on: date = Field(description="新的期限")
    consent: str = Field(min_length=1, max_length=500, description="同意延期的单位和文号")


class DutyIn(CaseActIn):
    """交其他科室协办或分办。"""

    model_config = example(who="李科员", section="能源科", kind="assist", task="充电设施配套")

    section: str = Field(min_length=1, max_length=200)
    kind: Literal["assist", "split"] = Field("assist", description="assist 协办:意见送主办科室;split 分办")
    task: str = Field("", max_length=MAX_TASK, description="协办内容;分办必填")
    handler: str = Field("", max_length=100)
    due_on: date | None = Field(None, description="不填按规定计算,不晚于本件的期限")


class DutyAnswerIn(ActIn):
    """协办科室的意见,送主办科室。"""

    model_config = example(who="吴工", answer="已列入今年改造计划")

    answer: str = Field(min_length=1, max_length=MAX_ANSWER)
    answered_on: date | None = None
    handler: str = Field("", max_length=100)


class StageIn(CaseActIn):
    """分步推进的一个阶段。"""

    model_config = example(who="周经办", what="编制方案", due_on="2026-06-30")

    what: str = Field(min_length=1, max_length=MAX_STAGE)
    due_on: date


class StageDoneIn(ActIn):
    """阶段完成。"""

    model_config = example(who="周经办", done_on="2026-06-20", why="方案已印发")

    done_on: date | None = None
    why: str = Field("", max_length=MAX_WHY, description="说明")


class WithdrawIn(ActIn):
    """撤回、取消或更正,须写明理由。"""

    model_config = example(who="李科员", why="登记有误")

    why: str = Field(min_length=1, max_length=MAX_WHY, description="理由")


class ConditionsIn(CaseActIn):
    """创造条件逐步解决的,原因和措施。"""

    model_config = example(who="周经办", reasons="上级指标未下达", measures="向省里争取试点")

    reasons: str = Field(min_length=1, max_length=MAX_STAGE)
    measures: str = Field(min_length=1, max_length=MAX_STAGE)


class MeetingIn(CaseActIn):
    """专题调度会。"""

    model_config = example(
        who="李科员", settled="十月底前定址", held_on="2026-03-05", chair="梁副主任", attendees="三个科室"
    )

    settled: str = Field(min_length=1, max_length=MAX_NOTE, description="议定事项")
    held_on: date | None = None
    chair: str = Field("", max_length=100, description="主持人")
    attendees: str = Field("", max_length=2_000, description="参加人")


class ContactIn(CaseActIn):
    """与代表的一次联系。"""

    model_config = example(who="周经办", how="meeting", held_on="2026-03-01", what="面商办理方案")

    how: Literal["phone", "visit", "meeting", "letter"] = Field(
        description="phone 电话、visit 上门走访、meeting 座谈面商、letter 书面"
    )
    deputy: str = Field("", max_length=200, description="代表姓名,默认为领衔代表")
    held_on: date | None = None
    what: str = Field("", max_length=MAX_NOTE)


class ReplyIn(NotedIn):
    """答复代表;会办件为送主办单位的会办意见。"""

    model_config = example(
        who="李科员",
        number="云发改〔2026〕12号",
        replied_on="2026-04-02",
        signer="梁副主任",
        result_class="B",
    )

    number: str = Field("", max_length=100, description="答复文号")
    replied_on: date | None = None
    signer: str = Field("", max_length=100, description="签发人")
    result_class: str = Field("", max_length=20, description="办理结果类别,可以以后再认定")


class ResultIn(NotedIn):
    """认定办理结果;办结后由 B 转 A 也在这里,以前的认定都保留。"""

    model_config = example(who="李科员", result_class="A", why="项目已建成")

    result_class: str = Field(min_length=1, max_length=20)
    found_on: date | None = None


class FeedbackIn(CaseActIn):
    """代表反馈;不满意的重新办理。"""

    model_config = example(who="李科员", verdict="满意", comment="办理扎实")

    verdict: Literal["满意", "基本满意", "不满意"]
    deputy: str = Field("", max_length=200, description="代表姓名,默认为领衔代表")
    comment: str = Field("", max_length=MAX_NOTE)
    given_on: date | None = None


class CorrectIn(ReasonedIn):
    """办结以后更正认定;与原来相同即为看过没有错。原来的认定都保留,案件仍是办结。"""

    model_config = example(who="李科员", target="section", label="能源科", why="充电桩属能源科职责")

    target: Literal["section", "topic", "handling"]
    label: str = Field(min_length=1, max_length=200, description="应为哪一个")


class PromiseIn(ActIn):
    """答复以后补记的承诺事项。"""

    model_config = example(who="李科员", what="年内建成两处充电站", due_on="2026-12-31")

    what: str = Field(min_length=1, max_length=MAX_COMMITMENT)
    due_on: date | None = None


class LookBackIn(ActIn):
    """承诺回头看。"""

    model_config = example(who="李科员", progress="已开工", due_on="2027-06-30")

    progress: str = Field(min_length=1, max_length=MAX_COMMITMENT, description="进展情况")
    looked_on: date | None = None
    due_on: date | None = Field(None, description="新的承诺时限,不填不变")
