"""Word documents (.docx, .docm) as lines and tables, straight from their XML (ISO/IEC 29500-1).

Read without python-docx, which refuses .docm and does not see content controls and text boxes.
Numbers that Word makes for a list by itself are not part of the text and are not read.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from lxml import etree

from triage.documents.blocks import Block, Cell, Document, Line, Table
from triage.documents.kinds import MACROS
from triage.errors import InputError

_DROPPED = {"del", "moveFrom", "instrText", "delText", "Fallback", "footnoteReference", "rPr", "pPr"}
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, etree.XMLSyntaxError, EOFError, OSError, ValueError)
_BREAKS = {"br", "cr"}


def read_docx(content: bytes) -> Document:
    """Headers first, each distinct line of them once, then the body in reading order.

    Raises:
        InputError: damaged, or no Word document.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            main = _parse(archive.read(_main_part(archive)))
            headers = [_parse(archive.read(n)) for n in sorted(names) if _is_header(n)]
    except _BROKEN as error:
        raise InputError("Word 文件已损坏,打不开。请重新保存后再上传。") from error
    body = next((child for child in main if _tag(child) == "body"), None)
    if body is None:
        raise InputError("Word 文件里没有正文,打不开。")
    lines = [block for header in headers for block in _blocks(header) if isinstance(block, Line)]
    blocks = tuple(_blocks(body))
    if not blocks and any(_tag(element) in ("blip", "imagedata") for element in body.iter()):
        raise InputError("Word 文件里只有图片,没有文字可读。请上传有文字的 Word 版或 PDF,或直接录入。")
    notes = (MACROS,) if any(name.endswith("vbaProject.bin") for name in names) else ()
    return Document((*dict.fromkeys(lines), *blocks), notes)


def _main_part(archive: zipfile.ZipFile) -> str:
    for relation in _parse(archive.read("_rels/.rels")):
        if relation.get("Type", "").endswith("/officeDocument"):
            return relation.get("Target", "").lstrip("/")
    raise KeyError("officeDocument")


def _is_header(name: str) -> bool:
    return name.startswith("word/header") and name.endswith(".xml")


def _parse(raw: bytes) -> etree._Element:
    # nothing is fetched or expanded from outside the file
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(raw, parser)


def _tag(element: etree._Element) -> str:
    """The name without its namespace: transitional and strict documents differ only there."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def _attribute(element: etree._Element, name: str) -> str | None:
    return next((str(v) for k, v in element.attrib.items() if etree.QName(str(k)).localname == name), None)


def _blocks(parent: etree._Element) -> Iterator[Block]:
    for element in parent:
        tag = _tag(element)
        if tag == "p":
            text, boxes = _paragraph(element)
            yield from (Line(line.strip()) for line in text.split("\n") if line.strip())
            for box in boxes:
                yield from _blocks(box)
        elif tag == "tbl":
            yield Table(tuple(row for row in _rows(element) if row))
        elif tag not in _DROPPED and len(element):  # content controls, custom XML, inserted text
            yield from _blocks(element)


def _paragraph(paragraph: etree._Element) -> tuple[str, list[etree._Element]]:
    """Its text with line breaks as newlines, and the text boxes that hang on it."""
    parts: list[str] = []
    boxes: list[etree._Element] = []

    def walk(element: etree._Element) -> None:
        for child in element:
            tag = _tag(child)
            if tag == "t":
                parts.append(child.text or "")
            elif tag == "tab":
                parts.append("  ")
            elif tag in _BREAKS:
                parts.append("\n")
            elif tag == "noBreakHyphen":
                parts.append("-")
            elif tag == "txbxContent":
                boxes.append(child)
            elif tag not in _DROPPED:
                walk(child)

    walk(paragraph)
    return "".join(parts).replace("\xa0", " "), boxes


def _rows(table: etree._Element) -> Iterator[tuple[Cell, ...]]:
    for element in table:
        tag = _tag(element)
        if tag == "tr":
            yield tuple(_cells(element))
        elif tag in ("sdt", "sdtContent", "customXml", "ins"):
            yield from _rows(element)


def _cells(row: etree._Element) -> Iterator[Cell]:
    column = 0
    for element in _members(row, "tc"):
        properties = next((child for child in element if _tag(child) == "tcPr"), None)
        width, continued = 1, False
        for item in properties if properties is not None else ():
            if _tag(item) == "gridSpan":
                width = _positive(_attribute(item, "val"))
            elif _tag(item) == "vMerge":
                continued = _attribute(item, "val") in (None, "continue")
        yield Cell("" if continued else _cell_text(element), column, width, continued)
        column += width


def _members(parent: etree._Element, wanted: str) -> Iterator[etree._Element]:
    for element in parent:
        tag = _tag(element)
        if tag == wanted:
            yield element
        elif tag in ("sdt", "sdtContent", "customXml"):
            yield from _members(element, wanted)


def _positive(raw: str | None) -> int:
    # not isdigit: to Python ² is a digit too, and no number; nor is a number of thousands of digits
    return min(int(raw), 1000) if raw and re.fullmatch("[0-9]{1,9}", raw) and int(raw) else 1


def _cell_text(cell: etree._Element) -> str:
    """The cell's paragraphs, one a line; a table inside gives its cells."""
    lines: list[str] = []
    for block in _blocks(cell):
        if isinstance(block, Line):
            lines.append(block.text)
        else:
            lines += ["  ".join(c.text for c in row if c.text.strip()) for row in block.rows]
    return "\n".join(line for line in lines if line.strip())
