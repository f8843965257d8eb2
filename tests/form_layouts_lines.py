"""Suggestions in labelled lines, in two columns of a page, and templates nobody has filled."""

from __future__ import annotations

from docx.document import Document as Docx
from docx.enum.section import WD_SECTION
from form_layout import Layout, centre, grid, plain, prose, right, two_columns, word
from form_matters import HERBS, KINDERGARTEN
from form_matters_more import ARCHIVES, SEWAGE, TOURISM, VOLUNTEERS


def _labelled_lines(document: Docx) -> None:
    centre(document, "云泽市第六届人民代表大会第三次会议", "代 表 建 议")
    right(document, "编号:第0219号")
    for line in (
        f"标  题:{TOURISM.title}",
        "领衔代表(签名):高  原     代表团:云岭县代表团",
        "职  务:云岭雪山旅游公司工会主席",
        "通讯地址:云岭县雪山路6号    邮编:365208",
        "联系电话:13605980219",
        "附议代表(签名):罗大为、梅  香、刀美兰",
        "建议承办单位:市文化和旅游局",
        "是否同意公开:是",
        "建议内容:",
    ):
        document.add_paragraph(line)
    prose(document, TOURISM.paragraphs)
    document.add_paragraph("提交日期:2026年1月12日")


_TEXT_FORM = f"""
青岚县第十七届人民代表大会第六次会议
代表建议、批评和意见

建议编号:0058
案    由:{HERBS.title}
领 衔 人:杨成山
代 表 团:云岭镇
单    位:青岚县云岭药材种植专业合作社
电    话:13805980058
附 议 人:白玉芝,侯万里,雷震
类    别:农业农村
建议内容:

    {HERBS.paragraphs[0]}
    {HERBS.paragraphs[1]}
    {HERBS.paragraphs[2]}
    {HERBS.paragraphs[3]}
    {HERBS.paragraphs[4]}
    {HERBS.paragraphs[5]}
    {HERBS.paragraphs[6]}

主办单位:县农业农村局
协办单位:县林业局、县市场监督管理局
交办日期:2026年3月5日
"""

_TEXT_MAIL = f"""
市六届人大四次会议代表建议(第017号)

【建议标题】{VOLUNTEERS.title}
【提出代表】邱少锋
【代 表 团】驻泽部队代表团
【联系电话】0598-8230017
【建议分类】公共安全
【正    文】
{VOLUNTEERS.body}
【主办单位】市应急管理局
【会办单位】市财政局
【承办期限】2026-06-30
"""


def _page_columns(document: Docx) -> None:
    centre(document, "平川区第九届人民代表大会第五次会议代表建议")
    document.add_section(WD_SECTION.CONTINUOUS)
    two_columns(document)
    for line in (
        "编  号:第33号",
        "代表姓名:鲁  燕",
        "代 表 团:云水街道",
        "联系电话:13305980033",
        "性  别:女",
        "民  族:畲族",
        "工作单位:平川区妇幼保健院",
        "收件日期:2026年1月20日",
    ):
        document.add_paragraph(line)
    document.add_section(WD_SECTION.CONTINUOUS)
    properties = document.sections[-1]._sectPr
    for columns in properties.xpath("w:cols"):
        properties.remove(columns)
    document.add_paragraph(f"标  题:{KINDERGARTEN.title}")
    document.add_paragraph("内  容:")
    prose(document, KINDERGARTEN.paragraphs)
    document.add_paragraph("(此表请用黑色签字笔填写,一事一表)")


def _blank_table(document: Docx) -> None:
    centre(document, "云泽市第七届人民代表大会第一次会议", "代表建议、批评和意见")
    right(document, "第    号")
    rows: list[list[str | tuple[str, int]]] = [
        ["建议标题", ("", 3)],
        ["领衔代表", "", "代表团", ""],
        ["联系电话", "", "邮政编码", ""],
        ["工作单位及职务", ("", 3)],
        ["附议代表", ("", 3)],
        ["建议承办单位", ("", 3)],
        ["是否公开", ("□是    □否", 3)],
        ["建议内容", ("\n\n\n", 3)],
        ["主办单位", "", "会办单位", ""],
        ["交办日期", ("    年    月    日", 3)],
    ]
    grid(document, rows, 4)
    document.add_paragraph("注:1.建议应当一事一议;2.附议代表请亲笔签名。")


_BLANK_TEXT = """
云泽市清河区第八届人民代表大会第三次会议
代表建议、批评和意见

编号:________

标题:____________________________
领衔代表:____________    代表团:____________
联系电话:____________    邮编:____________
附议代表:____________________________
建议承办单位:____________________________
建议内容:
________________________________________
________________________________________
________________________________________

                        年    月    日
"""


def _half_filled(document: Docx) -> None:
    """What the deputy fills in is there; what the office adds later is not yet."""
    centre(document, "云泽市第六届人民代表大会第五次会议", "代表建议用纸")
    right(document, "第       号    收件日期:     年   月   日")
    rows: list[list[str | tuple[str, int]]] = [
        ["标题", (SEWAGE.title, 3)],
        ["提出人姓名", "蓝 天", "所属代表团", "青岚县代表团"],
        ["固定电话", "", "手机", "18905980066"],
        ["附议人", ("________", 3)],
        ["内容", (SEWAGE.body, 3)],
        ["希望承办单位", ("", 3)],
        ["审查意见", ("", 3)],
        ["主办单位", "", "会办单位", ""],
    ]
    grid(document, rows, 4)


def _full_width(document: Docx) -> None:
    """Digits, brackets and colons as a Chinese keyboard types them."""
    centre(document, "青岚县第十七届人民代表大会第六次会议")
    centre(document, "代表建议第\uff11\uff12\uff16号(城建类\uff10\uff13号)", size=16)
    for line in (
        f"建议题目\uff1a{ARCHIVES.title}",
        "领衔代表\uff1a钟  鸣(城关镇代表团)",
        "手机\uff1a\uff11\uff13\uff19\uff10\uff15\uff19\uff18\uff10\uff11\uff12\uff16",
        "建议办理单位\uff1a县自然资源局",
        "建议内容\uff1a" + ARCHIVES.paragraphs[0],
        ARCHIVES.paragraphs[1],
        "承办单位\uff1a县自然资源局",
        "收到日期\uff1a\uff12\uff10\uff12\uff16年\uff12月\uff13日",
    ):
        document.add_paragraph(line)


LINES = [
    Layout(
        "labelled lines, two fields on some",
        ".docx",
        ("doc", "pdf"),
        word(_labelled_lines),
        {
            "number": "第0219号",
            "session": "云泽市第六届人民代表大会第三次会议",
            "kind": "建议",
            "title": TOURISM.title,
            "body": TOURISM.body,
            "deputy": "高原",
            "cosigners": "罗大为、梅香、刀美兰",
            "delegation": "云岭县代表团",
            "phone": "13605980219",
            "proposed_unit": "市文化和旅游局",
        },
    ),
    Layout(
        "labelled lines as text, padded labels",
        ".txt",
        (),
        plain(_TEXT_FORM),
        {
            "number": "0058",
            "session": "青岚县第十七届人民代表大会第六次会议",
            "kind": "建议",
            "title": HERBS.title,
            "body": HERBS.body,
            "deputy": "杨成山",
            "cosigners": "白玉芝、侯万里、雷震",
            "delegation": "云岭镇",
            "phone": "13805980058",
            "lead_unit": "县农业农村局",
            "received_on": "2026-03-05",
        },
    ),
    Layout(
        "labels in black brackets as text",
        ".txt",
        (),
        plain(_TEXT_MAIL, "gb18030"),
        {
            "number": "第017号",
            "session": "市六届人大四次会议",
            "kind": "建议",
            "title": VOLUNTEERS.title,
            "body": VOLUNTEERS.body,
            "deputy": "邱少锋",
            "delegation": "驻泽部队代表团",
            "phone": "0598-8230017",
            "lead_unit": "市应急管理局",
        },
    ),
    Layout(
        "two columns of the page",
        ".docx",
        ("doc", "pdf"),
        word(_page_columns, str),
        {
            "number": "第33号",
            "session": "平川区第九届人民代表大会第五次会议",
            "kind": "建议",
            "title": KINDERGARTEN.title,
            "body": KINDERGARTEN.body,
            "deputy": "鲁燕",
            "delegation": "云水街道",
            "phone": "13305980033",
            "received_on": "2026-01-20",
        },
    ),
    Layout(
        "blank table",
        ".docx",
        ("doc", "pdf"),
        word(_blank_table),
        {"session": "云泽市第七届人民代表大会第一次会议", "kind": "建议"},
    ),
    Layout(
        "blank lines as text",
        ".txt",
        (),
        plain(_BLANK_TEXT),
        {"session": "云泽市清河区第八届人民代表大会第三次会议", "kind": "建议"},
    ),
    Layout(
        "half filled, the office's part still blank",
        ".docx",
        ("doc", "pdf"),
        word(_half_filled),
        {
            "session": "云泽市第六届人民代表大会第五次会议",
            "kind": "建议",
            "title": SEWAGE.title,
            "body": SEWAGE.body,
            "deputy": "蓝天",
            "delegation": "青岚县代表团",
            "phone": "18905980066",
        },
    ),
    Layout(
        "full-width digits, first paragraph beside its label",
        ".docx",
        ("doc", "pdf"),
        word(_full_width),
        {
            "number": "第126号(城建类03号)",
            "session": "青岚县第十七届人民代表大会第六次会议",
            "kind": "建议",
            "title": ARCHIVES.title,
            "body": ARCHIVES.body,
            "deputy": "钟鸣",
            "delegation": "城关镇代表团",
            "phone": "13905980126",
            "proposed_unit": "县自然资源局",
            "lead_unit": "县自然资源局",
            "received_on": "2026-02-03",
        },
    ),
]
