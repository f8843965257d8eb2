"""Flags on intake: not this office's matter, several matters in one, too little said.

All work on words and characters alone: nothing is encoded, and they are the same with any
encoder. Each has one score, higher being more suspicious, and one threshold. The threshold is
learned on the office's own closed cases, scored by models that had not seen them, so that at
most FALSE_ALARMS of them would have been flagged; where there are too few, DAY_ONE holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from triage.duties import phrases
from triage.matters import CANNOT, GRAM, MatterModel, Split, title_of
from triage.reading import Readings
from triage.taxonomy import Label, load_taxonomy
from triage.text import Segmenter
from triage.tfidf import count, gram_counter, rarity_of, weigh

FLAG_NAMES = {
    "not_ours": "疑似不属本单位职责",
    "several_matters": "多事一议",
    "too_short": "内容过短",
}
FALSE_ALARMS = 0.05  # share of the office's own closed cases that one flag may be raised on
FEWEST = 40  # closed cases below which the day-one thresholds hold
MOST = 1000  # closed cases that are learned from, the latest: more cost time and change little
# what FALSE_ALARMS gives on the sample office's cases with a model from duties alone
DAY_ONE = {"not_ours": 0.66, "several_matters": 0.6}
ENOUGH = 1.0  # content that a text must have, see _content
NEAREST = 3  # phrases whose mean similarity says how well a text fits
TITLE_WEIGHT = 0.7  # of a closed case's title beside a phrase of the duties
SAME_MATTER = 0.5  # similarity to an own phrase from which another department's is no contrast
FITS_NOTHING = 0.1  # keeps a text that is near to nothing from being near to us
EXCERPT = 18  # characters of a part that the reason quotes

# what a suggestion can be full of without naming a matter
_FRAME = (
    "建议 提案 议案 意见 希望 请求 恳请 恳求 盼望 期盼 呼吁 要求 请问 咨询 反映 反应 投诉 举报 求助 帮助 帮忙 "
    "解决 解决问题 处理 办理 答复 回复 落实 关注 重视 支持 问题 情况 事情 此事 这事 这个 这件 那个 事项 事宜 有关 相关 "
    "关于 部门 领导 政府 上级 单位 群众 百姓 老百姓 人民 大家 我们 你们 他们 自己 谢谢 感谢 尊敬 您好 你好 尽快 "
    "尽早 早日 及时 马上 加强 加快 进一步 一下 什么 怎么 怎样 如何 为什么 可以 能够 能否 是否 没有 不能 需要 "
    "应该 已经 现在 一直 至今 再次 非常 十分 很多 许多 方面 工作 内容 如题 标题 附件 详见 详情 正文 代表 委员 市里 "
    "我市 本市 本人 核实 调查 研究 考虑 改善 改进 提高 推动 推进 做好 切实 真正 如上 以上 如下 以下 上述 一些 "
    "一个 一件 几点 若干 予以 给予 给个 说法 办法 时候 完善 存在 长期 多年 严重 强烈"
)
_FRAME_WORDS = frozenset(_FRAME.split())

Scores = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Flag:
    """One flag on one suggestion.

    Attributes:
        kind: a key of FLAG_NAMES.
        score: how suspicious, on the flag's own scale.
        reason: one Chinese sentence with the evidence.
    """

    kind: str
    score: float
    reason: str

    @property
    def name(self) -> str:
        return FLAG_NAMES[self.kind]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@cache
def other_departments() -> tuple[Label, ...]:
    """What other departments of a local government commonly do, to compare with."""
    return load_taxonomy(Path(__file__).parent / "departments.toml").section


class FlagModel:
    """Flags for one office. ``state`` is a plain dict, fit for joblib."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.state = state
        self.matters = MatterModel(state["matters"])
        self._known_words = frozenset(state["known_words"])

    @classmethod
    def fit(
        cls, labels: Sequence[Label], texts: Readings, truth: NDArray[np.int_], segmenter: Segmenter
    ) -> FlagModel:
        """Learn from the labels' duties and n closed cases, oldest first; either may be missing.

        Args:
            labels: the labels in use (the sections).
            texts: the closed cases.
            truth: index of each case's label, shape (n,).
        """
        texts, truth = _latest(texts), np.asarray(truth, dtype=int)[-MOST:]
        own = [(k, phrase) for k, label in enumerate(labels) for phrase in phrases(label)]
        others = [(d.name, term) for d in other_departments() for term in d.terms]
        said, elsewhere = [phrase for _, phrase in own], [term for _, term in others]
        titles = [title_of(texts, i) or texts.documents[i] for i in range(len(texts))]
        # of phrases alone: what else a text says must not change how it compares
        contrast = gram_counter(GRAM).fit(said + elsewhere)
        rarity = rarity_of(count(contrast, said + elsewhere))
        own_grams, other_grams, title_grams = (
            weigh(count(contrast, own_texts), rarity) for own_texts in (said, elsewhere, titles)
        )
        foreign = (own_grams @ other_grams.T).toarray().max(axis=0, initial=0.0) < SAME_MATTER
        matters, unseen = MatterModel.fit(own, elsewhere, texts, truth)
        state = {
            "labels": [label.name for label in labels],
            "own": own,
            "others": [pair for pair, keep in zip(others, foreign, strict=True) if keep],
            "contrast": contrast,
            "rarity": rarity,
            "own_grams": own_grams.T.tocsr(),
            "other_grams": other_grams[np.flatnonzero(foreign)].T.tocsr(),
            "title_grams": title_grams.T.tocsr(),
            "known_words": sorted({w for p in said + elsewhere for w in segmenter.words(p) if len(w) > 1}),
            "matters": matters.state,
        }
        model = cls(state)
        state["thresholds"] = {
            "not_ours": _threshold("not_ours", model.not_ours(texts, leave_out=True)[0]),
            "several_matters": _threshold("several_matters", unseen[unseen > CANNOT]),
        }
        return model

    def raise_flags(self, texts: Readings) -> list[tuple[Flag, ...]]:
        """The flags of n suggestions, in order; mostly none."""
        thresholds = self.state["thresholds"]
        foreign, own, other = self.not_ours(texts)
        found: list[tuple[Flag, ...]] = []
        for i, split in enumerate(self.matters.split(texts)):
            content, words = self._content(texts.words[i])
            flags = []
            if content < ENOUGH:  # nothing else can be said of it
                flags.append(Flag("too_short", ENOUGH - content, _short_reason(words)))
            else:
                if foreign[i] > thresholds["not_ours"]:
                    flags.append(Flag("not_ours", float(foreign[i]), self._foreign_reason(own[i], other[i])))
                if split.score > thresholds["several_matters"]:
                    flags.append(Flag("several_matters", split.score, self._split_reason(split)))
            found.append(tuple(flags))
        return found

    def not_ours(self, texts: Readings, leave_out: bool = False) -> tuple[Scores, Indices, Indices]:
        """How much nearer n texts are to other departments' work than to this office's.

        Args:
            leave_out: the texts are the closed cases themselves; each is scored without its own.

        Returns:
            Scores of shape (n,), 0 to 1, and the index of the nearest own and other phrase.
            All 0 where the labels say nothing of themselves.
        """
        n, state = len(texts), self.state
        if not state["own"]:
            return np.zeros(n), np.zeros(n, dtype=np.intp), np.zeros(n, dtype=np.intp)
        grams = weigh(count(state["contrast"], texts.documents), state["rarity"])
        own, other = (grams @ state["own_grams"]).toarray(), (grams @ state["other_grams"]).toarray()
        cases = TITLE_WEIGHT * (grams @ state["title_grams"]).toarray()
        if leave_out:
            np.fill_diagonal(cases, 0.0)
        here, there = _nearest(np.hstack([own, cases])), _nearest(other)
        return 1 - here / (here + there + FITS_NOTHING), own.argmax(axis=1), other.argmax(axis=1)

    def _content(self, words: str) -> tuple[float, list[str]]:
        """How much a text says: 1 for each word that any department's duties have, 0.5 for others."""
        found = [w for w in dict.fromkeys(words.split()) if len(w) > 1 and w not in _FRAME_WORDS]
        return sum(1.0 if w in self._known_words else 0.5 for w in found), found

    def _foreign_reason(self, own: int, other: int) -> str:
        (label, phrase), (department, term) = self.state["own"][own], self.state["others"][other]
        nearest = f"{self.state['labels'][label]}的“{phrase}”"
        return f"内容更接近{department}的“{term}”,本单位职责中最接近的是{nearest},请核对是否应退回或转办"

    def _split_reason(self, split: Split) -> str:
        (first, second), (a, b) = map(_excerpt, split.parts), (self.state["labels"][k] for k in split.labels)
        return f"前一部分(“{first}”)像{a}的事,后一部分(“{second}”)像{b}的事,请核对是否应分开办理"


def _latest(texts: Readings) -> Readings:
    own = slice(-MOST, None)
    return replace(
        texts,
        documents=texts.documents[own],
        weighed=texts.weighed[own],
        words=texts.words[own],
        vectors=texts.vectors[own],
    )


def _nearest(similarity: NDArray[Any]) -> Scores:
    return np.asarray(np.sort(similarity, axis=1)[:, -NEAREST:].mean(axis=1), dtype=np.float64)


def _threshold(kind: str, scores: Scores) -> float:
    """The score that at most FALSE_ALARMS of the closed cases exceed, where there are enough."""
    if len(scores) < FEWEST:
        return DAY_ONE[kind]
    return float(np.sort(scores)[::-1][int(FALSE_ALARMS * len(scores))])


def _short_reason(words: Sequence[str]) -> str:
    only = f"只有“{'、'.join(words)}”" if words else "只有套话"
    return f"{only},难以判断所提何事,请核对原件或与代表联系"


def _excerpt(part: str) -> str:
    part = part.strip()
    return part if len(part) <= EXCERPT else part[:EXCERPT] + "…"
