"""What the command line shows: tables and progress that know Chinese characters are wide."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """A line for the user."""
    out.print(text)


def warn(text: str) -> None:
    """A line for the user that is no part of the result."""
    err.print(text)


def say_json(value: Any) -> None:
    """JSON for a program, and nothing else on standard output."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headers."""
    table = Table(*headers, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console(highlight=False, markup=False, width=None if out.is_terminal else 160).print(table)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A function (what, done, total) that draws bars on standard error."""
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=False,
    )
    tasks: dict[str, Any] = {}
    with bars:

        def advance(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield advance
