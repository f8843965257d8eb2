"""docs/ledger.md says what the code does."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from service.ledger_document import DOCUMENT, fill
from triage.ledger.events import EVENT_NAMES
from triage.periods import Rules


def test_the_document_is_up_to_date() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert fill(text) == text, "run python -m service.ledger_document"


def test_a_part_that_is_missing_is_an_error() -> None:
    with pytest.raises(ValueError, match="states"):
        fill("# nothing")


def test_every_event_that_its_words_name_is_there() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    states = text[text.index("## States") : text.index("## Deadlines")]
    named = set(re.findall(r"\(`(\w+)`\)", states))
    assert len(named) == 5
    assert named <= set(EVENT_NAMES)


def test_every_rule_is_named() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"`{rule.name}`" in text for rule in fields(Rules))
