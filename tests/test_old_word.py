"""Word 97-2003 documents: text, tables, and what becomes of broken files."""

from __future__ import annotations

import io
import random
import re
import shutil
import struct
import subprocess
import time

import docx
import olefile
import pytest
from docx.document import Document as Source
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm
from docx.text.paragraph import Paragraph

from triage.documents.blocks import Cell, Document, Line, Table
from triage.documents.old_word import MACROS, TEXT_BOXES, read_doc
from triage.errors import InputError

pytestmark = pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice makes the files")

MIXED = "关于在 A3 区 5G 基站旁加装 20 个路灯的建议(第 2 稿)𠮷"
BODY = [f"第{i}段 paragraph {i}:" + "路面积水" * (i % 40) for i in range(300)]


def lines(source: Source) -> None:
    source.add_paragraph(MIXED)
    source.add_paragraph("")
    source.add_paragraph("  前后有空格  ")
    source.add_paragraph("上\n下").add_run().add_break(docx.enum.text.WD_BREAK.PAGE)
    source.add_paragraph("一\t二\u00a0三\u2011四")
    source.add_paragraph("Zürich – “quoted” €")


def form(source: Source) -> None:
    source.add_paragraph("建议表")
    table = source.add_table(4, 4)
    table.cell(0, 0).text = "标题"
    table.cell(0, 1).merge(table.cell(0, 3)).text = MIXED
    for i, text in enumerate(["领衔代表", "张三", "联系电话", ""]):
        table.cell(1, i).text = text
    table.cell(2, 0).text = "附议代表"
    table.cell(2, 2).text = "代表团"
    table.cell(2, 3).text = "East 2"
    wide = table.cell(3, 0).merge(table.cell(3, 3))
    wide.text = "建议内容:"
    wide.add_paragraph("")
    wide.add_paragraph(" 一是加装\n二是修缮 ")


def two_tables(source: Source) -> None:
    for text in ("甲", "乙"):
        source.add_paragraph(f"{text}表之前")
        table = source.add_table(2, 2)
        table.cell(1, 1).text = text
    source.add_paragraph("最后")


def columns(source: Source) -> None:
    """A row of halves above a row of thirds; and a cell over two rows."""
    table = source.add_table(3, 4)
    for column, width in zip(table.columns, (4, 2, 2, 4), strict=True):
        for cell in column.cells:
            cell.width = Cm(width)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "左半"
    table.cell(0, 2).merge(table.cell(0, 3)).text = "右半"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "高"
    table.cell(1, 1).merge(table.cell(1, 2)).text = "中上"
    table.cell(2, 1).merge(table.cell(2, 2)).text = "中下"
    table.cell(1, 3).text = "右上"
    table.cell(2, 3).text = "右下"


def broad(source: Source) -> None:
    """So many columns that their description no longer fits beside the text."""
    table = source.add_table(2, 40)
    for column in range(40):
        table.cell(1, column).text = str(column)


def nested(source: Source) -> None:
    outer = source.add_table(1, 2)
    outer.cell(0, 0).text = "外"
    inner = outer.cell(0, 1).add_table(2, 2)
    for i, text in enumerate(["一", "二", "三", "四"]):
        inner.cell(i // 2, i % 2).text = text
    outer.cell(0, 1).add_paragraph("后")


def field(source: Source) -> None:
    paragraph = source.add_paragraph("见")
    _mark(paragraph, "begin")
    instruction = OxmlElement("w:instrText")
    instruction.text = ' HYPERLINK "http://example.cn/secret" '
    paragraph.add_run()._r.append(instruction)
    _mark(paragraph, "separate")
    paragraph.add_run("市政府网站")
    _mark(paragraph, "end")
    paragraph.add_run("所载")


def _mark(paragraph: Paragraph, kind: str) -> None:
    mark = OxmlElement("w:fldChar")
    mark.set(qn("w:fldCharType"), kind)
    paragraph.add_run()._r.append(mark)


def revised(source: Source) -> None:
    paragraph = source.add_paragraph("应当")
    paragraph._p.append(
        parse_xml(
            f'<w:del {nsdecls("w")} w:id="1" w:author="x"><w:r><w:delText>立即</w:delText></w:r></w:del>'
        )
    )
    paragraph.add_run("修缮")


def header(source: Source) -> None:
    first, second = source.sections[0], source.add_section()
    first.header.paragraphs[0].text = "编号:第 123 号"
    first.footer.paragraphs[0].text = "页脚不读"
    second.header.is_linked_to_previous = False
    second.header.paragraphs[0].text = "编号:第 123 号"
    second.header.add_paragraph("第二节")
    source.add_paragraph("正文")


def box(source: Source) -> None:
    source.add_paragraph("框外").add_run()._r.append(
        parse_xml(
            f'<w:pict {nsdecls("w")} xmlns:v="urn:schemas-microsoft-com:vml">'
            '<v:shape style="width:100pt;height:50pt"><v:textbox><w:txbxContent>'
            "<w:p><w:r><w:t>框内</w:t></w:r></w:p></w:txbxContent></v:textbox></v:shape></w:pict>"
        )
    )


def long(source: Source) -> None:
    for text in BODY:
        source.add_paragraph(text)


def ascii_only(source: Source) -> None:
    for i in range(3):
        source.add_paragraph(f"plain line {i}")


SOURCES = [lines, form, two_tables, columns, broad, nested, field, revised, header, box, long, ascii_only]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The .doc of each source by its name; converted together because starting takes the time."""
    folder = tmp_path_factory.mktemp("old_word")
    for build in SOURCES:
        source = docx.Document()
        build(source)
        source.save(str(folder / f"{build.__name__}.docx"))
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "doc"]
        + ["--outdir", str(folder)]
        + [str(folder / f"{build.__name__}.docx") for build in SOURCES],
        check=True,
        capture_output=True,
        timeout=100,
    )
    return {path.stem: path.read_bytes() for path in folder.glob("*.doc")}


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Line)]


def only_table(document: Document) -> list[list[Cell]]:
    (table,) = (block for block in document.blocks if isinstance(block, Table))
    return [list(row) for row in table.rows]


def read_or_refuse(content: bytes) -> str:
    """The sentence of a refusal, or nothing; any other exception fails the test."""
    try:
        read_doc(content)
    except InputError as error:
        return error.message
    return ""


def streams(content: bytes) -> dict[str, bytes]:
    with olefile.OleFileIO(io.BytesIO(content)) as ole:
        return {entry[-1]: ole.openstream(entry).read() for entry in ole.listdir()}


def patched(content: bytes, stream: str, at: int, new: bytes) -> bytes:
    """LibreOffice writes a stream in one piece, so it is found by its first bytes."""
    begin = content.index(streams(content)[stream][:512])
    return content[: begin + at] + new + content[begin + at + len(new) :]


def test_lines_lose_surrounding_space_and_empty_ones_are_left_out(files: dict[str, bytes]) -> None:
    document = read_doc(files["lines"])
    assert texts(document) == [
        MIXED,
        "前后有空格",
        "上",
        "下",
        "一  二 三-四",
        "Zürich – “quoted” €",
    ]
    assert document.notes == ()


def test_a_form_keeps_its_cells_where_they_are(files: dict[str, bytes]) -> None:
    document = read_doc(files["form"])
    assert document.blocks[0] == Line("建议表")
    assert only_table(document) == [
        [Cell("标题", 0), Cell(MIXED, 1, 3)],
        [Cell("领衔代表", 0), Cell("张三", 1), Cell("联系电话", 2), Cell("", 3)],
        [Cell("附议代表", 0), Cell("", 1), Cell("代表团", 2), Cell("East 2", 3)],
        [Cell("建议内容:\n一是加装\n二是修缮", 0, 4)],
    ]


def test_text_between_tables_separates_them(files: dict[str, bytes]) -> None:
    def table(text: str) -> Table:
        return Table(((Cell("", 0), Cell("", 1)), (Cell("", 0), Cell(text, 1))))

    blocks = read_doc(files["two_tables"]).blocks
    assert blocks == (Line("甲表之前"), table("甲"), Line("乙表之前"), table("乙"), Line("最后"))


def test_columns_are_those_of_all_rows_together(files: dict[str, bytes]) -> None:
    assert only_table(read_doc(files["columns"])) == [
        [Cell("左半", 0, 2), Cell("右半", 2, 2)],
        [Cell("高", 0), Cell("中上", 1, 2), Cell("右上", 3)],
        [Cell("", 0, continued=True), Cell("中下", 1, 2), Cell("右下", 3)],
    ]


def test_a_row_may_have_forty_cells(files: dict[str, bytes]) -> None:
    assert only_table(read_doc(files["broad"])) == [
        [Cell("", column) for column in range(40)],
        [Cell(str(column), column) for column in range(40)],
    ]


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 1)])
def test_cells_that_are_flagged_as_merged_are_one(files: dict[str, bytes], first: int, second: int) -> None:
    content = files["form"]
    word = streams(content)["WordDocument"]
    # a row's definition: its length, the number of cells, their five edges, 20 bytes a cell;
    # rows that are alike share one
    (found,) = re.finditer(rb"\x08\xd6..\x04", word, re.DOTALL)
    second_cell = found.end() + 2 * 5 + 20
    content = patched(content, "WordDocument", second_cell, bytes([first]))
    content = patched(content, "WordDocument", second_cell + 20, bytes([second]))
    assert only_table(read_doc(content)) == [  # no row is left that has an edge inside
        [Cell("标题", 0), Cell(MIXED, 1, 2)],
        [Cell("领衔代表", 0), Cell("张三\n联系电话", 1), Cell("", 2)],
        [Cell("附议代表", 0), Cell("代表团", 1), Cell("East 2", 2)],
        [Cell("建议内容:\n一是加装\n二是修缮", 0, 3)],
    ]


def test_a_table_in_a_cell_is_part_of_its_text(files: dict[str, bytes]) -> None:
    assert only_table(read_doc(files["nested"])) == [[Cell("外", 0), Cell("一  二\n三  四\n后", 1)]]


def test_a_link_gives_what_is_shown_not_where_it_leads(files: dict[str, bytes]) -> None:
    assert texts(read_doc(files["field"])) == ["见市政府网站所载"]


def test_deleted_text_of_tracked_changes_is_left_out(files: dict[str, bytes]) -> None:
    assert "立即".encode("utf-16-le") in streams(files["revised"])["WordDocument"]
    assert texts(read_doc(files["revised"])) == ["应当修缮"]


def test_header_lines_come_first_and_once(files: dict[str, bytes]) -> None:
    assert texts(read_doc(files["header"])) == ["编号:第 123 号", "第二节", "正文"]


def test_text_boxes_are_told_of(files: dict[str, bytes]) -> None:
    document = read_doc(files["box"])
    assert texts(document) == ["框外"]
    assert document.notes == (TEXT_BOXES,)


def test_macros_are_told_of(files: dict[str, bytes]) -> None:
    name = "\x01CompObj".encode("utf-16-le")
    at = files["lines"].index(name)
    entry = "Macros".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<H", 14)
    document = read_doc(files["lines"][:at] + entry + files["lines"][at + 66 :])
    assert document.notes == (MACROS,)
    assert texts(document)[0] == MIXED


def test_three_hundred_paragraphs_come_in_order(files: dict[str, bytes]) -> None:
    begun = time.perf_counter()
    assert texts(read_doc(files["long"])) == BODY
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("name", ["lines", "form", "two_tables", "long", "header"])
def test_the_text_is_that_of_the_source(files: dict[str, bytes], name: str) -> None:
    source = docx.Document()
    next(build for build in SOURCES if build.__name__ == name)(source)
    wanted = [p.text for p in source.paragraphs]
    wanted += [
        cell.text for table in source.tables for row in table.rows for cell in dict.fromkeys(row.cells)
    ]
    got = [
        text
        for block in read_doc(files[name]).blocks
        for text in ([block.text] if isinstance(block, Line) else [c.text for row in block.rows for c in row])
    ]
    if name == "header":
        wanted += ["编号:第 123 号", "第二节"]
    assert _letters(got) == _letters(wanted)


def _letters(parts: list[str]) -> list[str]:
    """Without space, which is not meant to stay as it was; sorted because tables stand between lines."""
    return sorted("".join("".join(parts).replace("\u2011", "-").split()))


def test_pieces_of_one_byte_a_character_are_read(files: dict[str, bytes]) -> None:
    content = files["ascii_only"]
    word, table = streams(content)["WordDocument"], streams(content)["1Table"]
    at, size = struct.unpack_from("<II", word, 0x9A + 8 * 33)
    clx = table[at : at + size]
    assert clx[0] == 2
    assert len(clx) == 5 + 8 + 8
    end, offset = struct.unpack_from("<I", clx, 9)[0], struct.unpack_from("<I", clx, 15)[0]
    raw = (
        word[offset : offset + 2 * end]
        .decode("utf-16-le")
        .replace("plain", "pl\u00e4\u201cn")
        .encode("cp1252")
    )
    content = patched(content, "WordDocument", offset, raw)
    content = patched(content, "1Table", at + 15, struct.pack("<I", 2 * offset | 0x40000000))
    assert texts(read_doc(content)) == [f"plä“n line {i}" for i in range(3)]


def test_a_password_is_told(files: dict[str, bytes]) -> None:
    (flags,) = struct.unpack_from("<H", streams(files["form"])["WordDocument"], 10)
    content = patched(files["form"], "WordDocument", 10, struct.pack("<H", flags | 0x0100))
    with pytest.raises(InputError, match="有打开密码"):
        read_doc(content)


@pytest.mark.parametrize(("at", "new"), [(2, b"\x68\x00"), (0, b"\xdc\xa5")])
def test_word_95_is_too_old(files: dict[str, bytes], at: int, new: bytes) -> None:
    with pytest.raises(InputError, match=r"版本太旧.*另存为 \.docx"):
        read_doc(patched(files["form"], "WordDocument", at, new))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x00" * 5000, "建议".encode() * 1000])
def test_what_is_no_word_file_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="不是 Word 文件"):
        read_doc(content)


def test_another_program_s_file_is_no_word_file(files: dict[str, bytes]) -> None:
    name = "WordDocument".encode("utf-16-le")
    with pytest.raises(InputError, match="不是 Word 文件"):
        read_doc(files["form"].replace(name, "WorkDocument".encode("utf-16-le")))


def test_a_table_stream_that_lies_is_damage(files: dict[str, bytes]) -> None:
    for where in (0x9A + 8 * 33, 0x9A + 8 * 13, 0x4C):  # pieces, paragraphs, length of the text
        content = patched(files["form"], "WordDocument", where, b"\xff\xff\xff\x7f")
        assert "已损坏" in read_or_refuse(content)


@pytest.mark.parametrize("name", ["form", "long"])
def test_a_cut_file_is_read_or_refused(files: dict[str, bytes], name: str) -> None:
    content = files[name]
    refused = [read_or_refuse(content[: len(content) * part // 20]) for part in range(20)]
    assert all(refused[:10])
    assert read_or_refuse(content) == ""


def test_flipped_bytes_are_read_or_refused(files: dict[str, bytes]) -> None:
    chance, refused = random.Random(20260301), 0
    content = files["form"]
    found = streams(content)
    zones = [(0, len(content)), (0, 512)]
    for name in ("WordDocument", "1Table"):
        begin = content.index(found[name][:512])
        zones.append((begin, begin + min(len(found[name]), 1000)))
    for number in range(200):
        broken = bytearray(content)
        for _ in range(1 + number % 8):
            broken[chance.randrange(*zones[number % len(zones)])] = chance.choice(
                (0, 255, chance.randrange(256))
            )
        refused += read_or_refuse(bytes(broken)) != ""
    assert 0 < refused < 200


def test_a_file_that_leads_round_in_circles_ends(files: dict[str, bytes]) -> None:
    content = bytearray(files["long"])
    begun = time.perf_counter()
    content[0x2C:0x30] = b"\xff\xff\xff\x00"  # sectors of the list of sectors
    assert "已损坏" in read_or_refuse(bytes(content))
    content = bytearray(files["long"])
    at = content.index("WordDocument".encode("utf-16-le"))
    content[at + 120 : at + 124] = b"\xff\xff\xff\x7f"  # two gigabytes of a stream
    assert "已损坏" in read_or_refuse(bytes(content))
    assert time.perf_counter() - begun < 2
