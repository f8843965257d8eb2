"""Visual lines out of placed characters, and paragraphs out of visual lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from triage.documents.labels import find_labels, half_width

_FIRST_LINE = 3.5  # em; no paragraph's first line is set in deeper
_RAGGED = 4.0  # em; lines that end further in have no common edge
_WIDE_GAP = 1.5  # em; further apart than any blank inside a sentence
_CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_OPENING = "(\uff08〔【《〈「\u201c\u2018"
_CLOSING = ",.;:!?)\uff0c\uff0e\uff1b\uff1a\uff01\uff1f\uff09、。〕】》〉」\u201d\u2019"
_FIRST_WORD = re.compile(rf"[{_OPENING}]*(?:[^\s\u2e80-\uffff]+|.)[{_CLOSING}]*")
_ITEM = re.compile(
    r"[(\uff08]?(?:[一二三四五六七八九十]{1,3}|\d{1,2})[)\uff09、.\uff0e](?!\d)|第[一二三四五六七八九十]{1,3}[条章]"
)
_SENTENCE_ENDS = "。!?;:\uff01\uff1f\uff1b\uff1a"


@dataclass(frozen=True, slots=True)
class Glyph:
    """A character, or a run of them that is not divided further; lengths in points, downwards.

    Attributes:
        base: the line that it stands on.
        size: its height.
    """

    text: str
    left: float
    right: float
    base: float
    size: float


@dataclass(frozen=True, slots=True)
class TextLine:
    """One visual line; lengths in points, but ``indent`` in em.

    Attributes:
        size: one em.
        cjk: whether ``size`` was measured on Chinese characters.
        wide: has a gap that keeps apart what it says.
        first: how long its first word is.
        indent: how far it begins behind the edge of its column.
        room: what is free on it, in its column.
        pitch: the usual distance of lines in its column.
    """

    text: str
    left: float
    right: float
    base: float
    size: float
    cjk: bool
    wide: bool
    first: float
    indent: float = 0.0
    room: float = 0.0
    centred: bool = False
    pitch: float = 0.0


def rows_of(glyphs: Sequence[Glyph]) -> list[list[Glyph]]:
    """Glyphs that stand on one line, from top to bottom; each row from left to right."""
    rows: list[list[Glyph]] = []
    base = size = 0.0
    for glyph in sorted(glyphs, key=lambda one: one.base):
        if rows and glyph.base - base <= 0.4 * max(size, glyph.size):
            rows[-1].append(glyph)
            if glyph.size > size:
                base, size = glyph.base, glyph.size
        else:
            rows.append([glyph])
            base, size = glyph.base, glyph.size
    return [sorted(row, key=lambda one: (one.left, one.right)) for row in rows]


def em_of(row: Sequence[Glyph]) -> tuple[float, bool]:
    """The em of a row, and whether Chinese characters told it."""
    widths = [(glyph.right - glyph.left) / len(glyph.text) for glyph in row if _CJK.match(glyph.text)]
    if widths:
        return max(median(widths), 1.0), True
    return max(median(glyph.size for glyph in row), 1.0), False


def line_of(row: Sequence[Glyph]) -> TextLine | None:
    """The line that a row of glyphs spells; None where it is blank."""
    seen = [glyph for glyph in row if not glyph.text.isspace()]
    if not seen:
        return None
    em, cjk = em_of(seen)
    parts: list[str] = []
    last: Glyph | None = None
    blank = wide = False
    for glyph in row:
        if glyph.text.isspace():
            blank = True
            continue
        if last is not None:
            # Bold type is sometimes the same character printed twice.
            if glyph.text == last.text and glyph.left - last.left < 0.25 * em:
                continue
            space = _space(last, glyph, em, blank)
            wide = wide or len(space) > 1
            parts.append(space)
        parts.append(glyph.text)
        last, blank = glyph, False
    text = "".join(parts)
    if re.search("[\ud800-\udfff]", text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    left, right = seen[0].left, max(glyph.right for glyph in seen)
    word = _FIRST_WORD.match(text)
    first = sum(em if _CJK.match(sign) else em / 2 for sign in (word[0] if word else ""))
    base = median(glyph.base for glyph in seen)
    return TextLine(text, left, right, base, em, cjk, wide, first)


def _space(last: Glyph, glyph: Glyph, em: float, blank: bool) -> str:
    gap = (glyph.left - last.right) / em
    if gap >= _WIDE_GAP:
        return "  "
    latin = not _CJK.match(last.text[-1]) and not _CJK.match(glyph.text)
    least = 0.12 if blank else 0.2 if latin else 0.3
    return " " if gap >= least else ""


def in_column(lines: Sequence[TextLine], left: float, right: float) -> list[TextLine]:
    """The lines, told where their column begins and ends."""
    if not lines:
        return []
    size = lines[0].size
    edge = common_edge([line.left for line in lines], size)
    # a mark that hangs over the margin, or one stray line, is not where lines end
    end = -common_edge([-line.right for line in lines], size)
    if right - end <= _RAGGED * size:
        right = end
    steps = [later.base - line.base for line, later in pairwise(lines)]
    pitch = median(step for step in steps if step > 0) if any(step > 0 for step in steps) else 0.0
    return [_placed(line, edge, left, right, pitch) for line in lines]


def _placed(line: TextLine, edge: float, left: float, right: float, pitch: float) -> TextLine:
    before, after = line.left - left, right - line.right
    centred = before > 0.3 * line.size and abs(before - after) < 0.8 * line.size
    room = before + after if centred else after
    indent = (line.left - edge) / line.size
    return replace(line, indent=indent, room=room, centred=centred, pitch=pitch)


def common_edge(edges: Sequence[float], tolerance: float) -> float:
    """The smallest edge that more than a stray line has; the smallest of all where none has."""
    need = max(2, len(edges) // 12)
    for edge in sorted(edges):
        if sum(abs(other - edge) <= tolerance / 2 for other in edges) >= need:
            return edge
    return min(edges)


def paragraphs(lines: Sequence[TextLine]) -> Iterator[str]:
    """The texts of the paragraphs that the lines, in reading order, make up."""
    text = ""
    last: TextLine | None = None
    for line in lines:
        if last is not None and continues(last, line):
            text += _seam(text, line.text) + line.text
        else:
            if text:
                yield text
            text = line.text
        last = line
    if text:
        yield text


def continues(last: TextLine, line: TextLine) -> bool:
    """Whether a line goes on with the paragraph of the line before it."""
    if last.wide or line.wide or last.room >= line.first + 0.6 * last.size:
        return False
    if last.indent > _FIRST_LINE and not last.centred:  # set to the right
        return False
    if _starts_with_label(line.text):
        return False
    if line.indent >= 1.2 and not (last.centred and line.centred):
        return False
    if last.cjk and line.cjk and abs(last.size - line.size) > 0.15 * line.size:
        return False
    step = line.base - last.base
    if last.pitch and step > 1.45 * last.pitch:
        return False
    return not (last.text[-1] in _SENTENCE_ENDS and _ITEM.match(line.text))


def _starts_with_label(text: str) -> bool:
    """Whether a field of a form begins here, which no paragraph runs into."""
    found = find_labels(half_width(text), strong_only=True)
    return bool(found) and found[0].start == 0


def _seam(before: str, after: str) -> str:
    return "" if _CJK.match(before[-1]) or _CJK.match(after[0]) else " "
