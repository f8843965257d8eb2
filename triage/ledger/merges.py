"""Joining cases (并案): handled together under one lead, each answered for itself; and undoing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from triage.errors import Conflict, InputError
from triage.ledger.base import utc_now
from triage.ledger.cases import get_case
from triage.ledger.memberships import active_members, active_merge, case_name, names_of
from triage.ledger.merge_changes import (
    MAX_NAME,
    assign_members,
    begin_change,
    finish,
    labels_of_lead,
    member_of,
    tell,
    touch,
)
from triage.ledger.relations import confirm_pairs, link_precedent, pairs_of, set_status
from triage.ledger.states import move
from triage.ledger.tables import CaseRow, MergeMemberRow, MergeRow
from triage.ledger.texts import check_text, check_who, check_why, needed_why

LEADING_ROLES = ("主办", "独办")
ASSISTING_ROLES = ("会办", "分办", "参阅")


@dataclass(frozen=True)
class MergeOutcome:
    """What came of joining cases.

    Attributes:
        merge: None where fewer than two open cases were left to join.
        precedents: (open case, closed case) that were linked instead of joined.
        warnings: Chinese sentences for the person; nothing was refused.
    """

    merge: MergeRow | None
    precedents: list[tuple[int, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def merge_cases(
    case_ids: Sequence[int],
    *,
    lead_id: int,
    who: str,
    session: Session,
    why: str = "",
    name: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> MergeOutcome:
    """Join open cases under one lead; closed ones become precedents of the open ones.

    Args:
        name: of the merge; the lead's title where empty.
        evidence: anything more that the events should keep of why the cases were joined.

    Raises:
        InputError: no name of the person, fewer than two cases, a lead that is none of them.
        NotFound: an unknown case.
        Conflict: a case was given back, or is in a merge already.
    """
    who, why = check_who(who), check_why(why)
    name = check_text(name, MAX_NAME, field="name", name="并案名称")
    ids = list(dict.fromkeys(case_ids))
    if len(ids) < 2:
        raise InputError("并案至少要选两件不同的建议。", field="cases")
    if lead_id not in ids:
        raise InputError("主件应是要并案的建议之一。", field="lead")
    open_, answered = _open_and_answered([get_case(i, session=session) for i in ids])
    _check_free(open_)
    precedents = _link_precedents(open_, answered, who=who, why=why, session=session)
    if len(open_) < 2:
        touch(open_, session=session)
        return MergeOutcome(None, precedents, ["在办件不足两件,没有并案。"])
    warnings = []
    lead = next((case for case in open_ if case.id == lead_id), None)
    if lead is None:
        lead = _earliest(open_)
        closed = get_case(lead_id, session=session)
        warnings.append(f"{case_name(closed)}已办结,不能作主件,改由{case_name(lead)}作主件。")
    warnings += _role_warnings(open_)
    merge = MergeRow(
        name=name or (lead.title.strip() or lead.body.strip())[:MAX_NAME],
        lead=lead,
        labels=labels_of_lead(lead),
    )
    session.add(merge)
    session.flush()
    stood = confirm_pairs(pairs_of(open_), session=session)
    _join(merge, open_, who, session)
    tell(
        "merged",
        merge,
        open_,
        who=who,
        why=why,
        session=session,
        labels=merge.labels,
        relations=stood,
        evidence=dict(evidence or {}),
        warnings=warnings,
    )
    return MergeOutcome(finish(merge, open_, session=session), precedents, warnings)


def record_merge(
    name: str, cases: Sequence[CaseRow], lead: CaseRow, *, who: str, why: str, session: Session
) -> MergeRow:
    """A merge as another ledger has it, of closed cases too; the caller has checked that all are free."""
    merge = MergeRow(name=name, lead=lead, labels=labels_of_lead(lead))
    session.add(merge)
    session.flush()
    session.add_all(MergeMemberRow(merge_id=merge.id, case_id=case.id) for case in cases)
    session.flush()
    session.expire(merge, ["members"])
    tell("merged", merge, cases, who=who, why=why, session=session, labels=merge.labels)
    return finish(merge, cases, session=session)


def add_to_merge(
    merge_id: int,
    case_ids: Sequence[int],
    *,
    who: str,
    session: Session,
    why: str = "",
    seen_version: int | None = None,
) -> MergeOutcome:
    """More cases join; closed ones become precedents of the open members.

    Raises:
        InputError: no name of the person, no case.
        NotFound: an unknown merge or case.
        Conflict: a case was given back, or is in a merge already; somebody changed this one meanwhile.
    """
    who, why = check_who(who), check_why(why)
    ids = list(dict.fromkeys(case_ids))
    if not ids:
        raise InputError("没有选要加入的建议。", field="cases")
    merge = begin_change(merge_id, seen_version, session=session)
    members = active_members(merge)
    joining, answered = _open_and_answered([get_case(i, session=session) for i in ids])
    _check_free([*joining, *(case for case in answered if case in members)])
    open_members, _ = _open_and_answered(members)
    precedents = _link_precedents([*open_members, *joining], answered, who=who, why=why, session=session)
    warnings = _role_warnings([*members, *joining]) if joining else []
    together = [(old, new) for old in members for new in joining] + pairs_of(joining)
    stood = confirm_pairs(together, session=session)
    _join(merge, joining, who, session)
    if joining:
        told = active_members(merge)
        tell(
            "joined",
            merge,
            told,
            who=who,
            why=why,
            session=session,
            joined=[case.id for case in joining],
            labels=merge.labels,
            relations=stood,
            warnings=warnings,
        )
    return MergeOutcome(finish(merge, [*members, *joining], session=session), precedents, warnings)


def unmerge(
    merge_id: int,
    case_ids: Sequence[int] | None = None,
    *,
    who: str,
    why: str,
    session: Session,
    lead_id: int | None = None,
    seen_version: int | None = None,
) -> MergeRow:
    """Members leave, all where none is named, and fall back to what was decided of them alone.

    A pair that was separated is never proposed again. One case alone is no merge: where one
    would remain, it leaves too and the merge is dissolved.

    Args:
        lead_id: who leads next where the lead leaves; the earliest of the open ones by default.

    Raises:
        InputError: no name, no reason, a case that is no member.
        Conflict: a closed member would leave; somebody changed the merge meanwhile.
    """
    who, why = check_who(who), needed_why(why, "请写明解除并案的理由。")
    merge = begin_change(merge_id, seen_version, session=session)
    members = active_members(merge)
    chosen = members if case_ids is None else [member_of(merge, i, field="cases") for i in case_ids]
    if not chosen:
        raise InputError("没有选要退出的建议。", field="cases")
    remaining = [case for case in members if case not in chosen]
    if len(remaining) == 1:
        remaining = []
    leaving = [case for case in members if case not in remaining]
    closed = [case for case in leaving if case.state == "closed"]
    if closed:
        raise Conflict(
            f"{names_of(closed)}已办结,不能退出并案;其余各件可更换主件后继续办理。",
            cases=[case.id for case in closed],
        )
    separated = [(a, b) for a in leaving for b in remaining] if remaining else pairs_of(leaving)
    for case, other in separated:
        set_status(case, other, "dismissed", session=session)
    lead_before = merge.lead_id
    for membership in merge.members:
        if membership.left_at is None and membership.case in leaving:
            membership.left_at = utc_now()
    if not remaining:
        merge.dissolved_at = utc_now()
    elif merge.lead in leaving:
        merge.lead = _next_lead(remaining, lead_id)
    elif lead_id is not None:
        raise InputError("主件没有退出;更换主件请另行办理。", field="lead")
    for case in leaving:
        _fall_back(case, merge, who=who, why=why, session=session)
    session.flush()
    tell(
        "unmerged",
        merge,
        members,
        who=who,
        why=why,
        session=session,
        left=[case.id for case in leaving],
        lead_before=lead_before,
        labels=merge.labels,
    )
    return finish(merge, members, session=session)


def _open_and_answered(cases: Sequence[CaseRow]) -> tuple[list[CaseRow], list[CaseRow]]:
    """What can be handled together, and what has its reply already."""
    answered = [case for case in cases if case.state == "closed" or case.reply_number]
    return [case for case in cases if case not in answered], answered


def _check_free(cases: Sequence[CaseRow]) -> None:
    """Raises Conflict where a case was given back, or is in a merge already."""
    gone = [case for case in cases if case.state == "returned"]
    if gone:
        raise Conflict(f"{names_of(gone)}已退办,不能并案。", cases=[case.id for case in gone])
    merges = [active_merge(case) for case in cases]
    taken = [(case, merge) for case, merge in zip(cases, merges, strict=True) if merge is not None]
    if not taken:
        return
    case, merge = taken[0]
    if len(cases) > 1 and all(other is merge for other in merges):
        raise Conflict(f"这 {len(cases)} 件已经在并案“{merge.name}”中。", merge_id=merge.id)
    raise Conflict(
        f"{case_name(case)}已在并案“{merge.name}”中,一件只能在一个并案里。",
        case_id=case.id,
        merge_id=merge.id,
    )


def _link_precedents(
    open_: Sequence[CaseRow], answered: Sequence[CaseRow], *, who: str, why: str, session: Session
) -> list[tuple[int, int]]:
    for closed in answered:
        for case in open_:
            link_precedent(case, closed, who=who, why=why, session=session)
    return [(case.id, closed.id) for closed in answered for case in open_]


def _role_warnings(cases: Sequence[CaseRow]) -> list[str]:
    """A bureau that leads in one item and assists in another may not answer them as one."""
    leading = [case for case in cases if case.role in LEADING_ROLES]
    assisting = [case for case in cases if case.role in ASSISTING_ROLES]
    if not leading or not assisting:
        return []
    ours = "、".join(f"{case_name(case)}({case.role})" for case in leading)
    theirs = "、".join(f"{case_name(case)}({case.role})" for case in assisting)
    return [f"承办角色不一致:{ours}与{theirs},请核对能否一并办理。"]


def _join(merge: MergeRow, cases: Sequence[CaseRow], who: str, session: Session) -> None:
    session.add_all(MergeMemberRow(merge_id=merge.id, case_id=case.id) for case in cases)
    session.flush()
    session.expire(merge, ["members"])
    assign_members(merge, who=who, session=session)


def _earliest(cases: Sequence[CaseRow]) -> CaseRow:
    return min(cases, key=lambda case: (case.received_on, case.id))


def _next_lead(remaining: Sequence[CaseRow], lead_id: int | None) -> CaseRow:
    """The one that was named, else the earliest that is still open."""
    open_ = [case for case in remaining if case.state != "closed"]
    if lead_id is None:
        return _earliest(open_ or remaining)
    for case in open_:
        if case.id == lead_id:
            return case
    raise InputError("接任的主件应是留在并案中的在办件。", field="lead")


def _fall_back(case: CaseRow, merge: MergeRow, *, who: str, why: str, session: Session) -> None:
    """A case that leaves stands where its own decisions put it."""
    own = any(decision.target == "section" for decision in case.decisions)
    if "section" in merge.labels and not own and case.state != "in_review":
        move(case, "in_review", "unassigned", who=who, session=session, merge_id=merge.id, why=why)
