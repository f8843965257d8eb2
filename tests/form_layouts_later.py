"""Six further documents, each of another office: tables, an export, signed lines, letters.

The places, people and figures in them are invented.
"""

from __future__ import annotations

from docx.document import Document as Docx
from form_layout import Layout, centre, grid, plain, prose, right, word

__all__ = ["LAYOUTS"]


def _paragraphs(text: str) -> list[str]:
    """The blocks between blank lines, each made one line."""
    return ["".join(block.split("\n")) for block in text.strip().split("\n\n")]


CANAL = _paragraphs("""
一、基本情况

石坝灌区建于上世纪七十年代，担负石坝、柳湾、高桥三个乡镇2.6万亩农田的灌溉任务。
干渠和支渠已在前几年先后衬砌，但田间末级渠系仍以土渠为主，全长约87公里，
其中完好的不足三成。

二、存在的问题

（一）渗漏严重。据镇水利站测算，从支渠口到田头的水量损失超过四成，去年夏旱期间
高桥村下游四个组连续十九天没有放到水。

（二）管护无人。渠道、闸门没有统一编号，坏了说不清归谁修；村民反映，贴在闸房上的
电话早已停机，群众打不通。

（三）投入零散。各村一事一议各修一段，标准不一，上下游互不衔接。

三、建议

1.将石坝灌区末级渠系改造列入县2025年度农田水利项目库，分两年完成87公里渠道衬砌。

2.对渠道和闸门逐一登记、编号上图，明确管护责任人，并把联系方式公布在闸房。

3.由县财政每年安排管护经费，按灌溉面积补助到村，受益村民小组以投工投劳的方式配套。
""")


def _county_sheet(document: Docx) -> None:
    centre(document, "云岭县第十七届人民代表大会第三次会议", size=16)
    centre(document, "代表建议、批评和意见表")
    table: list[list[str | tuple[str, int]]] = [
        ["编\n号", ("０２７", 4), ("类别", 2), ("农业农村", 2)],
        ["领衔\n代表", ("田　禾", 4), ("代表团", 2), ("石坝镇代表团", 2)],
        ["工作\n单位", ("石坝镇高桥村村民委员会", 4), ("联系\n电话", 2), ("13907260027", 2)],
        ["附议\n代表", ("罗建平", 2), ("马　骏", 2), ("欧阳雪梅", 2), ("向德海", 2)],
        ["^", ("谭小燕", 2), ("覃　勇", 2), ("姚志国", 2), ("何　莲", 2)],
        ["^", ("龚正华", 2), ("彭　涛", 2), ("冉启明", 2), ("邓秀英", 2)],
        ["标\n题", ("关于改造石坝灌区末级渠系的建议", 8)],
        ["建议\n内容", ("\n".join(CANAL), 8)],
        ["建议承\n办单位", ("县水利局", 8)],
        ["主办\n单位", ("县水利和湖泊局", 4), ("会办\n单位", 2), ("县财政局", 2)],
        ["提出\n日期", ("2024年1月9日", 4), ("交办\n日期", 2), ("2024年2月26日", 2)],
    ]
    grid(document, table, 9)
    document.add_paragraph("注：本表一事一表，附议代表须本人同意；电话请填写手机号码。")


COUNTY_SHEET = Layout(
    name="county sheet, co-signers in three rows beside one label",
    suffix=".docx",
    convert=("pdf", "doc"),
    make=word(_county_sheet, str),
    truth={
        "number": "027",
        "session": "云岭县第十七届人民代表大会第三次会议",
        "kind": "建议",
        "title": "关于改造石坝灌区末级渠系的建议",
        "body": "\n".join(CANAL),
        "deputy": "田禾",
        "cosigners": "罗建平、马骏、欧阳雪梅、向德海、谭小燕、覃勇、姚志国、何莲、龚正华、彭涛、冉启明、邓秀英",
        "delegation": "石坝镇代表团",
        "phone": "13907260027",
        "proposed_unit": "县水利局",
        "lead_unit": "县水利和湖泊局",
        "received_on": "2024-02-26",
    },
)


CANTEEN = _paragraphs("""
近年来，我市主城区60岁以上老年人口已达21.4万人，其中独居、空巢老人近四万人，
“做饭难、吃饭愁”成为老人和子女最牵挂的事。我们走访了东湖、桂苑、砚山三个街道的
十六家社区食堂，发现以下问题：

一是布点不均。十六家食堂有十一家集中在东湖街道，砚山街道八个社区只有一家，
老人单程要走二十多分钟。

二是运营困难。每餐定价8至12元，多数食堂月亏损在五千元以上，去年已有三家关停。

三是订餐不便。线上平台需要实名注册、输入卡片编号，许多老人不会操作，
只能打电话请网格员代订，而网格员的电话常常占线。

为此建议：

（一）统筹规划布点。按照步行十五分钟的标准，在砚山、桂苑两个街道新增助餐点不少于十二个，
优先利用闲置的社区用房。

（二）完善补贴办法。由建设补贴为主改为运营补贴为主，按实际就餐人次结算，
主办单位每季度公布一次结果。

（三）保留传统服务方式。每个助餐点设一部固定电话，允许现金付款、刷脸就餐，
高龄老人由志愿者送餐上门。
""")


def _online_export(document: Docx) -> None:
    centre(document, "委员提案信息导出")
    rows = [
        ("字段", "内容"),
        ("届次", "政协砚州市第九届委员会第四次会议"),
        ("提案编号", "2025 0316"),
        ("提案形式", "委员联名"),
        ("是否联名", "是"),
        ("联名人数", "4"),
        ("提案类别", "社会事业"),
        ("提案状态", "办理中"),
        ("案由", "关于完善主城区社区老年助餐服务的提案"),
        ("第一提案人", "沈静怡"),
        ("委员证号", "090217"),
        ("界别", "社会福利和社会保障界"),
        ("工作单位及职务", "砚州市颐和养老服务中心主任"),
        ("手机号码", "136 0574 0316"),
        ("电子邮箱", "shenjy@example.com"),
        ("通讯地址", "砚州市桂苑街道学前路18号"),
        ("邮政编码", "315900"),
        ("联名人", "郭守成，黎雨，司徒文浩，贾红"),
        ("是否经过调研", "是"),
        ("是否同意公开", "同意全文公开"),
        ("提交时间", "2025-01-12 16:40:08"),
        ("提案内容", "\n".join(CANTEEN)),
        ("建议承办单位", "市民政局"),
        ("审查结果", "立案"),
        ("审查时间", "2025-01-21 09:15:30"),
        ("审查意见", "内容具体，建议可行，同意立案。"),
        ("办理方式", "分主会办"),
        ("主办单位", "市民政局"),
        ("会办单位", "市财政局，市市场监督管理局"),
        ("交办时间", "2025-03-05 10:22:41"),
        ("办理期限", "2025-06-05"),
        ("是否重点提案", "否"),
        ("附件", "无"),
    ]
    grid(document, _rows(rows), 2)
    right(document, "导出时间：2025-03-06 08:30:00")


def _rows(pairs: list[tuple[str, str]]) -> list[list[str | tuple[str, int]]]:
    """A table's rows of two cells each."""
    return [[label, value] for label, value in pairs]


ONLINE_EXPORT = Layout(
    name="export of a conference's online system, a field a row",
    suffix=".docx",
    convert=("pdf",),
    make=word(_online_export, str),
    truth={
        "number": "20250316",
        "session": "政协砚州市第九届委员会第四次会议",
        "kind": "提案",
        "title": "关于完善主城区社区老年助餐服务的提案",
        "body": "\n".join(CANTEEN),
        "deputy": "沈静怡",
        "cosigners": "郭守成、黎雨、司徒文浩、贾红",
        "delegation": "社会福利和社会保障界",
        "phone": "13605740316",
        "proposed_unit": "市民政局",
        "lead_unit": "市民政局",
        "received_on": "2025-03-05",
    },
)


CAVES_CAUSE = _paragraphs("""
我省喀斯特洞穴数量多、分布广，具有重要的科研、生态和文化价值，但目前缺少专门的
保护法规，私自开挖、盗采钟乳石的现象时有发生，有必要通过地方立法加以规范。
""")
CAVES_GROUNDS = _paragraphs("""
一、立法的必要性

全省已查明的洞穴有四千三百余个，其中列入自然保护地的仅占一成。自然资源、文化旅游、
林业等部门各管一段，群众发现盗采行为后，不知道该打哪个部门的电话。

二、立法的可行性

《中华人民共和国自然保护区条例》等法规为地方立法提供了上位法依据。苍梧、澜源两个自治州
已先行制定单行条例，对洞穴实行统一编号、分级保护，积累了可供推广的经验。去年大会期间，
有十一名代表就同一问题提出建议，附议者众多，社会各方面已有共识。
""")
CAVES_PLAN = _paragraphs("""
建议将《岚山省洞穴资源保护条例》列入省人大常委会2024年立法计划，并重点规定以下内容：

（一）明确管理体制。由省自然资源主管部门统一负责，县级人民政府承担属地责任。

（二）建立名录制度。对洞穴开展普查，分为三级，向社会公布名称、编号和保护范围。

（三）规范开发利用。旅游开发须先评估后审批，禁止在一级洞穴内修建永久性设施。

（四）严格法律责任。对盗采、买卖钟乳石的，没收违法所得，并处五万元以上五十万元以下罚款。
""")


def _signed_bill(document: Docx) -> None:
    centre(document, "岚山省第十四届人民代表大会第二次会议", size=16)
    centre(document, "代表议案", size=22)
    document.add_paragraph("编号：议（２０２４）１２")
    document.add_paragraph("代表团：澜源代表团")
    document.add_paragraph("领衔代表：石　川　　　　联系电话：0859-3316012")
    centre(document, "关于制定《岚山省洞穴资源保护条例》的议案")
    for heading, text in (("案由", CAVES_CAUSE), ("案据", CAVES_GROUNDS), ("方案", CAVES_PLAN)):
        document.add_paragraph().add_run(heading).bold = True
        prose(document, text)
    document.add_paragraph("附议代表签名：")
    document.add_paragraph("韦国强　　吴　桐　　杨秀芝　　陆大勇　　蒙丽娟")
    document.add_paragraph("潘　磊　　石玉英　　龙正江　　尹　航　　白雪松")
    document.add_paragraph("侯文斌　　卢　俊　　万春花　　莫家兴　　戴安邦")
    right(document, "2024年1月23日")


SIGNED_BILL = Layout(
    name="province's bill, its parts under headings and signed in three lines",
    suffix=".docx",
    convert=(),
    make=word(_signed_bill, str),
    truth={
        "number": "议(2024)12",
        "session": "岚山省第十四届人民代表大会第二次会议",
        "kind": "议案",
        "title": "关于制定《岚山省洞穴资源保护条例》的议案",
        "body": "\n".join(["案由", *CAVES_CAUSE, "案据", *CAVES_GROUNDS, "方案", *CAVES_PLAN]),
        "deputy": "石川",
        "cosigners": (
            "韦国强、吴桐、杨秀芝、陆大勇、蒙丽娟、潘磊、石玉英、龙正江、尹航、白雪松、"
            "侯文斌、卢俊、万春花、莫家兴、戴安邦"
        ),
        "delegation": "澜源代表团",
        "phone": "0859-3316012",
    },
)


FERRY = _paragraphs("""
双溪渡口是我镇对岸芦洲、沙尾两个村一千六百多名群众过江的唯一通道，每天还有
四十多名学生乘船上学。现有渡船2009年下水，船体锈蚀，雨季经常停航。

一、主要问题

1.码头台阶破损，没有护栏和照明，去年冬天先后有三位老人滑倒。

2.渡口告示牌上的编号和电话已经看不清，遇到停航群众无处询问。

3.渡工只有一人，年满六十二岁，生病时无人顶替。沙尾村代表在座谈时也提出过这件事，
到会的村民纷纷附议。

二、几点建议

1.争取县级资金更换钢质渡船一艘，核定载客三十人，并配齐救生衣。

2.维修两岸码头台阶，加装护栏和太阳能路灯。

3.增配渡工一名，停航时通过村广播和微信群提前通知。
""")
TOWN_NOTE = "\n".join(
    [
        "　　　　　　　双溪镇人民代表大会代表建议、批评和意见",
        "　　　　　　　　　　　（闭会期间）",
        "",
        "编　　　号：",
        "届　　　次：第十九届人民代表大会第四次会议",
        "建 议 标 题：关于更换双溪渡口渡船并维修码头的建议",
        "提 建 议 人：芦　　苇",
        "附　议　人：洪水生　江月娥　　方　正",
        "代　表　团：第三代表团",
        "联 系 电 话：１５８ ７０２４ ６１３９",
        "提 出 日 期：２０２３年８月２９日",
        "",
        "建 议 内 容：",
        *(f"　　{line}" for line in FERRY),
        "",
        "建议承办单位：镇村镇建设办公室",
        "收 到 日 期：２０２３年９月４日",
        "承 办 单 位：镇应急管理办公室",
        "备　　　注：",
    ]
)
TOWN = Layout(
    name="town's text file between sessions, labels padded and no number yet",
    suffix=".txt",
    convert=(),
    make=plain(TOWN_NOTE, "gb18030", str),
    truth={
        "session": "第十九届人民代表大会第四次会议",
        "kind": "建议",
        "title": "关于更换双溪渡口渡船并维修码头的建议",
        "body": "\n".join(FERRY),
        "deputy": "芦苇",
        "cosigners": "洪水生、江月娥、方正",
        "delegation": "第三代表团",
        "phone": "15870246139",
        "proposed_unit": "镇村镇建设办公室",
        "lead_unit": "镇应急管理办公室",
        "received_on": "2023-09-04",
    },
)


RIVER = _paragraphs("""
墨水河发源于我县北部山区，流经清河、安陵、望江三县后汇入临江，全长142公里，
是沿线六十万群众的饮用水源。近三年，墨水河望江断面有七个月水质不达标，
三县之间缺少统一的监测和处置办法，污染往往发现得晚、追溯得慢。

一、上下游信息不通。三县各建各的监测站，站点编号互不对应，数据不能共享；
发生异常时只靠值班人员打电话通报，去年汛期一次泡沫漂浮物事件，下游晚了九个小时才接到消息。

二、补偿标准偏低。我县为保护水源关停养殖场二百一十四家，每年得到的补偿不足投入的五分之一。

三、联合执法不经常。跨县界的采砂、偷排行为取证难，案件移送周期长。

为此，我团全体代表一致建议：

（一）由市政府牵头成立墨水河联防联治领导小组，每季度召开一次会商会议。

（二）建设全流域统一的水质监测平台，三县站点统一编号，数据实时共享，异常情况自动报警。

（三）提高横向生态补偿标准，按照断面水质考核结果分档兑现。

（四）建立跨县联合执法队伍，公布统一的举报电话，对群众举报的线索三日内答复。
""")


def _delegation_letter(document: Docx) -> None:
    centre(document, "临江市第十五届人民代表大会第四次会议", size=16)
    centre(document, "全团建议", size=22)
    document.add_paragraph()
    centre(document, "关于支持墨水河上下游三县", "建立跨界河流联防联治机制的建议")
    centre(document, "（编号：T ０６１）", size=14)
    document.add_paragraph()
    document.add_paragraph("大会秘书处：")
    prose(document, RIVER)
    document.add_paragraph()
    right(document, "清河县代表团", "2024年2月1日")
    document.add_paragraph()
    document.add_paragraph("联系人：鲁明远（清河县人大常委会代表工作室）")
    document.add_paragraph("联系电话：0718-6205061")


DELEGATION_LETTER = Layout(
    name="letter of a whole delegation, title in two lines and number below it",
    suffix=".docx",
    convert=("pdf",),
    make=word(_delegation_letter, str),
    truth={
        "number": "T061",
        "session": "临江市第十五届人民代表大会第四次会议",
        "kind": "建议",
        "title": "关于支持墨水河上下游三县建立跨界河流联防联治机制的建议",
        "body": "\n".join(RIVER),
        "deputy": "清河县代表团",
        "delegation": "清河县代表团",
        "phone": "0718-6205061",
    },
)


BUSES = _paragraphs("""
【情况分析】

我市高铁东站启用两年来，日均到发旅客已达1.8万人次，但接驳公交只有三条，末班车为
20时30分，而最后一趟列车23时06分才到站。支部于去年9月组织盟员在站前广场发放问卷
六百二十份，有七成半的旅客对夜间接驳表示不满意。

主要原因有三点：一是线路开设时间早，没有随列车时刻调整；二是出租车候客区与网约车上客点
混用，现场没有编号，旅客找不到车；三是信息发布不及时，服务电话夜间无人接听。

【具体建议】

1.延长运营时间。把K5、K9两条线路的末班车延至23时40分，与末班列车相衔接，
冬春季可根据客流适当调整。

2.优化站前秩序。对网约车上客点分区编号，用不同颜色的地面标线引导，
出租车候客区实行单向循环。

3.改进信息服务。在出站口设置公交到站电子屏，服务电话实行二十四小时值守，
并在市民服务平台同步公布线路变化。
""")


def _branch_table(document: Docx) -> None:
    centre(document, "政协临川市委员会集体提案")
    particulars = [
        "提案编号：１２０６",
        "届次：十三届三次",
        "提案单位：民盟临川市直属第三支部",
        "界别：民盟",
        "执笔人：裴　然",
        "联系人：裴　然",
        "联系电话：0794-8231206",
        "提交日期：2024年1月5日",
    ]
    decision = [
        "审查意见：立案，作为一般提案办理",
        "主办单位：市交通运输局",
        "会办单位：市公安局、市城市管理局",
        "交办日期：2024年3月11日",
    ]
    table: list[list[str | tuple[str, int]]] = [
        ["基本信息", "\n".join(particulars)],
        ["案由", "关于改善高铁东站夜间公交接驳的提案"],
        ["提案内容", "\n".join(BUSES)],
        ["建议承办单位", "市公共交通集团"],
        ["提案委员会审查", "\n".join(decision)],
    ]
    grid(document, table, 2)


BRANCH_TABLE = Layout(
    name="party branch's table, a cell of several labelled lines",
    suffix=".docx",
    convert=(),
    make=word(_branch_table, str),
    truth={
        "number": "1206",
        "session": "十三届三次",
        "kind": "提案",
        "title": "关于改善高铁东站夜间公交接驳的提案",
        "body": "\n".join(BUSES),
        "deputy": "民盟临川市直属第三支部",
        "delegation": "民盟",
        "phone": "0794-8231206",
        "proposed_unit": "市公共交通集团",
        "lead_unit": "市交通运输局",
        "received_on": "2024-03-11",
    },
)

LAYOUTS: list[Layout] = [
    COUNTY_SHEET,
    ONLINE_EXPORT,
    SIGNED_BILL,
    TOWN,
    DELEGATION_LETTER,
    BRANCH_TABLE,
]
