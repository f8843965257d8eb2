"""Groups out of pairs: held together by more than a chain, never against a person's word."""

from __future__ import annotations

import random

from triage.groups import Pair, find_groups

ORDER = ["a", "b", "c", "d", "e"]


def keys(pairs: list[Pair], **given: object) -> list[tuple[str, ...]]:
    return [group.keys for group in find_groups(pairs, ORDER, **given)]  # type: ignore[arg-type]


def test_a_chain_of_doubtful_pairs_is_no_group_and_a_triangle_is() -> None:
    chain = [Pair(x, y, 0.35) for x, y in ("ab", "bc", "cd")]
    assert keys(chain) == []
    assert keys([Pair("a", "b", 0.6), Pair("a", "c", 0.35), Pair("b", "c", 0.35)]) == [("a", "b", "c")]
    assert keys([Pair("a", "b", 0.9), Pair("c", "d", 0.9), Pair("b", "c", 0.7)]) == [("a", "b"), ("c", "d")]


def test_what_a_person_parted_never_meets_again_even_through_a_third() -> None:
    pairs = [Pair("a", "b", 0.9), Pair("b", "c", 0.8)]
    assert keys(pairs) == [("a", "b", "c")]
    assert keys(pairs, apart=[frozenset("ac")]) == [("a", "b")]


def test_what_a_person_joined_stays_whole() -> None:
    assert keys([], together=[("a", "e")]) == [("a", "e")]
    assert keys([Pair("e", "c", 0.9)], together=[("a", "e")]) == [("a", "c", "e")]
    assert keys([], together=[("a", "e")], apart=[frozenset("ae")]) == [("a", "e")]


def test_the_lead_is_nearest_to_all_and_the_earliest_where_equal() -> None:
    (pair,) = find_groups([Pair("b", "a", 0.9)], ORDER)
    assert pair.lead == "a"
    (star,) = find_groups([Pair("c", "a", 0.8), Pair("c", "b", 0.8)], ORDER)
    assert star.lead == "c"


def test_the_name_is_made_of_what_most_pairs_share() -> None:
    pairs = [
        Pair("a", "b", 0.9, ("冷链物流", "冷库")),
        Pair("a", "c", 0.9, ("冷链物流", "仓储")),
        Pair("b", "c", 0.9, ("冷链物流", "冷库", "农户")),
    ]
    (group,) = find_groups(pairs, ORDER)
    assert group.name == "冷链物流、冷库、仓储"
    assert group.score == 0.9
    assert group.to_dict()["cases"] == ["a", "b", "c"]


def test_large_groups_come_first_and_unknown_cases_are_left_out() -> None:
    pairs = [Pair("a", "b", 0.9), Pair("c", "d", 0.9), Pair("d", "e", 0.9), Pair("a", "z", 0.9)]
    assert keys(pairs) == [("c", "d", "e"), ("a", "b")]


def test_groups_are_disjoint_and_hold_to_every_word_of_a_person() -> None:
    for seed in range(200):
        drawn = random.Random(seed)
        order = [str(i) for i in range(12)]
        every = [(x, y) for x in order for y in order if int(x) < int(y)]
        pairs = [Pair(x, y, drawn.random()) for x, y in drawn.sample(every, 25)]
        parted = [frozenset(pair) for pair in drawn.sample(every, 10)]
        made = drawn.sample(order, 3)
        apart = [pair for pair in parted if not pair <= set(made)]
        groups = find_groups(pairs, order, apart=apart, together=[made])
        members = [key for group in groups for key in group.keys]
        assert len(members) == len(set(members))
        assert any(set(made) <= set(group.keys) for group in groups)
        for group in groups:
            assert group.lead in group.keys
            assert not any(pair <= set(group.keys) for pair in apart)
