"""The API on the ledger as a whole: its feed of changes, calendar, year, promises, reminders."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from service.api import TheDesk
from service.problems import documented
from service.retrying import RetryingRoute
from service.schemas_acts import LookBackIn
from service.schemas_ledger import (
    CarriedOut,
    ChangeOut,
    ChangePage,
    CommitmentPage,
    HolidayOut,
    HolidaysIn,
    HolidaysOut,
    OpenCommitment,
    ReminderOut,
    YearOut,
)
from service.schemas_parts import CommitmentOut
from triage.ledger.carried import carried_cases
from triage.ledger.changes import list_changes
from triage.ledger.commitments import list_open_commitments, look_back
from triage.ledger.holidays import list_holidays, set_holidays
from triage.ledger.reminders import DAYS, MAX_DAYS, current_reminders, told_marks
from triage.ledger.tables import CommitmentRow
from triage.ledger.year import year_figures

router = APIRouter(prefix="/api", route_class=RetryingRoute)
Year = Annotated[int, Path(ge=1990, le=2100)]


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


@router.get("/holidays", summary="节假日表", responses=documented(422))
def get_holidays(
    desk: TheDesk, year: Annotated[int | None, Query(ge=1990, le=2100)] = None
) -> list[HolidayOut]:
    with desk.ledger.read() as session:
        return [HolidayOut.of(row) for row in list_holidays(session=session, year=year)]


@router.post("/holidays", summary="登记节假日,重算以工作日计的期限", responses=documented(409, 422))
def post_holidays(body: HolidaysIn, desk: TheDesk) -> HolidaysOut:
    with desk.ledger.write() as session:
        days = [(d.day, d.kind, d.name) for d in body.days]
        changed, moved = set_holidays(days, who=body.who, session=session)
        return HolidaysOut(changed=[HolidayOut.of(row) for row in changed], moved=[c.id for c in moved])


@router.get("/commitments", summary="各年未兑现的承诺,最急的在前", responses=documented(422))
def get_commitments(
    desk: TheDesk,
    due_before: Annotated[date | None, Query(description="只看时限早于这天的")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
) -> CommitmentPage:
    with desk.ledger.read() as session:
        rows, total = list_open_commitments(
            session=session, due_before=due_before, limit=limit, offset=offset
        )
        found = [OpenCommitment.of(row, case, desk.taxonomy) for row, case in rows]
    return CommitmentPage(total=total, commitments=found)


@router.post(
    "/commitments/{commitment_id}/look-back", summary="承诺回头看", responses=documented(404, 409, 422)
)
def post_look_back(commitment_id: int, body: LookBackIn, desk: TheDesk) -> CommitmentOut:
    with desk.ledger.write() as session:
        look_back(commitment_id, **body.model_dump(), session=session)
        return CommitmentOut.of(session.get_one(CommitmentRow, commitment_id))


@router.get("/years/{year}", summary="一年的统计", responses=documented(422))
def get_year(year: Year, desk: TheDesk) -> YearOut:
    with desk.ledger.read() as session:
        figures = year_figures(year, session=session, taxonomy=desk.taxonomy)
    return YearOut.make(figures, desk.taxonomy)


@router.get(
    "/years/{year}/carried", summary="往年转来的:未办结、B 类 C 类、承诺未兑现", responses=documented(422)
)
def get_carried(year: Year, desk: TheDesk) -> list[CarriedOut]:
    with desk.ledger.read() as session:
        found = carried_cases(year, session=session, taxonomy=desk.taxonomy)
        return [CarriedOut.of(one, desk.taxonomy) for one in found]


@router.get("/reminders", summary="眼下要提醒的,只看不记", responses=documented(422))
def get_reminders(
    desk: TheDesk, days: Annotated[int, Query(ge=0, le=MAX_DAYS, description="提前几天")] = DAYS
) -> list[ReminderOut]:
    with desk.ledger.read() as session:
        found = current_reminders(session=session, taxonomy=desk.taxonomy, days=days)
        told = told_marks(session=session)
    return [ReminderOut.of(reminder, reminder.mark in told) for reminder in found]
