"""PDF files as word processors write them: their lines and tables come back as they were typed."""

from __future__ import annotations

import io
import random
import shutil
import time

import pypdfium2 as pdfium
import pytest
from office_files import (
    HEADER,
    columns_file,
    convert,
    form_file,
    landscape_file,
    lines_file,
    long_file,
    prose,
)

from triage.documents import pdf
from triage.documents.blocks import Document, Line, Table
from triage.documents.pdf import read_pdf
from triage.errors import InputError

pytestmark = pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
BODY = (prose("甲、", 14), prose("乙、", 9), prose("丙、", 30), prose("丁、", 5))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("pdf")
    words = {
        "lines": lines_file(),
        "form": form_file(BODY),
        "columns": columns_file(),
        "landscape": landscape_file(),
        "long": long_file(),
    }
    for name, word in words.items():
        word.save(str(folder / f"{name}.docx"))
    found = convert(folder, list(words))
    return found | {"secret": convert(folder, ["lines"], secret=True)["lines"]}


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Line)]


def tables(document: Document) -> list[Table]:
    return [block for block in document.blocks if isinstance(block, Table)]


def scan(content: bytes) -> bytes:
    """The same pages as pictures only."""
    with pdfium.PdfDocument(content) as file:
        pictures = [page.render(scale=0.7).to_pil().convert("RGB") for page in file]
    target = io.BytesIO()
    pictures[0].save(target, "PDF", save_all=True, append_images=pictures[1:])
    return target.getvalue()


def joined(*contents: bytes) -> bytes:
    target = io.BytesIO()
    with pdfium.PdfDocument.new() as whole:
        for content in contents:
            with pdfium.PdfDocument(content) as file:
                whole.import_pages(file)
        whole.save(target)
    return target.getvalue()


def test_paragraphs_over_lines_and_pages_without_running_headers(files: dict[str, bytes]) -> None:
    expected = [HEADER, "关于推进老旧小区加装电梯的建议", "案由:关于加装电梯的建议  领衔代表:张三"]
    english = "The quick brown fox jumps over the lazy dog today."
    found = texts(read_pdf(files["lines"]))
    assert [text.replace(" ", "") for text in found[3:]] == [
        (prose(f"段{number}:", 1 + number % 4) + english).replace(" ", "") for number in range(14)
    ]
    assert found[:3] == expected
    assert all(text.endswith(english) for text in found[3:])


def test_form_with_merged_and_blank_cells_over_three_pages(files: dict[str, bytes]) -> None:
    with pdfium.PdfDocument(files["form"]) as file:
        assert len(file) == 3
    document = read_pdf(files["form"])
    (table,) = tables(document)
    rows = [[(cell.text, cell.column, cell.width, cell.continued) for cell in row] for row in table.rows]
    assert rows == [
        [
            ("领衔代表", 0, 1, False),
            ("张三", 1, 1, False),
            ("代表团", 2, 1, False),
            ("", 3, 1, False),
        ],
        [("案由", 0, 1, False), ("关于加装电梯的建议", 1, 3, False)],
        [("联系方式", 0, 1, False), ("电话", 1, 1, False), ("87654321", 2, 2, False)],
        [("", 0, 1, True), ("地址", 1, 1, False), ("", 2, 2, False)],
        [("建议内容", 0, 1, False), ("\n".join(BODY), 1, 3, False)],
        [("备注", 0, 1, False), ("无", 1, 3, False)],
    ]
    assert texts(document) == [HEADER, "建议登记表", "表后一行。"]


def test_left_column_before_the_right_one(files: dict[str, bytes]) -> None:
    assert texts(read_pdf(files["columns"])) == [prose(f"段{number}:", 2) for number in range(14)]


def test_table_on_two_landscape_pages_is_one(files: dict[str, bytes]) -> None:
    (table,) = tables(read_pdf(files["landscape"]))
    assert [[cell.text for cell in row] for row in table.rows] == [
        [f"{row}行{column}列" for column in range(6)] for row in range(40)
    ]


def test_page_that_is_stored_on_its_side(files: dict[str, bytes]) -> None:
    target = io.BytesIO()
    with pdfium.PdfDocument(files["landscape"]) as file:
        page = file[0]
        width, height = page.get_size()
        for thing in page.get_objects(max_depth=1):
            thing.transform(pdfium.PdfMatrix(0, 1, -1, 0, height, 0))
        page.set_mediabox(0, 0, height, width)
        page.set_rotation(90)
        page.gen_content()
        page.close()
        file.save(target)
    (table,) = tables(read_pdf(target.getvalue()))
    assert [[cell.text for cell in row] for row in table.rows] == [
        [f"{row}行{column}列" for column in range(6)] for row in range(40)
    ]


def test_password(files: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="打开密码"):
        read_pdf(files["secret"])


def test_scan_is_told_from_text(files: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="扫描件,没有文字可读"):
        read_pdf(scan(files["landscape"]))


def test_scanned_pages_among_others_are_named(files: dict[str, bytes]) -> None:
    mixed = read_pdf(joined(files["landscape"], scan(files["landscape"])))
    assert len(tables(mixed)[0].rows) == 40
    (note,) = mixed.notes
    assert "第 3、4 页" in note


def test_unreadable_glyphs_are_said_so(files: dict[str, bytes]) -> None:
    with pytest.raises(InputError, match="乱码"):
        read_pdf(files["lines"].replace(b"/ToUnicode", b"/NoUnicode"))


def test_no_text_no_pages_no_pdf() -> None:
    with pdfium.PdfDocument.new() as file:
        file.new_page(500, 500)
        target = io.BytesIO()
        file.save(target)
    with pytest.raises(InputError, match="没有文字"):
        read_pdf(target.getvalue())
    for content in (b"", b"PK\x03\x04", b"%PDF-1.7\n"):
        with pytest.raises(InputError, match="已损坏"):
            read_pdf(content)


def test_limits(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    with pytest.raises(InputError, match="最多可读 2 页"):
        read_pdf(files["form"])
    assert read_pdf(files["landscape"]).blocks
    monkeypatch.setattr(pdf, "MOST_CHARACTERS", 500)
    with pytest.raises(InputError, match="字"):
        read_pdf(files["landscape"])


def test_truncated_and_damaged_files_are_read_or_refused(files: dict[str, bytes]) -> None:
    whole = files["landscape"]
    chance = random.Random(3)
    damaged = [whole[: len(whole) * part // 20] for part in range(20)]
    for _ in range(200):
        copy = bytearray(whole)
        for _ in range(chance.choice((1, 5, 50))):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        damaged.append(bytes(copy))
    refusals = []
    for content in damaged:
        try:
            read_pdf(content)
        except InputError as error:
            refusals.append(error.message)
    assert 10 < len(refusals) < len(damaged)
    assert all(message.endswith("。") for message in refusals)


def test_three_hundred_pages(files: dict[str, bytes]) -> None:
    begun = time.perf_counter()
    found = texts(read_pdf(files["long"]))
    assert time.perf_counter() - begun < 20
    assert found == [prose(f"建议{number}:", 12) for number in range(300)]
