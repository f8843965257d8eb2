"""Model versions: retrain, list, promote, roll back."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from service.api import describe_models
from service.api_audit import describe_audit
from service.command import EXIT_OK
from service.commands.papers import new_file
from service.logs import configure
from service.report_docx import report_document
from service.report_view import report_page
from service.schemas_audit import AuditOut
from service.screen import progress_bar, say, say_json
from training.retrain import Outcome
from training.run import run_training
from triage.config import Settings
from triage.desk import Desk
from triage.errors import InputError
from triage.ledger.trainings import get_training
from triage.promotion import promote_version, roll_back
from triage.taxonomy import TARGET_NAMES, TARGETS

NICE = 10  # a training that the page began
REPORT_KINDS = (".html", ".json", ".docx")


def retrain_(args: argparse.Namespace, settings: Settings) -> int:
    if args.report:
        check_report_file(args.report)  # before an hour of training, not after it
    if args.training is not None:
        os.nice(NICE)  # the service goes first
        configure(settings)
    desk = Desk(settings)
    with desk.ledger.read() as session:
        entered = get_training(args.training, session=session) if args.training is not None else None
    targets = entered.targets if entered else args.target or list(TARGETS)
    with progress_bar() as bar:
        training = run_training(
            desk,
            who=entered.who if entered else args.who,
            targets=targets,
            seed=entered.seed if entered else args.seed,
            training_id=args.training,
            progress=lambda step, done, total: bar("训练", done, total),
        )
    if args.report:
        write_report(training.report, args.report)
    outcomes, pairs = training.outcomes, training.pairs
    if args.json:
        learned = [pairs.to_dict()] if pairs else []
        say_json([*(outcome.to_dict() for outcome in outcomes), *learned])
        return EXIT_OK
    for outcome in outcomes:
        _say_outcome(outcome)
    if pairs:
        say(f"关联:认定 {pairs.joined} 对,排除 {pairs.parted} 对。{pairs.note}。")
    if args.report:
        say(f"训练报告已写到 {args.report}。")
    return EXIT_OK


def check_report_file(path: Path) -> None:
    """Raises InputError where a report cannot be written to ``path``: its kind, or because it exists."""
    if path.suffix.lower() not in REPORT_KINDS:
        raise InputError(f"训练报告请用 {'、'.join(REPORT_KINDS)} 结尾的文件名,不能用 {path.name}。")
    if path.exists():
        raise InputError(f"{path} 已存在,没有改动。请换一个文件名。")
    if not path.absolute().parent.is_dir():
        raise InputError(f"没有 {path.absolute().parent} 这个目录,训练报告写不进去。")


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """As the kind of file that its name says."""
    kind = path.suffix.lower()
    if kind == ".docx":
        content = report_document(report)
    elif kind == ".json":
        content = (json.dumps(report, ensure_ascii=False, indent=1) + "\n").encode()
    else:
        content = report_page(report).encode()
    with new_file(path, force=False) as part:
        part.write_bytes(content)


def _say_outcome(outcome: Outcome) -> None:
    say(
        f"{TARGET_NAMES[outcome.target]}:办结样例 {outcome.examples} 件。{outcome.note}。现用版本 {outcome.champion}。"
    )
    verdict = outcome.verdict
    if verdict is None or verdict.challenger is None or verdict.champion is None:
        return
    say(f"  留出最近的 {verdict.held_out} 件({verdict.first} 至 {verdict.last})作比较,两边都没有学过这些件:")
    for name, m in (("新模型", verdict.challenger), ("现用模型", verdict.champion)):
        auto = "不自动" if m.precision is None else f"自动 {m.coverage:.0%},其中正确 {m.precision:.0%}"
        say(
            f"    {name}:准确率 {m.accuracy:.1%},宏平均 F1 {m.macro_f1:.3f},前三命中 {m.top3_accuracy:.1%},"
            f"校准误差 {m.ece:.3f},{auto}"
        )
    if verdict.champion_refitted:
        say("    (现用模型学过其中一部分,比较时用去掉这些件后按同样方法重训的替身)")


def models(args: argparse.Namespace, settings: Settings) -> int:
    desk = Desk(settings)
    described = describe_models(desk)
    if args.json:
        say_json([m.model_dump(mode="json") for m in described])
        return EXIT_OK
    for model in described:
        say(f"{model.target_name}({model.target}):正在使用 {model.serving}")
        if model.problem:
            say(f"  注意:{model.problem}")
        for version in model.versions:
            mark = "*" if version["version"] == model.serving else " "
            say(
                f"  {mark} {version['version']}  样例 {version['data']['examples']} 件  编码器 {version['encoder']}"
                f"  {_measured(version['metrics'])}"
            )
    for line in _audited(describe_audit(desk, date.today().year)):
        say(line)
    return EXIT_OK


def _audited(audit: AuditOut) -> Iterator[str]:
    """What the audit sample says of this year, and what it stopped."""
    total = audit.total
    yield (
        f"抽查({audit.year} 年,{TARGET_NAMES[audit.target]}):抽出 {total.drawn} 件,独立认定 {total.judged} 件"
        + (
            f",{total.right} 件与模型相同,自动认定正确率 {total.precision:.0%}(95% 区间 {total.low:.0%} 至 {total.high:.0%})"
            if total.precision is not None
            else ""
        )
    )
    for stop in audit.stops:
        if stop.binding:
            yield f"  注意:{stop.target_name}“{stop.label}”的自动认定已停:{stop.why}(模型 {stop.model_version})"


def _measured(metrics: dict[str, Any]) -> str:
    """A version's figures and what they were measured on, in one line."""
    found = metrics.get("challenger")
    if not found:
        return "没有留出比较"
    return (
        f"留出 {metrics['held_out']} 件:准确率 {found['accuracy']:.0%},前三命中 {found['top3_accuracy']:.0%}"
    )


def promote(args: argparse.Namespace, settings: Settings) -> int:
    promote_version(Desk(settings), args.target, args.version, who=args.who, why=args.why)
    say(f"{TARGET_NAMES[args.target]}现在使用 {args.version}。运行中的服务会自动换用。")
    return EXIT_OK


def rollback(args: argparse.Namespace, settings: Settings) -> int:
    version = roll_back(Desk(settings), args.target, who=args.who, why=args.why)
    say(f"{TARGET_NAMES[args.target]}已退回 {version}。")
    return EXIT_OK
