"""``python -m training.benchmark FOLDER``: what is said on the command line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.benchmark.data import DataFolder
from training.benchmark.parts import PARTS, QUICK, Plan
from training.benchmark.registry import all_systems, choose
from training.benchmark.related.measure import FLAGGED
from training.benchmark.related.proposals import judged_share, refuse_to_overwrite, write_sample
from training.benchmark.related.registry import RELATED_PARTS, related_systems
from training.benchmark.related.report import entries_of, related_report
from training.benchmark.related.run import read_gold, run_related
from training.benchmark.related.scorers import Context, RelatedSystem
from training.benchmark.report import report
from training.benchmark.run import run
from training.benchmark.store import Store
from training.benchmark.summary import summarise
from training.benchmark.systems import System
from training.benchmark.tools import Tools
from triage.config import Settings
from triage.errors import InputError
from triage.related import WEIGHTS

SHEET = "judge.csv"  # drawn pairs for a person to judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 2 wrong usage or data missing, 130 interrupted."""
    asked = _parser().parse_args(arguments)
    try:
        return _measure(asked)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("已中断。再运行同一条命令会接着做。", file=sys.stderr)
        return 130


def _measure(asked: argparse.Namespace) -> int:
    if not asked.data.is_dir():
        raise InputError(f"找不到数据文件夹 {asked.data}。用法:make benchmark DATA=数据文件夹")
    parts = asked.part or (*PARTS, *RELATED_PARTS)
    systems, finders, left_out = _chosen(asked, parts)
    plan = QUICK if asked.quick else Plan()
    if asked.seeds:
        plan = replace(plan, seeds=asked.seeds)
    if asked.draws:
        plan = replace(plan, draws=asked.draws)
    settings = Settings.from_env(os.environ)
    out = asked.out or settings.home / "var" / ("benchmark-quick" if asked.quick else "benchmark")
    out.mkdir(parents=True, exist_ok=True)
    tools = Tools(asked.encoder or settings.encoder)
    data, store = DataFolder(asked.data), Store(out / "results.jsonl")
    # first: what is missing or would be lost should be known before hours of work
    gold = read_gold(parts, data, quick=plan.quick)
    judged = judged_share(asked.judged) if asked.judged else None
    if asked.sample:
        refuse_to_overwrite(out / SHEET)
    learning = [part for part in parts if part in PARTS]
    results = run(learning, systems, data, plan, store, tools, _say) if learning else []
    for note in left_out:
        _say(note)
    context = Context(tools, WEIGHTS.threshold(settings.related_wrong_share), out)
    related = entries_of(run_related(finders, gold, context, store, _say))
    if asked.sample:
        drawn = write_sample(out / FLAGGED, out / SHEET, asked.sample, asked.seed)
        _say(f"抽取 {drawn} 对供判断:{out / SHEET}。在 together 列填 1 或 0,再用 --judged 读入。")
    entries = summarise(results)
    about = {
        "encoder of ours": tools.encoder,
        "related threshold of ours": context.threshold,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        **({"quick": "a trial run on part of the texts, no figures to quote"} if plan.quick else {}),
    }
    named = {result.system for result in results}
    text = report(entries, [s for s in systems if s.name in named], about) if entries else ""
    text += related_report(related, finders, left_out, judged, about)
    (out / "report.md").write_text(text.lstrip(), encoding="utf-8")
    content = {"about": about, "entries": entries, "related": related, "judged": judged}
    (out / "report.json").write_text(
        json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(f"完成:{out / 'report.md'}、{out / 'report.json'}")
    return 0


def _chosen(
    asked: argparse.Namespace, parts: Sequence[str]
) -> tuple[list[System], list[RelatedSystem], list[str]]:
    """The systems that answer and those that find, as far as a part needs them; notes on what is left out."""
    names = [name for name in asked.peers.split(",") if name]
    answering, finding = all_systems(), related_systems()
    unknown = [name for name in names if name not in {**answering, **finding}]
    if unknown:
        raise InputError(f"没有这些系统:{'、'.join(unknown)}。可选:{'、'.join({**answering, **finding})}。")
    lacking = {name for name, system in finding.items() if system.optional and system.missing()}
    notes = [f"{name} left out: {finding[name].missing()} is missing" for name in sorted(lacking)]
    finding = {name: system for name, system in finding.items() if name not in lacking}
    return (
        choose(names, answering) if set(PARTS) & set(parts) else [],
        choose(names, finding) if set(RELATED_PARTS) & set(parts) else [],
        [note for note in notes if "titles" in parts],
    )


def _say(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    systems = ",".join({**all_systems(), **related_systems()})
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmark",
        description="在同样的划分上检验本系统和对照系统。数据只读取,不复制。中断后再运行会接着做。",
    )
    parser.add_argument("data", type=Path, help="数据文件夹")
    parser.add_argument(
        "--part", action="append", choices=(*PARTS, *RELATED_PARTS), help="只做这一部分,可重复"
    )
    parser.add_argument("--peers", default="", help=f"只做这些系统,用逗号分开:{systems}")
    parser.add_argument("--seeds", type=int, help="topic 部分的随机种子数,默认 3")
    parser.add_argument("--draws", type=int, help="few 部分抽样的次数,默认 5")
    parser.add_argument("--encoder", help="本系统的句向量编码器,默认同 TRIAGE_ENCODER")
    parser.add_argument("--sample", type=int, default=0, help="stream 部分:抽多少对提示供人判断")
    parser.add_argument("--seed", type=int, default=0, help="抽取用的随机种子,默认 0")
    parser.add_argument("--judged", type=Path, help="判断好的文件(together 列填 1 或 0)")
    parser.add_argument("--quick", action="store_true", help="只用一小部分文本试运行,数字不作数")
    parser.add_argument("--out", type=Path, help="结果文件夹,默认 var/benchmark")
    return parser


if __name__ == "__main__":
    sys.exit(main())
