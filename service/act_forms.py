"""Every act of handling once: its name, who may do it and when, its fields, the ledger's function for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel

from service.act_fields import FormField
from service.schemas import CloseIn
from service.schemas_acts import (
    AcceptIn,
    ConditionsIn,
    ContactIn,
    CorrectIn,
    DutyAnswerIn,
    DutyIn,
    ExtendIn,
    FeedbackIn,
    LookBackIn,
    MeetingIn,
    NotedIn,
    PeopleIn,
    PromiseIn,
    ReasonedIn,
    ReplyIn,
    ResultIn,
    ReturnIn,
    RoleIn,
    SendBackIn,
    StageDoneIn,
    StageIn,
    WithdrawIn,
)
from service.schemas_parts import KeepIn
from triage.ledger.base import Base
from triage.ledger.closing import close_case
from triage.ledger.commitments import add_commitment, keep_commitment, look_back
from triage.ledger.contacts import CONTACT_NAMES, VERDICTS, add_contact, add_feedback, strike
from triage.ledger.correcting import correct_label
from triage.ledger.deadlines import MAIN, extend, mark_hard, open_deadlines, set_role
from triage.ledger.decisions import settled
from triage.ledger.duties import DUTY_NAMES, add_duty, answer_duty, withdraw_duty
from triage.ledger.handling import accept, send_back, set_people, start_handling
from triage.ledger.handling_tables import ContactRow, DutyRow, FeedbackRow, MeetingRow, StageRow
from triage.ledger.key_cases import add_meeting, mark_key, unmark_key
from triage.ledger.memberships import active_merge
from triage.ledger.replies import classify_result, reply_to_case
from triage.ledger.returns import refuse_return, return_case
from triage.ledger.stages import add_stage, drop_stage, finish_stage, set_conditions
from triage.ledger.states import NEXT, STATE_NAMES
from triage.ledger.submissions import ROLES
from triage.ledger.tables import CaseRow, CommitmentRow
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

ENTRIES: dict[str, type[Base]] = {
    "duties": DutyRow,
    "stages": StageRow,
    "contacts": ContactRow,
    "feedback": FeedbackRow,
    "meetings": MeetingRow,
    "commitments": CommitmentRow,
}


@dataclass(frozen=True)
class Act:
    """One act on a case, or on an entry of a case.

    Attributes:
        permission: a key of PERMISSION_NAMES.
        states: in which the ledger takes it.
        run: the ledger's function, with the schema's fields as arguments by name.
        needs: what of the office it takes besides.
        holds: what the ledger asks of the case (or the entry) beside the state.
        place: the part of the page where it is offered.
        entry: a key of ENTRIES, where it is done to an entry.
    """

    slug: str
    name: str
    permission: str
    states: Collection[str]
    schema: type[BaseModel]
    run: Callable[..., Any]
    fields: tuple[FormField, ...]
    place: str = "case"
    needs: Literal["", "rules", "taxonomy"] = ""
    holds: Callable[[Any], bool] = lambda row: True
    entry: str = ""
    address: str = ""

    @property
    def path(self) -> str:
        """Its address; every act has one of its own."""
        if self.entry:
            return f"/cases/{{case_id}}/{self.entry}/{{entry_id}}/{self.slug}"
        return self.address or f"/cases/{{case_id}}/acts/{self.slug}"

    def key(self, entry_id: int | None = None) -> str:
        """What tells its form from the others on one page."""
        return self.slug if entry_id is None else f"{self.entry}-{entry_id}-{self.slug}"

    def taken_of(self, taxonomy: Taxonomy) -> dict[str, Any]:
        """What its function takes of the office."""
        known = {"rules": taxonomy.rules, "taxonomy": taxonomy}
        return {self.needs: known[self.needs]} if self.needs else {}


def _before(state: str) -> frozenset[str]:
    """The states that ``state`` may follow."""
    return frozenset(earlier for earlier, following in NEXT.items() if state in following)


def _names(named: Mapping[str, str]) -> Callable[..., list[tuple[str, str]]]:
    return lambda case, taxonomy: list(named.items())


def _sections(case: CaseRow, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    return [(s.name, s.name) for s in taxonomy.section if s.active]


def _other_sections(case: CaseRow, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    busy = {case.section, *(d.section for d in case.duties if d.withdrawn_on is None)}
    return [(name, name) for name, _ in _sections(case, taxonomy) if name not in busy]


def _classes(case: CaseRow, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    return [(r.code, f"{r.code} {r.name}") for r in taxonomy.result_classes]


def _new_classes(case: CaseRow, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    return [pair for pair in _classes(case, taxonomy) if pair[0] != case.result_class]


def _labels(case: CaseRow, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    """Every label in use, and what stands, which may be called otherwise by now."""
    stood = [(settled(case)[t].label, t) for t in TARGETS if t in settled(case)]
    known = [(x.name, t) for t in TARGETS for x in taxonomy.labels(t) if x.active]
    return list({name: f"{TARGET_NAMES[t]}:{name}" for name, t in [*known, *stood]}.items())


def _alone(case: CaseRow) -> bool:
    return active_merge(case) is None


def missing_targets(case: CaseRow, taxonomy: Taxonomy) -> list[str]:
    """What is still to be decided before the case can be closed."""
    decided = settled(case)
    return [t for t in TARGETS if t not in decided and taxonomy.labels(t)]


ALL = frozenset(STATE_NAMES)
OURS = ALL - {"received", "returned"}
UNDER_WAY = OURS - {"closed"}
AT_WORK = frozenset(("assigned", "accepted", "in_handling"))
ANSWERED = frozenset(("replied", "closed"))

WHY = FormField("why", "理由", "long")
NOTE = FormField("why", "说明")
HANDLER = FormField("handler", "承办人", start=lambda case: case.handler)
DEPUTY = FormField("deputy", "代表", start=lambda case: case.deputy[:200])
CONSENT = FormField("consent", "同意的单位和文号")


def _day(name: str, label: str) -> FormField:
    return FormField(name, label, "day", start=lambda case: date.today().isoformat())


ACTS: tuple[Act, ...] = (
    Act("accept", "签收", "handle", _before("accepted"), AcceptIn, accept, (HANDLER,)),
    Act("start", "开始办理", "handle", _before("in_handling") - ANSWERED, NotedIn, start_handling, (NOTE,)),
    Act(
        "send-back", "退回办公室", "handle", AT_WORK, SendBackIn, send_back,
        (FormField("proposed_section", "建议的科室", "choice", choices=_sections), WHY), holds=_alone,
    ),
    Act(
        "return", "退办", "supervise", _before("returned"), ReturnIn, return_case,
        (FormField("proposed_unit", "建议的承办单位"), FormField("consent", "同意退办的单位和文号", hint="过了退办期限必填"), WHY),
        holds=_alone,
    ),
    Act("return-refused", "退办未获同意", "supervise", ("returned",), ReasonedIn, refuse_return, (WHY,)),
    Act(
        "people", "落实责任人", "handle", UNDER_WAY, PeopleIn, set_people,
        (FormField("leader", "分管领导", hint="留空按科室", start=lambda case: case.leader), HANDLER, NOTE), "people",
    ),
    Act(
        "role", "承办角色", "decide", UNDER_WAY - ANSWERED, RoleIn, set_role,
        (FormField("role", "承办角色", "choice", choices=_names({r: r for r in ROLES}), start=lambda case: case.role),
         FormField("lead_unit", "主办单位", hint="会办时填", start=lambda case: case.lead_unit), NOTE),
        "people", "rules", holds=lambda case: case.replied_on is None,
    ),
    Act(
        "extend", "延期", "supervise", UNDER_WAY, ExtendIn, extend, (FormField("due_on", "新的期限", "day"), CONSENT, WHY),
        "deadlines", "rules", holds=lambda case: bool(open_deadlines(case, MAIN)),
    ),
    Act(
        "hard", "认定难件", "supervise", UNDER_WAY, ReasonedIn, mark_hard, (WHY,), "deadlines", "rules",
        holds=lambda case: case.hard_on is None and bool(open_deadlines(case, ("reply",))),
    ),
    Act("key", "列为重点督办", "supervise", UNDER_WAY, ReasonedIn, mark_key, (WHY,), holds=lambda case: case.key_on is None),
    Act("unkey", "取消重点督办", "supervise", UNDER_WAY, ReasonedIn, unmark_key, (WHY,), holds=lambda case: case.key_on is not None),
    Act(
        "duties", "交科室协办", "handle", UNDER_WAY - ANSWERED, DutyIn, add_duty,
        (FormField("section", "科室", "choice", choices=_other_sections),
         FormField("kind", "方式", "choice", choices=_names(DUTY_NAMES), start=lambda case: "assist"),
         FormField("task", "协办内容", "long", hint="分办必填"), FormField("handler", "承办人"),
         FormField("due_on", "期限", "day", hint="留空按规定")),
        "duties", "taxonomy",
    ),
    Act("stages", "列入阶段", "handle", UNDER_WAY, StageIn, add_stage,
        (FormField("what", "阶段内容", "long"), FormField("due_on", "完成期限", "day")), "stages"),
    Act(
        "conditions", "条件和措施", "handle", UNDER_WAY, ConditionsIn, set_conditions,
        (FormField("reasons", "暂不能办的原因", "long", start=lambda case: case.reasons),
         FormField("measures", "创造条件的措施", "long", start=lambda case: case.measures)), "stages",
    ),
    Act("meetings", "登记专题调度", "supervise", OURS, MeetingIn, add_meeting,
        (FormField("settled", "议定事项", "long"), _day("held_on", "会议日期"), FormField("chair", "主持人"),
         FormField("attendees", "参加人")), "meetings"),
    Act(
        "contacts", "联系代表", "handle", OURS, ContactIn, add_contact,
        (FormField("how", "联系方式", "choice", choices=_names(CONTACT_NAMES), start=lambda case: "phone"),
         _day("held_on", "联系日期"), DEPUTY, FormField("what", "联系内容", "long")), "contacts",
    ),
    Act(
        "replies", "答复", "handle", _before("replied") | {"closed"}, ReplyIn, reply_to_case,
        (FormField("number", "答复文号"), _day("replied_on", "答复日期"), FormField("signer", "签发人"),
         FormField("result_class", "办理结果", "choice", "可以以后再定", _classes), NOTE), "replies", "taxonomy",
    ),
    Act(
        "results", "认定办理结果", "handle", ANSWERED, ResultIn, classify_result,
        (FormField("result_class", "办理结果", "choice", choices=_new_classes), _day("found_on", "认定日期"), NOTE),
        "replies", "taxonomy",
    ),
    Act(
        "feedback", "代表反馈", "handle", ANSWERED, FeedbackIn, add_feedback,
        (FormField("verdict", "反馈", "choice", choices=_names({v: v for v in VERDICTS})), _day("given_on", "反馈日期"),
         DEPUTY, FormField("comment", "反馈意见", "long")), "feedback", "rules",
    ),
    Act("commitments", "记一项承诺", "handle", OURS, PromiseIn, add_commitment,
        (FormField("what", "承诺事项", "long"), FormField("due_on", "承诺时限", "day", hint="没有时限可不填")), "commitments"),
    Act(
        "correct", "更正认定", "decide", ("closed",), CorrectIn, correct_label,
        (FormField("target", "哪一项", "choice", choices=_names(TARGET_NAMES), start=lambda case: "section"),
         FormField("label", "应为", "choice", "与原来相同即为看过没有错", _labels), WHY), needs="taxonomy",
    ),
    Act(
        "close", "办结销号", "close", _before("closed") - {"received"}, CloseIn, close_case,
        (FormField("result_class", "办理结果", "choice", choices=_classes, start=lambda case: case.result_class or ""),
         FormField("reply_number", "答复文号", start=lambda case: case.reply_number), NOTE),
        "close", "taxonomy", address="/cases/{case_id}/close",
    ),
)  # fmt: skip


def _open_duty(row: DutyRow) -> bool:
    return row.answered_on is None and row.withdrawn_on is None


def _open_stage(row: StageRow) -> bool:
    return row.done_on is None and row.dropped_on is None


def _not_struck(row: Any) -> bool:
    return row.struck_on is None


def _not_kept(row: CommitmentRow) -> bool:
    return row.kept_on is None


ENTRY_ACTS: tuple[Act, ...] = (
    Act("answer", "回复", "handle", ALL, DutyAnswerIn, answer_duty,
        (FormField("answer", "协办意见", "long"), FormField("handler", "承办人"), _day("answered_on", "回复日期")),
        holds=_open_duty, entry="duties"),
    Act("withdraw", "撤回", "handle", ALL, WithdrawIn, withdraw_duty, (WHY,), holds=_open_duty, entry="duties"),
    Act("done", "完成", "handle", ALL, StageDoneIn, finish_stage, (_day("done_on", "完成日期"), NOTE), holds=_open_stage, entry="stages"),
    Act("drop", "取消", "handle", ALL, WithdrawIn, drop_stage, (WHY,), holds=_open_stage, entry="stages"),
    Act("strike", "误记", "handle", ALL, WithdrawIn, partial(strike, "contact"), (WHY,), holds=_not_struck, entry="contacts"),
    Act("strike", "误记", "handle", ALL, WithdrawIn, partial(strike, "feedback"), (WHY,), holds=_not_struck, entry="feedback"),
    Act("strike", "误记", "supervise", ALL, WithdrawIn, partial(strike, "meeting"), (WHY,), holds=_not_struck, entry="meetings"),
    Act("keep", "兑现", "handle", ALL, KeepIn, keep_commitment, (_day("kept_on", "兑现日期"), NOTE), holds=_not_kept, entry="commitments"),
    Act("look-back", "回头看", "handle", ALL, LookBackIn, look_back,
        (FormField("progress", "进展情况", "long"), _day("looked_on", "回头看日期"), FormField("due_on", "新的时限", "day", hint="留空不变")),
        holds=_not_kept, entry="commitments"),
)  # fmt: skip
