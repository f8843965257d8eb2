"""docs/ledger.md: written by people, with tables, states, events and addresses filled in from the code.

``python -m service.ledger_document`` brings the generated parts up to date; a test holds the
file against the code.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Column, inspect

from service import api, api_audit, api_files, api_handling, api_ledger, api_merges, api_trainings
from triage.ledger.base import Base
from triage.ledger.events import EVENT_NAMES
from triage.ledger.states import NEXT, STATE_NAMES

DOCUMENT = Path(__file__).parent.parent / "docs" / "ledger.md"


def fill(text: str) -> str:
    """``text`` with each part between ``<!-- name -->`` and ``<!-- end -->`` made anew."""
    for name, make in PARTS.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if len(marked.findall(text)) != 1:
            raise ValueError(f"{DOCUMENT} has no part {name}, or more than one")
        content = "\n".join(make())
        text = marked.sub(lambda found: f"{found[1]}{content}\n{found[2]}", text)  # noqa: B023 - used at once
    return text


def tables() -> Iterator[str]:
    """Each table with its columns."""
    rows = {mapper.class_.__tablename__: mapper.class_ for mapper in Base.registry.mappers}
    for table in Base.metadata.sorted_tables:
        row = rows[table.name]
        said = " ".join((row.__doc__ or "").split())
        yield f"### {table.name}\n\n{said}{'' if row.sealed else ' Not sealed.'}\n"
        yield "| column | type | |"
        yield "|---|---|---|"
        mapper = inspect(row)
        for name, column in mapper.columns.items():
            yield f"| {name} | {_type(column)} | {_notes(column)} |"
        yield ""


def _type(column: Column[object]) -> str:
    kind = type(column.type).__name__
    plain = {"UtcDateTime": "timestamp, UTC", "String": "text", "Text": "text", "LargeBinary": "bytes"}
    found = plain.get(kind, kind.lower())
    return f"{found}, may be empty" if column.nullable else found


def _notes(column: Column[object]) -> str:
    links = [f"→ {key.target_fullname}" for key in column.foreign_keys]
    if column.primary_key and not links:
        links = ["key"]
    return "; ".join([*links, *([column.doc] if column.doc else [])])


def states() -> Iterator[str]:
    """What may follow what."""
    yield "| state | | may become |"
    yield "|---|---|---|"
    for state, name in STATE_NAMES.items():
        following = [other for other in STATE_NAMES if other in NEXT[state]]
        yield f"| `{state}` | {name} | {', '.join(f'`{other}`' for other in following) or 'nothing'} |"


def events() -> Iterator[str]:
    """The kinds of events."""
    yield "| kind | |"
    yield "|---|---|"
    for kind, name in EVENT_NAMES.items():
        yield f"| `{kind}` | {name} |"


def addresses() -> Iterator[str]:
    """The API's addresses."""
    app = FastAPI()
    for module in (api, api_files, api_merges, api_handling, api_ledger, api_audit, api_trainings):
        app.include_router(module.router)
    yield "| | address | |"
    yield "|---|---|---|"
    for path, methods in app.openapi()["paths"].items():
        for method, described in methods.items():
            yield f"| {method.upper()} | `{path}` | {described['summary']} |"


PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "states": states,
    "events": events,
    "addresses": addresses,
    "tables": tables,
}


def main() -> int:
    """Write the file where it differs."""
    before = DOCUMENT.read_text(encoding="utf-8")
    after = fill(before)
    if after != before:
        DOCUMENT.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
