"""Learning the pair score from what people joined and parted; fitting it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from arrivals import note
from sqlalchemy import select

from training.learn_pairs import LEAST, learn_pairs
from training.pair_fit import PairSet, fit
from triage.desk import Desk
from triage.ledger.decisions import newest_decisions
from triage.ledger.relations import set_status
from triage.ledger.tables import CaseRow, EventRow
from triage.related import FITTED_ON, WEIGHTS, PairWeights, probability, strengths


def judge(desk: Desk, joined: int, parted: int) -> list[tuple[int, int]]:
    """A taste of its own: cases of one section are joined, those of two are parted; the joined pairs."""
    with desk.ledger.write() as session:
        cases = session.scalars(select(CaseRow).where(CaseRow.state == "closed").order_by(CaseRow.id)).all()
        of: dict[str, list[CaseRow]] = {}
        for case in cases:
            of.setdefault(newest_decisions(case)["section"].label, []).append(case)
        alike = [pair for group in of.values() for pair in list(combinations(group, 2))[:6]][:joined]
        first, second, *_ = of.values()
        unlike = list(product(first, second))[:parted]
        # in turn, so that every part that is held out has both
        for i in range(max(len(alike), len(unlike))):
            for pairs, status in ((alike, "confirmed"), (unlike, "dismissed")):
                if i < len(pairs):
                    set_status(*pairs[i], status, session=session)
        note(session)
        return [(a.id, b.id) for a, b in alike]


def scores(desk: Desk, pairs: list[tuple[int, int]]) -> np.ndarray:
    with desk.ledger.read() as session:
        features, cases = desk.pair_features([(str(a), str(b)) for a, b in pairs], session)
    strong = strengths(features, desk.pair_weights, cases)
    return probability(strong, features["named"], desk.pair_weights, cases)


def test_a_few_judged_pairs_teach_nothing(demo_desk: Desk) -> None:
    judge(demo_desk, 5, LEAST - 6)
    outcome = learn_pairs(demo_desk, who="李")
    assert not outcome.learned
    assert (outcome.joined, outcome.parted) == (5, LEAST - 6)
    assert f"满 {LEAST} 对" in outcome.note
    assert demo_desk.pair_weights == WEIGHTS


def test_pairs_of_one_kind_alone_teach_nothing(demo_desk: Desk) -> None:
    judge(demo_desk, 40, 2)
    assert not learn_pairs(demo_desk, who="李").learned


@pytest.fixture
def other_process(demo_desk: Desk) -> Iterator[Desk]:
    """Another desk on the same ledger, which knows nothing of the first."""
    desk = Desk(demo_desk.settings)
    yield desk
    desk.ledger.close()


def test_what_an_office_joins_moves_the_scores_in_every_process(demo_desk: Desk, other_process: Desk) -> None:
    joined = judge(demo_desk, 60, 60)
    before = scores(other_process, joined)
    outcome = learn_pairs(demo_desk, who="李")
    assert outcome.learned
    assert outcome.before is not None
    assert outcome.after is not None
    assert outcome.after < outcome.before
    after = scores(other_process, joined)
    assert after.mean() > before.mean() + 0.2
    assert dict(other_process.pair_weights.learned_from) == {"joined": 60, "parted": 60}
    with demo_desk.ledger.read() as session:
        event = session.scalars(select(EventRow).where(EventRow.kind == "pairs_learned")).one()
        assert event.who == "李"
        assert event.detail["before"] > event.detail["after"]


def test_weights_survive_the_ledger() -> None:
    weights = replace(WEIGHTS, learned_from={"joined": 3, "parted": 4})
    assert PairWeights.from_dict(weights.to_dict()) == weights


def test_the_threshold_follows_the_stated_share_of_wrong_proposals() -> None:
    weights = replace(WEIGHTS, curve=((0.2, 0.6), (0.4, 0.3), (0.6, 0.2), (0.8, 0.0)))
    assert weights.threshold(0.25) == 0.6
    assert weights.threshold(0.3) == 0.4
    assert weights.threshold(0.9) == 0.2
    assert weights.threshold(0.0) == 0.8
    assert replace(weights, curve=((0.2, 0.6),)).threshold(0.25) == 1.0
    assert [WEIGHTS.threshold(s) for s in (0.5, 0.25, 0.1)] == sorted(
        WEIGHTS.threshold(s) for s in (0.5, 0.25, 0.1)
    )


def made_up(seed: int, weights: PairWeights, n: int = 4000) -> PairSet:
    """Pairs that belong together just as often as ``weights`` say."""
    drawn = np.random.default_rng(seed)
    features = {
        name: drawn.uniform(0, 0.4, n) for name in ("wording", "sense", "title_sense", "title_wording")
    }
    features |= {"named": np.zeros(n), "section": drawn.choice([0.0, 1.0, np.nan], n), "topic": np.ones(n)}
    p = probability(strengths(features, weights, FITTED_ON), 0.0, weights, FITTED_ON)
    return PairSet(features, drawn.uniform(size=n) < p, np.ones(n), FITTED_ON)


def test_fitting_finds_again_what_made_the_pairs() -> None:
    true = replace(
        WEIGHTS,
        wording={"bias": -6.0, "wording": 20.0},
        matter={**dict.fromkeys(WEIGHTS.matter, 0.0), "bias": -4.0, "sense": 6.0, "section": 2.0},
        matter_unlabelled={**dict.fromkeys(WEIGHTS.matter_unlabelled, 0.0), "bias": -3.0, "sense": 6.0},
    )
    pairs = made_up(0, true, 20_000)
    found = fit([pairs], WEIGHTS, hold=0.0)
    unseen = made_up(1, true)
    wanted = probability(strengths(unseen.features, true, FITTED_ON), 0.0, true, FITTED_ON)
    given = probability(strengths(unseen.features, found, FITTED_ON), 0.0, found, FITTED_ON)
    assert np.abs(wanted - given).mean() < 0.03
    assert found.matter["section"] == pytest.approx(2.0, abs=0.5)


def test_a_held_fit_stays_near_where_it_began() -> None:
    pairs = made_up(0, replace(WEIGHTS, wording={"bias": -2.0, "wording": 5.0}), 200)
    loose, tight = fit([pairs], WEIGHTS, hold=0.01), fit([pairs], WEIGHTS, hold=1e6)
    assert abs(tight.wording["wording"] - WEIGHTS.wording["wording"]) < 1.0
    assert abs(loose.wording["wording"] - WEIGHTS.wording["wording"]) > 5.0
