"""What closed cases teach, how much, and under which of today's labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from arrivals import arrive, note

from training.gold import EARNED_WEIGHTS, GoldExample, describe_data, each_text_once, read_gold
from training.mapping import map_labels
from triage.classifier import Example
from triage.encoder import get_encoder
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.decisions import ROUTER, add_decision, decide, settle
from triage.ledger.handling import accept, send_back
from triage.ledger.label_mappings import reviewed_labels
from triage.ledger.learning_tables import AuditRow, LabelMappingRow
from triage.ledger.merges import merge_cases
from triage.ledger.predictions import add_prediction
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.prediction import Evidence, Prediction
from triage.reading import Reader
from triage.taxonomy import Label, ResultClass, Taxonomy
from triage.text import get_segmenter

TAXONOMY = Taxonomy(
    section=(Label("能源科"), Label("价格科"), Label("物流科")),
    result_classes=(ResultClass("A", "已解决"),),
)
FIRST = date(2025, 1, 1)
SAID = Prediction("section", (("能源科", 0.9), ("价格科", 0.1)), Evidence(), "v1", True, "")


def put(ledger: Ledger, title: str, received_on: date | None = None, *, drawn: bool = False) -> int:
    """A case that the router put into 能源科; or was sure of, and a person was to review."""
    with ledger.write() as session:
        case = arrive(Submission(title=title, body=f"{title}。", received_on=received_on), session=session)
        add_prediction(case, SAID, session=session)
        if drawn:
            session.add(AuditRow(case_id=case.id, share=0.1, promise=0.95))
        else:
            add_decision(case, "section", "能源科", kind="auto", who=ROUTER, session=session)
        session.flush()
        session.refresh(case, ["decisions", "predictions"])
        if not drawn:
            settle(case, ["section"], TAXONOMY, who=ROUTER, session=session)
        return case.id


def finish(ledger: Ledger, case_id: int, *, says: str = "", signs: bool = False) -> None:
    """Close the case, with or without a person's word on it, or the section's signature, before."""
    with ledger.write() as session:
        if says:
            decide(case_id, {"section": says}, who="李", why="看过", session=session, taxonomy=TAXONOMY)
        if signs:
            accept(case_id, who="王", session=session)
        close_case(case_id, result_class="A", who="李", session=session, taxonomy=TAXONOMY)


def earned(ledger: Ledger) -> dict[str, tuple[str, str, float]]:
    """Case to label, how it was earned and its weight."""
    with ledger.read() as session:
        found = read_gold("section", session=session).examples
    return {g.example.case: (g.example.label, g.earned, g.example.weight) for g in found}


def test_gold_is_what_a_person_said_of_a_closed_case(ledger: Ledger) -> None:
    untouched, confirmed, overridden, still_open = (put(ledger, t) for t in ("一", "二", "三", "四"))
    finish(ledger, untouched)
    finish(ledger, confirmed, says="能源科")
    finish(ledger, overridden, says="价格科")
    with ledger.write() as session:
        decide(still_open, {"section": "物流科"}, who="李", why="看过", session=session, taxonomy=TAXONOMY)
        assert get_case(untouched, session=session).state == "closed"
    assert earned(ledger) == {
        str(confirmed): ("能源科", "confirmed", EARNED_WEIGHTS["confirmed"]),
        str(overridden): ("价格科", "overridden", EARNED_WEIGHTS["overridden"]),
    }
    with ledger.read() as session:
        assert read_gold("topic", session=session).examples == []
        assert read_gold("section", session=session).unsigned == 1


def test_an_automatic_decision_teaches_once_its_section_signed_and_closed_and_teaches_less(
    ledger: Ledger,
) -> None:
    signed, wandered = put(ledger, "一"), put(ledger, "二")
    finish(ledger, signed, signs=True)
    with ledger.write() as session:
        accept(wandered, who="王", session=session)
        send_back(wandered, why="不是我们的", who="王", session=session)
        decide(wandered, {"section": "价格科"}, who="李", why="改", session=session, taxonomy=TAXONOMY)
        close_case(wandered, result_class="A", who="李", session=session, taxonomy=TAXONOMY)
    found = earned(ledger)
    assert found[str(signed)] == ("能源科", "untouched", EARNED_WEIGHTS["untouched"])
    assert EARNED_WEIGHTS["untouched"] < EARNED_WEIGHTS["confirmed"]
    assert found[str(wandered)][:2] == ("价格科", "overridden")


def test_what_a_person_said_of_a_drawn_case_is_told_apart(ledger: Ledger) -> None:
    right, wrong = put(ledger, "一", drawn=True), put(ledger, "二", drawn=True)
    finish(ledger, right, says="能源科")
    finish(ledger, wrong, says="价格科")
    found = earned(ledger)
    assert (found[str(right)][1], found[str(wrong)][1]) == ("audited", "overridden")


def test_drawn_cases_speak_for_those_that_the_router_decided_the_others_of_these_for_none(
    ledger: Ledger,
) -> None:
    drawn, signed, put_right, seen = (put(ledger, t, drawn=t == "一") for t in ("一", "二", "三", "四"))
    with ledger.write() as session:
        case = arrive(Submission(title="五", body="五。"), session=session)
        asked = case.id
    finish(ledger, drawn, says="能源科")
    finish(ledger, signed, signs=True)
    finish(ledger, put_right, says="价格科")
    finish(ledger, seen, says="能源科")
    finish(ledger, asked, says="物流科")
    with ledger.read() as session:
        found = {g.example.case: g.example.stands_for for g in read_gold("section", session=session).examples}
    assert found == {str(drawn): 10, str(signed): 0, str(put_right): 0, str(seen): 0, str(asked): 1}


@pytest.mark.parametrize(("says", "wanted"), [("", None), ("能源科", "confirmed")])
def test_a_merged_case_is_earned_as_its_lead_was(ledger: Ledger, says: str, wanted: str | None) -> None:
    lead, member = put(ledger, "一"), put(ledger, "二")
    with ledger.write() as session:
        if says:
            decide(lead, {"section": says}, who="李", session=session, taxonomy=TAXONOMY)
        merge_cases([lead, member], lead_id=lead, who="李", session=session)
    for case_id in (lead, member):
        finish(ledger, case_id)
    found = earned(ledger)
    assert (found.get(str(member), ("", None))[1], found.get(str(lead), ("", None))[1]) == (wanted, wanted)


def test_the_order_in_time_decides_not_the_order_of_entry(ledger: Ledger) -> None:
    late = put(ledger, "晚", received_on=date(2025, 6, 1))
    early = put(ledger, "早", received_on=date(2025, 1, 1))
    for case_id in (late, early):
        finish(ledger, case_id, says="能源科")
    assert list(earned(ledger)) == [str(early), str(late)]


def example(i: int, text: str, label: str = "能源科", how: str = "confirmed") -> GoldExample:
    made = Example(str(i), f"关于{text}的建议", f"{text},请解决。", label, EARNED_WEIGHTS[how])
    return GoldExample(FIRST + timedelta(days=i), made, how, "李", label)


def test_a_text_that_came_twice_teaches_once_as_it_was_earned_best_and_last() -> None:
    a, b, c = example(1, "停电"), example(2, "停电", how="overridden"), example(3, "停电", how="untouched")
    other, again = example(4, "收费"), example(5, "收费")
    first, second = each_text_once([a, b, c, other, again])
    assert (first.example, first.repeats) == (b.example, ("1", "3"))
    assert (second.example, second.repeats) == (again.example, ("4",))


def test_the_data_is_described_so_that_a_change_shows() -> None:
    examples = [example(i, f"{i}村停电") for i in range(5)]
    told = describe_data(examples)
    assert (told["examples"], told["first"], told["last"]) == (5, "2025-01-01", "2025-01-05")
    assert (told["cases"], told["earned"]) == (["0", "1", "2", "3", "4"], {"confirmed": 5})
    assert describe_data(list(examples))["fingerprint"] == told["fingerprint"]
    relabelled = [replace(g, example=replace(g.example, label="价格科")) for g in examples]
    lighter = [replace(g, example=replace(g.example, weight=0.3)) for g in examples]
    for other in (relabelled, lighter, examples[:4]):
        assert describe_data(other)["fingerprint"] != told["fingerprint"]
    assert describe_data([]) | {"fingerprint": ""} == {
        "examples": 0,
        "earned": {},
        "first": None,
        "last": None,
        "fingerprint": "",
        "cases": [],
    }


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(get_segmenter(()), get_encoder("none"))


AFTER = Taxonomy(
    section=(
        Label("电力科", "电网改造、充电桩、变压器", ("电网", "充电桩", "变压器")),
        Label("煤炭科", "煤炭储备、煤矿安全", ("煤炭", "煤矿")),
        Label("收费科", "停车收费、物业收费", formerly=("价格科",)),
        Label("能源科", active=False, successors=("电力科", "煤炭科")),
        Label("物流科", active=False, successors=("收费科",)),
        Label("档案科", active=False),
    )
)


def test_old_labels_teach_under_the_names_that_took_over(reader: Reader) -> None:
    old = [
        example(1, "农村电网改造和变压器更换"),
        example(2, "煤炭储备和煤矿安全"),
        example(3, "停车收费", "价格科"),
        example(4, "冷链仓储", "物流科"),
        example(5, "查档", "档案科"),
        example(6, "充电桩", "电力科"),
    ]
    mapped = map_labels("section", old, AFTER, reader)
    assert [(g.example.case, g.example.label) for g in mapped.examples] == [
        ("1", "电力科"),
        ("2", "煤炭科"),
        ("3", "收费科"),
        ("4", "收费科"),
        ("6", "电力科"),
    ]
    assert (mapped.renamed, mapped.retired, len(mapped.proposals)) == (2, 1, 2)
    assert mapped.examples[0].example.weight < EARNED_WEIGHTS["confirmed"]  # as far as the duties tell
    assert mapped.examples[0].decided == "能源科"
    assert mapped.examples[2].example.weight == EARNED_WEIGHTS["confirmed"]


def test_what_the_duties_cannot_tell_teaches_nothing_until_a_person_says(reader: Reader) -> None:
    vague = [example(1, "服务群众")]
    unread = map_labels("section", vague, AFTER, reader)
    assert unread.examples == []
    assert [p.sure for p in unread.proposals] == [False]
    read = map_labels("section", vague, AFTER, reader, {"1": "煤炭科"})
    assert [g.example.label for g in read.examples] == ["煤炭科"]
    assert read.examples[0].example.weight == EARNED_WEIGHTS["confirmed"]
    assert (read.reviewed, read.proposals) == (1, ())
    # the word of a person for a section that is none of the successors does not count
    assert map_labels("section", vague, AFTER, reader, {"1": "收费科"}).examples == []


def test_the_newest_word_on_a_mapped_case_counts(ledger: Ledger) -> None:
    case_id = put(ledger, "一")
    for label in ("电力科", "煤炭科"):
        with ledger.write() as session:
            session.add(LabelMappingRow(case_id=case_id, target="section", label=label, who="李"))
            note(session)
    with ledger.read() as session:
        assert reviewed_labels("section", session=session) == {str(case_id): "煤炭科"}
        assert reviewed_labels("topic", session=session) == {}
