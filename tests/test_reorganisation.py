"""A section of the sample office split in two: what the years before are still worth."""

from __future__ import annotations

from training.measure_reorganisation import read_office, split_in_two
from triage.encoder import get_encoder
from triage.reading import RememberingReader
from triage.text import get_segmenter


def test_a_split_section_is_known_on_its_first_day_and_better_than_starting_over() -> None:
    taxonomy, cases = read_office()
    assert len(cases) == 272
    reader = RememberingReader(get_segmenter(taxonomy.terms()), get_encoder("none"))
    found = split_in_two(("能源科", "资源节约和环境保护科"), taxonomy, cases, reader)
    first = found["first day, bridge"]
    assert first.own_right / first.own > 0.8
    assert first.all_right > found["first day, starting over"].all_right
    assert found["year's end, mapped"].all_right > found["year's end, starting over"].all_right
