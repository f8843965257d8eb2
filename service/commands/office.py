"""Setting an office up, the sample office, and serving the pages."""

from __future__ import annotations

import argparse
import shutil
import socket
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from service.command import EXIT_OK
from service.commands.record import read_holidays
from service.screen import progress_bar, say
from training import sample_office
from training.rebuild import outdated_champions, rebuild_outdated
from training.run import alone, run_training
from triage.bulk import import_file, intake_file
from triage.config import Settings
from triage.desk import Desk
from triage.errors import Conflict, InputError
from triage.ledger.accounts import has_accounts
from triage.ledger.decisions import ROUTER
from triage.ledger.grants import grant_application
from triage.ledger.holidays import set_holidays
from triage.ledger.invites import add_invite
from triage.ledger.search import CaseFilter, list_cases
from triage.ledger.store import Ledger
from triage.promotion import reconcile
from triage.reading import reader_of
from triage.registry import Registry
from triage.sign_recorded import sign_recorded
from triage.signing import SigningKey
from triage.taxonomy import TARGET_NAMES, TARGETS, load_taxonomy


def init(args: argparse.Namespace, settings: Settings) -> int:
    with closing(Ledger(settings.database_url)) as ledger:
        if args.app_role and ledger.is_sqlite:
            raise InputError("--app-role 只适用于 PostgreSQL:SQLite 没有账号,靠文件权限保护。")
        ledger.migrate()
        if args.app_role:
            grant_application(ledger, args.app_role)
            say(f"账号 {args.app_role} 已有服务所需的权限:可以登记和办理,不能改动、删除已有的记录。")
        _sign(ledger, settings, again=args.resign)
    if settings.taxonomy_path.exists():
        load_taxonomy(settings.taxonomy_path)
        say(f"台账已就绪。分类文件沿用 {settings.taxonomy_path}。")
    else:
        sample_office.install_office(settings)
        say(f"台账已就绪。已放入一份虚构的分类文件样本 {settings.taxonomy_path},请改成本单位的科室和职责。")
    return EXIT_OK


def _sign(ledger: Ledger, settings: Settings, *, again: bool = False) -> None:
    """Make the key of a new or upgraded office and sign the versions that its ledger confirms."""
    registry = Registry(settings.models_dir, partial(reader_of, settings), SigningKey(settings.signing_key))
    if not again:
        if registry.key.exists():
            return
        if registry.has_signatures():  # a key made anew would hide that the old one is gone
            say(
                f"注意:签名密钥 {settings.signing_key} 不见了,已签名的模型都不会启用。请从备份放回原处;"
                "找不回来再运行 triage init --resign:换一把新的,与台账记录相符的模型会重新签名。"
            )
            return
    with ledger.read() as session:
        done = sign_recorded(registry, session=session)
    if done.versions:
        say(f"已为 {len(done.versions)} 个模型版本签名,都与台账里训练它们的记录相符。")
    for refused in done.refused:
        say(f"注意:{refused}")
    if done.refused:
        say("没有签名的版本不会启用,由之前的版本或仅凭职责推荐;要用新的请运行 triage retrain 重新训练。")
    say(f"模型的签名密钥在 {settings.signing_key},请随台账一起备份,不要给别人。")


def demo(args: argparse.Namespace, settings: Settings) -> int:
    if args.reset:
        _reset_demo(settings)
    ledger = Ledger(settings.database_url)
    ledger.migrate()
    _sign(ledger, settings)
    if not settings.taxonomy_path.exists() and _has_cases(ledger):
        raise InputError(
            f"台账里已有建议件,却没有分类文件 {settings.taxonomy_path}:不能确认这是示例单位,不装示例数据。"
        )
    sample_office.install_office(settings)
    desk = Desk(settings, ledger=ledger)
    if not desk.taxonomy.invented:
        raise InputError(f"{settings.taxonomy_path} 不是示例单位的分类文件,不往真实台账里装示例数据。")
    days = read_holidays(sample_office.HOLIDAYS.read_text(encoding="utf-8"))
    with ledger.write() as session:
        set_holidays(days, who="示例", session=session)
    with progress_bar() as bar:
        closed = import_file(
            desk, sample_office.CLOSED_YEAR, who="示例", progress=partial(bar, "导入往年办结件")
        )
        trained = 0
        if any(desk.registry.champion(target) is None for target in TARGETS):
            training = run_training(
                desk, who="示例", progress=lambda step, done, total: bar("训练模型", done, total)
            )
            trained = len(training.outcomes)
        incoming = intake_file(desk, sample_office.INCOMING, who="示例", progress=partial(bar, "收件并推荐"))
    ledger.close()
    say(
        f"示例单位已就绪(全部虚构):往年办结 {len(closed.created) + closed.known} 件,"
        f"收件 {len(incoming.created) + incoming.known} 件"
        + (f",训练模型 {trained} 个。" if trained else "。数据是上次留下的,重来用 make demo-reset。")
    )
    return EXIT_OK


def _has_cases(ledger: Ledger) -> bool:
    with ledger.read() as session:
        return list_cases(CaseFilter(), session=session, limit=1)[1] > 0


def _reset_demo(settings: Settings) -> None:
    if settings.taxonomy_path.exists() and not load_taxonomy(settings.taxonomy_path).invented:
        raise InputError("这里不是示例单位,拒绝清空。")
    path = Ledger(settings.database_url).path
    if path is None:
        raise InputError("示例数据在 PostgreSQL 上,请由管理员清空。")
    if not settings.taxonomy_path.exists() and path.exists():
        raise InputError(f"有台账 {path} 却没有示例单位的分类文件,无法确认是示例数据,拒绝清空。")
    # moved, not deleted: somebody may have put real cases into what still calls itself a sample
    aside = path.parent / f"cleared-{datetime.now():%Y%m%d-%H%M%S}"
    moved = [Path(f"{path}{suffix}") for suffix in ("", "-wal", "-shm")]
    moved += [settings.taxonomy_path, *(settings.models_dir / target for target in TARGETS)]
    for file in moved:
        if file.exists():
            aside.mkdir(exist_ok=True)
            shutil.move(file, aside / file.name)
    if aside.exists():
        say(f"示例数据已清空,原来的移到了 {aside},确认无用后可以删除。")


def _rebuild(desk: Desk) -> None:
    """What an upgraded library cannot read is fitted anew before it serves."""
    if not outdated_champions(desk):
        return
    say("程序库升级了,原来的模型读不了,先用台账重新训练,完成后开始服务:")
    try:
        with alone(desk.settings.models_dir):
            for done in rebuild_outdated(desk, who=ROUTER, on_step=lambda t: say(f"  {TARGET_NAMES[t]}…")):
                say(f"  {done.said}")
    except Conflict:  # the one that trains does it, and what it makes is taken up when it is there
        say("  另一个训练正在进行,由它重新训练;完成以前凭职责推荐。")


def serve(args: argparse.Namespace, settings: Settings) -> int:
    import uvicorn

    from service.app import make_app
    from service.guards import check_host, is_loopback
    from service.logs import configure
    from service.warming import one_thread_a_request

    settings = replace(
        settings, host=args.host or settings.host, port=settings.port if args.port is None else args.port
    )
    if not is_loopback(settings.host):
        with closing(Ledger(settings.database_url)) as ledger:
            ledger.check()
            with ledger.read() as session:
                check_host(settings.host, has_accounts=has_accounts(session))
    if not 0 < settings.port < 65_536:
        raise InputError(f"端口 {settings.port} 无效,应为 1 到 65535。")
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            raise InputError(
                f"端口 {settings.port} 已被占用。换一个:triage serve --port {settings.port + 1}"
            ) from None
    desk = Desk(settings, ledger=Ledger(settings.database_url, patience=settings.database_seconds))
    with desk.ledger.read() as session:
        ready = has_accounts(session)
    at = settings.base_url
    if ready:
        say(f"\n打开浏览器:{at}   (停止:Ctrl+C)")
    else:
        with desk.ledger.write() as session:
            key = add_invite(None, who=ROUTER, session=session)
        say(
            f"\n第一次使用,在浏览器打开下面的链接,设立管理员(24 小时内有效,只能用一次;停止:Ctrl+C):\n\n{at}/first?key={key}\n"
        )
    if not is_loopback(settings.host) and not settings.is_https:
        say(
            "注意:没有 TLS,密码和台账内容在网络上不加密。请在前面加反向代理(https),并设 TRIAGE_PUBLIC_URL=https://…。"
        )
    configure(settings)
    reconcile(desk)
    _rebuild(desk)
    one_thread_a_request()
    # uvicorn's loggers write as all others do; its own line for each request has the query in it
    uvicorn.run(
        make_app(settings, desk, at_once=True),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
    )
    return EXIT_OK
