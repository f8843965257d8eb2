"""Decisions: what was settled for a target, by the router or a person; the newest counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.audits import is_blind
from triage.ledger.cases import get_case
from triage.ledger.claims import changes_since, claim
from triage.ledger.events import add_event
from triage.ledger.memberships import (
    SHARED,
    active_members,
    active_merge,
    case_name,
    follows,
    settled_labels,
    shared_labels,
)
from triage.ledger.merge_changes import assign_members
from triage.ledger.predictions import newest_predictions
from triage.ledger.routing_stops import stop_where_broken
from triage.ledger.states import STATE_NAMES, assign
from triage.ledger.tables import CaseRow, DecisionRow, MergeRow, PredictionRow
from triage.ledger.texts import check_who, check_why
from triage.ledger.versions import raise_version
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

ROUTER = "系统"
DECISION_NAMES = {"auto": "自动认定", "confirm": "人工确认", "override": "人工改判", "closed": "往年办结"}


@dataclass(frozen=True)
class Settled:
    """What counts for one target of a case, and who decided it; from_merge: taken from the lead."""

    label: str
    kind: str
    who: str
    from_merge: bool


def newest_decisions(case: CaseRow) -> dict[str, DecisionRow]:
    """Target to the newest of the case's own decisions."""
    return {decision.target: decision for decision in case.decisions}


def settled(case: CaseRow) -> dict[str, Settled]:
    """Target to what counts: the merge's section and handling type where it has them, else its own."""
    own = newest_decisions(case)
    found = {target: Settled(d.label, d.kind, d.who, False) for target, d in own.items()}
    merge = active_merge(case)
    for target, label in shared_labels(case).items():
        leads = merge is not None and merge.lead_id == case.id
        if merge is not None and not (leads and target in own and own[target].label == label):
            origin = _origin(merge, target, label)
            found[target] = Settled(label, origin.kind, origin.who, True)
    return found


def _origin(merge: MergeRow, target: str, label: str) -> DecisionRow:
    """The decision that a shared label came from: the lead's, or that of one who led before.

    Of those who do not lead the first counts: what members wrote down on closing came later.
    """
    made = [
        decision
        for member in merge.members
        for decision in member.case.decisions
        if (decision.target, decision.label) == (target, label)
    ]
    of_lead = [decision for decision in made if decision.case_id == merge.lead_id]
    return of_lead[-1] if of_lead else min(made, key=lambda d: d.id)


def decide(
    case_id: int,
    labels: Mapping[str, str],
    *,
    who: str,
    session: Session,
    taxonomy: Taxonomy,
    why: str = "",
    seen_version: int | None = None,
) -> list[DecisionRow]:
    """Record a person's decisions on some targets, all or none.

    A label that is the first of the newest prediction is a confirmation, any other an
    override, which needs ``why``, except on a case that is reviewed blind: who cannot see what the
    model said cannot know that it differs.

    Args:
        labels: target to label.
        seen_version: ``version`` of the case as the person saw it. Without it a target
            that a person has decided already is not decided again.

    Raises:
        InputError: no name, unknown target or label, override without a reason, a blind review
            that leaves out what the case is assigned by.
        Conflict: somebody decided meanwhile, the case is closed, or the label is its lead's to give.
    """
    who, why = check_who(who), check_why(why)
    if not labels:
        raise InputError("没有要认定的内容。", field="decisions")
    case = get_case(case_id, session=session)
    if seen_version is not None:  # who comes too late is told what changed, not what follows from it
        claim(case, seen_version, session=session)
    if case.state in ("closed", "returned"):
        raise Conflict(f"本件{STATE_NAMES[case.state]},不能再改认定。", state=case.state)
    _check_leads(case, labels)
    predictions = newest_predictions(case)
    before = newest_decisions(case)
    stood = settled_labels(case)
    blind = is_blind(case)
    lead = lead_target(taxonomy)
    if blind and lead is not None and lead not in labels:
        raise InputError(f"抽查的件请连同{TARGET_NAMES[lead]}一起认定。", field="decisions")
    for target, label in labels.items():
        if target not in TARGETS:
            raise InputError(f"没有“{target}”这个认定项,可选:{'、'.join(TARGETS)}。", field="target")
        taxonomy.check_label(target, label)
        if _kind(predictions.get(target), label) == "override" and not (why or blind):
            raise InputError(f"{TARGET_NAMES[target]}改为“{label}”与推荐不同,请写明理由。", field="why")
    if seen_version is None:
        taken = [t for t in labels if t in before and before[t].kind in ("confirm", "override")]
        if taken:
            names = "、".join(f"{TARGET_NAMES[t]}({before[t].who})" for t in taken)
            changes = changes_since(case, 1, session=session)
            raise Conflict(f"已有人认定过:{names}。请刷新后再改。", version=case.version, changes=changes)
        claim(case, None, session=session)
    made = [
        record_decision(case, t, label, before=stood.get(t), who=who, why=why, session=session)
        for t, label in labels.items()
    ]
    session.flush()
    session.refresh(case, ["decisions"])
    settle(case, labels, taxonomy, who=who, session=session)
    _lead_on(case, labels, who=who, why=why, session=session)
    if blind:
        case.certainty = predictions[lead].ranked[0][1] if lead is not None else None
        session.flush()
        session.expire(case, ["events"])
        stop_where_broken(case, labels, session=session, taxonomy=taxonomy)
    return made


def record_decision(
    case: CaseRow,
    target: str,
    label: str,
    *,
    before: str | None,
    who: str,
    why: str,
    session: Session,
    kind: str = "",
    **told: Any,
) -> DecisionRow:
    """Append a person's decision and its event; the caller has checked that it may be made.

    Args:
        kind: confirm or override; empty: by whether the label is what was recommended.
        told: what else the event says.
    """
    prediction = newest_predictions(case).get(target)
    kind = kind or _kind(prediction, label)
    add_event(
        "overridden" if kind == "override" else "confirmed",
        who=who,
        session=session,
        case_id=case.id,
        target=target,
        label=label,
        before=before,
        recommended=prediction.ranked[0][0] if prediction else None,
        probability=prediction.ranked[0][1] if prediction else None,
        model_version=prediction.model_version if prediction else None,
        why=why,
        **told,
    )
    return add_decision(
        case, target, label, kind=kind, who=who, why=why, prediction=prediction, session=session
    )


def lead_target(taxonomy: Taxonomy) -> str | None:
    """What a case is assigned by: the section, where the office has sections."""
    return next((t for t in TARGETS if taxonomy.labels(t)), None)


def settle(
    case: CaseRow, decided: Collection[str], taxonomy: Taxonomy, *, who: str, session: Session
) -> None:
    """A case is assigned once its section is decided: then somebody handles it.

    Topic and handling type may follow; closing needs them all. An office without sections
    goes by the first target it uses.

    Args:
        decided: targets that were decided just now.
    """
    lead = lead_target(taxonomy)
    if lead is not None and lead in decided:
        assign(case, newest_decisions(case)[lead].label, who=who, session=session)


def add_decision(
    case: CaseRow,
    target: str,
    label: str,
    *,
    kind: str,
    who: str,
    session: Session,
    why: str = "",
    prediction: PredictionRow | None = None,
) -> DecisionRow:
    """Append one decision; the caller writes the event."""
    decision = DecisionRow(
        case_id=case.id,
        target=target,
        label=label,
        kind=kind,
        who=who,
        why=why,
        prediction_id=prediction.id if prediction else None,
    )
    session.add(decision)
    return decision


def _kind(prediction: PredictionRow | None, label: str) -> str:
    return "confirm" if prediction is not None and prediction.ranked[0][0] == label else "override"


def _check_leads(case: CaseRow, labels: Mapping[str, str]) -> None:
    """Section and handling type of a member are its lead's; raises Conflict."""
    merge = follows(case)
    if merge is None or case.state == "closed" or not any(target in SHARED for target in labels):
        return
    what = "请先更换主件" if merge.lead.state == "closed" else "请在主件上认定"
    raise Conflict(
        f"本件已并入“{merge.name}”,承办科室和办理类型随主件({case_name(merge.lead)}),{what},或先解除并案。",
        merge_id=merge.id,
        lead=merge.lead_id,
    )


def _lead_on(case: CaseRow, labels: Mapping[str, str], *, who: str, why: str, session: Session) -> None:
    """What is decided of a lead is decided of the open cases that follow it."""
    merge = active_merge(case)
    given = {target: label for target, label in labels.items() if target in SHARED}
    if merge is None or not given:
        return
    followers = [m for m in active_members(merge) if m.id != case.id and m.state != "closed"]
    stood = {member.id: settled_labels(member) for member in followers}
    merge.labels = {**merge.labels, **given}
    assign_members(merge, who=who, session=session)
    session.flush()
    raise_version(merge, merge.version, session=session)
    for member in followers:
        for target, label in given.items():
            add_event(
                "followed",
                who=who,
                session=session,
                case_id=member.id,
                merge_id=merge.id,
                lead=case.id,
                target=target,
                label=label,
                before=stood[member.id].get(target),
                why=why,
            )
        session.expire(member, ["events"])
