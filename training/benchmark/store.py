"""Results as JSON lines: appended as they come, so that an interrupted run goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """One system on one split.

    Attributes:
        kind: "quality" or "speed".
        split, code: fingerprints; a result counts only where both are today's.
        seconds: how long it took, learning and answering together.
    """

    kind: str
    system: str
    part: str
    key: str
    split: str
    code: str
    seconds: float
    figures: dict[str, Any]


class Store:
    """The file of results."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[tuple[str, str, str, str], Result] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    self._keep(Result(**json.loads(line)))
                except (json.JSONDecodeError, TypeError):
                    continue  # cut off in the middle of writing: it will be measured again

    def find(self, kind: str, system: str, split: str, code: str) -> Result | None:
        """The result of that system, split and code, if there is one."""
        return self._known.get((kind, system, split, code))

    def add(self, result: Result) -> None:
        """Keep one more, on disk at once."""
        self._keep(result)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+", encoding="utf-8") as file:
            if file.tell() and not self._path.read_bytes().endswith(b"\n"):
                file.write("\n")
            file.write(json.dumps(asdict(result), ensure_ascii=False) + "\n")

    def _keep(self, result: Result) -> None:
        self._known[result.kind, result.system, result.split, result.code] = result
