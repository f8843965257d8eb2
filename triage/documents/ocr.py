"""Scanned pages and photographs: their lines and tables, recognised in the picture."""

from __future__ import annotations

import importlib
import io
import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.documents.blocks import Document
from triage.documents.pdf import open_pdf
from triage.documents.pdf_grids import Ruling
from triage.documents.pdf_layout import Sheet, to_blocks, to_sheet
from triage.documents.pdf_lines import Glyph
from triage.documents.pdf_pages import Page
from triage.errors import InputError

MOST_PAGES = 30
CHECK = "文字由图像识别得来,请逐项核对。"
_DPI = 200
_POINT = 72 / _DPI  # of one pixel
_LONGEST = 2400  # pixels of a page's longer side; the recogniser looks at no more than 2000
_MOST_PIXELS = 100_000_000  # of a picture that is handed in, before it is made smaller
_LEVEL_RULING = 40  # pixels; longer than the strokes of characters in body text
_UPRIGHT_RULING = 24  # pixels; the lowest rows of tables, but the strokes of characters too
_THICKEST = 12  # pixels
_TOUCHING = 2.0  # points
_MODELS = {
    "Det.model_path": "PP-OCRv6_det_small.onnx",
    "Rec.model_path": "PP-OCRv6_rec_small.onnx",
}
_Picture = npt.NDArray[np.uint8]


def read_scan(content: bytes) -> Document:
    """Recognise a scanned PDF, or a PNG or JPEG picture of one page.

    Raises:
        InputError: the optional packages are missing, the file cannot be opened, has more than
            ``MOST_PAGES``, or nothing was recognised.
    """
    recognise = _recogniser()
    sheets: list[Sheet] = []
    for picture in _pictures(content):
        page = _page(picture, recognise)
        if page.glyphs:
            sheets.append(to_sheet(page, sheets[-1] if sheets else None))
    if not sheets:
        raise InputError("图像中没有识别出文字。请换一份更清晰的扫描件,或上传 Word 版,或直接录入。")
    return Document(tuple(to_blocks(sheets)), (CHECK,))


def _recogniser() -> Any:
    """Raises InputError where the packages or the models that they carry are missing."""
    missing = InputError("没有安装文字识别组件,无法读取扫描件。请让管理员运行 pip install 'triage[ocr]'。")
    try:
        package = importlib.import_module("rapidocr")
        importlib.import_module("onnxruntime")
        importlib.import_module("cv2")
    except ImportError:
        raise missing from None
    folder = Path(str(package.__file__)).parent / "models"
    # Without paths the package would fetch a model that it misses from the net.
    models = {name: str(folder / file) for name, file in _MODELS.items()}
    if not all(Path(path).is_file() for path in models.values()):
        raise missing
    # The package's test for lines that stand on their heads turns good long lines round.
    settings = {"Global.log_level": "critical", "Global.use_cls": False}
    recognise = package.RapidOCR(params={**settings, **models})
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return recognise


def _pictures(content: bytes) -> Any:
    """One RGB picture a page, about 200 dots to the inch."""
    if content.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff")):
        yield _photograph(content)
        return
    file = open_pdf(content)
    try:
        if len(file) > MOST_PAGES:
            raise InputError(f"这份扫描件有 {len(file)} 页,最多可识别 {MOST_PAGES} 页,请拆分后再上传。")
        for number in range(len(file)):
            try:
                page = file[number]
                scale = min(_DPI / 72, _LONGEST / max(*page.get_size(), 1.0))
                yield page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False).to_numpy()[:, :, :3]
                page.close()
            except RuntimeError:
                raise InputError(f"这份 PDF 的第 {number + 1} 页已损坏,无法识别。") from None
    finally:
        file.close()


def _photograph(content: bytes) -> _Picture:
    image_module = importlib.import_module("PIL.Image")
    ops = importlib.import_module("PIL.ImageOps")
    try:
        with image_module.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise InputError("这张图片太大,请缩小到一亿像素以内再上传。")
            upright = ops.exif_transpose(image).convert("RGB")
            upright.thumbnail((_LONGEST, _LONGEST))
            return np.asarray(upright)
    except (OSError, SyntaxError, ValueError):
        raise InputError("这张图片已损坏,无法读取。请重新扫描或拍照后再上传。") from None


def _page(picture: _Picture, recognise: Any) -> Page:
    """The page's text boxes and rulings, lengths in points."""
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    found = recognise(bgr)
    rulings = _rulings(bgr)
    height, width = picture.shape[:2]
    boxes = () if found.boxes is None else zip(found.boxes, found.txts, strict=True)
    glyphs = [glyph for corners, text in boxes for glyph in _glyphs(np.asarray(corners), text, rulings)]
    return Page(width * _POINT, height * _POINT, tuple(glyphs), tuple(rulings))


def _glyphs(corners: npt.NDArray[np.float64], text: str, rulings: list[Ruling]) -> list[Glyph]:
    """A text box, cut where an upright ruling goes through it."""
    (left, top), (right, bottom) = corners.min(axis=0) * _POINT, corners.max(axis=0) * _POINT
    middle, size = (top + bottom) / 2, max((bottom - top) / 1.25, 1.0)
    base = middle + 0.35 * size
    cuts = sorted(
        one.at
        for one in rulings
        if not one.level and one.start < middle < one.end and left + size / 2 < one.at < right - size / 2
    )
    edges = [left, *cuts, right]
    share = len(text) / max(right - left, 1.0)
    found = []
    for start, end in pairwise(edges):
        part = text[round((start - left) * share) : round((end - left) * share)].strip()
        if part:
            found.append(Glyph(part, start, end, base, size))
    return found


def _rulings(picture: _Picture) -> list[Ruling]:
    """Straight level strokes of the picture and upright ones that end at them, in points."""
    cv2 = importlib.import_module("cv2")
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 12)
    level = [
        Ruling(True, (y + high / 2) * _POINT, x * _POINT, (x + wide) * _POINT)
        for x, y, wide, high in _strokes(cv2, ink, (1, _LEVEL_RULING))
        if high <= _THICKEST
    ]
    upright = [
        Ruling(False, (x + wide / 2) * _POINT, y * _POINT, (y + high) * _POINT)
        for x, y, wide, high in _strokes(cv2, ink, (_UPRIGHT_RULING, 1))
        if wide <= _THICKEST
    ]
    return level + [
        one for one in upright if _ends_at(one.start, one, level) and _ends_at(one.end, one, level)
    ]


def _strokes(cv2: Any, ink: _Picture, shape: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Left, top, width and height of the strokes that ``shape`` fits into, in pixels."""
    strokes = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(shape, np.uint8))
    # Pages lie askew by a pixel here and there; thickened strokes hang together.
    strokes = cv2.dilate(strokes, np.ones((3, 3), np.uint8))
    _, _, places, _ = cv2.connectedComponentsWithStats(strokes)
    return [(x, y, wide, high) for x, y, wide, high, _ in places[1:].tolist()]


def _ends_at(end: float, upright: Ruling, level: list[Ruling]) -> bool:
    """Rulings run into the level one; the strokes of characters stop short of it."""
    reached = (upright.start - _POINT, upright.end + _POINT)
    return any(
        abs(end - one.at) <= _TOUCHING
        and reached[0] <= one.at <= reached[1]
        and one.start - _TOUCHING <= upright.at <= one.end + _TOUCHING
        for one in level
    )
