"""Odd files: each answered with a clear sentence, in bounded memory and time, the service up all along."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import docx
import pytest
from fastapi.testclient import TestClient
from odd_files import BODY, ODD, Odd, word

from triage.bulk import Handed, Run
from triage.config import CHECKOUT
from triage.desk import Desk
from triage.documents.child import MEMORY_BYTES
from triage.documents.form import read_form
from triage.documents.ledger_sheet import read_ledger
from triage.documents.reading import Content, base_name, read_content
from triage.errors import InputError

LOCK = (
    '{"EncryptFile":{"type":"boolean","value":"true"},"DocumentOpenPassword":{"type":"string","value":"x"}}'
)
MOST_SECONDS = 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an office program must make: an old .doc, a long PDF, one with a password."""
    folder = tmp_path_factory.mktemp("odd")
    (folder / "old.docx").write_bytes(word())
    paper = docx.Document()
    for _ in range(300):
        paper.add_paragraph(BODY)
        paper.add_page_break()
    paper.save(str(folder / "long.docx"))
    for target, name in (
        ("doc", "old.docx"),
        ("pdf", "long.docx"),
        (f"pdf:writer_pdf_Export:{LOCK}", "old.docx"),
    ):
        subprocess.run(
            [
                *("soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"),
                *("--convert-to", target, "--outdir", str(folder), str(folder / name)),
            ],
            check=True,
            capture_output=True,
        )
    (folder / "old.pdf").rename(folder / "locked.pdf")
    return folder


def text_of(content: Content) -> str:
    """What was read, as one text; raises InputError where it is of no use."""
    if content.document is None:
        return str(read_ledger(content).rows)
    return str(read_form(content.document).fields)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_each_is_told_in_words_or_read(folder: Path, odd: Odd) -> None:
    raw = odd.make(folder)
    begun = time.monotonic()
    said, text = [], ""
    try:
        content = read_content(raw, odd.name)
        said += content.notes
        text = text_of(content)
    except InputError as error:
        said.append(error.message)
    assert time.monotonic() - begun < MOST_SECONDS
    told = "".join(said)
    assert odd.says in told
    assert bool(told) == bool(odd.says)
    assert ("路灯" in text) == odd.read
    assert not {"Traceback", "Error", "Exception", "/tmp"} & set(told.split())


def test_the_service_stays_up_and_keeps_nothing_of_what_it_refuses(client: TestClient, folder: Path) -> None:
    taken = set()
    sent_in = ODD[::2]  # that each is told in words is shown above; here what becomes of the service
    for odd in sent_in:
        sent = client.post("/api/files", files={"file": (odd.name, odd.make(folder))})
        assert sent.status_code in (201, 422), f"{odd.name}: {sent.text[:200]}"
        if sent.status_code == 201:
            taken.add(sent.json()["sha256"])
        else:
            assert odd.says in sent.json()["detail"], odd.name
        assert client.get("/readyz").status_code == 200
    changes = client.get("/api/changes").json()["changes"]
    assert {e["detail"]["sha256"] for e in changes if e["kind"] == "file_kept"} == taken
    assert 5 <= len(taken) <= sum(odd.read for odd in sent_in)


PEAK = (
    "import json, resource, subprocess, sys\n"
    "subprocess.run([sys.executable, '-m', 'triage.documents.child', 'x', 'text'], "
    "stdin=open(sys.argv[1], 'rb'), stdout=subprocess.DEVNULL)\n"
    "print(json.dumps(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))"
)


@pytest.mark.parametrize(
    "name", ["炸弹.docx", "谎报大小.docx", "百万空行.xlsx", "三百页.pdf", "五万个文件.zip"]
)
def test_the_process_that_reads_stays_small(folder: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_bytes(next(odd for odd in ODD if odd.name == name).make(folder))
    ran = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "x")], cwd=CHECKOUT, capture_output=True, check=True
    )
    assert json.loads(ran.stdout) < 500 * 2**20 < MEMORY_BYTES


def test_a_suggestion_of_three_hundred_pages_is_refused_by_its_length(desk: Desk) -> None:
    raw = word((f"标题:长\n正文:{BODY}", *[BODY * 9] * 300))
    report = Run("intake", desk, Handed.read(raw, "长.docx"), who="李").finish()
    assert report.created == []
    assert "正文太长" in report.refused[0].reason


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\台账\\2025年.xlsx", "2025年.xlsx"),
        ("a\x00b\r\n\u202ec.docx", "abc.docx"),
        ("..", "未命名"),
        ("", "未命名"),
        ("长" * 500 + ".docx", "长" * 195 + ".docx"),
    ],
)
def test_a_file_name_never_leads_anywhere(name: str, kept: str) -> None:
    assert base_name(name) == kept
