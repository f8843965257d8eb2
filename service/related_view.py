"""What the pages show of related cases, of handling them together, and of what has just been done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from service.schemas_merges import MergeOut, RelatedOut
from triage.ledger.cases import get_case
from triage.ledger.groups import LedgerGroup, group_of
from triage.ledger.memberships import active_merge, settled_labels
from triage.ledger.relations import relations_of
from triage.ledger.tables import CaseRow

DONE = {
    "merged": "已并案办理。",
    "linked": "在办件不足两件,没有并案。",
    "joined": "已加入并案。",
    "lead": "已更换主件。",
    "left": "已退出并案。",
    "dissolved": "已解除并案。",
    "due": "已调整并案期限。",
    "plan": "已记入统一办理方案。",
    "dismissed": "已排除,不再提示这一对。",
}


@dataclass(frozen=True)
class Candidate:
    """A case that can be ticked for a merge; a closed one would become a precedent."""

    case: CaseRow
    chosen: bool
    lead: bool


def related_context(case: CaseRow, *, typed: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """What the panels 关联建议 and 并案 of one case need.

    Args:
        typed: the form that was refused: ``act`` and its fields; empty otherwise.
    """
    shown = [
        (RelatedOut.of(row, other, session=session), other)
        for row, other in relations_of(case.id, session=session)
    ]
    merge = active_merge(case)
    group = group_of(case, session=session)
    return {
        "relations": [(told, other) for told, other in shown if told.status != "dismissed"],
        "dismissed": [(told, other) for told, other in shown if told.status == "dismissed"],
        "merge": MergeOut.of(merge) if merge else None,
        "group": group,
        "could_join": group.to_join if group else [],
        "candidates": _candidates(case, group, shown, typed) if merge is None else [],
        "typed": typed,
    }


def _candidates(
    case: CaseRow,
    group: LedgerGroup | None,
    shown: Sequence[tuple[RelatedOut, CaseRow]],
    typed: Mapping[str, Any],
) -> list[Candidate]:
    """The group's cases, ticked; then single open ones of its year that look alike, not ticked."""
    in_group = list(group.cases) if group else [case]
    alike = [
        other
        for told, other in shown
        if told.kind != "precedent"
        and told.status != "dismissed"
        and other not in in_group
        and other.state != "closed"
        and active_merge(other) is None
    ]
    free = [c for c in [*in_group, *alike] if active_merge(c) is None]
    if case.state == "closed" or len(free) < 2 or (group and group.merges):
        return []
    if typed.get("act") == "merge":
        chosen, lead = set(typed["cases"]), typed["lead"]
    else:
        chosen = {c.id for c in in_group}
        open_ = [c for c in in_group if c.state != "closed"]
        lead = (group.lead if group and group.lead in open_ else open_[0]).id
    return [Candidate(c, chosen=c.id in chosen or c is case, lead=c.id == lead) for c in free]


def told_since(case: CaseRow, event_id: int, *, session: Session) -> tuple[list[str], list[CaseRow]]:
    """Warnings, and cases linked as precedents, of what was done to a case after that event."""
    recent = [event for event in case.events if event.id > event_id]
    warnings = [warning for event in recent for warning in event.detail.get("warnings", [])]
    linked = [event.detail["other_id"] for event in recent if event.kind == "precedent_linked"]
    return warnings, [get_case(i, session=session) for i in dict.fromkeys(linked)]


@dataclass(frozen=True)
class GroupLine:
    """A group as the page of groups lists it.

    Attributes:
        sections: each with the number of its cases, "" for those not decided yet.
        replied: how many of its cases have their reply.
    """

    group: LedgerGroup
    sections: Sequence[tuple[str, int]]
    replied: int


def group_lines(groups: Sequence[LedgerGroup], *, session: Session) -> list[GroupLine]:
    """The groups with what became of their cases."""
    ids = [case.id for group in groups for case in group.cases]
    load = select(CaseRow).where(CaseRow.id.in_(ids)).options(selectinload(CaseRow.decisions))
    session.scalars(load).all()  # all decisions at once, not case by case
    lines = []
    for group in groups:
        sections = Counter(settled_labels(case).get("section", "") for case in group.cases)
        replied = sum(case.state == "closed" or bool(case.reply_number) for case in group.cases)
        lines.append(GroupLine(group, sections.most_common(), replied))
    return lines
