"""Stops of automatic routing: where the audit sample shows that a promise is broken, and going on again."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, NotFound
from triage.ledger.audits import figures_of, verdicts
from triage.ledger.base import utc_now
from triage.ledger.events import add_event
from triage.ledger.learning_tables import RoutingStopRow
from triage.ledger.tables import CaseRow
from triage.ledger.texts import check_who, needed_why
from triage.prediction import Prediction
from triage.taxonomy import Taxonomy

AUDIT = "系统"  # who stops


def list_stops(*, session: Session) -> Sequence[RoutingStopRow]:
    """Every stop there was, the newest first."""
    return session.scalars(select(RoutingStopRow).order_by(RoutingStopRow.id.desc())).all()


def binding_stops(versions: Mapping[str, str], *, session: Session) -> list[RoutingStopRow]:
    """The stops that hold now, the newest first.

    Args:
        versions: target to the model version that serves; another version begins anew.
    """
    open_stops = select(RoutingStopRow).where(RoutingStopRow.resumed_at.is_(None))
    rows = session.scalars(open_stops.order_by(RoutingStopRow.id.desc()))
    return [row for row in rows if versions.get(row.target) == row.model_version]


def under_stops(
    predictions: Mapping[str, Prediction], *, session: Session, taxonomy: Taxonomy
) -> dict[str, Prediction]:
    """The same predictions, none of them sure whose label its model may not decide by itself."""
    stops = binding_stops({t: p.model_version for t, p in predictions.items()}, session=session)
    found = dict(predictions)
    for stop in stops:
        prediction = found[stop.target]
        names = (stop.label, taxonomy.current_name(stop.target, stop.label))
        if prediction.auto and prediction.label in names:
            reason = f"“{prediction.label}”的自动认定已停:{stop.why}"
            found[stop.target] = replace(prediction, auto=False, reason=reason)
    return found


def stop_where_broken(
    case: CaseRow, decided: Collection[str], *, session: Session, taxonomy: Taxonomy
) -> list[RoutingStopRow]:
    """After a verdict on a drawn case: stop each label that can no longer be as often right as promised.

    That is where even the upper end of the interval is under the promise of the newest draw; what was
    judged before the label was last allowed to go on does not count.

    Args:
        decided: targets that were decided just now.
    """
    made = []
    for target in decided:
        own = verdicts(target, session=session, taxonomy=taxonomy, case_id=case.id)
        if not own:  # the router was not sure of it
            continue
        label, version = own[0].label, own[0].model_version
        stops = [
            row
            for row in list_stops(session=session)
            if (row.target, row.model_version) == (target, version)
            and label in (row.label, taxonomy.current_name(target, row.label))
        ]
        if any(row.resumed_at is None for row in stops):
            continue
        since = max((row.resumed_at for row in stops if row.resumed_at is not None), default=None)
        of_version = verdicts(target, session=session, taxonomy=taxonomy, model_version=version)
        drawn = [v for v in of_version if v.label == label]
        counted = [v for v in drawn if v.at is not None and (since is None or v.at > since)]
        found, promise = figures_of(label, counted), drawn[0].promise
        if found.interval is None or found.interval[1] >= promise:
            continue
        upper = found.interval[1]
        why = (
            f"抽查 {found.judged} 件中 {found.judged - found.right} 件不对,"
            f"最多 {math.floor(upper * 1000) / 10:g}% 正确,低于承诺的 {promise * 100:.3g}%"
        )
        row = RoutingStopRow(target=target, label=label, model_version=version, why=why)
        session.add(row)
        session.flush()
        add_event(
            "routing_stopped",
            who=AUDIT,
            session=session,
            stop_id=row.id,
            target=target,
            label=label,
            model_version=version,
            n=found.judged,
            right=found.right,
            upper=round(upper, 4),
            promise=promise,
            why=why,
        )
        made.append(row)
    return made


def resume(stop_id: int, *, who: str, why: str, session: Session) -> RoutingStopRow:
    """Let the label be decided automatically again; verdicts until now count no more against it.

    Raises:
        InputError: no name, no reason. NotFound: no such stop. Conflict: it goes on already.
    """
    who, why = check_who(who), needed_why(why, "恢复自动认定,请写明理由。")
    row = session.get(RoutingStopRow, stop_id)
    if row is None:
        raise NotFound(f"没有第 {stop_id} 次停止自动认定的记录。")
    if row.resumed_at is not None:
        raise Conflict(f"“{row.label}”的自动认定已由{row.resumed_by}恢复。")
    row.resumed_at, row.resumed_by, row.resumed_why = utc_now(), who, why
    add_event(
        "routing_resumed",
        who=who,
        session=session,
        stop_id=row.id,
        target=row.target,
        label=row.label,
        model_version=row.model_version,
        why=why,
    )
    return row
