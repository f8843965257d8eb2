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
from training.benchmark.report import report
from training.benchmark.run import run
from training.benchmark.store import Store
from training.benchmark.summary import summarise
from training.benchmark.tools import Tools
from triage.config import Settings
from triage.errors import InputError


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
    systems = choose([name for name in asked.peers.split(",") if name])
    plan = QUICK if asked.quick else Plan()
    if asked.seeds:
        plan = replace(plan, seeds=asked.seeds)
    if asked.draws:
        plan = replace(plan, draws=asked.draws)
    settings = Settings.from_env(os.environ)
    out = asked.out or settings.home / "var" / ("benchmark-quick" if asked.quick else "benchmark")
    tools = Tools(settings.cache_dir, asked.encoder or settings.encoder)
    results = run(
        asked.part or PARTS,
        systems,
        DataFolder(asked.data),
        plan,
        Store(out / "results.jsonl"),
        tools,
        lambda line: print(line, flush=True),
    )
    entries = summarise(results)
    about = {
        "encoder of ours": tools.encoder,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        **({"quick": "a trial run on part of the texts, no figures to quote"} if plan.quick else {}),
    }
    named = {result.system for result in results}
    text = report(entries, [s for s in systems if s.name in named], about)
    (out / "report.md").write_text(text, encoding="utf-8")
    content = {"about": about, "entries": entries}
    (out / "report.json").write_text(
        json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    print(f"完成:{out / 'report.md'}、{out / 'report.json'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.benchmark",
        description="在同样的划分上检验本系统和对照系统。数据只读取,不复制。中断后再运行会接着做。",
    )
    parser.add_argument("data", type=Path, help="数据文件夹")
    parser.add_argument("--part", action="append", choices=PARTS, help="只做这一部分,可重复")
    parser.add_argument("--peers", default="", help=f"只做这些系统,用逗号分开:{','.join(all_systems())}")
    parser.add_argument("--seeds", type=int, help="topic 部分的随机种子数,默认 3")
    parser.add_argument("--draws", type=int, help="few 部分抽样的次数,默认 5")
    parser.add_argument("--encoder", help="本系统的句向量编码器,默认同 TRIAGE_ENCODER")
    parser.add_argument("--quick", action="store_true", help="只用一小部分文本试运行,数字不作数")
    parser.add_argument("--out", type=Path, help="结果文件夹,默认 var/benchmark")
    return parser


if __name__ == "__main__":
    sys.exit(main())
