"""Reminders: late, soon, lacking; each told once, on the screen or to another program."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from arrivals import arrive

from service.command import main
from training import sample_office
from triage.config import Settings
from triage.ledger.closing import close_case
from triage.ledger.commitments import add_commitment, look_back
from triage.ledger.deadlines import extend
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty, answer_duty
from triage.ledger.handling import accept
from triage.ledger.reminders import Reminder, claim_reminders, current_reminders, mark_told, release
from triage.ledger.replies import reply_to_case
from triage.ledger.returns import refuse_return, return_case
from triage.ledger.stages import add_stage
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.taxonomy import Label, ResultClass, Taxonomy

TODAY = date.today()
TAXONOMY = Taxonomy(
    section=(Label("能源科", leader="方副主任"), Label("价格科", leader="郑副主任"), Label("环资科")),
    handling=(Label("分步推进", way="stages"), Label("等条件", way="conditions")),
    result_classes=(ResultClass("A", "已解决"),),
)


def put(ledger: Ledger, number: str = "1", days_ago: int = 0, handling: str = "", **more: Any) -> int:
    """A case of 能源科, received so many days ago."""
    with ledger.write() as session:
        received = TODAY - timedelta(days=days_ago)
        sent = Submission(
            title="路灯", body="路灯。", number=number, received_on=received, deputy="张三", **more
        )
        case = arrive(sent, session=session)
        labels = {"section": "能源科"} | ({"handling": handling} if handling else {})
        decide(case.id, labels, who="李", why="看过", session=session, taxonomy=TAXONOMY)
        return case.id


def told(ledger: Ledger, days: int = 10, **more: Any) -> list[Reminder]:
    with ledger.read() as session:
        return current_reminders(session=session, taxonomy=TAXONOMY, days=days, **more)


def words(reminders: list[Reminder]) -> set[tuple[str, str]]:
    return {(r.kind, r.mark.split(":")[1]) for r in reminders}


def test_a_deadline_is_told_when_it_is_near_and_when_it_has_passed(ledger: Ledger) -> None:
    put(ledger)
    assert [r for r in told(ledger, 5) if r.kind == "late"] == []
    due = next(r.due_on for r in told(ledger, 200) if "答复" in r.message)
    assert due is not None
    near = [r for r in told(ledger, 10, today=due - timedelta(days=10)) if r.mark.startswith("due:")]
    assert [(r.message, r.section, r.leader) for r in near] == [
        (f"第1号《路灯》答复还有 10 天到期({due})", "能源科", "方副主任")
    ]
    on_the_day = told(ledger, 0, today=due)
    assert any(r.message.endswith(f"答复今天到期({due})") for r in on_the_day)
    (late,) = [r for r in told(ledger, 0, today=due + timedelta(days=2)) if r.kind == "late"]
    assert "已逾期 2 天" in late.message
    # a window for giving a case back that has passed owes nobody anything
    assert not any("退办" in r.message for r in told(ledger, 0, today=due))


def test_duties_stages_and_promises_are_told_to_those_who_owe_them(ledger: Ledger) -> None:
    case_id = put(ledger)
    yesterday = TODAY - timedelta(days=1)
    with ledger.write() as session:
        add_duty(case_id, "价格科", handler="吴", who="李", session=session, taxonomy=TAXONOMY)
        add_stage(case_id, "勘察", yesterday, who="李", session=session)
        promise = add_commitment(case_id, "装灯", yesterday, who="李", session=session).id
    found = told(ledger, 40)
    (duty,) = [r for r in found if "会办意见" in r.message]
    assert (duty.kind, duty.section, duty.leader) == ("due", "价格科", "郑副主任")
    assert {r.message for r in found if r.kind == "late"} == {
        f"第1号《路灯》阶段“勘察”已逾期 1 天(期限 {yesterday})",
        f"第1号《路灯》承诺“装灯”已逾期 1 天(期限 {yesterday})",
    }
    # in every later quarter an open promise is looked back at, in later years too
    year = TODAY.year + 2
    for month in (1, 4, 7, 10):
        marks = [r.mark for r in told(ledger, 0, today=date(year, month, 15)) if r.kind == "look_back"]
        assert marks == [f"look_back:commitment:{promise}:{date(year, month, 1)}"]
    quarter = date(TODAY.year, (TODAY.month - 1) // 3 * 3 + 1, 1)
    with ledger.write() as session:
        look_back(promise, "已招标", who="李", session=session)
    assert not any(r.kind == "look_back" for r in told(ledger, 0, today=quarter + timedelta(days=80)))


def test_what_a_case_lacks_is_told_when_it_should_be_there(ledger: Ledger) -> None:
    fresh = put(ledger, "1")
    assert [r for r in told(ledger, 5) if r.case_id == fresh and r.kind == "lacks"] == []
    old = put(ledger, "2", days_ago=60, handling="分步推进")
    with ledger.write() as session:
        accept(old, who="李", session=session)
    assert words(told(ledger, 40)) >= {("lacks", "contact"), ("lacks", "handler"), ("lacks", "stages")}
    waiting = put(ledger, "3", handling="等条件")
    with ledger.write() as session:
        accept(waiting, handler="吴", who="李", session=session)
        reply_to_case(waiting, who="李", session=session, taxonomy=TAXONOMY)
    lacking = words([r for r in told(ledger, 0) if r.case_id == waiting])
    assert lacking == {("lacks", name) for name in ("contact", "result_class", "reply_number", "conditions")}
    reading = put(ledger, "4", days_ago=60, role="参阅")
    assert words([r for r in told(ledger, 300) if r.case_id == reading]) == {("lacks", "handler")}


def test_each_is_claimed_once_and_again_only_if_it_could_not_be_told(ledger: Ledger) -> None:
    put(ledger, days_ago=200)
    now = datetime.now(UTC)

    def claim(later: int = 0) -> list[int]:
        with ledger.write() as session:
            found = current_reminders(session=session, taxonomy=TAXONOMY)
            claimed = claim_reminders(found, session=session, now=now + timedelta(minutes=later))
            return [row.id for row, _ in claimed]

    first = claim()
    assert first
    assert claim(5) == []  # somebody is telling them now
    assert claim(11) == first  # whoever it was, did not
    with ledger.write() as session:
        release(first[:1], session=session)
    assert claim(12) == first[:1]
    with ledger.write() as session:
        mark_told(first, session=session)
    assert claim(60) == []


def test_an_extended_deadline_is_told_anew(ledger: Ledger) -> None:
    case_id = put(ledger, days_ago=85)
    (before,) = [r for r in told(ledger, 20) if r.mark.startswith("due:deadline")]
    assert before.due_on is not None
    later = before.due_on + timedelta(days=10)
    with ledger.write() as session:
        extend(
            case_id, later, why="调研", consent="市人大同意", who="李", session=session, rules=TAXONOMY.rules
        )
    (after,) = [r for r in told(ledger, 20) if r.mark.startswith("due:deadline")]
    assert after.mark != before.mark


def of_duties(ledger: Ledger) -> list[str]:
    """The sections that are told that their duty is late, a year from now."""
    later = TODAY + timedelta(days=365)
    return [
        r.section for r in told(ledger, today=later) if "会办意见" in r.message or "分办事项" in r.message
    ]


def ask(ledger: Ledger, case_id: int) -> list[int]:
    """An opinion of one section and a part for another."""
    with ledger.write() as session:
        more: dict[str, Any] = {"who": "李", "session": session, "taxonomy": TAXONOMY}
        opinion = add_duty(case_id, "价格科", **more)
        part = add_duty(case_id, "环资科", kind="split", task="排水", **more)
        return [opinion.id, part.id]


def test_nobody_is_told_of_duties_in_a_closed_case(ledger: Ledger) -> None:
    case_id = put(ledger, handling="分步推进")
    opinion, _ = ask(ledger, case_id)
    assert sorted(of_duties(ledger)) == ["价格科", "环资科"]
    with ledger.write() as session:
        close_case(
            case_id, result_class="A", reply_number="1号", who="李", session=session, taxonomy=TAXONOMY
        )
    assert of_duties(ledger) == []
    with ledger.write() as session:  # it comes in late, and is kept
        assert answer_duty(opinion, "同意", who="吴", session=session).answered_on == TODAY
    assert of_duties(ledger) == []


def test_duties_of_a_returned_case_are_told_again_when_the_return_is_refused(ledger: Ledger) -> None:
    case_id = put(ledger)
    opinion, _ = ask(ledger, case_id)
    with ledger.write() as session:
        return_case(case_id, why="不属职责", proposed_unit="市城管局", who="李", session=session)
    assert of_duties(ledger) == []
    with ledger.write() as session:
        answer_duty(opinion, "同意", who="吴", session=session)
        refuse_return(case_id, why="未同意", who="李", session=session)
    assert of_duties(ledger) == ["环资科"]
    assert any("答复" in r.message for r in told(ledger, today=TODAY + timedelta(days=365)))


class OfficeProgram:
    """The office's own program: takes what is sent to it, or refuses."""

    def __init__(self) -> None:
        self.taken: list[Any] = []
        self.status = 204
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if program.status < 300:
                    program.taken.append(json.loads(body))
                self.send_response(program.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tixing"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def program() -> Iterator[OfficeProgram]:
    program = OfficeProgram()
    yield program
    program.stop()


@pytest.fixture
def office(settings: Settings) -> Settings:
    """An office with one case that is long due."""
    sample_office.install_office(settings)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    put(ledger, days_ago=200)
    ledger.close()
    return settings


def run(office: Settings, *args: str) -> int:
    return main(["--home", str(office.home), "remind", *args])


def test_the_command_tells_each_once(office: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(office) == 0
    assert "已逾期" in capsys.readouterr().out
    assert run(office) == 0
    out = capsys.readouterr().out
    assert "共 0 条新提醒" in out
    assert "节假日表里没有" in out
    assert run(office, "--all", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {r["told"] for r in listed} == {True}
    assert run(office, "--days", "999") == 1
    assert "0 到 366" in capsys.readouterr().err


def test_the_webhook_gets_each_once_and_a_refused_one_is_sent_again(
    office: Settings, program: OfficeProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    program.status = 503
    assert run(office, "--webhook", program.url) == 1
    assert "没有接收提醒:返回 503" in capsys.readouterr().err
    program.status = 204
    for _ in range(2):
        assert run(office, "--webhook", program.url) == 0
    (sent,) = program.taken
    assert sent["office"].startswith("云澜市")
    late = [r for r in sent["reminders"] if r["kind"] == "late"]
    assert [(r["case_id"], r["section"]) for r in late] == [(1, "能源科")]
    assert "第1号《路灯》答复已逾期" in late[0]["message"]


def test_a_webhook_that_is_not_there_or_none_at_all_is_named(
    office: Settings, program: OfficeProgram, capsys: pytest.CaptureFixture[str]
) -> None:
    program.stop()
    try:
        assert run(office, "--webhook", program.url) == 1
        assert "连不上" in capsys.readouterr().err
    finally:
        program.thread = threading.Thread(target=lambda: None)
        program.thread.start()
    assert run(office, "--webhook", "file:///etc/passwd") == 1
    assert "应以 http" in capsys.readouterr().err
    assert run(office) == 0
    assert "已逾期" in capsys.readouterr().out  # nothing was taken for told
