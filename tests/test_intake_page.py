"""Files handed in on the page: read, corrected by a person, taken in; lists as batches; in a browser too."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from browsing import SCRIPT, Open
from entry import come_in
from fastapi.testclient import TestClient
from live_server import LiveServer
from odd_files import BODY, locked, word, workbook
from playwright.sync_api import Page, expect
from sqlalchemy import select

from service.app import make_app
from training import sample_office
from triage.config import Settings
from triage.desk import Desk
from triage.documents.blocks import Cell, Document, Line, Table
from triage.documents.dated import dated_on
from triage.errors import Conflict
from triage.ledger.file_tables import WaitingFileRow
from triage.ledger.store import Ledger
from triage.ledger.tables import CaseRow, EventRow
from triage.ledger.verify import verify_ledger
from triage.ledger.waiting_files import correct_waiting, get_waiting

BASE_URL = "http://127.0.0.1:8000"
YESTERDAY = (date.today() - timedelta(days=1)).isoformat()
LINES = (
    "云澜市第六届人民代表大会第五次会议",
    "第081号",
    "案由:关于增设路灯的建议",
    "领衔代表:王建国  联系电话:13800000000",
    "正文:",
    BODY,
    "2026年1月12日",
)


@pytest.fixture
def client(settings: Settings, ledger: Ledger) -> Iterator[TestClient]:
    """The service over an empty office, on both databases."""
    settings = replace(settings, database_url=ledger.url)
    sample_office.install_office(settings)
    own = Ledger(ledger.url)
    with TestClient(make_app(settings, Desk(settings, ledger=own)), base_url=BASE_URL) as client:
        yield come_in(client, own)
    own.close()


def hand_in(client: TestClient, *files: tuple[str, bytes], kind: str = "intake") -> Any:
    """What a script that sends them is told."""
    sent = [("file", (name, content)) for name, content in files]
    headers = {"accept": "application/json"}
    return client.post("/intake/files", files=sent, data={"kind": kind}, headers=headers).json()


def waiting(ledger: Ledger, waiting_id: int) -> WaitingFileRow:
    with ledger.read() as session:
        return get_waiting(waiting_id, session=session)


def cases(ledger: Ledger) -> list[CaseRow]:
    with ledger.read() as session:
        found = list(session.scalars(select(CaseRow).order_by(CaseRow.id)))
        for case in found:
            _ = case.files, case.events
        return found


def fields_of(html: str) -> dict[str, str]:
    """The fields of a card as they stand in its form."""
    found = dict(re.findall(r'<input[^>]* name="(\w+)" value="([^"]*)"', html))
    found |= dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)</textarea>', html))
    for name, options in re.findall(r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        chosen = re.search(r"<option selected>([^<]*)", options)
        found[name] = chosen[1] if chosen else ""
    return found


def test_a_document_waits_is_corrected_and_becomes_a_case_with_its_original(
    client: TestClient, ledger: Ledger
) -> None:
    told = hand_in(client, ("建议.docx", word(LINES)))
    (kept,) = told["kept"]
    page = client.get(f"/intake/{kept['id']}").text
    fields = fields_of(page)
    assert fields["number"] == "第081号"
    assert fields["title"] == "关于增设路灯的建议"
    assert fields["received_on"] == date.today().isoformat()
    assert "<b>2026-01-12</b>" in page  # the day on the paper, beside the day of receipt
    assert re.search(r'<label class="field +missing" for="f-delegation">.*没有读到', page)
    assert re.search(r'name="delegation"[^>]* autofocus', page)
    assert cases(ledger) == []

    fields |= {"delegation": "板杉代表团", "title": "关于滨河路增设路灯的建议", "received_on": YESTERDAY}
    saved = client.post(f"/intake/{kept['id']}/save", data=fields)
    assert "改好的各栏已保存" in saved.text
    again = fields_of(client.get(f"/intake/{kept['id']}").text)
    assert (again["delegation"], again["title"]) == ("板杉代表团", "关于滨河路增设路灯的建议")

    taken = client.post(f"/intake/{kept['id']}/take", data=again)
    assert "已登记为台账第" in taken.text
    (case,) = cases(ledger)
    assert (case.title, case.delegation) == ("关于滨河路增设路灯的建议", "板杉代表团")
    assert (case.session, case.phone) == (LINES[0], "13800000000")
    assert case.received_on.isoformat() == YESTERDAY
    assert [event.who for event in case.events if event.kind == "received"] == ["值班员"]
    assert [(f.name, f.sha256) for f in case.files] == [("建议.docx", waiting(ledger, kept["id"]).sha256)]
    for name in ("承办科室", "主题", "办理类型"):
        assert f"<dt>{name}</dt>" in taken.text
    sent_again = client.post(f"/intake/{kept['id']}/take", data=again)
    assert sent_again.status_code == 409
    assert len(cases(ledger)) == 1
    with ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_what_is_in_the_ledger_already_is_told_and_not_taken_with_all(
    client: TestClient, ledger: Ledger
) -> None:
    known = {"title": "路灯", "body": BODY, "number": "第081号", "session": LINES[0]}
    assert client.post("/api/cases", json=known).status_code == 201
    told = hand_in(
        client, ("甲.docx", word(LINES)), ("乙.docx", word(("标题:关于停车的建议", f"正文:{BODY}")))
    )
    first, second = told["kept"]
    assert "编号相同的一件已在台账" in client.get(f"/intake/{first['id']}").text
    page = client.get("/intake").text
    assert "全部登记(1 件)" in page
    assert "已登记 1 件" in client.post("/intake/take-all").text
    assert waiting(ledger, second["id"]).state == "taken"
    assert waiting(ledger, first["id"]).state == "waiting"
    (repeat,) = hand_in(client, ("乙二.docx", word(("标题:关于停车的建议", f"正文:{BODY}"))))["kept"]
    assert "已在台账" in client.get(f"/intake/{repeat['id']}").text
    assert len(cases(ledger)) == 2


def test_of_two_papers_with_one_number_all_takes_the_first_only(client: TestClient, ledger: Ledger) -> None:
    other = word((*LINES[:5], f"{BODY}另外请整修路面。"))
    first, second = hand_in(client, ("甲.docx", word(LINES)), ("乙.docx", other))["kept"]
    assert "全部登记(2 件)" in client.get("/intake").text
    client.post("/intake/take-all")
    assert (waiting(ledger, first["id"]).state, waiting(ledger, second["id"]).state) == ("taken", "waiting")


def test_a_paper_with_a_doubt_is_looked_at_before_it_is_taken_with_all(
    client: TestClient, ledger: Ledger
) -> None:
    (kept,) = hand_in(client, ("其实是Word.pdf", word(LINES)))["kept"]  # its note: another kind than named
    assert waiting(ledger, kept["id"]).read["notes"]
    page = client.get("/intake").text
    assert "请逐项核对" in page
    assert "全部登记" not in page
    fields = fields_of(client.get(f"/intake/{kept['id']}").text)
    assert "全部登记(1 件)" in client.post(f"/intake/{kept['id']}/save", data=fields).text


def test_nothing_is_taken_in_without_title_or_with_a_day_to_come(client: TestClient, ledger: Ledger) -> None:
    (kept,) = hand_in(client, ("无题.docx", word(("正文:", BODY))))["kept"]
    fields = fields_of(client.get(f"/intake/{kept['id']}").text)
    refused = client.post(f"/intake/{kept['id']}/take", data=fields | {"deputy": "赵敏"})
    assert refused.status_code == 422
    assert "请填写标题" in refused.text
    assert fields_of(refused.text)["deputy"] == "赵敏"
    late = {**fields, "title": "路灯", "received_on": "2099-01-01"}
    refused = client.post(f"/intake/{kept['id']}/take", data=late)
    assert "还没有到" in refused.text
    assert re.search(r'name="received_on" value="2099-01-01" autofocus', refused.text)
    assert cases(ledger) == []


def test_what_somebody_else_changed_meanwhile_is_not_written_over(client: TestClient, ledger: Ledger) -> None:
    (kept,) = hand_in(client, ("建议.docx", word(LINES)))["kept"]
    fields = fields_of(client.get(f"/intake/{kept['id']}").text)
    with ledger.write() as session:
        correct_waiting(kept["id"], {"title": "改"}, seen_version=1, who="李科员", session=session)
    refused = client.post(f"/intake/{kept['id']}/take", data=fields)
    assert refused.status_code == 409
    assert "李科员改动过" in refused.text
    by_script = client.post(f"/intake/{kept['id']}/save", data=fields, headers={"accept": "application/json"})
    assert "李科员" in by_script.json()["problem"]
    with ledger.write() as session, pytest.raises(Conflict):
        correct_waiting(kept["id"], {"title": "再"}, seen_version=1, who="王", session=session)


def test_what_is_set_aside_says_who_and_why_and_stays(client: TestClient, ledger: Ledger) -> None:
    (kept,) = hand_in(client, ("内部.docx", word(LINES)))["kept"]
    assert "请写明为什么不登记" in client.post(f"/intake/{kept['id']}/aside", data={"why": " "}).text
    done = client.post(f"/intake/{kept['id']}/aside", data={"why": "发错了,是内部材料"})
    assert "已定为不登记" in done.text
    assert "发错了,是内部材料" in done.text
    row = waiting(ledger, kept["id"])
    assert (row.state, row.why, row.changed_by) == ("set_aside", "发错了,是内部材料", "值班员")
    with ledger.read() as session:
        (event,) = session.scalars(select(EventRow).where(EventRow.kind == "file_set_aside"))
    assert (event.who, event.detail["why"]) == ("值班员", "发错了,是内部材料")
    original = client.get(f"/intake/{kept['id']}/original")
    assert hashlib.sha256(original.content).hexdigest() == row.sha256
    assert unquote(original.headers["content-disposition"]).endswith("内部.docx")


def test_bad_files_get_a_sentence_each_and_the_good_one_goes_on(client: TestClient, ledger: Ledger) -> None:
    name = "..\\..\\/etc/<img src=x>.txt"
    told = hand_in(
        client,
        ("空.txt", b""),
        ("坏.docx", word()[:3000]),
        ("密.xlsx", locked(workbook())),
        ("程序.docx", b"MZ" + b"\0" * 400),
        ("大.pdf", b"%PDF-" + b"x" * (51 * 2**20)),
        (name, f"标题:关于<b>公交</b>的建议\n正文:\n{BODY}".encode()),
    )
    says = dict(told["refused"])
    assert "是空的" in says["空.txt"]
    assert "损坏" in says["坏.docx"]
    assert "密码" in says["密.xlsx"]
    assert "程序文件" in says["程序.docx"]
    assert "最多 50 MB" in says["大.pdf"]
    (kept,) = told["kept"]
    assert kept["name"] == "<img src=x>.txt"
    page = client.get("/intake").text
    assert "&lt;img src=x&gt;.txt" in page
    assert "<img" not in page
    assert "<b>公交</b>" not in page + client.get(f"/intake/{kept['id']}").text


def test_without_script_every_file_that_was_refused_is_named_on_the_page(client: TestClient) -> None:
    sent = [("file", ("建议.docx", word(LINES))), ("file", ("坏.docx", word()[:3000]))]
    page = client.post("/intake/files", files=sent, data={"kind": "intake"})
    assert page.status_code == 422
    assert "<b>坏.docx</b>" in page.text
    assert "建议.docx" in page.text.split('id="waiting"')[1]
    empty = client.post("/intake/files", files=[("file", ("", b""))], data={"kind": "intake"})
    assert "请先选择文件" in empty.text
    assert client.get("/intake/files").url.path == "/intake"


def test_the_same_file_handed_in_twice_waits_once(client: TestClient, ledger: Ledger) -> None:
    content = word(LINES)
    (first,) = hand_in(client, ("甲.docx", content))["kept"]
    (second,) = hand_in(client, ("乙.docx", content))["kept"]
    assert second["id"] == first["id"]


def test_a_document_among_past_ledgers_is_said_to_be_none(client: TestClient) -> None:
    (kept,) = hand_in(client, ("建议.docx", word(LINES)), kind="import")["kept"]
    assert "不是台账" in client.get(f"/intake/{kept['id']}").text


def test_a_several_files_form_may_be_larger_than_one_file_and_no_larger(client: TestClient) -> None:
    headers = {"content-length": str(300 * 2**20), "content-type": "multipart/form-data; boundary=x"}
    refused = client.post("/intake/files", content=b"", headers=headers)
    assert refused.status_code == 413
    assert "每个最多 50 MB" in refused.text


# ── lists and past ledgers ────────────────────────────────────


def begin(client: TestClient, waiting_id: int, **more: Any) -> int:
    """Start the batch as the page does; its number."""
    data = list_form(client, waiting_id) | more
    begun = client.post(f"/intake/{waiting_id}/start", data=data, follow_redirects=False)
    assert begun.status_code == 303, begun.text
    return int(begun.headers["location"].rsplit("/", 1)[1])


def list_form(client: TestClient, waiting_id: int) -> dict[str, Any]:
    """The form of a list as it stands."""
    html = client.get(f"/intake/{waiting_id}").text
    chosen = [
        (re.search(r'<option value="(\w*)" selected', options) or ["", ""])[1]
        for options in re.findall(r'<select name="field">(.*?)</select>', html)
    ]
    return {
        "version": re.findall(r'name="version" value="(\d+)"', html)[0],
        "kind": re.findall(r'name="kind" value="(\w+)" checked', html)[0],
        "header": re.findall(r'name="header" value="([^"]*)"', html),
        "field": chosen,
    }


def finished(client: TestClient, batch_id: int) -> str:
    """The page of a batch once it is over."""
    for _ in range(200):
        page = client.get(f"/intake/batches/{batch_id}/progress").text
        if "every 1s" not in page:
            return page
        time.sleep(0.05)
    raise AssertionError(page)


def test_a_list_of_new_ones_is_taken_in_and_its_bad_rows_come_back_mended(
    client: TestClient, ledger: Ledger
) -> None:
    content = workbook(
        ("编号", "建议名称", "建议内容", "收到时间"),
        ("第1号", "路灯", BODY, "2026-01-05"),
        ("第2号", "停车", "+停车难,请解决。停车难,请解决。", "下周三"),
        ("第3号", "公交", "", "2026-01-05"),
        ("合计", "3 件", "", ""),
    )
    (kept,) = hand_in(client, ("清单.xlsx", content))["kept"]
    page = client.get(f"/intake/{kept['id']}").text
    assert "可以登记的有 <b>3</b> 行" in page
    assert "1 行是合计、说明" in page
    batch_id = begin(client, kept["id"], session="六届五次")
    report = finished(client, batch_id)
    assert "已完成" in report
    assert "D3" in report
    assert "“下周三”不是日期" in report
    (case,) = cases(ledger)
    assert (case.number, case.session, case.files[0].place) == ("第1号", "六届五次", "第 2 行")

    sheet = client.get(f"/intake/batches/{batch_id}/refused.csv")
    lines = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert lines[0] == ["编号", "标题", "正文", "收件日期", "原来的位置", "没有登记的原因"]
    assert [line[0] for line in lines[1:]] == ["第2号", "第3号"]
    assert lines[1][2].startswith("'+")  # no formula in anybody's spreadsheet
    mended = sheet.content.replace("下周三".encode(), b"2026-01-07")
    (again,) = hand_in(client, ("改好.csv", mended))["kept"]
    report = finished(client, begin(client, again["id"], session="六届五次"))
    assert "正文为空" in report
    assert [case.number for case in cases(ledger)] == ["第1号", "第2号"]
    assert cases(ledger)[1].body.startswith("+停车难")


def test_columns_that_nobody_knows_are_named_by_choosing(client: TestClient, ledger: Ledger) -> None:
    content = workbook(("顺次", "所提事项", "说明文字", "类型"), ("1", "路灯", BODY, "乱写"))
    (kept,) = hand_in(client, ("怪.xlsx", content))["kept"]
    page = client.get(f"/intake/{kept['id']}")
    assert "没有认出标题或正文一栏" in page.text
    assert "<td>路灯</td>" in page.text  # the rows as they are, to choose by
    form = list_form(client, kept["id"])
    refused = client.post(f"/intake/{kept['id']}/start", data=form)
    assert refused.status_code == 422
    form["field"] = [{"所提事项": "title", "说明文字": "body"}.get(h, "") for h in form["header"]]
    mapped = client.post(f"/intake/{kept['id']}/columns", data=form)
    assert "可以登记的有 <b>1</b> 行" in mapped.text
    finished(client, begin(client, kept["id"], received=YESTERDAY))
    (case,) = cases(ledger)
    assert (case.title, case.body, case.kind, case.received_on.isoformat()) == ("路灯", BODY, "", YESTERDAY)


def test_a_column_that_is_not_to_be_used_is_left_out(client: TestClient, ledger: Ledger) -> None:
    content = workbook(("编号", "标题", "正文", "代表"), ("第1号", "路灯", BODY, "应到 300 人"))
    (kept,) = hand_in(client, ("清单.xlsx", content))["kept"]
    form = list_form(client, kept["id"])
    assert form["field"] == ["number", "title", "body", "deputy"]
    form["field"][3] = ""
    client.post(f"/intake/{kept['id']}/columns", data=form)
    assert list_form(client, kept["id"])["field"] == ["number", "title", "body", ""]
    finished(client, begin(client, kept["id"]))
    (case,) = cases(ledger)
    assert case.deputy == ""


def test_a_past_ledger_comes_in_closed_where_one_says_so(client: TestClient, ledger: Ledger) -> None:
    content = workbook(
        ("编号", "案由", "交办日期", "承办科室"),
        *((f"第{n}号", f"第{n}件", "2025.3.1", "能源科") for n in range(1, 41)),
    )
    (kept,) = hand_in(client, ("2025年台账.xlsx", content))["kept"]
    form = list_form(client, kept["id"])
    refused = client.post(f"/intake/{kept['id']}/start", data=form)  # as new ones they lack a text
    assert "没有“正文”一列" in refused.text
    batch_id = begin(client, kept["id"], kind="import", closed="1")
    assert "<dd>40</dd>" in finished(client, batch_id)
    assert {(case.state, case.section) for case in cases(ledger)} == {("closed", "能源科")}
    over = client.post(f"/intake/batches/{batch_id}/stop")
    assert over.status_code == 409
    assert "已完成,不能停下" in over.text
    with ledger.read() as session:
        assert verify_ledger(session).problems == []


def test_the_day_a_paper_bears_is_found_behind_its_label_or_at_its_end() -> None:
    def of(*texts: str) -> str:
        return dated_on(Document(tuple(map(Line, texts))))

    assert of("提出日期:2026年1月12日", "正文", "2026年2月1日") == "2026-01-12"
    assert of("关于路灯的建议", "请装路灯。", "2026.1.13") == "2026-01-13"
    assert of("交办日期:2026年1月12日", "办结日期:2026年3月1日") == ""
    assert of("会议于2026年1月12日召开。", "2026年13月40日") == ""
    row = tuple(Cell(text, at) for at, text in enumerate(("日 期", "2026-01-14", "代表", "王建国")))
    assert dated_on(Document((Table((row,)),))) == "2026-01-14"


# ── in a browser ──────────────────────────────────────────────


def choose_files(page: Page, folder: Path, files: dict[str, bytes], *, script: bool) -> None:
    """Choose files as a person does; a script sends them at once."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    page.locator("#upload input[type=file]").set_input_files([folder / name for name in files])
    if not script:
        page.get_by_role("button", name="上传并识别").click()


@pytest.mark.parametrize("script", SCRIPT)
def test_a_word_file_is_corrected_and_a_list_and_a_past_ledger_come_in(
    server: LiveServer, person: Open, tmp_path: Path, script: bool
) -> None:
    mark = "甲" if script else "乙"
    lines = (*LINES[:1], f"第{mark}81号", f"案由:关于{mark}路路灯的建议", *LINES[4:])
    with person(script) as (page, watch):
        page.goto("/queue")
        page.get_by_role("link", name="收件", exact=True).click()
        files = {f"{mark}.docx": word(lines), f"{mark}坏.docx": word()[:3000]}
        choose_files(page, tmp_path, files, script=script)
        expect(page.get_by_role("alert").filter(has_text=f"{mark}坏.docx")).to_contain_text("损坏")
        page.get_by_role("link", name=f"关于{mark}路路灯的建议").click()
        expect(page.get_by_label("领衔代表")).to_have_value("")
        page.get_by_label("领衔代表").fill("赵敏")
        if script:  # kept as it is typed: a reload does not lose it
            page.get_by_label("领衔代表").press("Tab")
            expect(page.locator(".saved")).to_have_text("改动已保存")
            page.reload()
            expect(page.get_by_label("领衔代表")).to_have_value("赵敏")
        page.get_by_role("button", name="登记收件").click()
        expect(page.locator(".stamp")).to_contain_text("已登记为台账第")
        expect(page.locator(".advice dt")).to_have_count(3)
        page.locator(".result h1 a").click()
        expect(page.locator("main")).to_contain_text(f"{mark}.docx")
        expect(page.locator("main")).to_contain_text("赵敏")

        page.goto("/intake")
        sheet = workbook(
            ("编号", "标题", "正文", "收件日期"),
            (f"第{mark}1号", "停车", "停车难,请解决。停车难,请解决。", "2026-01-05"),
            (f"第{mark}2号", "公交", BODY, "下周三"),
        )
        choose_files(page, tmp_path, {f"{mark}清单.xlsx": sheet}, script=script)
        if script:
            page.get_by_role("link", name=f"{mark}清单.xlsx").click()
        page.get_by_role("button", name="开始登记").click()
        settle(page, script)
        expect(page.locator("#progress")).to_contain_text("“下周三”不是日期")

        page.goto("/intake")
        page.get_by_text("以前的台账(导入)").click()
        past = workbook(
            ("编号", "案由", "交办日期", "承办科室", "办理结果"),
            *((f"第{mark}{n}号", f"第{n}件", "2024.3.1", "能源科", "A") for n in range(100, 160)),
        )
        choose_files(page, tmp_path, {f"{mark}台账.xlsx": past}, script=script)
        if script:
            page.get_by_role("link", name=f"{mark}台账.xlsx").click()
        page.get_by_role("button", name="开始登记").click()
        settle(page, script)
        expect(page.locator(".figures dd").first).to_have_text("60")
        watch.check(422)  # the broken file
    with server.client() as client:
        found = client.get("/api/cases", params={"number": mark}).json()["total"]
    assert found == 61  # the list's one good row and the past ledger


def settle(page: Page, script: bool) -> None:
    """Until the batch is done: by itself, or by the link."""
    state = page.locator("#progress .bar .state")
    for _ in range(60):
        if script or state.inner_text() == "已完成":
            break
        page.get_by_role("link", name="刷新进展").click()
        page.wait_for_timeout(200)
    expect(state).to_have_text("已完成")
