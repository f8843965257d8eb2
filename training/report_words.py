"""A report of a training in sentences: what a leader reads in a minute, and what somebody should see to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NAMED = 5  # labels in one sentence
CONFUSED = 2  # cases from which a confusion is worth a word
TOLD = 3  # confusions a target
Told = Mapping[str, Any]


def summary(report: Told) -> list[str]:
    """What was learned, how good it is, what serves now and why; then what changed with the year."""
    lines = [_of_target(target, report["error_budget"]) for target in report["targets"]]
    changed = _drifted(report)
    if changed:
        lines.append(f"与上一年相比有变化。{''.join(changed)}")
    elif report["drift"] is not None:
        lines.append("与上一年相比,收件和推荐没有看得出的变化。")
    return lines


def todo(report: Told) -> list[str]:
    """What a person should see to, target by target."""
    return [line for target in report["targets"] for line in _work(target)]


def _of_target(target: Told, budget: float) -> str:
    name, data = target["name"], target["data"]
    if not data["examples"]:
        return f"{name}:{target['note']},目前使用“{target['champion']}”。"
    if not target["trained"]:
        return (
            f"{name}:{target['note']},继续使用 {target['champion']}。{_right(target)}{_auto(target, budget)}"
        )
    learned = f"{name}:学了 {data['examples']} 件办结件"
    if 0 < data["new"] < data["examples"]:
        learned += f",其中 {data['new']} 件是原来的模型没有学过的"
    became = "新模型已启用" if target["promoted"] else "新模型没有启用"
    return f"{learned}。{_right(target)}{became}:{target['note']}。{_auto(target, budget)}"


def _right(target: Told) -> str:
    """How often it is right, as measured in time; by cross-validation where there was no comparison."""
    verdict = target["verdict"]
    if verdict and verdict.get("challenger"):
        ours, theirs = verdict["challenger"], verdict.get("champion")
        who = "新模型" if target["trained"] else "它"
        than = f"(原来的模型 {theirs['accuracy']:.0%})" if theirs else ""
        when = "" if target["trained"] else "训练时"
        return f"{when}在留出的最近 {verdict['held_out']} 件上,{who}认对 {ours['accuracy']:.0%}{than}。"
    quality = target.get("quality")
    if not quality or quality["accuracy"]["rate"] is None:
        return "没有人工认定过的件,量不出准不准。"
    share = quality["accuracy"]
    return f"交叉检验 {share['of']} 件,认对 {share['rate']:.0%}。"


def _auto(target: Told, budget: float) -> str:
    found = next((t for t in target.get("thresholds", ()) if abs(t["budget"] - budget) < 1e-9), None)
    if found is None:
        return ""
    if found["threshold"] is None:
        return f"差错率限 {budget:.0%} 时全部转人工认定。"
    coverage, precision = found["coverage"]["rate"], found["precision"]["rate"]
    return f"差错率限 {budget:.0%} 时可自动认定 {coverage:.0%},其中正确 {precision:.0%}。"


def _drifted(report: Told) -> list[str]:
    found = report["drift"]
    if found is None:
        return []
    spread = [s for s in found["shares"] if s["changed"]]
    return [
        *(m["sentence"] for m in found["measures"] if m["changed"]),
        *(f"{s['name']}{s['sentence']}" for s in spread),
    ]


def _work(target: Told) -> Iterator[str]:
    name, left_out = target["name"], target["data"]["left_out"]
    verdict = target["verdict"] or {}
    if target["trained"] and not target["promoted"]:
        if verdict.get("too_few"):
            yield f"{name}:样例太少,比不出新旧模型。要启用新模型 {target['version']},由人决定并写明理由。"
        else:
            yield f"{name}:新模型 {target['version']} 没有启用。先看下面退步的是哪些,有没有认定错的办结件。"
    if left_out["waiting"]:
        yield f"{name}:{left_out['waiting']} 件的旧选项已拆分,要由人认定归到哪个新选项,认定后才用来学习。"
    if left_out["unsigned"]:
        yield f"{name}:{left_out['unsigned']} 件自动认定后没有科室签收就办结了,没有用来学习。今后请科室签收。"
    yield from _wanting(name, target.get("wanting", ()))
    often = [one for one in target.get("confusions", ()) if one["count"] >= CONFUSED][:TOLD]
    if often:
        told = [f"“{one['gold']}”认作“{one['first']}”({one['count']} 件)" for one in often]
        yield f"{name}最常认错的:{'、'.join(told)}。核对这些件的认定和两者的职责写法。"


def _wanting(name: str, wanting: Sequence[Told]) -> Iterator[str]:
    none = [f"“{one['label']}”" for one in wanting if not one["examples"]]
    few = [one for one in wanting if one["examples"] and one["few"]]
    if none:
        yield f"{name}:{_named(none)}还没有办结样例,仅凭职责推荐。"
    if few:
        told = [f"“{one['label']}”({one['examples']} 件样例,认出 {one['found']}/{one['of']})" for one in few]
        yield f"{name}:{_named(told)}样例少、认得不好,多几件人工确认过的办结件最有用。"
    many = [
        f"“{one['label']}”({one['examples']} 件样例,认出 {one['found']}/{one['of']})"
        for one in wanting
        if one["examples"] and not one["few"]
    ]
    if many:
        yield f"{name}:{_named(many)}样例不少仍认得不好,光加样例不够,先看与谁相混、职责写得分不分明。"


def _named(names: Sequence[str]) -> str:
    """The first few of them."""
    more = f"等 {len(names)} 个" if len(names) > NAMED else ""
    return "、".join(names[:NAMED]) + more
