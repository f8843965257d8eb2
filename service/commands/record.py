"""The record as a whole: checked, reminded of, counted, its calendar kept."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from datetime import date
from functools import partial

from service.command import EXIT_ERROR, EXIT_OK
from service.schemas_ledger import CarriedOut, HolidayOut, ReminderOut, YearOut
from service.screen import say, say_json, show_table
from triage.config import Settings
from triage.errors import InputError
from triage.ledger.carried import carried_cases
from triage.ledger.holidays import list_holidays, set_holidays
from triage.ledger.reminders import (
    KIND_NAMES,
    Reminder,
    claim_reminders,
    current_reminders,
    mark_told,
    release,
    told_marks,
)
from triage.ledger.store import Ledger, retried
from triage.ledger.verify import Verdict, verify_ledger
from triage.ledger.year import Share, year_figures
from triage.periods import HOLIDAY_KINDS
from triage.taxonomy import load_taxonomy
from triage.webhook import WebhookFailed, check_webhook, send_webhook

SHOWN_PROBLEMS = 20
HOLIDAY_COLUMNS = ("日期", "类型", "名称")


def open_ledger(settings: Settings) -> Ledger:
    """The ledger without the models, for commands that only read or write it."""
    ledger = Ledger(settings.database_url)
    ledger.check()
    return ledger


def verify(args: argparse.Namespace, settings: Settings) -> int:
    """Check the chain and every row; the first broken event comes first."""
    with open_ledger(settings).read() as session:
        verdict = verify_ledger(session, anchor=args.anchor)
    if args.json:
        say_json({**vars(verdict), "ok": not verdict.problems})
    else:
        say_verdict(verdict)
    return EXIT_ERROR if verdict.problems else EXIT_OK


def say_verdict(verdict: Verdict) -> None:
    """What a check found, the first problems of many."""
    say(f"核对了 {verdict.events} 条经过、{verdict.rows} 条记录。")
    for problem in verdict.problems[:SHOWN_PROBLEMS]:
        say(f"  {problem}")
    if len(verdict.problems) > SHOWN_PROBLEMS:
        say(f"  另有 {len(verdict.problems) - SHOWN_PROBLEMS} 处,用 --json 看全部。")
    if verdict.problems:
        say(f"台账与封存的记录不一致,共 {len(verdict.problems)} 处。")
    else:
        say(f"全部一致。锚点 {verdict.anchor}(抄存别处,以后用 --anchor 核对此前没有被整体替换)。")


def remind(args: argparse.Namespace, settings: Settings) -> int:
    """Tell what is due, late or lacking: on the screen, or to another program; each once."""
    if args.webhook:
        check_webhook(args.webhook)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    ledger = open_ledger(settings)
    if args.all:
        with ledger.read() as session:
            found = current_reminders(session=session, taxonomy=taxonomy, days=args.days)
            told = told_marks(session=session)
        _show(found, told, args.json)
        return EXIT_OK

    def claim() -> list[tuple[int, Reminder]]:
        with ledger.write() as session:
            found = current_reminders(session=session, taxonomy=taxonomy, days=args.days)
            claimed = claim_reminders(found, session=session)
            ids = [row.id for row, _ in claimed]
            if not args.webhook:
                mark_told(ids, session=session)
            return list(zip(ids, (reminder for _, reminder in claimed), strict=True))

    claimed = retried(claim)
    ids, reminders = [n for n, _ in claimed], [r for _, r in claimed]
    if args.webhook and claimed:
        content = {
            "office": taxonomy.office,
            "reminders": [ReminderOut.of(r, told=False).model_dump(mode="json") for r in reminders],
        }
        try:
            send_webhook(args.webhook, content)
        except WebhookFailed:
            retried(partial(_note, ledger, release, ids))
            raise
        retried(partial(_note, ledger, mark_told, ids))
    _show(reminders, set(), args.json)
    with ledger.read() as session:
        known = list_holidays(session=session, year=date.today().year)
    if not known and not args.json:
        say(f"节假日表里没有 {date.today().year} 年,工作日暂按周一至周五计;用 triage holidays 导入。")
    return EXIT_OK


def _note(ledger: Ledger, act: Callable[..., None], ids: list[int]) -> None:
    with ledger.write() as session:
        act(ids, session=session)


def _show(reminders: list[Reminder], told: set[str], as_json: bool) -> None:
    if as_json:
        say_json([ReminderOut.of(r, r.mark in told).model_dump(mode="json") for r in reminders])
        return
    show_table(
        ["类别", "台账编号", "提醒", "科室", "分管领导", "承办人"],
        [[KIND_NAMES[r.kind], str(r.case_id), r.message, r.section, r.leader, r.handler] for r in reminders],
    )
    say(f"共 {len(reminders)} 条" + ("(含提醒过的)。" if told else "新提醒。"))


def year(args: argparse.Namespace, settings: Settings) -> int:
    """A year's figures, or what earlier years left to it."""
    asked = date.today().year if args.year is None else args.year
    if not 1990 <= asked <= 2100:
        raise InputError("年份应在 1990 到 2100 之间。")
    taxonomy = load_taxonomy(settings.taxonomy_path)
    with open_ledger(settings).read() as session:
        if args.carried:
            found = carried_cases(asked, session=session, taxonomy=taxonomy)
            rows = [CarriedOut.of(one, taxonomy) for one in found]
            if args.json:
                say_json([row.model_dump(mode="json") for row in rows])
                return EXIT_OK
            show_table(
                ["台账编号", "届次", "编号", "标题", "科室", "转来的原因", "未兑现的承诺"],
                [
                    [
                        str(r.case.id),
                        r.case.session,
                        r.case.number or "",
                        r.case.title[:30],
                        r.case.section or "",
                        ";".join(r.reasons),
                        ";".join(f"{c.what}({c.due_on or '无时限'})" for c in r.commitments),
                    ]
                    for r in rows
                ],
            )
            say(f"往年转到 {asked} 年继续跟踪的共 {len(rows)} 件。")
            return EXIT_OK
        figures = year_figures(asked, session=session, taxonomy=taxonomy)
    if args.json:
        say_json(YearOut.make(figures, taxonomy).model_dump(mode="json"))
        return EXIT_OK
    classes = "、".join(f"{c} {n} 件({_rate(figures.class_share(c))})" for c, n in figures.classes.items())
    roles = "、".join(f"{role} {n}" for role, n in figures.roles.items())
    say(f"{asked} 年收件 {figures.total} 件:{roles or '无'}。重点督办 {figures.key_cases} 件。")
    say(f"办理结果:{classes or '无'}。")
    for name, share in (
        ("联系率", figures.contacted),
        ("见面率", figures.met),
        ("满意率", figures.satisfied),
        ("按期率", figures.on_time),
        ("承诺兑现率", figures.commitments),
    ):
        say(f"{name} {_rate(share)}({share.count}/{share.of})")
    show_table(
        ["科室", "件数", "办结", "逾期", "办理结果"],
        [
            [
                s.name,
                str(s.cases),
                str(s.closed),
                str(s.late),
                "、".join(f"{c} {n}" for c, n in sorted(s.classes.items())),
            ]
            for s in figures.sections
        ],
    )
    return EXIT_OK


def _rate(share: Share) -> str:
    return "—" if share.rate is None else f"{share.rate:.1%}"


def holidays(args: argparse.Namespace, settings: Settings) -> int:
    """The calendar: shown, or days entered from a CSV file."""
    ledger = open_ledger(settings)
    if args.file is None:
        with ledger.read() as session:
            rows = [HolidayOut.of(row) for row in list_holidays(session=session, year=args.year)]
        if args.json:
            say_json([row.model_dump(mode="json") for row in rows])
        else:
            show_table(list(HOLIDAY_COLUMNS), [[str(r.day), r.kind_name, r.name] for r in rows])
        return EXIT_OK
    days = read_holidays(args.file.read_text(encoding="utf-8-sig"))
    with ledger.write() as session:
        changed, moved = set_holidays(days, who=args.who, session=session)
        report = {"changed": len(changed), "moved": [case.id for case in moved]}
    if args.json:
        say_json(report)
    else:
        say(f"登记了 {len(changed)} 天,{len(moved)} 件的期限随之变动。")
    return EXIT_OK


def read_holidays(text: str) -> list[tuple[date, str, str]]:
    """Days out of CSV text with the columns 日期, 类型 (放假, 上班, 照常) and 名称.

    Raises:
        InputError: a column is missing or a line cannot be read; it names the line.
    """
    rows = csv.DictReader(text.splitlines())
    if not set(HOLIDAY_COLUMNS[:2]) <= set(rows.fieldnames or ()):
        raise InputError(f"节假日表应有这几列:{'、'.join(HOLIDAY_COLUMNS)}。")
    kinds = {name: kind for kind, name in HOLIDAY_KINDS.items()}
    days = []
    for row in rows:
        try:
            day, kind = date.fromisoformat(row["日期"].strip()), kinds[row["类型"].strip()]
        except (ValueError, KeyError, AttributeError):
            raise InputError(
                f"节假日表第 {rows.line_num} 行读不懂:日期应写成 2026-01-01,类型应为{'、'.join(kinds)}。"
            ) from None
        days.append((day, kind, (row.get("名称") or "").strip()))
    return days
