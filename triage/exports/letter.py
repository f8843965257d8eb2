"""The draft of a reply letter (.docx): all that the ledger and the office's file know, the text left to a person.

Where something is not known a blank stands to be filled in; nothing is made up.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date

from docx.document import Document as Page

from triage.exports.feedback_form import put_feedback_form
from triage.exports.official_page import (
    CENTER,
    GREY,
    HEADING,
    LEFT,
    RIGHT,
    TITLE,
    new_page,
    plain,
    put,
    rule,
    said,
)
from triage.exports.signers import addressees_of, called
from triage.ledger.memberships import active_merge, case_name
from triage.ledger.tables import CaseRow
from triage.taxonomy import Taxonomy

BLANK = "______"
HERE = "【请在此填写答复正文】"
MATERIAL = said("(以下为台账记载,供起草参考,发文前删除)")
MATERIAL_ENDS = said("(台账记载完)")
KINDS = said("建议(提案)")  # where nobody said which
TITLE_WIDTH = 20  # characters on a line
_NO_FILE_NAME = re.compile(r'[\\/:*?"<>|%]+')


def draft_letter(case: CaseRow, *, taxonomy: Taxonomy) -> bytes:
    """The draft of the reply to the deputies, or of the opinion for the unit that leads, as a Word file.

    A reply to deputies has the form for their opinion of it on a page of its own.
    """
    bureau = plain(taxonomy.bureau) or BLANK
    page = new_page(taxonomy.bureau)
    _head(page, case, taxonomy)
    put(page, _title(case), align=CENTER, font=TITLE, size=22)
    put(page)
    assists = case.role == "会办"
    kind = kind_of(case)
    if assists:
        put(page, said("{unit}:", unit=plain(case.lead_unit) or BLANK), align=LEFT)
    else:
        put(page, addressees_of(case, kind), align=LEFT)
    put(page, _opening(case), indent=2)
    put(page, HERE, indent=2, font=HEADING)
    _material(page, case)
    if assists:
        thanks = said("以上意见,供贵单位答复时参考。")
    else:
        thanks = said("感谢{who}对我们工作的关心和支持,欢迎继续提出宝贵意见。", who=called(case, kind))
    # over its date, which is eleven characters wide and four from the edge
    right = max(2.0, 9.5 - len(bureau) / 2)
    for line in (
        put(page, thanks, indent=2),
        put(page),
        put(page, bureau, align=RIGHT, right=right),
        put(page, said("    年  月  日"), align=RIGHT, right=4),
    ):
        line.paragraph_format.keep_with_next = True  # name and date never stand on a page alone
    put(page)
    _contact(page, case, taxonomy)
    _copies(page, case, taxonomy)
    if not assists:
        put_feedback_form(page, case, taxonomy=taxonomy, kind=kind, number=number_of(case))
    file = io.BytesIO()
    page.save(file)
    return file.getvalue()


def letter_name(case: CaseRow) -> str:
    """The name of the draft's file, e.g. 答复稿-第081号.docx."""
    what = "会办意见稿" if case.role == "会办" else "答复稿"
    return f"{what}-{_NO_FILE_NAME.sub('-', plain(case_name(case)))}.docx"


def kind_of(case: CaseRow) -> str:
    """建议, 提案 or 议案; by the session where the case itself does not say, else left open."""
    if case.kind:
        return case.kind
    sessions = {"政协": "提案", "人大": "建议"}
    return next((kind for body, kind in sessions.items() if body in case.session), KINDS)


def number_of(case: CaseRow) -> str:
    """The number as a letter writes it, 第081号."""
    return plain(case_name(case)) if case.number else f"第{BLANK}号"


def _head(page: Page, case: CaseRow, taxonomy: Taxonomy) -> None:
    """Result class and publicity on the right, then the letter's own number."""
    if case.result_class:
        put(page, case.result_class, align=RIGHT, font=HEADING)
    elif case.role != "会办":  # of an item with several bureaus the one that leads finds the class
        put(page, said("(办理结果类别:  )"), align=RIGHT, font=HEADING)
    put(page, said("公开属性:{blank}", blank=BLANK), align=RIGHT, font=HEADING)
    put(page)
    put(page, _letter_number(case, taxonomy), align=CENTER)
    put(page)


def _letter_number(case: CaseRow, taxonomy: Taxonomy) -> str:
    # while a case is handled anew the number on record is the earlier letter's
    if case.reply_number and case.state in ("replied", "closed"):
        return plain(case.reply_number)
    head = taxonomy.letter
    mark = head.assist_mark if case.role == "会办" else head.mark
    return said("{mark}〔{year}〕  号", mark=plain(mark) or BLANK, year=str(date.today().year))


def _title(case: CaseRow) -> str:
    session = plain(case.session) or f"{BLANK}会议"
    what = "会办意见" if case.role == "会办" else "答复"
    first, second = f"关于对{session}", f"{number_of(case)}{kind_of(case)}的{what}"
    # no line ends inside a word
    return first + ("\n" if len(first) + len(second) > TITLE_WIDTH else "") + second


def _opening(case: CaseRow) -> str:
    quoted = plain(case.title).replace("《", "〈").replace("》", "〉") or BLANK
    sections = list(dict.fromkeys(duty.section for duty in case.duties if duty.withdrawn_on is None))
    together = said("(会同{sections}办理)", sections="、".join(sections)) if sections else ""
    template = "{who}提出的《{quoted}》({number})收悉。经研究{together},现答复如下:"
    if case.role == "会办":
        template = "贵单位主办的{kind}《{quoted}》({number})收悉。经研究{together},现提出会办意见如下:"
    return said(
        template,
        who=called(case, kind_of(case)),
        kind=kind_of(case),
        quoted=quoted,
        number=number_of(case),
        together=together,
    )


def _material(page: Page, case: CaseRow) -> None:
    """What the ledger has to say in the matter, in grey, for whoever writes the text."""
    lines = list(_recorded(case))
    if lines:
        for line in (MATERIAL, *lines, MATERIAL_ENDS):
            put(page, plain(line), indent=2, size=14, colour=GREY)


def _recorded(case: CaseRow) -> Iterator[str]:
    merge = active_merge(case)
    if merge is not None and merge.plan:
        yield said("统一办理方案:{plan}", plan=merge.plan)
    for duty in case.duties:
        if duty.withdrawn_on is None and duty.answered_on is not None:
            yield said(
                "{section}意见({day}):{answer}",
                section=duty.section,
                day=str(duty.answered_on),
                answer=duty.answer,
            )
    for stage in case.stages:
        if stage.dropped_on is None:
            when = f"{stage.done_on} 已完成" if stage.done_on else f"{stage.due_on} 前"
            yield said("阶段安排:{what}({when})", what=stage.what, when=when)
    for name, text in (("暂不能办的原因", case.reasons), ("创造条件的措施", case.measures)):
        if text:
            yield said("{name}:{text}", name=name, text=text)
    for promise in case.commitments:
        when = f"{promise.kept_on} 已兑现" if promise.kept_on else "无时限"
        if promise.due_on and not promise.kept_on:
            when = f"{promise.due_on} 前"
        yield said("承诺事项:{what}({when})", what=promise.what, when=when)


def _contact(page: Page, case: CaseRow, taxonomy: Taxonomy) -> None:
    leader = case.leader or taxonomy.leader_of(case.section)
    for name, value in (
        ("承办负责人", leader),
        ("承办人", case.handler),
        ("联系电话", taxonomy.phone_of(case.section)),
    ):
        put(page, said("{name}:{value}", name=name, value=plain(value) or BLANK), align=LEFT, indent=2)


def _copies(page: Page, case: CaseRow, taxonomy: Taxonomy) -> None:
    proposal = kind_of(case) == "提案"
    known = taxonomy.letter.copies_proposal if proposal else taxonomy.letter.copies
    comma = said(",")
    whom = f"{comma.join(map(plain, known))}。" if known and kind_of(case) != KINDS else BLANK
    put(page)
    rule(put(page, said("抄送:{whom}", whom=whom), size=14, align=LEFT), "top", "bottom")
