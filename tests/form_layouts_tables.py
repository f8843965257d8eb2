"""Suggestions on printed tables: labels beside their values, above them, over several rows."""

from __future__ import annotations

from docx.document import Document as Docx
from form_layout import Layout, centre, controlled, grid, header, put, right, text_box, word
from form_matters import (
    BUSES,
    CANTEENS,
    CHARGING,
    CULVERT,
    FARMLAND,
    LIFTS,
    NOISE,
    SCHOOL_ROADS,
    VILLAGE_WATER,
    WETLAND,
)
from form_names import PADDED, TWENTY


def _labels_left(document: Docx) -> None:
    centre(document, "云泽市第六届人民代表大会第三次会议", "代表建议、批评和意见")
    right(document, "第 1081 号")
    grid(
        document,
        [
            ["标    题", (LIFTS.title, 3)],
            ["领衔代表", "王建国", "代 表 团", "清河区代表团"],
            ["工作单位", "云泽市第二建筑工程有限公司", "职    务", "总工程师"],
            ["通讯地址", "云泽市清河区柳树湾路18号", "邮政编码", "365100"],
            ["联系电话", "13900010081", "是否公开", "同意公开"],
            ["附议代表", ("李秀兰、张  伟、阿依古丽·买买提", 3)],
            ["建议承办单位", ("市住房和城乡建设局", 3)],
            ["建议内容", (LIFTS.body, 3)],
            ["备    注", ("", 3)],
        ],
        4,
    )


def _labels_above(document: Docx) -> None:
    centre(document, "平川区人大代表建议登记表")
    rows: list[list[str | tuple[str, int]]] = [
        ["编号", "会议届次", "代表姓名", "代表团", "联系电话"],
        ["第027号", "区九届人大五次会议", "陈  静", "丰乐街道", "0598-6612345"],
        [("建议标题", 3), "建议类别", "收件日期"],
        [(CANTEENS.title, 3), "社会民生", "2026年1月19日"],
        [("建议内容", 5)],
        [(CANTEENS.body, 5)],
        [("主办单位", 2), ("会办单位", 3)],
        [("区民政局", 2), ("区财政局、区市场监督管理局", 3)],
    ]
    grid(document, rows, 5)


def _number_in_header(document: Docx) -> None:
    header(document, "市六届人大三次会议第081号建议")
    centre(document, "云泽市人大代表建议交办单")
    rows: list[list[str | tuple[str, int]]] = [
        ["建议题目", (CULVERT.title, 3)],
        ["提出人", "刘  洋", "所在代表团", "平川代表团"],
        ["联系方式(手机)", "139-0598-0071", "单位及职务", "平川大道社区党委书记"],
        ["交办时间", "2026年2月6日", "办理期限", "2026年5月6日"],
        ["主办单位", "市城市管理局", "会办单位", "市水利局、市公安局"],
        ["建议正文", (CULVERT.body, 3)],
        ["交办意见", ("请市城市管理局会同市水利局、市公安局研究办理,并于三个月内答复代表。", 3)],
    ]
    grid(document, rows, 4)


def _name_grid(document: Docx) -> None:
    centre(document, "澜江省第十三届人民代表大会第四次会议", "代表建议表")
    right(document, "编号:0356")
    rows: list[list[str | tuple[str, int]]] = [
        ["建议名称", (FARMLAND.title, 5)],
        ["领衔代表", ("田广厚", 2), "代表团", ("云泽代表团", 2)],
        ["联系电话", ("13705980356", 2), "邮编", ("365000", 2)],
        ["附议代表", *PADDED[:5]],
        ["^", *PADDED[5:10]],
        ["^", *PADDED[10:15]],
        ["^", *PADDED[15:]],
        ["建议内容", (FARMLAND.body, 5)],
        ["建议承办单位", ("省农业农村厅、省财政厅", 5)],
    ]
    grid(document, rows, 6)


def _groups(document: Docx) -> None:
    centre(document, "青岚县第十七届人民代表大会第五次会议", "代表建议专用纸")
    rows: list[list[str | tuple[str, int]]] = [
        ["案  由", (SCHOOL_ROADS.title, 4)],
        ["领衔代表", "姓  名", ("胡晓东", 3)],
        ["^", "代表团", ("城关镇代表团", 3)],
        ["^", "单位职务", ("青岚县实验小学副校长", 3)],
        ["^", "电  话", ("13805981122", 3)],
        ["附议代表", "姓  名", "代表团", "电  话", "签  名"],
        ["^", "罗玉梅", "城关镇代表团", "13805981123", ""],
        ["^", "唐志刚", "云岭镇代表团", "13805981124", ""],
        ["^", "邓  芳", "柳林镇代表团", "13805981125", ""],
        ["建议内容", (SCHOOL_ROADS.body, 4)],
        ["希望承办单位", ("县公安局、县教育局", 4)],
        ["填表日期", ("2026年1月8日", 4)],
    ]
    grid(document, rows, 5)


def _signers_table(document: Docx) -> None:
    centre(document, "云泽市第六届人民代表大会第三次会议代表建议")
    right(document, "第A133号")
    rows: list[list[str | tuple[str, int]]] = [
        ["标题", (CHARGING.title, 3)],
        ["第一提出人", "马骏驰", "联系电话", "0598-8233133"],
        ["建议类型", "城乡建设", "是否联名", "是"],
        ["内容", (CHARGING.body, 3)],
        ["承办单位建议", ("市发展和改革委员会、市住房和城乡建设局", 3)],
    ]
    grid(document, rows, 4)
    centre(document, "附议代表名单", size=14)
    names: list[list[str | tuple[str, int]]] = [["序号", "姓名", "代表团", "联系电话"]]
    towns = ["清河区", "平川区", "青岚县", "驻泽部队"]
    for place, name in enumerate(TWENTY):
        names.append([str(place + 1), name, f"{towns[place % 4]}代表团", f"1390598{2000 + place}"])
    grid(document, names, 4)


def _one_cell(document: Docx) -> None:
    centre(document, "第十四届全国人民代表大会第四次会议", "代表建议、批评和意见用纸")
    right(document, "第 3192 号(农业水利类 248 号)")
    rows: list[list[str | tuple[str, int]]] = [
        ["标    题", (WETLAND.title, 3)],
        ["领衔代表", "何江平", "代表团", "澜江代表团"],
        ["手机号码", "13601013192", "邮  编", "100805"],
        ["联名代表", ("、".join(TWENTY) + "(共20人)", 3)],
        ["建议承办单位", ("财政部、国家林业和草原局", 3)],
        ["可否公开", ("☑可以公开  □不公开", 3)],
        ["具体内容", (WETLAND.body, 3)],
    ]
    grid(document, rows, 4)


def _side_by_side(document: Docx) -> None:
    """Signatures in two halves of one table, an empty line at the end of the second."""
    centre(document, "青岚县人大代表建议")
    centre(document, "(县十七届人大五次会议第45号)", size=14)
    rows: list[list[str | tuple[str, int]]] = [
        ["建议标题", (VILLAGE_WATER.title, 5)],
        ["领衔人", ("石大山", 2), "电话", ("13959800045", 2)],
        ["正文", (VILLAGE_WATER.body, 5)],
        [("附  议  人  签  名", 6)],
        ["序号", "姓名", "代表团", "序号", "姓名", "代表团"],
        ["1", "田春花", "石门乡", "2", "向  阳", "牛栏镇"],
        ["3", "彭水生", "响水镇", "4", "龙建军", "石门乡"],
        ["5", "欧阳雪梅", "城关镇", "6", "", ""],
    ]
    grid(document, rows, 6)


def _controls(document: Docx) -> None:
    centre(document, "云泽市人大代表建议提交单")
    text_box(document, "编号:20260123")
    table = grid(
        document,
        [
            ["会议名称", ""],
            ["建议标题", ""],
            ["提建议代表", ""],
            ["所属代表团", ""],
            ["手  机", ""],
            ["建议内容", ""],
            ["审查意见", "同意立案,转有关部门办理。"],
            ["主办单位", ""],
        ],
        2,
    )
    values = ["云泽市第六届人民代表大会第四次会议", NOISE.title, "林小满", "清河区代表团", "13859880123"]
    for row, value in enumerate(values):
        controlled(table.cell(row, 1), value)
    put(table.cell(5, 1), NOISE.body)
    controlled(table.cell(7, 1), "市生态环境局")


def _reason_and_way(document: Docx) -> None:
    """The body in two labelled rows, the labels set upright, one character a line."""
    centre(document, "云泽市清河区第八届人民代表大会第二次会议", "代 表 建 议")
    rows: list[list[str | tuple[str, int]]] = [
        ["案由", (BUSES.title, 3)],
        ["建议人", "沙  沙", "代表团", "城东街道代表团"],
        ["附议人", ("陶永年 倪红 汤国庆", 3)],
        ["理\n由", ("\n".join(BUSES.paragraphs[:2]), 3)],
        ["办\n法", (BUSES.paragraphs[2], 3)],
        ["收到日期", "2026.1.15", "编  号", "第12号"],
    ]
    grid(document, rows, 4)


TABLES = [
    Layout(
        "labels left of their values, city",
        ".docx",
        ("doc", "pdf"),
        word(_labels_left),
        {
            "number": "第1081号",
            "session": "云泽市第六届人民代表大会第三次会议",
            "kind": "建议",
            "title": LIFTS.title,
            "body": LIFTS.body,
            "deputy": "王建国",
            "cosigners": "李秀兰、张伟、阿依古丽·买买提",
            "delegation": "清河区代表团",
            "phone": "13900010081",
            "proposed_unit": "市住房和城乡建设局",
        },
    ),
    Layout(
        "labels above their values, district",
        ".docx",
        ("doc", "pdf"),
        word(_labels_above),
        {
            "number": "第027号",
            "session": "区九届人大五次会议",
            "kind": "建议",
            "title": CANTEENS.title,
            "body": CANTEENS.body,
            "deputy": "陈静",
            "delegation": "丰乐街道",
            "phone": "0598-6612345",
            "lead_unit": "区民政局",
            "received_on": "2026-01-19",
        },
    ),
    Layout(
        "number in the page header, hand-over sheet",
        ".docx",
        ("doc", "pdf"),
        word(_number_in_header),
        {
            "number": "第081号",
            "session": "市六届人大三次会议",
            "kind": "建议",
            "title": CULVERT.title,
            "body": CULVERT.body,
            "deputy": "刘洋",
            "delegation": "平川代表团",
            "phone": "139-0598-0071",
            "lead_unit": "市城市管理局",
            "received_on": "2026-02-06",
        },
    ),
    Layout(
        "twenty co-signers in a grid of padded names, province",
        ".docx",
        ("doc", "pdf"),
        word(_name_grid),
        {
            "number": "0356",
            "session": "澜江省第十三届人民代表大会第四次会议",
            "kind": "建议",
            "title": FARMLAND.title,
            "body": FARMLAND.body,
            "deputy": "田广厚",
            "cosigners": "、".join(name.replace(" ", "") for name in PADDED),
            "delegation": "云泽代表团",
            "phone": "13705980356",
            "proposed_unit": "省农业农村厅、省财政厅",
        },
    ),
    Layout(
        "group labels over several rows, county",
        ".docx",
        ("doc", "pdf"),
        word(_groups),
        {
            "session": "青岚县第十七届人民代表大会第五次会议",
            "kind": "建议",
            "title": SCHOOL_ROADS.title,
            "body": SCHOOL_ROADS.body,
            "deputy": "胡晓东",
            "cosigners": "罗玉梅、唐志刚、邓芳",
            "delegation": "城关镇代表团",
            "phone": "13805981122",
            "proposed_unit": "县公安局、县教育局",
        },
    ),
    Layout(
        "twenty co-signers in a table of their own, city",
        ".docx",
        ("doc", "pdf"),
        word(_signers_table, str),
        {
            "number": "第A133号",
            "session": "云泽市第六届人民代表大会第三次会议",
            "kind": "建议",
            "title": CHARGING.title,
            "body": CHARGING.body,
            "deputy": "马骏驰",
            "cosigners": "、".join(TWENTY),
            "phone": "0598-8233133",
            "proposed_unit": "市发展和改革委员会、市住房和城乡建设局",
        },
    ),
    Layout(
        "twenty co-signers in one cell, national",
        ".docx",
        ("doc", "pdf"),
        word(_one_cell),
        {
            "number": "第3192号(农业水利类248号)",
            "session": "第十四届全国人民代表大会第四次会议",
            "kind": "建议",
            "title": WETLAND.title,
            "body": WETLAND.body,
            "deputy": "何江平",
            "cosigners": "、".join(TWENTY),
            "delegation": "澜江代表团",
            "phone": "13601013192",
            "proposed_unit": "财政部、国家林业和草原局",
        },
    ),
    Layout(
        "signatures in two halves of a table, county",
        ".docx",
        ("doc", "pdf"),
        word(_side_by_side),
        {
            "number": "第45号",
            "session": "县十七届人大五次会议",
            "kind": "建议",
            "title": VILLAGE_WATER.title,
            "body": VILLAGE_WATER.body,
            "deputy": "石大山",
            "cosigners": "田春花、向阳、彭水生、龙建军、欧阳雪梅",
            "phone": "13959800045",
        },
    ),
    Layout(
        "content controls and a text box, city",
        ".docx",
        ("pdf",),  # an office program writes each control's text four times into a .doc
        word(_controls, str),
        {
            "number": "20260123",
            "session": "云泽市第六届人民代表大会第四次会议",
            "kind": "建议",
            "title": NOISE.title,
            "body": NOISE.body,
            "deputy": "林小满",
            "delegation": "清河区代表团",
            "phone": "13859880123",
            "lead_unit": "市生态环境局",
        },
    ),
    Layout(
        "reasons and ways in rows of their own, district",
        ".docx",
        ("doc", "pdf"),
        word(_reason_and_way),
        {
            "number": "第12号",
            "session": "云泽市清河区第八届人民代表大会第二次会议",
            "kind": "建议",
            "title": BUSES.title,
            "body": "\n".join(["理由", *BUSES.paragraphs[:2], "办法", BUSES.paragraphs[2]]),
            "deputy": "沙沙",
            "cosigners": "陶永年、倪红、汤国庆",
            "delegation": "城东街道代表团",
            "received_on": "2026-01-15",
        },
    ),
]
