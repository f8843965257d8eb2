"""A suggestion as it was handed in, checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from triage.errors import InputError
from triage.ledger.texts import UNSAVEABLE
from triage.text import content_hash, normalise

LIMITS = {
    "session": 200,
    "number": 100,
    "deputy": 2_000,
    "cosigners": 20_000,
    "lead_unit": 200,
    "delegation": 500,
    "phone": 500,
    "proposed_unit": 500,
    "idempotency_key": 150,
}
FIELD_NAMES = {
    "title": "标题",
    "body": "正文",
    "session": "届次",
    "number": "编号",
    "kind": "案别",
    "deputy": "领衔代表",
    "cosigners": "附议代表",
    "lead_unit": "主办单位",
    "delegation": "代表团",
    "phone": "联系电话",
    "proposed_unit": "建议承办单位",
    "idempotency_key": "防重键",
}
KINDS = ("建议", "提案", "议案", "")
ROLES = ("主办", "会办", "分办", "独办", "参阅")
SAME_ROLES = {"协办": "会办"}


@dataclass(frozen=True)
class Submission:
    """One suggestion as it was handed in, checked but unchanged.

    Attributes:
        number: number in its session, e.g. 第081号; empty where there is none yet.
        role: the bureau's part in the item, one of ROLES; empty where nobody said.
        cosigners: the other signers, as one text; lead_unit: who leads where we only assist.
        phone: the deputy's; proposed_unit: who should handle it, as the deputy sees it.
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
    cosigners: str = ""
    lead_unit: str = ""
    phone: str = ""
    proposed_unit: str = ""
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
            # left out where empty, so that what came before they were known is known again
            *([self.role] if self.role else []),
            *([f"附议:{self.cosigners}"] if self.cosigners else []),
            *([f"主办单位:{self.lead_unit}"] if self.lead_unit else []),
            *([f"联系电话:{self.phone}"] if self.phone else []),
            *([f"建议承办单位:{self.proposed_unit}"] if self.proposed_unit else []),
        )

    @property
    def key(self) -> str | None:
        """The sender's key; without a number the content itself is the key."""
        if self.idempotency_key:
            return f"key:{self.idempotency_key}"
        return None if self.number else f"sha256:{self.sha256}"


def check_submission(
    submission: Submission, *, max_title_chars: int, max_body_chars: int, past: bool = False
) -> Submission:
    """The submission with number and session in normal form.

    Args:
        past: it stands in a ledger kept so far, where a title without a text is enough.

    Raises:
        InputError: empty or too long, unknown kind or role; the message names field and limit.
    """
    if past and not normalise(submission.title) and not normalise(submission.body):
        raise InputError("标题和正文都是空的。", field="title")
    if not past and not normalise(submission.body):
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
    return Submission(
        **{
            **submission.__dict__,
            "session": normalise(submission.session),
            "number": normalise(submission.number).replace(" ", ""),
            "role": check_role(submission.role),
        }
    )


def check_role(role: str) -> str:
    """The bureau's role in its usual name, or empty; InputError for any other word."""
    found = normalise(role)
    found = SAME_ROLES.get(found, found)
    if found not in (*ROLES, ""):
        choices = "、".join([*ROLES, *SAME_ROLES])
        raise InputError(f"承办角色“{role[:40]}”无效,可选:{choices}。", field="role")
    return found
