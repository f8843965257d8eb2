"""Changing a merge that exists: its lead, its deadline, its plan; and what every change has in common."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.claims import TOLD_CHANGES, told_change
from triage.ledger.events import add_event
from triage.ledger.memberships import SHARED, active_members, case_name, get_merge
from triage.ledger.states import assign
from triage.ledger.tables import CaseRow, EventRow, MergeRow
from triage.ledger.texts import check_text, check_who, check_why, needed_why
from triage.ledger.versions import raise_version

MAX_NAME = 200
MAX_PLAN = 20_000


def change_lead(
    merge_id: int,
    lead_id: int,
    *,
    who: str,
    session: Session,
    why: str = "",
    seen_version: int | None = None,
) -> MergeRow:
    """Another member leads. The shared labels stay; what they lack comes from the new lead.

    Raises:
        InputError: no name, or the case is no member.
        Conflict: the case leads already or is closed; somebody changed the merge meanwhile.
    """
    who, why = check_who(who), check_why(why)
    merge = begin_change(merge_id, seen_version, session=session)
    lead = member_of(merge, lead_id, field="lead")
    if lead.id == merge.lead_id:
        raise Conflict(f"{case_name(lead)}已是主件。", lead=lead.id)
    if lead.state == "closed":
        raise Conflict(f"{case_name(lead)}已办结,不能作主件。", lead=lead.id)
    before = merge.lead_id
    merge.lead = lead
    merge.labels = {**labels_of_lead(lead), **merge.labels}
    session.flush()
    assign_members(merge, who=who, session=session)
    tell("lead_changed", merge, active_members(merge), who=who, why=why, session=session, before=before)
    return finish(merge, active_members(merge), session=session)


def set_merge_due(
    merge_id: int,
    due_on: date | None,
    *,
    who: str,
    why: str,
    session: Session,
    seen_version: int | None = None,
) -> MergeRow:
    """Set the day by which the merge is to be answered; None: the earliest of its members again.

    Raises:
        InputError: no name or no reason.
        Conflict: somebody changed the merge meanwhile.
    """
    who, why = check_who(who), needed_why(why, "请写明调整并案期限的理由。")
    merge = begin_change(merge_id, seen_version, session=session)
    before = merge.due_on
    merge.due_on = due_on
    tell(
        "merge_due_changed",
        merge,
        active_members(merge),
        who=who,
        why=why,
        session=session,
        before=before.isoformat() if before else None,
        due_on=due_on.isoformat() if due_on else None,
    )
    return finish(merge, active_members(merge), session=session)


def set_plan(
    merge_id: int,
    plan: str,
    *,
    who: str,
    session: Session,
    name: str = "",
    why: str = "",
    seen_version: int | None = None,
) -> MergeRow:
    """Write down how the members are handled together; an empty ``name`` keeps the present one.

    Raises:
        InputError: no name of the person, or a text too long.
        Conflict: somebody changed the merge meanwhile.
    """
    who, why = check_who(who), check_why(why)
    plan = check_text(plan, MAX_PLAN, field="plan", name="统一办理方案")
    name = check_text(name, MAX_NAME, field="name", name="并案名称")
    merge = begin_change(merge_id, seen_version, session=session)
    before = {"plan": merge.plan, "name": merge.name}
    merge.plan, merge.name = plan, name or merge.name
    tell(
        "plan_set", merge, active_members(merge), who=who, why=why, session=session, before=before, plan=plan
    )
    return finish(merge, active_members(merge), session=session)


def begin_change(merge_id: int, seen_version: int | None, *, session: Session) -> MergeRow:
    """The merge with its version raised; the first who changes it wins.

    Raises:
        NotFound: no such merge.
        Conflict: it was dissolved, or changed since it was seen.
    """
    merge = get_merge(merge_id, session=session)
    if merge.dissolved_at is not None:
        raise Conflict(f"并案“{merge.name}”已解除。", merge_id=merge.id)
    seen = merge.version if seen_version is None else seen_version
    if not raise_version(merge, seen, session=session):
        changes = merge_changes_since(merge, seen, session=session)
        told = ";".join(f"{change['who']} {change['kind_name']}" for change in changes)
        by = f"({told})" if told else ""
        raise Conflict(
            f"您打开后已有人改动过并案“{merge.name}”{by},请刷新后再改。",
            version=merge.version,
            changes=changes,
        )
    return merge


def finish(merge: MergeRow, concerned: Iterable[CaseRow], *, session: Session) -> MergeRow:
    """Write all of it, and tell whoever has one of the cases open that it changed."""
    session.flush()
    touch(concerned, session=session)
    session.refresh(merge)
    active_members(merge)  # read now: the caller may look at them after the session
    return merge


def touch(cases: Iterable[CaseRow], *, session: Session) -> None:
    """Raise the version of the open cases, and read their record anew when next asked."""
    for case in cases:
        if case.state != "closed":
            raise_version(case, case.version, session=session)
        session.expire(case, ["memberships", "events"])


def tell(
    kind: str,
    merge: MergeRow,
    cases: Iterable[CaseRow],
    *,
    who: str,
    why: str,
    session: Session,
    **detail: Any,
) -> None:
    """One event of the merge on each of the cases."""
    members = [case.id for case in active_members(merge)]
    for case in cases:
        add_event(
            kind,
            who=who,
            session=session,
            case_id=case.id,
            merge_id=merge.id,
            name=merge.name,
            lead=merge.lead_id,
            members=members,
            merge_version=merge.version,
            why=why,
            **detail,
        )


def member_of(merge: MergeRow, case_id: int, *, field: str) -> CaseRow:
    """The member with that id; InputError where there is none."""
    for case in active_members(merge):
        if case.id == case_id:
            return case
    raise InputError(f"台账第{case_id}件不在并案“{merge.name}”中。", field=field)


def labels_of_lead(lead: CaseRow) -> dict[str, str]:
    """What the lead was decided to be, as far as members share it."""
    return {d.target: d.label for d in lead.decisions if d.target in SHARED}


def assign_members(merge: MergeRow, *, who: str, session: Session) -> None:
    """With a section somebody handles every member; another section takes them all over."""
    if "section" in merge.labels:
        for case in active_members(merge):
            assign(case, merge.labels["section"], who=who, session=session, merge_id=merge.id)


def merge_changes_since(merge: MergeRow, version: int, *, session: Session) -> list[dict[str, Any]]:
    """What made the merge's versions after ``version``, oldest first, as its lead's record has it."""
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.case_id == merge.lead_id, EventRow.detail["merge_id"].as_integer() == merge.id)
        .order_by(EventRow.id)
    ).all()
    later = [row for row in rows if row.detail.get("merge_version", 0) > version]
    return [told_change(row) for row in later[-TOLD_CHANGES:]]
