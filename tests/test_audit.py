"""The audit sample: drawn by lot, reviewed blind, counted, and stopping what breaks its promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from arrivals import arrive
from sqlalchemy import select

from training.measure_stops import main
from triage.config import Settings
from triage.errors import Conflict, InputError, NotFound
from triage.ledger.audits import (
    Verdict,
    add_audit,
    audit_record,
    figures_of,
    is_blind,
    precision_of,
    shown_predictions,
    verdicts,
)
from triage.ledger.cases import get_case
from triage.ledger.decisions import ROUTER, decide
from triage.ledger.predictions import add_prediction
from triage.ledger.routing_stops import binding_stops, list_stops, resume, under_stops
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import EventRow
from triage.ledger.triage_record import triage_record
from triage.ledger.withdrawals import withdraw_decisions
from triage.prediction import Evidence, Prediction
from triage.taxonomy import Label, Taxonomy

TAXONOMY = Taxonomy(section=(Label("能源科"), Label("价格科")), topic=(Label("能源"), Label("价格收费")))
ONE, TWO = "20260101-000000-aaaaaa", "20270101-000000-bbbbbb"


def prediction(
    label: str = "能源科", *, version: str = ONE, target: str = "section", auto: bool = True
) -> Prediction:
    other = {"能源科": "价格科", "价格科": "能源科", "能源": "价格收费", "价格收费": "能源"}[label]
    return Prediction(target, ((label, 0.9731), (other, 0.0269)), Evidence(), version, auto, "把握 97%")


def drawn(
    ledger: Ledger, n: int, *predicted: Prediction, received_on: date = date(2026, 3, 2), share: float = 0.1
) -> int:
    """A case that was drawn, with its predictions."""
    with ledger.write() as session:
        sent = Submission(title=f"第{n}件", body=f"正文{n}。", number=str(n), received_on=received_on)
        case = arrive(sent, session=session)
        for one in predicted or (prediction(),):
            add_prediction(case, one, session=session)
        add_audit(case, share=share, promise=0.95, who=ROUTER, session=session)
        return case.id


def say(ledger: Ledger, case_id: int, label: str = "能源科", *, why: str = "", **more: str) -> None:
    """A person decides."""
    with ledger.write() as session:
        decide(case_id, {"section": label, **more}, who="李", why=why, session=session, taxonomy=TAXONOMY)


def judge(ledger: Ledger, first: int, *labels: str, version: str = ONE) -> None:
    """Cases that the model called 能源科, and what people said of them."""
    for n, label in enumerate(labels, first):
        say(ledger, drawn(ledger, n, prediction(version=version)), label)


def events(ledger: Ledger, kind: str) -> list[EventRow]:
    with ledger.read() as session:
        return list(session.scalars(select(EventRow).where(EventRow.kind == kind).order_by(EventRow.id)))


def test_nothing_is_shown_and_no_reason_needed_until_somebody_decided(ledger: Ledger) -> None:
    case_id = drawn(ledger, 1)
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert is_blind(case)
        assert shown_predictions(case) == {}
        assert case.certainty is None
        assert "能源" not in str([event.detail for event in case.events])
    with ledger.write() as session, pytest.raises(InputError, match="连同承办科室"):
        decide(case_id, {"topic": "能源"}, who="李", session=session, taxonomy=TAXONOMY)
    say(ledger, case_id, "价格科")  # not what the model said, without a reason
    with ledger.read() as session:
        case = get_case(case_id, session=session)
        assert not is_blind(case)
        assert shown_predictions(case)["section"].ranked[0][0] == "能源科"
        assert case.certainty == 0.9731
        assert case.decisions[-1].kind == "override"
    with ledger.write() as session, pytest.raises(InputError, match="请写明理由"):
        decide(
            case_id,
            {"topic": "能源", "section": "价格科"},
            who="李",
            session=session,
            taxonomy=TAXONOMY,
            seen_version=2,
        )


def test_the_first_decision_counts_though_it_was_taken_back(ledger: Ledger) -> None:
    case_id = drawn(ledger, 1)
    say(ledger, case_id, "价格科")
    with ledger.write() as session:
        withdraw_decisions(case_id, who="李", session=session)
        assert not is_blind(get_case(case_id, session=session))
    say(ledger, case_id, "能源科")
    with ledger.read() as session:
        (verdict,) = verdicts("section", session=session, taxonomy=TAXONOMY)
    assert (verdict.label, verdict.given, verdict.right) == ("能源科", "价格科", False)


def test_the_record_counts_by_section_and_month_and_keeps_back_what_is_blind(ledger: Ledger) -> None:
    judge(ledger, 1, "能源科", "能源科", "价格科")
    say(ledger, drawn(ledger, 4, prediction("价格科"), received_on=date(2026, 5, 5)), "价格科")
    drawn(ledger, 5, prediction("价格科"), received_on=date(2026, 5, 6))
    say(ledger, drawn(ledger, 6, received_on=date(2025, 5, 5)))
    with ledger.read() as session:
        record = audit_record("section", session=session, taxonomy=TAXONOMY, year=2026)
        other = audit_record("section", session=session, taxonomy=TAXONOMY, model_version=TWO)
    assert (record.total.drawn, record.total.judged, record.total.right) == (5, 4, 3)
    assert [(f.name, f.drawn, f.right) for f in record.sections] == [("能源科", 3, 2), ("价格科", 1, 1)]
    assert [(f.name, f.drawn, f.judged) for f in record.months if f.drawn] == [("3", 3, 3), ("5", 2, 1)]
    assert [v.blind for v in record.verdicts] == [True, False, False, False, False]
    assert other.total.drawn == 0


def test_another_target_counts_where_it_was_sure_and_decided_blind_as_well(ledger: Ledger) -> None:
    topic, unsure = prediction("能源", target="topic"), prediction("能源", target="topic", auto=False)
    say(ledger, drawn(ledger, 1, prediction(), topic), topic="价格收费")
    say(ledger, drawn(ledger, 2, prediction(), unsure), topic="能源")
    later = drawn(ledger, 3, prediction(), topic)
    say(ledger, later)
    with ledger.write() as session:
        decide(later, {"topic": "能源"}, who="李", session=session, taxonomy=TAXONOMY)
    with ledger.read() as session:
        record = audit_record("topic", session=session, taxonomy=TAXONOMY)
    assert (record.total.drawn, record.total.judged, record.total.right) == (2, 1, 0)


def test_the_interval_is_clopper_and_pearsons_and_weighs_what_each_stands_for() -> None:
    precision, interval = precision_of([(True, 0.1)] * 4 + [(False, 0.1)] * 3)
    assert precision == pytest.approx(4 / 7)
    assert interval == pytest.approx((0.184052, 0.901011), abs=1e-6)  # as R's binom.test(4, 7) says
    assert precision_of([]) == (None, None)
    assert precision_of([(True, 1.0)] * 10)[1] == pytest.approx((0.025 ** (1 / 10), 1.0))
    assert precision_of([(False, 1.0)] * 10)[1] == pytest.approx((0.0, 1 - 0.025 ** (1 / 10)))
    # one right that stands for ten, two wrong that stand for two each: 10 of 14, as much as 196/108 told
    assert precision_of([(True, 0.1), (False, 0.5), (False, 0.5)])[0] == pytest.approx(10 / 14)


def test_the_sample_is_right_on_average_and_its_interval_holds() -> None:
    numbers = np.random.default_rng(8)
    right = (
        numbers.random(1500) < 0.93
    )  # what the router was sure of, in a year in which the share was changed
    shares = np.where(np.arange(1500) < 500, 0.3, 0.1)
    estimates, held = [], 0
    for _ in range(400):
        taken = numbers.random(1500) < shares
        found = [
            Verdict(
                i,
                i,
                "",
                "",
                date(2026, 1, 1),
                shares[i],
                0.95,
                ONE,
                "能源科",
                "能源科" if right[i] else "价格科",
            )
            for i in np.flatnonzero(taken)
        ]
        figures = figures_of("", found)
        assert figures.precision is not None
        assert figures.interval is not None
        estimates.append(figures.precision)
        held += figures.interval[0] <= right.mean() <= figures.interval[1]
    spread = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates) - right.mean()) < 3 * spread
    assert held / len(estimates) >= 0.94


def test_a_label_stops_where_even_the_upper_end_is_under_the_promise_and_not_before(ledger: Ledger) -> None:
    judge(ledger, 1, "能源科", "能源科", "能源科", "能源科", "价格科", "价格科")
    with ledger.read() as session:  # 4 of 6: at most 95.7 %
        assert list_stops(session=session) == []
    judge(ledger, 7, "价格科")  # 4 of 7: at most 90.1 %
    with ledger.read() as session:
        (stop,) = binding_stops({"section": ONE}, session=session)
        assert stop.why == "抽查 7 件中 3 件不对,最多 90.1% 正确,低于承诺的 95%"
        routed = under_stops({"section": prediction()}, session=session, taxonomy=TAXONOMY)["section"]
        assert not routed.auto
        assert routed.reason == f"“能源科”的自动认定已停:{stop.why}"
        for free in (prediction("价格科"), prediction(version=TWO)):  # another label, another model
            assert under_stops({"section": free}, session=session, taxonomy=TAXONOMY)["section"].auto
        renamed = Taxonomy(section=(Label("新能源科", formerly=("能源科",)), Label("价格科")))
        new = replace(prediction(), ranked=(("新能源科", 0.9), ("价格科", 0.1)))
        assert not under_stops({"section": new}, session=session, taxonomy=renamed)["section"].auto
    (event,) = events(ledger, "routing_stopped")
    assert event.case_id is None
    assert [event.detail[k] for k in ("label", "n", "right", "upper")] == ["能源科", 7, 4, 0.901]
    judge(ledger, 8, "价格科")
    assert len(events(ledger, "routing_stopped")) == 1


def test_who_lets_it_go_on_says_why_and_what_was_before_counts_no_more(ledger: Ledger) -> None:
    judge(ledger, 1, "价格科", "价格科")
    with ledger.write() as session:
        (stop,) = list_stops(session=session)
        with pytest.raises(InputError, match="理由"):
            resume(stop.id, who="王", why=" ", session=session)
        with pytest.raises(NotFound):
            resume(stop.id + 1, who="王", why="核对过", session=session)
        resume(stop.id, who="王", why="核对过", session=session)
        with pytest.raises(Conflict, match="已由王恢复"):
            resume(stop.id, who="李", why="核对过", session=session)
    (event,) = events(ledger, "routing_resumed")
    assert (event.who, event.detail["why"], event.detail["label"]) == ("王", "核对过", "能源科")
    judge(ledger, 3, "价格科")  # one of one is no proof, three of three were
    with ledger.read() as session:
        assert binding_stops({"section": ONE}, session=session) == []
    judge(ledger, 4, "价格科")
    with ledger.read() as session:
        assert len(binding_stops({"section": ONE}, session=session)) == 1
        assert len(list_stops(session=session)) == 2


def test_a_new_model_begins_anew(ledger: Ledger) -> None:
    judge(ledger, 1, "价格科", "价格科")
    judge(ledger, 3, "价格科", version=TWO)
    with ledger.read() as session:
        assert binding_stops({"section": TWO}, session=session) == []
    judge(ledger, 4, "价格科", version=TWO)
    with ledger.read() as session:
        assert len(binding_stops({"section": TWO}, session=session)) == 1


def test_looking_after_each_verdict_seldom_stops_what_keeps_its_promise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stopped = {rate: shares for rate, *shares in main(runs=2000)}
    assert stopped[0.97][-1] < 0.05 < stopped[0.95][-1] < 0.15
    assert stopped[0.5][0] > 0.9
    assert all(shares == sorted(shares) for shares in stopped.values())
    assert len(capsys.readouterr().out.splitlines()) == 9


def test_the_years_record_counts_a_drawn_case_as_what_a_person_made_of_it(ledger: Ledger) -> None:
    judge(ledger, 1, "能源科", "价格科")
    drawn(ledger, 3)
    with ledger.read() as session:
        record = triage_record(2026, session=session, taxonomy=TAXONOMY)
    total = record.total
    assert (record.drawn, total.taken_in, total.auto, total.confirmed, total.overridden) == (3, 3, 0, 1, 1)
    assert total.corrected.of == 0  # none was ever automatic


@pytest.mark.parametrize("share", ["-0.1", "1.01", "viel"])
def test_a_share_is_between_none_and_all(share: str) -> None:
    assert Settings.from_env({}).audit_share == 0.1
    assert Settings.from_env({"TRIAGE_AUDIT_SHARE": "1"}).audit_share == 1.0
    with pytest.raises(InputError, match="TRIAGE_AUDIT_SHARE"):
        Settings.from_env({"TRIAGE_AUDIT_SHARE": share})
