"""Forms of many offices, read field by field and counted against what stands on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from form_layouts import FIELDS, Layout, make_all
from form_layouts_later import LAYOUTS as LATER
from form_score import score

Made = list[tuple[Layout, Path]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Every layout in every format."""
    return make_all(tmp_path_factory.mktemp("forms"))


def _of(made: Made, *suffixes: str) -> Made:
    chosen = [(layout, path) for layout, path in made if path.suffix in suffixes]
    assert chosen
    return chosen


def test_truths_name_known_fields_and_no_blank(made: Made) -> None:
    for layout, _ in made:
        assert set(layout.truth) <= set(FIELDS)
        assert all(layout.truth.values())


def test_word_and_text_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".docx", ".txt"))
    print(result)
    assert result.share >= 0.98, str(result)
    assert result.invented == 0, str(result)


def test_old_word_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".doc"))
    print(result)
    assert result.share >= 0.98, str(result)
    assert result.invented == 0, str(result)


def test_pdf_forms_are_read(made: Made) -> None:
    result = score(_of(made, ".pdf"))
    print(result)
    assert result.share >= 0.98, str(result)
    assert result.invented == 0, str(result)


def test_forms_that_were_drawn_later_are_read(tmp_path: Path) -> None:
    result = score(make_all(tmp_path, LATER))
    print(result)
    assert result.share >= 0.98, str(result)
    assert result.invented == 0, str(result)
