"""Cases in the ledger: taken in once, listed, closed; on SQLite and on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from arrivals import arrive
from sqlalchemy import func, select

from training import sample_office
from triage.config import Settings
from triage.desk import Desk, Receipt
from triage.errors import Conflict, InputError, NotFound
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import decide
from triage.ledger.intake import find_case, note_resent
from triage.ledger.search import CaseFilter, list_cases
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission, check_submission
from triage.ledger.tables import CaseRow, EventRow
from triage.periods import Period, Rules
from triage.taxonomy import Label, ResultClass, Taxonomy
from triage.text import content_hash

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科")),
    topic=(Label("能源"),),
    result_classes=(ResultClass("A", "已解决"), ResultClass("B", "正在解决")),
)
LIGHT = Submission(title="路灯", body="路灯不亮。", session="六届五次", number="第001号", deputy="李")


def handed_in(**change: Any) -> Submission:
    return replace(LIGHT, **change)


def checked(submission: Submission) -> Submission:
    return check_submission(submission, max_title_chars=50, max_body_chars=2_000)


def put(ledger: Ledger, submission: Submission) -> int:
    with ledger.write() as session:
        return arrive(submission, session=session).id


def found(ledger: Ledger, submission: Submission) -> int | None:
    with ledger.read() as session:
        case = find_case(checked(submission), session=session)
        return case.id if case else None


def settled(ledger: Ledger, **labels: str) -> int:
    """A case with those decisions."""
    case_id = put(ledger, LIGHT)
    if labels:
        with ledger.write() as session:
            decide(case_id, labels, who="李", why="试", session=session, taxonomy=TAXONOMY)
    return case_id


def close(ledger: Ledger, case_id: int, **more: Any) -> None:
    with ledger.write() as session:
        close_case(case_id, **{"result_class": "A", "who": "王", **more}, session=session, taxonomy=TAXONOMY)


def test_session_and_number_make_one_case_however_they_are_written(ledger: Ledger) -> None:
    case_id = put(ledger, checked(LIGHT))
    assert found(ledger, LIGHT) == case_id
    assert found(ledger, replace(LIGHT, number=" 第００１号 ", title="别的", body="别的")) == case_id
    assert found(ledger, replace(LIGHT, session="六届\u3000五次")) == case_id
    assert found(ledger, replace(LIGHT, number="第002号")) is None
    assert found(ledger, replace(LIGHT, session="六届四次")) is None


def test_the_senders_key_makes_one_case(ledger: Ledger) -> None:
    case_id = put(ledger, replace(LIGHT, idempotency_key="oa-1"))
    assert found(ledger, replace(LIGHT, number="", body="改过的内容", idempotency_key="oa-1")) == case_id
    assert found(ledger, replace(LIGHT, number="", idempotency_key="oa-2")) is None


def test_without_a_number_the_content_makes_the_case(ledger: Ledger) -> None:
    plain = replace(LIGHT, number="")
    case_id = put(ledger, plain)
    assert found(ledger, plain) == case_id
    assert found(ledger, replace(plain, deputy="张")) is None
    assert found(ledger, replace(plain, body="路灯不亮!")) is None
    assert found(ledger, replace(plain, received_on=date(2026, 1, 5))) is None


def test_cases_without_number_do_not_clash(ledger: Ledger) -> None:
    put(ledger, replace(LIGHT, number=""))
    put(ledger, replace(LIGHT, number="", deputy="张"))
    with ledger.read() as session:
        assert list_cases(CaseFilter(), session=session)[1] == 2


def test_the_database_refuses_a_second_case_with_one_number(ledger: Ledger) -> None:
    put(ledger, LIGHT)
    with pytest.raises(Exception, match=r"(?i)unique"):
        put(ledger, replace(LIGHT, body="别的"))


def test_what_was_handed_in_is_kept_to_the_letter(ledger: Ledger) -> None:
    raw = replace(
        LIGHT, title=" 关于路灯\u3000的建议 ", body="１３８１２３４５６７８\r\n\t路灯😀不亮\u200b。 "
    )
    case_id = put(ledger, checked(raw))
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert (case.title, case.body) == (raw.title, raw.body)
        assert case.state == "in_review"
        assert case.received_on == date.today()


def test_an_item_that_comes_again_unchanged_leaves_no_trace(ledger: Ledger) -> None:
    case_id = put(ledger, LIGHT)
    with ledger.write() as session:
        assert not note_resent(get_case(case_id, session=session), LIGHT, who="李", session=session)
    with ledger.read() as session:
        assert [e.kind for e in session.scalars(select(EventRow))] == ["received", "queued"]


def test_an_item_that_comes_again_changed_is_kept_once(ledger: Ledger) -> None:
    case_id = put(ledger, LIGHT)
    changed = replace(LIGHT, body="路灯全不亮。", received_on=date(2026, 1, 9))
    for sent in (changed, changed, replace(changed, title="改名"), changed):
        with ledger.write() as session:
            assert note_resent(get_case(case_id, session=session), sent, who="张", session=session)
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert case.body == "路灯不亮。"
        _, _, *again = case.events
        assert [(e.kind, e.who) for e in again] == [("resent", "张")] * 2
        assert again[0].detail["sent"]["body"] == "路灯全不亮。"
        assert again[1].detail["sent"]["title"] == "改名"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"body": ""}, "正文为空"),
        ({"body": " \u3000\u200b\n"}, "正文为空"),
        ({"body": "长" * 2_001}, "正文太长:2,001 字,最多 2,000 字"),
        ({"title": "长" * 51}, "标题太长:51 字"),
        ({"session": "长" * 201}, "最多 200 字"),
        ({"number": "1" * 101}, "最多 100 字"),
        ({"deputy": "长" * 2_001}, "最多 2000 字"),
        ({"kind": "信访"}, "案别“信访”无效"),
        ({"role": "牵头"}, "承办角色“牵头”无效,可选:主办、会办、分办、独办、参阅、协办"),
        ({"body": "路灯\x00不亮"}, "NUL"),
        ({"title": "路灯\x00"}, "NUL"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_the_reason(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(replace(LIGHT, **change))
    assert says in caught.value.message


@pytest.mark.parametrize(("sent", "kept"), [("", ""), (" 主办 ", "主办"), ("协办", "会办"), ("参阅", "参阅")])
def test_the_bureaus_role_is_kept_in_one_wording(ledger: Ledger, sent: str, kept: str) -> None:
    case_id = put(ledger, checked(replace(LIGHT, role=sent)))
    with ledger.read() as session:
        assert get_case(case_id, session=session).role == kept


def test_a_role_makes_another_content_and_none_leaves_it_as_it_was() -> None:
    assert LIGHT.sha256 == replace(LIGHT, role="").sha256
    assert LIGHT.sha256 == content_hash("路灯", "路灯不亮。", "六届五次", "第001号", "", "李", "", "")
    assert len({replace(LIGHT, role=role).sha256 for role in ("", "主办", "会办")}) == 3


@pytest.mark.parametrize(
    ("received", "months", "due"),
    [
        (date(2026, 1, 15), 3, date(2026, 4, 15)),
        (date(2025, 11, 30), 3, date(2026, 2, 28)),
        (date(2023, 11, 30), 3, date(2024, 2, 29)),
        (date(2026, 10, 31), 1, date(2026, 11, 30)),
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
        (date(9999, 12, 1), 3, date.max),
    ],
)
def test_the_reply_is_due_so_many_months_after_the_case_came_in(
    ledger: Ledger, received: date, months: int, due: date
) -> None:
    with ledger.write() as session:
        case = arrive(
            replace(LIGHT, received_on=received), session=session, rules=Rules(reply=Period("months", months))
        )
        assert case.due_on == due


def test_the_longest_text_allowed_is_taken(ledger: Ledger) -> None:
    case_id = put(ledger, checked(replace(LIGHT, title="长" * 50, body="长" * 2_000)))
    with ledger.read() as session:
        assert len(get_case(case_id, session=session).body) == 2_000


@pytest.mark.parametrize("field", ["session", "number", "kind", "deputy", "delegation", "idempotency_key"])
def test_no_field_can_bring_a_character_that_a_database_refuses(ledger: Ledger, field: str) -> None:
    try:
        submission = checked(handed_in(**{field: "建\x00议"}))
    except InputError:
        return  # refused in words is fine
    put(ledger, submission)


@pytest.mark.parametrize("field", ["title", "body", "deputy", "delegation", "idempotency_key"])
def test_half_a_character_is_refused_in_words_or_taken(ledger: Ledger, field: str) -> None:
    try:
        submission = checked(handed_in(**{field: "路灯\ud800不亮"}))
    except InputError:
        return
    put(ledger, submission)


def test_a_sender_key_of_any_length_is_taken_or_refused_in_words(ledger: Ledger) -> None:
    try:
        submission = checked(replace(LIGHT, idempotency_key="k" * 500))
    except InputError:
        return
    put(ledger, submission)
    assert found(ledger, submission) is not None


def test_a_missing_case_is_named(ledger: Ledger) -> None:
    with ledger.read() as session, pytest.raises(NotFound, match="编号为 99 "):
        get_case(99, session=session)


def test_the_list_filters_and_pages(ledger: Ledger) -> None:
    first = settled(ledger, section="能源科", topic="能源")
    percent = put(ledger, replace(LIGHT, number="第002号", title="涨价100%", received_on=date(2025, 3, 1)))
    named = put(ledger, replace(LIGHT, number="第003号", deputy="欧阳_明"))
    close(ledger, first)

    def ids(limit: int = 50, offset: int = 0, **wanted: Any) -> list[int]:
        with ledger.read() as session:
            rows, _ = list_cases(CaseFilter(**wanted), session=session, limit=limit, offset=offset)
            return [r.id for r in rows]

    assert ids() == [named, percent, first]
    assert ids(limit=1, offset=1) == [percent]
    assert ids(state="closed") == [first]
    assert ids(state="in_review") == [named, percent]
    assert ids(section="能源科") == [first]
    assert ids(section="价格科") == []
    assert ids(year=2025) == [percent]
    assert ids(text="100%") == [percent]
    assert ids(text="%") == [percent]  # no wildcard
    assert ids(text="_") == [named]
    assert ids(text="第003号") == [named]
    assert ids(text="\\") == []
    assert ids(route="auto") == []
    with ledger.read() as session:
        assert list_cases(CaseFilter(), session=session, limit=1)[1] == 3
        with pytest.raises(InputError, match=r"没有“done”这个状态.*closed"):
            list_cases(CaseFilter(state="done"), session=session)


def test_the_section_filter_goes_by_the_newest_decision(ledger: Ledger) -> None:
    case_id = settled(ledger, section="能源科")
    with ledger.write() as session:
        decide(
            case_id,
            {"section": "价格科"},
            who="张",
            why="改",
            seen_version=2,
            session=session,
            taxonomy=TAXONOMY,
        )
    with ledger.read() as session:
        assert list_cases(CaseFilter(section="能源科"), session=session)[1] == 0
        assert list_cases(CaseFilter(section="价格科"), session=session)[1] == 1


def test_closing_keeps_result_reply_and_who(ledger: Ledger) -> None:
    case_id = settled(ledger, section="能源科", topic="能源")
    close(ledger, case_id, reply_number="云发改〔2026〕1号", why="已答复", closed_on=date(2026, 5, 1))
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert (case.state, case.result_class, case.reply_number) == ("closed", "A", "云发改〔2026〕1号")
        assert case.closed_on == date(2026, 5, 1)
        event = case.events[-1]
        assert (event.kind, event.who) == ("closed", "王")
        assert event.detail["result_class"] == "A"
        assert event.detail["why"] == "已答复"


def test_closing_needs_every_target_and_names_what_lacks(ledger: Ledger) -> None:
    case_id = settled(ledger)
    with pytest.raises(Conflict, match="承办科室、主题尚未认定"):
        close(ledger, case_id)
    with ledger.write() as session:
        decide(case_id, {"section": "能源科"}, who="李", why="试", session=session, taxonomy=TAXONOMY)
    with pytest.raises(Conflict, match="不能办结:主题尚未认定"):
        close(ledger, case_id)
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert case.state == "assigned"
        assert "closed" not in [e.kind for e in case.events]


def test_a_closed_case_is_not_closed_again(ledger: Ledger) -> None:
    case_id = settled(ledger, section="能源科", topic="能源")
    close(ledger, case_id)
    with pytest.raises(Conflict, match="已办结"):
        close(ledger, case_id, result_class="B")
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert case.result_class == "A"
        assert [e.kind for e in case.events].count("closed") == 1


@pytest.mark.parametrize(
    ("more", "says"),
    [({"result_class": "Z"}, "可选:A、B"), ({"who": " "}, "经办人姓名"), ({"who": "长" * 101}, "太长")],
)
def test_closing_with_a_wrong_class_or_without_a_name_is_refused(
    ledger: Ledger, more: dict[str, str], says: str
) -> None:
    case_id = settled(ledger, section="能源科", topic="能源")
    with pytest.raises(InputError, match=says):
        close(ledger, case_id, **more)


def test_a_reply_number_of_any_length_is_taken_or_refused_in_words(ledger: Ledger) -> None:
    case_id = settled(ledger, section="能源科", topic="能源")
    try:
        close(ledger, case_id, reply_number="长" * 300)
    except InputError:
        return
    with ledger.read() as session:
        assert get_case(case_id, session=session).reply_number == "长" * 300


def test_two_threads_taking_in_one_item_make_one_case(ledger: Ledger, tmp_path: Path) -> None:
    home = tmp_path / "office"
    settings = replace(
        Settings.from_env({"TRIAGE_HOME": str(home), "TRIAGE_ENCODER": "none"}), database_url=ledger.url
    )
    sample_office.install_office(settings)
    desk = Desk(settings, ledger=ledger)
    desk.warm_up()
    barrier = Barrier(4)
    again = [LIGHT, LIGHT, replace(LIGHT, body="路灯全不亮。"), LIGHT]

    def take(submission: Submission) -> Receipt:
        barrier.wait(30)
        return desk.take_in(submission, who="李")

    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(take, again))
    assert len({r.case_id for r in receipts}) == 1
    assert [r.created for r in receipts].count(True) == 1
    with ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 1
        kinds = [e.kind for e in session.scalars(select(EventRow))]
    assert kinds.count("received") == 1
    assert kinds.count("resent") == 1  # whichever text came second is kept in an event
