"""What stands where on a page of a PDF: characters, rulings, and how much of it is picture."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from triage.documents.pdf_grids import Ruling
from triage.documents.pdf_lines import Glyph

_THIN = 3.0  # points; a filled rectangle up to this thick is a ruling
_DEEPEST = 8
_MOST_SEGMENTS = 50_000  # of one page; maps and plans have more, and no tables
_Point = tuple[float, float]
_Matrix = tuple[float, float, float, float, float, float]
_IDENTITY: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)

# Browsers' PDF files name some characters by the radicals that look like them.
_RADICALS = str.maketrans(
    "⺠⻄⻓⻔⻛⻋⻅⻉⻚⻜⻢⻥⻦⻩⻬⻰⻘⻝⻆⻤⺟⻁⻨⻣", "民西长门风车见贝页飞马鱼鸟黄齐龙青食角鬼母虎麦骨"
)
# Symbol fonts have no code points of their own: ticked and empty boxes of Wingdings.
_SYMBOLS = {0xF052: "☑", 0xF0FE: "☑", 0xF0A3: "□", 0xF0A8: "□", 0xF06F: "□", 0xF071: "□"}


@dataclass(frozen=True)
class Page:
    """One page as it is looked at (turned upright), in points from its upper left corner.

    Attributes:
        garbled: how many of its characters stand for nothing that can be read.
        picture: the share of the page that its largest picture covers.
    """

    width: float
    height: float
    glyphs: tuple[Glyph, ...]
    rulings: tuple[Ruling, ...]
    garbled: int = 0
    picture: float = 0.0


def read_page(page: pdfium.PdfPage) -> Page:
    """Raises PdfiumError where the page is damaged."""
    left, bottom, right, top = page.get_bbox()
    turn = page.get_rotation()
    wide, high = abs(right - left), abs(top - bottom)
    upright: Callable[[float, float], _Point] = {
        90: lambda x, y: (y - bottom, x - left),
        180: lambda x, y: (right - x, y - bottom),
        270: lambda x, y: (top - y, right - x),
    }.get(turn, lambda x, y: (x - left, top - y))
    glyphs, garbled = _glyphs(page, upright)
    drawn = _Drawn(upright)
    drawn.collect(page, _IDENTITY)
    width, height = (high, wide) if turn in (90, 270) else (wide, high)
    picture = drawn.picture / max(wide * high, 1.0)
    return Page(width, height, tuple(glyphs), tuple(drawn.rulings), garbled, picture)


def _glyphs(page: pdfium.PdfPage, upright: Callable[[float, float], _Point]) -> tuple[list[Glyph], int]:
    text = page.get_textpage()
    try:
        found: list[Glyph] = []
        garbled = 0
        for index in range(text.count_chars()):
            # Blanks and line ends that the library guesses at; the gaps are measured here.
            if raw.FPDFText_IsGenerated(text, index) == 1:
                continue
            sign, bad = _sign(raw.FPDFText_GetUnicode(text, index))
            bad = bad or raw.FPDFText_HasUnicodeMapError(text, index) == 1
            garbled += bad
            if sign and (glyph := _placed(text, index, sign, upright)) is not None:
                found.append(glyph)
        return found, garbled
    finally:
        text.close()


def _sign(code: int) -> tuple[str, bool]:
    """The character of a code, empty where there is none to show, and whether it is garbage."""
    if code in (0x09, 0x0A, 0x0D, 0x20, 0xA0, 0x3000):
        return " ", False
    if code in (0xAD, 0x02) or 0x200B <= code <= 0x200F or code == 0xFEFF:
        return "", False
    if 0xF000 <= code <= 0xF0FF:
        return _SYMBOLS.get(code, "•"), False
    if code < 0x20 or 0x7F <= code < 0xA0 or code in (0xFFFE, 0xFFFF) or code > 0x10FFFF:
        return "", True
    sign = chr(code)
    if 0x2E80 <= code < 0x2FE0 or 0xF900 <= code < 0xFB00:
        sign = unicodedata.normalize("NFKC", sign.translate(_RADICALS))
    return sign, code == 0xFFFD or unicodedata.category(sign[0]) == "Co"


def _placed(
    text: pdfium.PdfTextPage, index: int, sign: str, upright: Callable[[float, float], _Point]
) -> Glyph | None:
    rect = raw.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    if not raw.FPDFText_GetLooseCharBox(text, index, rect):
        return None
    left, right, bottom, top = rect.left, rect.right, rect.bottom, rect.top
    # Of turned type the library knows the drawn box only.
    if abs(right - left) < 0.1 or abs(top - bottom) < 0.1:
        sides = tuple(ctypes.c_double() for _ in range(4))
        if not raw.FPDFText_GetCharBox(text, index, *sides):
            return None
        left, right, bottom, top = (side.value for side in sides)
    raw.FPDFText_GetCharOrigin(text, index, x, y)
    (x0, y0), (x1, y1) = upright(left, bottom), upright(right, top)
    _, base = upright(x.value, y.value)
    if not all(abs(place) < 1e6 for place in (x0, x1, y0, y1, base)):
        return None
    return Glyph(sign, min(x0, x1), max(x0, x1), base, max(abs(y1 - y0), 1.0))


class _Drawn:
    """Rulings and pictures among the drawn objects of a page."""

    def __init__(self, upright: Callable[[float, float], _Point]) -> None:
        self.rulings: list[Ruling] = []
        self.picture = 0.0
        self._upright = upright
        self._segments = 0

    def collect(self, page: pdfium.PdfPage, outer: _Matrix, depth: int = 0, form: object = None) -> None:
        count = raw.FPDFPage_CountObjects(page) if form is None else raw.FPDFFormObj_CountObjects(form)
        for index in range(max(count, 0)):
            if form is None:
                thing = raw.FPDFPage_GetObject(page, index)
            else:
                thing = raw.FPDFFormObj_GetObject(form, index)
            if not thing or self._segments > _MOST_SEGMENTS:
                continue
            kind = raw.FPDFPageObj_GetType(thing)
            if kind == raw.FPDF_PAGEOBJ_PATH:
                self._path(thing, _times(_matrix(thing), outer))
            elif kind == raw.FPDF_PAGEOBJ_IMAGE:
                a, b, c, d, _, _ = _times(_matrix(thing), outer)
                self.picture = max(self.picture, abs(a * d - b * c))
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
                self.collect(page, _times(_matrix(thing), outer), depth + 1, thing)

    def _path(self, path: object, matrix: _Matrix) -> None:
        fill, stroke = ctypes.c_int(), ctypes.c_int()
        if not raw.FPDFPath_GetDrawMode(path, fill, stroke) or not (fill.value or stroke.value):
            return
        for points in self._outlines(path, matrix):
            if stroke.value:
                for start, end in pairwise(points):
                    self._ruling(start, end)
            else:
                self._filled(points)

    def _outlines(self, path: object, matrix: _Matrix) -> Iterator[list[_Point]]:
        """The path's separate outlines; closed ones end where they began."""
        points: list[_Point] = []
        count = raw.FPDFPath_CountSegments(path)
        self._segments += max(count, 0)
        if self._segments > _MOST_SEGMENTS:
            return
        x, y = ctypes.c_float(), ctypes.c_float()
        for index in range(count):
            segment = raw.FPDFPath_GetPathSegment(path, index)
            if not segment or not raw.FPDFPathSegment_GetPoint(segment, x, y):
                continue
            if raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_MOVETO and points:
                yield points
                points = []
            points.append(self._upright(*_on(matrix, x.value, y.value)))
            if raw.FPDFPathSegment_GetClose(segment):
                points.append(points[0])
        if points:
            yield points

    def _filled(self, points: list[_Point]) -> None:
        xs, ys = [x for x, _ in points], [y for _, y in points]
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        if min(wide, high) > _THIN:
            return
        x, y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
        if wide >= high:
            self._ruling((min(xs), y), (max(xs), y))
        else:
            self._ruling((x, min(ys)), (x, max(ys)))

    def _ruling(self, start: _Point, end: _Point) -> None:
        (x0, y0), (x1, y1) = start, end
        if not all(abs(place) < 1e6 for place in (x0, y0, x1, y1)):
            return
        if abs(y1 - y0) < 1.0 and x0 != x1:
            self.rulings.append(Ruling(True, (y0 + y1) / 2, min(x0, x1), max(x0, x1)))
        elif abs(x1 - x0) < 1.0 and y0 != y1:
            self.rulings.append(Ruling(False, (x0 + x1) / 2, min(y0, y1), max(y0, y1)))


def _matrix(thing: object) -> _Matrix:
    found = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(thing, found):
        return _IDENTITY
    return (found.a, found.b, found.c, found.d, found.e, found.f)


def _times(inner: _Matrix, outer: _Matrix) -> _Matrix:
    a, b, c, d, e, f = inner
    (x0, y0), (x1, y1), (x2, y2) = _on(outer, e, f), _on(outer, a + e, b + f), _on(outer, c + e, d + f)
    return (x1 - x0, y1 - y0, x2 - x0, y2 - y0, x0, y0)


def _on(matrix: _Matrix, x: float, y: float) -> _Point:
    a, b, c, d, e, f = matrix
    return (a * x + c * y + e, b * x + d * y + f)
