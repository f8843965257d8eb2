"""Looking for cases: every filter, exact substrings, counts, old ledgers; on SQLite and on PostgreSQL."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alembic import command
from arrivals import arrive
from sqlalchemy import text, update

from triage.errors import InputError
from triage.ledger.case_words import fold
from triage.ledger.events import add_event
from triage.ledger.search import MAX_CHARS, CaseFilter, count_by_state, list_cases
from triage.ledger.states import STATE_NAMES
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow

TODAY = date.today()
OLD_CASE = """insert into "case" (id, session, number, kind, title, body, deputy, cosigners, delegation,
    received_on, content_sha256, state, route, route_reason, version, reply_number, created_at)
    values (:id, '六届五次', :number, '', '路灯', :body, '欧阳明', '', '', '2026-01-05', '', 'in_review',
    'review', '', 1, '', :now)"""
# what breaks queries in one language or another, and what looks alike to a reader
ODD = ["'", '"', "%", "_", "\\", "*", "AND", "or", "NEAR(", "(", ")", ":", "-", "^", "{words}", "--", ";"]
LETTERS = [*"建议停车收费的小区aAbBéßΣς0１２，。 \n\u3000\u200b😀🀄", "İ", "ﬁ", "㎡", "e\u0301", *ODD]


def put(ledger: Ledger, **fields: Any) -> int:
    """A case in review, with what was handed in; returns its number in the ledger."""
    with ledger.write() as session:
        return arrive(Submission(**{"title": "", "body": "正文", **fields}), session=session).id


def change(ledger: Ledger, case_id: int, **columns: Any) -> None:
    """Set columns of a case, past all rules."""
    with ledger.write() as session:
        session.execute(update(CaseRow).where(CaseRow.id == case_id).values(**columns))


def ids(ledger: Ledger, **wanted: Any) -> list[int]:
    """The numbers found, newest first; the count must agree."""
    with ledger.read() as session:
        rows, total = list_cases(CaseFilter(**wanted), session=session, limit=1_000)
    assert len(rows) == total
    return [row.id for row in rows]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"state": "assigned"}, {"state": "assigned"}),
        ({"state": "replied"}, {"state": "closed,replied"}),
        ({"state": "replied"}, {"state": ("closed", "replied")}),
        ({"route": "auto"}, {"route": "auto"}),
        ({"section": "价格科"}, {"section": "价格科"}),
        ({"topic": "物价"}, {"topic": "物价"}),
        ({"handling": "立即办理"}, {"handling": "立即办理"}),
        ({"leader": "王局"}, {"leader": "王局"}),
        ({"section": "价格科"}, {"leader": "王局", "leader_sections": ("能源科", "价格科")}),
        ({"handler": "小赵"}, {"handler": "小赵"}),
        ({"role": "会办"}, {"role": "会办"}),
        ({"result_class": "B"}, {"result_class": "B"}),
        ({"session": "六届六次"}, {"session": "六届六次"}),
        ({"key_on": TODAY}, {"key_only": True}),
        ({"due_on": TODAY - timedelta(days=1)}, {"late_only": True}),
        ({"received_on": date(2020, 2, 29)}, {"year": 2020}),
        ({"received_on": date(2020, 2, 29)}, {"received_to": date(2020, 2, 29)}),
        ({"received_on": date(2099, 1, 1)}, {"received_from": date(2099, 1, 1)}),
        ({"due_on": date(2020, 2, 29)}, {"due_from": date(2020, 2, 29), "due_to": date(2020, 2, 29)}),
        ({"closed_on": date(2020, 3, 1)}, {"closed_from": date(2020, 2, 1), "closed_to": date(2020, 3, 1)}),
    ],
)
def test_each_filter_finds_the_one_case_that_it_names(
    ledger: Ledger, columns: dict[str, Any], wanted: dict[str, Any]
) -> None:
    _, chosen, _ = (put(ledger, number=f"第{n}号") for n in range(3))
    change(ledger, chosen, **columns)
    assert ids(ledger, **wanted) == [chosen]
    assert ids(ledger, **wanted, words="正文") == [chosen]
    assert ids(ledger, **wanted, words="没有") == []


def test_a_leader_set_on_a_case_counts_before_the_sections(ledger: Ledger) -> None:
    case_id = put(ledger)
    change(ledger, case_id, section="价格科", leader="李局")
    assert ids(ledger, leader="王局", leader_sections=("价格科",)) == []
    assert ids(ledger, leader="李局") == [case_id]


@pytest.mark.parametrize("state", ["replied", "closed", "returned"])
def test_what_is_done_with_is_not_late(ledger: Ledger, state: str) -> None:
    case_id = put(ledger)
    change(ledger, case_id, state=state, due_on=TODAY - timedelta(days=1))
    assert ids(ledger, late_only=True) == []
    change(ledger, case_id, state="in_handling")
    assert ids(ledger, late_only=True) == [case_id]
    change(ledger, case_id, due_on=TODAY)
    assert ids(ledger, late_only=True) == []


def test_flags_are_found(ledger: Ledger) -> None:
    put(ledger)
    chosen = put(ledger, title="路灯")
    with ledger.write() as session:
        add_event("flagged", who="系统", session=session, case_id=chosen, flag="too_short")
    assert ids(ledger, flag="too_short") == [chosen]
    assert ids(ledger, flag="too_short", words="路灯", state="in_review") == [chosen]
    assert ids(ledger, flag="not_ours") == []


def test_number_people_and_text_are_kept_apart(ledger: Ledger) -> None:
    lead = put(ledger, number="第081号", deputy="王明", body="路灯")
    second = put(ledger, number="第181号", deputy="李强", cosigners="张伟、王明", body="停车")
    named = put(ledger, number="第003号", title="王明081", body="路灯停车")
    assert ids(ledger, number="081") == [lead]
    assert ids(ledger, number="81号") == [second, lead]
    assert ids(ledger, deputy="王明") == [second, lead]
    assert ids(ledger, words="王明") == [named]
    assert ids(ledger, text="王明") == [named, lead]  # not the other signers
    assert ids(ledger, text="081") == [named, lead]
    assert ids(ledger, words="停车 路灯") == [named]
    assert ids(ledger, words="081路灯") == []  # not across title and body
    assert ids(ledger, deputy="明", number="1") == [second, lead]


def test_width_case_and_breaks_make_no_difference(ledger: Ledger) -> None:
    case_id = put(ledger, number="第０８１号", title="ＡＰＰ Store", body="停车\r\n收费１００％\u200b，太贵")
    for found in ("app", "App store", "停车收费", "停 车", "100%", "１００％,太", "费1", "%", "贵"):
        assert ids(ledger, text=found) == [case_id], found
    assert ids(ledger, number="081") == [case_id]
    for missing in ("apps", "停收", "1000", "0%太", "_", "*"):
        assert ids(ledger, text=missing) == [], missing


def test_what_stands_in_a_text_is_found_and_nothing_else_is(ledger: Ledger) -> None:
    drawn = random.Random(7)

    def random_text(longest: int) -> str:
        return "".join(drawn.choice(LETTERS) for _ in range(drawn.randrange(1, longest)))

    texts: dict[int, Sequence[str]] = {}
    with ledger.write() as session:
        for n in range(60):
            parts = f"n{n}", random_text(6), random_text(8), random_text(30), random_text(60) + "末"
            number, deputy, cosigners, title, body = parts
            case = arrive(
                Submission(number=number, deputy=deputy, cosigners=cosigners, title=title, body=body),
                session=session,
            )
            texts[case.id] = [fold(part) for part in parts]

    def expected(phrase: str, *fields: int) -> list[int]:
        return sorted((i for i, own in texts.items() if any(phrase in own[f] for f in fields)), reverse=True)

    asked = [*LETTERS, *(random_text(4) for _ in range(60))]
    for own in texts.values():  # and some that are there
        start = drawn.randrange(len(own[4]))
        asked.append(own[4][start : start + drawn.randrange(1, 20)])
    for said in asked:
        phrase = fold(said)
        assert ids(ledger, text=said) == expected(phrase, 0, 1, 3, 4), said
        assert ids(ledger, deputy=said) == expected(phrase, 1, 2), said
        assert ids(ledger, number=said) == expected(phrase, 0), said
        parts = [set(expected(fold(word), 3, 4)) for word in said.split() if fold(word)]
        wanted = set.intersection(*parts) if parts else set(texts)
        assert set(ids(ledger, words=said, state="in_review")) == wanted, said


def test_every_character_finds_its_text(ledger: Ledger) -> None:
    # one of each kind of character, up to the last code point that can be kept
    kinds: dict[str, str] = {}
    for code in (*range(1, 0x3000), 0x1F600, 0x20000, 0x2FA1D, 0x10FFFF):
        kinds[unicodedata.category(chr(code))] = chr(code)
    for character in kinds.values():
        case_id = put(ledger, body=f"前{character}后")
        found = ids(ledger, text=f"前{character}后")
        assert case_id in found, hex(ord(character))


@pytest.mark.parametrize("blank", ["", " ", "\n", "\u200b", "\u3000\u200b "])
@pytest.mark.parametrize("name", ["text", "words", "number", "deputy"])
def test_what_shows_nothing_asks_nothing(ledger: Ledger, name: str, blank: str) -> None:
    case_id = put(ledger)
    assert ids(ledger, **{name: blank}) == [case_id]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"state": "done"}, r"没有“done”这个状态.*closed"),
        ({"state": "closed,done"}, "没有“done”"),
        ({"role": "旁观"}, "没有“旁观”这个承办角色,可选:主办"),
        ({"year": 10_000}, "年份"),
        (
            {"received_from": date(2026, 2, 1), "received_to": date(2026, 1, 1)},
            "收件日期的起始日.*晚于截止日",
        ),
        ({"due_from": date(2026, 2, 1), "due_to": date(2026, 1, 1)}, "办理期限的起始日"),
        ({"text": "a\x00"}, "无法识别的字符"),
        ({"words": "\ud800"}, "无法识别的字符"),
        ({"section": "\x00"}, "无法识别的字符"),
        ({"leader_sections": ("\ud800",), "leader": "王"}, "无法识别的字符"),
        ({"text": "长" * (MAX_CHARS + 1)}, "最多 200 字"),
    ],
)
def test_what_cannot_be_is_refused_in_words(ledger: Ledger, wanted: dict[str, Any], said: str) -> None:
    with ledger.read() as session, pytest.raises(InputError, match=said):
        list_cases(CaseFilter(**wanted), session=session)


@pytest.mark.parametrize(
    "wanted", [{}, {"words": "路灯"}, {"state": "in_review"}, {"words": "路", "year": TODAY.year}]
)
@pytest.mark.parametrize("unsure_first", [False, True])
def test_paging_through_gives_each_case_once_in_order(
    ledger: Ledger, wanted: dict[str, Any], unsure_first: bool
) -> None:
    certainties = [0.5, None, 0.1, 0.5, 0.9, 0.3, 0.1]
    numbered = [put(ledger, number=f"第{n}号", body="路灯") for n in range(7)]
    for case_id, certainty in zip(numbered, certainties, strict=True):
        change(ledger, case_id, certainty=certainty)
    by_certainty = sorted(range(7), key=lambda n: (-1.0 if certainties[n] is None else certainties[n], n))
    expected = [numbered[n] for n in by_certainty] if unsure_first else numbered[::-1]
    paged = []
    with ledger.read() as session:
        for offset in range(0, 9, 3):
            rows, total = list_cases(
                CaseFilter(**wanted), session=session, limit=3, offset=offset, unsure_first=unsure_first
            )
            assert total == 7
            paged += [row.id for row in rows]
        assert list_cases(CaseFilter(**wanted), session=session, offset=70) == ([], 7)
    assert paged == expected


def test_cases_are_counted_by_state(ledger: Ledger) -> None:
    first, _ = put(ledger, number="第1号"), put(ledger, number="第2号")
    change(ledger, first, state="closed")
    with ledger.read() as session:
        assert count_by_state(session) == {**dict.fromkeys(STATE_NAMES, 0), "closed": 1, "in_review": 1}


def test_a_case_that_was_rolled_back_is_not_found(ledger: Ledger) -> None:
    def fail_half_way() -> None:
        with ledger.write() as session:
            arrive(Submission(title="路灯", body="路灯"), session=session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    case_id = put(ledger, body="停车")
    assert ids(ledger, words="路灯") == []
    assert ids(ledger, words="停车") == [case_id]


@pytest.mark.parametrize("cases", [3, 1_100])
def test_an_older_ledger_becomes_searchable_when_it_is_upgraded(bare_ledger: Ledger, cases: int) -> None:
    with bare_ledger._writer.begin() as connection:
        command.upgrade(bare_ledger._alembic(connection), "0005")
        connection.execute(
            text(OLD_CASE),
            [
                {"id": n, "number": f"第{n}号", "body": f"路灯第{n}盏不亮", "now": datetime.now(UTC)}
                for n in range(1, cases + 1)
            ],
        )
        connection.execute(
            text(OLD_CASE), {"id": 2_000, "number": None, "body": "停车", "now": datetime.now(UTC)}
        )
    for _ in range(2):  # the second time finds everything done
        bare_ledger.migrate()
        assert ids(bare_ledger, words="第2盏") == [2]
        assert ids(bare_ledger, number="第3号", deputy="阳") == [3]
        assert ids(bare_ledger, words="停车", state="in_review") == [2_000]


def test_the_longest_questions_are_answered(ledger: Ledger) -> None:
    case_id = put(ledger, title="ﷺ" * 50, body=" ".join("路灯停车收费小区" * 20))
    assert ids(ledger, text="ﷺ" * 50) == [case_id]  # one character stands for eighteen
    assert ids(ledger, words=" ".join("路灯停车收费小区" * 12)) == [case_id]
    assert ids(ledger, words=" ".join(chr(0x4E00 + n) for n in range(MAX_CHARS // 2))) == []
