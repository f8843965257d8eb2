"""The commands on the record as a whole: verify, year, holidays."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from arrivals import arrive

from service.command import main
from training import sample_office
from triage.config import Settings
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment
from triage.ledger.contacts import add_contact
from triage.ledger.decisions import decide
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.taxonomy import TARGETS, load_taxonomy

Run = Callable[..., tuple[int, str, str]]
LABELS = {"section": "能源科", "topic": "能源", "handling": "立即办理"}


@pytest.fixture
def office(settings: Settings) -> Settings:
    """An office with one case of 2025 closed as B with a promise, and an open one of 2026."""
    sample_office.install_office(settings)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    for number, received_on in (("1", date(2025, 1, 12)), ("2", date(2026, 1, 12))):
        with ledger.write() as session:
            sent = Submission(
                title="电网", body="电网老化。", number=number, received_on=received_on, deputy="张三"
            )
            case = arrive(sent, session=session)
            decide(case.id, LABELS, who="李", why="看过", session=session, taxonomy=taxonomy)
            add_contact(case.id, "visit", who="李", session=session)
    with ledger.write() as session:
        promise = Commitment("改造线路", date(2026, 6, 30))
        close_case(1, result_class="B", who="李", session=session, taxonomy=taxonomy, commitments=[promise])
    ledger.close()
    assert set(LABELS) == set(TARGETS)
    return settings


@pytest.fixture
def run(office: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command over that office; exit code, what it said, what it complained of."""

    def run(*args: str) -> tuple[int, str, str]:
        code = main(["--home", str(office.home), *args])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_verify_says_that_all_holds_and_gives_an_anchor(run: Run) -> None:
    code, said, _ = run("verify")
    assert code == 0
    assert "全部一致" in said
    anchor = said.split("锚点 ")[1].split("(")[0]
    assert run("verify", "--anchor", anchor)[0] == 0
    code, said, _ = run("verify", "--anchor", "3:" + "0" * 64, "--json")
    assert (code, json.loads(said)["ok"]) == (1, False)


def test_verify_names_a_row_that_was_altered_in_the_file(run: Run, office: Settings) -> None:
    file = office.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(file)) as database:
        database.execute("update \"case\" set result_class = 'A' where id = 1")
        database.commit()
    code, said, _ = run("verify")
    assert code == 1
    assert "建议件 1 与第" in said
    assert "在数据库里被直接改动" in said
    with closing(sqlite3.connect(file)) as database:
        database.execute("drop trigger event_no_update")
        database.execute("update event set who = '赵' where id = 4")
        database.commit()
    _, said, _ = run("verify")
    assert said.splitlines()[1].startswith("  第 4 号经过")


def test_the_year_is_told_in_figures(run: Run) -> None:
    code, said, _ = run("year", "2025")
    assert code == 0
    assert "2025 年收件 1 件" in said
    assert "B 1 件(100.0%)" in said
    assert "见面率 100.0%(1/1)" in said
    assert "满意率 —(0/0)" in said
    _, said, _ = run("year", "2025", "--json")
    assert [c["count"] for c in json.loads(said)["classes"] if c["code"] == "B"] == [1]
    assert run("year", "1900")[0] == 1


def test_what_earlier_years_left_comes_back(run: Run) -> None:
    _, said, _ = run("year", "2026", "--carried", "--json")
    (carried,) = json.loads(said)
    assert carried["case"]["id"] == 1
    assert carried["reasons"] == ["办理结果 B(正在解决或列入计划逐步解决)", "1 项承诺未兑现"]
    _, said, _ = run("year", "2027", "--carried")
    assert "共 2 件" in said
    assert "改造线路" in said


def test_the_clerk_keeps_the_calendar(run: Run, tmp_path: Path) -> None:
    code, said, _ = run("holidays", str(sample_office.HOLIDAYS))
    assert code == 0
    days = len(sample_office.HOLIDAYS.read_text(encoding="utf-8").splitlines()) - 1
    assert f"登记了 {days} 天" in said
    assert "登记了 0 天" in run("holidays", str(sample_office.HOLIDAYS))[1]
    _, said, _ = run("holidays", "--year", "2026", "--json")
    kinds = {row["day"]: row["kind"] for row in json.loads(said)}
    assert (kinds["2026-10-01"], kinds["2026-10-10"]) == ("off", "work")
    wrong = tmp_path / "错.csv"
    for content, says in (
        ("日期,类型,名称\n2026-1-1,放假,元旦\n", "第 2 行"),
        ("日期,类型\n2026-01-01,休息\n", "类型应为放假、上班、照常"),
        ("日子\n2026-01-01\n", "日期、类型、名称"),
    ):
        wrong.write_text(content, encoding="utf-8")
        code, _, complained = run("holidays", str(wrong))
        assert code == 1
        assert says in complained
