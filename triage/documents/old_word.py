"""Word 97-2003 documents (.doc, as Word, WPS and LibreOffice write them) as lines and tables, by [MS-DOC].

Footnotes, comments and footers are not read; text in text boxes is not either, but a note tells of it.
Changes that a very old Word's "fast save" only appended as properties of a piece are not applied.
"""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import olefile

from triage.documents.blocks import Block, Cell, Document, Line, Table
from triage.documents.kinds import MACROS, has_sound_sectors
from triage.errors import InputError

TEXT_BOXES = "文件里有文本框,框中的文字没有读取,请核对。"
_DAMAGED = "Word 文件已损坏,打不开。请重新保存后再上传。"
_OTHER = "这不是 Word 文件。请用 Word 或 WPS 另存为 .docx 再上传。"
_TOO_OLD = "这是 Word 95 或更早的文件,版本太旧。请用 Word 或 WPS 另存为 .docx 再上传。"
_PROTECTED = "文件有打开密码。请取消密码后再上传。"

# which fc/lcb pair of the FIB tells where a part lies, [MS-DOC] 2.5.6
_HEADERS, _CHARACTER_BINS, _PARAGRAPH_BINS, _PIECES = 11, 12, 13, 33
_STORIES_A_SECTION = 6  # even, odd header; even, odd footer; first header, first footer: 2.3.4
_HEADER_STORIES = (0, 1, 4)
_PAGE = 512
_CELL_MARK = "\x07"
_SPRM_SIZES = (1, 1, 2, 4, 2, 2, 0, 3)  # of the operand, by the sprm's top bits: 2.2.5.1
_DELETED = 0x0800
_IN_ELSEWHERE = (0x6645, 0x6646, 0x646B)  # the properties lie in the Data stream: they were too long
_TABLE_DEFINITION, _VERTICAL_MERGE, _TABS = 0xD608, 0xD62B, 0xC615
_HORIZONTAL, _VERTICAL, _VERTICAL_CONTINUED = 0x03, 0x60, 0x20  # bits of TCGRF: 2.9.317
_SAME_EDGE = 40  # twentieths of a point: rows drawn by hand differ by less than a column can be wide
_LOST_CELL = 1440  # the width that a cell gets whose row does not say one

_PARAGRAPH = re.compile(r"([^\r\x07\x0c]*)([\r\x07\x0c]?)")
_FIELD_MARK = re.compile("[\x13-\x15]")
_MEANT = {"\t": "  ", "\x0b": "\n", "\x0e": "\n", "\x1e": "-", "\xa0": " "}
_PLAIN = str.maketrans({chr(code): "" for code in range(32)} | {"\n": "\n"} | _MEANT)


@dataclass
class _Properties:
    """What is told of a paragraph's place in a table; of a row's end also its cells' edges and merging."""

    in_table: bool = False
    row_end: bool = False
    inner_cell_end: bool = False
    inner_row_end: bool = False
    depth: int = 1
    edges: Sequence[int] = ()
    merges: list[int] = field(default_factory=list)


_NONE = _Properties()


def read_doc(content: bytes) -> Document:
    """Headers first, each distinct line of them once, then the main text in reading order.

    Raises:
        InputError: damaged, protected by a password, older than Word 97, or no Word document.
    """
    if not content.startswith(olefile.MAGIC):
        raise InputError(_OTHER)
    try:
        word, table, data, has_macros = _streams(content)
        reader = _Reader(word, table, data)
        notes = [note for note, on in ((MACROS, has_macros), (TEXT_BOXES, reader.has_text_boxes())) if on]
        return Document((*reader.headers(), *reader.blocks(0, reader.lengths[0])), tuple(notes))
    except (struct.error, IndexError, ValueError) as error:
        raise InputError(_DAMAGED) from error


def _streams(content: bytes) -> tuple[bytes, bytes, bytes, bool]:
    """WordDocument, the table stream it names, Data, and whether there is a VBA project."""
    if not has_sound_sectors(content):
        raise ValueError("more sectors than the file can hold")
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as ole:
            if ole.exists("EncryptedPackage"):
                raise InputError(_PROTECTED)
            if not ole.exists("WordDocument"):
                raise InputError(_OTHER)
            word = _stream(ole, "WordDocument", len(content))
            table = _stream(ole, _checked_table_name(word), len(content))
            data = _stream(ole, "Data", len(content)) if ole.exists("Data") else b""
            return word, table, data, ole.exists("Macros")
    except InputError:
        raise
    except Exception as error:  # olefile raises many kinds for a damaged file
        raise InputError(_DAMAGED) from error


def _stream(ole: olefile.OleFileIO, name: str, limit: int) -> bytes:
    # olefile follows a circle of sectors for as long as the declared size lets it
    if max(ole.get_size(name), ole.root.size, ole.num_mini_fat_sectors * ole.sector_size) > limit:
        raise ValueError("a stream larger than the file")
    content: bytes = ole.openstream(name).read()
    return content


def _checked_table_name(word: bytes) -> str:
    """From the FibBase, [MS-DOC] 2.5.2; raises InputError where the rest cannot be read."""
    magic, version = struct.unpack_from("<HH", word)
    (flags,) = struct.unpack_from("<H", word, 10)
    if magic in (0xA5DB, 0xA5DC) or (magic == 0xA5EC and version < 0xC0):
        raise InputError(_TOO_OLD)
    if magic != 0xA5EC:
        raise InputError(_DAMAGED)
    if flags & 0x0100:
        raise InputError(_PROTECTED)
    return "1Table" if flags & 0x0200 else "0Table"


def _cut(content: bytes, at: int, size: int) -> bytes:
    """A slice alone would silently give less than a damaged file promises."""
    if at + size > len(content):
        raise ValueError("beyond the end")
    return content[at : at + size]


@dataclass(frozen=True)
class _Piece:
    """A run of the text that lies together in the file; ``size`` bytes a character."""

    first: int
    end: int
    offset: int
    size: int


class _Reader:
    """The text by character position, and the properties that lie beside it.

    Attributes:
        lengths: of main text, footnotes, headers, nothing, comments, endnotes and text boxes, which
            follow each other.
    """

    def __init__(self, word: bytes, table: bytes, data: bytes) -> None:
        self._word, self._table, self._data = word, table, data
        self.lengths: tuple[int, ...] = struct.unpack_from("<7I", word, 0x4C)  # FibRgLw97: 2.5.4
        self._pieces = self._read_pieces()
        self._starts = [piece.first for piece in self._pieces]
        self._paragraphs = self._read_runs(_PARAGRAPH_BINS)
        self._offsets = list(self._paragraphs)
        self._known: dict[bytes, _Properties] = {}
        self._unread = 4 * len(data)
        self._text = self._read_text()
        if self.lengths[0] > len(self._text):
            raise ValueError("text is missing")

    def _part(self, index: int) -> bytes:
        return _cut(self._table, *struct.unpack_from("<II", self._word, 0x9A + 8 * index))

    def _read_pieces(self) -> list[_Piece]:
        """The Clx, [MS-DOC] 2.9.38: property changes, which are passed over, then the PlcPcd."""
        clx, at = self._part(_PIECES), 0
        while clx[at] == 1:
            at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
        if clx[at] != 2:
            raise ValueError("no piece table")
        plc = _cut(clx, at + 5, struct.unpack_from("<I", clx, at + 1)[0])
        count = max(0, (len(plc) - 4) // 12)
        firsts = struct.unpack_from(f"<{count + 1}I", plc)
        # else many pieces could name the same bytes again and again
        if firsts[0] or list(firsts) != sorted(firsts) or firsts[-1] > len(self._word):
            raise ValueError("pieces do not follow each other")
        pieces = []
        for number, (first, end) in enumerate(pairwise(firsts)):
            (at,) = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * number + 2)
            compressed = at & 0x40000000  # FcCompressed: 2.9.73
            at &= 0x3FFFFFFF
            pieces.append(_Piece(first, end, at // 2 if compressed else at, 1 if compressed else 2))
        return pieces

    def _read_runs(self, bins: int) -> dict[int, tuple[int, bytes]]:
        """Where a run of bytes begins: its end and its grpprl, ascending; PapxFkp or ChpxFkp pages: 2.8.5, 2.8.6."""
        plc = self._part(bins)
        count = max(0, (len(plc) - 4) // 8)
        pages = set(struct.unpack_from(f"<{count}I", plc, 4 * (count + 1))) if count else set()
        of_paragraphs = bins == _PARAGRAPH_BINS
        runs: dict[int, tuple[int, bytes]] = {}
        for number in pages:
            page = _cut(self._word, (number & 0x3FFFFF) * _PAGE, _PAGE)
            size = page[-1]
            for i, (start, end) in enumerate(pairwise(struct.unpack_from(f"<{size + 1}I", page))):
                at = 2 * page[4 * (size + 1) + i * (13 if of_paragraphs else 1)]
                length = page[at]
                if not at:
                    grpprl = b""
                elif not of_paragraphs:
                    grpprl = page[at + 1 : at + 1 + length]
                elif length:
                    grpprl = page[at + 3 : at + 2 * length]
                else:
                    grpprl = page[at + 4 : at + 2 + 2 * page[at + 1]]
                runs[start] = (end, grpprl)
        return dict(sorted(runs.items()))

    def _read_text(self) -> str:
        """One character a position, also outside of the BMP; NUL where nothing is to be shown."""
        parts = []
        for piece in self._pieces:
            raw = _cut(self._word, piece.offset, (piece.end - piece.first) * piece.size)
            if piece.size == 1:
                parts.append(raw.decode("cp1252", "replace"))
            else:
                parts.append("".join(map(chr, struct.unpack(f"<{len(raw) // 2}H", raw))))
        text = "".join(parts)
        change = [0] * (len(text) + 1)
        for start, end in (*self._deleted(), *_instructions(text)):
            change[start] += 1
            change[end] -= 1
        # a mark that ends a cell stays in any case, the row would fall apart
        shown = zip(text, accumulate(change), strict=False)
        return "".join("\0" if hidden and ch != _CELL_MARK else ch for ch, hidden in shown)

    def _deleted(self) -> Iterator[tuple[int, int]]:
        """What a tracked change took out: sprmCFRMarkDel, 2.6.1."""
        runs = [
            (start, end)
            for start, (end, grpprl) in self._read_runs(_CHARACTER_BINS).items()
            if any(sprm == _DELETED and operand[:1] == b"\x01" for sprm, operand in _sprms(grpprl))
        ]
        starts = [start for start, _ in runs]
        for piece in self._pieces:
            stop = piece.offset + (piece.end - piece.first) * piece.size
            for start, end in runs[
                max(0, bisect_right(starts, piece.offset) - 1) : bisect_left(starts, stop)
            ]:
                first = piece.first + (max(start, piece.offset) - piece.offset) // piece.size
                last = piece.first + (min(end, stop) - piece.offset) // piece.size
                if first < last:
                    yield first, last

    def _properties(self, position: int) -> _Properties:
        """Those of the paragraph that the character at ``position`` ends: 2.4.6.1."""
        piece = self._pieces[bisect_right(self._starts, position) - 1]
        offset = piece.offset + (position - piece.first) * piece.size
        found = bisect_right(self._offsets, offset) - 1
        if found < 0 or offset >= self._paragraphs[self._offsets[found]][0]:
            return _NONE
        grpprl = self._paragraphs[self._offsets[found]][1]
        if grpprl not in self._known:
            self._known[grpprl] = self._apply(grpprl)
        return self._known[grpprl]

    def _apply(self, grpprl: bytes) -> _Properties:
        result = _Properties()
        for sprm, operand in _sprms(grpprl):
            if sprm in _IN_ELSEWHERE:
                at = int.from_bytes(operand, "little")
                longer = _cut(self._data, at + 2, struct.unpack_from("<H", self._data, at)[0])
                self._unread -= len(longer)
                if self._unread < 0:  # rows may share these bytes, but not without end
                    raise ValueError("the same properties again and again")
                for further, its_operand in _sprms(longer):
                    _set(result, further, its_operand)
            else:
                _set(result, sprm, operand)
        return result

    def has_text_boxes(self) -> bool:
        start = sum(self.lengths[:3]) + sum(self.lengths[4:6])  # the fourth is to be ignored
        return bool(_plain(self._text[start : start + self.lengths[6]]).strip())

    def headers(self) -> Iterator[Line]:
        """The distinct lines of all sections' headers; the first six stories are footnote separators."""
        start = sum(self.lengths[:2])
        plc = self._part(_HEADERS) if self.lengths[2] else b""
        places = [min(p, self.lengths[2]) for (p,) in struct.iter_unpack("<I", plc[: len(plc) // 4 * 4])]
        seen: dict[str, None] = {}
        last = 0
        for number, (first, end) in enumerate(pairwise(places[:-1])):
            if number < _STORIES_A_SECTION or number % _STORIES_A_SECTION not in _HEADER_STORIES:
                continue
            for block in self.blocks(start + max(first, last), start + end):
                if isinstance(block, Line):
                    seen[block.text] = None
                else:
                    seen |= {
                        line: None for row in block.rows for c in row for line in c.text.split("\n") if line
                    }
            last = max(last, end)
        return map(Line, seen)

    def blocks(self, start: int, end: int) -> list[Block]:
        """What lies between two positions; the text of a nested table goes into the outer cell."""
        blocks: list[Block] = []
        rows: list[tuple[list[str], _Properties]] = []
        row: list[str] = []
        cell = ""
        for found in _PARAGRAPH.finditer(self._text, start, end):
            text, mark = _plain(found[1]), found[2]
            known = self._properties(found.end() - 1) if mark else _NONE
            if mark == _CELL_MARK:
                if not known.row_end:
                    row.append(_tidy(cell + text))
                elif row:
                    rows.append((row, known))
                    row = []
                cell = ""
            elif known.in_table and known.depth > 1 and known.inner_cell_end and not known.inner_row_end:
                cell += text + "  "
            elif known.in_table:
                cell += text + "\n"
            else:
                if row or cell:  # a row that was not ended
                    rows.append(([*row, _tidy(cell)] if cell else row, _NONE))
                if rows:
                    blocks.append(_table(rows))
                rows, row, cell = [], [], ""
                blocks += [Line(line.strip()) for line in text.split("\n") if line.strip()]
        return blocks


def _plain(text: str) -> str:
    # halves of a pair count as two positions; joined again they are one character
    return text.translate(_PLAIN).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _tidy(text: str) -> str:
    return "\n".join(line.strip() for line in text.split("\n") if line.strip())


def _instructions(text: str) -> Iterator[tuple[int, int]]:
    """Of each field what comes before its result; all of it where it has none: [MS-DOC] 2.8.25."""
    open_at: list[int | None] = []
    for mark in _FIELD_MARK.finditer(text):
        if mark[0] == "\x13":
            open_at.append(mark.start())
        elif open_at:
            begun = open_at.pop()
            if begun is not None:
                yield begun, mark.end()
            if mark[0] == "\x14":
                open_at.append(None)


def _sprms(grpprl: bytes) -> Iterator[tuple[int, bytes]]:
    """Property modifiers with their operands; [MS-DOC] 2.2.5.1 tells the operands' sizes."""
    at = 0
    while at + 2 < len(grpprl):
        (sprm,) = struct.unpack_from("<H", grpprl, at)
        at += 2
        size = _SPRM_SIZES[sprm >> 13]
        if sprm == _TABLE_DEFINITION:
            size = struct.unpack_from("<H", grpprl, at)[0] + 1
        elif sprm == _TABS and grpprl[at] == 255:  # PChgTabsOperand, 2.9.182: too long for its length byte
            removed = grpprl[at + 1]
            size = 3 + 4 * removed + 3 * grpprl[at + 2 + 4 * removed]
        elif not size:
            size = 1 + grpprl[at]
        yield sprm, grpprl[at : at + size]
        at += size


def _set(properties: _Properties, sprm: int, operand: bytes) -> None:
    """[MS-DOC] 2.6.2 and 2.6.3."""
    if sprm == 0x2416:
        properties.in_table = bool(operand[0])
    elif sprm == 0x2417:
        properties.row_end = bool(operand[0])
    elif sprm == 0x244B:
        properties.inner_cell_end = bool(operand[0])
    elif sprm == 0x244C:
        properties.inner_row_end = bool(operand[0])
    elif sprm == 0x6649:
        (properties.depth,) = struct.unpack("<i", operand)
    elif sprm == _TABLE_DEFINITION:  # TDefTableOperand, 2.9.321; the TC80s may be fewer than the cells
        count = operand[2]
        properties.edges = struct.unpack_from(f"<{count + 1}h", operand, 3)
        cells = operand[3 + 2 * (count + 1) :]
        properties.merges = [int.from_bytes(cells[20 * i : 20 * i + 2], "little") for i in range(count)]
    elif sprm == _VERTICAL_MERGE and operand[1] < len(properties.merges):  # 2.9.343
        at = operand[1]
        properties.merges[at] = properties.merges[at] & ~_VERTICAL | (operand[2] << 5) & _VERTICAL


def _table(rows: list[tuple[list[str], _Properties]]) -> Table:
    """Rows say only where their cells' edges are; all rows' edges together are the columns."""
    placed = [_placed(texts, properties) for texts, properties in rows]
    columns: dict[int, int] = {}
    group = None
    for edge in sorted({edge for row in placed for _, left, right, _ in row for edge in (left, right)}):
        if group is None or edge - group > _SAME_EDGE:
            group = edge
        columns[edge] = columns[group] if group in columns else len({*columns.values()})
    result = []
    for row in placed:
        cells: list[Cell] = []
        for text, left, right, continued in row:
            column = max(columns[left], cells[-1].column + cells[-1].width if cells else 0)
            width = max(1, columns[right] - column)
            cells.append(Cell("" if continued else text, column, width, continued))
        result.append(tuple(cells))
    return Table(tuple(result))


def _placed(texts: list[str], properties: _Properties) -> list[tuple[str, int, int, bool]]:
    """Text, left edge, right edge and whether it goes on from above, of each cell that is seen as one."""
    edges = [*properties.edges] or [0]
    while len(edges) <= len(texts):
        edges.append(edges[-1] + _LOST_CELL)
    merges = [*properties.merges, *[0] * len(texts)]
    cells: list[tuple[str, int, int, bool]] = []
    leader = 0  # writers differ in which of the two bits begins a merged cell; the first of them does
    for text, left, right, merge in zip(texts, edges, edges[1:], merges, strict=False):
        horizontal = merge & _HORIZONTAL
        if leader and horizontal and horizontal != leader:
            first, start, _, continued = cells.pop()
            cells.append((_tidy(f"{first}\n{text}"), start, right, continued))
        else:
            leader = horizontal
            cells.append((text, left, right, merge & _VERTICAL == _VERTICAL_CONTINUED))
    return cells
