"""Model versions that were trained here, with their manifests."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.ledger.events import add_event
from triage.ledger.tables import ModelVersionRow
from triage.registry import Manifest


def recorded_version(target: str, version: str, *, session: Session) -> ModelVersionRow | None:
    """What the record says of a version; None where it says nothing."""
    query = select(ModelVersionRow).where(
        ModelVersionRow.target == target, ModelVersionRow.version == version
    )
    return session.scalar(query)


def knows_version(target: str, version: str, *, session: Session) -> bool:
    """Whether it is on record."""
    return recorded_version(target, version, session=session) is not None


def add_model_version(manifest: Manifest, *, who: str, session: Session) -> ModelVersionRow:
    """Record a trained version and the event of its training."""
    row = ModelVersionRow(
        target=manifest.target,
        version=manifest.version,
        sha256=manifest.sha256,
        manifest=manifest.to_dict(),
    )
    session.add(row)
    add_event(
        "model_trained",
        who=who,
        session=session,
        target=manifest.target,
        version=manifest.version,
        examples=manifest.data.get("examples"),
        metrics=manifest.metrics,
    )
    return row
