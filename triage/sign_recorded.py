"""Signing model versions that the ledger remembers: those from before there were signatures, or after a lost key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from triage.ledger.model_versions import recorded_version
from triage.registry import MANIFEST, MODEL, Registry, read_file
from triage.taxonomy import TARGET_NAMES, TARGETS


@dataclass
class Signed:
    """What became of the versions without a valid signature.

    Attributes:
        versions: those that were signed; refused: a Chinese sentence for each of the others.
    """

    versions: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def sign_recorded(registry: Registry, *, session: Session) -> Signed:
    """Sign every version that is, to the byte, what the ledger says was trained; make the key if there is none.

    A running service takes up what it refused before.

    Raises:
        InputError: the key cannot be used. OSError: a file cannot be written.
    """
    registry.key.make()
    registry.key.check()
    done = Signed()
    for target in TARGETS:
        new = []
        for version in registry.names(target):
            if not registry.is_signed(target, version):
                if why := _sign(registry, target, version, session):
                    done.refused.append(f"{TARGET_NAMES[target]}模型 {version} 没有补签:{why}。")
                else:
                    new.append(version)
        if new and (champions := registry.champions(target)):
            registry.point(target, champions)
        done.versions += new
    return done


def _sign(registry: Registry, target: str, version: str, session: Session) -> str:
    """Why it was not signed; empty where it was."""
    row = recorded_version(target, version, session=session)
    if row is None:
        return "台账里没有训练它的记录"
    folder = registry.folder(target, version)
    content, model = read_file(folder / MANIFEST), read_file(folder / MODEL)
    if content is None or model is None:
        return f"缺少 {MANIFEST} 或 {MODEL}"
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if told != row.manifest or hashlib.sha256(model).hexdigest() != row.sha256:
        return "与台账里训练它的记录不符,可能已损坏或被替换"
    registry.key.write_signature(folder, content)
    return ""
