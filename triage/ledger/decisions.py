"""Decisions: what was settled for a target, by the router or a person; the newest counts."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import update
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.cases import get_case
from triage.ledger.events import add_event, check_who
from triage.ledger.states import move
from triage.ledger.tables import CaseRow, DecisionRow, PredictionRow
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy

ROUTER = "系统"
DECISION_NAMES = {"auto": "自动认定", "confirm": "人工确认", "override": "人工改判", "closed": "往年办结"}


def newest_decisions(case: CaseRow) -> dict[str, DecisionRow]:
    """Target to the decision that counts."""
    return {decision.target: decision for decision in case.decisions}


def newest_predictions(case: CaseRow) -> dict[str, PredictionRow]:
    """Target to the latest prediction."""
    return {prediction.target: prediction for prediction in case.predictions}


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
    override, which needs ``why``.

    Args:
        labels: target to label.
        seen_version: ``version`` of the case as the person saw it. Without it a target
            that a person has decided already is not decided again.

    Raises:
        InputError: no name, unknown target or label, override without a reason.
        Conflict: somebody decided meanwhile, or the case is closed.
    """
    who, why = check_who(who), why.strip()
    if not labels:
        raise InputError("没有要认定的内容。", field="decisions")
    case = get_case(case_id, session=session)
    predictions = newest_predictions(case)
    before = newest_decisions(case)
    for target, label in labels.items():
        if target not in TARGETS:
            raise InputError(f"没有“{target}”这个认定项,可选:{'、'.join(TARGETS)}。", field="target")
        taxonomy.check_label(target, label)
        if _kind(predictions.get(target), label) == "override" and not why:
            raise InputError(f"{TARGET_NAMES[target]}改为“{label}”与推荐不同,请写明理由。", field="why")
    if seen_version is None:
        taken = [t for t in labels if t in before and before[t].kind in ("confirm", "override")]
        if taken:
            names = "、".join(f"{TARGET_NAMES[t]}({before[t].who})" for t in taken)
            raise Conflict(f"已有人认定过:{names}。请刷新后再改。", version=case.version)
        seen_version = case.version
    _claim(case, seen_version, session)
    made = []
    for target, label in labels.items():
        prediction = predictions.get(target)
        kind = _kind(prediction, label)
        made.append(
            add_decision(
                case,
                target,
                label,
                kind=kind,
                who=who,
                why=why,
                prediction=prediction,
                session=session,
            )
        )
        add_event(
            "overridden" if kind == "override" else "confirmed",
            who=who,
            session=session,
            case_id=case.id,
            target=target,
            label=label,
            before=before[target].label if target in before else None,
            recommended=prediction.ranked[0][0] if prediction else None,
            probability=prediction.ranked[0][1] if prediction else None,
            model_version=prediction.model_version if prediction else None,
            why=why,
        )
    session.flush()
    session.refresh(case, ["decisions"])
    settle(case, taxonomy)
    return made


def settle(case: CaseRow, taxonomy: Taxonomy) -> None:
    """A case is assigned once its section is decided: then somebody handles it.

    Topic and handling type may follow; closing needs them all. An office without sections
    goes by the first target it uses.
    """
    lead = next((t for t in TARGETS if taxonomy.labels(t)), None)
    if case.state == "in_review" and lead in newest_decisions(case):
        move(case, "assigned")


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


def _claim(case: CaseRow, seen_version: int, session: Session) -> None:
    """Raise the version only if it is still the one that was seen: the first writer wins."""
    if case.state == "closed":
        raise Conflict("本件已办结销号,不能再改认定。", state=case.state)
    won = (
        seen_version == case.version
        and session.execute(
            update(CaseRow)
            .where(CaseRow.id == case.id, CaseRow.version == seen_version)
            .values(version=CaseRow.version + 1)
            .returning(CaseRow.id)
            .execution_options(synchronize_session=False)
        ).first()
    )
    if not won:
        last = max(case.decisions, key=lambda d: d.id, default=None)
        by = f"({last.who},{last.label})" if last else ""
        raise Conflict(f"您打开后已有人改动过本件{by},请刷新后再认定。", version=case.version)
    session.refresh(case, ["version"])
