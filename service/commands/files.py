"""Commands on files alone, without a ledger: backtest, related, groups (of a ledger where no file is named)."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from service.command import EXIT_OK, EXIT_PARTIAL
from service.commands.ledger import ledger_groups
from service.screen import progress_bar, say, show_table
from training import sample_office
from training.backtest import backtest, read_labelled, write_predictions, write_report
from training.replay import ITSELF, NEVER, OURS, Office, slices_of
from training.replay_report import replay
from triage.champions import Champions
from triage.classifier import TargetModel
from triage.config import Settings
from triage.crew import crew
from triage.documents.rows import BadRow, Row
from triage.encoder import get_encoder
from triage.errors import InputError
from triage.reading import Reader, make_reader, reader_of
from triage.registry import Registry
from triage.related import weights_for
from triage.related_file import FileIndex, groups_in_file, read_cases, read_queries, related_in_file
from triage.signing import SigningKey
from triage.taxonomy import TARGET_NAMES, TARGETS, Taxonomy, load_taxonomy

WAY_NAMES = {
    OURS.name: "每年用办结件学习",
    NEVER.name: "从不重新学习",
    ITSELF.name: "拿自己的自动认定学习",
}
REPLAYED = {"accuracy": "准确率", "coverage": "自动", "precision": "自动中正确", "override_rate": "改判"}
SHOWN_REFUSALS = 20
SHOWN_GROUPS = 20


def replay_(args: argparse.Namespace, settings: Settings) -> int:
    file = read_labelled(args.cases)
    targets = args.target or file.targets()
    if not targets:
        raise InputError("文件里没有标签列(section、topic、handling)。")
    taxonomy = load_taxonomy(args.taxonomy) if args.taxonomy else Taxonomy()
    reader = _reader(taxonomy, settings, args.encoder)
    reports = {}
    with crew(settings, args.jobs, args.cluster) as workers, progress_bar() as bar:
        for target in targets:
            office = Office(target, taxonomy, reader, settings.error_budget, args.audit_share, args.unnoticed)
            slices = slices_of(file, target, args.slices)
            reports[target] = replay(office, slices, seeds=args.seeds, workers=workers, progress=bar)
    write_report({"bad_rows": len(file.bad), "targets": reports}, args.json)
    for target, report in reports.items():
        say(
            f"\n{TARGET_NAMES[target]}:{report['labels']} 类,先学 {report['learned_first']} 件;"
            f"每格为 {report['seeds']} 次的平均"
        )
        rows = [
            [
                *(WAY_NAMES[way], year["name"], str(year["n"])),
                *(_share(year[key]) for key in REPLAYED),
                _gap(report["differences"].get(way, {}), nth),
            ]
            for way, years in report["ways"].items()
            for nth, year in enumerate(years)
        ]
        show_table(["做法", "年份", "件数", *REPLAYED.values(), "每年学习的高出多少(95% 区间)"], rows)
    say(f"\n详见 {args.json}。")
    return EXIT_OK


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1%}"


def _gap(differences: Sequence[dict[str, Any]], nth: int) -> str:
    if not differences:
        return ""
    found = differences[nth]
    return f"{100 * found['value']:+.1f}({100 * found['low']:+.1f} 至 {100 * found['high']:+.1f})"


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
    flagged = 0
    with args.json.open("w", encoding="utf-8") as file, progress_bar() as bar:
        index = _file_index(args, settings, rows, bar)
        threshold = weights_for(settings.title_encoder).threshold(settings.related_wrong_share)
        for line in related_in_file(queries, index, top=args.top, threshold=threshold, progress=bar):
            flagged += any(r["flagged"] for r in line["related"])
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    _say_refused(bad)
    say(f"查了 {len(queries)} 件,其中 {flagged} 件有建议合并的对象,结果在 {args.json}。")
    return EXIT_PARTIAL if bad else EXIT_OK


def groups_(args: argparse.Namespace, settings: Settings) -> int:
    if args.cases is None:
        return ledger_groups(args, settings)
    rows, bad = read_cases(args.cases)
    title = {row.reference: row.get("title") or row.get("body")[:30] for row in rows}
    with progress_bar() as bar:
        index = _file_index(args, settings, rows, bar)
        threshold = weights_for(settings.title_encoder).threshold(settings.related_wrong_share)
        found = groups_in_file(rows, index, threshold=threshold, progress=bar)
    content = [group.to_dict() for group in found]
    args.json.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    _say_refused(bad)
    for group in found[:SHOWN_GROUPS]:
        say(
            f"{len(group.keys)} 件:{group.name or title[group.lead]}(建议主件 {group.lead} {title[group.lead]})"
        )
    say(
        f"{len(rows)} 件中找到 {len(found)} 组、{sum(len(g.keys) for g in found)} 件可以一并办理,结果在 {args.json}。"
    )
    return EXIT_PARTIAL if bad else EXIT_OK


def _file_index(
    args: argparse.Namespace, settings: Settings, rows: list[Row], progress: Callable[[str, int, int], None]
) -> FileIndex:
    taxonomy, models = _labels_for_related(args, settings)
    return FileIndex(
        rows,
        _reader(taxonomy, settings, None),
        taxonomy,
        models=models,
        title_encoder=get_encoder(settings.title_encoder) if settings.title_encoder else None,
        weights=weights_for(settings.title_encoder),
        progress=progress,
    )


def _say_refused(bad: list[BadRow]) -> None:
    for refused in bad[:SHOWN_REFUSALS]:
        say(f"  第 {refused.line} 行未用:{refused.reason}")


def _labels_for_related(
    args: argparse.Namespace, settings: Settings
) -> tuple[Taxonomy, dict[str, TargetModel]]:
    """The office's own taxonomy and champions, or another taxonomy's duties, or nothing."""
    if args.no_taxonomy:
        return Taxonomy(), {}
    own = args.taxonomy is None and settings.taxonomy_path.exists()
    if args.taxonomy is None and not own:
        say("还没有本单位的分类文件,以虚构示例单位的职责判断科室是否一致;不看科室用 --no-taxonomy。")
    taxonomy = load_taxonomy(args.taxonomy or (settings.taxonomy_path if own else sample_office.OFFICE))
    if own:
        registry = Registry(
            settings.models_dir, partial(reader_of, settings), SigningKey(settings.signing_key)
        )
        return taxonomy, Champions(registry, taxonomy, settings.encoder).models()
    reader = _reader(taxonomy, settings, None)
    used = [t for t in TARGETS if any(label.active for label in taxonomy.labels(t))]
    return taxonomy, {t: TargetModel.fit(t, taxonomy.labels(t), [], reader) for t in used}


def _reader(taxonomy: Taxonomy, settings: Settings, encoder: str | None) -> Reader:
    return make_reader(encoder or settings.encoder, taxonomy.terms())
