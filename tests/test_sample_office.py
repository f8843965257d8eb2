"""The invented office: enough cases, in form, with known labels, none a copy of another."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pytest

from training import sample_office
from triage.config import Settings
from triage.taxonomy import TARGETS, load_taxonomy
from triage.text import MASK, clean, strip_frame

RESENT = "白鹭乡"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def closed() -> list[dict[str, str]]:
    return read(sample_office.CLOSED_YEAR)


@pytest.fixture(scope="module")
def incoming() -> list[dict[str, str]]:
    return read(sample_office.INCOMING)


Cases = list[dict[str, str]]


def test_there_are_enough_cases(closed: Cases, incoming: Cases) -> None:
    assert len(closed) >= 200
    assert len(incoming) >= 20
    assert len(load_taxonomy(sample_office.OFFICE).section) >= 12


def test_labels_and_result_classes_are_those_of_the_office(closed: Cases) -> None:
    taxonomy = load_taxonomy(sample_office.OFFICE)
    for target in TARGETS:
        known = {label.name for label in taxonomy.labels(target)}
        assert {r[target] for r in closed} == known  # and every label has an example
        assert {r[target] for r in read(sample_office.INCOMING_LABELS)} <= known
    assert {r["result_class"] for r in closed} <= {c.code for c in taxonomy.result_classes}


def test_every_section_has_a_few_examples(closed: Cases) -> None:
    assert min(Counter(r["section"] for r in closed).values()) >= 5


def test_bodies_are_as_long_as_real_ones(closed: Cases, incoming: Cases) -> None:
    odd = {r["title"]: len(r["body"]) for r in [*closed, *incoming] if not 80 <= len(r["body"]) <= 600}
    assert odd == {}


def test_no_two_cases_have_one_title_or_number(closed: Cases, incoming: Cases) -> None:
    everything = [*closed, *incoming]
    for key in (
        [r["title"] for r in everything],
        [strip_frame(clean(r["title"])) for r in everything],
        [(r["session"], r["number"]) for r in everything],
    ):
        assert [k for k, count in Counter(key).items() if count > 1] == []


def test_no_sentence_was_copied_from_one_body_into_another(closed: Cases, incoming: Cases) -> None:
    where: dict[str, set[str]] = defaultdict(set)
    for row in [*closed, *incoming]:
        for sentence in re.split(r"[。!?!?;;\n]", row["body"]):
            if len(sentence.strip()) >= 20:
                where[sentence.strip()].add(row["title"])
    shared = {s: titles for s, titles in where.items() if len(titles) > 1}
    assert shared  # the resent case is there to be found
    assert {s: t for s, t in shared.items() if not all(RESENT in title for title in t)} == {}


def test_dates_follow_each_other(closed: Cases, incoming: Cases) -> None:
    for row in closed:
        assert date.fromisoformat(row["received_on"]) <= date.fromisoformat(row["closed_on"]), row["title"]
    assert max(r["received_on"] for r in closed) < min(r["received_on"] for r in incoming)


def test_the_labels_of_the_pile_are_for_the_pile(incoming: Cases) -> None:
    labels = read(sample_office.INCOMING_LABELS)
    names = [(r["session"], r["number"], r["title"]) for r in labels]
    assert names == [(r["session"], r["number"], r["title"]) for r in incoming]


def test_nobody_real_can_be_reached_through_it(closed: Cases, incoming: Cases) -> None:
    assert [r["title"] for r in [*closed, *incoming] if MASK in clean(r["title"] + r["body"])] == []


def test_an_office_that_has_a_taxonomy_keeps_it(settings: Settings) -> None:
    sample_office.install_office(settings)
    assert load_taxonomy(settings.taxonomy_path).invented
    settings.taxonomy_path.write_text('[office]\nname = "本单位"\n', encoding="utf-8")
    sample_office.install_office(settings)
    assert load_taxonomy(settings.taxonomy_path).office == "本单位"
