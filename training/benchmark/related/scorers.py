"""What finds related texts: something that reads a pool once and scores it for one of its texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from training.benchmark.related.figures import Scores
from training.benchmark.tools import Tools
from triage.documents.rows import Row


class PairScorer(Protocol):
    """One system on one pool."""

    def fit(self, rows: Sequence[Row]) -> None:
        """Read the whole pool, n rows."""

    def scores(self, query: int) -> Scores:
        """How near each row is to row ``query``, shape (n,), higher = nearer; 0 = not listed.

        What stands at ``query`` itself is not looked at.
        """


@dataclass(frozen=True)
class Context:
    """What systems work with.

    Attributes:
        threshold: pair score from which our search proposes a relation, 0 to 1.
        out: the folder of results; our answers are kept there, so that a later run need not search again.
    """

    tools: Tools
    threshold: float
    out: Path


@dataclass(frozen=True)
class RelatedSystem:
    """One line of the tables.

    Attributes:
        name: short, as it is chosen on the command line.
        says: what it is, in one line.
        parts: in which it is measured.
        sources: files of ours whose text decides its results, from the checkout's root.
        packages: distributions whose versions do.
        missing: what is not installed, or empty.
        optional: left out with a note where something is missing, instead of refusing to run.
    """

    name: str
    says: str
    make: Callable[[Context], PairScorer]
    parts: tuple[str, ...]
    sources: tuple[str, ...]
    packages: tuple[str, ...]
    missing: Callable[[], str] = lambda: ""
    optional: bool = False
