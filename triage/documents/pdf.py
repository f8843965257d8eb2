"""PDF files with a text layer: their lines and tables, or a sentence that says why not."""

from __future__ import annotations

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from triage.documents.blocks import Document
from triage.documents.kinds import NoText
from triage.documents.pdf_layout import Sheet, to_blocks, to_sheet
from triage.documents.pdf_pages import Page, read_page
from triage.errors import InputError

MOST_PAGES = 500
MOST_CHARACTERS = 2_000_000
_STAMP = 40  # characters; scanning programs print a line of advertising or a number on a picture
_SCANNED = 0.5  # of the page is picture
_GARBLED = 0.3
_MOST_NAMED = 20

_DAMAGED = "这份 PDF 已损坏或不是 PDF 文件,无法读取。请重新下载或重新导出后再上传。"


def open_pdf(content: bytes) -> pdfium.PdfDocument:
    """The file, opened; to be closed by the caller.

    Raises:
        InputError: it needs a password, is damaged, has no pages or more than ``MOST_PAGES``.
    """
    if b"%PDF-" not in content[:1024]:
        raise InputError(_DAMAGED)
    try:
        file = pdfium.PdfDocument(content)
    except pdfium.PdfiumError as error:
        raise InputError(_refusal(error.err_code)) from None
    pages = len(file)
    if pages > MOST_PAGES:
        file.close()
        raise InputError(f"这份 PDF 有 {pages} 页,最多可读 {MOST_PAGES} 页,请拆分后再上传。")
    return file


def _refusal(code: int | None) -> str:
    if code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
        return "这份 PDF 设有打开密码,无法读取。请取消密码后再上传。"
    if code == raw.FPDF_ERR_SUCCESS:
        return "这份 PDF 没有页,无法读取。请重新导出后再上传。"
    return _DAMAGED


def read_pdf(content: bytes) -> Document:
    """Lines and tables of all pages that have text.

    Raises:
        InputError: the file cannot be opened (``open_pdf``), all its pages are damaged, pictures or
            blank, its text is garbage, or it has more than ``MOST_CHARACTERS``.
    """
    file = open_pdf(content)
    try:
        return _read(file)
    finally:
        file.close()


def _read(file: pdfium.PdfDocument) -> Document:
    sheets: list[Sheet] = []
    scanned: list[int] = []
    broken: list[int] = []
    characters = garbled = 0
    for number in range(1, len(file) + 1):
        page = _page(file, number)
        if page is None:
            broken.append(number)
            continue
        signs = sum(not glyph.text.isspace() for glyph in page.glyphs)
        characters, garbled = characters + len(page.glyphs), garbled + page.garbled
        if characters > MOST_CHARACTERS:
            raise InputError(f"这份 PDF 的文字超过 {MOST_CHARACTERS // 10_000} 万字,请拆分后再上传。")
        if page.picture >= _SCANNED and signs < _STAMP:
            scanned.append(number)
        elif signs:
            sheets.append(to_sheet(page, sheets[-1] if sheets else None))
    if not sheets and garbled <= _STAMP:
        raise NoText(_nothing(scanned, broken)) if scanned else InputError(_nothing(scanned, broken))
    if garbled > _GARBLED * (characters + garbled) / (1 + _GARBLED):
        raise InputError(
            "这份 PDF 的文字用了特殊字体,取出来是乱码,无法读取。请上传 Word 版,或打印扫描后用文字识别。"
        )
    blocks = to_blocks(sheets)
    return Document(tuple(blocks), tuple(_notes(scanned, broken)))


def _page(file: pdfium.PdfDocument, number: int) -> Page | None:
    """A page; None where it is damaged."""
    try:
        page = file[number - 1]
    except pdfium.PdfiumError:
        return None
    try:
        return read_page(page)
    except pdfium.PdfiumError:
        return None
    finally:
        page.close()


def _nothing(scanned: list[int], broken: list[int]) -> str:
    if scanned:
        return "这份 PDF 是扫描件,没有文字可读。请上传 Word 版,或请管理员安装文字识别组件(ocr),或直接录入。"
    if broken:
        return _DAMAGED
    return "这份 PDF 里没有文字。请确认文件内容,或上传 Word 版,或直接录入。"


def _notes(scanned: list[int], broken: list[int]) -> list[str]:
    notes = []
    if scanned:
        notes.append(f"第 {_named(scanned)} 页是扫描的图片,没有文字可读,未读入,请另行录入。")
    if broken:
        notes.append(f"第 {_named(broken)} 页已损坏,未读入,请核对原件。")
    return notes


def _named(pages: list[int]) -> str:
    shown = "、".join(map(str, pages[:_MOST_NAMED]))
    return shown if len(pages) <= _MOST_NAMED else f"{shown} 等 {len(pages)}"
