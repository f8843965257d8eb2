"""A case on paper: everything on record, and what the sheet can be checked by later."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.pages import render
from service.retrying import RetryingRoute
from service.schemas_handling import HandlingOut
from triage.ledger.cases import get_case
from triage.ledger.decisions import DECISION_NAMES, settled
from triage.ledger.events import flags_of
from triage.ledger.memberships import active_members, active_merge, merge_due_on
from triage.ledger.tables import CaseRow, SealRow
from triage.taxonomy import TARGETS

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute)


@router.get("/cases/{case_id}/print")
def print_page(request: Request, desk: TheDesk, case_id: int) -> Response:
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        merge = active_merge(case)
        return render(
            request,
            desk,
            "case_print.html",
            bureau=desk.taxonomy.bureau,
            case=case,
            handling=HandlingOut.of(case),
            decisions=list(_decisions(case)),
            flags=flags_of(case),
            merge=merge,
            members=active_members(merge) if merge else [],
            merge_due=merge_due_on(merge) if merge else None,
            leader=case.leader or desk.taxonomy.leader_of(case.section),
            phone=desk.taxonomy.phone_of(case.section),
            result_names={r.code: r.name for r in desk.taxonomy.result_classes},
            duty_sections={duty.id: duty.section for duty in case.duties},
            today=date.today(),
            printed_at=datetime.now().astimezone(),
            anchor=anchor_of(case, session=session),
        )


def anchor_of(case: CaseRow, *, session: Session) -> str:
    """``number:hash`` of the chain at the case's newest event, which ``triage verify --anchor`` takes."""
    last = case.events[-1]
    seal = session.get(SealRow, last.id)
    return f"{last.id}:{seal.hash if seal is not None else last.hash}"


def _decisions(case: CaseRow) -> Iterator[dict[str, Any]]:
    """Every decision in its order; one that counts now is marked, one taken from the lead case added."""
    counts = settled(case)
    for target in TARGETS:
        own = [decision for decision in case.decisions if decision.target == target]
        taken = target in counts and counts[target].from_merge
        for decision in own:
            yield {
                "target": target,
                "label": decision.label,
                "how": DECISION_NAMES[decision.kind],
                "who": decision.who,
                "why": decision.why,
                "when": decision.created_at,
                "counts": decision is own[-1] and not taken,
            }
        if taken:
            found = counts[target]
            yield {
                "target": target,
                "label": found.label,
                "how": f"{DECISION_NAMES[found.kind]},随主件",
                "who": found.who,
                "why": "",
                "when": None,
                "counts": True,
            }
