"""The API on the ledger as a whole: its feed of changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.api import TheDesk
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas_ledger import ChangeOut, ChangePage
from triage.ledger.changes import list_changes

router = APIRouter(prefix="/api", route_class=RetryingRoute)


@router.get("/changes", summary="台账的变化,每次一条,按顺序,不重不漏", responses=documented(422))
def get_changes(
    desk: TheDesk,
    after: Annotated[int, Query(ge=0, le=2**62, description="上次读到的 cursor,从头读为 0")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
    case_id: Annotated[int | None, Query(ge=1, le=2**62, description="只看一件的")] = None,
) -> ChangePage:
    with desk.ledger.read() as session:
        rows = list_changes(session=session, after=after, limit=limit + 1, case_id=case_id)
    return ChangePage(
        changes=[ChangeOut.of(row) for row in rows[:limit]],
        cursor=rows[:limit][-1].id if rows else after,
        more=len(rows) > limit,
    )
