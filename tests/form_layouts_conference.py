"""Proposals of political-consultative conferences, and motions of congresses."""

from __future__ import annotations

from docx.document import Document as Docx
from form_layout import Layout, centre, grid, plain, prose, right, word
from form_matters import wide
from form_matters_more import BRANDS, CHIPS, DIALECT, PARKING, RIVER_ACT

_WAYS = tuple(
    map(
        wide,
        (
            "一、建立唱词、曲谱、影像三套档案,三年内完成二十九个剧种的数字化采录,成果向社会免费开放。",
            "二、实行“一剧种一方案”,对没有剧团的剧种,由当地文化馆成立传习所,每所每年补助三十万元。",
            "三、委托澜江艺术学院定向培养,学生学费全免,毕业后到基层院团服务不少于五年。",
        ),
    )
)
_ACT = tuple(
    map(
        wide,
        (
            "1.由县人民政府组织起草保护办法,明确县、乡、村三级责任和禁止行为,提请县人大常委会审议。",
            "2.划定沿河两岸各五十米为保护范围,2027年底以前退出范围内的养殖场和采砂点。",
            "3.设立流域生态补偿资金,上游乡镇水质达标的,每年奖励不低于八十万元。",
        ),
    )
)


def _party(document: Docx) -> None:
    centre(document, "政协云泽市第五届委员会第四次会议", "提    案")
    right(document, "案号:20260123")
    rows: list[list[str | tuple[str, int]]] = [
        ["案    由", (PARKING.title, 3)],
        ["提 案 者", ("民盟云泽市委员会", 3)],
        ["提案形式", "党派提案", "界    别", "中国民主同盟"],
        ["联 系 人", "古月明", "联系电话", "0598-8211234"],
        ["通讯地址", ("云泽市清河区同心路3号", 3)],
        ["提案内容", (PARKING.body, 3)],
        ["审查意见", ("立案", 3)],
        ["主办单位", "市城市管理局", "会办单位", "市公安局、市住房和城乡建设局"],
        ["交办日期", ("2026-02-28", 3)],
    ]
    grid(document, rows, 4)


def _national(document: Docx) -> None:
    centre(document, "政协第十四届全国委员会第四次会议")
    centre(document, "第3192号(经济发展类248号)提案", size=16)
    for line in (
        f"案  由:{CHIPS.title}",
        "第一提案人:司马文渊",
        "联名提案人:公孙明、诸葛慧、刘一鸣",
        "界  别:经济界",
        "审查意见:建议国务院交由主办单位金融监管总局,会同财政部、国家知识产权局办理",
        "提案内容:",
    ):
        document.add_paragraph(line)
    prose(document, CHIPS.paragraphs)


def _reasons(document: Docx) -> None:
    centre(document, "政协澜江省第十三届委员会第二次会议提案表")
    rows: list[list[str | tuple[str, int]]] = [
        ["提案号", "0412", "类别", "文化艺术"],
        ["提案题目", (DIALECT.title, 3)],
        ["第一提案人", "颜  丹", "界别", "文化艺术界"],
        ["手机", "13505980412", "电子邮箱", "yandan@example.com"],
        ["联名委员", ("贝  宁、池小荷", 3)],
        [("情况分析", 4)],
        [(DIALECT.body, 4)],
        [("具体建议", 4)],
        [("\n".join(_WAYS), 4)],
        ["建议承办单位", ("省文化和旅游厅", 3)],
        ["附件", ("无", 3)],
    ]
    grid(document, rows, 4)


_COUNTY = f"""
政协青岚县第十届委员会第五次会议提案

编    号:第66号
案    由:{BRANDS.title}
提 案 人:莫言秋
委员证号:10-5-118
界    别:工商联界
工作单位:青岚县供销合作社
联系电话:13805980666
附 议 人:
提案内容:
{BRANDS.body}

审查意见:经审查,予以立案。
主    办:县商务局
会    办:县供销合作社、县市场监督管理局
交办时间:2026年3月11日
"""


def _motion(document: Docx) -> None:
    centre(document, "青岚县第十七届人民代表大会第六次会议", "议    案")
    right(document, "第 2 号")
    rows: list[list[str | tuple[str, int]]] = [
        ["案由", (RIVER_ACT.title, 3)],
        ["领衔代表", "江  河", "代表团", "柳林镇代表团"],
        ["附议代表", ("梁上泉、凌  云、谷雨生、水清清、山  峰、柴广林、米小禾、田  野、麦穗香、林  海", 3)],
        ["案据", (RIVER_ACT.body, 3)],
        ["方案", ("\n".join(_ACT), 3)],
        ["大会议案审查委员会意见", ("作为代表建议处理,由县水利局研究答复。", 3)],
    ]
    grid(document, rows, 4)


CONFERENCE = [
    Layout(
        "a party's proposal, city",
        ".docx",
        ("doc", "pdf"),
        word(_party),
        {
            "number": "20260123",
            "session": "政协云泽市第五届委员会第四次会议",
            "kind": "提案",
            "title": PARKING.title,
            "body": PARKING.body,
            "deputy": "民盟云泽市委员会",
            "delegation": "中国民主同盟",
            "phone": "0598-8211234",
            "lead_unit": "市城市管理局",
            "received_on": "2026-02-28",
        },
    ),
    Layout(
        "proposal in lines, the unit only inside the opinion, national",
        ".docx",
        ("doc", "pdf"),
        word(_national),
        {
            "number": "第3192号(经济发展类248号)",
            "session": "政协第十四届全国委员会第四次会议",
            "kind": "提案",
            "title": CHIPS.title,
            "body": CHIPS.body,
            "deputy": "司马文渊",
            "cosigners": "公孙明、诸葛慧、刘一鸣",
            "delegation": "经济界",
        },
    ),
    Layout(
        "analysis and suggestions under labelled rows, province",
        ".docx",
        ("doc", "pdf"),
        word(_reasons),
        {
            "number": "0412",
            "session": "政协澜江省第十三届委员会第二次会议",
            "kind": "提案",
            "title": DIALECT.title,
            "body": "\n".join(["情况分析", *DIALECT.paragraphs, "具体建议", *_WAYS]),
            "deputy": "颜丹",
            "cosigners": "贝宁、池小荷",
            "delegation": "文化艺术界",
            "phone": "13505980412",
            "proposed_unit": "省文化和旅游厅",
        },
    ),
    Layout(
        "proposal as text, county",
        ".txt",
        (),
        plain(_COUNTY, "gb18030"),
        {
            "number": "第66号",
            "session": "政协青岚县第十届委员会第五次会议",
            "kind": "提案",
            "title": BRANDS.title,
            "body": BRANDS.body,
            "deputy": "莫言秋",
            "delegation": "工商联界",
            "phone": "13805980666",
            "lead_unit": "县商务局",
            "received_on": "2026-03-11",
        },
    ),
    Layout(
        "motion in grounds and plan, county",
        ".docx",
        ("doc", "pdf"),
        word(_motion),
        {
            "number": "第2号",
            "session": "青岚县第十七届人民代表大会第六次会议",
            "kind": "议案",
            "title": RIVER_ACT.title,
            "body": "\n".join(["案据", *RIVER_ACT.paragraphs, "方案", *_ACT]),
            "deputy": "江河",
            "cosigners": "梁上泉、凌云、谷雨生、水清清、山峰、柴广林、米小禾、田野、麦穗香、林海",
            "delegation": "柳林镇代表团",
        },
    ),
]
