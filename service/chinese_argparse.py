"""argparse that speaks Chinese: its own messages, translated."""

from __future__ import annotations

import argparse
from typing import NoReturn

_WORDS = {
    "usage: ": "用法:",
    "positional arguments": "参数",
    "options": "选项",
    "subcommands": "命令",
    "show this help message and exit": "显示帮助并退出",
    "the following arguments are required: %s": "缺少参数:%s",
    "unrecognized arguments: %s": "不认识的参数:%s",
    "expected one argument": "后面应跟一个值",
    "expected at least one argument": "后面至少跟一个值",
    "argument %(argument_name)s: %(message)s": "参数 %(argument_name)s:%(message)s",
    "invalid %(type)s value: %(value)r": "%(value)r 不是有效的值",
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r 无效,可选:%(choices)s",
    "%(prog)s: error: %(message)s\n": "错误:%(message)s\n",
    "not allowed with argument %s": "不能与 %s 同用",
}


def install() -> None:
    """Translate argparse's messages in this process."""
    argparse._ = lambda text: _WORDS.get(text, text)  # type: ignore[attr-defined]


class Parser(argparse.ArgumentParser):
    """A parser whose usage errors end with code 2 and a hint."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"错误:{message}\n看帮助:{self.prog} --help\n")
