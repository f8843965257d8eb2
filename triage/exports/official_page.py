"""A page as official letters have it (after GB/T 9704): A4, its margins, fonts and line spacing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.document import Document as Page
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.oxml.text.font import CT_RPr
from docx.shared import Length, Mm, Pt, RGBColor
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph
from docx.text.run import Run

BODY, TITLE, HEADING = "仿宋_GB2312", "方正小标宋简体", "黑体"
SIZE = 16.0  # points: 三号
LINE = Pt(28)
LEFT, RIGHT, CENTER = WD_ALIGN_PARAGRAPH.LEFT, WD_ALIGN_PARAGRAPH.RIGHT, WD_ALIGN_PARAGRAPH.CENTER
JUSTIFY = WD_ALIGN_PARAGRAPH.JUSTIFY
# punctuation as letters have it, whatever the keyboard gave; spaces to be written into as wide as a character
_WIDE = str.maketrans(dict(zip(",:;() ", "\uff0c\uff1a\uff1b\uff08\uff09\u3000", strict=True)))
GREY = RGBColor(0x80, 0x80, 0x80)
# what no XML can hold, and what turns the direction of the text around it
_HARMFUL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def plain(text: str) -> str:
    """``text`` on one line, without characters that no document can hold."""
    return " ".join(_HARMFUL.sub("", text).split())


def said(template: str, **values: str) -> str:
    """The sentence with its values filled in, which stay as they are; its own punctuation is made wide."""
    return template.translate(_WIDE).format(**values)


def new_page(author: str) -> Page:
    """An empty document on such a page, with the number of each page at its foot."""
    page = Document()
    section = page.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(28)
    normal = page.styles["Normal"]
    normal.font.size = Pt(SIZE)
    _set_font(normal.element.get_or_add_rPr(), BODY)
    language = OxmlElement("w:lang")
    language.set(qn("w:eastAsia"), "zh-CN")
    normal.element.get_or_add_rPr().append(language)
    properties = page.core_properties
    properties.author, properties.comments, properties.title = author, "", ""
    _number_pages(section.footer.paragraphs[0])
    return page


def put(
    page: Page,
    text: str = "",
    *,
    align: WD_ALIGN_PARAGRAPH = JUSTIFY,
    font: str = BODY,
    size: float = SIZE,
    indent: int = 0,
    right: float = 0,
    colour: RGBColor | None = None,
) -> Paragraph:
    """A paragraph.

    Args:
        indent: characters before its first line. right: characters kept free on its right.
    """
    paragraph = page.add_paragraph()
    _lay_out(paragraph, align, LINE)
    paragraph.paragraph_format.right_indent = Pt(size * right) if right else None
    if indent:
        paragraph.paragraph_format.first_line_indent = Pt(size * indent)
    run = write(paragraph, text, font=font, size=size)
    if colour is not None:
        run.font.color.rgb = colour
    return paragraph


def write(paragraph: Paragraph, text: str, *, font: str = BODY, size: float = SIZE) -> Run:
    """Add text to a paragraph."""
    run = paragraph.add_run(_HARMFUL.sub("", text))
    run.font.size = Pt(size)
    _set_font(run._element.get_or_add_rPr(), font)
    return run


def rule(paragraph: Paragraph, *sides: str) -> None:
    """Lines along these sides (top, bottom) of a paragraph."""
    borders: Any = OxmlElement("w:pBdr")
    for side in sides:
        line = OxmlElement(f"w:{side}")
        for name, value in (("val", "single"), ("sz", "6"), ("space", "1"), ("color", "auto")):
            line.set(qn(f"w:{name}"), value)
        borders.append(line)
    # before the spacing: the schema has an order
    properties = paragraph._p.get_or_add_pPr()
    properties.insert_element_before(borders, "w:spacing", "w:ind", "w:jc", "w:rPr")


def put_table(page: Page, rows: int, widths: Sequence[int]) -> Table:
    """A ruled empty table; ``widths`` of its columns in millimetres."""
    table: Table = page.add_table(rows=rows, cols=len(widths))
    table.style = page.styles["Table Grid"]
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
    return table


def fill_cell(cell: _Cell, text: str, *, align: WD_ALIGN_PARAGRAPH = LEFT, size: float = 14) -> None:
    """Write into an empty cell."""
    paragraph = cell.paragraphs[0]
    _lay_out(paragraph, align, Pt(22))
    write(paragraph, text, size=size)


def _lay_out(paragraph: Paragraph, align: WD_ALIGN_PARAGRAPH, line: Length) -> None:
    paragraph.alignment = align
    layout = paragraph.paragraph_format
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, line
    layout.space_before = layout.space_after = Pt(0)


def _set_font(properties: CT_RPr, font: str) -> None:
    fonts = properties.get_or_add_rFonts()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), font)


def _number_pages(paragraph: Paragraph) -> None:
    _lay_out(paragraph, CENTER, Pt(20))
    write(paragraph, "— ", font="宋体", size=14)
    run = write(paragraph, "", font="宋体", size=14)
    for kind in ("begin", "", "end"):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = " PAGE "
        run._element.append(part)
    write(paragraph, " —", font="宋体", size=14)
