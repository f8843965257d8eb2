"""The words of a case as numbers."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from triage.bag import bag_of, id_of, rarity_of
from triage.words import BACKGROUND, expected_texts, kind_weight

WORDS = {"停车场": 3, "公示": 1, "投诉": 400}


def test_words_stand_by_rising_number_and_counts_stop_at_255() -> None:
    bag = bag_of(WORDS, {})
    assert bag["id"].tolist() == sorted(id_of(word) for word in WORDS)
    counts = dict(zip(bag["id"].tolist(), bag["count"].tolist(), strict=True))
    assert counts == {id_of("停车场"): 3, id_of("公示"): 1, id_of("投诉"): 255}


def test_a_word_says_whether_it_stands_in_the_title_and_can_name_a_matter() -> None:
    bag = bag_of(WORDS, {"停车场": 1, "公示": 1})
    flags = dict(zip(bag["id"].tolist(), bag["title"].tolist(), strict=True))
    assert flags == {id_of("停车场"): 2, id_of("公示"): 1, id_of("投诉"): 0}


def test_no_words_make_an_empty_bag() -> None:
    assert len(bag_of({}, {})) == 0


def test_rarity_falls_as_more_texts_hold_the_word_and_is_that_of_the_word() -> None:
    bag = bag_of({"停车场": 1}, {})
    found = [float(rarity_of(bag, np.array([texts]), 100)[0]) for texts in (0, 1, 10, 100)]
    assert found == sorted(set(found), reverse=True)
    seen = math.log((100 + BACKGROUND + 1) / (10 + expected_texts("停车场") + 1))
    assert found[2] == pytest.approx(seen * kind_weight("停车场"), abs=1e-5)


def test_a_word_has_the_same_number_in_another_process() -> None:
    asked = "from triage.bag import id_of; print(id_of('停车场'))"
    numbers = {
        subprocess.run(
            [sys.executable, "-c", asked],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[1],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert numbers == {str(id_of("停车场"))}
