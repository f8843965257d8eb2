"""The page of labels worth a second look: likely wrong ones, like cases decided apart, labels that were split."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from service.api import TheDesk
from service.pages import render
from service.people import ThePerson
from service.problems import STATUS
from service.retrying import RetryingRoute
from training.mapping import Proposal, read_mapped
from triage.desk import Desk
from triage.errors import InputError, LedgerBusy, NotFound, OutcomeUnknown, TriageError
from triage.ledger.correcting import correct_label
from triage.ledger.decisions import newest_decisions
from triage.ledger.label_mappings import add_mapping
from triage.ledger.tables import CaseRow
from triage.ledger.trainings import list_trainings
from triage.reading import RememberingReader
from triage.taxonomy import TARGET_NAMES

SHOWN_PROPOSALS = 50
LOOKED_BACK = 20  # trainings, for the newest that asked about the labels

router = APIRouter(
    prefix="/models/labels",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=RetryingRoute,
)
Text = Annotated[str, Form(max_length=2000)]


async def _ticked(request: Request) -> dict[int, str]:
    """Ticked cases of the form to the label chosen beside each."""
    form = await request.form()
    chosen = {}
    for value in form.getlist("case"):
        if isinstance(value, str) and value.isdecimal() and len(value) < 19:
            label = form.get(f"label-{value}")
            chosen[int(value)] = label if isinstance(label, str) else ""
    return chosen


@router.get("/{target}")
def labels_page(
    request: Request, desk: TheDesk, target: str, done: Annotated[int | None, Query()] = None
) -> Response:
    return _show(request, desk, target, done=done)


@router.post("/{target}/cases/{case_id}")
def correct(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    target: str,
    case_id: int,
    version: Annotated[int, Form()],
    label: Text = "",
    why: Text = "",
) -> Response:
    try:
        with desk.ledger.write() as session:
            correct_label(
                case_id,
                target=target,
                label=label,
                who=person.name,
                why=why,
                seen_version=version,
                session=session,
                taxonomy=desk.taxonomy,
            )
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        return _show(request, desk, target, error=error, typed={"case": case_id, "label": label, "why": why})
    return RedirectResponse(f"/models/labels/{target}?done={case_id}", status_code=303)


@router.post("/{target}/mappings")
def map_ticked(
    request: Request,
    desk: TheDesk,
    person: ThePerson,
    target: str,
    ticked: Annotated[dict[int, str], Depends(_ticked)],
) -> Response:
    """Each ticked case under the label chosen for it, all or none."""
    try:
        if not ticked:
            raise InputError("没有选中的件。")
        with desk.ledger.write() as session:
            for case_id, label in ticked.items():
                add_mapping(case_id, target, label, who=person.name, session=session, taxonomy=desk.taxonomy)
    except (LedgerBusy, OutcomeUnknown):
        raise
    except TriageError as error:
        return _show(request, desk, target, error=error)
    return RedirectResponse(f"/models/labels/{target}#mapped", status_code=303)


def _show(
    request: Request,
    desk: Desk,
    target: str,
    *,
    done: int | None = None,
    error: TriageError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:
    if target not in TARGET_NAMES:
        raise NotFound(f"没有名为“{target[:40]}”的认定项。")
    with desk.ledger.read() as session:
        training, found = newest_findings(target, session)
        named = {s["case"] for s in found.get("suspects", [])}
        named |= {p[side] for p in found.get("differing", []) for side in ("first", "second")}
        proposals = pending_mappings(desk, target, session)
        named |= {p.gold.example.case for p in proposals}
        load = [selectinload(CaseRow.events), selectinload(CaseRow.decisions)]
        wanted = CaseRow.id.in_([int(i) for i in named])
        rows = session.scalars(select(CaseRow).where(wanted).options(*load)).all()
        cases = {str(row.id): row for row in rows}
        return render(
            request,
            desk,
            "models_labels.html",
            status=STATUS[error.code] if error else 200,
            target=target,
            training=training,
            findings=found,
            suspects=still_suspect(target, found, cases),
            cases=cases,
            proposals=proposals[:SHOWN_PROPOSALS],
            waiting=len(proposals),
            choices=[x.name for x in desk.taxonomy.labels(target) if x.active],
            done=done,
            error=error.message if error else "",
            typed=typed or {},
        )


def newest_findings(target: str, session: Session) -> tuple[int | None, dict[str, Any]]:
    """What the newest training that fitted this target found in its labels, and which training that was."""
    for row in list_trainings(session=session, limit=LOOKED_BACK):
        for told in row.report.get("targets", []):
            if told["target"] == target and told.get("label_findings"):
                return row.id, dict(told["label_findings"])
    return None, {}


def still_suspect(target: str, found: dict[str, Any], cases: dict[str, CaseRow]) -> list[dict[str, Any]]:
    """Suspects that nobody has looked at since the training."""
    left = []
    for suspect in found.get("suspects", []):
        case = cases.get(suspect["case"])
        looked = case is not None and any(
            e.detail.get("after_closing") and e.detail.get("target") == target for e in case.events
        )
        if case is not None and not looked and case.state == "closed":
            decision = newest_decisions(case).get(target)
            left.append({**suspect, "decided": decision.label if decision else suspect["label"]})
    return left


def pending_mappings(desk: Desk, target: str, session: Session) -> list[Proposal]:
    """Closed cases of labels that were split, which no person has mapped yet; the doubtful first."""
    taxonomy = desk.taxonomy
    if not any(len(taxonomy.current_names(target, x.name)) > 1 for x in taxonomy.labels(target)):
        return []
    plain = desk.make_reader(desk.settings.encoder, taxonomy.terms())
    reader = RememberingReader(plain.segmenter, plain.encoder)
    _, mapped = read_mapped(target, taxonomy, reader, session=session)
    return list(mapped.proposals)
