"""What a case lacks: a contact, a class, a reply number, a handler, a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

NAMING_DAYS = 7  # a section has so long to name a handler
ANSWERS_DEPUTY = ("", "主办", "分办", "独办")


def lacks_of(case: CaseRow, taxonomy: Taxonomy, *, today: date, soon: date) -> Iterator[tuple[str, str]]:
    """(stable name, Chinese sentence) of each thing that should be there by now.

    Args:
        soon: a case due by then should have been talked over with the deputy.
    """
    done = case.state in ("replied", "closed")
    at_work = case.state in ("assigned", "accepted", "in_handling")
    pressing = case.due_on is not None and case.due_on <= soon
    answers = case.role in ANSWERS_DEPUTY
    contacted = any(contact.struck_on is None for contact in case.contacts)
    if answers and not contacted and (done or (at_work and pressing)):
        yield "contact", "还没有联系代表"
    if done and case.replies and not case.result_class and answers:
        yield "result_class", "已答复,还没有认定办理结果类别"
    if case.replies and not case.replies[-1].number:
        yield f"reply_number:{case.replies[-1].id}", "答复没有文号"
    if case.state == "closed" and not case.replies and case.role != "参阅":
        yield "reply", "已办结,没有登记答复"
    if at_work and not case.handler and case.received_on <= today - timedelta(days=NAMING_DAYS):
        yield "handler", "还没有落实承办人"
    if case.state in ("accepted", "in_handling", "replied"):
        way = taxonomy.way_of(case.handling)
        if way == "stages" and not any(stage.dropped_on is None for stage in case.stages):
            yield "stages", f"{case.handling},还没有阶段安排"
        if way == "conditions" and not case.reasons:
            yield "conditions", f"{case.handling},还没有写明原因和措施"
