"""Files as they should not be, and are: each made by code, small, with what a person should be told of it."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docx
import msoffcrypto.format.ooxml as encrypted_office
import openpyxl
from docx.opc.constants import RELATIONSHIP_TYPE
from PIL import Image

BODY = "滨河路至今没有路灯,夜间行人摔倒多起。建议今年装上路灯,并明确专人维护。"


@dataclass(frozen=True)
class Odd:
    """One odd file.

    Attributes:
        says: what the refusal, or a note, must say; empty: it is read without a word.
        read: whether its text is there all the same.
    """

    name: str
    make: Callable[[Path], bytes]
    says: str
    read: bool = False


def word(lines: tuple[str, ...] = ("标题:关于路灯的建议", f"正文:{BODY}")) -> bytes:
    paper = docx.Document()
    for line in lines:
        paper.add_paragraph(line)
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def workbook(*rows: tuple[str, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows or (("编号", "标题", "正文"), ("1", "路灯", BODY)):
        book.active.append(row)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def repacked(content: bytes, change: dict[str, bytes]) -> bytes:
    """A packed file with parts replaced or added."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in dict.fromkeys([*old.namelist(), *change]):
            new.writestr(name, change.get(name) or old.read(name))
    return made.getvalue()


def locked(content: bytes) -> bytes:
    made = io.BytesIO()
    encrypted_office.OOXMLFile(io.BytesIO(content)).encrypt("123456", made)
    return made.getvalue()


def bomb(part: str, start: bytes, filling: bytes, end: bytes, megabytes: int) -> bytes:
    """A packed file with one part of that size; its central directory tells the truth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    chunk = filling * (2**20 // len(filling))
    crc, parts, size = 0, [], 0
    for piece in (start, *[chunk] * megabytes, end):
        parts.append(packer.compress(piece))
        crc, size = zlib.crc32(piece, crc), size + len(piece)
    data = b"".join([*parts, packer.flush()])
    name = part.encode()
    head = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, crc, len(data), size, len(name), 0)
    local = b"PK\x03\x04" + head + name
    central = b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, 0) + name
    offset = len(local) + len(data)
    end_record = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), offset, 0)
    return local + data + central + end_record


def lying_bomb() -> bytes:
    """As a bomb, but the directory says that the part is small."""
    content = bytearray(bomb("word/document.xml", b"<w>", b" " * 1024, b"</w>", 900))
    at = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, at + 24, 5_000)
    return bytes(content)


def many_parts() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for n in range(50_000):
            packed.writestr(f"{n}.txt", "")
    return made.getvalue()


def laughs() -> bytes:
    """Entities that would unfold to a gigabyte."""
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    text = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a0 "哈哈哈">{entities}]><d><body><p><t>&a9;</t></p></body></d>'
    return repacked(word(), {"word/document.xml": text.encode()})


def macro() -> bytes:
    types = zipfile.ZipFile(io.BytesIO(word())).read("[Content_Types].xml")
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    enabled = b"application/vnd.ms-word.document.macroEnabled.main+xml"
    return repacked(
        word(), {"[Content_Types].xml": types.replace(plain, enabled), "word/vbaProject.bin": b"\xd0\xcf"}
    )


def picture(suffix: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(made, suffix)
    return made.getvalue()


def picture_only() -> bytes:
    paper = docx.Document()
    paper.add_picture(io.BytesIO(picture("PNG")))
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def linked() -> bytes:
    """Parts and pictures that stand on another machine, which nobody may ask."""
    paper = docx.Document()
    paper.add_paragraph("标题:关于路灯的建议")
    paper.add_paragraph(f"正文:{BODY}")
    for kind in (RELATIONSHIP_TYPE.IMAGE, RELATIONSHIP_TYPE.HYPERLINK, RELATIONSHIP_TYPE.OLE_OBJECT):
        paper.part.relate_to("http://127.0.0.1:9/x", kind, is_external=True)
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def empty_rows() -> bytes:
    """A million rows that are formatted and hold nothing, as a careless fill leaves them."""
    content = workbook()
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    rows = "".join(f'<row r="{n}"><c r="A{n}" s="0"/></row>' for n in range(10, 1_048_577))
    return repacked(
        content, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", f"{rows}</sheetData>".encode())}
    )


def far_cell() -> bytes:
    """A blank typed into the last cell of all: a table of 17 thousand million cells, taken at its word."""
    content = workbook()
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    cell = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t> </t></is></c></row></sheetData>'
    return repacked(content, {"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", cell)})


def noise(start: bytes) -> bytes:
    return start + random.Random(6).randbytes(20_000)


def container(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        for name in names:
            packed.writestr(name, word())
    return made.getvalue()


def old_word(folder: Path) -> bytes:
    return (folder / "old.doc").read_bytes()


def pdf(name: str) -> Callable[[Path], bytes]:
    return lambda folder: (folder / name).read_bytes()


def plain(content: bytes) -> Callable[[Path], bytes]:
    return lambda _: content


TEXT = f"标题:关于路灯的建议\n正文:{BODY}\n"
ODD = [
    Odd("空.docx", plain(b""), "空的"),
    Odd("只有空格.txt", plain(b" \r\n\t\n" * 50), "空的"),
    Odd("有密码.docx", lambda _: locked(word()), "密码"),
    Odd("有密码.xlsx", lambda _: locked(workbook()), "密码"),
    Odd("有密码.pdf", pdf("locked.pdf"), "密码"),
    Odd("炸弹.docx", lambda _: bomb("word/document.xml", b"<w>", b" " * 1024, b"</w>", 900), "大得不合情理"),
    Odd("谎报大小.docx", lambda _: lying_bomb(), "损坏"),
    Odd(
        "炸弹.xlsx", lambda _: bomb("xl/worksheets/sheet1.xml", b"<s>", b"<c/>", b"</s>", 250), "大得不合情理"
    ),
    Odd("五万个文件.zip", lambda _: many_parts(), "压缩包"),
    Odd("实体嵌套.docx", lambda _: laughs(), "损坏"),
    Odd("旧格式改名.docx", old_word, "实际格式", read=True),
    Odd("新格式改名.doc", plain(word()), "实际格式", read=True),
    Odd("改名.pdf", plain(word()), "实际格式", read=True),
    Odd("带宏.docm", lambda _: macro(), "宏", read=True),
    Odd("三百页.docx", lambda _: word((f"标题:长\n正文:{BODY}", *[BODY * 20] * 300)), "", read=True),
    Odd("三百页.pdf", pdf("long.pdf"), "", read=True),
    Odd("国标编码.txt", plain(TEXT.encode("gb18030")), "", read=True),
    Odd("双字节.txt", plain(TEXT.encode("utf-16")), "", read=True),
    Odd("别的编码.txt", plain(TEXT.encode("gb18030") + b"\xff\xff"), "编码"),
    Odd("图片.bmp", lambda _: picture("BMP"), "PNG"),
    Odd("空白图片.png", lambda _: picture("PNG"), "识别"),
    Odd("只有图片.docx", lambda _: picture_only(), "只有图片"),
    Odd("截断.docx", plain(word()[:9_000]), "损坏"),
    Odd("截断.pdf", lambda folder: (folder / "long.pdf").read_bytes()[:30_000], "损坏"),
    Odd("乱码.docx", lambda _: noise(b"PK\x03\x04"), "损坏"),
    Odd("乱码.doc", lambda _: noise(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "损坏"),
    Odd("乱码.pdf", lambda _: noise(b"%PDF-1.7\n"), "PDF"),
    Odd("网页.doc", plain(f"<html><body>{BODY}</body></html>".encode()), "网页"),
    Odd("富文本.doc", plain(b"{\\rtf1\\ansi hello}"), "RTF"),
    Odd("三份.zip", lambda _: container("1.docx", "2.docx", "3.docx"), "压缩包"),
    Odd("演示.pptx", lambda _: container("ppt/presentation.xml"), "演示文稿"),
    Odd("版式.ofd", lambda _: container("OFD.xml", "Doc_0/Document.xml"), "OFD"),
    Odd("程序.docx", lambda _: noise(b"MZ"), "程序文件"),
    Odd("百万空行.xlsx", lambda _: empty_rows(), "", read=True),
    Odd("角落里的空格.xlsx", lambda _: far_cell(), "太大或太复杂"),
    Odd("命令.xlsx", plain(workbook(("标题", "正文"), ("路灯", "=cmd|' /C calc'!A0"))), "", read=True),
    Odd("两万空段.docx", lambda _: word((*[""] * 20_000, "标题:路灯", f"正文:{BODY}")), "", read=True),
    Odd("外部链接.docx", lambda _: linked(), "", read=True),
]
