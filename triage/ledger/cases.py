"""Cases: added once, found by session and number, listed, closed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from triage.errors import InputError, NotFound
from triage.ledger.deadlines import reply_due
from triage.ledger.events import add_event
from triage.ledger.states import STATE_NAMES
from triage.ledger.tables import CaseRow, DecisionRow, EventRow, MergeMemberRow, MergeRow
from triage.taxonomy import REPLY_MONTHS
from triage.text import content_hash, normalise

LIMITS = {"session": 200, "number": 100, "deputy": 2_000, "delegation": 500, "idempotency_key": 150}
FIELD_NAMES = {
    "title": "标题",
    "body": "正文",
    "session": "届次",
    "number": "编号",
    "kind": "案别",
    "deputy": "领衔代表",
    "delegation": "代表团",
    "idempotency_key": "防重键",
}
# no database keeps these in a text
UNSAVEABLE = re.compile(r"[\x00\ud800-\udfff]")
KINDS = ("建议", "提案", "议案", "")
ROLES = ("主办", "会办", "分办", "独办", "参阅")
SAME_ROLES = {"协办": "会办"}


@dataclass(frozen=True)
class Submission:
    """One suggestion as it was handed in, checked but unchanged.

    Attributes:
        number: number in its session, e.g. 第081号; empty where there is none yet.
        role: the bureau's part in the item, one of ROLES; empty where nobody said.
        idempotency_key: the sender's own key for this item; empty where there is none.
    """

    title: str
    body: str
    session: str = ""
    number: str = ""
    kind: str = ""
    deputy: str = ""
    delegation: str = ""
    received_on: date | None = None
    role: str = ""
    idempotency_key: str = ""

    @property
    def sha256(self) -> str:
        """Of everything that was handed in, so that the same item is known again."""
        received = self.received_on.isoformat() if self.received_on else ""
        return content_hash(
            self.title,
            self.body,
            self.session,
            self.number,
            self.kind,
            self.deputy,
            self.delegation,
            received,
            # left out where empty, so that what came before roles were known is known again
            *([self.role] if self.role else []),
        )

    @property
    def key(self) -> str | None:
        """The sender's key; without a number the content itself is the key."""
        if self.idempotency_key:
            return f"key:{self.idempotency_key}"
        return None if self.number else f"sha256:{self.sha256}"


def check_submission(submission: Submission, *, max_title_chars: int, max_body_chars: int) -> Submission:
    """The submission with number and session in normal form.

    Raises:
        InputError: empty or too long, unknown kind or role; the message names field and limit.
    """
    if not normalise(submission.body):
        raise InputError("正文为空:请填写建议正文。", field="body")
    if len(submission.body) > max_body_chars:
        raise InputError(
            f"正文太长:{len(submission.body):,} 字,最多 {max_body_chars:,} 字。"
            "请确认没有把附件或多件建议粘在一起。",
            field="body",
        )
    if len(submission.title) > max_title_chars:
        raise InputError(f"标题太长:{len(submission.title):,} 字,最多 {max_title_chars} 字。", field="title")
    for field, limit in LIMITS.items():
        if len(getattr(submission, field)) > limit:
            raise InputError(f"{FIELD_NAMES[field]}太长,最多 {limit} 字。", field=field)
    for field, name in FIELD_NAMES.items():
        if UNSAVEABLE.search(getattr(submission, field)):
            raise InputError(f"{name}中含有无法保存的控制字符(NUL)或半个字符,请检查文件编码。", field=field)
    if submission.kind not in KINDS:
        raise InputError(f"案别“{submission.kind}”无效,可选:建议、提案、议案。", field="kind")
    role = normalise(submission.role)
    role = SAME_ROLES.get(role, role)
    if role not in (*ROLES, ""):
        choices = "、".join([*ROLES, *SAME_ROLES])
        raise InputError(f"承办角色“{submission.role[:40]}”无效,可选:{choices}。", field="role")
    return Submission(
        **{
            **submission.__dict__,
            "session": normalise(submission.session),
            "number": normalise(submission.number).replace(" ", ""),
            "role": role,
        }
    )


def check_text(text: str, limit: int, *, field: str, name: str) -> str:
    """``text`` without surrounding space, if it fits; InputError otherwise."""
    text = text.strip()
    if len(text) > limit or UNSAVEABLE.search(text):
        raise InputError(f"{name}太长或含有无法保存的字符,最多 {limit:,} 字。", field=field)
    return text


def find_case(submission: Submission, *, session: Session) -> CaseRow | None:
    """The case that this submission already is: same session and number, or same key."""
    same: list[ColumnElement[bool]] = []
    if submission.number:
        same.append((CaseRow.session == submission.session) & (CaseRow.number == submission.number))
    if submission.key:
        same.append(CaseRow.idempotency_key == submission.key)
    return session.scalars(select(CaseRow).where(or_(*same)).order_by(CaseRow.id)).first()


def get_case(case_id: int, *, session: Session) -> CaseRow:
    """Raises NotFound."""
    # an id beyond 64 bits is no id, and the database would refuse to look for it
    case = session.get(CaseRow, case_id) if 0 < case_id < 2**63 else None
    if case is None:
        raise NotFound(f"台账中没有编号为 {case_id} 的建议件。")
    return case


def add_case(submission: Submission, *, session: Session, reply_months: int = REPLY_MONTHS) -> CaseRow:
    """A new row in state in_review; the caller adds predictions, relations and events."""
    received_on = submission.received_on or date.today()
    case = CaseRow(
        session=submission.session,
        number=submission.number or None,
        idempotency_key=submission.key,
        kind=submission.kind,
        title=submission.title,
        body=submission.body,
        deputy=submission.deputy,
        delegation=submission.delegation,
        role=submission.role,
        received_on=received_on,
        due_on=reply_due(received_on, reply_months),
        content_sha256=submission.sha256,
        state="in_review",
        route="review",
    )
    session.add(case)
    session.flush()
    return case


def note_resent(case: CaseRow, submission: Submission, *, who: str, session: Session) -> bool:
    """Record that the item came again; True where its content differs from what we hold.

    The differing text is kept in the event, so nothing that was sent is lost.
    """
    if submission.sha256 == case.content_sha256:
        return False
    seen = [e.detail.get("sha256") for e in case.events if e.kind == "resent"]
    if submission.sha256 not in seen:
        detail = {k: v for k, v in submission.__dict__.items() if k != "received_on"}
        add_event("resent", who=who, session=session, case_id=case.id, sha256=submission.sha256, sent=detail)
    return True


@dataclass(frozen=True)
class CaseFilter:
    """What to list; empty means any."""

    state: str = ""
    route: str = ""
    section: str = ""
    text: str = ""
    year: int | None = None
    flag: str = ""


def list_cases(
    wanted: CaseFilter,
    *,
    session: Session,
    limit: int = 50,
    offset: int = 0,
    unsure_first: bool = False,
) -> tuple[Sequence[CaseRow], int]:
    """A page of cases, newest first or least certain first, and how many there are in all."""
    query = select(CaseRow)
    if wanted.state:
        if wanted.state not in STATE_NAMES:
            raise InputError(f"没有“{wanted.state}”这个状态,可选:{'、'.join(STATE_NAMES)}。")
        query = query.where(CaseRow.state == wanted.state)
    if wanted.route:
        query = query.where(CaseRow.route == wanted.route)
    if wanted.text:
        pattern = "%" + wanted.text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_") + "%"
        query = query.where(
            or_(
                *(
                    column.like(pattern, escape="\\")
                    for column in (CaseRow.title, CaseRow.body, CaseRow.number, CaseRow.deputy)
                )
            )
        )
    if wanted.year:
        query = query.where(CaseRow.received_on.between(date(wanted.year, 1, 1), date(wanted.year, 12, 31)))
    if wanted.flag:
        query = query.where(
            CaseRow.id.in_(
                select(EventRow.case_id).where(
                    EventRow.kind == "flagged", EventRow.detail["flag"].as_string() == wanted.flag
                )
            )
        )
    if wanted.section:
        newest = (
            select(func.max(DecisionRow.id))
            .where(DecisionRow.target == "section")
            .group_by(DecisionRow.case_id)
        )
        own = select(DecisionRow.case_id).where(
            DecisionRow.id.in_(newest), DecisionRow.label == wanted.section
        )
        # while it is open, a case in a merge takes its section from there
        shared = MergeRow.labels["section"].as_string()
        merged = (
            select(MergeMemberRow.case_id)
            .join(MergeRow, MergeRow.id == MergeMemberRow.merge_id)
            .where(MergeMemberRow.left_at.is_(None))
        )
        follows = merged.where(shared == wanted.section)
        governed = (CaseRow.state != "closed") & CaseRow.id.in_(merged.where(shared.is_not(None)))
        query = query.where(or_(governed & CaseRow.id.in_(follows), ~governed & CaseRow.id.in_(own)))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = [CaseRow.certainty, CaseRow.id] if unsure_first else [CaseRow.id.desc()]
    rows = session.scalars(query.order_by(*order).limit(limit).offset(offset)).all()
    return rows, total
