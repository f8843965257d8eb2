"""Who is asking: a person who signed in or a program with a token, and what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

ROLE_NAMES = {
    "clerk": "办公室经办",
    "handler": "科室经办",
    "leader": "分管领导",
    "administrator": "管理员",
    "reader": "查阅",
}
PERMISSION_NAMES = {
    "read": "查看、导出",
    "intake": "收件、导入",
    "decide": "认定、改判、并案、排除关联",
    "handle": "签收、联系、答复等办理登记",
    "supervise": "重点督办、调度、难件、延期、退办",
    "close": "办结销号",
    "models": "训练、启用、退回模型",
    "settings": "科室、主题、规则、节假日",
    "accounts": "账号、令牌",
}
ROLE_PERMISSIONS = {
    "clerk": ("read", "intake", "decide", "handle", "supervise", "close"),
    "handler": ("read", "handle"),
    "leader": ("read", "supervise"),
    "administrator": ("read", "models", "settings", "accounts"),
    "reader": ("read",),
}


@dataclass(frozen=True)
class Person:
    """Who acts.

    Attributes:
        name: what the record calls this person.
        roles: keys of ROLE_NAMES.
        section: of a handler, who sees and acts on this section's cases only.
        account_id: None for a program.
    """

    name: str
    roles: tuple[str, ...] = ()
    section: str = ""
    account_id: int | None = None

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset(p for role in self.roles for p in ROLE_PERMISSIONS[role])

    @property
    def bound_to(self) -> str | None:
        """The section whose cases are all that this person sees; None: every case."""
        return self.section if set(self.roles) == {"handler"} else None

    def may(self, permission: str) -> bool:
        return permission in self.permissions


def get_person(request: Request) -> Person:
    """Who signed in, as the guard found."""
    person: Person = getattr(request.state, "person", None) or Person(
        "值班员", ("clerk", "administrator"), account_id=None
    )
    return person


ThePerson = Annotated[Person, Depends(get_person)]


def csrf_of(request: Request) -> str:
    """What a form of this browser's session must bring along."""
    return str(getattr(request.state, "csrf", ""))
