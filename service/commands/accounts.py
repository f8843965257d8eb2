"""Accounts and tokens from the command line: for whoever administers the machine."""

from __future__ import annotations

import argparse
from contextlib import closing

from service.command import EXIT_OK
from service.roles import SCOPES
from service.screen import say, show_table
from triage.config import Settings
from triage.errors import NotFound
from triage.ledger.accounts import ROLE_NAMES, find_account, has_accounts, list_accounts
from triage.ledger.invites import add_invite
from triage.ledger.store import Ledger
from triage.ledger.tokens import add_token


def accounts(args: argparse.Namespace, settings: Settings) -> int:
    """List them, or make a one-time link for somebody who cannot get in."""
    with closing(Ledger(settings.database_url)) as ledger:
        ledger.check()
        if args.link:
            with ledger.write() as session:
                account = find_account(args.link, session=session)
                if account is None:
                    raise NotFound(f"没有登录名为“{args.link}”的在用账号。")
                key = add_invite(account.id, who=args.who, session=session)
            say(f"{account.name}的一次性链接(24 小时内有效):{settings.base_url}/link?key={key}")
            return EXIT_OK
        with ledger.read() as session:
            rows = list_accounts(session=session)
            if not has_accounts(session):
                say("还没有账号。运行 triage serve,打开它给出的一次性链接,设立管理员。")
                return EXIT_OK
        show_table(
            ["登录名", "姓名", "角色", "科室", "状态"],
            [
                [
                    row.login,
                    row.name,
                    "、".join(ROLE_NAMES[role] for role in row.roles),
                    row.section,
                    "在用" if row.active else "停用",
                ]
                for row in rows
            ],
        )
    return EXIT_OK


def token(args: argparse.Namespace, settings: Settings) -> int:
    """Make a token for a program; it is printed once."""
    with closing(Ledger(settings.database_url)) as ledger:
        ledger.check()
        with ledger.write() as session:
            key = add_token(args.name, args.scope or ["read"], known=SCOPES, who=args.who, session=session)
    say(key)
    return EXIT_OK
