"""Cases into the ledger, out of it, and closed."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from datetime import date
from pathlib import Path

from service.command import EXIT_OK
from service.commands.record import open_ledger
from service.schemas import CaseOut
from service.schemas_groups import GroupOut
from service.screen import progress_bar, say, say_json, show_table
from triage.config import Settings
from triage.errors import InputError
from triage.flags import FLAG_NAMES
from triage.ledger.audits import is_blind, shown_predictions
from triage.ledger.cases import get_case
from triage.ledger.closing import close_case
from triage.ledger.commitments import Commitment
from triage.ledger.decisions import DECISION_NAMES, decide, newest_decisions, settled
from triage.ledger.events import EVENT_NAMES, flags_of
from triage.ledger.groups import list_groups
from triage.ledger.memberships import SHARED, follows, settled_labels
from triage.ledger.relations import relations_of
from triage.ledger.search import CaseFilter, in_office, list_cases
from triage.ledger.states import STATE_NAMES
from triage.ledger.store import Ledger
from triage.ledger.transfer import move_ledger
from triage.related import KIND_NAMES
from triage.routing import percent
from triage.taxonomy import TARGET_NAMES, TARGETS, load_taxonomy


def list_(args: argparse.Namespace, settings: Settings) -> int:
    desk = open_ledger(settings)
    wanted = CaseFilter(
        state=args.state,
        section=args.section,
        text=args.text,
        words=args.words,
        number=args.number,
        deputy=args.deputy,
        leader=args.leader,
        handler=args.handler,
        result_class=args.result,
        key_only=args.key,
        late_only=args.late,
        year=args.year,
        received_from=args.received_from,
        received_to=args.received_to,
    )
    if wanted.section or wanted.leader:
        wanted = in_office(wanted, load_taxonomy(settings.taxonomy_path))
    with desk.read() as session:
        rows, total = list_cases(wanted, session=session, limit=args.limit)
        records = []
        for case in rows:
            decided, predicted = settled_labels(case), shown_predictions(case)
            cells = {}
            for target in TARGETS:
                if target in decided:
                    cells[target] = decided[target]
                elif target in predicted:
                    label, p = predicted[target].ranked[0]
                    cells[target] = f"?{label} {percent(p)}"
            records.append(
                {
                    "id": case.id,
                    "number": case.number,
                    "session": case.session,
                    "title": case.title,
                    "deputy": case.deputy,
                    "state": case.state,
                    "received_on": case.received_on.isoformat(),
                    "flags": [detail["flag"] for detail in flags_of(case)],
                    **cells,
                }
            )
    if args.json:
        say_json({"total": total, "cases": records})
        return EXIT_OK
    show_table(
        ["台账编号", "编号", "标题", "承办科室", "主题", "办理类型", "状态"],
        [
            [
                str(r["id"]),
                str(r["number"] or ""),
                str(r["title"])[:30],
                *(str(r.get(t, "")) for t in TARGETS),
                STATE_NAMES[str(r["state"])],
            ]
            for r in records
        ],
    )
    say(f"共 {total} 件,列出 {len(records)} 件。“?”为推荐,尚未认定。")
    return EXIT_OK


def ledger_groups(args: argparse.Namespace, settings: Settings) -> int:
    """The year's groups in the ledger, largest first: a table, or a file for a program."""
    year = date.today().year if args.year is None else args.year
    if not 1990 <= year <= 2100:
        raise InputError("年份应在 1990 到 2100 之间。")
    with open_ledger(settings).read() as session:
        found = list_groups(session=session, year=year)
        content = [GroupOut.of(group).model_dump(mode="json") for group in found]
        rows = [
            [
                str(len(group.cases)),
                group.name,
                f"{group.lead.id} {group.lead.title[:24]}",
                "、".join(str(case.id) for case in group.cases),
                "、".join(merge.name for merge in group.merges) or "未并案",
                str(len(group.to_join)),
            ]
            for group in found
        ]
    if args.json:
        args.json.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    else:
        show_table(["件数", "事项", "主件", "各件的台账编号", "并案", "可并入"], rows)
    where = f",结果在 {args.json}" if args.json else ""
    say(f"{year} 年 {len(content)} 组、{sum(len(g['cases']) for g in content)} 件可以一并办理{where}。")
    return EXIT_OK


def show(args: argparse.Namespace, settings: Settings) -> int:
    taxonomy = load_taxonomy(settings.taxonomy_path)
    with open_ledger(settings).read() as session:
        case = get_case(args.id, session=session)
        relations = relations_of(args.id, session=session)
        if args.json:
            say_json(CaseOut.whole(case, relations, taxonomy).model_dump(mode="json"))
            return EXIT_OK
        say(f"{case.session} {case.number or '无编号'} {case.kind} {STATE_NAMES[case.state]}")
        say(f"{case.title}\n{case.deputy} {case.delegation} 收件 {case.received_on}\n\n{case.body}\n")
        decided, own = settled(case), newest_decisions(case)
        if is_blind(case):
            say("抽查的件:请独立认定,认定前不显示推荐。")
        for target, row in shown_predictions(case).items():
            ranked = ",".join(f"{label} {percent(p)}" for label, p in row.ranked[:3])
            words = "、".join(w["word"] for w in row.evidence["words"][:6])
            say(f"推荐{TARGET_NAMES[target]}:{ranked}(依据:{words};{row.reason};模型 {row.model_version})")
        for target, decision in decided.items():
            why = "随主件" if decision.from_merge else own[target].why
            say(
                f"认定{TARGET_NAMES[target]}:{decision.label}({DECISION_NAMES[decision.kind]},{decision.who} {why})"
            )
        for relation, other in relations:
            say(
                f"{KIND_NAMES[relation.kind]}:{other.id} {other.title}(把握 {relation.score:.0%},共同的词:{'、'.join(relation.shared_terms)})"
            )
        say("经过:")
        for event in case.events:
            if event.kind == "resent":
                sent = event.detail["sent"]
                say(f"  又送来不同的内容:{sent['title']} {sent['deputy']}\n  {sent['body']}")
            when = event.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            what = event.detail.get("label") or event.detail.get("result_class") or ""
            what = FLAG_NAMES.get(event.detail.get("flag", ""), what)
            say(
                f"  {when} {EVENT_NAMES[event.kind]} {event.who} {what} {event.detail.get('why', '')}".rstrip()
            )
    return EXIT_OK


def close(args: argparse.Namespace, settings: Settings) -> int:
    taxonomy = load_taxonomy(settings.taxonomy_path)
    if args.commitment_due and not args.commitment:
        raise InputError("填了承诺时限,却没有承诺事项(--commitment)。", field="commitment")
    promised = [Commitment(args.commitment, args.commitment_due)] if args.commitment else []
    with open_ledger(settings).write() as session:
        case = get_case(args.id, session=session)
        if args.confirm:
            decided = settled(case)
            from_lead = SHARED if follows(case) else ()
            open_ = {
                target: decided[target].label if target in decided else row.ranked[0][0]
                for target, row in shown_predictions(case).items()
                if target not in from_lead and (target not in decided or decided[target].kind == "auto")
            }
            if open_:
                decide(
                    args.id,
                    open_,
                    who=args.who,
                    why=args.why or "办结时确认",
                    seen_version=case.version,
                    session=session,
                    taxonomy=taxonomy,
                )
        case = close_case(
            args.id,
            result_class=args.result,
            reply_number=args.reply,
            who=args.who,
            why=args.why,
            commitments=promised,
            session=session,
            taxonomy=taxonomy,
        )
        record = {"id": case.id, "state": case.state, "result_class": case.result_class}
    if args.json:
        say_json(record)
    else:
        say(f"第 {args.id} 件已办结销号,办理结果 {args.result}。")
    return EXIT_OK


def migrate_ledger(args: argparse.Namespace, settings: Settings) -> int:
    """The whole ledger into another database, checked there before anything is committed."""
    old, new = _ledger_url(args.source), _ledger_url(args.target)
    if "://" not in args.source and not Path(args.source).expanduser().is_file():
        raise InputError(f"没有这个台账文件:{args.source}")
    with (
        closing(Ledger(old)) as source,
        closing(Ledger(new)) as target,
        progress_bar() as bar,
    ):
        counts = move_ledger(source, target, who=args.who, progress=bar)
    say(
        f"已迁移 {counts['case']} 件建议、{counts['event']} 条经过,共 {sum(counts.values())} 条记录,"
        f"链条和每条记录核对无误。\n新台账:{target.place}\n"
        "请把 TRIAGE_DATABASE_URL 改为新台账的地址再启动服务。旧台账没有改动,请留存,不要再往里登记。"
    )
    return EXIT_OK


def _ledger_url(place: str) -> str:
    """A database URL as it is; the path of a SQLite file as one.

    Raises:
        InputError: a URL with a slip of the pen, which would become a file with a password in its name.
    """
    if "://" not in place and place.startswith(("postgres", "sqlite")) and ":" in place:
        raise InputError("数据库地址无效:应写成 postgresql://账号:密码@主机/数据库名。")
    return place if "://" in place else f"sqlite:///{Path(place).expanduser().resolve()}"
