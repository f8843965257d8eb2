"""What a section does with a case, at its edges: what is refused, what follows, who is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from arrivals import arrive, note
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.contacts import add_contact, add_feedback, strike
from triage.ledger.deadlines import extend, mark_hard, owed, set_role
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty, answer_duty, withdraw_duty
from triage.ledger.events import add_event
from triage.ledger.handling import accept, send_back, set_people, start_handling
from triage.ledger.holidays import list_holidays, set_holidays
from triage.ledger.key_cases import add_meeting, mark_key, unmark_key
from triage.ledger.records import Decided, Record, add_record
from triage.ledger.replies import classify_result, reply_to_case
from triage.ledger.returns import refuse_return, return_case
from triage.ledger.stages import add_stage, finish_stage, set_conditions
from triage.ledger.states import NEXT, STATE_NAMES, move
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.verify import verify_ledger
from triage.periods import Calendar, Rules, parse_period
from triage.taxonomy import Label, ResultClass, Taxonomy

TODAY = date.today()
TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科"), Label("旧科室", active=False)),
    result_classes=(ResultClass("A", "已解决"), ResultClass("B", "正在解决", carried=True)),
)
RULES = Rules()


@pytest.fixture
def act(ledger: Ledger) -> Callable[..., Any]:
    """One act in a transaction of its own, by 李 unless somebody else is named."""

    def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with ledger.write() as session:
            return function(*args, **{"who": "李", **more}, session=session)

    return run


def put(ledger: Ledger, days_ago: int = 0, section: str = "能源科", **more: Any) -> int:
    with ledger.write() as session:
        received = TODAY - timedelta(days=days_ago)
        sent = Submission(title="路灯", body="路灯。", received_on=received, **{"deputy": "张三", **more})
        case = arrive(sent, session=session)
        if section:
            decide(case.id, {"section": section}, who="李", why="看过", session=session, taxonomy=TAXONOMY)
        return case.id


def look(ledger: Ledger, case_id: int, see: Callable[[Any], Any]) -> Any:
    """What ``see`` says of the case, read anew."""
    with ledger.read() as session:
        return see(get_case(case_id, session=session))


def state(ledger: Ledger, case_id: int) -> str:
    return str(look(ledger, case_id, lambda case: case.state))


def test_only_what_may_follow_follows_and_leaves_an_event(ledger: Ledger) -> None:
    case_id = put(ledger)
    for before, after in product(STATE_NAMES, STATE_NAMES):
        with ledger.write() as session:
            case = get_case(case_id, session=session)
            case.state = before
            if after in NEXT[before]:
                move(case, after, "started", who="李", session=session)
            else:
                with pytest.raises(Conflict):
                    move(case, after, "started", who="李", session=session)
                note(session)
        (*_, told) = look(ledger, case_id, lambda case: case.events)
        if after in NEXT[before]:
            assert told.detail == {"state_before": before, "state": after}
        assert state(ledger, case_id) == (after if after in NEXT[before] else before)


def test_a_case_is_given_back_late_only_with_consent(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger, days_ago=30)
    with pytest.raises(Conflict, match=r"退办期限.*已过"):
        act(return_case, case_id, why="不属职责", proposed_unit="市城管局")
    assert state(ledger, case_id) == "assigned"
    act(return_case, case_id, why="不属职责", proposed_unit="市城管局", consent="督查室同意")
    told = look(ledger, case_id, lambda case: case.events[-1].detail)
    assert (told["late"], told["consent"], told["proposed_unit"]) == (True, "督查室同意", "市城管局")
    with pytest.raises(Conflict, match="已退办"):
        act(add_stage, case_id, "勘察", TODAY)
    act(refuse_return, case_id, why="未同意")
    main = look(ledger, case_id, lambda case: case.deadlines[0])
    assert (main.dropped_on, state(ledger, case_id)) == (None, "in_review")


@pytest.mark.parametrize(
    ("function", "args", "more", "says"),
    [
        (return_case, (), {"why": " ", "proposed_unit": "局"}, "退办的理由"),
        (return_case, (), {"why": "不属", "proposed_unit": " "}, "建议的承办单位"),
        (send_back, (), {"why": ""}, "退回的理由"),
        (set_people, (), {}, "分管领导或承办人"),
        (set_people, (), {"handler": "长" * 101}, "承办人太长"),
        (set_conditions, ("", "措施"), {}, "暂不能办的原因"),
        (set_conditions, ("原因", " "), {}, "措施"),
        (add_stage, (" ", TODAY), {}, "阶段内容"),
        (add_contact, ("fax",), {}, "可选:phone"),
        (add_contact, ("phone",), {"held_on": TODAY + timedelta(days=1)}, "还没有到"),
        (add_meeting, ("",), {}, "议定事项"),
        (mark_key, (), {"why": ""}, "依据"),
        (mark_hard, (), {"why": "", "rules": RULES}, "难件"),
        (set_role, ("旁观",), {"rules": RULES}, "承办角色"),
        (add_duty, ("旧科室",), {"taxonomy": TAXONOMY}, "不是本单位在用的"),
        (add_duty, ("价格科",), {"taxonomy": TAXONOMY, "kind": "help"}, "可选:assist"),
        (reply_to_case, (), {"taxonomy": TAXONOMY, "result_class": "Z"}, "办理结果类别"),
        (reply_to_case, (), {"taxonomy": TAXONOMY, "replied_on": date(2020, 1, 1)}, "早于收件日期"),
        (accept, (), {"who": "\x00"}, "无法保存"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words_and_writes_nothing(
    ledger: Ledger,
    act: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    more: dict[str, Any],
    says: str,
) -> None:
    case_id = put(ledger)
    before = look(ledger, case_id, lambda case: (len(case.events), case.version))
    with pytest.raises(InputError, match=says):
        act(function, case_id, *args, **more)
    assert look(ledger, case_id, lambda case: (len(case.events), case.version)) == before


def test_another_section_takes_a_case_over_with_a_handler_of_its_own(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    act(accept, case_id, handler="周")
    act(start_handling, case_id)
    act(decide, case_id, {"section": "价格科"}, why="讲的是电价", taxonomy=TAXONOMY, seen_version=3)
    case = look(ledger, case_id, lambda case: (case.state, case.section, case.handler))
    assert case == ("assigned", "价格科", "")
    told = look(ledger, case_id, lambda case: case.events[-1].detail)
    assert (told["section_before"], told["handler_before"], told["state"]) == ("能源科", "周", "assigned")


def test_a_role_for_reading_owes_nothing_and_an_assisting_one_less_time(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    reply = look(ledger, case_id, lambda case: case.due_on)
    act(set_role, case_id, "参阅", rules=RULES)
    assert look(ledger, case_id, lambda case: case.due_on) is None
    act(set_role, case_id, "协办", rules=RULES, lead_unit="市财政局")
    assist = look(ledger, case_id, lambda case: (case.role, case.due_on, case.lead_unit))
    assert assist[0] == "会办"
    assert assist[1] < reply
    with pytest.raises(Conflict, match="不需要认定为难件"):
        act(mark_hard, case_id, why="难", rules=RULES)
    act(reply_to_case, case_id, taxonomy=TAXONOMY, number="会函1号")
    with pytest.raises(Conflict, match="不能再改承办角色"):
        act(set_role, case_id, "主办", rules=RULES)


def test_an_assisting_opinion_is_due_before_the_case(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger, days_ago=80)
    due = look(ledger, case_id, lambda case: case.due_on)
    act(add_duty, case_id, "价格科", taxonomy=TAXONOMY)
    duty = look(ledger, case_id, lambda case: case.deadlines[-1])
    assert (duty.due_on, duty.rule) == (due, "")  # the rule's month would be after the case
    with pytest.raises(InputError, match="不能晚于"):
        act(add_duty, put(ledger), "价格科", taxonomy=TAXONOMY, due_on=TODAY + timedelta(days=400))
    late = put(ledger, days_ago=200)
    act(add_duty, late, "价格科", taxonomy=TAXONOMY)
    own = look(ledger, late, lambda case: case.deadlines[-1])
    assert own.due_on > TODAY > look(ledger, late, lambda case: case.due_on)
    act(withdraw_duty, 1, why="不需要了")
    with pytest.raises(Conflict, match="已办结或已撤回"):
        act(answer_duty, 1, "意见")
    act(add_duty, case_id, "价格科", taxonomy=TAXONOMY)  # asked again after all
    for unknown in (99, 0, 2**70):
        with pytest.raises(NotFound, match="协办事项"):
            act(answer_duty, unknown, "意见")
        with pytest.raises(NotFound, match="阶段"):
            act(finish_stage, unknown)


def test_an_extension_stays_within_the_rule_counted_from_the_first_deadline(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    first = look(ledger, case_id, lambda case: case.due_on)
    latest = RULES.extension.end(first, Calendar())
    for day in (first + timedelta(days=30), latest):
        act(extend, case_id, day, why="调研", consent="同意", rules=RULES)
    with pytest.raises(InputError, match=f"最多可延期到 {latest}"):
        act(extend, case_id, latest + timedelta(days=1), why="调研", consent="同意", rules=RULES)
    act(accept, case_id)
    act(reply_to_case, case_id, taxonomy=TAXONOMY)
    with pytest.raises(Conflict, match="不需要延期"):
        act(extend, case_id, latest, why="调研", consent="同意", rules=RULES)


WORKING = replace(RULES, assist=parse_period("20个工作日"), hard_reply=parse_period("30个工作日"))
SOONER = replace(TAXONOMY, rules=replace(RULES, assist=parse_period("10个工作日")))


def day_off(act: Callable[..., Any]) -> list[Any]:
    """The next working day is taken off; the cases that this moves."""
    day = next(d for d in (TODAY + timedelta(days=n) for n in range(1, 8)) if d.weekday() < 5)
    _, moved = act(set_holidays, [(day, "off", "放假")])
    return list(moved)


def test_a_deadline_counts_as_extended_only_if_it_was_itself(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    act(accept, case_id)  # no window for giving it back
    first = look(ledger, case_id, lambda case: case.due_on)
    act(extend, case_id, first + timedelta(days=10), why="调研", consent="同意", rules=RULES)
    act(mark_hard, case_id, why="难", rules=WORKING)
    again = look(ledger, case_id, lambda case: case.due_on)
    assert [case.id for case in day_off(act)] == [case_id]
    assert look(ledger, case_id, lambda case: case.due_on) > again


def test_a_duty_is_not_extended_with_its_case(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger, role="会办")
    act(accept, case_id)
    due = look(ledger, case_id, lambda case: case.due_on) + timedelta(days=1)
    act(extend, case_id, due, why="调研", consent="同意", rules=RULES)
    act(add_duty, case_id, "价格科", taxonomy=SOONER)
    main, *_, duty = look(ledger, case_id, lambda case: case.deadlines)
    assert (main.kind, duty.kind) == ("assist", "assist")
    day_off(act)
    assert look(ledger, case_id, lambda case: case.deadlines[-1].due_on) > duty.due_on


def test_an_extended_deadline_stays_where_it_was_put(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    act(accept, case_id)
    act(mark_hard, case_id, why="难", rules=WORKING)
    due = look(ledger, case_id, lambda case: case.due_on) + timedelta(days=10)
    act(extend, case_id, due, why="调研", consent="同意", rules=RULES)
    told = look(ledger, case_id, lambda case: (case.deadlines[-1].id, case.events[-1].detail["deadline_id"]))
    assert told[0] == told[1]
    assert day_off(act) == []
    assert look(ledger, case_id, lambda case: case.due_on) == due


def test_an_extension_of_an_earlier_version_counts_by_its_kind(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    act(accept, case_id)
    act(set_role, case_id, "会办", rules=WORKING)
    act(add_duty, case_id, "价格科", taxonomy=SOONER)
    main, duty = look(ledger, case_id, lambda case: case.deadlines[-2:])
    assert (main.kind, duty.kind) == ("assist", "assist")
    with ledger.write() as session:
        case = get_case(case_id, session=session)
        case.deadlines[-2].due_on = main.due_on + timedelta(days=10)
        detail = {"deadline": "assist", "before": main.due_on.isoformat()}
        add_event("extended", who="李", session=session, case_id=case_id, **detail)
    day_off(act)
    after = look(ledger, case_id, lambda case: [d.due_on for d in case.deadlines[-2:]])
    assert after[0] == main.due_on + timedelta(days=10)
    assert after[1] > duty.due_on


def test_a_deadline_without_a_rule_was_first_due_before_its_own_extension(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    first = look(ledger, case_id, lambda case: case.due_on)
    act(extend, case_id, first + timedelta(days=10), why="调研", consent="同意", rules=RULES)
    act(mark_hard, case_id, why="难", rules=RULES)
    with ledger.write() as session:  # as a ledger from before the rules has it
        get_case(case_id, session=session).deadlines[-1].rule = ""
        note(session)
    due = look(ledger, case_id, lambda case: case.due_on)
    latest = RULES.extension.end(due, Calendar())
    for day in (due + timedelta(days=1), latest):
        act(extend, case_id, day, why="调研", consent="同意", rules=RULES)
    with pytest.raises(InputError, match=f"最多可延期到 {latest}"):
        act(extend, case_id, latest + timedelta(days=1), why="调研", consent="同意", rules=RULES)


def test_a_refused_return_brings_back_only_what_it_dropped(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    act(set_role, case_id, "参阅", rules=RULES)
    act(return_case, case_id, why="不属职责", proposed_unit="市城管局")
    act(refuse_return, case_id, why="未同意")
    assert all(look(ledger, case_id, lambda case: [d.met_on or d.dropped_on for d in case.deadlines]))


def test_a_return_of_an_earlier_version_is_refused_as_well(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    with ledger.write() as session:
        case = get_case(case_id, session=session)
        for row in case.deadlines:
            row.dropped_on = TODAY
        move(case, "returned", "returned", who="李", session=session)
    act(refuse_return, case_id, why="未同意")
    kinds = look(ledger, case_id, lambda case: [d.kind for d in case.deadlines if not d.dropped_on])
    assert kinds == ["reply"]


def test_a_holiday_moves_open_windows_in_working_days_and_nothing_else(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id, done = put(ledger), put(ledger, number="2")
    act(accept, done)
    before = {d.kind: d.due_on for d in look(ledger, case_id, lambda case: case.deadlines)}
    day = next(d for d in (TODAY + timedelta(days=n) for n in range(1, 8)) if d.weekday() < 5)
    changed, moved = act(set_holidays, [(day, "off", "放假")])
    assert ([row.day for row in changed], [case.id for case in moved]) == ([day], [case_id])
    after = {d.kind: d.due_on for d in look(ledger, case_id, lambda case: case.deadlines)}
    assert after["reply"] == before["reply"]
    assert after["objection"] > before["objection"]
    told = look(ledger, case_id, lambda case: case.events[-1])
    assert (told.kind, told.detail["before"]) == ("recounted", before["objection"].isoformat())
    assert act(set_holidays, [(day, "off", "放假")]) == ([], [])  # said already
    act(set_holidays, [(day, "plain", "")])
    assert {d.kind: d.due_on for d in look(ledger, case_id, lambda case: case.deadlines)} == before
    with ledger.read() as session:
        assert list_holidays(session=session) == []
    for days, says in (
        ([], "没有"),
        ([(day, "off", ""), (day, "work", "")], "写了两次"),
        ([(day, "x", "")], "可选"),
    ):
        with pytest.raises(InputError, match=says):
            act(set_holidays, days)


def test_a_deputy_who_is_not_satisfied_opens_a_closed_case_again(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    with pytest.raises(Conflict, match="还没有答复"):
        act(add_feedback, case_id, "满意", rules=RULES)
    act(close_case, case_id, result_class="B", reply_number="1号", taxonomy=TAXONOMY)
    assert look(ledger, case_id, lambda case: case.closed_on) == TODAY
    act(add_feedback, case_id, "不满意", comment="没有解决", rules=RULES)
    again = look(ledger, case_id, lambda case: (case.state, case.closed_on, case.result_class))
    assert again == ("in_handling", None, "B")
    act(reply_to_case, case_id, number="2号", taxonomy=TAXONOMY)
    act(add_feedback, case_id, "不满意", rules=RULES)
    act(reply_to_case, case_id, number="3号", taxonomy=TAXONOMY)
    act(close_case, case_id, result_class="A", taxonomy=TAXONOMY)
    kinds = look(ledger, case_id, lambda case: [(d.kind, d.met_on) for d in case.deadlines])
    assert [kind for kind, met in kinds if met == TODAY].count("redo") == 2
    assert look(ledger, case_id, lambda case: [r.number for r in case.replies]) == ["1号", "2号", "3号"]
    assert look(ledger, case_id, lambda case: [r.result_class for r in case.results]) == ["B", "A"]


def test_a_result_class_is_another_entry_each_time(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    with pytest.raises(Conflict, match="还没有答复"):
        act(classify_result, case_id, "A", taxonomy=TAXONOMY)
    act(reply_to_case, case_id, result_class="B", taxonomy=TAXONOMY)
    with pytest.raises(Conflict, match="已是 B"):
        act(classify_result, case_id, "B", taxonomy=TAXONOMY)
    act(close_case, case_id, result_class="B", taxonomy=TAXONOMY)
    act(classify_result, case_id, "A", why="建成", taxonomy=TAXONOMY)
    entries = look(ledger, case_id, lambda case: [(r.result_class, r.why) for r in case.results])
    assert entries == [("B", ""), ("A", "建成")]


def test_a_struck_entry_stays_in_the_record(ledger: Ledger, act: Callable[..., Any]) -> None:
    case_id = put(ledger)
    act(add_contact, case_id, "phone")
    act(strike, "contact", 1, why="记错了")
    with pytest.raises(Conflict, match="更正"):
        act(strike, "contact", 1, why="再来")
    with pytest.raises(InputError, match="可选"):
        act(strike, "reply", 1, why="试")
    with pytest.raises(NotFound, match="调度记录"):
        act(strike, "meeting", 1, why="试")
    assert look(ledger, case_id, lambda case: [c.struck_on for c in case.contacts]) == [TODAY]
    with pytest.raises(InputError, match="代表姓名"):
        act(add_contact, put(ledger, deputy=""), "phone")


def test_a_key_case_is_marked_once_and_unmarked_with_a_reason(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    with pytest.raises(Conflict, match="不是重点"):
        act(unmark_key, case_id, why="试")
    act(mark_key, case_id, why="督办")
    act(unmark_key, case_id, why="督办结束")
    assert look(ledger, case_id, lambda case: (case.key_on, case.events[-1].detail["why"])) == (
        None,
        "督办结束",
    )


LATE: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = [
    (accept, (), {}),
    (start_handling, (), {}),
    (send_back, (), {"why": "试"}),
    (return_case, (), {"why": "试", "proposed_unit": "局"}),
    (set_people, (), {"handler": "周"}),
    (set_role, ("会办",), {"rules": RULES}),
    (mark_hard, (), {"why": "试", "rules": RULES}),
    (extend, (TODAY + timedelta(days=100),), {"why": "试", "consent": "同意", "rules": RULES}),
    (add_duty, ("价格科",), {"taxonomy": TAXONOMY}),
    (add_stage, ("勘察", TODAY), {}),
    (set_conditions, ("原因", "措施"), {}),
    (mark_key, (), {"why": "试"}),
    (add_meeting, ("定了",), {}),
    (add_contact, ("phone",), {}),
    (reply_to_case, (), {"taxonomy": TAXONOMY}),
    (close_case, (), {"result_class": "A", "taxonomy": TAXONOMY}),
]


@pytest.mark.parametrize(("function", "args", "more"), LATE, ids=[f.__name__ for f, _, _ in LATE])
def test_whoever_saw_an_older_version_is_told_what_changed(
    ledger: Ledger,
    act: Callable[..., Any],
    function: Callable[..., Any],
    args: tuple[Any, ...],
    more: dict[str, Any],
) -> None:
    case_id = put(ledger)
    seen = look(ledger, case_id, lambda case: case.version)
    act(set_people, case_id, handler="吴", who="王")
    with pytest.raises(Conflict, match="王 落实责任人") as caught:
        act(function, case_id, *args, **more, seen_version=seen)
    assert [c["kind"] for c in caught.value.detail["changes"]] == ["people_set"]  # type: ignore[attr-defined]
    now = look(ledger, case_id, lambda case: case.version)
    act(function, case_id, *args, **more, seen_version=now)
    assert look(ledger, case_id, lambda case: case.version) == now + 1
    with ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_a_session_alone_is_no_way_around_the_record(ledger: Ledger) -> None:
    case_id = put(ledger)
    with pytest.raises(RuntimeError, match="without an event"), ledger.write() as session:
        _name_handler(case_id, session)
    assert look(ledger, case_id, lambda case: case.handler) == ""


def _name_handler(case_id: int, session: Session) -> None:
    get_case(case_id, session=session).handler = "吴"


def test_only_a_case_that_was_given_back_can_have_its_return_refused(
    ledger: Ledger, act: Callable[..., Any]
) -> None:
    case_id = put(ledger)
    with pytest.raises(Conflict, match="没有退办"):
        act(refuse_return, case_id, why="未同意")
    act(return_case, case_id, why="不归我们", proposed_unit="住建局")
    act(refuse_return, case_id, why="未同意")
    seen = look(ledger, case_id, lambda case: case.version)
    act(decide, case_id, {"section": "能源科"}, why="试", taxonomy=TAXONOMY, seen_version=seen)
    with pytest.raises(Conflict, match="没有退办"):  # what was refused once is not refused again
        act(refuse_return, case_id, why="未同意")


def test_a_return_on_record_elsewhere_can_be_refused(ledger: Ledger, act: Callable[..., Any]) -> None:
    with ledger.write() as session:
        record = Record(Submission("路灯", "路灯。"), state="returned", labels={"section": Decided("能源科")})
        case_id = add_record(record, who="李", session=session, rules=RULES).id
    act(refuse_return, case_id, why="未同意")
    assert look(ledger, case_id, lambda case: (case.state, [d.kind for d in owed(case)])) == (
        "in_review",
        ["reply"],
    )
