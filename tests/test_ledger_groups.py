"""Groups of the ledger's cases: the whole year's and one case's agree, on both databases."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import date

import pytest
from arrivals import arrive
from sqlalchemy import select

from triage.errors import Conflict
from triage.ledger.groups import LedgerGroup, group_of, list_groups, list_years
from triage.ledger.merges import merge_cases
from triage.ledger.relations import dismiss, propose_relations
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import CaseRow
from triage.related import Related


def told(group: LedgerGroup | None) -> object:
    """Everything of a group that can be compared."""
    if group is None:
        return None
    ids = [case.id for case in group.cases]
    return group.name, ids, group.lead.id, group.score, [m.id for m in group.merges]


@pytest.mark.parametrize("seed", range(5))
def test_the_group_of_a_case_is_the_one_in_the_list_of_its_year(ledger: Ledger, seed: int) -> None:
    draw = random.Random(seed)
    with ledger.write() as session:
        cases = [
            arrive(
                Submission(title=f"第{n}件", body=f"事项{n}", received_on=date(2025 + (n > 4), 1, 1 + n)),
                session=session,
            )
            for n in range(25)
        ]
        for n, case in enumerate(cases[1:], 1):
            others = draw.sample(cases[:n], min(n, 2))
            found = [
                Related(str(o.id), "related", round(draw.uniform(0.3, 1), 3), (f"词{n}", "共"))
                for o in others
            ]
            propose_relations(case, found, who="系统", session=session)
    for _ in range(6):
        a, b = draw.sample([case.id for case in cases], 2)
        with suppress(Conflict), ledger.write() as session:
            if draw.random() < 0.5:
                dismiss(a, b, who="王", session=session)
            else:
                merge_cases([a, b], lead_id=a, who="李", session=session)
    with ledger.read() as session:
        assert list_years(session=session) == [2026, 2025]
        for year in (2025, 2026):
            groups = list_groups(session=session, year=year)
            expected = {case.id: told(group) for group in groups for case in group.cases}
            sizes = [len(group.cases) for group in groups]
            assert sizes == sorted(sizes, reverse=True)
            for case in session.scalars(select(CaseRow)):
                if case.received_on.year == year:
                    assert told(group_of(case, session=session)) == expected.get(case.id)
        assert list_groups(session=session, year=2020) == []
