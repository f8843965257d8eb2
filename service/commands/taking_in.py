"""Files into the ledger: new suggestions, and ledgers kept so far."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from service.command import EXIT_OK, EXIT_PARTIAL
from service.screen import progress_bar, say, say_json
from triage.bulk import import_file, intake_file
from triage.bulk_report import BulkReport
from triage.config import Settings
from triage.desk import Desk
from triage.documents.columns import COLUMN_NAMES, parse_map
from triage.documents.form import ASKED
from triage.errors import InputError

SHOWN = 20
SHOWN_CHARS = 60
EXIT_INTERRUPTED = 130


def import_(args: argparse.Namespace, settings: Settings) -> int:
    return _run(args, settings, partial(import_file, closed=args.closed), "导入")


def intake_(args: argparse.Namespace, settings: Settings) -> int:
    return _run(args, settings, partial(intake_file, received=args.received), "收件")


def _run(args: argparse.Namespace, settings: Settings, run: Callable[..., BulkReport], what: str) -> int:
    """One file after the other; one that cannot be read does not keep the next from being taken in."""
    mapping = parse_map(args.map)
    desk = Desk(settings)
    reports: list[tuple[Path, BulkReport | InputError]] = []
    try:
        with progress_bar() as bar:
            for at, path in enumerate(args.file, start=1):
                named = f"{what} {path.name}" if len(args.file) > 1 else what
                try:
                    reports.append(
                        (
                            path,
                            run(
                                desk,
                                path,
                                who=args.who,
                                session=args.session,
                                mapping=mapping,
                                progress=partial(bar, f"{named}({at}/{len(args.file)})"),
                            ),
                        )
                    )
                except InputError as error:
                    if len(args.file) == 1:
                        named = error.message if path.name in error.message else f"{path}:{error.message}"
                        raise InputError(named) from None
                    reports.append((path, error))
    except KeyboardInterrupt:
        say("\n已中断。登记了的都在台账里;再运行同一条命令就接着往下做,不会重复登记。")
        return EXIT_INTERRUPTED
    if args.json:
        told = [_as_json(path, report) for path, report in reports]
        say_json(told[0] if len(told) == 1 else {"files": told})
    else:
        for path, report in reports:
            _tell(what, path, report, several=len(reports) > 1)
    whole = all(isinstance(report, BulkReport) and not report.refused for _, report in reports)
    return EXIT_OK if whole else EXIT_PARTIAL


def _as_json(path: Path, report: BulkReport | InputError) -> dict[str, object]:
    if isinstance(report, InputError):
        return {"file": str(path), "problem": report.message}
    return {"file": str(path), **report.to_dict()}


def _tell(what: str, path: Path, report: BulkReport | InputError, *, several: bool) -> None:
    name = f"{path.name} " if several else ""
    if isinstance(report, InputError):
        say(f"{name}没有登记:{report.message}")
        return
    if report.fields:
        _tell_form(name, report)
        return
    say(
        f"{name}{what}完成:新登记 {len(report.created)} 件,已在台账 {report.known} 件,"
        f"未能登记 {len(report.refused)} 行。"
    )
    for sheet in report.columns:
        used = "、".join(
            header if header == COLUMN_NAMES[field] else f"{header}→{COLUMN_NAMES[field]}"
            for field, header in sheet["used"].items()
        )
        unused = f";没有用到:{'、'.join(sheet['unused'])}" if sheet["unused"] else ""
        say(f"  {sheet['sheet'] and '工作表“' + sheet['sheet'] + '”'}各列:{used}{unused}")
    if report.known:
        say("  已在台账的件保持原样:收件和导入都不改动已有的件,要改请在网页或接口上办理。")
    _tell_some(report.notes)
    if report.differing:
        lines = "、".join(map(str, report.differing[:SHOWN]))
        say(f"  以下各行编号已在台账而内容不同,新内容已留存在该件的经过里,请核对:第 {lines} 行。")
    _tell_some(
        f"{_place(bad.sheet, bad.line)}{f'({bad.cell})' if bad.cell else ''}:{bad.reason}"
        for bad in report.refused
    )
    _tell_some(f"{_place(a.sheet, a.line)}不是建议件,略过:{a.text[:SHOWN_CHARS]}" for a in report.asides)
    _tell_some(report.kept)


def _place(sheet: str, line: int) -> str:
    return f"工作表“{sheet}”第 {line} 行" if sheet else f"第 {line} 行"


def _tell_form(name: str, report: BulkReport) -> None:
    (taken,) = report.taken or (None,)
    if taken is None:
        say(f"{name}没有登记:{report.refused[0].reason}")
    elif taken.created:
        say(f"{name}已登记为台账第 {taken.case_id} 件。")
    else:
        differs = ",这次内容不同,已留存在该件的经过里,请核对" if taken.differs else ""
        say(f"{name}已在台账,是第 {taken.case_id} 件{differs}。")
    for field, shown in ASKED.items():
        if field in report.fields:
            text = " ".join(report.fields[field].split())
            say(f"  {shown}:{text[:SHOWN_CHARS]}{'…' if len(text) > SHOWN_CHARS else ''}")
    if report.missing:
        say(f"  没有读到:{'、'.join(report.missing)}")
    _tell_some(f"没有归入哪一栏:{line[:SHOWN_CHARS]}" for line in report.leftover)
    _tell_some(report.notes)


def _tell_some(lines: Iterable[str]) -> None:
    told = list(lines)
    for line in told[:SHOWN]:
        say(f"  {line}")
    if len(told) > SHOWN:
        say(f"  另有 {len(told) - SHOWN} 条,用 --json 看全部。")
