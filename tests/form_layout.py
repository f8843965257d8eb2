"""What a form's layout is, and the few things python-docx needs help with to draw one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from docx import Document
from docx.document import Document as Docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Pt
from docx.table import Table, _Cell
from form_matters import wide

Drawer = Callable[[Docx], None]


@dataclass(frozen=True)
class Layout:
    """One office's document and what stands on it.

    Attributes:
        convert: formats that an office program makes of it besides: 'doc', 'pdf'.
        truth: field to value; a field that the document does not give is not in it.
    """

    name: str
    suffix: str
    convert: tuple[str, ...]
    make: Callable[[Path], None]
    truth: dict[str, str]


def word(draw: Drawer, punctuation: Callable[[str], str] = wide) -> Callable[[Path], None]:
    """Writes the .docx that ``draw`` fills, its punctuation Chinese unless ``str`` leaves it as it is."""

    def make(path: Path) -> None:
        document = Document()
        normal = document.styles["Normal"]
        normal.font.name = "仿宋_GB2312"
        normal.font.size = Pt(14)
        normal.element.rPr.rFonts.set(qn("w:eastAsia"), "仿宋_GB2312")
        draw(document)
        parts = [document.element, *(section.header._element for section in document.sections)]
        for text in (text for part in parts for text in part.iter(qn("w:t"))):
            text.text = punctuation(text.text or "")
        document.save(str(path))

    return make


def plain(
    text: str, encoding: str = "utf-8", punctuation: Callable[[str], str] = wide
) -> Callable[[Path], None]:
    """Writes the .txt, its lines ended as Windows ends them."""

    def make(path: Path) -> None:
        lines = [punctuation(line) for line in text.strip().splitlines()]
        path.write_bytes("\r\n".join(lines).encode(encoding))

    return make


def centre(document: Docx, *lines: str, size: int = 18) -> None:
    """A heading, each of its lines a centred paragraph."""
    for line in lines:
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(line)
        run.bold = True
        run.font.size = Pt(size)


def right(document: Docx, *lines: str) -> None:
    for line in lines:
        document.add_paragraph(line).alignment = WD_ALIGN_PARAGRAPH.RIGHT


def prose(document: Docx, paragraphs: Iterable[str]) -> None:
    """A body, its paragraphs indented as Chinese ones are."""
    for text in paragraphs:
        document.add_paragraph(text).paragraph_format.first_line_indent = Pt(28)


def put(cell: _Cell, text: str) -> None:
    """A cell's text, a paragraph a line."""
    first, *more = text.split("\n")
    cell.paragraphs[0].text = first
    for line in more:
        cell.add_paragraph(line)


def grid(document: Docx, rows: Sequence[Sequence[str | tuple[str, int]]], columns: int) -> Table:
    """A table; a cell is its text, or its text and how many columns it covers.

    A text of ``"^"`` continues the cell above it.
    """
    table = document.add_table(rows=len(rows), cols=columns)
    table.style = "Table Grid"
    for number, row in enumerate(rows):
        column = 0
        for item in row:
            text, width = item if isinstance(item, tuple) else (item, 1)
            cell = table.cell(number, column)
            if width > 1:
                cell = cell.merge(table.cell(number, column + width - 1))
            if text == "^":
                above = table.cell(number - 1, column)
                above.merge(cell)
            elif text:
                put(cell, text)
            column += width
        if column != columns:
            raise ValueError(f"row {number} covers {column} of {columns} columns: {row}")
    return table


def header(document: Docx, text: str) -> None:
    """Into the header of every page."""
    document.sections[0].header.paragraphs[0].text = text


def two_columns(document: Docx) -> None:
    """Sets the last section in two newspaper columns."""
    columns = OxmlElement("w:cols")
    columns.set(qn("w:num"), "2")
    columns.set(qn("w:space"), "425")
    properties = document.sections[-1]._sectPr
    for old in properties.findall(qn("w:cols")):
        properties.remove(old)
    properties.append(columns)


def text_box(document: Docx, *lines: str) -> None:
    """A text box of the older kind, which every office program still reads."""
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in lines)
    document.add_paragraph()._p.append(
        parse_xml(
            f'<w:r {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml"><w:pict>'
            '<v:shape style="position:absolute;margin-left:300pt;margin-top:0;width:150pt;height:40pt">'
            f"<v:textbox><w:txbxContent>{paragraphs}</w:txbxContent></v:textbox></v:shape></w:pict></w:r>"
        )
    )


def controlled(cell: _Cell, text: str) -> None:
    """A content control as the only thing in a cell's first paragraph."""
    cell.paragraphs[0]._p.append(
        parse_xml(
            f"<w:sdt {nsdecls('w')}><w:sdtPr><w:text/></w:sdtPr><w:sdtContent>"
            f"<w:r><w:t>{text}</w:t></w:r></w:sdtContent></w:sdt>"
        )
    )
