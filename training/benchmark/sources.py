"""Which code a result came from."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from training.benchmark.annif_peer import annif_version

ROOT = Path(__file__).parents[2]
OURS = ("training", "triage")


@cache
def reached(module: str) -> tuple[str, ...]:
    """Files of ``module`` and of everything of ours that it imports, from the checkout's root."""
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = ROOT / (name.replace(".", "/") + ".py")
        if name in found or name.split(".")[0] not in OURS or not path.is_file():
            continue
        found[name] = path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in found.values()))


def fingerprint(sources: Sequence[str], packages: Sequence[str]) -> str:
    """Changes with the text of the files and with the versions of the packages."""
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.encode() + b"\0" + (ROOT / source).read_bytes() + b"\0")
    for package in sorted(packages):
        digest.update(f"{package}=={_version(package)}\0".encode())
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return annif_version() if package == "annif" else ""
