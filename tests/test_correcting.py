"""A second look at closed cases: a new decision, on record, that the next training learns from."""

from __future__ import annotations

import pytest
from arrivals import arrive

from training.gold import GoldExample, read_gold
from triage.errors import Conflict, InputError
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.correcting import correct_label
from triage.ledger.decisions import decide
from triage.ledger.label_mappings import add_mapping, reviewed_labels
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.verify import verify_ledger
from triage.taxonomy import Label, ResultClass, Taxonomy

TAXONOMY = Taxonomy(
    section=(
        Label("能源科"),
        Label("价格科"),
        Label("电力科"),
        Label("老科室", active=False, successors=("能源科", "电力科")),
    ),
    result_classes=(ResultClass("A", "已解决"),),
)
BEFORE = Taxonomy(section=(Label("老科室"), Label("价格科")), result_classes=TAXONOMY.result_classes)


def closed(ledger: Ledger, label: str = "价格科") -> int:
    with ledger.write() as session:
        case = arrive(Submission(title=f"{label}的事", body="请解决。"), session=session)
        decide(case.id, {"section": label}, who="李", why="看过", session=session, taxonomy=BEFORE)
        close_case(case.id, result_class="A", who="李", session=session, taxonomy=BEFORE)
        return case.id


def gold(ledger: Ledger) -> list[GoldExample]:
    with ledger.read() as session:
        return read_gold("section", session=session).examples


def test_a_correction_is_a_new_decision_and_teaches(ledger: Ledger) -> None:
    case_id = closed(ledger)
    assert [(g.example.label, g.rechecked) for g in gold(ledger)] == [("价格科", False)]
    with ledger.write() as session:
        correct_label(
            case_id,
            target="section",
            label="能源科",
            who="王",
            why="充电桩",
            session=session,
            taxonomy=TAXONOMY,
        )
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert (case.state, case.section, case.closed_on is not None) == ("closed", "能源科", True)
        assert [(d.label, d.kind, d.who) for d in case.decisions] == [
            ("价格科", "override", "李"),
            ("能源科", "override", "王"),
        ]
        event = case.events[-1]
        assert (event.kind, event.who, event.detail["before"], event.detail["why"]) == (
            "overridden",
            "王",
            "价格科",
            "充电桩",
        )
        assert verify_ledger(session).problems == []
    (learned,) = gold(ledger)
    assert (learned.example.label, learned.earned, learned.who, learned.rechecked) == (
        "能源科",
        "overridden",
        "王",
        True,
    )


def test_found_right_is_on_record_too_also_under_a_name_of_the_past(ledger: Ledger) -> None:
    case_id = closed(ledger, "老科室")
    with ledger.write() as session:
        correct_label(
            case_id,
            target="section",
            label="老科室",
            who="王",
            why="看过",
            session=session,
            taxonomy=TAXONOMY,
        )
    (learned,) = gold(ledger)
    assert (learned.example.label, learned.earned, learned.rechecked) == ("老科室", "confirmed", True)


def test_what_cannot_be_corrected_is_refused_in_words(ledger: Ledger) -> None:
    case_id = closed(ledger)
    with ledger.write() as session:
        still_open = arrive(Submission(title="新", body="新的。"), session=session).id

    def correct(number: int, label: str = "能源科", why: str = "看过", target: str = "section") -> None:
        with ledger.write() as session:
            correct_label(
                number, target=target, label=label, who="王", why=why, session=session, taxonomy=TAXONOMY
            )

    with pytest.raises(Conflict, match="没有办结"):
        correct(still_open)
    with pytest.raises(InputError, match="请写明"):
        correct(case_id, why=" ")
    with pytest.raises(InputError, match="不是本单位在用的承办科室"):
        correct(case_id, label="老科室")
    with pytest.raises(InputError, match="认定项"):
        correct(case_id, target="colour")
    assert [g.example.label for g in gold(ledger)] == ["价格科"]


def test_a_split_label_is_mapped_by_a_person_and_the_record_keeps_its_own(ledger: Ledger) -> None:
    case_id, other = closed(ledger, "老科室"), closed(ledger)
    with ledger.write() as session:
        add_mapping(case_id, "section", "电力科", who="王", session=session, taxonomy=TAXONOMY)
    with ledger.read() as session:
        assert reviewed_labels("section", session=session) == {str(case_id): "电力科"}
        case = get_case(case_id, session=session)
        assert case.section == "老科室"
        assert (case.events[-1].kind, case.events[-1].detail["before"]) == ("label_mapped", "老科室")
        assert verify_ledger(session).problems == []
    with ledger.write() as session, pytest.raises(InputError, match="没有接替"):
        add_mapping(case_id, "section", "价格科", who="王", session=session, taxonomy=TAXONOMY)
    with ledger.write() as session, pytest.raises(Conflict, match="已分给几个"):
        add_mapping(other, "section", "电力科", who="王", session=session, taxonomy=TAXONOMY)
