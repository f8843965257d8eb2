"""Groups out of pairs: which cases one plan could answer together, who leads, what to call them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Two groups become one where each member of the smaller has, on average, so much of a pair
# with the other: a chain of single look-alikes does not.
LINK = 0.5
NAME_TERMS = 3


@dataclass(frozen=True)
class Pair:
    """Two cases that belong together with this probability; ``terms`` they share."""

    first: str
    second: str
    score: float
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Cases that one plan could answer.

    Attributes:
        keys: the cases, in the order given; lead: the proposed main case, nearest to all others.
        name: made of the terms that most of its pairs share; empty where they share none.
        score: mean probability of the pairs that were found inside.
    """

    keys: tuple[str, ...]
    lead: str
    name: str
    score: float
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "lead": self.lead,
            "score": self.score,
            "cases": list(self.keys),
            "pairs": [
                {"cases": [p.first, p.second], "score": p.score, "shared_terms": list(p.terms)}
                for p in self.pairs
            ],
        }


def find_groups(
    pairs: Iterable[Pair],
    order: Sequence[str],
    *,
    apart: Collection[frozenset[str]] = (),
    together: Iterable[Collection[str]] = (),
) -> list[Group]:
    """Groups of two or more, the largest first.

    Args:
        pairs: proposed or confirmed pairs, each once.
        order: all cases, earliest first.
        apart: pairs that a person parted; they never meet in one group.
        together: groups that a person made; nothing parts them.
    """
    rank = {key: i for i, key in enumerate(order)}
    kept = [p for p in pairs if p.first in rank and p.second in rank]
    groups: dict[str, set[str]] = {key: {key} for key in order}
    for made in together:
        known = [key for key in made if key in rank]
        whole = set().union(*(groups[key] for key in known)) if known else set()
        groups.update(dict.fromkeys(whole, whole))
    scores: dict[str, dict[str, float]] = {}
    for p in kept:
        scores.setdefault(p.first, {})[p.second] = p.score
        scores.setdefault(p.second, {})[p.first] = p.score
    parted: dict[str, set[str]] = {}
    for a, b in map(tuple, apart):
        parted.setdefault(a, set()).add(b)
        parted.setdefault(b, set()).add(a)
    for p in sorted(kept, key=lambda p: (-p.score, rank[p.first], rank[p.second])):
        small, large = sorted((groups[p.first], groups[p.second]), key=len)
        if small is large or any(parted.get(key, set()) & large for key in small):
            continue
        linked = sum(score for key in small for other, score in scores.get(key, {}).items() if other in large)
        if linked >= LINK * len(small):
            large |= small
            groups.update(dict.fromkeys(small, large))
    inside: dict[int, list[Pair]] = {}
    for p in kept:
        if groups[p.first] is groups[p.second]:
            inside.setdefault(id(groups[p.first]), []).append(p)
    distinct = {id(group): group for group in groups.values() if len(group) > 1}
    made_of = [_make(group, inside.get(at, []), rank) for at, group in distinct.items()]
    return sorted(made_of, key=lambda g: (-len(g.keys), rank[g.keys[0]]))


def _make(members: Collection[str], pairs: Sequence[Pair], rank: Mapping[str, int]) -> Group:
    keys = tuple(sorted(members, key=rank.__getitem__))
    near: dict[str, float] = defaultdict(float)
    terms: dict[str, float] = defaultdict(float)
    for p in pairs:
        near[p.first] += p.score
        near[p.second] += p.score
        for place, term in enumerate(p.terms):
            terms[term] += p.score / (1 + place)
    lead = max(keys, key=lambda key: (round(near[key], 6), -rank[key]))
    name = "、".join(term for term, _ in sorted(terms.items(), key=lambda t: (-t[1], t[0]))[:NAME_TERMS])
    score = sum(p.score for p in pairs) / len(pairs) if pairs else 1.0
    return Group(keys, lead, name, round(score, 4), tuple(pairs))
