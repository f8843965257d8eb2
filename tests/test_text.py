"""Text as the models see it: normal forms, frames, masks, words."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from triage.text import (
    MASK,
    Segmenter,
    clean,
    content_hash,
    document,
    get_segmenter,
    mask_private,
    normalise,
    strip_frame,
)

TERMS = ("特色小镇", "物流集散基地", "冷链物流", "5G基站")


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return get_segmenter(TERMS)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("１２３ＡＢＣ（％）", "123ABC(%)"),
        ("停车\u3000场", "停车场"),  # an ideographic space inside a word
        ("a\u00a0b", "a b"),
        ("停\u200b车\ufeff场\x07", "停车场"),
        ("停\x00车", "停车"),
        ("\ud800停车", "停车"),  # a lone surrogate could not be encoded
        ("\ue000停车", "停车"),  # private use: a broken font
        ("停车\r\n场\t费", "停车场费"),
        ("two  \n words", "two words"),
        ("  ", ""),
    ],
)
def test_text_comes_into_one_form(raw: str, wanted: str) -> None:
    assert normalise(raw) == wanted


def test_normalising_twice_changes_nothing() -> None:
    once = normalise("（１）关于\u3000ＸＸ路，  停车\r\n场 parking lot。")
    assert normalise(once) == once


@pytest.mark.parametrize(
    "title",
    [
        "关于规范停车场收费的建议",
        "关于规范停车场收费的提案",
        "关于规范停车场收费的议案",
        "关于规范停车场收费的意见",
        "关于规范停车场收费建议",
        "关于规范停车场收费方面建议",
        "关于规范停车场收费方面的建议",
        "关于规范停车场收费的几点建议",
        "关于规范停车场收费的若干意见",
        "关于规范停车场收费的建议案",
        "关于规范停车场收费的建议书",
        "关于规范停车场收费的建议。",
        "关于规范停车场收费的建议!",
        "  关于规范停车场收费的建议  ",
        "对于规范停车场收费的建议",
        "【重点】关于规范停车场收费的建议",
        "(重点督办)关于规范停车场收费的建议",
        "[B类] 关于规范停车场收费的提案",
        "（重点督办）关于规范停车场收费的建议",
        "关于“规范停车场收费”的建议",
        "关于《规范停车场收费》的建议",
        "关于 规范停车场收费 的建议",
        "规范停车场收费的建议",
        "关于规范停车场收费",
        "规范停车场收费",
    ],
)
def test_the_frame_of_a_title_is_taken_off(title: str) -> None:
    assert strip_frame(clean(title)).strip("“”") == "规范停车场收费"


@pytest.mark.parametrize(
    "title",
    [
        "老小区装桩不能总卡在变压器上",
        "请争取云澜西站多停几趟高铁",
        "村里建议箱没人开",
        "关于的建议",
        "建议",
        "关于",
    ],
)
def test_a_title_without_a_matter_inside_a_frame_stays_whole(title: str) -> None:
    assert strip_frame(title) == title


def test_only_the_outer_frame_goes() -> None:
    assert strip_frame("关于听取群众意见的建议") == "听取群众意见"


@pytest.mark.parametrize(
    "private",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86 13812345678",
        "１３８１２３４５６７８",
        "0731-84512345",
        "(0731)84512345",
        "010-65291234",
        "07318451234",
        "11010519491231002X",
        "11010519491231002x",
        "110105194912310021",
        "110105491231002",
        "6222021234567890123",
        "6222021234567890",
        "6222 0212 3456 7890 123",
        "6222-0212-3456-7890",
        "li.ming_2@rd.yunlan.gov.cn",
        "LIMING@163.COM",
    ],
)
def test_private_data_is_masked_before_it_becomes_a_token(private: str, segmenter: Segmenter) -> None:
    text = document("关于停车的建议", f"请联系李代表,{private},谢谢。")
    assert MASK in text
    assert private.lower() not in text
    assert not any(ch.isdigit() for ch in text)
    assert not any(ch.isascii() and ch.isalpha() for word in segmenter.words(text) for ch in word)
    assert text.startswith("停车。请联系李代表,")
    assert text.endswith(",谢谢。")


def test_private_data_right_against_chinese_characters_is_masked_too() -> None:
    assert clean("电话13812345678转李") == f"电话{MASK}转李"
    assert clean("身份证11010519491231002X号") == f"身份证{MASK}号"
    assert clean("卡号6222021234567890123开户行") == f"卡号{MASK}开户行"


@pytest.mark.parametrize(
    "harmless",
    [
        "2026年",
        "2021-2025年",
        "2026-01-15",
        "20260115",
        "第081号",
        "政发〔2025〕12号",
        "12345热线",
        "3,500,000.00元",
        "1500000000元",
        "1860万元",
        "110千伏",
        "35.6%",
        "123456平方米",
        "8:30-17:30",
        "0.05",
        "2305-430000-04-01-123456",
    ],
)
def test_years_money_and_file_numbers_are_not_masked(harmless: str) -> None:
    assert MASK not in mask_private(normalise(f"计划{harmless}完成"))


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("张××反映", "张某反映"),
        ("张xx反映", "张某反映"),
        ("XX镇村民", "某镇村民"),
        ("ＸＸ公司", "某公司"),
        ("李**家", "李某家"),
        ("xxxx路", "某路"),
        ("exxon加油站", "exxon加油站"),
        ("x光机", "x光机"),
    ],
)
def test_names_that_were_blacked_out_become_somebody(raw: str, wanted: str) -> None:
    assert clean(raw) == wanted


def test_a_document_is_title_and_body_or_either() -> None:
    assert document("关于停车的建议", "收费高。") == "停车。收费高。"
    assert document("", "收费高。") == "收费高。"
    assert document("关于停车的建议", " \n") == "停车"
    assert document("", "") == ""


def test_hashes_tell_where_a_part_ends() -> None:
    assert content_hash("ab", "c") != content_hash("a", "bc")
    assert content_hash("ab") != content_hash("ab", "")
    assert content_hash("停车", "费") == content_hash("停车", "费")
    assert len(content_hash("\ud800")) == 64


def test_terms_of_the_office_are_never_split(segmenter: Segmenter) -> None:
    text = clean("请在板杉镇建物流集散基地和特色小镇，发展冷链物流、５Ｇ基站。")
    words = segmenter.words(text)
    assert {"物流集散基地", "特色小镇", "冷链物流", "5g基站"} <= set(words)
    assert "物流集散基地" not in get_segmenter(()).words(text)


def test_words_leave_out_punctuation_and_bare_numbers(segmenter: Segmenter) -> None:
    assert segmenter.words("。。。,123 2026 %") == []
    assert "".join(segmenter.words("停车,收费!30元")) == "停车收费元"


def test_all_words_also_gives_the_words_inside_long_ones(segmenter: Segmenter) -> None:
    words = segmenter.all_words("物流集散基地")
    assert "物流" in words
    assert "物流集散基地" in words


PLANTED = """
import marshal, os, sys, tempfile, warnings
from pathlib import Path
warnings.simplefilter("ignore")
home = Path(sys.argv[1])
(home / "var").mkdir(parents=True)
elsewhere = home / "elsewhere"
elsewhere.mkdir(mode=0o777)
(home / "var" / "cache").symlink_to(elsewhere)
poison = marshal.dumps(({"停车": 10**9, "收费": 0, "停": 0, "车收": 10**9, "车": 0}, 10**9))
places = [elsewhere / "jieba.cache", Path(tempfile.gettempdir()) / "jieba.cache", Path("jieba.cache").absolute()]
for place in places:
    place.write_bytes(poison)
opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
from triage.config import Settings
from triage.reading import reader_of
words = reader_of(Settings.from_env({"TRIAGE_HOME": str(home)}), "none", ()).segmenter.words("规范停车收费")
assert not [name for name in opened if name.endswith(".cache")], opened
assert [place.read_bytes() == poison for place in places] == [True] * 3
print(words)
import jieba
jieba.setLogLevel(40)
plain = jieba.Tokenizer()
plain.initialize()
assert [name for name in opened if name.endswith("jieba.cache")], "jieba itself would have read it"
assert plain.total == 10**9
"""


def test_a_cache_that_somebody_planted_for_jieba_is_not_read(segmenter: Segmenter, tmp_path: Path) -> None:
    shared = tmp_path / "tmp"
    shared.mkdir(mode=0o777)
    env = {**os.environ, "TMPDIR": str(shared), "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", PLANTED, str(tmp_path / "home")],
        cwd=shared,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == str(get_segmenter(()).words("规范停车收费"))


def test_eight_threads_at_once_get_what_one_gets(segmenter: Segmenter) -> None:
    texts = [f"请在第{i}村建物流集散基地,规范停车场收费,改造农村电网。" * 3 for i in range(40)]
    alone = [segmenter.words(t) for t in texts]
    fresh = Segmenter(TERMS)
    barrier = threading.Barrier(8)

    def cut(_: int) -> list[list[str]]:
        barrier.wait(30)  # all of them meet a segmenter that has loaded nothing yet
        return [fresh.words(t) for t in texts]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(cut, range(8)))
    assert results == [alone] * 8


def test_segmenting_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert Segmenter(TERMS).words("停车收费")
    assert capfd.readouterr() == ("", "")


def test_one_segmenter_for_one_list_of_terms() -> None:
    assert get_segmenter(TERMS) is get_segmenter(TERMS)
