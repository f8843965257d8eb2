"""Another model version made to serve, or the one before: on record with who and why."""

from __future__ import annotations

from triage.desk import Desk
from triage.ledger.events import add_event
from triage.ledger.texts import check_who, check_why


def promote_version(desk: Desk, target: str, version: str, *, who: str, why: str = "") -> None:
    """Make ``version`` serve.

    Raises:
        NotFound, ModelRefused: there is none, or it does not pass its check; nothing was changed.
    """
    who, why, before = check_who(who), check_why(why), desk.registry.champion(target)
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
