"""Drift: whether this year's cases, and what became of the recommendations, are as the year before.

Each figure has an interval; where there are too few cases, or the difference may be chance, it says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from training.differences import changed_shares, mean_difference, rate_difference
from training.unknown_words import unknown_against_model, unknown_by_case, words_of_year
from triage.classifier import TargetModel
from triage.desk import Desk
from triage.ledger.tables import CaseRow, DecisionRow, PredictionRow, WithdrawalRow
from triage.ledger.triage_record import triage_record
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy
from triage.text import get_segmenter

LEAST = 20  # on either side; with fewer nothing is said
TOO_FEW = "太少,看不出"
CHANCE = 0.05  # that both years are spread as differently by chance, below which it is called a change


@dataclass(frozen=True)
class Measure:
    """One figure of two years, as the report has it.

    Attributes:
        before, now: with at least n; difference: value, low, high; None where it cannot be said.
        changed: the difference is more than chance; None where nothing can be said.
    """

    key: str
    name: str
    before: dict[str, Any]
    now: dict[str, Any]
    difference: dict[str, float] | None
    changed: bool | None
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        return dict(self.__dict__)


def drift(
    desk: Desk, *, year: int | None = None, models: Mapping[str, TargetModel] | None = None
) -> dict[str, Any]:
    """This year against the year before.

    Args:
        year: by the day of receipt; None: that of the newest case.
        models: those that served this year; None: those that serve now.
    """
    taxonomy, serving = desk.taxonomy, dict(models or desk.champions.models())
    segmenter = get_segmenter(taxonomy.terms())
    with desk.ledger.read() as session:
        newest = session.scalar(select(func.max(CaseRow.received_on)))
        if year is None:
            year = newest.year if newest else date.today().year
        years = (year - 1, year)
        words = [words_of_year(one, segmenter, session=session) for one in years]
        measures = [_words(words[0], words[1])]
        lead = next((target for target in TARGETS if target in serving), None)
        if lead is not None:
            measures.append(_model_words(serving[lead], words[1]))
        shares = [
            _shares(target, years, session, taxonomy) for target in ("section", "topic") if target in serving
        ]
        for target in TARGETS:
            if target in serving:
                measures.append(_confidence(target, years, session))
        records = [triage_record(one, session=session, taxonomy=taxonomy) for one in years]
        for target in TARGETS:
            if target in serving:
                before, now = (
                    (r.targets[target].overridden, r.targets[target].decided)
                    if target in r.targets
                    else (0, 0)
                    for r in records
                )
                measures.append(_overrides(target, before, now))
        counts = {
            str(one): session.scalar(
                select(func.count(CaseRow.id)).where(
                    CaseRow.received_on.between(date(one, 1, 1), date(one, 12, 31))
                )
            )
            or 0
            for one in years
        }
    return {
        "year": year,
        "before": year - 1,
        "cases": counts,
        "measures": [measure.to_dict() for measure in measures],
        "shares": shares,
    }


def _words(before: Mapping[str, frozenset[str]], now: Mapping[str, frozenset[str]]) -> Measure:
    """Words that the year before did not have; its own cases against each other are the measure of it."""
    known = frozenset[str]().union(*before.values())
    own = unknown_by_case(before)
    new = np.array([len(words - known) / len(words) for words in now.values() if words])
    return _means("words", "上一年没有出现过的词", own, new, "每件的词里,上一年的件里没有的占")


def _model_words(model: TargetModel, now: Mapping[str, frozenset[str]]) -> Measure:
    """Words that the model does not know, in cases that it has not learned."""
    shares = unknown_against_model(model, now)
    told = _mean(shares)
    name = f"{TARGET_NAMES[model.target]}模型不认识的词"
    if not len(shares):
        sentence = "这一年的件模型都已经学过。" if now else "这一年没有件。"
    elif len(shares) < LEAST:
        sentence = f"没有学过的这一年的件只有 {len(shares)} 件,{TOO_FEW}。"
    else:
        sentence = f"没有学过的这一年的 {len(shares)} 件里,平均 {told['mean']:.0%} 的词模型不认识。"
    return Measure("model_words", name, {"n": 0, "mean": None}, told, None, None, sentence)


def _confidence(target: str, years: tuple[int, int], session: Session) -> Measure:
    """How sure the first recommendation of each case was when it came in."""
    first = (
        select(func.min(PredictionRow.id))
        .join(CaseRow, CaseRow.id == PredictionRow.case_id)
        .where(PredictionRow.target == target)
        .group_by(PredictionRow.case_id)
    )
    found = [
        session.scalars(
            select(PredictionRow.ranked[(0, 1)].as_float())
            .join(CaseRow, CaseRow.id == PredictionRow.case_id)
            .where(
                PredictionRow.id.in_(
                    first.where(CaseRow.received_on.between(date(one, 1, 1), date(one, 12, 31)))
                )
            )
            .order_by(PredictionRow.id)
        ).all()
        for one in years
    ]
    before, now = (np.array(one, dtype=np.float64) for one in found)
    return _means(
        f"confidence_{target}",
        f"{TARGET_NAMES[target]}推荐的平均把握",
        before,
        now,
        f"{TARGET_NAMES[target]}第一推荐的平均把握",
    )


def _means(key: str, name: str, before: NDArray[np.float64], now: NDArray[np.float64], what: str) -> Measure:
    if min(len(before), len(now)) < LEAST:
        return Measure(key, name, _mean(before), _mean(now), None, None, _few(len(before), len(now)))
    difference = mean_difference(before, now)
    changed = difference["low"] > 0 or difference["high"] < 0
    says = f"{what}由 {before.mean():.0%} 变为 {now.mean():.0%},{_judged(changed, difference['value'])}。"
    return Measure(key, name, _mean(before), _mean(now), difference, changed, says)


def _overrides(target: str, before: tuple[int, int], now: tuple[int, int]) -> Measure:
    """Overridden of all that was decided on a recommendation."""
    name = f"{TARGET_NAMES[target]}的改判率"
    key = f"overrides_{target}"
    told = [
        {"n": of, "count": count, "mean": round(count / of, 4) if of else None} for count, of in (before, now)
    ]
    if min(before[1], now[1]) < LEAST:
        return Measure(key, name, told[0], told[1], None, None, _few(before[1], now[1]))
    difference = rate_difference(before, now)
    changed = difference["low"] > 0 or difference["high"] < 0
    rates = f"{before[0] / before[1]:.0%} 变为 {now[0] / now[1]:.0%}"
    says = f"{TARGET_NAMES[target]}改判由 {rates},{_judged(changed, difference['value'])}。"
    return Measure(key, name, told[0], told[1], difference, changed, says)


def _shares(target: str, years: tuple[int, int], session: Session, taxonomy: Taxonomy) -> dict[str, Any]:
    """How the settled labels are spread over both years, under the names in use."""
    newest = (
        select(func.max(DecisionRow.id).label("id"))
        .where(
            DecisionRow.target == target,
            DecisionRow.id.not_in(select(WithdrawalRow.decision_id)),
        )
        .group_by(DecisionRow.case_id)
        .subquery()
    )
    counts: list[dict[str, int]] = []
    for one in years:
        rows = session.execute(
            select(DecisionRow.label, func.count())
            .join(newest, newest.c.id == DecisionRow.id)
            .join(CaseRow, CaseRow.id == DecisionRow.case_id)
            .where(CaseRow.received_on.between(date(one, 1, 1), date(one, 12, 31)))
            .group_by(DecisionRow.label)
        )
        own: dict[str, int] = {}
        for label, n in rows:
            name = taxonomy.current_name(target, label) or label
            own[name] = own.get(name, 0) + n
        counts.append(own)
    before, now = (sum(own.values()) for own in counts)
    told: dict[str, Any] = {"target": target, "name": TARGET_NAMES[target], "before": before, "now": now}
    found = changed_shares(counts[0], counts[1])
    if min(before, now) < LEAST:
        return told | {
            "labels": found["labels"],
            "test": None,
            "changed": None,
            "sentence": _few(before, now),
        }
    test = found["test"]
    changed = test["chance"] < CHANCE
    moved = [one["label"] for one in found["labels"] if one["clear"]]
    if not changed:
        says = "分布与上一年相比,差别在偶然范围内。"
    else:
        says = (
            f"分布与上一年不同(要挪动 {test['distance']:.0%} 的件才一样,偶然出现的可能 {test['chance']:.1%})"
        )
        says += f",变化明显的:{'、'.join(moved)}。" if moved else ",但说不准是哪几个。"
    return told | {"labels": found["labels"], "test": test, "changed": changed, "sentence": says}


def _mean(values: NDArray[np.float64]) -> dict[str, Any]:
    return {"n": len(values), "mean": round(float(values.mean()), 4) if len(values) else None}


def _few(before: int, now: int) -> str:
    return f"上一年 {before} 件、这一年 {now} 件可比,{TOO_FEW}。"


def _judged(changed: bool, value: float) -> str:
    if not changed:
        return "差别在偶然范围内"
    return "明显升高" if value > 0 else "明显降低"
