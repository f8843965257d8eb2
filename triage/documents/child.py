"""Reads one file in a process of its own, from standard input, and answers in JSON.

What people hand in may be damaged or made to do harm. Here it can neither take all memory nor
hang: the process has limits, and nothing else runs in it.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from triage.documents.kinds import NoText, decode, file_kind, misnamed
from triage.errors import InputError

MEMORY_BYTES = 1536 * 2**20
OCR_MEMORY_BYTES = 6 * 2**30
SECONDS = 60
OCR_SECONDS = 600
OCR_HINT = "请上传 Word 版或有文字的 PDF,或请管理员安装文字识别组件(ocr)。"


def answer(content: bytes, name: str, *, ocr: bool) -> dict[str, Any]:
    """What ``triage.documents.reading`` makes its objects of.

    Raises:
        InputError: the file cannot be read; the message is for the person who handed it in.
    """
    kind = file_kind(content, name)
    notes = [note for note in [misnamed(kind, name)] if note]
    if kind in ("xlsx", "xls", "ods"):
        from triage.documents.sheets import read_workbook

        sheets, own_notes = read_workbook(content)
        told = [
            {"name": s.name, "rows": s.rows, "joined": [[*at, *first] for at, first in s.joined.items()]}
            for s in sheets
        ]
        return {"kind": kind, "sheets": told, "notes": notes + own_notes}
    if kind in ("csv", "json"):
        return {"kind": kind, "text": decode(content), "notes": notes}
    document = _document(kind, content, ocr=ocr).to_dict()
    return {"kind": kind, "blocks": document["blocks"], "notes": notes + document["notes"]}


def _document(kind: str, content: bytes, *, ocr: bool) -> Any:
    # each reader is loaded only where it is needed: this process lives for one file
    if kind == "docx":
        from triage.documents.word import read_docx

        return read_docx(content)
    if kind == "doc":
        from triage.documents.old_word import read_doc

        return read_doc(content)
    if kind == "txt":
        from triage.documents.text_file import read_text

        return read_text(decode(content))
    if ocr:
        from triage.documents.ocr import read_scan

        return read_scan(content)
    if kind == "image":
        raise NoText(f"这是图片,没有文字可读。{OCR_HINT}")
    from triage.documents.pdf import read_pdf

    return read_pdf(content)


def main() -> int:
    name, ocr = sys.argv[1], sys.argv[2] == "ocr"
    resource.setrlimit(resource.RLIMIT_AS, (OCR_MEMORY_BYTES if ocr else MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (OCR_SECONDS if ocr else SECONDS,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        told = answer(sys.stdin.buffer.read(), name, ocr=ocr)
    except NoText as error:
        told = {"error": error.message, "scan": True}
    except InputError as error:
        told = {"error": error.message}
    except MemoryError:
        told = {"error": "文件解开后太大,没有读取。"}
    except RecursionError:
        told = {"error": "文件的结构不合情理,没有读取。"}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
