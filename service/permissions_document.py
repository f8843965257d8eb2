"""docs/permissions.md: who may do what, made from the table that lets people in.

``python -m service.permissions_document`` writes it; a test holds it against the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from service.permissions import NEEDS, Need
from service.roles import PERMISSION_NAMES, ROLE_PERMISSIONS, SCOPES
from triage.ledger.accounts import ROLE_NAMES

DOCUMENT = Path(__file__).parent.parent / "docs" / "permissions.md"
_HANDLER = {"no": "", "case": "own section's", "duty": "own duty", "list": "own section's", "all": "yes"}


def lines() -> Iterator[str]:
    """The document, line by line."""
    yield "# Who may do what\n"
    yield "Made from service/permissions.py by `python -m service.permissions_document`; a test tries every"
    yield "address as every role and as nobody. An account may have several roles. Whoever is a handler"
    yield "(科室经办) and nothing else sees and acts on the cases of the own section only: those that it"
    yield "handles, assists with, or answers merged with one of its own; it acts on those that it handles and on its own duties.\n"
    yield "Without an account or token only the sign-in pages, `/static/` , `/healthz` and `/readyz` answer."
    yield "`/metrics` answers this machine as well, unless a proxy passes the request on for somebody else."
    yield "A browser's session may read the API, not write through it; a program's token reaches the API and `/metrics` only.\n"
    yield "## Permissions\n"
    yield f"| | | {' | '.join(ROLE_NAMES.values())} | token scope |"
    yield f"|---|---|{'---|' * len(ROLE_NAMES)}---|"
    for permission, name in PERMISSION_NAMES.items():
        has = ["yes" if permission in ROLE_PERMISSIONS[role] else "" for role in ROLE_NAMES]
        yield f"| `{permission}` | {name} | {' | '.join(has)} | {'yes' if permission in SCOPES else ''} |"
    yield "\n## Addresses\n"
    yield f"| address | permission | {' | '.join(ROLE_NAMES.values())} |"
    yield f"|---|---|{'---|' * len(ROLE_NAMES)}"
    for address, need in sorted(NEEDS.items(), key=lambda item: item[0].split(" ")[::-1]):
        writes = address.startswith("POST /api")
        has = ["" if writes else _may(role, need) for role in ROLE_NAMES]
        yield f"| `{address}` | {need.permission} | {' | '.join(has)} |"


def _may(role: str, need: Need) -> str:
    if need.permission not in ROLE_PERMISSIONS[role]:
        return ""
    return _HANDLER[need.own] if role == "handler" else "yes"


def text() -> str:
    return "\n".join(lines()) + "\n"


def main() -> int:
    """Write the file."""
    DOCUMENT.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
