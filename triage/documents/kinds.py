"""What a file really is, told by its content; the name is believed only where content does not tell."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import PurePath

import olefile

from triage.errors import InputError

MAX_UNPACKED_BYTES = 300 * 2**20
PACKED_TIMES = 200  # text packs ten to thirty times; far more is a trap
OWN_NAMES = {
    "docx": (".docx", ".docm"),
    "doc": (".doc", ".wps"),
    "pdf": (".pdf",),
    "xlsx": (".xlsx", ".xlsm"),
    "xls": (".xls", ".et"),
    "ods": (".ods",),
    "csv": (".csv",),
    "json": (".json",),
    "txt": (".txt", ".text", ".md"),
    "image": (".png", ".jpg", ".jpeg"),
}
MACROS = "文件带有宏,宏没有运行。"
_SAVE_AS = "请用 Word 或 WPS 另存为 .docx 再上传。"
_OTHER_PICTURE = "这种图片不能读取,请改用 PNG、JPG 或 PDF。"
_STARTS: list[tuple[bytes, str | None, str]] = [
    (b"{\\rtf", None, f"这是 RTF 文件。{_SAVE_AS}"),
    (b"\x89PNG", "image", ""),
    (b"\xff\xd8\xff", "image", ""),
    *((start, None, _OTHER_PICTURE) for start in (b"BM", b"II*\x00", b"MM\x00*", b"GIF8")),
    (b"MZ", None, "这是程序文件,不能上传。"),
    (b"\x7fELF", None, "这是程序文件,不能上传。"),
    (b"Rar!", None, "这是压缩包,请解压后再上传。"),
    (b"7z\xbc\xaf", None, "这是压缩包,请解压后再上传。"),
    (b"\x1f\x8b", None, "这是压缩包,请解压后再上传。"),
]


class NoText(InputError):
    """A picture of a page; text recognition might read it."""


def file_kind(content: bytes, name: str) -> str:
    """A key of OWN_NAMES.

    Raises:
        InputError: empty, protected by a password, packed beyond all measure, or of a kind that is not read.
    """
    if not content.strip(b"\x00 \t\r\n"):
        raise InputError("文件是空的。")
    for start, kind, refusal in _STARTS:
        if content.startswith(start) and not (start == b"BM" and _looks_like_text(content)):
            if kind is None:
                raise InputError(refusal)
            return kind
    if content.startswith(b"PK"):
        return _packed_kind(content)
    if content.startswith(olefile.MAGIC):
        return _ole_kind(content)
    if b"%PDF-" in content[:1024]:
        return "pdf"
    return _text_kind(content, name)


def misnamed(kind: str, name: str) -> str:
    """A sentence where the file's name says another kind than its content; else empty."""
    suffix = PurePath(name).suffix.lower()
    if not suffix or suffix in OWN_NAMES[kind]:
        return ""
    return f"文件名以 {suffix} 结尾,内容其实是 {OWN_NAMES[kind][0]} 格式,已按实际格式读取。"


def _packed_kind(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            declared = _declared(archive)
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise InputError("文件已损坏,打不开。请重新保存后再上传。") from error
    size = sum(entry.file_size for entry in entries)
    if size > MAX_UNPACKED_BYTES or size > max(PACKED_TIMES * len(content), 20 * 2**20):
        raise InputError("文件解开后大得不合情理,没有打开。请确认文件来源。")
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise InputError("压缩包有密码,打不开。")
    for kind, part in (("docx", "word/"), ("xlsx", "xl/")):
        if any(name.startswith(part) for name in names):
            return kind
    if any(name.startswith("ppt/") for name in names):
        raise InputError("这是演示文稿,不是建议或台账。请上传 Word、PDF 或 Excel 文件。")
    if "OFD.xml" in names:
        raise InputError("这是 OFD 版式文件,请转成 PDF 或 Word 再上传。")
    if "content.xml" in names:
        if b"spreadsheet" in declared:
            return "ods"
        raise InputError(f"这是 OpenDocument 文件。{_SAVE_AS}")
    raise InputError("这是压缩包,请解压后再上传。")


def _declared(archive: zipfile.ZipFile) -> bytes:
    """What an OpenDocument file says that it is: the start of its first part, which is never encrypted."""
    about = next((entry for entry in archive.infolist() if entry.filename == "mimetype"), None)
    if about is None or about.flag_bits & 1:
        return b""
    with archive.open(about) as part:
        return part.read(100)


def _ole_kind(content: bytes) -> str:
    try:
        if not has_sound_sectors(content):
            raise ValueError("more sectors than the file can hold")
        with olefile.OleFileIO(io.BytesIO(content)) as ole:
            streams = {"/".join(entry).lower() for entry in ole.listdir(streams=True, storages=False)}
    except Exception as error:  # olefile raises many kinds for a damaged file
        raise InputError("文件已损坏,打不开。请重新保存后再上传。") from error
    if "encryptedpackage" in streams:
        raise InputError("文件有打开密码。请取消密码后再上传。")
    if "worddocument" in streams:
        return "doc"
    if streams & {"workbook", "book"}:
        return "xls"
    raise InputError("不认识这种文件。请上传 Word、PDF、Excel、CSV、TXT 或 JSON 文件。")


def has_sound_sectors(content: bytes) -> bool:
    """Whether an OLE file is large enough for the sectors it says it has ([MS-CFB] 2.2).

    olefile follows a list that leads round in circles for as long as that number lets it.
    """
    return len(content) >= 512 and int.from_bytes(content[0x2C:0x30], "little") <= 109 + len(content) // 2**15


def _text_kind(content: bytes, name: str) -> str:
    text = decode(content)
    head = text[:500].lstrip().lower()
    if head.startswith(("<!doctype html", "<html", "mime-version:", "<?xml")) or "<html" in head:
        raise InputError(f"这是网页文件,不是真正的 Word 或 Excel 文件。{_SAVE_AS}")
    suffix = PurePath(name).suffix.lower()
    for kind in ("csv", "json", "txt"):
        if suffix in OWN_NAMES[kind]:
            return kind
    return "json" if head.startswith(("[{", "{")) else "txt"


def decode(content: bytes) -> str:
    """Text in UTF-8, UTF-16 with its mark, or GB18030 (what Windows writes in Chinese).

    Raises:
        InputError: none of these, or no text at all.
    """
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(ch < " " and ch not in "\t\r\n\f\x0b" for ch in text) <= len(text) / 1000:
            return text
    raise InputError("不认识这种文件:既不是 Word、PDF、Excel,也不是 UTF-8 或 GB18030 编码的文本。")


def _looks_like_text(content: bytes) -> bool:
    return b"\x00" not in content[:200]
