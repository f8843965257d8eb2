"""Annif itself, in an environment of its own, asked over a pipe."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from training.benchmark.linear_peers import unit_sums
from training.benchmark.systems import Scores
from training.benchmark.tools import Tools
from triage.errors import InputError

WORKER = Path(__file__).parent / "annif_worker.py"
PYTHON = Path(".venv-annif/bin/python")  # in the checkout; another one by the variable BENCHMARK_ANNIF


def annif_python() -> Path:
    """The interpreter of Annif's environment."""
    own = os.environ.get("BENCHMARK_ANNIF")
    return Path(own) if own else Path(__file__).parents[2] / PYTHON


def lacks_annif() -> str:
    """Where Annif's environment should be, if it is not there; else empty."""
    return "" if annif_python().exists() else f"annif({annif_python()})"


class AnnifPeer:
    """One Annif project. Its scores are no probabilities; they are scaled to sum 1."""

    def __init__(self, tools: Tools, backend: str) -> None:
        self.labels: list[str] = []
        self._tools = tools
        self._backend = backend
        self._folder = tempfile.TemporaryDirectory(prefix="annif")

    def fit(self, texts: Sequence[str], labels: Sequence[str], seed: int) -> None:
        self.labels = sorted(set(labels))
        self._ask(
            do="fit",
            seed=seed,
            labels=len(self.labels),
            texts=[self._tools.words(t) for t in texts],
            truth=[self.labels.index(label) for label in labels],
        )

    def scores(self, texts: Sequence[str]) -> Scores:
        found = self._ask(do="scores", texts=[self._tools.words(t) for t in texts])["scores"]
        return unit_sums(np.array(found, dtype=float).reshape(len(texts), len(self.labels)))

    def _ask(self, **request: Any) -> dict[str, Any]:
        return _worker().ask(folder=self._folder.name, backend=self._backend, **request)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_folder": self._folder.name}

    def __setstate__(self, stored: dict[str, Any]) -> None:
        # a copy: the first one goes when the process that made it ends
        self.__dict__.update(stored)
        self._folder = tempfile.TemporaryDirectory(prefix="annif")
        shutil.copytree(stored["_folder"], self._folder.name, dirs_exist_ok=True)


def annif_version() -> str:
    """Version of the Annif that is asked."""
    return str(_worker().ask(do="version")["version"])


class _Worker:
    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(  # noqa: S603 - our own script
            [str(annif_python()), str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            encoding="utf-8",
        )
        atexit.register(self.close)

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._log.seek(0)
            last = self._log.read().decode("utf-8", "replace").strip().splitlines()[-1:]
            self.close()
            raise InputError(f"Annif 没有回答:{''.join(last) or '进程已退出'}。")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End the process; it ends by itself when nobody can ask any more."""
        with suppress(BrokenPipeError):
            self._process.communicate()
        self._log.close()


@cache
def _worker() -> _Worker:
    return _Worker()
