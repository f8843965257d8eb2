"""Joining cases: one lead, labels shared, each answered for itself, all undone; on both databases."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier
from typing import Any

import pytest
from arrivals import arrive, note
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from triage.desk import Desk
from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import decide, newest_decisions, settled
from triage.ledger.memberships import active_members, get_merge, list_merges, merge_due_on, merge_of
from triage.ledger.merge_changes import change_lead, set_merge_due, set_plan
from triage.ledger.merges import MergeOutcome, add_to_merge, merge_cases, unmerge
from triage.ledger.predictions import add_prediction
from triage.ledger.relations import dismiss, propose_relations, relations_of
from triage.ledger.returns import return_case
from triage.ledger.search import CaseFilter, list_cases
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import EventRow, MergeMemberRow, MergeRow, RelationRow
from triage.prediction import Evidence, Prediction
from triage.related import Related
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科")),
    topic=(Label("能源"), Label("价格收费")),
    handling=(Label("立即办理"), Label("列入计划")),
    result_classes=(ResultClass("A", "已解决"),),
)
ALL = {"section": "能源科", "topic": "能源", "handling": "立即办理"}


@pytest.fixture
def ids(ledger: Ledger) -> list[int]:
    """Five cases of one year that the models put into 能源科, nobody decided."""
    with ledger.write() as session:
        made = []
        for n in range(1, 6):
            submission = Submission(
                title=f"充电桩{n}",
                body=f"第{n}处没有充电桩。",
                number=f"第{n:03d}号",
                deputy=f"代表{n}",
                received_on=date(2026, 1, 10 + n),
            )
            case = arrive(submission, session=session)
            for target, label in ALL.items():
                ranked = ((label, 0.8), ("别的", 0.2))
                add_prediction(
                    case,
                    Prediction(target, ranked, Evidence(), "v", auto=False, reason="把握不足"),
                    session=session,
                )
            made.append(case.id)
        return made


def join(ledger: Ledger, cases: Sequence[int], lead: int | None = None, **more: Any) -> MergeOutcome:
    with ledger.write() as session:
        return merge_cases(
            cases,
            **{"lead_id": cases[0] if lead is None else lead, "who": "李", "why": "同一事项", **more},
            session=session,
        )


def joined(ledger: Ledger, cases: Sequence[int], lead: int | None = None, **more: Any) -> int:
    """The id of a merge that came about without any remark."""
    outcome = join(ledger, cases, lead, **more)
    assert outcome.merge is not None
    assert (outcome.precedents, outcome.warnings) == ([], [])
    return outcome.merge.id


def apart(ledger: Ledger, merge_id: int, cases: Sequence[int] | None = None, **more: Any) -> None:
    with ledger.write() as session:
        unmerge(merge_id, cases, **{"who": "王", "why": "不是一回事", **more}, session=session)


def settle(ledger: Ledger, case_id: int, labels: dict[str, str] = ALL, **more: Any) -> None:
    with ledger.write() as session:
        version = get_case(case_id, session=session).version
        asked = {"who": "李", "why": "试", "seen_version": version, **more}
        decide(case_id, labels, **asked, session=session, taxonomy=TAXONOMY)


def close(ledger: Ledger, case_id: int, **more: Any) -> None:
    with ledger.write() as session:
        close_case(case_id, **{"result_class": "A", "who": "张", **more}, session=session, taxonomy=TAXONOMY)


def relate(ledger: Ledger, newer: int, older: int, **change: Any) -> None:
    found = replace(Related(str(older), "related", 0.7, ("充电桩",)), **change)
    with ledger.write() as session:
        propose_relations(get_case(newer, session=session), [found], who="系统", session=session)


def pairs(ledger: Ledger) -> dict[tuple[int, int], tuple[str, str, float]]:
    """Each relation's two cases, smaller id first, to kind, status and score."""
    with ledger.read() as session:
        rows = session.scalars(select(RelationRow)).all()
    found = {(min(r.case_id, r.other_id), max(r.case_id, r.other_id)): r for r in rows}
    assert len(found) == len(rows)  # never a pair from both sides
    return {pair: (r.kind, r.status, r.score) for pair, r in found.items()}


def members(ledger: Ledger, merge_id: int) -> list[int]:
    """Of an active merge the lead first; whatever was done, it is one of them."""
    with ledger.read() as session:
        merge = get_merge(merge_id, session=session)
        found = [case.id for case in active_members(merge)]
        assert not found or found[0] == merge.lead_id
        assert (merge.dissolved_at is None) == bool(found)
        return found


def labels(ledger: Ledger, case_id: int) -> dict[str, tuple[str, bool]]:
    """What counts for a case, and whether it comes from its merge."""
    with ledger.read() as session:
        found = settled(get_case(case_id, session=session))
        return {target: (s.label, s.from_merge) for target, s in found.items()}


def events(ledger: Ledger, case_id: int, kind: str = "") -> list[EventRow]:
    with ledger.read() as session:
        return [e for e in get_case(case_id, session=session).events if kind in ("", e.kind)]


def versions(ledger: Ledger, cases: Sequence[int]) -> list[int]:
    with ledger.read() as session:
        return [get_case(i, session=session).version for i in cases]


def state(ledger: Ledger, case_id: int) -> str:
    with ledger.read() as session:
        return get_case(case_id, session=session).state


def standing(ledger: Ledger, cases: Sequence[int]) -> list[tuple[Any, ...]]:
    """Everything of the cases that a merge must give back as it was."""
    with ledger.read() as session:
        rows = [get_case(i, session=session) for i in cases]
        return [
            (c.state, settled(c), c.number, c.deputy, c.due_on, c.role, c.title, c.reply_number) for c in rows
        ]


# ── joining ───────────────────────────────────────────────────


def test_joined_cases_share_section_and_handling_but_no_topic(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, a)
    settle(ledger, b, {"section": "价格科", "topic": "价格收费"})
    merge_id = joined(ledger, [a, b, c])
    assert members(ledger, merge_id) == [a, b, c]
    shared = {"section": ("能源科", True), "handling": ("立即办理", True)}
    assert labels(ledger, b) == {**shared, "topic": ("价格收费", False)}
    assert labels(ledger, c) == shared
    assert labels(ledger, a) == {t: (label, False) for t, label in ALL.items()}
    assert [state(ledger, i) for i in (a, b, c)] == ["assigned"] * 3
    with ledger.read() as session:
        taken = settled(get_case(c, session=session))["section"]
        assert (taken.kind, taken.who) == ("confirm", "李")  # whose decision it is
        assert newest_decisions(get_case(c, session=session)) == {}  # its own record is untouched
        merge = merge_of(b, session=session)
        assert merge is not None
        assert (merge.id, merge.name, merge.labels) == (
            merge_id,
            "充电桩1",
            {"section": "能源科", "handling": "立即办理"},
        )


def test_without_a_decided_lead_the_members_keep_their_own(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, b, {"section": "价格科"})
    joined(ledger, [a, b, c])
    assert [state(ledger, i) for i in (a, b, c)] == ["in_review", "assigned", "in_review"]
    assert labels(ledger, b) == {"section": ("价格科", False)}


def test_each_member_keeps_a_record_of_the_joining_and_its_evidence(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    relate(ledger, b, a, score=0.71)
    joined(ledger, [a, b, c], evidence={"group": 4}, name="充电桩建设")
    for case_id in (a, b, c):
        (event,) = events(ledger, case_id, "merged")
        assert event.who == "李"
        detail = event.detail
        assert (detail["lead"], detail["members"], detail["why"]) == (a, [a, b, c], "同一事项")
        assert (detail["name"], detail["evidence"]) == ("充电桩建设", {"group": 4})
        (stood,) = detail["relations"]
        assert (stood["case_id"], stood["other_id"]) == (b, a)
        assert (stood["score"], stood["shared_terms"], stood["status"]) == (0.71, ["充电桩"], "proposed")


def test_joining_confirms_every_pair_and_leaves_kind_and_score(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    relate(ledger, b, a, kind="duplicate", score=0.95)
    relate(ledger, c, a, score=0.6)
    with ledger.write() as session:
        dismiss(a, c, who="王", session=session)
    joined(ledger, [a, b, c])
    assert pairs(ledger) == {
        (a, b): ("duplicate", "confirmed", 0.95),
        (a, c): ("related", "confirmed", 0.6),
        (b, c): ("related", "confirmed", 0.0),
    }
    with ledger.read() as session:
        row = next(r for r, other in relations_of(b, session=session) if other.id == c)
        assert (row.case_id, row.evidence) == (c, {"by": "person"})  # the newer case holds the row
        assert relations_of(d, session=session) == []


def test_a_closed_case_becomes_a_precedent_of_each_open_one(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    relate(ledger, b, a, score=0.8)
    settle(ledger, a)
    close(ledger, a, reply_number="函1号")
    outcome = join(ledger, [b, a, c])
    assert outcome.merge is not None
    assert outcome.precedents == [(b, a), (c, a)]
    assert outcome.warnings == []
    assert members(ledger, outcome.merge.id) == [b, c]
    assert pairs(ledger)[a, b] == ("precedent", "confirmed", 0.8)
    assert pairs(ledger)[a, c] == ("precedent", "confirmed", 0.0)
    with ledger.read() as session:
        (row,) = [r for r, other in relations_of(a, session=session) if other.id == c]
        assert row.case_id == c  # the newer one
    assert [e.detail["precedent"] for e in events(ledger, c, "precedent_linked")] == [a]
    assert [e.detail["other_id"] for e in events(ledger, a, "precedent_linked")] == [b, c]


def test_with_one_open_case_left_there_is_no_merge_but_a_precedent(ledger: Ledger, ids: list[int]) -> None:
    a, b, *_ = ids
    settle(ledger, a)
    close(ledger, a)
    outcome = join(ledger, [a, b])
    assert (outcome.merge, outcome.precedents) == (None, [(b, a)])
    assert "没有并案" in outcome.warnings[0]
    assert state(ledger, b) == "in_review"
    with ledger.read() as session:
        assert merge_of(b, session=session) is None


def test_where_the_named_lead_is_closed_the_earliest_open_case_leads(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, c)
    close(ledger, c)
    outcome = join(ledger, [b, a, c], lead=c)
    assert outcome.merge is not None
    assert members(ledger, outcome.merge.id) == [a, b]
    assert outcome.warnings == ["第003号已办结,不能作主件,改由第001号作主件。"]


def test_different_roles_are_joined_with_a_warning(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, e = ids
    with ledger.write() as session:
        for case_id, role in ((a, "主办"), (b, "会办"), (d, "独办")):
            get_case(case_id, session=session).role = role
        note(session)
    outcome = join(ledger, [a, b, c])
    assert outcome.merge is not None
    (warning,) = outcome.warnings
    assert "第001号(主办)" in warning
    assert "第002号(会办)" in warning
    assert "第003号" not in warning
    joined(ledger, [d, e])  # nobody said what part the bureau has in e


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"who": " "}, "经办人姓名"),
        ({"case_ids": [1]}, "至少要选两件"),
        ({"case_ids": [1, 1]}, "至少要选两件"),
        ({"lead_id": 3}, "主件应是"),
        ({"name": "长" * 201}, "最多 200 字"),
        ({"why": "\x00"}, "无法保存"),
    ],
)
def test_what_cannot_be_joined_is_refused_in_words(
    ledger: Ledger, ids: list[int], change: dict[str, Any], says: str
) -> None:
    asked: dict[str, Any] = {"case_ids": [1, 2], "lead_id": 1, "who": "李", **change}
    with pytest.raises(InputError, match=says), ledger.write() as session:
        merge_cases(asked.pop("case_ids"), **asked, session=session)
    with ledger.read() as session:
        assert list_merges(session=session) == []
        assert {e.kind for e in session.scalars(select(EventRow))} == {"received", "queued"}


def test_an_unknown_case_or_merge_is_named(ledger: Ledger, ids: list[int]) -> None:
    with pytest.raises(NotFound, match="99"):
        join(ledger, [ids[0], 99])
    for unknown in (7, 2**70, -1):
        with pytest.raises(NotFound, match="并案"):
            apart(ledger, unknown)


def test_a_case_is_in_one_merge_at_most(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    merge_id = joined(ledger, [a, b, c])
    with pytest.raises(Conflict, match=r"第003号已在并案“充电桩1”中") as caught:
        join(ledger, [d, c])
    assert caught.value.detail == {"case_id": c, "merge_id": merge_id}
    with pytest.raises(Conflict, match="已经在并案“充电桩1”中"):
        join(ledger, [a, b])
    with ledger.read() as session:
        assert merge_of(d, session=session) is None
    with pytest.raises(DBAPIError, match=r"(?i)unique"), ledger.write() as session:
        session.add(MergeMemberRow(merge_id=merge_id, case_id=a))


def test_the_database_keeps_every_merge_and_every_stay_in_one(ledger: Ledger, ids: list[int]) -> None:
    apart(ledger, joined(ledger, ids[:2]))
    for table in ("merge_member", '"merge"'):
        with pytest.raises(DBAPIError), ledger.write() as session:
            session.execute(text(f"delete from {table}"))
    with ledger.read() as session:
        assert len(session.scalars(select(MergeMemberRow)).all()) == 2


# ── deciding and closing inside a merge ────────────────────────


def test_a_member_cannot_be_decided_apart_from_its_lead(ledger: Ledger, ids: list[int]) -> None:
    a, b, *_ = ids
    settle(ledger, a)
    joined(ledger, [a, b])
    for target, label in (("section", "价格科"), ("handling", "列入计划")):
        with pytest.raises(Conflict, match=r"已并入“充电桩1”,承办科室和办理类型随主件\(第001号\)"):
            settle(ledger, b, {target: label, "topic": "能源"})
    assert "topic" not in labels(ledger, b)
    settle(ledger, b, {"topic": "价格收费"})
    assert labels(ledger, b)["topic"] == ("价格收费", False)
    assert labels(ledger, a)["topic"] == ("能源", False)


def test_what_is_decided_of_the_lead_is_decided_of_its_members(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    merge_id = joined(ledger, [a, b, c])
    before = versions(ledger, [b, c])
    settle(ledger, a, {"section": "价格科"})
    assert labels(ledger, b) == {"section": ("价格科", True)}
    assert [state(ledger, i) for i in (a, b, c)] == ["assigned"] * 3
    settle(ledger, a, {"section": "能源科", "topic": "能源"})
    first, second = events(ledger, b, "followed")
    assert (first.detail["label"], first.detail["before"]) == ("价格科", None)
    assert (second.detail["label"], second.detail["before"]) == ("能源科", "价格科")
    assert (second.detail["lead"], second.detail["target"], second.who) == (a, "section", "李")
    assert events(ledger, a, "followed") == []
    assert versions(ledger, [b, c]) == [v + 2 for v in before]
    with ledger.read() as session:
        merge = get_merge(merge_id, session=session)
        assert (merge.labels, merge.version) == ({"section": "能源科"}, 3)


def test_the_section_filter_finds_members_by_the_shared_section(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids

    def found(section: str) -> set[int]:
        with ledger.read() as session:
            return {case.id for case in list_cases(CaseFilter(section=section), session=session)[0]}

    settle(ledger, a)
    settle(ledger, b, {"section": "价格科"})
    assert found("价格科") == {b}
    merge_id = joined(ledger, [a, b, c])
    assert (found("能源科"), found("价格科")) == ({a, b, c}, set())
    settle(ledger, c, {"topic": "能源"})
    close(ledger, c)
    settle(ledger, a, {"section": "价格科"})
    assert (found("能源科"), found("价格科")) == ({c}, {a, b})  # what is closed follows nobody
    with pytest.raises(Conflict, match="第003号已办结"):
        apart(ledger, merge_id)
    with ledger.write() as session:
        add_to_merge(merge_id, [ids[3]], who="李", session=session)
    apart(ledger, merge_id, [b])
    assert found("价格科") == {a, b, ids[3]}


def test_each_member_is_closed_alone_and_its_record_stands_on_its_own(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, a, {**ALL, "handling": "列入计划"})
    joined(ledger, [a, b, c])
    with pytest.raises(Conflict, match="不能办结:主题尚未认定"):
        close(ledger, b)
    settle(ledger, b, {"topic": "能源"})
    close(ledger, b, reply_number="函2号")
    assert [state(ledger, i) for i in (a, b, c)] == ["assigned", "closed", "assigned"]
    with ledger.read() as session:
        own = newest_decisions(get_case(b, session=session))
        told = {t: (own[t].label, own[t].kind, own[t].who, own[t].why) for t in ("section", "handling")}
    assert told == {
        "section": ("能源科", "confirm", "张", "并案办理,随主件第001号"),
        "handling": ("列入计划", "override", "张", "并案办理,随主件第001号"),
    }
    kinds = [(e.kind, e.detail.get("target")) for e in events(ledger, b)[-5:]]
    assert kinds == [
        ("confirmed", "section"),
        ("overridden", "handling"),
        ("replied", None),
        ("result_found", None),
        ("closed", None),
    ]
    settle(ledger, a, {"section": "价格科"})
    assert labels(ledger, b)["section"] == ("能源科", False)
    assert labels(ledger, c)["section"] == ("价格科", True)
    assert len(events(ledger, b, "followed")) == 0


def test_closing_the_lead_leaves_the_others_open_and_says_what_to_do(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, a)
    merge_id = joined(ledger, [a, b, c])
    close(ledger, a, reply_number="函1号")
    assert labels(ledger, b)["section"] == ("能源科", True)
    with pytest.raises(Conflict, match="请先更换主件"):
        settle(ledger, b, {"section": "价格科"})
    with ledger.write() as session:
        change_lead(merge_id, b, who="李", session=session)
    settle(ledger, b, {"section": "价格科"})
    assert labels(ledger, c)["section"] == ("价格科", True)
    with pytest.raises(Conflict, match="已办结,不能作主件"), ledger.write() as session:
        change_lead(merge_id, a, who="李", session=session)


def test_a_shared_label_names_who_decided_it_not_who_closed_with_it(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    settle(ledger, a)
    merge_id = joined(ledger, [a, b, c, d])
    close(ledger, a)
    settle(ledger, c, {"topic": "能源"})
    close(ledger, c)
    with ledger.write() as session:
        change_lead(merge_id, b, who="王", session=session)
    with ledger.read() as session:
        for case_id in (b, d):
            assert settled(get_case(case_id, session=session))["section"].who == "李"


def test_no_two_members_share_a_reply_number(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, a)
    settle(ledger, c)
    joined(ledger, [a, b])
    settle(ledger, b, {"topic": "能源"})
    close(ledger, a, reply_number="函〔2026〕1号")
    for number in ("函〔2026〕1号", " 函〔2026〕１号 "):
        with pytest.raises(InputError, match="已用于并案中的第001号:并案办理的每一件都要单独答复"):
            close(ledger, b, reply_number=number)
    assert state(ledger, b) == "assigned"
    close(ledger, c, reply_number="函〔2026〕1号")  # in no merge: nobody's business here
    close(ledger, b, reply_number="函〔2026〕2号")


# ── changing a merge ──────────────────────────────────────────


def test_more_cases_join_later(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    settle(ledger, a)
    settle(ledger, d)
    close(ledger, d)
    merge_id = joined(ledger, [a, b])
    with ledger.write() as session:
        outcome = add_to_merge(merge_id, [c, d], who="王", why="也是充电桩", session=session)
    assert outcome.precedents == [(a, d), (b, d), (c, d)]
    assert members(ledger, merge_id) == [a, b, c]
    assert state(ledger, c) == "assigned"
    assert pairs(ledger)[a, c] == pairs(ledger)[b, c] == ("related", "confirmed", 0.0)
    for case_id in (a, c):
        (event,) = events(ledger, case_id, "joined")
        assert (event.detail["joined"], event.detail["members"], event.who) == ([c], [a, b, c], "王")
    with pytest.raises(Conflict, match="已在并案"), ledger.write() as session:
        add_to_merge(merge_id, [c], who="王", session=session)
    with pytest.raises(InputError, match="没有选"), ledger.write() as session:
        add_to_merge(merge_id, [], who="王", session=session)


def test_another_lead_brings_what_the_merge_lacked_and_changes_nothing_else(
    ledger: Ledger, ids: list[int]
) -> None:
    a, b, c, *_ = ids
    settle(ledger, a, {"section": "能源科"})
    settle(ledger, b, {"section": "价格科", "handling": "列入计划"})
    merge_id = joined(ledger, [a, b, c])
    with ledger.write() as session:
        change_lead(merge_id, b, who="王", why="先收到", session=session)
    assert members(ledger, merge_id) == [b, a, c]
    shared = {"section": ("能源科", True), "handling": ("列入计划", True)}
    assert labels(ledger, c) == shared
    assert labels(ledger, b) == {**shared, "handling": ("列入计划", False)}
    (event,) = events(ledger, c, "lead_changed")
    assert (event.detail["before"], event.detail["lead"], event.detail["why"]) == (a, b, "先收到")
    settle(ledger, b, {"topic": "能源"})
    close(ledger, b)
    with ledger.read() as session:  # its own earlier decision no longer counts
        assert newest_decisions(get_case(b, session=session))["section"].label == "能源科"
    for lead, says in ((b, "已是主件"), (ids[4], "不在并案")):
        with pytest.raises((Conflict, InputError), match=says), ledger.write() as session:
            change_lead(merge_id, lead, who="王", session=session)


def test_the_deadline_is_the_earliest_of_the_members_unless_a_person_set_one(
    ledger: Ledger, ids: list[int]
) -> None:
    merge_id = joined(ledger, ids[1:4])

    def due() -> date | None:
        with ledger.read() as session:
            return merge_due_on(get_merge(merge_id, session=session))

    assert due() == date(2026, 4, 12)
    with ledger.write() as session:
        add_to_merge(merge_id, [ids[0]], who="李", session=session)
    assert due() == date(2026, 4, 11)
    with pytest.raises(InputError, match="理由"), ledger.write() as session:
        set_merge_due(merge_id, date(2026, 5, 1), who="李", why=" ", session=session)
    with ledger.write() as session:
        set_merge_due(merge_id, date(2026, 5, 1), who="李", why="同意延期", session=session)
    assert due() == date(2026, 5, 1)
    (event,) = events(ledger, ids[2], "merge_due_changed")
    assert (event.detail["before"], event.detail["due_on"]) == (None, "2026-05-01")
    with ledger.write() as session:
        set_merge_due(merge_id, None, who="李", why="不延期了", session=session)
    assert due() == date(2026, 4, 11)


def test_the_plan_is_written_down_with_who_and_what_stood_before(ledger: Ledger, ids: list[int]) -> None:
    merge_id = joined(ledger, ids[:2])
    for plan, name in (("统一调研", "充电桩建设"), ("统一调研,分别答复", "")):
        with ledger.write() as session:
            set_plan(merge_id, plan, name=name, who="王", session=session)
    with ledger.read() as session:
        merge = get_merge(merge_id, session=session)
        assert (merge.plan, merge.name) == ("统一调研,分别答复", "充电桩建设")
    event = events(ledger, ids[1], "plan_set")[-1]
    assert event.detail["before"] == {"plan": "统一调研", "name": "充电桩建设"}
    with pytest.raises(InputError, match="统一办理方案太长"), ledger.write() as session:
        set_plan(merge_id, "长" * 20_001, who="王", session=session)


def test_merges_are_listed_newest_first_and_by_year(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    with ledger.write() as session:
        get_case(c, session=session).received_on = date(2025, 12, 31)
        note(session)
    first, second = joined(ledger, [a, b]), joined(ledger, [c, d])
    with ledger.read() as session:
        assert [m.id for m in list_merges(session=session)] == [second, first]
        assert [m.id for m in list_merges(session=session, year=2025)] == [second]
        assert [m.id for m in list_merges(session=session, year=2024)] == []
    apart(ledger, first)
    with ledger.read() as session:
        assert [m.id for m in list_merges(session=session)] == [second]
        assert get_merge(first, session=session).dissolved_at is not None


# ── taking apart ──────────────────────────────────────────────


@pytest.mark.parametrize("lead", [0, 1, 2])
def test_after_joining_and_taking_apart_every_case_is_as_it_was(
    ledger: Ledger, ids: list[int], lead: int
) -> None:
    settle(ledger, ids[1])
    settle(ledger, ids[2], {"section": "价格科"})
    settle(ledger, ids[3], {"topic": "能源"})
    before = standing(ledger, ids)
    merge_id = joined(ledger, ids, ids[lead])
    with ledger.write() as session:
        set_merge_due(merge_id, date(2026, 3, 1), who="李", why="提前", session=session)
    apart(ledger, merge_id)
    assert standing(ledger, ids) == before
    assert members(ledger, merge_id) == []
    assert {status for _, status, _ in pairs(ledger).values()} == {"dismissed"}
    assert len(pairs(ledger)) == 10
    for case_id in ids:
        (event,) = events(ledger, case_id, "unmerged")
        assert (sorted(event.detail["left"]), event.detail["members"]) == (ids, [])
        assert (event.who, event.detail["why"]) == ("王", "不是一回事")
    assert joined(ledger, ids[:2]) != merge_id  # a case that left may join again
    assert pairs(ledger)[ids[0], ids[1]][1] == "confirmed"


def test_one_member_leaves_and_is_dismissed_from_those_who_stay(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    settle(ledger, a)
    merge_id = joined(ledger, [a, b, c, d])
    apart(ledger, merge_id, [b, c])
    assert members(ledger, merge_id) == [a, d]
    assert [state(ledger, i) for i in (b, c, d)] == ["in_review", "in_review", "assigned"]
    assert labels(ledger, b) == {}
    status = {pair: kept for pair, (_, kept, _) in pairs(ledger).items()}
    assert status == {
        (a, b): "dismissed",
        (b, d): "dismissed",
        (a, c): "dismissed",
        (c, d): "dismissed",
        (a, d): "confirmed",
        (b, c): "confirmed",  # nobody said that those two differ
    }
    for case_id in (a, b, c, d):
        (event,) = events(ledger, case_id, "unmerged")
        assert (event.detail["left"], event.detail["members"]) == ([b, c], [a, d])
        assert event.detail["labels"] == {"section": "能源科", "handling": "立即办理"}


def test_where_one_would_remain_the_merge_is_dissolved(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    merge_id = joined(ledger, [a, b, c])
    apart(ledger, merge_id, [b, a])
    assert members(ledger, merge_id) == []
    assert {kept for _, kept, _ in pairs(ledger).values()} == {"dismissed"}
    with pytest.raises(Conflict, match="已解除"):
        apart(ledger, merge_id)


@pytest.mark.parametrize(("named", "leads"), [(None, 1), (3, 3)])
def test_when_the_lead_leaves_another_leads(
    ledger: Ledger, ids: list[int], named: int | None, leads: int
) -> None:
    settle(ledger, ids[0])
    merge_id = joined(ledger, ids[:4])
    apart(ledger, merge_id, [ids[0]], lead_id=None if named is None else ids[named])
    assert members(ledger, merge_id)[0] == ids[leads]
    assert labels(ledger, ids[2])["section"] == ("能源科", True)  # work that was assigned stays so
    assert labels(ledger, ids[0])["section"] == ("能源科", False)
    assert events(ledger, ids[2], "unmerged")[0].detail["lead"] == ids[leads]
    assert events(ledger, ids[2], "unmerged")[0].detail["lead_before"] == ids[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"why": " "}, "写明解除并案的理由"),
        ({"who": ""}, "经办人姓名"),
        ({"cases": [5]}, "第5件不在并案"),
        ({"cases": []}, "没有选"),
        ({"cases": [1], "lead_id": 5}, "接任的主件"),
        ({"cases": [2], "lead_id": 3}, "主件没有退出"),
    ],
)
def test_what_cannot_be_taken_apart_is_refused_in_words(
    ledger: Ledger, ids: list[int], change: dict[str, Any], says: str
) -> None:
    merge_id = joined(ledger, ids[:4])
    named = {key: value for key, value in change.items() if key != "cases"}
    with pytest.raises(InputError, match=says):
        apart(ledger, merge_id, change.get("cases"), **named)
    assert members(ledger, merge_id) == ids[:4]


def test_a_closed_member_cannot_leave(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    settle(ledger, a)
    merge_id = joined(ledger, [a, b, c])
    close(ledger, a)
    for cases in ([a], None, [b, c]):
        with pytest.raises(Conflict, match="第001号已办结,不能退出并案"):
            apart(ledger, merge_id, cases)
    apart(ledger, merge_id, [b])
    assert members(ledger, merge_id) == [a, c]


def test_separated_and_dismissed_pairs_are_never_proposed_again(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, _ = ids
    apart(ledger, joined(ledger, [a, b]))
    with ledger.write() as session:
        dismiss(d, c, who="王", why="不同的事", session=session)
    stood = pairs(ledger)
    for newer, older in ((a, b), (b, a), (c, d), (d, c)):
        relate(ledger, newer, older)
    assert pairs(ledger) == stood
    assert {kept for _, kept, _ in stood.values()} == {"dismissed"}
    assert events(ledger, a, "related") == []
    relate(ledger, d, b)
    assert pairs(ledger)[b, d] == ("related", "proposed", 0.7)  # others still are


def test_a_pair_is_dismissed_from_either_side_and_told_on_both(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, *_ = ids
    relate(ledger, b, a, score=0.66)
    for _ in range(2):  # once more changes nothing
        with ledger.write() as session:
            dismiss(a, b, who="王", why="不同的镇", session=session)
    assert pairs(ledger) == {(a, b): ("related", "dismissed", 0.66)}
    for case_id, other in ((a, b), (b, a)):
        (event,) = events(ledger, case_id, "dismissed")
        assert (event.detail["other_id"], event.detail["why"], event.who) == (other, "不同的镇", "王")
        assert event.detail["before"]["score"] == 0.66
    joined(ledger, [a, c])
    with pytest.raises(Conflict, match="同在并案"), ledger.write() as session:
        dismiss(c, a, who="王", session=session)
    with pytest.raises(InputError, match="两件不同"), ledger.write() as session:
        dismiss(a, a, who="王", session=session)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_joined_and_separated_every_merge_has_one_lead_and_nothing_is_lost(
    ledger: Ledger, ids: list[int], seed: int
) -> None:
    draw = random.Random(seed)
    settle(ledger, ids[0])
    settle(ledger, ids[1], {"section": "价格科"})
    before = standing(ledger, ids)
    done = 0
    for _ in range(30):
        some = draw.sample(ids, draw.randint(1, 4))
        with ledger.read() as session:
            known = [merge.id for merge in list_merges(session=session)]
        acts: list[Any] = [lambda s, some=some: merge_cases(some, lead_id=some[0], who="李", session=s)]
        for merge_id in known:
            acts += [
                lambda s, m=merge_id, some=some: add_to_merge(m, some, who="李", session=s),
                lambda s, m=merge_id, some=some: change_lead(m, some[0], who="李", session=s),
                lambda s, m=merge_id, some=some: unmerge(m, some[:1], who="李", why="试", session=s),
            ]
        try:
            with ledger.write() as session:
                draw.choice(acts)(session)
            done += 1
        except (Conflict, InputError):
            pass
        with ledger.read() as session:
            merges = list_merges(session=session)
            inside = [case for merge in merges for case in active_members(merge)]
            assert len(inside) == len({case.id for case in inside})
            for merge in merges:
                first, *rest = active_members(merge)
                assert first.id == merge.lead_id
                assert rest
                if "section" in merge.labels:
                    assert {case.state for case in (first, *rest)} == {"assigned"}
                    assert {settled(case)["section"].label for case in (first, *rest)} == {
                        merge.labels["section"]
                    }
    assert done > 5
    with ledger.read() as session:
        left = [merge.id for merge in list_merges(session=session)]
    for merge_id in left:
        apart(ledger, merge_id)
    assert standing(ledger, ids) == before


# ── two people at once ────────────────────────────────────────


def test_whoever_has_an_older_view_of_the_merge_is_told(ledger: Ledger, ids: list[int]) -> None:
    merge_id = joined(ledger, ids[:3])
    with ledger.write() as session:
        set_plan(merge_id, "统一调研", who="李", seen_version=1, session=session)
    late: list[Any] = [
        lambda s: add_to_merge(merge_id, [ids[3]], who="王", seen_version=1, session=s),
        lambda s: change_lead(merge_id, ids[1], who="王", seen_version=1, session=s),
        lambda s: set_merge_due(merge_id, None, who="王", why="试", seen_version=1, session=s),
        lambda s: set_plan(merge_id, "", who="王", seen_version=1, session=s),
        lambda s: unmerge(merge_id, who="王", why="试", seen_version=1, session=s),
    ]
    for act in late:
        with pytest.raises(Conflict, match="已有人改动过并案") as caught, ledger.write() as session:
            act(session)
        assert caught.value.detail["version"] == 2
        (change,) = caught.value.detail["changes"]
        assert (change["kind"], change["who"]) == ("plan_set", "李")
    assert members(ledger, merge_id) == ids[:3]


def test_whoever_has_a_case_open_is_told_that_it_was_joined(ledger: Ledger, ids: list[int]) -> None:
    merge_id = joined(ledger, ids[:3])
    assert versions(ledger, ids[:4]) == [2, 2, 2, 1]
    with pytest.raises(Conflict, match="已有人改动过本件"):
        settle(ledger, ids[1], {"topic": "能源"}, seen_version=1)
    for act in (
        lambda s: add_to_merge(merge_id, [ids[3]], who="李", session=s),
        lambda s: change_lead(merge_id, ids[1], who="李", session=s),
        lambda s: set_plan(merge_id, "统一调研", who="李", session=s),
        lambda s: unmerge(merge_id, [ids[2]], who="李", why="试", session=s),
    ):
        before = versions(ledger, ids[:4])
        with ledger.write() as session:
            act(session)
        assert versions(ledger, ids[:4]) == [v + 1 for v in before]


def test_of_two_who_join_overlapping_cases_at_once_exactly_one_wins(ledger: Ledger, ids: list[int]) -> None:
    a, b, c, d, e = ids
    for _ in range(20):
        barrier = Barrier(2)

        def race(cases: list[int], barrier: Barrier = barrier) -> int | None:
            barrier.wait(30)
            try:
                outcome = join(ledger, cases)
            except Conflict:
                return None
            assert outcome.merge is not None
            return outcome.merge.id

        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(race, ([a, b, c], [c, d, e])))
        (winner,) = [r for r in results if r is not None]
        with ledger.read() as session:
            active = session.scalars(select(MergeMemberRow).where(MergeMemberRow.left_at.is_(None))).all()
            assert {m.merge_id for m in active} == {winner}
            open_ = session.scalars(select(MergeRow).where(MergeRow.dissolved_at.is_(None))).all()
            assert [m.id for m in open_] == [winner]
        expected = [a, b, c] if results[0] is not None else [c, d, e]
        assert members(ledger, winner) == expected
        told = {i for i in ids for event in events(ledger, i, "merged") if event.detail["merge_id"] == winner}
        assert told == set(expected)
        apart(ledger, winner)


# ── what else reads the labels ────────────────────────────────


def test_the_index_learns_what_a_merge_made_of_a_case(desk: Desk) -> None:
    light = Submission(title="关于路灯的建议", body="黄泥村的路灯不亮,请尽快修复。", number="1")
    first = desk.take_in(light, who="李").case_id
    second = desk.take_in(replace(light, body="停车场乱收费,请严查。", number="2"), who="李").case_id
    with desk.ledger.write() as session:
        decide(first, {"section": "能源科"}, who="李", why="试", session=session, taxonomy=desk.taxonomy)
    desk.warm_up()
    position = desk._index._index.position(str(second))
    assert len(desk._index._index.cases[position].labels["section"]) > 1
    joined(desk.ledger, [first, second])
    desk.warm_up()
    assert desk._index._index.cases[position].labels["section"] == {"能源科": 1.0}


def test_a_case_that_was_given_back_joins_no_merge(ledger: Ledger, ids: list[int]) -> None:
    gone, first, second, third, _ = ids
    with ledger.write() as session:
        return_case(
            gone, why="不属职责", proposed_unit="市城管局", consent="督查室同意", who="李", session=session
        )
    with pytest.raises(Conflict, match="第001号已退办"):
        join(ledger, [first, gone])
    merge_id = joined(ledger, [first, second])
    with pytest.raises(Conflict, match="第001号已退办"), ledger.write() as session:
        add_to_merge(merge_id, [third, gone], who="李", session=session)
    with ledger.read() as session:
        merge = get_merge(merge_id, session=session)
        assert [case.id for case in active_members(merge)] == [first, second]
