"""Files over the API: handed in, kept, read, taken in batch by batch, halted and gone on with; the ledger as a file."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import docx
import openpyxl
import pytest
from entry import come_in
from fastapi.testclient import TestClient
from sqlalchemy import text

from service.app import make_app
from training import sample_office
from triage.batch_runner import BatchRunner
from triage.config import Settings
from triage.desk import Desk
from triage.ledger.base import utc_now
from triage.ledger.batches import add_batch, claim_batch, end_batch, get_batch, note_progress
from triage.ledger.files import keep_original
from triage.ledger.leases import LOST_SECONDS
from triage.ledger.store import Ledger
from triage.ledger.verify import verify_ledger

BASE_URL = "http://127.0.0.1:8000"
SECTION = "能源科"


@pytest.fixture
def client(settings: Settings, ledger: Ledger) -> Iterator[TestClient]:
    """The service over an empty office, on both databases."""
    settings = replace(settings, database_url=ledger.url)
    sample_office.install_office(settings)
    own = Ledger(ledger.url)
    with TestClient(make_app(settings, Desk(settings, ledger=own)), base_url=BASE_URL) as client:
        come_in(client, own)
        yield client
    own.close()


def sheet(rows: int, **columns: str) -> bytes:
    """A closed year as a workbook."""
    names = {
        "编号": "第{n}号",
        "案由": "第{n}件",
        "交办日期": "2025.3.{d}",
        "承办科室": SECTION,
        "办理结果": "A",
    }
    names |= columns
    book = openpyxl.Workbook()
    book.active.append(list(names))
    for n in range(1, rows + 1):
        book.active.append([text.format(n=n, d=n % 28 + 1) for text in names.values()])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def document() -> bytes:
    paper = docx.Document()
    for line in ("第081号", "案由:关于增设路灯的建议", "领衔代表:王建国  联系电话:13800000000", "正文:"):
        paper.add_paragraph(line)
    paper.add_paragraph("滨河路至今没有路灯,夜间行人摔倒多起。建议今年装上路灯,并明确专人维护。")
    content = io.BytesIO()
    paper.save(content)
    return content.getvalue()


def hand_in(client: TestClient, content: bytes, name: str, status: int = 201) -> Any:
    sent = client.post("/api/files", files={"file": (name, content)}, data={"who": "李科员"})
    assert sent.status_code == status, sent.text
    return sent.json()


def begin(client: TestClient, sha256: str, status: int = 202, **more: Any) -> Any:
    sent = {"kind": "import", "sha256": sha256, "name": "2025年台账.xlsx", "who": "李科员", **more}
    begun = client.post("/api/batches", json=sent)
    assert begun.status_code == status, begun.text
    return begun.json()


def ended(client: TestClient, batch_id: int) -> Any:
    """The batch once nobody works on it any more."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        batch = client.get(f"/api/batches/{batch_id}").json()
        if batch["state"] not in ("waiting", "running"):
            return batch
        time.sleep(0.05)
    raise AssertionError(f"batch {batch_id} is still under way")


def test_a_sheet_is_kept_read_and_taken_in_with_a_report(client: TestClient, ledger: Ledger) -> None:
    content = sheet(40)
    kept = hand_in(client, content, "../../2025年台账.xlsx")
    assert (kept["name"], kept["kind"], kept["table"]["rows"]) == ("2025年台账.xlsx", "xlsx", 40)
    assert kept["sha256"] == hashlib.sha256(content).hexdigest()
    assert kept["table"]["columns"][0]["used"]["title"] == "案由"
    assert client.get("/api/cases").json()["total"] == 0  # nothing is in by handing in alone
    batch = ended(client, begin(client, kept["sha256"], session="六届四次")["id"])
    assert (batch["state"], batch["done"], batch["total"]) == ("done", 40, 40)
    assert (batch["report"]["created"], batch["report"]["refused"]) == (40, [])
    again = ended(client, begin(client, kept["sha256"], session="六届四次")["id"])
    assert (again["report"]["created"], again["report"]["known"]) == (0, 40)
    case = client.get("/api/cases/7").json()
    assert (case["number"], case["session"], case["state"]) == ("第7号", "六届四次", "closed")
    assert [(f["sha256"], f["place"]) for f in case["files"]] == [(kept["sha256"], "第 8 行")]
    original = client.get(f"/api/files/{kept['sha256']}")
    assert original.content == content
    assert "attachment" in original.headers["content-disposition"]
    with ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_columns_and_values_of_an_office_are_mapped(client: TestClient) -> None:
    content = sheet(2, 责任部门="电力处", 承办科室="")
    kept = hand_in(client, content, "a.xlsx")
    mapping = {"columns": {"section": "责任部门"}, "values": {"section": {"电力处": SECTION}}}
    batch = ended(client, begin(client, kept["sha256"], **mapping)["id"])
    assert batch["report"]["created"] == 2
    refused = begin(client, kept["sha256"], 422, columns={"nonsense": "责任部门"})
    assert "nonsense" in refused["detail"]


def test_a_halted_batch_goes_on_where_it_was(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.batch_runner.SAVE_SECONDS", 0.0)
    kept = hand_in(client, sheet(320), "a.xlsx")
    batch_id = begin(client, kept["sha256"])["id"]
    while client.get(f"/api/batches/{batch_id}").json()["done"] < 32:
        time.sleep(0.01)
    assert client.post(f"/api/batches/{batch_id}/stop").status_code == 200
    deadline = time.monotonic() + 20
    seen = -1
    while (total := client.get("/api/cases").json()["total"]) != seen:  # until the last rows are written
        seen = total
        time.sleep(0.3)
        assert time.monotonic() < deadline
    halted = client.get(f"/api/batches/{batch_id}").json()
    assert halted["state"] == "stopped"
    assert 32 <= total < 320
    assert client.post(f"/api/batches/{batch_id}/stop").status_code == 409
    assert client.post(f"/api/batches/{batch_id}/resume").status_code == 200
    batch = ended(client, batch_id)
    assert (batch["state"], batch["done"], batch["report"]["created"]) == ("done", 320, 320)
    assert client.get("/api/cases").json()["total"] == 320


@pytest.mark.parametrize("seconds", [-LOST_SECONDS - 1, 3600], ids=["silent", "clock set back since"])
def test_what_a_killed_process_left_is_taken_up_by_another(
    client: TestClient, ledger: Ledger, seconds: int
) -> None:
    kept = hand_in(client, sheet(3), "a.xlsx")
    with ledger.write() as session:  # as a process leaves it that was killed while at work
        batch = add_batch("import", kept["sha256"], "a.xlsx", {}, who="李科员", session=session)
        batch.state, batch.alive_at = "running", utc_now() + timedelta(seconds=seconds)
        session.flush()
        batch_id = batch.id
    client.app.state.batches.wake()  # type: ignore[attr-defined]
    assert ended(client, batch_id)["report"]["created"] == 3
    with ledger.read() as session:
        assert claim_batch(session=session) is None


def test_a_host_that_comes_back_leaves_its_batch_to_the_one_that_took_it_up(ledger: Ledger) -> None:
    with ledger.write() as session:
        sha256 = keep_original(b"kept", "a.xlsx", who="李科员", session=session)
        batch_id = add_batch("import", sha256, "a.xlsx", {}, who="李科员", session=session).id
    with ledger.write() as session:
        cut_off = claim_batch(session=session).alive_at  # type: ignore[union-attr]
    with ledger.write() as session:
        later = utc_now() + timedelta(seconds=LOST_SECONDS + 1)
        taken_up = claim_batch(session=session, now=later).alive_at  # type: ignore[union-attr]
    with ledger.write() as session:
        heard = note_progress(batch_id, taken_up, 3, 3, {"created": 3}, session=session)
        assert heard is not None
    with ledger.write() as session:
        assert note_progress(batch_id, cut_off, 1, 3, {"created": 1}, session=session) is None
        end_batch(batch_id, cut_off, "failed", problem="断网", session=session)
    with ledger.read() as session:
        row = get_batch(batch_id, session=session)
        assert (row.state, row.done, row.report, row.problem) == ("running", 3, {"created": 3}, "")
    with ledger.write() as session:
        end_batch(batch_id, heard, "done", session=session)
    with ledger.read() as session:
        assert get_batch(batch_id, session=session).state == "done"


def test_the_thread_outlives_a_ledger_that_breaks(client: TestClient, ledger: Ledger) -> None:
    begun = begin(client, hand_in(client, sheet(3), "a.xlsx")["sha256"])
    assert ended(client, begun["id"])["state"] == "done"
    runner = client.app.state.batches  # type: ignore[attr-defined]
    rename(ledger, "batch", "elsewhere")
    runner.wake()
    time.sleep(0.5)
    rename(ledger, "elsewhere", "batch")
    begun = begin(client, hand_in(client, sheet(5), "b.xlsx")["sha256"])
    assert ended(client, begun["id"])["report"]["created"] == 2


def rename(ledger: Ledger, table: str, name: str) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(text(f"alter table {table} rename to {name}"))


def test_two_processes_never_take_in_the_same_batch(
    client: TestClient, ledger: Ledger, settings: Settings
) -> None:
    settings = replace(settings, database_url=ledger.url)
    other = Desk(settings, ledger=Ledger(ledger.url))
    runner = BatchRunner(other)
    runner.start()
    ids = [begin(client, hand_in(client, sheet(n), "a.xlsx")["sha256"])["id"] for n in range(40, 48)]
    runner.wake()
    reports = [ended(client, i)["report"] for i in ids]
    runner.end()
    other.ledger.close()
    assert sum(report["created"] for report in reports) == client.get("/api/cases").json()["total"] == 47
    assert [report["created"] + report["known"] for report in reports] == list(range(40, 48))


def test_a_document_is_read_corrected_and_taken_in_with_its_original(client: TestClient) -> None:
    kept = hand_in(client, document(), "建议.docx")
    form = kept["form"]
    assert (form["fields"]["number"], form["fields"]["deputy"]) == ("第081号", "王建国")
    assert "代表团" in form["missing"]
    sent = {**form["fields"], "delegation": "第一代表团", "file": kept["sha256"], "file_name": "建议.docx"}
    case = client.post("/api/cases", json=sent)
    assert case.status_code == 201, case.text
    assert case.json()["phone"] == "13800000000"
    assert [(f["name"], f["place"]) for f in case.json()["files"]] == [("建议.docx", "")]
    refused = client.post("/api/cases", json={**sent, "number": "第082号", "file": "0" * 64})
    assert refused.status_code == 404
    assert client.get("/api/cases").json()["total"] == 1


def test_a_document_is_taken_in_as_a_batch_of_one(client: TestClient) -> None:
    kept = hand_in(client, document(), "建议.docx")
    batch = ended(client, begin(client, kept["sha256"], kind="intake", name="建议.docx")["id"])
    assert (batch["state"], batch["report"]["created"]) == ("done", 1)
    assert "代表团" in batch["report"]["missing"]
    wrong = ended(client, begin(client, kept["sha256"], kind="import", name="建议.docx")["id"])
    assert wrong["state"] == "failed"
    assert "不是台账" in wrong["problem"]


@pytest.mark.parametrize(
    ("content", "name", "status", "says"),
    [
        (b"", "空.docx", 422, "空的"),
        (b"PK\x03\x04 broken", "坏.xlsx", 422, "损坏"),
        (b"x" * (51 * 2**20 + 4096), "大.txt", 413, "50 MB"),
        ("合计,1\n".encode(), "a.csv", 422, "没有找到表头"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words_and_not_kept(
    client: TestClient, content: bytes, name: str, status: int, says: str
) -> None:
    assert says in hand_in(client, content, name, status)["detail"]
    assert client.get(f"/api/files/{hashlib.sha256(content).hexdigest()}").status_code == 404
    assert client.get("/healthz").status_code == 200


def test_the_ledger_comes_as_a_file_with_the_filters_of_the_list(client: TestClient) -> None:
    kept = hand_in(client, sheet(5), "a.xlsx")
    ended(client, begin(client, kept["sha256"])["id"])
    book = client.get("/api/ledger.xlsx", params={"number": "第3号"})
    assert book.headers["content-disposition"].endswith("%E5%B7%A5%E4%BD%9C%E5%8F%B0%E8%B4%A6.xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(book.content))["台账"].values)
    assert [row[1] for row in rows] == ["编号", "第3号"]
    assert len(client.get("/api/ledger.json").json()) == 5
    assert client.get("/api/ledger.csv").content.startswith(b"\xef\xbb\xbf")
    assert client.get("/api/ledger.exe").status_code == 422
