"""Scans: what is recognised comes back as lines and cells, without the net and without noise."""

from __future__ import annotations

import importlib
import io
import shutil
import socket
from typing import Any

import pypdfium2 as pdfium
import pytest
from office_files import HEADER, convert, form_file, prose
from PIL import Image

from triage.documents import ocr
from triage.documents.blocks import Document, Line, Table
from triage.documents.ocr import CHECK, read_scan
from triage.errors import InputError

pytestmark = pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    folder = tmp_path_factory.mktemp("ocr")
    form_file((prose("甲、", 1),)).save(str(folder / "form.docx"))
    with pdfium.PdfDocument(convert(folder, ["form"])["form"]) as file:
        picture = file[0].render(scale=200 / 72).to_pil().convert("RGB")
    assert isinstance(picture, Image.Image)
    return picture


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("went to the net")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def saved(picture: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, resolution=200.0)
    return target.getvalue()


def check_form(document: Document) -> None:
    assert document.notes == (CHECK,)
    (table,) = (block for block in document.blocks if isinstance(block, Table))
    rows = [[(cell.text, cell.column, cell.width) for cell in row] for row in table.rows]
    assert rows[0] == [("领衔代表", 0, 1), ("张三", 1, 1), ("代表团", 2, 1), ("", 3, 1)]
    assert rows[1] == [("案由", 0, 1), ("关于加装电梯的建议", 1, 3)]
    assert [cell.continued for cell in table.rows[3]] == [True, False, False]
    assert rows[4][0] == ("建议内容", 0, 1)
    assert rows[4][1][0].startswith("甲、第1点")
    assert rows[5] == [("备注", 0, 1), ("无", 1, 3)]
    said = [block.text for block in document.blocks if isinstance(block, Line)]
    assert said == [HEADER, "建议登记表", "表后一行。"]


@pytest.mark.parametrize("kind", ["PDF", "JPEG"])
def test_form(picture: Image.Image, kind: str, offline: None, capfd: pytest.CaptureFixture[str]) -> None:
    check_form(read_scan(saved(picture, kind)))
    assert capfd.readouterr() == ("", "")


def test_blank_page_is_refused() -> None:
    with pytest.raises(InputError, match="没有识别出文字"):
        read_scan(saved(Image.new("RGB", (400, 300), "white"), "PNG"))


def test_damaged_picture(picture: Image.Image) -> None:
    with pytest.raises(InputError, match="图片已损坏"):
        read_scan(saved(picture, "PNG")[:2000])
    with pytest.raises(InputError, match="已损坏"):
        read_scan(b"no picture")


def test_too_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "MOST_PAGES", 1)
    target = io.BytesIO()
    page = Image.new("RGB", (400, 300), "white")
    page.save(target, "PDF", save_all=True, append_images=[page])
    with pytest.raises(InputError, match="有 2 页,最多可识别 1 页"):
        read_scan(target.getvalue())


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    imported = importlib.import_module

    def without(name: str) -> Any:
        if name == "rapidocr":
            raise ImportError(name)
        return imported(name)

    monkeypatch.setattr(ocr.importlib, "import_module", without)
    with pytest.raises(InputError, match=r"triage\[ocr\]"):
        read_scan(b"")


def test_missing_model_is_not_fetched(monkeypatch: pytest.MonkeyPatch, offline: None) -> None:
    monkeypatch.setitem(ocr._MODELS, "Det.model_path", "absent.onnx")
    with pytest.raises(InputError, match="文字识别组件"):
        read_scan(b"")
