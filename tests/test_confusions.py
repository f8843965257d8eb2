"""What the models took for what: counted from what people settled, on both databases."""

from __future__ import annotations

import itertools
from datetime import date

from arrivals import arrive
from test_decisions import TAXONOMY, predict

from triage.ledger.confusions import review_target
from triage.ledger.decisions import ROUTER, add_decision, decide
from triage.ledger.predictions import add_prediction
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.withdrawals import withdraw_decisions

NUMBERS = itertools.count(1)


def settle(ledger: Ledger, recommended: str, settled: str | None, *, day: date = date(2026, 1, 12)) -> int:
    """A case recommended to one section and settled as another by a person, or by the router alone."""
    with ledger.write() as session:
        body = f"路灯不亮,第{next(NUMBERS)}处。"
        case = arrive(Submission(title="路灯", body=body, received_on=day), session=session)
        other = "价格科" if recommended == "能源科" else "能源科"
        row = add_prediction(case, predict("section", (recommended, 0.8), (other, 0.2)), session=session)
        session.flush()
        if settled is None:
            add_decision(
                case, "section", recommended, kind="auto", who=ROUTER, prediction=row, session=session
            )
    if settled is not None:
        with ledger.write() as session:
            decide(case.id, {"section": settled}, who="李", why="理由", session=session, taxonomy=TAXONOMY)
    return case.id


def test_what_people_settled_is_held_against_what_was_recommended(ledger: Ledger) -> None:
    wrong = [settle(ledger, "能源科", "价格科") for _ in range(3)]
    other = settle(ledger, "价格科", "能源科")
    settle(ledger, "能源科", "能源科")
    settle(ledger, "能源科", None)  # nobody looked at it: it proves nothing
    last_year = settle(ledger, "能源科", "价格科", day=date(2025, 3, 1))
    with ledger.read() as session:
        review = review_target("section", session=session)
        assert [(c.settled, c.recommended, [case.id for case in c.cases]) for c in review.confusions] == [
            ("价格科", "能源科", [*wrong, last_year]),
            ("能源科", "价格科", [other]),
        ]
        assert review.counts == {"价格科": {"能源科": 4}, "能源科": {"价格科": 1, "能源科": 1}}
        assert (review.total, review.right) == (6, 1)
        of_year = review_target("section", session=session, year=2025)
        assert [case.id for c in of_year.confusions for case in c.cases] == [last_year]
        assert review_target("topic", session=session).total == 0


def test_what_was_taken_back_counts_no_more_and_the_newest_decision_does(ledger: Ledger) -> None:
    taken_back = settle(ledger, "能源科", "价格科")
    with ledger.write() as session:
        withdraw_decisions(taken_back, who="李", session=session)
    changed = settle(ledger, "能源科", "价格科")
    with ledger.write() as session:
        decide(changed, {"section": "能源科"}, who="王", session=session, taxonomy=TAXONOMY, seen_version=2)
    with ledger.read() as session:
        review = review_target("section", session=session)
        assert (review.counts, list(review.confusions)) == ({"能源科": {"能源科": 1}}, [])
