"""Papers out of the ledger: the ledger itself as a file, drafts of reply letters."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from service.command import EXIT_OK
from service.commands.record import open_ledger
from service.screen import progress_bar, say, warn
from triage.config import Settings
from triage.errors import InputError, os_reason
from triage.exports.ledger_file import check_suffix, export_ledger
from triage.exports.letter import draft_letter
from triage.ledger.cases import get_case
from triage.ledger.search import CaseFilter, in_office
from triage.taxonomy import load_taxonomy


def export(args: argparse.Namespace, settings: Settings) -> int:
    check_suffix(args.file)
    taxonomy = load_taxonomy(settings.taxonomy_path)
    wanted = in_office(CaseFilter(state=args.state, section=args.section, year=args.year), taxonomy)
    with (
        new_file(args.file, force=args.force) as path,
        open_ledger(settings).read() as session,
        progress_bar() as bar,
    ):
        count = export_ledger(
            path, session=session, taxonomy=taxonomy, wanted=wanted, progress=partial(bar, "导出")
        )
        if not count:  # the file does not get its name
            raise InputError("没有符合条件的建议件,没有写出文件。")
    say(f"已导出 {count} 件到 {args.file}。")
    return EXIT_OK


def letter(args: argparse.Namespace, settings: Settings) -> int:
    """A draft for somebody to write in; the ledger stays as it is."""
    if args.file.suffix.lower() != ".docx":
        raise InputError(f"答复稿是 Word 文件,请用 .docx 结尾的文件名,不能用 {args.file.name}。")
    taxonomy = load_taxonomy(settings.taxonomy_path)
    with open_ledger(settings).read() as session:
        content = draft_letter(get_case(args.id, session=session), taxonomy=taxonomy)
    with new_file(args.file, force=args.force) as path:
        path.write_bytes(content)
    if taxonomy.invented:
        warn(
            f"注意:{settings.taxonomy_path} 还是虚构的示例单位,答复稿的落款和发文字号是“{taxonomy.bureau}”的,"
            "不是本单位的。请改好该文件,删去 invented 一行,再出答复稿。"
        )
    say(f"答复稿已写到 {args.file}。请填写正文和留空之处,核对后发文。")
    return EXIT_OK


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Where to write what is to be ``path``: it gets that name only when it is whole.

    Raises:
        InputError: it exists and is not to be replaced, or cannot be written.
    """
    if path.exists() and not force:
        raise InputError(f"{path} 已存在,没有改动。要覆盖请加 --force,或换一个文件名。")
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise InputError(f"{path} {os_reason(error)}。") from None
    finally:
        part.unlink(missing_ok=True)
