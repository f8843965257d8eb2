"""The sample office: invented sections, a closed year and an incoming pile."""

from __future__ import annotations

import shutil
from pathlib import Path

from triage.config import Settings

FOLDER = Path(__file__).parent
CLOSED_YEAR = FOLDER / "closed_year.csv"
INCOMING = FOLDER / "incoming.csv"
INCOMING_LABELS = FOLDER / "incoming_labels.csv"
OFFICE = FOLDER / "office.toml"
HOLIDAYS = FOLDER / "holidays.csv"


def install_office(settings: Settings) -> None:
    """Put the sample taxonomy where the settings expect the office's, unless one is there."""
    if not settings.taxonomy_path.exists():
        settings.taxonomy_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(OFFICE, settings.taxonomy_path)
