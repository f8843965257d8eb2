"""Another model version made to serve, or the one before: on record with who and why.

The ledger decides what serves. Its event is committed first, the pointer in ``models/`` moved then; where a
kill or a restored backup leaves the two apart, ``reconcile`` brings the pointer after the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from triage.champions import DUTIES_ONLY
from triage.desk import Desk
from triage.errors import InputError, NotFound
from triage.ledger.events import add_event
from triage.ledger.model_versions import add_model_version, knows_version
from triage.ledger.tables import EventRow
from triage.ledger.texts import check_who, check_why
from triage.registry import Manifest, Registry
from triage.taxonomy import TARGET_NAMES, TARGETS


def needs_reason(manifest: Manifest) -> bool:
    """Whether the gate kept the version back, so that a person who lets it serve says why."""
    return manifest.metrics.get("promote") is False


def promote_version(desk: Desk, target: str, version: str, *, who: str, why: str = "") -> None:
    """Make ``version`` serve.

    Raises:
        NotFound, ModelRefused: there is none, or it does not pass its check; nothing was changed.
        InputError: the gate kept it back, and no reason is given for letting it serve all the same.
    """
    who, why = check_who(who), check_why(why)
    reconcile(desk)
    manifest = desk.registry.manifest(target, version)
    if needs_reason(manifest) and not why:
        raise InputError("这个版本没有通过比较,要启用请写明理由。", field="why")
    desk.registry.load(target, version)
    enter_version(desk, manifest, promote=True, previous=desk.registry.champion(target), who=who, why=why)


def enter_version(
    desk: Desk, manifest: Manifest, *, promote: bool, previous: str | None, who: str, why: str
) -> None:
    """Put a version on record, unless it is, and let it serve or say that it was kept back."""
    target, version = manifest.target, manifest.version
    with desk.ledger.write() as session:
        if not knows_version(target, version, session=session):
            add_model_version(manifest, who=who, session=session)
        add_event(
            "model_promoted" if promote else "model_kept",
            who=who,
            session=session,
            target=target,
            version=version,
            previous=previous,
            why=why,
        )
    if promote:  # after the commit: where the two part, the ledger counts
        desk.registry.promote(target, version)


def roll_back(desk: Desk, target: str, *, who: str, why: str = "") -> str:
    """Return to what served before, the duties alone if nothing else did, and name it.

    Raises:
        NotFound, ModelRefused: nothing served, or it does not pass its check; nothing was changed.
    """
    who, why = check_who(who), check_why(why)
    reconcile(desk)
    with desk.ledger.read() as session:
        decided = champions_on_record(session=session).get(target)
    # not the pointer's list: it leaves out what is not on this machine
    names = desk.registry.champions(target) if decided is None else decided
    if not names:
        raise NotFound(f"{TARGET_NAMES[target]}没有现用模型可以退回。")
    version = names[-2] if len(names) > 1 else DUTIES_ONLY
    if version != DUTIES_ONLY:
        desk.registry.load(target, version)
    with desk.ledger.write() as session:
        add_event(
            "model_rolled_back",
            who=who,
            session=session,
            target=target,
            version=version,
            previous=names[-1],
            why=why,
        )
    reconcile(desk)
    return version


def reconcile(desk: Desk) -> list[str]:
    """Point each target to what the ledger says serves; the targets for which that was another one.

    A target of which the ledger has no such event is left alone. So is one whose version is not on
    this machine, or not whole while somebody is copying it here: ``champions.problems()`` says so.
    """
    with desk.ledger.read() as session:
        moved, desk.champions.lacking = point_to_record(desk.registry, session=session)
    return moved


def point_to_record(registry: Registry, *, session: Session) -> tuple[list[str], dict[str, str]]:
    """As ``reconcile``, where there is no desk yet; also the targets whose version is lacking, with it."""
    moved, lacking = [], {}
    for target, names in champions_on_record(session=session).items():
        there = [name for name in names if registry.has(target, name)]
        if there == registry.champions(target) and there[-1:] == names[-1:]:
            continue
        if not names or registry.is_whole(target, names[-1]):
            registry.point(target, there)
            moved.append(target)
        else:
            lacking[target] = names[-1]
    return moved, lacking


def champions_on_record(*, session: Session) -> Mapping[str, Sequence[str]]:
    """Target to the versions that were let serve and not rolled back, the present one last."""
    events = session.scalars(
        select(EventRow)
        .where(EventRow.kind.in_(("model_promoted", "model_rolled_back")))
        .order_by(EventRow.id)
    )
    names: dict[str, list[str]] = {}
    for event in events:
        target, version = event.detail["target"], event.detail["version"]
        if target not in TARGETS:
            continue
        own = names.setdefault(target, [])
        if event.kind == "model_promoted":
            if own[-1:] != [version]:  # or one step back would lead to itself
                own.append(version)
        else:
            while own and own[-1] != version:
                own.pop()
            if not own and version != DUTIES_ONLY:  # one that served before events were kept
                own.append(version)
    return names
