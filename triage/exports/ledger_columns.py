"""A case as one row of the ledger's sheet: the columns that every export has, and the import reads again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from triage.documents.columns import COLUMN_NAMES
from triage.flags import FLAG_NAMES
from triage.ledger.decisions import DECISION_NAMES, settled
from triage.ledger.events import flags_of
from triage.ledger.memberships import active_merge
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, MergeMemberRow, MergeRow
from triage.recorded_merges import write_merge
from triage.sheet_records import write_commitments, write_contact, write_feedback
from triage.taxonomy import TARGETS

NUMBER = "台账编号"
PAGE = 500
Cell = int | str | date | None


def headers() -> list[str]:
    """The names of the columns, in order."""
    return [NUMBER, *(COLUMN_NAMES[field] for field in FIELDS)]


def cells(case: CaseRow) -> list[Cell]:
    """The values of one case, in the order of ``headers``; nothing is None."""
    values = {**_handed_in(case), **_decided(case), **_handled(case)}
    return [case.id, *(values.get(field) or None for field in FIELDS)]


def cases_of(ids: Sequence[int], session: Session) -> Iterator[CaseRow]:
    """The cases with all that a row needs, a page at a time, so that memory stays bounded."""
    members = selectinload(CaseRow.memberships).selectinload(MergeMemberRow.merge)
    wanted = (
        *(selectinload(CaseRow.decisions), selectinload(CaseRow.events), selectinload(CaseRow.duties)),
        *(selectinload(CaseRow.contacts), selectinload(CaseRow.feedback), selectinload(CaseRow.commitments)),
        members.selectinload(MergeRow.members)
        .selectinload(MergeMemberRow.case)
        .selectinload(CaseRow.decisions),
        members.selectinload(MergeRow.lead),
    )
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        rows = session.scalars(select(CaseRow).where(CaseRow.id.in_(page)).options(*wanted))
        found = {case.id: case for case in rows}
        yield from (found[i] for i in page)
        session.expunge_all()


def _handed_in(case: CaseRow) -> dict[str, Cell]:
    plain = (
        *("session", "number", "kind", "title", "body", "deputy", "cosigners", "delegation", "phone"),
        *("proposed_unit", "role", "lead_unit", "received_on"),
    )
    return {field: getattr(case, field) for field in plain}


def _decided(case: CaseRow) -> dict[str, Cell]:
    found: dict[str, Cell] = {
        "state": STATE_NAMES[case.state],
        "flags": "、".join(FLAG_NAMES[detail["flag"]] for detail in flags_of(case)),
    }
    for target, decision in settled(case).items():
        found[target] = decision.label
        found[f"{target}_kind"] = DECISION_NAMES[decision.kind]
        found[f"{target}_who"] = decision.who
    return found


def _handled(case: CaseRow) -> dict[str, Cell]:
    merge = active_merge(case)
    contacts = [write_contact(k.held_on, k.how, k.deputy, k.what) for k in case.contacts if not k.struck_on]
    feedback = [
        write_feedback(f.given_on, f.verdict, f.deputy, f.comment) for f in case.feedback if not f.struck_on
    ]
    promised: Any = write_commitments([(c.what, c.due_on, c.kept_on) for c in case.commitments])
    if len(case.commitments) == 1:
        (only,) = case.commitments
        promised = {**promised, "commitment_due_on": only.due_on, "commitment_kept_on": only.kept_on}
    return {
        "due_on": case.due_on,
        "assists": "、".join(d.section for d in case.duties if d.withdrawn_on is None),
        "leader": case.leader,
        "handler": case.handler,
        "key_on": case.key_on,
        "contacts": "\n".join(contacts),
        "merge": write_merge(merge) if merge else "",
        "result_class": case.result_class,
        "reply_number": case.reply_number,
        "replied_on": case.replied_on,
        "feedback": "\n".join(feedback),
        "closed_on": case.closed_on,
        **promised,
    }


# what is looked at all day and printed stands first, long texts and particulars after it
PRINTED = (
    *("number", "kind", "title", "deputy", "section", "leader", "handler", "received_on", "due_on", "state"),
    *("result_class", "reply_number", "replied_on", "closed_on"),
)
FIELDS = (
    *PRINTED,
    *("session", "body", "cosigners", "delegation", "phone", "proposed_unit", "role", "lead_unit", "flags"),
    *("section_kind", "section_who"),
    *(field for target in TARGETS[1:] for field in (target, f"{target}_kind", f"{target}_who")),
    *("assists", "key_on", "contacts", "merge", "feedback"),
    *("commitment", "commitment_due_on", "commitment_kept_on"),
)
