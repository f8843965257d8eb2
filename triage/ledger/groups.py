"""Groups of a year's cases: joined ones, and those that the pairs in the ledger propose to join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from triage.groups import Group, Pair, find_groups
from triage.ledger.memberships import active_merge
from triage.ledger.tables import CaseRow, MergeMemberRow, MergeRow, RelationRow


@dataclass(frozen=True)
class LedgerGroup:
    """Cases that one plan could answer.

    Attributes:
        cases: earliest first; lead: the main case, proposed or decided.
        merges: what people made of them so far; more than one where two merges look alike.
    """

    name: str
    cases: Sequence[CaseRow]
    lead: CaseRow
    score: float
    merges: Sequence[MergeRow]

    @property
    def to_join(self) -> list[CaseRow]:
        """Open cases in no merge: what the proposal is about."""
        return [c for c in self.cases if c.state != "closed" and active_merge(c) is None]


def list_groups(*, session: Session, year: int) -> list[LedgerGroup]:
    """The groups among the cases that came in ``year``, the largest first: the year's hot issues.

    A pair that a person dismissed or parted never meets in one group, and a merge stays whole.
    """
    return _ledger_groups(_links_of(year, session=session), session=session)


def group_of(case: CaseRow, *, session: Session) -> LedgerGroup | None:
    """The group of its year that the case is in; the same that list_groups has."""
    links = _links_of(case.received_on.year, session=session)
    found = _ledger_groups(links.around(str(case.id)), session=session)
    return next((group for group in found if case in group.cases), None)


@dataclass(frozen=True)
class _Links:
    """What holds a year's cases together, and what keeps them apart.

    Attributes:
        order: all cases, earliest first; made: the members of each merge.
    """

    order: Sequence[str]
    pairs: Sequence[Pair]
    apart: Sequence[frozenset[str]]
    made: Sequence[Sequence[str]]

    def groups(self) -> list[Group]:
        return find_groups(self.pairs, self.order, apart=self.apart, together=self.made)

    def around(self, key: str) -> _Links:
        """Only what a case can be reached from: its group depends on nothing else."""
        near: dict[str, set[str]] = {}
        for linked in [*((p.first, p.second) for p in self.pairs), *self.made]:
            for one in linked:
                near.setdefault(one, set()).update(linked)
        reached, waiting = {key}, [key]
        while waiting:
            new = near.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        return _Links(
            [k for k in self.order if k in reached],
            [p for p in self.pairs if p.first in reached],
            [pair for pair in self.apart if pair <= reached],
            [members for members in self.made if members[0] in reached],
        )


def _links_of(year: int, *, session: Session) -> _Links:
    """Read as bare columns: a year has thousands of pairs, and every page of a case asks."""
    in_year = CaseRow.received_on.between(date(year, 1, 1), date(year, 12, 31))
    order = session.scalars(select(CaseRow.id).where(in_year).order_by(CaseRow.received_on, CaseRow.id))
    rows = session.execute(
        select(
            RelationRow.case_id,
            RelationRow.other_id,
            RelationRow.status,
            RelationRow.score,
            RelationRow.shared_terms,
        )
        .join(CaseRow, CaseRow.id == RelationRow.case_id)
        .where(in_year, RelationRow.kind != "precedent")
    )
    pairs, apart = [], []
    for case_id, other_id, status, score, terms in rows:
        if status == "dismissed":
            apart.append(frozenset((str(case_id), str(other_id))))
        else:
            sure = 1.0 if status == "confirmed" else score
            pairs.append(Pair(str(case_id), str(other_id), sure, tuple(terms)))
    made: dict[int, list[str]] = {}
    for merge_id, case_id in session.execute(
        select(MergeMemberRow.merge_id, MergeMemberRow.case_id)
        .join(CaseRow, CaseRow.id == MergeMemberRow.case_id)
        .where(in_year, MergeMemberRow.left_at.is_(None))
    ):
        made.setdefault(merge_id, []).append(str(case_id))
    return _Links([str(i) for i in order], pairs, apart, list(made.values()))


def list_years(*, session: Session) -> list[int]:
    """The years in which cases came in, the newest first."""
    newest = select(func.max(CaseRow.received_on))
    years: list[int] = []
    # from one to the next by the index: the days of all cases would have to be looked at otherwise
    while day := session.scalar(
        newest.where(CaseRow.received_on < date(years[-1], 1, 1)) if years else newest
    ):
        years.append(day.year)
    return years


def _ledger_groups(links: _Links, *, session: Session) -> list[LedgerGroup]:
    found = links.groups()
    ids = [int(key) for group in found for key in group.keys]
    cases = session.scalars(
        select(CaseRow)
        .where(CaseRow.id.in_(ids))
        .options(selectinload(CaseRow.memberships).selectinload(MergeMemberRow.merge))
    ).all()
    by_key = {str(case.id): case for case in cases}
    return [_ledger_group(group, by_key) for group in found]


def _ledger_group(group: Group, by_key: dict[str, CaseRow]) -> LedgerGroup:
    cases = [by_key[key] for key in group.keys]
    made = {merge.id: merge for case in cases if (merge := active_merge(case)) is not None}
    merges = sorted(made.values(), key=lambda merge: merge.id)
    name = merges[0].name if merges else group.name
    lead = merges[0].lead if merges else by_key[group.lead]
    return LedgerGroup(name or lead.title, cases, lead, group.score, merges)
