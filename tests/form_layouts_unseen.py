"""Documents drawn by somebody who has not seen the reader, and what a reader must find in each.

Truth is written from the paper alone, so that a count over these says what to expect of an office's own forms.
The places, people and figures in them are invented.
"""

from __future__ import annotations

from docx.document import Document as Docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.shared import Cm, Pt
from docx.table import Table
from form_layout import Layout, centre, grid, header, plain, prose, right, word
from form_matters import make_matter

_Rows = list[list[str | tuple[str, int]]]


def _widths(table: Table, *centimetres: float) -> None:
    """Columns as wide as a clerk dragged them, which Word also keeps on each cell."""
    table.autofit = False
    for column, width in zip(table.columns, centimetres, strict=True):
        column.width = Cm(width)
    for row in table.rows:
        for cell, width in zip(row._tr.tc_lst, _spans(row._tr.tc_lst, centimetres), strict=True):
            cell.width = Cm(width)


def _spans(cells: list, centimetres: tuple[float, ...]) -> list[float]:
    found, column = [], 0
    for cell in cells:
        found.append(sum(centimetres[column : column + cell.grid_span]))
        column += cell.grid_span
    return found


# 1. a township's letter paper

_FERRY = make_matter(
    "关于修复石门渡口便桥并设置夜间照明的建议",
    """
    石门渡口便桥是下坝、石门、塘尾三个村八百多名村民到集镇赶场、送孩子上学的必经之路。去年六月涨水冲走了桥面板十一块,至今只铺了几块木板临时通行,今年春节前已有两人摔伤。
    我作为代表多次给镇村镇办打电话反映,答复都是“已列入计划”。村民说,桥头那块牌子上的电话拨过去是空号,编号也被水泡得看不清了。
    为此我提两点请求:
    一是请镇里在汛期前把桥面板全部换成钢筋混凝土板,两侧加装一米一高的护栏,估算资金九万六千元,村里可以投工投劳。
    二是在桥的两头各装两盏太阳能路灯,并把管护责任落实到人,管护人的姓名、电话写到牌子上。
    以上建议,请予研究办理。
    """,
)


def _letter_paper(document: Docx) -> None:
    header(document, "双坝镇人民代表大会主席团印制")
    centre(document, "人 大 代 表 建 议 用 笺", size=22)
    document.add_paragraph("会议届次:双坝镇第十九届人民代表大会第七次会议        顺序号:11")
    document.add_paragraph("镇人大主席团:")
    prose(document, ["现就下列事项提出建议,请转有关单位办理。"])
    document.add_paragraph(f"建议题目:{_FERRY.title}")
    document.add_paragraph("具体内容:")
    prose(document, _FERRY.paragraphs)
    right(document, "建议人:龙 再 生", "所在代表团:第三代表团", "联系方式:15185540937")
    right(document, "二〇二六年一月十五日")
    document.add_paragraph("(以下由镇人大办公室填写)")
    document.add_paragraph("收件日期:二〇二六年一月十九日    收件人:杨光前")
    document.add_paragraph("交由        镇村镇建设服务中心        承办,      月      日前答复代表。")


# 2. a county's register of suggestions made between sessions

_WELLS = make_matter(
    "关于加强农村饮水安全工程后期管护的建议",
    """
    我县“十三五”以来共建成农村集中供水工程二百一十七处,覆盖人口十九万三千人。今年四月,县人大农业农村委组织部分代表到九个乡镇走访,发现“重建轻管”的问题比较突出。
    一、主要问题
    1.管护经费没有着落。水费收缴率平均只有百分之四十一,管水员月补贴三百元,有的村已经两年没有发放。
    2.水质检测流于形式。小型工程一年只检测一次,消毒设备损坏后无人维修,有的村把检测报告编号抄在墙上,报告本身却拿不出来。
    3.停水报修不畅。管水员换了人,电话却没有更新,群众报修要先打到村支书那里,再由村支书打给乡镇水管站。
    二、几点建议
    (一)县财政每年安排不低于四百万元的管护资金,按供水人口直接补到工程,不再层层分配。
    (二)把千人以上工程交给县供水公司统一经营,千人以下工程由乡镇水管站托管,实行同网同价。
    (三)开通全县统一的报修电话,二十四小时有人接听,四小时内到场,处理情况由报修人评价。
    (四)每季度公布一次水质检测结果,接受群众监督。
    参加走访的各位代表对此均表示附议。
    """,
)
_WELL_SIGNERS = (
    ("石  磊", "冉启明", "田应芬", "吴  霞", "龙安平"),
    ("杨胜利", "麻桂花", "滕  飞", "欧阳正", "向  群"),
    ("张  弛", "姚本荣", "黎冬梅", "", ""),
)


def _between_sessions(document: Docx) -> None:
    centre(document, "松岭县人民代表大会闭会期间代表建议登记表", size=20)
    right(document, "登记号:闭〔2026〕7号")
    rows: _Rows = [
        ["届  别", ("松岭县第十八届人民代表大会", 3), "登记人", "潘  萍"],
        ["标  题", (_WELLS.title, 5)],
        ["领衔\n代表", "覃  远  志", "代表\n证号", "180233", "手机\n号码", "13885641207"],
        ["工作单位\n及职务", ("木黄镇凤仪村党支部书记", 3), "所属\n代表团", "木黄镇"],
        ["附  议\n代  表", *_WELL_SIGNERS[0]],
        ["^", *_WELL_SIGNERS[1]],
        ["^", *_WELL_SIGNERS[2]],
        ["建\n议\n正\n文", (_WELLS.body, 5)],
        ["收到\n时间", ("2026年05月13日", 2), "要求\n答复时间", ("2026年08月12日", 2)],
        ["县人大常委会\n代表工委意见", ("转县人民政府办理。\n签字:            年   月   日", 5)],
        ["县政府办\n交办意见", ("主办单位:县水务局\n协办单位:县财政局、县卫生健康局\n交办人:", 5)],
    ]
    _widths(grid(document, rows, 6), 2.4, 2.6, 2.2, 2.7, 2.2, 3.3)


# 3. an export of a conference's own system, a collective proposal

_CARE_BACK = make_matter(
    "",
    """
    截至2025年底,我市共有三岁以下婴幼儿七万四千人,每千人口托位数为四点一个,高于全省平均水平,但实际入托率只有百分之三十八,公办托位占比不足两成。
    农工党市委会于今年三月至五月走访了二十六家托育机构,发放问卷一千二百份,召开座谈会五次。
    """,
)
_CARE_WHY = make_matter(
    "",
    """
    (一)价格偏高。民办机构月均收费两千六百元,约占双职工家庭月收入的四分之一。
    (二)信任不足。问卷中有百分之六十三的家长担心安全,机构墙上公示的备案编号扫码后查不到信息,监督电话无人接听。
    (三)医育结合不紧。社区卫生服务中心与托育机构签约的只有九家,签约后真正上门指导的更少。
    """,
)
_CARE_WAYS = make_matter(
    "",
    """
    1.扩大公办供给。利用幼儿园空余学位开设托班,三年内新增公办托位四千个。
    2.实行分档补助。对收费不高于每月一千五百元的机构,按实际入托人数每人每月补助三百元。
    3.统一信息公示。建立全市托育机构名录,一家一码,备案、检查、投诉情况均可查询。
    4.推行“医育签约”。每家机构明确一名签约医生,每月至少到园指导一次。
    """,
)


def _export(document: Docx) -> None:
    document.add_paragraph(
        "江屿市政协智慧提案平台 > 提案详情                                  打印时间:2026-06-30 09:14:22"
    )
    rows: _Rows = [
        ["流水号", "TA202600000871"],
        ["提案编号", "20260194"],
        ["会议名称", "政协江屿市第十六届委员会第五次会议"],
        ["提案案由", "关于破解“托位空置”与“一托难求”并存难题的提案"],
        ["提案类别", "社会建设"],
        ["提案性质", "集体提案"],
        ["提案单位", "农工党江屿市委员会"],
        ["执笔人", "邬小棠"],
        ["所属界别", "中国农工民主党"],
        ["联系人手机", "18958640023"],
        ["联系地址", "江屿市港湾区学士路88号"],
        ["是否同意公开", "是"],
        ["是否多年提案", "否"],
        ["提交时间", "2026-01-22 16:40:05"],
        ["背景情况", _CARE_BACK.body],
        ["原因分析", _CARE_WHY.body],
        ["对策建议", _CARE_WAYS.body],
        ["建议承办单位", "市卫生健康委员会、市教育局"],
        ["审查结果", "立案"],
        ["立案时间", "2026-02-04 10:02:47"],
        ["交办时间", "2026-03-06 14:30:00"],
        ["办理类型", "主会办"],
        ["主办单位", "市卫生健康委员会"],
        ["会办单位", "市教育局,市财政局,市妇女联合会"],
        ["当前状态", "办理中"],
    ]
    _widths(grid(document, rows, 2), 3.4, 12.0)


# 4. a whole delegation's suggestion, printed by a provincial congress's system as text

_COLD_CHAIN = make_matter(
    "关于支持白鹭市建设区域性农产品冷链物流基地的建议",
    """
    白鹭市地处三省交界,年产蔬菜四百二十万吨、水果一百一十万吨,是全省最大的鲜活农产品集散地。受冷库容量和运输条件限制,果蔬产后损失率仍在百分之十八左右,每年损失约十六亿元。
    白鹭市代表团全体代表经过讨论,一致认为:建设冷链物流基地,既是农民增收的实事,也是保障省会菜篮子的大事。
    (一)现有基础
    铁路白鹭北站货场已有专用线两条,可停靠冷藏班列;市冷链产业园一期建成冷库十二万吨,二期用地手续正在办理。
    (二)面临困难
    一是资金缺口大,二期总投资九亿八千万元,地方自筹只能解决四成。二是冷藏车跨省通行手续繁琐,司机反映,每过一省就要重新打一次电话、换一个编号。三是标准不统一,预冷、仓储、运输各说各话。
    (三)具体请求
    1.请省里将基地列入省级重点项目,在专项债券额度上给予倾斜。
    2.请省交通运输厅会同邻省建立冷藏车“一证通行”办法。
    3.请省市场监督管理局牵头制定果蔬冷链地方标准,力争明年上半年发布。
    """,
)
_WHOLE = f"""
澜江省人大代表议案建议系统
==========================================
【会议】澜江省第十四届人民代表大会第四次会议
【文种】代表建议
【建议号】第 0417 号(财政经济类 39 号)
【标题】{_COLD_CHAIN.title}
【提出方式】以代表团名义提出(全团建议)
【领衔人】陆定安
【代表团】白鹭市代表团
【联名情况】全团62名代表
【联络员】代表团秘书 何妍
【电话】0731-84458216
【是否调研成果】是
【是否可以公开】可以全文公开
------------------------------------------
【建议全文】
{_COLD_CHAIN.body}
------------------------------------------
【希望由哪个单位办理】省发展和改革委员会
【分办意见】
  主办:省发展和改革委员会
  会办:省财政厅、省交通运输厅、省市场监督管理局
【交办日期】2026/02/11
【答复期限】2026/05/11
"""


# 5. what members proposed after an inspection, as text

_HOUSES = make_matter(
    "关于抢救性保护浣溪古镇沿河民居的提案",
    """
    今年四月,区政协组织文化艺术界、教育界、城建环保界委员视察浣溪古镇,沿河看了四十三处清末民初民居,情况令人担忧。
    视察中发现:
    一是险情多。四十三处民居中有十七处屋架倾斜,六处已经坍塌一角,住户多为七十岁以上老人。
    二是手续难。房屋产权大多是几兄弟共有,修缮要全体签字,有的在外地,电话也联系不上。文物点编号牌钉上了,修缮的审批却走了一年多。
    三是工匠少。镇上会做穿斗木架的师傅只剩四位,最年轻的五十八岁。
    建议:
    1.由区里设立古镇民居抢修资金,每年不少于三百万元,先救险、后确权。
    2.由文物、住建、消防三家联合审批,一次受理、一次踏勘、二十个工作日办结。
    3.在区职业学校开设古建修缮班,聘请老工匠带徒弟,学费由区财政承担。
    4.沿河民居逐户建立档案,留存测绘图和影像。
    """,
)
_INSPECTION = f"""
              政协锦川市浣溪区委员会委员提案
                (平时提案,由委员视察形成)

  提案第  P2026-018  号
  届  次:九届四次      提案形式:联名
  题  目:{_HOUSES.title}
  提案委员:司徒静怡          界别:文化艺术界
  单位职务:区文化馆副馆长
  移动电话:13908170652       邮编:610072
  联名委员(12人):
      王承志(教育界)    雷 鸣(教育界)    古文清(文化艺术界)
      尹素秋(文化艺术界)  钟 山(城建环保界)  曾庆余(城建环保界)
      邱 实(工商联界)   苏 梅(医药卫生界)   卢沟桥(农业界)
      廖永红(妇联界)    白 雪(共青团界)    宋知远(特邀人士)

  情况、分析和建议:

    {(chr(10) + "    ").join(_HOUSES.paragraphs)}

  提出日期:2026年4月28日
  收到日期:2026年5月6日
  提案委审查意见:符合立案条件,准予立案。
  建议办理单位:区文化和旅游局
  确定承办单位:
"""


# 6. a motion on a provincial congress's paper, its signers at the end

_NOISE_WHY = make_matter(
    "",
    """
    我省现行的环境噪声管理规定制定于2004年,已经二十二年没有修改,与2022年施行的噪声污染防治法多处不相衔接,基层执法人员普遍反映“不好用、不够用”。
    (一)社会生活噪声已成为投诉首位。2025年全省噪声投诉十八万七千件,其中广场舞音响、商铺喇叭、宠物叫声占百分之六十八,而现行规定没有一条写到。
    (二)部门职责交叉。群众拨打投诉电话,公安、城管、生态环境三家互相转办,同一件投诉有三个编号,却没有一个结果。
    (三)法律责任偏轻,最高罚款只有五百元,起不到震慑作用。2025年全省共作出社会生活噪声处罚决定二百一十四件,罚没款合计不足六万元,不少当事人一罚了之,第二天照旧。
    (四)监测手段落后。全省十四个市州只有五个建成功能区噪声自动监测网,县一级普遍只有一两台手持仪器,夜间取证基本靠群众自己用手机录像。
    2025年10月,临江市代表团组织部分省人大代表到八个县区调研,召开座谈会十一次,发放问卷三千份,赞成制定专门条例的占百分之九十二点六。外省已有九个省份出台了同类条例,可资借鉴,立法条件已经成熟。
    """,
)
_NOISE_HOW = make_matter(
    "",
    """
    建议将《澜江省噪声污染防治条例》列入省人大常委会2027年立法计划,由省生态环境厅牵头起草。条例应当着重规定以下内容:
    第一,明确分工。社会生活噪声由公安机关负责,施工噪声由城市管理部门负责,工业噪声由生态环境部门负责,首接部门不得推诿。
    第二,划定安静时段。中考、高考期间以及每日二十二时至次日六时,禁止在居民区使用高音喇叭。
    第三,提高罚款上限,对屡教不改的个人处二千元以下罚款,对单位处二万元以上十万元以下罚款。
    第四,统一受理。全省噪声投诉统一由政务服务便民热线登记编号,一个编号管到底,办理结果由投诉人评价。
    第五,鼓励自动监测。在学校、医院周边设置噪声显示屏,数据可以作为执法线索。
    """,
)
_NOISE_SIGNERS = """
尚文博  查良骥  于  谦  鲍春燕  穆铁柱  盛  夏  季如风  端木青
程远航  祁连山  解晓东  仇  英  单于归  区大为  乐嘉音  万  里
"""


def _motion_paper(document: Docx) -> None:
    centre(document, "澜江省第十四届人民代表大会", "第四次会议议案纸", size=20)
    right(document, "议案第 014 号")
    document.add_paragraph("案  由:关于制定《澜江省噪声污染防治条例》的议案")
    document.add_paragraph("案  据:")
    prose(document, _NOISE_WHY.paragraphs)
    document.add_paragraph("方  案:")
    prose(document, _NOISE_HOW.paragraphs)
    document.add_paragraph("提议案人(领衔):荆 楚 瑜    所在代表团:临江市代表团    电话:13607310284")
    document.add_paragraph("附议人(共十六人):")
    for line in _NOISE_SIGNERS.strip().splitlines():
        document.add_paragraph(line)
    document.add_paragraph("议案截止时间:2026年1月27日12时")
    document.add_paragraph("议案组收到时间:2026年1月26日15时40分")
    document.add_paragraph("处理意见:□列入本次会议议程  ☑交省人大环境与资源保护委员会审议  □转作建议办理")


# 7. a proposal on a national committee's form, labels over their values and several lines in a cell

_SEEDS = make_matter(
    "关于加快盐碱地特色作物种质资源库建设的提案",
    """
    我国有盐碱地约十五亿亩,其中可开发利用的约五亿亩。向盐碱地要粮,关键在种子。近年来耐盐水稻、藜麦、田菁等作物选育取得进展,但种质资源的收集、保存和共享仍然滞后。
    一、问题
    1.家底不清。全国登记的耐盐碱种质约二万三千份,分散在六十多家单位,编号规则各不相同,重复保存与遗漏并存。
    2.鉴定不足。完成耐盐性精准鉴定的不到一成,育种单位只能凭经验挑选材料。
    3.共享不畅。索取一份材料平均需要四十七天,有的单位只留了一个办公室电话,打过去说要找课题组,课题组又说要单位盖章。
    二、建议
    (一)由农业农村部牵头,在黄河三角洲、河套、松嫩平原各建一座区域性种质资源库,统一编号、统一数据标准。
    (二)设立精准鉴定专项,五年内完成一万份材料的鉴定,结果向育种单位开放。
    (三)建立共享奖励办法,提供材料的单位在新品种收益中按约定分成。
    (四)把种质资源保护人才纳入国家急需紧缺人才目录。
    """,
)
_SEED_SIGNERS = (
    ("夏侯敏", "农业界", "中国农业大学教授"),
    ("卓  玛", "少数民族界", "西北高原生物研究所研究员"),
    ("丁一凡", "科学技术界", "种业集团首席专家"),
    ("濮阳春", "农业界", "省农业科学院院长"),
    ("巴特尔", "少数民族界", "河套灌区管理总局总工程师"),
    ("金  岩", "科协界", "作物学会秘书长"),
    ("楼适夷", "无党派人士", "植物园主任"),
    ("应采儿", "九三学社", "农业科学院研究员"),
    ("辛  夷", "教育界", "盐土农业学院院长"),
    ("关山月", "经济界", "农业产业基金董事长"),
)


def _over_values(document: Docx) -> None:
    centre(document, "中国人民政治协商会议", "第十四届全国委员会委员提案表", size=20)
    rows: _Rows = [
        [
            ("提案号:平 0073\n类别:农业农村", 2),
            ("提案时间:2026年5月20日\n收案时间:2026年5月25日", 2),
        ],
        [("提案题目", 4)],
        [(_SEEDS.title, 4)],
        ["第一提案人", "界别", "党派", "委员证号"],
        ["皇甫 岚", "科学技术界", "无党派", "14-0926"],
        ["移动电话", "办公电话", "电子信箱", "邮政编码"],
        ["13701160926", "", "hf@example.org", "100081"],
        ["联名提案人", "界别", ("工作单位及职务", 2)],
        *([name, sector, (post, 2)] for name, sector, post in _SEED_SIGNERS),
        [("提案正文(一事一案,不超过1500字)", 4)],
        [(_SEEDS.body, 4)],
        [("建议承办单位:农业农村部\n附件:无\n是否愿意公开:愿意", 4)],
        [("审查意见:\n承办单位:", 4)],
    ]
    table = grid(document, rows, 4)
    _widths(table, 3.0, 3.2, 4.0, 5.0)
    for cell in table.rows[1].cells[0].paragraphs:
        cell.alignment = WD_ALIGN_PARAGRAPH.CENTER


# 8. a city congress's suggestion paper, its labels down the side and half of it left blank

_LUNCH = make_matter(
    "关于规范中小学校外配餐 保障学生午餐质量的建议",
    """
    我市城区现有八十九所中小学由校外企业配送午餐,每天用餐学生六万一千余人。家长通过人大代表之家反映的问题主要集中在三个方面。
    (一)饭菜凉。配送距离最远的二十三公里,从出锅到入口平均两小时十分钟,冬天尤其明显。
    (二)价格不透明。每餐十三元,其中食材成本是多少、配送费是多少,家长无从知晓。学校只公布了配餐企业的电话和许可证编号,没有公布合同。
    (三)评价不起作用。学期末的满意度调查由企业自己组织,附议的多、批评的少。
    建议如下:
    1.以学校十公里为半径设置中央厨房,超出范围的学校限期自建食堂。
    2.食材成本不得低于餐费的百分之六十五,按月公示进货单。
    3.满意度调查由家长委员会组织,连续两次低于八成的企业退出下一年度招标。
    4.市场监管部门每学期抽检不少于四次,结果在学校门口张贴。
    """,
)


def _side_labels(document: Docx) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = paragraph.add_run("禾川市第九届人民代表大会第三次会议\n代表建议、批评和意见纸")
    run.bold = True
    run.font.size = Pt(18)
    document.add_paragraph("第        号                              分类:教科文卫")
    names = "商  羽    阳朔南    苗  圃    熊建军    谈笑生    闻  一    柴  静    和  平    边疆红    游  弋    竺可欣"
    rows: _Rows = [
        ["建议\n名称", (_LUNCH.title, 4)],
        ["代\n表\n情\n况", "姓  名", "左丘兰", "代 表 团", "东湖区代表团"],
        ["^", "电  话", "", "单位职务", "东湖区实验小学教师"],
        ["^", "通讯处", ("禾川市东湖区文华路12号", 3)],
        ["联\n名\n代\n表", (names, 4)],
        ["建\n\n议\n\n内\n\n容", (_LUNCH.body, 4)],
        ["建议由何\n单位办理", ("市教育局、市市场监督管理局", 4)],
        ["大会秘书\n处 意 见", ("承办单位:                      \n交办日期:      年    月    日", 4)],
        ["备\n注", ("一事一纸,请用钢笔或者签字笔书写;附议代表请本人签名。", 4)],
    ]
    _widths(grid(document, rows, 5), 1.8, 2.2, 4.2, 2.6, 4.6)


LAYOUTS: list[Layout] = [
    Layout(
        "letter paper with the signer under the text, township",
        ".docx",
        (),
        word(_letter_paper),
        {
            "number": "11",
            "session": "双坝镇第十九届人民代表大会第七次会议",
            "kind": "建议",
            "title": _FERRY.title,
            "body": _FERRY.body,
            "deputy": "龙再生",
            "delegation": "第三代表团",
            "phone": "15185540937",
            "lead_unit": "镇村镇建设服务中心",
            "received_on": "2026-01-19",
        },
    ),
    Layout(
        "register between sessions, a co-signer a cell, county",
        ".docx",
        ("pdf",),
        word(_between_sessions),
        {
            "number": "闭〔2026〕7号",
            "session": "松岭县第十八届人民代表大会",
            "kind": "建议",
            "title": _WELLS.title,
            "body": _WELLS.body,
            "deputy": "覃远志",
            "cosigners": "石磊、冉启明、田应芬、吴霞、龙安平、杨胜利、麻桂花、滕飞、欧阳正、向群、张弛、姚本荣、黎冬梅",
            "delegation": "木黄镇",
            "phone": "13885641207",
            "lead_unit": "县水务局",
            "received_on": "2026-05-13",
        },
    ),
    Layout(
        "system export of a party's proposal in three labelled parts, city",
        ".docx",
        ("pdf",),
        word(_export),
        {
            "number": "20260194",
            "session": "政协江屿市第十六届委员会第五次会议",
            "kind": "提案",
            "title": "关于破解“托位空置”与“一托难求”并存难题的提案",
            "body": "\n".join(
                ["背景情况", _CARE_BACK.body, "原因分析", _CARE_WHY.body, "对策建议", _CARE_WAYS.body]
            ),
            "deputy": "农工党江屿市委员会",
            "delegation": "中国农工民主党",
            "phone": "18958640023",
            "proposed_unit": "市卫生健康委员会、市教育局",
            "lead_unit": "市卫生健康委员会",
            "received_on": "2026-03-06",
        },
    ),
    Layout(
        "whole delegation's suggestion with labels in lenticular brackets, province",
        ".txt",
        (),
        plain(_WHOLE),
        {
            "number": "第0417号(财政经济类39号)",
            "session": "澜江省第十四届人民代表大会第四次会议",
            "kind": "建议",
            "title": _COLD_CHAIN.title,
            "body": _COLD_CHAIN.body,
            "deputy": "陆定安",
            "delegation": "白鹭市代表团",
            "phone": "0731-84458216",
            "proposed_unit": "省发展和改革委员会",
            "lead_unit": "省发展和改革委员会",
            "received_on": "2026-02-11",
        },
    ),
    Layout(
        "proposal after an inspection, sectors after the co-signers, district",
        ".txt",
        (),
        plain(_INSPECTION, "gb18030"),
        {
            "number": "第P2026-018号",
            "session": "九届四次",
            "kind": "提案",
            "title": _HOUSES.title,
            "body": _HOUSES.body,
            "deputy": "司徒静怡",
            "cosigners": "王承志、雷鸣、古文清、尹素秋、钟山、曾庆余、邱实、苏梅、卢沟桥、廖永红、白雪、宋知远",
            "delegation": "文化艺术界",
            "phone": "13908170652",
            "proposed_unit": "区文化和旅游局",
            "received_on": "2026-05-06",
        },
    ),
    Layout(
        "motion paper in grounds and plan, sixteen names in two lines at the end, province",
        ".docx",
        ("pdf",),
        word(_motion_paper),
        {
            "number": "第014号",
            "session": "澜江省第十四届人民代表大会第四次会议",
            "kind": "议案",
            "title": "关于制定《澜江省噪声污染防治条例》的议案",
            "body": "\n".join(["案据", _NOISE_WHY.body, "方案", _NOISE_HOW.body]),
            "deputy": "荆楚瑜",
            "cosigners": "尚文博、查良骥、于谦、鲍春燕、穆铁柱、盛夏、季如风、端木青、程远航、祁连山、解晓东、仇英、单于归、区大为、乐嘉音、万里",
            "delegation": "临江市代表团",
            "phone": "13607310284",
            "received_on": "2026-01-26",
        },
    ),
    Layout(
        "proposal with labels over values and a table of co-signers, national",
        ".docx",
        (),
        word(_over_values),
        {
            "number": "平0073",
            "session": "中国人民政治协商会议第十四届全国委员会",
            "kind": "提案",
            "title": _SEEDS.title,
            "body": _SEEDS.body,
            "deputy": "皇甫岚",
            "cosigners": "夏侯敏、卓玛、丁一凡、濮阳春、巴特尔、金岩、楼适夷、应采儿、辛夷、关山月",
            "delegation": "科学技术界",
            "phone": "13701160926",
            "proposed_unit": "农业农村部",
            "received_on": "2026-05-25",
        },
    ),
    Layout(
        "suggestion paper with labels down the side and blanks, city",
        ".docx",
        (),
        word(_side_labels),
        {
            "session": "禾川市第九届人民代表大会第三次会议",
            "kind": "建议",
            "title": _LUNCH.title,
            "body": _LUNCH.body,
            "deputy": "左丘兰",
            "cosigners": "商羽、阳朔南、苗圃、熊建军、谈笑生、闻一、柴静、和平、边疆红、游弋、竺可欣",
            "delegation": "东湖区代表团",
            "proposed_unit": "市教育局、市市场监督管理局",
        },
    ),
]
