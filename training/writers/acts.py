"""What a writer did and what it was told: the log that the ledger is held against afterwards."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

UNKNOWN = "/problems/outcome-unknown"
# told that nothing was written
REFUSED = ("/problems/ledger-busy", "/problems/disk-full", "/problems/ledger-unwritable")
REASONS = ("state", "missing", "merge_id")  # what a 409 of another kind carries one of


@dataclass(eq=False)
class Act:
    """One request that writes, with its answer.

    Attributes:
        kind: intake, decide, decide unseen, close or merge.
        mark: in the text of this act and of no other.
        sent: what was sent; ``key`` of an intake: its Idempotency-Key.
        seen: the version that was sent along.
        status: 0 where no answer came.
        began, ended: seconds of the monotonic clock.
        answers: each time it was sent, status, words and seconds.
    """

    kind: str
    who: str
    mark: str
    sent: dict[str, Any]
    case_id: int = 0
    seen: int | None = None
    key: str = ""
    status: int = 0
    answer: dict[str, Any] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    answers: list[tuple[int, str, float]] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.status in (200, 201)

    @property
    def is_refused(self) -> bool:
        """Told that nothing was written."""
        return self.status == 409 or self.problem in REFUSED

    @property
    def is_unknown(self) -> bool:
        """Not told whether it was written."""
        return self.status == 0 or self.problem == UNKNOWN

    @property
    def problem(self) -> str:
        return str(self.answer.get("type", "")) if self.status >= 500 else ""

    def fault(self) -> str:
        """What is wrong with the answer, where nothing was killed meanwhile; empty where it is in order."""
        if self.is_done:
            return ""
        if self.status == 409:
            if any(self.answer.get(name) for name in ("changes", *REASONS)):
                return ""
            return f"409 without what changed: {self.answer}"
        return f"{self.status} {self.answer.get('type', '')} {self.answer.get('detail', '')}"

    @property
    def is_excused(self) -> bool:
        """An answer that a fault under way explains."""
        return self.is_unknown or self.problem in REFUSED


class Board:
    """The cases that writers know of, newest last, with the version each was last told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cases: dict[int, dict[str, Any]] = {}
        self._closed: set[int] = set()

    def put(self, case: dict[str, Any]) -> None:
        """A case as the service told it; older news of it are not taken."""
        with self._lock:
            known = self._cases.get(case["id"])
            if known is None or known["version"] <= case["version"]:
                self._cases[case["id"]] = case
            if case["state"] == "closed":
                self._closed.add(case["id"])

    def open(self, newest: int) -> Sequence[dict[str, Any]]:
        """The newest open cases."""
        with self._lock:
            found = [c for i, c in reversed(self._cases.items()) if i not in self._closed]
        return found[:newest]

    def complete(self) -> Sequence[dict[str, Any]]:
        """Open cases of which everything is decided, as far as was told."""
        return [case for case in self.open(200) if len(case["labels"]) == 3]
