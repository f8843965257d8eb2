"""The public acts on a case, each by one name, and when docs/ledger.md says that they are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from triage.config import CHECKOUT
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment, add_commitment
from triage.ledger.contacts import add_contact, add_feedback
from triage.ledger.correcting import correct_label
from triage.ledger.deadlines import extend, mark_hard, set_role
from triage.ledger.duties import add_duty
from triage.ledger.handling import accept, send_back, set_people, start_handling
from triage.ledger.key_cases import add_meeting, mark_key, unmark_key
from triage.ledger.replies import classify_result, reply_to_case
from triage.ledger.returns import refuse_return, return_case
from triage.ledger.stages import add_stage, set_conditions
from triage.periods import Rules
from triage.taxonomy import TARGETS, Label, ResultClass, Taxonomy

OFFICE = Taxonomy(
    section=(Label("能源科"), Label("价格科"), Label("物流科")),
    topic=(Label("能源"), Label("价格")),
    handling=(Label("立即办理", way="at_once"), Label("分步推进", way="stages")),
    result_classes=(ResultClass("A", "已解决"), ResultClass("B", "正在解决", carried=True)),
)
RULES = Rules()
WHY, WHO = "理由", ("甲", "乙")
LABELS = {target: tuple(label.name for label in OFFICE.labels(target)) for target in TARGETS}


def documented_moves() -> dict[str, set[str]]:
    """State to the states that may follow, as docs/ledger.md has them."""
    text = (CHECKOUT / "docs" / "ledger.md").read_text(encoding="utf-8")
    table = text.split("<!-- states -->")[1].split("<!-- end -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| \S+ \| (.*) \|$", table, re.MULTILINE)
    return {state: set(re.findall(r"`(\w+)`", after)) for state, after in rows}


@dataclass(frozen=True)
class Given:
    """What a step draws; an act takes of it what it needs."""

    case_id: int
    version: int | None
    who: str
    section: str
    days: int
    word: str

    @property
    def day(self) -> date:
        return date.today() + timedelta(days=self.days)

    @property
    def past(self) -> date:
        return date.today() - timedelta(days=abs(self.days))


Act = Callable[[Given, Session], object]


def _seen(g: Given, session: Session) -> dict[str, object]:
    return {"who": g.who, "session": session, "seen_version": g.version}


ACTS: Mapping[str, Act] = {
    "accept": lambda g, s: accept(g.case_id, handler=g.word, **_seen(g, s)),  # type: ignore[arg-type]
    "start": lambda g, s: start_handling(g.case_id, **_seen(g, s)),  # type: ignore[arg-type]
    "send_back": lambda g, s: send_back(g.case_id, why=WHY, **_seen(g, s)),  # type: ignore[arg-type]
    "people": lambda g, s: set_people(g.case_id, handler=g.word, **_seen(g, s)),  # type: ignore[arg-type]
    "return": lambda g, s: return_case(g.case_id, why=WHY, proposed_unit="外单位", **_seen(g, s)),  # type: ignore[arg-type]
    "return_refused": lambda g, s: refuse_return(g.case_id, why=WHY, **_seen(g, s)),  # type: ignore[arg-type]
    "role": lambda g, s: set_role(  # type: ignore[misc]
        g.case_id, ("主办", "会办", "参阅", "分办", "独办")[g.days % 5], rules=RULES, **_seen(g, s)
    ),
    "hard": lambda g, s: mark_hard(g.case_id, why=WHY, rules=RULES, **_seen(g, s)),  # type: ignore[arg-type]
    "extend": lambda g, s: extend(  # type: ignore[misc]
        g.case_id, g.day, why=WHY, consent="市府办", rules=RULES, **_seen(g, s)
    ),
    "key": lambda g, s: mark_key(g.case_id, why=WHY, **_seen(g, s)),  # type: ignore[arg-type]
    "unkey": lambda g, s: unmark_key(g.case_id, why=WHY, **_seen(g, s)),  # type: ignore[arg-type]
    "meeting": lambda g, s: add_meeting(g.case_id, "议定", held_on=g.past, **_seen(g, s)),  # type: ignore[arg-type]
    "duty": lambda g, s: add_duty(  # type: ignore[misc]
        *(g.case_id, g.section),
        kind=("assist", "split")[g.days % 2],
        task="一部分",
        taxonomy=OFFICE,
        **_seen(g, s),
    ),
    "stage": lambda g, s: add_stage(g.case_id, "第一步", g.day, **_seen(g, s)),  # type: ignore[arg-type]
    "conditions": lambda g, s: set_conditions(g.case_id, "缺钱", "申请", **_seen(g, s)),  # type: ignore[arg-type]
    "contact": lambda g, s: add_contact(  # type: ignore[misc]
        g.case_id, ("phone", "meeting")[g.days % 2], held_on=g.past, **_seen(g, s)
    ),
    "reply": lambda g, s: reply_to_case(  # type: ignore[misc]
        g.case_id, number=g.word, result_class=("", "A", "B")[g.days % 3], taxonomy=OFFICE, **_seen(g, s)
    ),
    "result": lambda g, s: classify_result(  # type: ignore[misc]
        g.case_id, ("A", "B")[g.days % 2], taxonomy=OFFICE, **_seen(g, s)
    ),
    "satisfied": lambda g, s: add_feedback(g.case_id, "满意", rules=RULES, **_seen(g, s)),  # type: ignore[arg-type]
    "redo": lambda g, s: add_feedback(g.case_id, "不满意", rules=RULES, **_seen(g, s)),  # type: ignore[arg-type]
    "commit": lambda g, s: add_commitment(g.case_id, "修路", g.day, who=g.who, session=s),
    "close": lambda g, s: close_case(  # type: ignore[misc]
        *(g.case_id,),
        result_class=("A", "B")[g.days % 2],
        reply_number=g.word,
        commitments=[Commitment("修桥", None)] if g.days % 4 == 1 else [],
        taxonomy=OFFICE,
        **_seen(g, s),
    ),
    "correct": lambda g, s: correct_label(  # type: ignore[misc]
        g.case_id, target="section", label=g.section, why=WHY, taxonomy=OFFICE, **_seen(g, s)
    ),
}
# acts that lead to a state wherever they are not refused; an act that is not here leaves the state alone
LEADS_TO = {
    "accept": "accepted",
    "start": "in_handling",
    "send_back": "in_review",
    "return": "returned",
    "return_refused": "in_review",
    "redo": "in_handling",
    "close": "closed",
}
# beside the table: what the text below it says leads back, and from where
ONLY_FROM = {
    "start": {"assigned", "accepted"},
    "send_back": {"assigned", "accepted", "in_handling"},
    "return_refused": {"returned"},
    "redo": {"replied", "closed"},
    "satisfied": {"replied", "closed"},
    "correct": {"closed"},
    "role": {"received", "in_review", "assigned", "accepted", "in_handling", "replied"},
    "duty": {"received", "in_review", "assigned", "accepted", "in_handling"},
}
ALONE = ("send_back", "return")  # not while in a merge
