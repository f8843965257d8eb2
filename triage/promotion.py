"""Another model version made to serve, or the one before: on record with who and why."""

from __future__ import annotations

from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.events import add_event
from triage.ledger.texts import check_who, check_why
from triage.registry import Manifest


def needs_reason(manifest: Manifest) -> bool:
    """Whether the gate kept the version back, so that a person who lets it serve says why."""
    return manifest.metrics.get("promote") is False


def promote_version(desk: Desk, target: str, version: str, *, who: str, why: str = "") -> None:
    """Make ``version`` serve.

    Raises:
        NotFound, ModelRefused: there is none, or it does not pass its check; nothing was changed.
        InputError: the gate kept it back, and no reason is given for letting it serve all the same.
    """
    who, why, before = check_who(who), check_why(why), desk.registry.champion(target)
    if needs_reason(desk.registry.manifest(target, version)) and not why:
        raise InputError("这个版本没有通过比较,要启用请写明理由。", field="why")
    with desk.ledger.write() as session:
        add_event(
            "model_promoted",
            who=who,
            session=session,
            target=target,
            version=version,
            previous=before,
            why=why,
        )
        desk.registry.promote(target, version)


def roll_back(desk: Desk, target: str, *, who: str, why: str = "") -> str:
    """Return to the version that served before and name it.

    Raises:
        NotFound, ModelRefused: there is none, or it does not pass its check; nothing was changed.
    """
    who, why, before = check_who(who), check_why(why), desk.registry.champion(target)
    with desk.ledger.write() as session:
        version = desk.registry.rollback(target)
        add_event(
            "model_rolled_back",
            who=who,
            session=session,
            target=target,
            version=version,
            previous=before,
            why=why,
        )
    return version
