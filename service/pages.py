"""What every page has in common, and the way in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.templating import Jinja2Templates
from markupsafe import Markup

from service.people import ThePerson, csrf_of, find_person
from triage.desk import Desk
from triage.flags import FLAG_NAMES
from triage.ledger.accounts import ROLE_NAMES
from triage.ledger.decisions import DECISION_NAMES
from triage.ledger.events import EVENT_NAMES
from triage.ledger.states import STATE_NAMES
from triage.related import KIND_NAMES
from triage.taxonomy import TARGET_NAMES

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def render(request: Request, desk: Desk, name: str, status: int = 200, **context: object) -> Response:
    """A page with everything that all pages need."""
    templates: Jinja2Templates = request.app.state.templates
    return templates.TemplateResponse(
        request,
        name,
        {
            "office": desk.taxonomy.office,
            "person": find_person(request),
            "role_names": ROLE_NAMES,
            "csrf_field": Markup('<input type="hidden" name="csrf" value="{}">').format(csrf_of(request)),
            "invented": desk.taxonomy.invented,
            "problems": desk.problems(),
            "target_names": TARGET_NAMES,
            "state_names": STATE_NAMES,
            "kind_names": KIND_NAMES,
            "decision_names": DECISION_NAMES,
            "event_names": EVENT_NAMES,
            "flag_names": FLAG_NAMES,
            **context,
        },
        status_code=status,
    )


@router.get("/")
def home(person: ThePerson) -> Response:
    """To where this person's work is."""
    return RedirectResponse("/queue" if person.may("decide") else "/ledger", status_code=303)
