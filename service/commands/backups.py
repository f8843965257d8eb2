"""The office as one file, and the office again out of it."""

from __future__ import annotations

import argparse
import signal
from pathlib import Path

from service.command import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK
from service.commands.record import say_verdict
from service.screen import say, say_json, warn
from triage.backup.archive import MB, open_archive
from triage.backup.contents import Contents
from triage.backup.restoring import restore_backup
from triage.backup.taking import take_backup
from triage.config import Settings
from triage.taxonomy import TARGET_NAMES


def backup(args: argparse.Namespace, settings: Settings) -> int:
    """One new file of everything; what lacks is said, and is no failure."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing half is left then either
    try:
        path, contents = take_backup(settings, args.file)
    except KeyboardInterrupt:
        warn("\n已中断,没有留下备份。")
        return EXIT_INTERRUPTED
    if args.json:
        say_json(_described(path, contents))
        return EXIT_OK
    say(f"已备份到 {path}")
    _say_contents(path, contents)
    say("备份里有台账的全部内容和账号,要像台账一样保管。锚点抄存别处,以后用 triage verify --anchor 核对。")
    return EXIT_OK


def restore(args: argparse.Namespace, settings: Settings) -> int:
    """Into an empty place, checked as ``verify`` does; exit code 1 also where the record in the backup does not hold."""
    file: Path = args.file.expanduser()
    if args.check:
        with open_archive(file) as archive:
            contents = archive.contents
        if args.json:
            say_json(_described(file, contents))
        else:
            say(f"{file} 完整,里面每个文件都与清单一致。")
            _say_contents(file, contents)
        return EXIT_OK
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        restored = restore_backup(settings, file, who=args.who)
    except KeyboardInterrupt:
        warn("\n已中断,没有恢复任何内容。")
        return EXIT_INTERRUPTED
    verdict = restored.verdict
    if args.json:
        checked = {**vars(verdict), "ok": not verdict.problems}
        say_json({**_described(file, restored.contents), "verify": checked, "missing": restored.missing})
    else:
        say(f"已从 {file} 恢复到 {settings.home}。")
        _say_contents(file, restored.contents)
        for sentence in restored.missing:
            say(f"注意:{sentence}")
        say_verdict(verdict)
        if verdict.problems:
            say("这些在备份时就是如此:备份文件完整,台账照原样恢复了。")
        if restored.contents.database == "postgresql":
            say("服务另用一个数据库账号的,请再运行一次 triage init --app-role 账号。")
        say("备份以后的登记和办理不在其中。请核对账号和令牌(备份以后停用的又在用了),再启动 triage serve。")
    return EXIT_ERROR if verdict.problems else EXIT_OK


def _say_contents(file: Path, contents: Contents) -> None:
    rows = contents.rows
    models = "、".join(f"{TARGET_NAMES[target]} {n} 个" for target, n in contents.models().items())
    databases = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
    when = contents.created.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    say(
        f"  {when} 的台账({databases[contents.database]}):建议 {rows['case']} 件,经过 {rows['event']} 条,"
        f"原件 {rows['original']} 个\n"
        f"  模型版本:{models or '无'};分类文件:{'有' if contents.has_office else '无'}\n"
        f"  大小 {_mb(file.stat().st_size)}(展开 {_mb(contents.size)})\n"
        f"  锚点 {contents.anchor}"
    )
    for sentence in contents.left_out:
        say(f"注意:{sentence}")


def _mb(size: int) -> str:
    return f"{size / MB:.1f} MB"


def _described(file: Path, contents: Contents) -> dict[str, object]:
    return {
        "file": str(file),
        "bytes": file.stat().st_size,
        "created_at": contents.created_at,
        "program": contents.program,
        "database": contents.database,
        "revision": contents.revision,
        "anchor": contents.anchor,
        "rows": contents.rows,
        "models": contents.models(),
        "left_out": contents.left_out,
    }
