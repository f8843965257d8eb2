"""Documents as congresses and conferences write them, and what a reader must find in each.

The places, people and figures in them are invented.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from form_layout import Layout
from form_layouts_conference import CONFERENCE
from form_layouts_letters import LETTERS
from form_layouts_lines import LINES
from form_layouts_tables import TABLES

__all__ = ["FIELDS", "LAYOUTS", "Layout", "make_all"]

FIELDS = (
    "number",
    "session",
    "kind",
    "title",
    "body",
    "deputy",
    "cosigners",
    "delegation",
    "phone",
    "proposed_unit",
    "lead_unit",
    "received_on",
)
LAYOUTS: list[Layout] = [*TABLES, *LINES, *LETTERS, *CONFERENCE]


def make_all(folder: Path, layouts: Sequence[Layout] = LAYOUTS) -> list[tuple[Layout, Path]]:
    """Writes every layout's files into the folder, the further formats by one office call each."""
    made: list[tuple[Layout, Path]] = []
    wanted: dict[str, list[tuple[Layout, Path]]] = {}
    for place, layout in enumerate(layouts, start=1):
        path = folder / f"{place:02}{layout.suffix}"
        layout.make(path)
        made.append((layout, path))
        for suffix in layout.convert:
            wanted.setdefault(suffix, []).append((layout, path))
    for suffix, sources in wanted.items():
        _convert([path for _, path in sources], suffix, folder)
        made += [(layout, path.with_suffix(f".{suffix}")) for layout, path in sources]
    missing = [path.name for _, path in made if not path.is_file()]
    if missing:
        raise RuntimeError(f"not written: {', '.join(missing)}")
    return made


def _convert(paths: list[Path], suffix: str, folder: Path) -> None:
    subprocess.run(
        [
            "soffice",
            f"-env:UserInstallation={(folder / 'profile').resolve().as_uri()}",
            "--headless",
            "--convert-to",
            suffix,
            "--outdir",
            str(folder),
            *(str(path) for path in paths),
        ],
        check=True,
        capture_output=True,
        timeout=600,
    )
