"""Which acts a page offers to a person for a case as it stands, each with its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.act_fields import ShownField, show_fields
from service.act_forms import ACTS, ENTRIES, ENTRY_ACTS, Act, missing_targets
from service.people import Person
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

# what comes next in each state, the first one first
NEXT_ACTS = {
    "assigned": ("accept", "send-back"),
    "accepted": ("contacts", "start", "people"),
    "in_handling": ("replies", "contacts", "duties"),
    "replied": ("feedback", "results", "close"),
    "returned": ("return-refused",),
}


@dataclass(frozen=True)
class Offer:
    """An act that can be done now, and its form.

    Attributes:
        open: its form was refused just now and is shown again.
    """

    act: Act
    key: str
    address: str
    fields: Sequence[ShownField]
    open: bool


@dataclass(frozen=True)
class Offers:
    """What the page of one case offers.

    Attributes:
        following: what comes next.
        by_place: the other acts on the case, by the part of the page they belong to.
        by_entry: acts on entries, by the kind of entry and its id.
    """

    following: Sequence[Offer]
    by_place: Mapping[str, Sequence[Offer]]
    by_entry: Mapping[tuple[str, int], Sequence[Offer]]

    @property
    def keys(self) -> set[str]:
        """Every form on the page."""
        groups = [self.following, *self.by_place.values(), *self.by_entry.values()]
        return {offer.key for group in groups for offer in group}


def offers_for(
    case: CaseRow, person: Person, taxonomy: Taxonomy, typed: Mapping[str, Any], errors: Mapping[str, str]
) -> Offers:
    """What ``person`` may do now and the ledger would not refuse.

    Args:
        typed: the form that was refused: ``act`` (its key) and its fields; empty otherwise.
    """

    def offer(act: Act, entry_id: int | None = None) -> Offer:
        key = act.key(entry_id)
        again = typed if typed.get("act") == key else None
        wrong = errors if again is not None else None
        fields = show_fields(act.fields, act.schema, case, taxonomy, typed=again, errors=wrong)
        address = act.path.format(case_id=case.id, entry_id=entry_id)
        return Offer(act, key, address, fields, again is not None)

    open_acts = {act.slug: act for act in ACTS if is_offered(act, case, person, taxonomy)}
    following = [slug for slug in NEXT_ACTS.get(case.state, ()) if slug in open_acts]
    if case.state == "in_handling" and not any(c.struck_on is None for c in case.contacts):
        following.sort(key=lambda slug: slug != "contacts")  # no reply before the deputy was spoken to
    by_place: dict[str, list[Offer]] = {}
    for slug, act in open_acts.items():
        if slug not in following:
            by_place.setdefault(act.place, []).append(offer(act))
    by_entry = {}
    for kind in ENTRIES:
        acts = [act for act in ENTRY_ACTS if act.entry == kind]
        for row in getattr(case, kind):
            found = [a for a in acts if a.holds(row) and may_on_entry(a, case, row, person)]
            if found:
                by_entry[kind, int(row.id)] = [offer(a, row.id) for a in found]
    return Offers([offer(open_acts[slug]) for slug in following], by_place, by_entry)


def is_offered(act: Act, case: CaseRow, person: Person, taxonomy: Taxonomy) -> bool:
    """Whether the state, the record and the person's permissions allow an act on the case."""
    if case.state not in act.states or not act.holds(case):
        return False
    if act.slug == "close" and missing_targets(case, taxonomy):
        return False
    return person.may(act.permission) and person.bound_to in (None, case.section)


def may_on_entry(act: Act, case: CaseRow, row: Any, person: Person) -> bool:
    """A handler acts on the entries of the own section's cases, and answers what it was asked."""
    if not person.may(act.permission):
        return False
    asked = act.entry == "duties" and act.slug == "answer" and row.section == person.bound_to
    return asked or person.bound_to in (None, case.section)
