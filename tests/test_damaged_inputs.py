"""Small inputs that once made a reader fail with something else than a sentence; see fuzz_inputs.py."""

from __future__ import annotations

import io
import struct
import time
import zipfile

import pytest
from odd_files import repacked, word

from triage.documents.blocks import Table
from triage.documents.child import answer
from triage.documents.ledger_sheet import read_ledger
from triage.documents.pdf_columns import groups_of
from triage.documents.pdf_lines import Glyph
from triage.documents.reading import Content
from triage.documents.sheets import read_workbook
from triage.documents.word import read_docx
from triage.errors import InputError, TaxonomyError
from triage.taxonomy import parse_taxonomy

FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(name: str, stream: bytes) -> bytes:
    """An OLE file of one stream of 4096 bytes: header, then the sectors of FAT, directory and stream."""
    header = struct.pack("<8s16x5H6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, *HEAD)
    header += struct.pack("<109I", 0, *[FREE] * 108)
    fat = struct.pack("<128I", FAT, END, *range(3, 10), END, *[FREE] * 118)
    directory = _entry("Root Entry", 5, 1, END, 0) + _entry(name, 2, FREE, 2, 4096)
    directory += struct.pack("<68xIII48x", FREE, FREE, FREE) * 2
    return header + fat + directory + stream.ljust(4096, b"\0")


HEAD = (0, 1, 1, 0, 4096, END, 0, END, 0)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII36xIQ", raw, len(raw), kind, 1, FREE, FREE, child, start, size)


@pytest.mark.parametrize(
    "stream", [struct.pack("<HH", 0x809, 0), struct.pack("<HHHHHHII", 0x809, 16, *[0] * 6)]
)
def test_a_workbook_over_which_its_reader_trips_is_damaged(stream: bytes) -> None:
    with pytest.raises(InputError, match="Excel 文件已损坏"):
        read_workbook(compound("Workbook", stream + struct.pack("<HH", 0x85, 0)))


def test_a_packed_file_whose_first_part_is_damaged_is_told_so() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", "<a/>")
    content = packed.getvalue()
    for damaged in (b"PK\x03\x05" + content[4:], content[:60] + b"?" + content[61:], b"PK" + content[10:]):
        with pytest.raises(InputError, match="已损坏"):
            answer(damaged, "台账.ods", ocr=False)


def test_a_word_file_with_a_part_that_cannot_be_unpacked_is_damaged() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_rels/.rels", "<Relationships/>" * 9)
    content = bytearray(packed.getvalue())
    content[30 + len("_rels/.rels")] = 0xFF  # the kind of the first block: there is no such kind
    with pytest.raises(InputError, match="Word 文件已损坏"):
        read_docx(bytes(content))


@pytest.mark.parametrize("width", ["²", "9" * 5_000, "-1", "", "2"])
def test_a_cell_as_wide_as_no_number_says_is_one_column_wide(width: str) -> None:
    table = (
        '<w:document xmlns:w="w"><w:body><w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="WIDTH"/></w:tcPr>'
        "<w:p><w:t>标题</w:t></w:p></w:tc></w:tr></w:tbl></w:body></w:document>"
    )
    changed = repacked(word(), {"word/document.xml": table.replace("WIDTH", width).encode()})
    (block,) = read_docx(changed).blocks
    assert isinstance(block, Table)
    assert block.rows[0][0].width == (2 if width == "2" else 1)


def test_a_column_in_which_a_row_has_only_a_space_is_read() -> None:
    rows = [
        Glyph(text, left, left + 10, 20.0 * row, 10)
        for row in range(12)
        for text, left in [
            *(("甲", 10.0 * n) for n in range(20)),
            *((" " if row == 3 else "乙", 230 + 10.0 * n) for n in range(20)),
        ]
    ]
    groups, gutter = groups_of(rows, None)
    assert gutter is not None
    assert [len(group.lines) for group in groups if group.column] == [12, 11]


@pytest.mark.parametrize("text", ["[" * 100_000, f'[{{"标题": {"9" * 5_000}}}]'])
def test_json_out_of_all_measure_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="不合情理"):
        read_ledger(Content("json", text=text))


def test_a_mistake_in_json_is_named_by_its_place() -> None:
    with pytest.raises(InputError, match="第 2 行第 3 个字"):
        read_ledger(Content("json", text='[{"标题": "甲"},\n {甲}]'))


@pytest.mark.parametrize("value", ["[" * 2_000 + "]" * 2_000, "9" * 5_000])
def test_an_office_s_file_out_of_all_measure_is_refused(value: str) -> None:
    with pytest.raises(TaxonomyError, match=r"office\.toml.*不合情理"):
        parse_taxonomy(f"[office]\nname = {value}\n")


def test_a_header_of_megabytes_is_looked_at_no_longer_than_a_short_one() -> None:
    row = ",".join(f'"{"长" * 100_000}"' for _ in range(5))
    begun = time.process_time()
    with pytest.raises(InputError, match="没有找到表头"):
        read_ledger(Content("csv", text=f"{row}\n" * 14))
    assert time.process_time() - begun < 1
