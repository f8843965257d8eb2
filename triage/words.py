"""How much a shared word says about the matter: rarity in Chinese at large and in the office.

A file of nine titles has no document frequencies worth the name, so jieba's dictionary
(word frequencies and parts of speech from a large corpus) stands in for BACKGROUND
texts; the office's own texts count beside them and win as they grow.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache

import jieba

from triage.text import Segmenter

BACKGROUND = 200  # texts that the dictionary's frequencies weigh
WORDS_A_TEXT = 300

# Words that frame a request or name the instrument, not the matter.
FRAMING = frozenset(
    [
        "关于",
        "建议",
        "提案",
        "议案",
        "请求",
        "希望",
        "恳请",
        "呼吁",
        "问题",
        "方面",
        "工作",
        "进一步",
        "加快",
        "加大",
        "加强",
        "大力",
        "力度",
        "推进",
        "推动",
        "促进",
        "完善",
        "规范",
        "健全",
        "提升",
        "提高",
        "优化",
        "尽快",
        "积极",
        "争取",
        "支持",
        "设立",
        "建设",
        "发展",
        "做大",
        "做强",
        "解决",
        "管理",
        "监管",
        "收费",
        "价格",
        "标准",
        "项目",
        "产业",
        "企业",
        "规划",
        "政府",
        "机构",
        "服务",
        "市场",
        "资金",
        "试点",
        "特色",
        "我市",
        "我县",
        "全市",
        "市里",
    ]
)
_PLACE = re.compile(r"[省市县区镇乡村]$")
_LETTER = re.compile(r"[^\W\d_]")


@lru_cache(maxsize=1)
def _dictionary() -> tuple[dict[str, tuple[int, str]], int]:
    entries: dict[str, tuple[int, str]] = {}
    same: dict[tuple[int, str], tuple[int, str]] = {}  # 349,000 words, 17,000 different pairs: 28 MB less
    with jieba.get_dict_file() as file:
        for line in file:
            word, frequency, *tag = line.decode("utf-8").split()
            pair = int(frequency), tag[0] if tag else "n"
            entries[word] = same.setdefault(pair, pair)
    return entries, sum(frequency for frequency, _ in entries.values())


def _entry(word: str) -> tuple[int, str]:
    return _dictionary()[0].get(word, (3, "n"))


def general_rarity(word: str) -> float:
    """How rare a word is in Chinese at large: -ln of its share of the dictionary's counts, 2 to about 17."""
    entries, total = _dictionary()
    return math.log(total / (entries.get(word, (0, ""))[0] + 3))


def is_known(word: str) -> bool:
    """Whether the dictionary has the word; the segmenter also guesses words (黑到, 得动)."""
    return word in _dictionary()[0]


def is_place(word: str) -> bool:
    """Whether the word names a place: 柳塘镇 does, 特色小镇 and 开发区 do not."""
    known = _dictionary()[0]
    if word in known:
        return known[word][1].startswith("ns")
    return len(word) > 1 and bool(_PLACE.search(word)) and word[-2:] not in known


def is_matter_noun(word: str) -> bool:
    """Whether the word can name what is asked for: a noun, no place, person or framing."""
    tag = _entry(word)[1]
    return tag[0] in "nlijz" and tag not in ("ns", "nr", "nt") and word not in FRAMING and not is_place(word)


@lru_cache(maxsize=200_000)
def kind_weight(word: str) -> float:
    """Nouns count whole, verbs and adjectives 0.4, the rest 0.15; times general rarity, 0 to 1."""
    frequency, tag = _entry(word)
    _, total = _dictionary()
    rarity = math.log(total / max(1, frequency)) / math.log(total / 3)
    if tag[0] in "ucpmrqtfxyo":
        part = 0.15
    elif tag[0] in "vad" and tag != "an":
        part = 0.4
    else:
        part = 1.0
    return part * min(1.0, rarity)


def expected_texts(word: str) -> float:
    """In how many of BACKGROUND texts of Chinese at large the word would stand."""
    frequency, _ = _entry(word)
    return BACKGROUND * min(1.0, frequency / _dictionary()[1] * WORDS_A_TEXT)


def matter_words(text: str, segmenter: Segmenter) -> Counter[str]:
    """Counts of the words of a cleaned text that may show a shared matter.

    Long words come with the words inside them (物流集散基地 also gives 物流), because two
    deputies rarely choose the same compound.
    """
    return Counter(
        w for w in segmenter.all_words(text) if len(w) > 1 and w not in FRAMING and _LETTER.search(w)
    )
