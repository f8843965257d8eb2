"""The year on one page: what is late now, the year's figures as pictures, how triage did."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from service import year_view
from service.api import TheDesk
from service.pages import render
from service.people import ThePerson
from service.retrying import RetryingRoute
from triage.ledger.carried import carried_cases, count_carried
from triage.ledger.cases import get_case
from triage.ledger.groups import list_years
from triage.ledger.reminders import KIND_NAMES, current_reminders
from triage.ledger.triage_record import triage_record
from triage.ledger.year import year_figures
from triage.ledger.year_cases import FIGURE_NAMES, NOW_NAMES, SOON_DAYS, counts_now, figure_cases

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)

SHOWN = 5  # reminders of a kind; the others fold

Year = Annotated[int | None, Query(ge=1990, le=2100)]


@router.get("/year")
def year_page(request: Request, desk: TheDesk, person: ThePerson, year: Year = None) -> Response:
    taxonomy, section = desk.taxonomy, person.bound_to
    with desk.ledger.read() as session:
        known = list_years(session=session)
        chosen = year or next(iter(known), date.today().year)
        figures = year_figures(chosen, session=session, taxonomy=taxonomy, section=section)
        before = (
            year_figures(chosen - 1, session=session, taxonomy=taxonomy, section=section)
            if chosen - 1 in known
            else None
        )
        record = triage_record(chosen, session=session, taxonomy=taxonomy, section=section)
        carried = count_carried(chosen, session=session, taxonomy=taxonomy, section=section)
        reminders = [
            r
            for r in current_reminders(session=session, taxonomy=taxonomy, days=SOON_DAYS)
            if section is None or r.section == section
        ]
        now = counts_now(session=session, section=section)
    return render(
        request,
        desk,
        "year.html",
        nav="year",
        year=chosen,
        years=sorted({chosen, *known}, reverse=True),
        today=date.today(),
        section=section,
        figures=figures,
        before=before,
        record=record,
        carried=carried,
        now=now,
        now_names=NOW_NAMES,
        reminders={kind: [r for r in reminders if r.kind == kind] for kind in KIND_NAMES},
        reminder_names=KIND_NAMES,
        shown=SHOWN,
        classes=year_view.classes_in_use(figures, taxonomy),
        view=year_view,
    )


@router.get("/year/cases")
def cases_page(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    what: Annotated[str, Query(max_length=40)],
    year: Year = None,
    month: Annotated[int | None, Query(ge=1, le=12)] = None,
) -> Response:
    """The cases of a figure that the ledger's list has no filter for."""
    reasons: dict[int, str] = {}
    with desk.ledger.read() as session:
        if what == "carried":
            found = carried_cases(
                year or date.today().year, session=session, taxonomy=desk.taxonomy, section=person.bound_to
            )
            cases = [one.case for one in found]
            reasons = {one.case.id: ";".join(one.reasons) for one in found}
        elif what == "corrected":
            record = triage_record(
                year or date.today().year, session=session, taxonomy=desk.taxonomy, section=person.bound_to
            )
            wanted = [i for i, of in record.corrected.items() if month is None or of == str(month)]
            cases = [get_case(case_id, session=session) for case_id in wanted]
        else:
            cases = list(figure_cases(what, session=session, year=year, month=month, section=person.bound_to))
        return render(
            request,
            desk,
            "year_cases.html",
            nav="year",
            heading={**FIGURE_NAMES, "carried": "往年转来", "corrected": "自动认定后纠正"}[what],
            year=None if what in NOW_NAMES else year,
            month=month,
            cases=cases,
            reasons=reasons,
            today=date.today(),
        )
