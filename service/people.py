"""Who is asking: a person who signed in or a program with a token, and what each may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from service.roles import ROLE_PERMISSIONS
from triage.ledger.account_tables import AccountRow


@dataclass(frozen=True)
class Person:
    """Who acts.

    Attributes:
        name: what the record calls this person, or the program's name.
        roles: keys of ROLE_PERMISSIONS; none for a program.
        section: of a handler, who sees and acts on this section's cases only.
        account_id: None for a program.
        sign_in_id: the session in which it asks; None for a program.
        scopes: permissions of a program.
    """

    name: str
    roles: tuple[str, ...] = ()
    section: str = ""
    account_id: int | None = None
    sign_in_id: int | None = None
    scopes: tuple[str, ...] = ()

    @classmethod
    def of(cls, account: AccountRow, sign_in_id: int | None = None) -> Person:
        """The person of an account."""
        return cls(account.name, tuple(account.roles), account.section, account.id, sign_in_id)

    @property
    def permissions(self) -> frozenset[str]:
        return frozenset({p for role in self.roles for p in ROLE_PERMISSIONS[role]} | {*self.scopes})

    @property
    def bound_to(self) -> str | None:
        """The section whose cases are all that this person sees; None: every case."""
        return self.section if set(self.roles) == {"handler"} else None

    def may(self, permission: str) -> bool:
        return permission in self.permissions


def find_person(request: Request) -> Person | None:
    """Who the guard found to be asking; None on the pages that anybody may see."""
    found: Person | None = getattr(request.state, "person", None)
    return found


def get_person(request: Request) -> Person:
    """The same where the guard lets nobody through unknown."""
    person: Person = request.state.person
    return person


ThePerson = Annotated[Person, Depends(get_person)]


def csrf_of(request: Request) -> str:
    """What a form of this browser's session must bring along."""
    return str(getattr(request.state, "csrf", ""))
