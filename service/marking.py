"""A text in pieces, with words marked: the evidence of each target, or what another text says too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from triage.ledger.tables import PredictionRow
from triage.taxonomy import TARGETS
from triage.words import is_place, kind_weight

WORDS_A_TARGET = 6
TELLING = 0.21


def evidence_words(prediction: PredictionRow) -> list[str]:
    """The words to mark: key terms that stand in the text, then the strongest words.

    Place names and small words (他们, 今年) may well have moved the score, and the list of
    evidence says so; marked in the text they would only distract.
    """
    words = [str(w["word"]) for w in prediction.evidence.get("words", [])]
    telling = [w for w in words if len(w) > 1 and kind_weight(w) >= TELLING and not is_place(w)]
    found = [*prediction.evidence.get("duty_terms", []), *telling]
    return list(dict.fromkeys(found))[:WORDS_A_TARGET]


def mark(text: str, predictions: Sequence[PredictionRow]) -> list[tuple[str, str]]:
    """Pieces of ``text`` in order, each with the target whose evidence it is, or "".

    A word that speaks for several targets is marked for the first of TARGETS.
    """
    owner: dict[str, str] = {}
    newest = {p.target: p for p in predictions}
    for target in TARGETS:
        for word in evidence_words(newest[target]) if target in newest else []:
            owner.setdefault(word.lower(), target)
    return mark_words(text, owner)


def mark_words(text: str, owner: Mapping[str, str]) -> list[tuple[str, str]]:
    """Pieces of ``text`` in order, each with what ``owner`` says of it (words in lower case), or "".

    Where one word stands inside another, the longer one is marked.
    """
    if not owner:
        return [(text, "")]
    longest_first = sorted(owner, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    pieces: list[tuple[str, str]] = []
    at = 0
    for found in pattern.finditer(text):
        if found.start() > at:
            pieces.append((text[at : found.start()], ""))
        pieces.append((found.group(), owner.get(found.group().lower(), "")))
        at = found.end()
    if at < len(text):
        pieces.append((text[at:], ""))
    return pieces
