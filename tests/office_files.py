"""Word files of suggestions and their PDF, as an office prints them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import docx
from docx.document import Document as Word
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

HEADER = "某市第十届人民代表大会第三次会议"
SENTENCE = "近年来我市老旧小区加装电梯工作稳步推进,但仍存在资金筹措困难、邻里协调不畅、审批环节偏多等问题。"
SECRET = {
    "EncryptFile": {"type": "boolean", "value": "true"},
    "DocumentOpenPassword": {"type": "string", "value": "x"},
}


def prose(start: str, sentences: int) -> str:
    return start + "".join(f"第{number}点," + SENTENCE for number in range(1, sentences + 1))


def add(word: Word, text: str, indent: bool = True, centred: bool = False) -> None:
    paragraph = word.add_paragraph(text)
    paragraph.paragraph_format.first_line_indent = Pt(24) if indent else None
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for run in paragraph.runs:
        run.font.size = Pt(12)


def add_running(word: Word) -> None:
    section = word.sections[0]
    section.header.paragraphs[0].text = HEADER
    footer = section.footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    footer.add_run("— ")
    run = footer.add_run()
    for kind in ("begin", "", "end"):
        part = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            part.set(qn("w:fldCharType"), kind)
        else:
            part.text = "PAGE"
        run._r.append(part)
    footer.add_run(" —")


def lines_file() -> Word:
    word = docx.Document()
    add_running(word)
    add(word, "关于推进老旧小区加装电梯的建议", indent=False, centred=True)
    add(word, "案由:关于加装电梯的建议        领衔代表:张三", indent=False)
    for number in range(14):
        add(
            word,
            prose(f"段{number}:", 1 + number % 4) + " The quick brown fox jumps over the lazy dog today.",
        )
    return word


def form_file(paragraphs: tuple[str, ...]) -> Word:
    word = docx.Document()
    add_running(word)
    add(word, "建议登记表", indent=False, centred=True)
    table = word.add_table(rows=6, cols=4)
    table.style = "Table Grid"
    for row, first in ((1, 1), (2, 2), (3, 2), (4, 1), (5, 1)):
        table.cell(row, first).merge(table.cell(row, 3))
    table.cell(2, 0).merge(table.cell(3, 0))
    words = {
        (0, 0): "领衔代表",
        (0, 1): "张三",
        (0, 2): "代表团",
        (1, 0): "案由",
        (1, 1): "关于加装电梯的建议",
    }
    words |= {(2, 0): "联系方式", (2, 1): "电话", (2, 2): "87654321", (3, 1): "地址", (4, 0): "建议内容"}
    for (row, column), text in (words | {(5, 0): "备注", (5, 1): "无"}).items():
        table.cell(row, column).text = text
    body = table.cell(4, 1)
    body.text = paragraphs[0]
    for text in paragraphs[1:]:
        body.add_paragraph(text)
    for paragraph in body.paragraphs:
        paragraph.paragraph_format.first_line_indent = Pt(22)
    add(word, "表后一行。", indent=False)
    return word


def columns_file() -> Word:
    word = docx.Document()
    word.sections[0]._sectPr.find(qn("w:cols")).set(qn("w:num"), "2")
    for number in range(14):
        add(word, prose(f"段{number}:", 2))
    return word


def landscape_file() -> Word:
    word = docx.Document()
    section = word.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = section.page_height, section.page_width
    add(word, "横向汇总表", indent=False, centred=True)
    table = word.add_table(rows=40, cols=6)
    table.style = "Table Grid"
    for number, cell in enumerate(table._cells):
        cell.text = f"{number // 6}行{number % 6}列"
    return word


def long_file() -> Word:
    word = docx.Document()
    for number in range(300):
        add(word, prose(f"建议{number}:", 12))
        if number < 299:
            word.add_page_break()
    return word


def convert(folder: Path, names: list[str], secret: bool = False) -> dict[str, bytes]:
    """The PDF of Word files in ``folder``, by name."""
    options = ":writer_pdf_Export:" + json.dumps(SECRET) if secret else ""
    target = folder / ("secret" if secret else "plain")
    office = shutil.which("soffice")
    assert office
    sources = [str(folder / f"{name}.docx") for name in names]
    profile = f"-env:UserInstallation=file://{folder}/profile"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", f"pdf{options}", "--outdir", str(target), *sources],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return {name: (target / f"{name}.pdf").read_bytes() for name in names}
