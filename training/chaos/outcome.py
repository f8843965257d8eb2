"""What came of one fault on one database, and the table of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

COLUMNS = (
    *("fault", "database", "tries", "acknowledged", "lost", "wrongly refused", "refused in words"),
    *("served again s", "longest answer s", "verify"),
)
WORDS = re.compile(r"[\u4e00-\u9fff]{4}")


@dataclass
class Outcome:
    """A row of the table.

    Attributes:
        tries: how often the fault was made.
        acknowledged: requests that wrote and were told so.
        lost: what the ledger held otherwise than was told, in words.
        wrong: answers that no fault explains, or without a sentence, in words.
        in_words: answers 503 or 507 with a Chinese sentence.
        back: seconds of each try until a write was acknowledged again.
        longest: seconds of the longest answer.
        verify: whether ``triage verify`` found the chain whole, each time it was asked.
        notes: what else is worth telling.
    """

    fault: str
    database: str
    tries: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    in_words: int = 0
    back: list[float] = field(default_factory=list)
    longest: float = 0.0
    verify: list[bool] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def is_good(self) -> bool:
        return not self.lost and not self.wrong and all(self.verify)

    def row(self) -> Sequence[str]:
        """One cell for each of COLUMNS."""
        if self.skipped:
            return (self.fault, self.database, "0", *[""] * 6, f"skipped: {self.skipped}")
        verify = f"{sum(self.verify)} of {len(self.verify)} clean" if self.verify else ""
        counts = (self.tries, self.acknowledged, len(self.lost), len(self.wrong), self.in_words)
        return (
            self.fault,
            self.database,
            *map(str, counts),
            _spread(self.back),
            f"{self.longest:.1f}",
            verify,
        )


def _spread(seconds: Sequence[float]) -> str:
    """Median and largest."""
    if not seconds:
        return ""
    ranked = sorted(seconds)
    return f"{ranked[len(ranked) // 2]:.1f}, at most {ranked[-1]:.1f}"


def table(outcomes: Sequence[Outcome]) -> str:
    """As Markdown, with what went wrong and the notes below."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(outcome.row()) + " |" for outcome in outcomes]
    for outcome in outcomes:
        name = f"{outcome.fault}, {outcome.database}"
        lines += [f"LOST: {name}: {what}" for what in outcome.lost[:20]]
        lines += [f"WRONG: {name}: {what}" for what in outcome.wrong[:20]]
        lines += [f"note: {name}: {what}" for what in outcome.notes]
    return "\n".join(lines)
