"""Reading a file that somebody handed in: safely, whatever it holds."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from triage.config import CHECKOUT
from triage.documents.blocks import Document
from triage.documents.child import OCR_SECONDS, SECONDS
from triage.documents.kinds import MAX_UNPACKED_BYTES
from triage.documents.sheets import Sheet
from triage.errors import InputError, os_reason

MAX_FILE_BYTES = 50 * 2**20
MAX_NAME = 200
TOO_MUCH = "文件太大或太复杂,没有读取。请确认文件没有问题,或分成几个文件。"
BROKEN = "文件读不出来,可能已损坏。请重新保存后再上传。"


@dataclass(frozen=True)
class Content:
    """What a file holds; one of document, sheets and text, by its kind.

    Attributes:
        kind: a key of kinds.OWN_NAMES.
        notes: sentences for the person who handed it in.
    """

    kind: str
    notes: tuple[str, ...] = ()
    document: Document | None = None
    sheets: list[Sheet] = field(default_factory=list)
    text: str = ""


def read_bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        InputError: no such file, not readable, or larger than MAX_FILE_BYTES.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} 太大,最多 {MAX_FILE_BYTES // 2**20} MB。")
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"找不到文件 {path}。") from None
    except OSError as error:
        raise InputError(f"{path} {os_reason(error)}。") from None


def read_content(content: bytes, name: str) -> Content:
    """What a file holds, read in a process of its own with bounded memory and time.

    A scan is given to the OCR extra where that is installed.

    Raises:
        InputError: it cannot be read; the sentence is for the person who handed it in.
    """
    if len(content) > MAX_FILE_BYTES:
        raise InputError(f"文件太大,最多 {MAX_FILE_BYTES // 2**20} MB。")
    told = _ask(content, base_name(name), ocr=False)
    if told.get("scan") and find_spec("rapidocr") is not None:
        told = _ask(content, base_name(name), ocr=True)
    if "error" in told:
        raise InputError(told["error"])
    return content_of(told)


def content_of(told: dict[str, Any]) -> Content:
    """What the reading process's answer says."""
    notes = tuple(told["notes"])
    if "sheets" in told:
        sheets = [
            Sheet(s["name"], s["rows"], {(r, c): (top, left) for r, c, top, left in s["joined"]})
            for s in told["sheets"]
        ]
        return Content(told["kind"], notes, sheets=sheets)
    if "text" in told:
        return Content(told["kind"], notes, text=told["text"])
    return Content(told["kind"], notes, document=Document.from_dict(told))


def base_name(name: str) -> str:
    """A file's own name without any folder or control character; never empty."""
    name = PureWindowsPath(PurePosixPath(name).name).name
    return "".join(ch for ch in name if ch.isprintable())[-MAX_NAME:].strip(". ") or "未命名"


def _ask(content: bytes, name: str, *, ocr: bool) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 - our own program; the name is only an argument
            [sys.executable, "-m", "triage.documents.child", name, "ocr" if ocr else "text"],
            input=content,
            capture_output=True,
            timeout=2 * (OCR_SECONDS if ocr else SECONDS),
            cwd=CHECKOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(TOO_MUCH) from None
    if done.returncode < 0 or len(done.stdout) > MAX_UNPACKED_BYTES:  # it ran into a limit
        raise InputError(TOO_MUCH)
    if done.returncode:
        raise InputError(TOO_MUCH if b"MemoryError" in done.stderr[-2000:] else BROKEN)
    told: dict[str, Any] = json.loads(done.stdout)
    return told
