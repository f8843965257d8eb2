"""What each command does; arguments come parsed, errors go up as TriageError."""

from __future__ import annotations

import argparse
import json
import shutil
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

from service.command import EXIT_OK, EXIT_PARTIAL, with_serving
from service.screen import progress_bar, say, say_json, show_table
from training import sample_office
from training.backtest import backtest, read_labelled, write_predictions, write_report
from training.retrain import Outcome, retrain
from triage.bulk import BulkReport, import_file, intake_file
from triage.classifier import TargetModel
from triage.config import Settings
from triage.desk import Desk
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.exports import export_ledger
from triage.ledger.cases import CaseFilter, close_case, get_case, list_cases
from triage.ledger.decisions import (
    DECISION_NAMES,
    decide,
    newest_decisions,
    newest_predictions,
)
from triage.ledger.events import EVENT_NAMES, add_event
from triage.ledger.relations import relations_of
from triage.ledger.states import STATE_NAMES
from triage.ledger.store import Ledger
from triage.reading import Reader
from triage.related import KIND_NAMES
from triage.related_file import read_cases, read_queries, related_in_file
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy, load_taxonomy
from triage.text import get_segmenter

SHOWN_REFUSALS = 20


def init(args: argparse.Namespace, settings: Settings) -> int:
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    ledger.close()
    if settings.taxonomy_path.exists():
        load_taxonomy(settings.taxonomy_path)
        say(f"台账已就绪。分类文件沿用 {settings.taxonomy_path}。")
    else:
        sample_office.install_office(settings)
        say(f"台账已就绪。已放入一份虚构的分类文件样本 {settings.taxonomy_path},请改成本单位的科室和职责。")
    return EXIT_OK


def demo(args: argparse.Namespace, settings: Settings) -> int:
    if args.reset:
        _reset_demo(settings)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    sample_office.install_office(settings)
    desk = Desk(settings, ledger=ledger)
    if not desk.taxonomy.invented:
        raise InputError(f"{settings.taxonomy_path} 不是示例单位的分类文件,不往真实台账里装示例数据。")
    with progress_bar() as bar:
        closed = import_file(
            desk, sample_office.CLOSED_YEAR, who="示例", progress=partial(bar, "导入往年办结件")
        )
        trained: list[Outcome] = []
        if any(desk.registry.champion(target) is None for target in TARGETS):
            steps = iter(range(len(TARGETS) + 1))
            trained = retrain(desk, who="示例", on_step=lambda _: bar("训练模型", next(steps), len(TARGETS)))
            bar("训练模型", len(TARGETS), len(TARGETS))
        incoming = intake_file(desk, sample_office.INCOMING, who="示例", progress=partial(bar, "收件并推荐"))
    ledger.close()
    say(
        f"示例单位已就绪(全部虚构):往年办结 {len(closed.created) + closed.known} 件,"
        f"收件 {len(incoming.created) + incoming.known} 件"
        + (f",训练模型 {len(trained)} 个。" if trained else "。数据是上次留下的,重来用 make demo-reset。")
    )
    return EXIT_OK


def _reset_demo(settings: Settings) -> None:
    if settings.taxonomy_path.exists() and not load_taxonomy(settings.taxonomy_path).invented:
        raise InputError("这里不是示例单位,拒绝清空。")
    path = Ledger(settings.database_url).path
    if path is None:
        raise InputError("示例数据在 PostgreSQL 上,请由管理员清空。")
    if not settings.taxonomy_path.exists() and path.exists():
        raise InputError(f"有台账 {path} 却没有示例单位的分类文件,无法确认是示例数据,拒绝清空。")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    settings.taxonomy_path.unlink(missing_ok=True)
    for target in TARGETS:
        shutil.rmtree(settings.models_dir / target, ignore_errors=True)
    say("示例数据已清空。")


def import_(args: argparse.Namespace, settings: Settings) -> int:
    return _bulk(args, settings, import_file, "导入")


def intake_(args: argparse.Namespace, settings: Settings) -> int:
    return _bulk(args, settings, intake_file, "收件")


def _bulk(args: argparse.Namespace, settings: Settings, run: Callable[..., BulkReport], what: str) -> int:
    desk = Desk(settings)
    with progress_bar() as bar:
        report = run(desk, args.file, who=args.who, session=args.session, progress=partial(bar, what))
    if args.json:
        say_json(report.to_dict())
    else:
        say(
            f"{what}完成:新登记 {len(report.created)} 件,已在台账 {report.known} 件,未能登记 {len(report.refused)} 行。"
        )
        if report.differing:
            lines = "、".join(map(str, report.differing[:SHOWN_REFUSALS]))
            say(f"以下各行编号已在台账而内容不同,新内容已留存在该件的经过里,请核对:第 {lines} 行。")
        for bad in report.refused[:SHOWN_REFUSALS]:
            say(f"  第 {bad.line} 行:{bad.reason}")
        if len(report.refused) > SHOWN_REFUSALS:
            say(f"  另有 {len(report.refused) - SHOWN_REFUSALS} 行,用 --json 看全部。")
    return EXIT_PARTIAL if report.refused else EXIT_OK


def list_(args: argparse.Namespace, settings: Settings) -> int:
    desk = _ledger_only(settings)
    wanted = CaseFilter(state=args.state, section=args.section, text=args.text)
    with desk.read() as session:
        rows, total = list_cases(wanted, session=session, limit=args.limit)
        records = []
        for case in rows:
            decided, predicted = newest_decisions(case), newest_predictions(case)
            cells = {}
            for target in TARGETS:
                if target in decided:
                    cells[target] = decided[target].label
                elif target in predicted:
                    label, p = predicted[target].ranked[0]
                    cells[target] = f"?{label} {p:.0%}"
            records.append(
                {
                    "id": case.id,
                    "number": case.number,
                    "session": case.session,
                    "title": case.title,
                    "deputy": case.deputy,
                    "state": case.state,
                    "received_on": case.received_on.isoformat(),
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


def show(args: argparse.Namespace, settings: Settings) -> int:
    from service.schemas import CaseOut

    with _ledger_only(settings).read() as session:
        case = get_case(args.id, session=session)
        relations = relations_of(args.id, session=session)
        if args.json:
            say_json(CaseOut.whole(case, relations).model_dump(mode="json"))
            return EXIT_OK
        say(f"{case.session} {case.number or '无编号'} {case.kind} {STATE_NAMES[case.state]}")
        say(f"{case.title}\n{case.deputy} {case.delegation} 收件 {case.received_on}\n\n{case.body}\n")
        decided = newest_decisions(case)
        for target, row in newest_predictions(case).items():
            ranked = ",".join(f"{label} {p:.0%}" for label, p in row.ranked[:3])
            words = "、".join(w["word"] for w in row.evidence["words"][:6])
            say(f"推荐{TARGET_NAMES[target]}:{ranked}(依据:{words};{row.reason};模型 {row.model_version})")
        for target, decision in decided.items():
            say(
                f"认定{TARGET_NAMES[target]}:{decision.label}({DECISION_NAMES[decision.kind]},{decision.who} {decision.why})"
            )
        for relation, other in relations:
            say(
                f"{KIND_NAMES[relation.kind]}:{other.id} {other.title}(把握 {relation.score:.0%},共同的词:{'、'.join(relation.shared_terms)})"
            )
        say("经过:")
        for event in case.events:
            when = event.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
            what = event.detail.get("label") or event.detail.get("result_class") or ""
            say(
                f"  {when} {EVENT_NAMES[event.kind]} {event.who} {what} {event.detail.get('why', '')}".rstrip()
            )
    return EXIT_OK


def close(args: argparse.Namespace, settings: Settings) -> int:
    taxonomy = load_taxonomy(settings.taxonomy_path)
    with _ledger_only(settings).write() as session:
        case = get_case(args.id, session=session)
        if args.confirm:
            decided = newest_decisions(case)
            open_ = {
                target: decided[target].label if target in decided else row.ranked[0][0]
                for target, row in newest_predictions(case).items()
                if target not in decided or decided[target].kind == "auto"
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
            session=session,
            taxonomy=taxonomy,
        )
        record = {"id": case.id, "state": case.state, "result_class": case.result_class}
    if args.json:
        say_json(record)
    else:
        say(f"第 {args.id} 件已办结销号,办理结果 {args.result}。")
    return EXIT_OK


def retrain_(args: argparse.Namespace, settings: Settings) -> int:
    desk = Desk(settings)
    targets = args.target or list(TARGETS)
    with progress_bar() as bar:
        steps = iter(range(len(targets) + 1))
        outcomes = retrain(
            desk,
            who=args.who,
            targets=targets,
            on_step=lambda _: bar("训练", next(steps), len(targets)),
        )
        bar("训练", len(targets), len(targets))
    if args.json:
        say_json([outcome.to_dict() for outcome in outcomes])
        return EXIT_OK
    for outcome in outcomes:
        _say_outcome(outcome)
    return EXIT_OK


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
    from service.api import describe_models

    described = describe_models(Desk(settings))
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
            )
    return EXIT_OK


def promote(args: argparse.Namespace, settings: Settings) -> int:
    desk = Desk(settings)
    before = desk.registry.champion(args.target)
    with desk.ledger.write() as session:
        add_event(
            "model_promoted",
            who=args.who,
            session=session,
            target=args.target,
            version=args.version,
            previous=before,
            why=args.why,
        )
        desk.registry.promote(args.target, args.version)
    say(f"{TARGET_NAMES[args.target]}现在使用 {args.version}。运行中的服务会自动换用。")
    return EXIT_OK


def rollback(args: argparse.Namespace, settings: Settings) -> int:
    desk = Desk(settings)
    before = desk.registry.champion(args.target)
    with desk.ledger.write() as session:
        version = desk.registry.rollback(args.target)
        add_event(
            "model_rolled_back",
            who=args.who,
            session=session,
            target=args.target,
            version=version,
            previous=before,
            why=args.why,
        )
    say(f"{TARGET_NAMES[args.target]}已退回 {version}。")
    return EXIT_OK


def export(args: argparse.Namespace, settings: Settings) -> int:
    with _ledger_only(settings).read() as session:
        count = export_ledger(args.file, session=session)
    say(f"已导出 {count} 件到 {args.file}。")
    return EXIT_OK


def serve(args: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from service.app import make_app
    from service.guards import check_host

    settings = with_serving(settings, args.host, args.port)
    check_host(settings.host)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise InputError(
                f"端口 {settings.port} 已被占用。换一个:triage serve --port {settings.port + 1}"
            ) from None
    app = make_app(settings)
    say(f"\n打开浏览器:http://{settings.host}:{settings.port}   (停止:Ctrl+C)")
    say("试一试:在“待认定”里打开第一件,看标出的依据和推荐概率,选定承办科室,写上姓名,点“认定并记入台账”。")
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning")
    return EXIT_OK


def backtest_(args: argparse.Namespace, settings: Settings) -> int:
    train, test = read_labelled(args.train), read_labelled(args.test)
    targets = args.target or [t for t in train.targets() if t in test.targets()]
    if not targets:
        raise InputError("两个文件没有共同的标签列(section、topic、handling)。")
    taxonomy = load_taxonomy(args.taxonomy) if args.taxonomy else Taxonomy()
    with progress_bar() as bar:
        report, rows = backtest(
            train,
            test,
            targets,
            taxonomy,
            _reader(taxonomy, settings, args.encoder),
            error_budget=settings.error_budget,
            seed=args.seed,
            progress=bar,
        )
    write_report(report, args.json)
    if args.predictions:
        write_predictions(rows, args.predictions)
    for name, file in (("训练", train), ("测试", test)):
        if file.bad:
            say(f"{name}文件有 {len(file.bad)} 行读不了,例如第 {file.bad[0].line} 行:{file.bad[0].reason}。")
    for target, f in report["targets"].items():
        auto = f["auto"]
        routed = (
            "不自动认定"
            if auto["precision"] is None
            else f"自动 {auto['coverage']:.1%}、其中正确 {auto['precision']:.1%}"
        )
        say(
            f"{TARGET_NAMES[target]}:训练 {f['n_train']} 件,测试 {f['n_test']} 件,{f['n_classes']} 类;"
            f"准确率 {f['accuracy']:.3f},宏平均 F1 {f['macro_f1']:.3f},前三命中 {f['top3_accuracy']:.3f},"
            f"校准误差 {f['ece']:.3f},{routed};训练 {f['fit_seconds']} 秒,"
            f"每件 {f['ms_per_case']['p50']}/{f['ms_per_case']['p95']} 毫秒(p50/p95)"
        )
    return EXIT_OK


def related_(args: argparse.Namespace, settings: Settings) -> int:
    rows, bad = read_cases(args.cases)
    queries = read_queries(args.queries, rows) if args.queries else [r.reference for r in rows]
    taxonomy = load_taxonomy(args.taxonomy) if args.taxonomy else Taxonomy()
    reader = _reader(taxonomy, settings, None)
    models: dict[str, TargetModel] = {}
    if any(label.active for label in taxonomy.section):
        models["section"] = TargetModel.fit("section", taxonomy.section, [], reader)
    flagged = 0
    with args.json.open("w", encoding="utf-8") as file, progress_bar() as bar:
        for line in related_in_file(
            rows,
            queries,
            reader,
            taxonomy,
            models=models,
            top=args.top,
            threshold=settings.related_threshold,
            progress=bar,
        ):
            flagged += any(r["flagged"] for r in line["related"])
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    for refused in bad[:SHOWN_REFUSALS]:
        say(f"  第 {refused.line} 行未用:{refused.reason}")
    say(f"查了 {len(queries)} 件,其中 {flagged} 件有建议合并的对象,结果在 {args.json}。")
    return EXIT_PARTIAL if bad else EXIT_OK


def _reader(taxonomy: Taxonomy, settings: Settings, encoder: str | None) -> Reader:
    segmenter = get_segmenter(taxonomy.terms(), settings.cache_dir)
    return Reader(segmenter, get_encoder(encoder or settings.encoder))


def _ledger_only(settings: Settings) -> Ledger:
    """The ledger without the models, for commands that only read or write it."""
    ledger = Ledger(settings.database_url)
    ledger.check()
    return ledger
