"""The draft of a reply letter: what it takes from the ledger, what it leaves open, who gets it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from arrivals import arrive
from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt
from fastapi.testclient import TestClient
from sqlalchemy import select
from test_problems import check_problem, rows

from service.command import main
from training import sample_office
from triage.desk import Desk
from triage.exports.letter import draft_letter, letter_name
from triage.ledger.cases import get_case
from triage.ledger.commitments import add_commitment
from triage.ledger.contacts import add_feedback
from triage.ledger.decisions import decide
from triage.ledger.duties import add_duty, answer_duty, withdraw_duty
from triage.ledger.handling import accept, set_people
from triage.ledger.merge_changes import set_plan
from triage.ledger.merges import merge_cases
from triage.ledger.replies import reply_to_case
from triage.ledger.stages import add_stage, drop_stage, set_conditions
from triage.ledger.store import Ledger
from triage.ledger.submissions import Submission
from triage.ledger.tables import EventRow
from triage.taxonomy import Taxonomy, load_taxonomy

YEAR = date.today().year
SECTION = "服务业发展科"
GIVEN: dict[str, Any] = {
    "title": "关于请求设立《云澜》物流集散基地的建议",
    "body": "请设立基地。",
    "session": "云澜市六届人大五次会议",
    "number": "第081号",
    "kind": "建议",
    "deputy": "王建国",
    "delegation": "清溪县代表团",
    "role": "主办",
}
WIDE = str.maketrans("\uff0c\uff1a\uff1b\uff08\uff09\u3000", ",:;() ")


class Letter:
    """A letter as Word would open it; its punctuation as keyboards have it."""

    def __init__(self, content: bytes) -> None:
        self.document = Document(io.BytesIO(content))
        self.raw = [p.text for p in self.document.paragraphs]
        self.lines = [text.translate(WIDE) for text in self.raw]
        self.text = "\n".join(self.lines)

    def after(self, start: str) -> str:
        """The rest of the only line that begins so."""
        (line,) = [line for line in self.lines if line.startswith(start)]
        return line[len(start) :]

    def form(self) -> dict[str, str]:
        """The feedback form: its labels and what stands beside them."""
        (table,) = self.document.tables
        found: dict[str, str] = {}
        for row in table.rows:
            texts = [cell.text.translate(WIDE) for cell in row.cells]
            texts = texts[:2] if texts[1] == texts[3] and texts[2] == texts[1] else texts
            found |= dict(zip(texts[::2], texts[1::2], strict=True))
        return found


Act = Callable[..., Any]


@dataclass(frozen=True)
class Office:
    """The sample office's file over an empty ledger; quicker to have than a desk."""

    ledger: Ledger
    taxonomy: Taxonomy


@pytest.fixture
def office(migrated_file: Path, tmp_path: Path) -> Iterator[Office]:
    ledger = Ledger(f"sqlite:///{shutil.copyfile(migrated_file, tmp_path / 'ledger.sqlite3')}")
    yield Office(ledger, load_taxonomy(sample_office.OFFICE))
    ledger.close()


@pytest.fixture
def act(office: Office) -> Act:
    """One act in a transaction of its own, by 李."""

    def run(function: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with office.ledger.write() as session:
            return function(*args, **{"who": "李", **more}, session=session)

    return run


def put(office: Office | Desk, section: str = SECTION, **changed: Any) -> int:
    with office.ledger.write() as session:
        case = arrive(Submission(**{**GIVEN, **changed}), session=session)
        if section:
            labels = {"section": section}
            decide(case.id, labels, who="李", why="看过", session=session, taxonomy=office.taxonomy)
        return case.id


def letter(office: Office, case_id: int, taxonomy: Taxonomy | None = None) -> Letter:
    with office.ledger.read() as session:
        return Letter(draft_letter(get_case(case_id, session=session), taxonomy=taxonomy or office.taxonomy))


def test_a_letter_has_what_the_ledger_and_the_office_know(office: Office, act: Act) -> None:
    case_id = put(office, cosigners="李四、欧阳明珠")
    act(accept, case_id, handler="林科员")
    duty = act(add_duty, case_id, "基础设施科", task="通道", taxonomy=office.taxonomy)
    gone = act(add_duty, case_id, "能源科", task="供电", taxonomy=office.taxonomy)
    act(add_duty, case_id, "农村经济科", taxonomy=office.taxonomy)
    act(answer_duty, duty.id, "干线通道已列入规划")
    act(withdraw_duty, gone.id, why="不涉及")
    found = letter(office, case_id)
    assert found.lines[:2] == ["(办理结果类别:  )", "公开属性:______"]
    assert f"云发改建〔{YEAR}〕  号" in found.lines
    assert "关于对云澜市六届人大五次会议\n第081号建议的答复" in found.lines
    assert "王建国、李四、欧阳明珠代表:" in found.lines
    assert (
        "你们提出的《关于请求设立〈云澜〉物流集散基地的建议》(第081号)收悉。"
        "经研究(会同基础设施科、农村经济科办理),现答复如下:"
    ) in found.lines
    assert "【请在此填写答复正文】" in found.lines
    assert "感谢你们对我们工作的关心和支持,欢迎继续提出宝贵意见。" in found.lines
    order = [found.lines.index(line) for line in ("云澜市发展和改革委员会", "    年  月  日")]
    assert order[0] + 1 == order[1] > found.lines.index("【请在此填写答复正文】")
    assert found.after("承办负责人:") == "沈副主任"
    assert found.after("承办人:") == "林科员"
    assert found.after("联系电话:") == office.taxonomy.phone_of(SECTION) == "0000-5550106"
    assert found.after("抄送:") == "市人大常委会选举任免代表联络工作委员会,市政府办公室。"
    # wide, as letters are set
    assert "王建国、李四、欧阳明珠代表\uff1a" in found.raw


def test_the_page_is_laid_out_as_official_letters_are(office: Office) -> None:
    document = letter(office, put(office)).document
    (section,) = document.sections
    assert [round(side.mm) for side in (section.page_width, section.page_height)] == [210, 297]
    margins = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(margin.mm) for margin in margins] == [37, 35, 28, 26]
    fonts = {}
    for paragraph in document.paragraphs:
        assert paragraph.paragraph_format.line_spacing == Pt(28)
        for run in paragraph.runs:
            own = run._element.rPr.rFonts
            assert own.get(qn("w:ascii")) == own.get(qn("w:eastAsia"))
            fonts[run.text] = (own.get(qn("w:eastAsia")), run.font.size.pt)
    title = next(text for text in fonts if text.startswith("关于对"))
    assert fonts[title] == ("方正小标宋简体", 22)
    assert fonts["王建国代表\uff1a"] == ("仿宋_GB2312", 16)
    form = next(p for p in document.paragraphs if p.text == "建议办理情况征询意见表")
    assert form.paragraph_format.page_break_before
    assert "python" not in document.core_properties.comments + document.core_properties.author


def test_the_form_asks_the_first_signer(office: Office, act: Act) -> None:
    case_id = put(office, cosigners="李四")
    act(set_people, case_id, handler="林科员")
    found = letter(office, case_id)
    form = found.form()
    assert (form["编号"], form["届次"]) == ("第081号", "云澜市六届人大五次会议")
    assert form["案由"] == GIVEN["title"]
    assert (form["领衔代表"], form["代表团"]) == ("王建国", "清溪县代表团")
    assert (form["承办单位"], form["承办人\n及电话"]) == ("云澜市发展和改革委员会", "林科员\n0000-5550106")
    assert form["办理人员\n是否联系"] == "□是  □否\n方式:□电话  □上门走访  □座谈面商  □书面"
    assert form["办理态度"] == form["办理结果"] == "□满意  □基本满意  □不满意"
    assert [form[blank].strip() for blank in ("意见和建议", "代表签名")] == ["", ""]
    assert form["日期"].split() == ["年", "月", "日"]
    assert "(请在收到答复后15个工作日内填好本表,送承办单位。)" in found.lines


def test_twenty_cosigners_are_all_answered_by_name(office: Office) -> None:
    names = [f"附议{chr(0x4E00 + 7 * n)}" for n in range(20)]
    found = letter(office, put(office, cosigners="、".join(names)))
    assert f"王建国、{'、'.join(names)}代表:" in found.lines


@pytest.mark.parametrize(
    ("deputy", "cosigners", "salutation", "pronoun"),
    [
        ("王建国", "", "王建国代表:", "您"),
        ("王建国代表", "李四代表\uff0c赵 一\uff1b钱二", "王建国、李四、赵一、钱二代表:", "你们"),
        ("王建国", "王建国 李  四 欧阳明", "王建国、李四、欧阳明代表:", "你们"),
        ("王建国\n李四", "李四;赵一", "王建国、李四、赵一代表:", "你们"),
        ("王建国等3人", "李四、赵一", "王建国、李四、赵一代表:", "你们"),
        ("王建国等12名代表", "", "王建国、【请补全其他代表姓名】代表:", "你们"),
        ("王建国", "李四等", "王建国、李四、【请补全其他代表姓名】代表:", "你们"),
        ("清溪县代表团", "", "清溪县代表团:", "贵单位"),
        ("", "", "______代表:", "您"),
    ],
)
def test_whoever_signed_is_addressed(
    office: Office, deputy: str, cosigners: str, salutation: str, pronoun: str
) -> None:
    found = letter(office, put(office, deputy=deputy, cosigners=cosigners))
    assert salutation in found.lines
    assert any(line.startswith(f"{pronoun}提出的《") for line in found.lines)
    assert any(line.startswith(f"感谢{pronoun}对我们") for line in found.lines)


def test_a_proposal_goes_to_members_with_a_copy_to_their_office(office: Office) -> None:
    proposal = {"kind": "提案", "session": "市政协五届四次会议", "number": "12", "delegation": "经济界"}
    found = letter(office, put(office, **proposal, cosigners="李四"))
    assert "关于对市政协五届四次会议第12号提案的答复" in [line.replace("\n", "") for line in found.lines]
    assert "王建国、李四委员:" in found.lines
    assert "代表" not in found.text
    assert found.after("抄送:") == "市政协提案委员会,市政府办公室。"
    assert found.form()["界别"] == "经济界"
    assert found.form()["领衔委员"] == "王建国"
    party = letter(office, put(office, **{**proposal, "number": "13"}, deputy="民进云澜市委"))
    assert "民进云澜市委:" in party.lines
    assert any(line.startswith("贵单位提出的《") for line in party.lines)


def test_an_assisting_opinion_goes_to_the_unit_that_leads(office: Office) -> None:
    found = letter(office, put(office, role="会办", lead_unit="市财政局"))
    assert "关于对云澜市六届人大五次会议\n第081号建议的会办意见" in found.lines
    assert "市财政局:" in found.lines
    assert any(line.startswith("贵单位主办的建议《") and "会办意见如下:" in line for line in found.lines)
    assert f"云发改会〔{YEAR}〕  号" in found.lines
    assert "王建国" not in found.text
    assert "办理结果类别" not in found.text
    assert found.document.tables == []  # the deputy is asked by the unit that leads
    unknown = letter(office, put(office, number="82", role="会办"))
    assert "______:" in unknown.lines


def test_the_number_and_class_on_record_are_used_until_the_case_is_handled_anew(
    office: Office, act: Act
) -> None:
    case_id = put(office)
    number = "云发改建〔2026〕12号"
    act(reply_to_case, case_id, number=number, result_class="B", taxonomy=office.taxonomy)
    found = letter(office, case_id)
    assert found.lines[0] == "B"
    assert number in found.lines
    act(add_feedback, case_id, "不满意", rules=office.taxonomy.rules)
    again = letter(office, case_id)
    assert number not in again.text
    assert f"云发改建〔{YEAR}〕  号" in again.lines


def test_what_nobody_knows_stays_a_blank(office: Office) -> None:
    bare = dict.fromkeys(("title", "session", "number", "kind", "deputy", "delegation", "role"), "")
    found = letter(office, put(office, section="", **bare), taxonomy=Taxonomy())
    assert "关于对______会议第______号建议(提案)的答复" in [line.replace("\n", "") for line in found.lines]
    assert "______代表(委员):" in found.lines
    assert "您提出的《______》(第______号)收悉。经研究,现答复如下:" in found.lines
    assert f"______〔{YEAR}〕  号" in found.lines
    for start in ("承办负责人:", "承办人:", "联系电话:", "抄送:"):
        assert found.after(start) == "______"
    assert "台账记载" not in found.text


@pytest.mark.parametrize(
    ("session", "title"), [("市五届政协四次会议", "提案的答复"), ("市六届人大五次会议", "建议的答复")]
)
def test_the_session_tells_the_kind_where_the_case_does_not(office: Office, session: str, title: str) -> None:
    found = letter(office, put(office, kind="", session=session))
    assert any(line.startswith("关于对") and line.endswith(title) for line in found.lines)


def test_what_the_ledger_holds_is_given_as_marked_material(office: Office, act: Act) -> None:
    case_id = put(office)
    act(accept, case_id)
    duty = act(add_duty, case_id, "基础设施科", taxonomy=office.taxonomy)
    act(answer_duty, duty.id, "已列入规划,\n明年开工{不是占位}")
    due = date.today() + timedelta(days=30)
    dropped = act(add_stage, case_id, "改线", due_on=due)
    act(drop_stage, dropped.id, why="不做了")
    act(add_stage, case_id, "完成选址", due_on=due)
    act(set_conditions, case_id, "指标未下达", "向省里争取")
    act(add_commitment, case_id, "年内开工", due)
    other = put(office, number="第082号")
    merge = act(merge_cases, [case_id, other], lead_id=case_id).merge
    act(set_plan, merge.id, "一次调研")
    found = letter(office, case_id)
    start = found.lines.index("(以下为台账记载,供起草参考,发文前删除)")
    end = found.lines.index("(台账记载完)")
    assert found.lines[start + 1 : end] == [
        "统一办理方案:一次调研",
        f"基础设施科意见({date.today()}):已列入规划, 明年开工{{不是占位}}",
        f"阶段安排:完成选址({due} 前)",
        "暂不能办的原因:指标未下达",
        "创造条件的措施:向省里争取",
        f"承诺事项:年内开工({due} 前)",
    ]
    assert found.lines[start - 1] == "【请在此填写答复正文】"
    paragraphs = found.document.paragraphs[start : end + 1]
    assert {str(run.font.color.rgb) for p in paragraphs for run in p.runs} == {"808080"}
    assert found.document.paragraphs[end + 1].runs[0].font.color.rgb is None


def test_no_sign_of_a_deputys_breaks_the_file(office: Office) -> None:
    nasty = "停\x01车\x0b场\x1f收\ufffe费\u202e<w:t>&\r\n第二行\ud7ff"
    found = letter(
        office, put(office, title=nasty, deputy="王\x02建国", delegation="清\x07溪", session="六\x0c届")
    )
    assert "您提出的《停车场收费<w:t>& 第二行\ud7ff》(第081号)收悉。经研究,现答复如下:" in found.lines
    assert "王建国代表:" in found.lines
    assert found.form()["代表团"] == "清溪"


# ── reach ────────────────────────────────────────────────────


def test_the_api_gives_the_file_by_its_chinese_name(desk: Desk, client: TestClient) -> None:
    case_id = put(desk)
    before = rows(desk)
    response = client.get(f"/api/cases/{case_id}/letter.docx")
    assert response.status_code == 200
    assert response.headers["content-type"].endswith("wordprocessingml.document")
    plain, encoded = response.headers["content-disposition"].split("; ")[1:]
    assert plain == f'filename="letter-{case_id}.docx"'
    assert encoded.startswith("filename*=UTF-8''")
    assert unquote(encoded.split("''")[1]) == "答复稿-第081号.docx"
    assert "王建国代表:" in Letter(response.content).lines
    assert rows(desk) == before
    assert "台账中没有" in check_problem(client.get("/api/cases/99/letter.docx"), 404)["detail"]


def test_a_files_name_has_no_sign_that_a_system_refuses(office: Office) -> None:
    with office.ledger.write() as session:
        odd = arrive(Submission(**{**GIVEN, "number": '建/8\\1:"*?'}), session=session)
        none = arrive(Submission(**{**GIVEN, "number": "", "role": "会办"}), session=session)
        assert letter_name(odd) == "答复稿-第建-8-1-号.docx"
        assert letter_name(none) == f"会办意见稿-台账第{none.id}件.docx"


def test_the_page_of_a_case_leads_to_its_letter(desk: Desk, client: TestClient) -> None:
    for role, number, link in (("主办", "第081号", "答复稿"), ("会办", "第082号", "会办意见稿")):
        case_id = put(desk, role=role, number=number)
        page = client.get(f"/cases/{case_id}").text
        assert f'<a href="/api/cases/{case_id}/letter.docx" download>{link}</a>' in page


def test_the_command_writes_a_file_once(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_id = put(desk)

    def run(*args: object) -> tuple[int, str]:
        code = main(["--home", str(desk.settings.home), "letter", *map(str, args)])
        said = capsys.readouterr()
        return code, said.out + said.err

    path = tmp_path / "答复.docx"
    with desk.ledger.read() as session:
        events = len(session.scalars(select(EventRow)).all())
    code, said = run(case_id, path)
    assert (code, str(path) in said) == (0, True)
    assert "王建国代表:" in Letter(path.read_bytes()).lines
    path.write_bytes(b"edited by hand")
    code, said = run(case_id, path)
    assert (code, path.read_bytes()) == (1, b"edited by hand")
    assert "已存在" in said
    assert "--force" in said
    assert run(case_id, path, "--force")[0] == 0
    assert "王建国代表:" in Letter(path.read_bytes()).lines
    for args, words in (
        ((99, tmp_path / "b.docx"), "台账中没有编号为 99"),
        ((case_id, tmp_path / "b.pdf"), "请用 .docx 结尾"),
        ((case_id, tmp_path / "none" / "b.docx"), "没有这个文件或目录"),
    ):
        code, said = run(*args)
        assert code == 1
        assert words in said
    assert sorted(p.name for p in tmp_path.glob("*.*")) == ["答复.docx"]
    with desk.ledger.read() as session:
        assert len(session.scalars(select(EventRow)).all()) == events
