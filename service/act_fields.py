"""The fields of an act's form: as a browser shows them, and what it sends, checked as the API checks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from service.problems import sentence
from triage.errors import InputError
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

Choices = Callable[[CaseRow, Taxonomy], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class FormField:
    """One field: its name in the API's schema, its Chinese label, and how it is typed.

    Attributes:
        choices: of a choice, the values with their names.
        start: what stands in it before anybody typed.
    """

    name: str
    label: str
    kind: Literal["text", "long", "day", "choice"] = "text"
    hint: str = ""
    choices: Choices = field(default=lambda case, taxonomy: ())
    start: Callable[[CaseRow], str] = field(default=lambda case: "")


@dataclass(frozen=True)
class ShownField:
    """A field on a page, with what was typed into it and what is wrong with that."""

    field: FormField
    choices: Sequence[tuple[str, str]]
    value: str
    required: bool
    longest: int | None
    error: str = ""


def show_fields(
    fields: Sequence[FormField],
    schema: type[BaseModel],
    case: CaseRow,
    taxonomy: Taxonomy,
    *,
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> list[ShownField]:
    """The fields as they stand on the page of ``case``.

    Args:
        typed: what a refused form held; None: nobody typed yet.
    """
    shown = []
    for one in fields:
        known = schema.model_fields[one.name]
        value = one.start(case) if typed is None else str(typed.get(one.name, ""))
        longest = next((m.max_length for m in known.metadata if hasattr(m, "max_length")), None)
        shown.append(
            ShownField(
                field=one,
                choices=one.choices(case, taxonomy),
                value=value,
                required=known.is_required(),
                longest=longest,
                error=(errors or {}).get(one.name, ""),
            )
        )
    return shown


def read_fields(
    fields: Sequence[FormField], schema: type[BaseModel], sent: Mapping[str, str], *, who: str
) -> dict[str, Any]:
    """What was sent, by the names of the ledger's arguments.

    Raises:
        InputError: ``errors`` has what is wrong with each field.
    """
    given: dict[str, Any] = {"who": who}
    for one in fields:
        said = sent.get(one.name, "").replace("\r\n", "\n").strip()
        if said or one.kind in ("text", "long"):  # no day, no choice: as if it was not asked
            given[one.name] = said
    labels = {one.name: one.label for one in fields}
    try:
        return schema.model_validate(given).model_dump(exclude_unset=True)
    except ValidationError as error:
        wrong = {str(e["loc"][0]): _told(e, labels) for e in error.errors() if e["loc"]}
    raise InputError("".join(wrong.values()), errors=wrong)


def _told(error: Any, labels: Mapping[str, str]) -> str:
    label = labels.get(str(error["loc"][0]), "")
    if error["type"] in ("missing", "string_too_short"):
        return f"请填写{label}。"
    return f"{label}:{sentence(error)}。"
