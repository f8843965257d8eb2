"""The queue of cases that wait for a person: read, confirm, override, take back; by keyboard or without script."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.api import TheDesk
from service.deciding import decide_as_chosen
from service.marking import mark
from service.pages import render
from service.people import ThePerson
from service.queue_view import REASONS, WHY_NAMES, cells_of, initials, queue_rows, said_of_audit, whys_of
from service.retrying import RetryingRoute
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, OutcomeUnknown, TriageError
from triage.ledger.audits import is_blind, shown_predictions
from triage.ledger.cases import get_case
from triage.ledger.decisions import settled
from triage.ledger.events import EVENT_NAMES
from triage.ledger.relations import relations_of
from triage.ledger.search import CaseFilter, count_by_state, list_cases
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.withdrawals import withdraw_decisions
from triage.taxonomy import TARGETS

PAGE = 50
# what somebody else may have done to a row that is on the page
TOLD = (
    "confirmed",
    "overridden",
    "withdrawn",
    "assigned",
    "returned",
    "merged",
    "joined",
    "unmerged",
    "closed",
)

router = APIRouter(
    prefix="/queue", include_in_schema=False, default_response_class=HTMLResponse, route_class=RetryingRoute
)
Text = Annotated[str, Form(max_length=2000)]


@router.get("")
def queue(
    request: Request,
    desk: TheDesk,
    text: Annotated[str, Query(max_length=100)] = "",
    section: Annotated[str, Query(max_length=200)] = "",
    why: Annotated[str, Query(max_length=40)] = "",
    received_from: Annotated[str, Query(max_length=10)] = "",
    received_to: Annotated[str, Query(max_length=10)] = "",
    case: Annotated[int | None, Query()] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    done: Annotated[int | None, Query()] = None,
) -> Response:
    asked = {"text": text, "section": section, "why": why}
    asked |= {"received_from": received_from, "received_to": received_to}
    return show_queue(request, desk, asked, case_id=case, page=page, done=done)


def show_queue(
    request: Request,
    desk: Desk,
    asked: Mapping[str, str],
    *,
    case_id: int | None = None,
    page: int = 1,
    done: int | None = None,
    status: int = 200,
    error: str = "",
    typed: Mapping[str, str] | None = None,
    outcomes: list[tuple[CaseRow, str]] | None = None,
) -> Response:
    """The list on the left, one case on the right.

    Args:
        asked: the filter as in the address.
        done: the case that was just decided; error, typed: a refused decision and what was chosen.
        outcomes: cases that were to be confirmed together, each with what kept it back, or "".
    """
    wanted = CaseFilter(
        state="in_review",
        text=asked["text"],
        proposed=asked["section"],
        waits_for=asked["why"],
        received_from=_day(asked["received_from"]),
        received_to=_day(asked["received_to"]),
    )
    with desk.ledger.read() as session:
        found, total = list_cases(
            wanted, session=session, limit=PAGE, offset=PAGE * (page - 1), unsure_first=True
        )
        rows = queue_rows(found, session=session)
        ids = [row.case.id for row in rows]
        shown = get_case(case_id, session=session) if case_id is not None else (found[0] if found else None)
        waiting = shown is not None and shown.id in ids
        written = get_case(done, session=session) if done is not None else None
        at = ids.index(shown.id) if shown is not None and waiting else -1
        return render(
            request,
            desk,
            "queue.html",
            status=status,
            rows=rows,
            whole=[row.case.id for row in rows if row.is_whole(desk.taxonomy)],
            total=total,
            waiting=count_by_state(session)["in_review"],
            page=page,
            pages=max(1, -(-total // PAGE)),
            asked=asked,
            filtered=any(asked.values()),
            base_query=urlencode({k: v for k, v in asked.items() if v}),
            sections=[x.name for x in desk.taxonomy.section if x.active],
            why_names=WHY_NAMES,
            newest_event=session.scalar(select(func.max(EventRow.id))) or 0,
            next_id=ids[at + 1] if at + 1 < len(ids) else None,
            written=written,
            written_audit=said_of_audit(written) if written is not None else "",
            stops=desk.stops(session),
            outcomes=outcomes,
            **(_pane(desk, shown, session, error, typed or {}) if shown is not None else {"case": None}),
        )


@router.get("/cases/{case_id}")
def pane(request: Request, desk: TheDesk, case_id: int) -> Response:
    """One case as the right side shows it, for a page that is open already."""
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        return render(
            request, desk, "queue_case.html", why_names=WHY_NAMES, **_pane(desk, case, session, "", {})
        )


@router.post("/cases/{case_id}/decisions")
def decide_in_queue(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    version: Annotated[int, Form()],
    section: Text = "",
    topic: Text = "",
    handling: Text = "",
    why: Text = "",
    other_why: Text = "",
    back: Text = "",
    next_id: Annotated[int | None, Form()] = None,
) -> Response:
    chosen = {"section": section, "topic": topic, "handling": handling}
    try:
        with desk.ledger.write() as session:
            decide_as_chosen(
                desk,
                case_id,
                chosen,
                version=version,
                who=person.name,
                why=other_why.strip() or why,
                session=session,
            )
    except (LedgerBusy, OutcomeUnknown):
        raise  # the route tries again what was not written
    except TriageError as error:
        if _is_script(request):
            return _refused(error)
        typed = {**chosen, "why": why, "other_why": other_why}
        return show_queue(
            request,
            desk,
            _asked(back),
            case_id=case_id,
            status=409 if error.code == "conflict" else 422,
            error=error.message,
            typed=typed,
        )
    if _is_script(request):
        return _told(desk, case_id)
    query = {**{k: v for k, v in _asked(back).items() if v}, "done": case_id}
    if next_id is not None:
        query["case"] = next_id
    return RedirectResponse(f"/queue?{urlencode(query)}", status_code=303)


@router.post("/cases/{case_id}/undo")
def undo(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    case_id: int,
    version: Annotated[int, Form()],
    back: Text = "",
) -> Response:
    try:
        with desk.ledger.write() as session:
            withdraw_decisions(case_id, who=person.name, seen_version=version, session=session)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        if _is_script(request):
            return _refused(error)
        return show_queue(request, desk, _asked(back), case_id=case_id, status=409, error=error.message)
    if _is_script(request):
        return _told(desk, case_id)
    query = {**{k: v for k, v in _asked(back).items() if v}, "case": case_id}
    return RedirectResponse(f"/queue?{urlencode(query)}", status_code=303)


@router.post("/confirm")
def confirm_many(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    shown: Annotated[list[str], Form(default_factory=list)],
    back: Text = "",
) -> Response:
    """Confirm what the ticked rows show: each in a transaction of its own, what was refused is told.

    ``shown`` is for each row ``case:version:label|label|label``, so that no other label is written
    than the one that stood there.
    """
    outcomes = []
    for case_id, version, labels in [_row(row) for row in shown[:PAGE]]:  # all are read before one is written
        try:
            with desk.ledger.write() as session:
                if is_blind(get_case(case_id, session=session)):
                    raise InputError("抽查的件要打开来独立认定,不能成批认定。")
                decide_as_chosen(
                    desk, case_id, labels, version=version, who=person.name, why="", session=session
                )
            said = ""
        except TriageError as error:
            said = error.message
        with desk.ledger.read() as session:
            outcomes.append((get_case(case_id, session=session), said))
    return show_queue(request, desk, _asked(back), outcomes=outcomes)


@router.get("/changes")
def changes(
    desk: TheDesk,
    person: ThePerson,
    after: Annotated[int, Query(ge=0)],
    loaded: Annotated[int, Query(ge=0)],
    cases: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """What happened to the rows on a page since ``after``, and how many came in since it was ``loaded``."""
    ids = [int(i) for i in cases.split(",") if i.isdecimal()][: 2 * PAGE]
    with desk.ledger.read() as session:
        newest = session.scalar(select(func.max(EventRow.id))) or 0
        rows = session.scalars(
            select(EventRow)
            .where(EventRow.id > after, EventRow.case_id.in_(ids), EventRow.kind.in_(TOLD))
            .order_by(EventRow.id)
        ).all()
        arrived = session.scalar(
            select(func.count(CaseRow.id.distinct()))
            .select_from(EventRow)
            .join(CaseRow, CaseRow.id == EventRow.case_id)
            .where(
                EventRow.id > loaded,
                EventRow.kind.in_(("queued", "sent_back", "unassigned")),
                CaseRow.state == "in_review",
                CaseRow.id.not_in(ids),
            )
        )
        told = [
            {
                "case": row.case_id,
                "who": row.who,
                "what": f"{EVENT_NAMES[row.kind]}{row.detail.get('label') or ''}",
                "own": row.who == person.name,
            }
            for row in rows
        ]
    return JSONResponse({"newest": newest, "changes": told, "arrived": arrived})


def _pane(
    desk: Desk, case: CaseRow, session: Session, error: str, typed: Mapping[str, str]
) -> dict[str, Any]:
    """What the right side needs of a case."""
    predictions, decisions = shown_predictions(case), settled(case)
    related = [
        (row, other) for row, other in relations_of(case.id, session=session) if row.status != "dismissed"
    ]
    cells = cells_of(case)
    return {
        "case": case,
        "predictions": predictions,
        "decisions": decisions,
        "chosen": {t: typed.get(t) or (cells[t].label if t in cells else "") for t in TARGETS},
        "choices": {
            t: [(x.name, initials(x.name)) for x in desk.taxonomy.labels(t) if x.active] for t in TARGETS
        },
        "whys": whys_of(case),
        "related": related,
        "reasons": REASONS,
        "typed": typed,
        "error": error,
        "title_pieces": mark(case.title or "(无标题)", list(predictions.values())),
        "body_pieces": mark(case.body, list(predictions.values())),
        "blind": is_blind(case),
        "open_": case.state == "in_review",
    }


def _told(desk: Desk, case_id: int) -> Response:
    """To the page's script: what stands in the ledger now."""
    with desk.ledger.read() as session:
        case = get_case(case_id, session=session)
        labels = [cell.label for cell in cells_of(case).values()]
        return JSONResponse(
            {
                "case": case.id,
                "version": case.version,
                "state": case.state,
                "state_name": STATE_NAMES[case.state],
                "labels": labels,
                "audit": said_of_audit(case),
            }
        )


def _refused(error: TriageError) -> Response:
    status = 409 if error.code == "conflict" else 422
    return JSONResponse({"error": error.message, "code": error.code}, status_code=status)


def _is_script(request: Request) -> bool:
    """Whether the page's own script asks, which goes on without loading the page."""
    return "application/json" in request.headers.get("accept", "")


def _asked(back: str) -> dict[str, str]:
    """The filter out of a form, which carries it as the address has it."""
    given = dict(parse_qsl(back))
    return {name: given.get(name, "") for name in ("text", "section", "why", "received_from", "received_to")}


def _row(shown: str) -> tuple[int, int, dict[str, str]]:
    try:
        case_id, version, labels = shown.split(":", 2)
        return int(case_id), int(version), dict(zip(TARGETS, labels.split("|"), strict=True))
    except ValueError:
        raise InputError("选中的行读不懂,请刷新后再选。") from None


def _day(typed: str) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError:
        raise InputError(f"“{typed}”不是日期。", field="received_from") from None
