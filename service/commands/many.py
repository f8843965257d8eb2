"""Commands for more work than one process should do: recommend, scheduler, worker."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import NoReturn

from threadpoolctl import threadpool_limits

from service.command import EXIT_OK, EXIT_PARTIAL
from service.screen import progress_bar, say, say_json, warn
from triage.champions import Champions
from triage.classifier import TargetModel
from triage.config import CHECKOUT, Settings
from triage.crew import MISSING_CLUSTER, Place, crew
from triage.errors import InputError
from triage.ledger.store import Ledger
from triage.recommend_many import Tally, check_suffix, kit_of, recommend_many
from triage.registry import Registry
from triage.signing import SigningKey
from triage.taxonomy import TARGET_NAMES, Taxonomy, load_taxonomy
from triage.text_sources import texts_of_file, texts_of_ledger


def recommend_(args: argparse.Namespace, settings: Settings) -> int:
    check_suffix(args.out)
    if args.out.exists() and not args.force:
        raise InputError(f"{args.out} 已存在,覆盖请加 --force。")
    if not 1 <= args.chunk <= 10_000:
        raise InputError(f"--chunk {args.chunk} 无效,应为 1 到 10000。")
    taxonomy = load_taxonomy(settings.taxonomy_path)
    if args.ledger:
        ledger = Ledger(settings.database_url)
        ledger.check()
        texts = texts_of_ledger(ledger)
    else:
        texts = texts_of_file(args.file, settings)
    with threadpool_limits(limits=1):  # as in every process that works on it
        kit = kit_of(models_of(args.model, taxonomy, settings), taxonomy)
    with crew(settings, args.jobs, args.cluster) as workers, progress_bar() as bar:
        tally = recommend_many(texts, kit, args.out, workers, chunk=args.chunk, progress=bar)
    _tell(tally, args)
    return EXIT_PARTIAL if tally.refused else EXIT_OK


def scheduler(args: argparse.Namespace, settings: Settings) -> int:
    """Becomes Dask's own scheduler."""
    _become("scheduler", ["--host", args.host, "--port", str(args.port)], settings)


def worker(args: argparse.Namespace, settings: Settings) -> int:
    """Becomes Dask's own worker, which starts its processes anew when they die."""
    if not 1 <= args.jobs <= 256:
        raise InputError(f"--jobs {args.jobs} 无效,应为 1 到 256。")
    folder = settings.home / "var" / "worker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = ["--nworkers", str(args.jobs), "--nthreads", "1", "--memory-limit", args.memory]
    options += ["--local-directory", str(folder), *(["--host", args.host] if args.host else [])]
    _become("worker", [args.scheduler, *options], settings)


def _become(what: str, options: Sequence[str], settings: Settings) -> NoReturn:
    """One of Dask's programs in place of this one, with our modules before others."""
    if find_spec("distributed") is None:
        raise InputError(MISSING_CLUSTER)
    path = os.pathsep.join(p for p in (str(CHECKOUT), os.environ.get("PYTHONPATH", "")) if p)
    rest = {name: value for name, value in os.environ.items() if not name.startswith("TRIAGE_")}
    # neither the ledger's address nor a secret: who can reach the scheduler can read them here
    own = {"TRIAGE_HOME": str(settings.home), "TRIAGE_ENCODER": settings.encoder, "PYTHONPATH": path}
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options, "--no-dashboard"]
    os.execve(sys.executable, command, {**rest, **own})  # noqa: S606 - Dask's own program, no shell


def models_of(wanted: Sequence[str], taxonomy: Taxonomy, settings: Settings) -> dict[str, TargetModel]:
    """The champions, or the versions that were asked for in their stead."""
    registry = Registry(settings.models_dir, Place.here(settings).reader, SigningKey(settings.signing_key))
    champions = Champions(registry, taxonomy, settings.encoder)
    models = champions.models()
    for told in wanted:
        target, _, version = told.partition("=")
        if target not in models or not version:
            raise InputError(f"--model {told} 看不懂,应写成 目标=版本,目标可选:{'、'.join(models)}。")
        models[target] = registry.load(target, version)
    asked = {told.partition("=")[0] for told in wanted}
    for target, problem in champions.problems().items():
        if target not in asked:
            warn(problem)
    return models


def _tell(tally: Tally, args: argparse.Namespace) -> None:
    if args.json:
        say_json(vars(tally))
        return
    if tally.kept:
        say(f"接着上次做:{tally.kept} 块已经做完,这次做了 {tally.done} 块。")
    for target, sure in tally.sure.items():
        known = tally.recorded[target]
        same = f",与现有的相同 {tally.same[target]} 件,不同 {known - tally.same[target]} 件" if known else ""
        say(f"{TARGET_NAMES[target]}:有把握 {sure} 件{same}")
    refused = f",其中 {tally.refused} 件没有推荐(原因写在文件里)" if tally.refused else ""
    say(f"共 {tally.texts} 件{refused},结果在 {args.out}。台账没有改动。")
