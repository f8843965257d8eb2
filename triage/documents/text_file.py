"""Plain text as lines."""

from __future__ import annotations

from triage.documents.blocks import Document, Line


def read_text(text: str) -> Document:
    """Each line that is not empty, a form feed being a line end as well."""
    return Document(tuple(Line(line.strip()) for line in text.splitlines() if line.strip()))
