"""Options of the commands whose work may be spread, and the commands that exist for that alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Add = Callable[[str, str, str, str], argparse.ArgumentParser]


def add_crew_options(sub: argparse.ArgumentParser) -> None:
    """--jobs and --cluster."""
    sub.add_argument("--jobs", type=int, default=1, help="本机用几个进程(默认 1)")
    sub.add_argument(
        "--cluster",
        default="",
        metavar="地址",
        help="交给 Dask 集群做:调度器的地址,如 tcp://10.0.0.5:8786(这时 --jobs 不起作用)",
    )


def add_crew_commands(add: Add) -> None:
    """recommend, scheduler and worker."""
    sub = add(
        "recommend", "给很多件写出推荐(不写入台账):换一个模型会怎样,几百万件也可以", "many", "recommend_"
    )
    source = sub.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", type=Path, nargs="?", metavar="文件", help="清单:.csv、.jsonl、.xlsx、.json 等"
    )
    source.add_argument("--ledger", action="store_true", help="台账里的全部")
    sub.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="OUT.csv",
        help="结果文件,.csv 或 .jsonl;中断了再运行会接着做",
    )
    sub.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="目标=版本",
        help="不用现用的,用这个模型版本,如 section=20261220-020000-1a2b3c;可写几次",
    )
    sub.add_argument("--chunk", type=int, default=200, help="每块多少件(默认 200)")
    sub.add_argument("--force", action="store_true", help="结果文件已存在时覆盖")
    sub.add_argument("--json", action="store_true", help="输出 JSON")
    add_crew_options(sub)

    sub = add("scheduler", "启动 Dask 集群的调度器(只放在封闭的网络里)", "many", "scheduler")
    sub.add_argument("--host", default="127.0.0.1", help="监听的地址(默认 127.0.0.1)")
    sub.add_argument("--port", type=int, default=8786, help="端口(默认 8786)")

    sub = add("worker", "在这台机器上为 Dask 集群启动工作进程", "many", "worker")
    sub.add_argument("scheduler", metavar="地址", help="调度器的地址,如 tcp://10.0.0.5:8786")
    sub.add_argument("--jobs", type=int, default=1, help="几个进程(默认 1)")
    sub.add_argument("--memory", default="auto", metavar="大小", help="每个进程最多用多少内存,如 2GiB")
    sub.add_argument("--host", default="", help="本机的哪个地址,如 10.0.0.6(默认由系统决定)")
