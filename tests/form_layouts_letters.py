"""Suggestions written as letters: a heading, a body nobody labelled, names at the end."""

from __future__ import annotations

from docx.document import Document as Docx
from form_layout import Layout, centre, grid, plain, prose, right, word
from form_matters import make_matter
from form_matters_more import DOCTORS, HERITAGE, STRAW
from form_names import TWENTY

LIBRARY = make_matter(
    "关于在乡镇恢复和建设公共图书室的建议",
    """
    一个乡镇没有一间像样的图书室,孩子们的课余时间就只剩下手机。我在柳林镇教书二十六年,看着镇上的文化站从有书可借,到门上挂锁,再到改成了快递点。
    去年暑假,我和几位退休教师走访了全县十九个乡镇。有图书室并且每周开门三天以上的只有四个,藏书在五千册以上的只有两个,近三年买过新书的一个也没有。农家书屋虽然村村都有,但书目老旧,钥匙在村干部手里,一年登记借阅的平均不到二十人次。
    与此同时,需求是实实在在的。柳林镇中心小学在走廊上摆了六百本捐来的旧书,一个学期借出四千三百多次。家长们说,只要有地方坐、有灯、有人管,孩子就愿意去。
    我认为,问题不全在钱上。县图书馆每年购书经费四十五万元,多数花在县城;乡镇文化专干十九名编制,在岗的十五人,常年被抽调去做别的工作的有十一人;闲置的校舍、供销社、粮站,镇镇都有。把这些凑到一起,事情就能办起来。
    为此,提出以下建议:
    一、以县图书馆为总馆、乡镇图书室为分馆,统一采购、统一编目、通借通还。总馆每季度向分馆配送新书不少于三百册,其中少儿读物不少于一半。
    二、每个乡镇利用闲置房屋建设不少于一百五十平方米的图书室,设阅览座位三十个以上。五个人口在三万以上的镇先行,其余两年内完成。
    三、保证开放时间。周末和寒暑假每天开放不少于六小时,平日下午四点至八点开放,文化专干必须在岗,不得随意抽调。
    四、聘请退休教师、返乡大学生担任管理员,每月补助八百元,由县财政承担。
    五、把农家书屋的图书并入流动,读者扫码即可知道哪本书在哪个村。
    六、鼓励企业和在外乡贤捐书捐款,县里统一开列书目,避免捐来的都是没有人看的旧杂志。
    孩子们等不起。恳请有关部门今年就能动起来,哪怕先把灯点亮、先把门打开。
    """,
)


def _broken_title(document: Docx) -> None:
    centre(document, "关于加强古驿道沿线传统村落", "保护利用的建议")
    centre(document, "(第A047号)", size=14)
    prose(document, HERITAGE.paragraphs)
    document.add_paragraph()
    right(document, "建议人:云泽市人大代表  温如玉", "2026年1月9日")


def _signature_lines(document: Docx) -> None:
    centre(document, "云泽市第六届人民代表大会第三次会议", size=14)
    right(document, "第 226 号")
    centre(document, DOCTORS.title)
    prose(document, DOCTORS.paragraphs)
    document.add_paragraph("领衔代表(签名):孟庆余          联系电话:13605980226")
    names = [
        name if len(name) == 3 else f"{name[0]}\u3000{name[1]}" for name in [*TWENTY[:18], "方圆", "石磊"]
    ]
    document.add_paragraph("附议代表(签名):")
    for start in range(0, 20, 5):
        document.add_paragraph("\u3000\u3000".join(names[start : start + 5]))
    right(document, "二〇二六年一月十日")


def _figures_in_body(document: Docx) -> None:
    """The one letter whose body has a table: its cells belong to the body."""
    centre(document, STRAW.title)
    prose(document, STRAW.paragraphs[:1])
    grid(document, [line.split("  ") for line in STRAW.paragraphs[1:5]], 4)
    prose(document, STRAW.paragraphs[5:])
    right(document, "平川区人大代表:苗  壮", "联系电话:13305980277", "2026年1月16日")


_MAIL = f"""
关于在乡镇恢复和建设公共图书室的建议

青岚县第十七届人民代表大会第六次会议第9号建议
代表:季  风(柳林镇代表团)

{LIBRARY.body}

附议代表:纪兰芳  舒  畅  屈大江
"""

LETTERS = [
    Layout(
        "letter, its title broken in two",
        ".docx",
        ("doc", "pdf"),
        word(_broken_title),
        {
            "number": "第A047号",
            "kind": "建议",
            "title": HERITAGE.title,
            "body": HERITAGE.body,
            "deputy": "温如玉",
        },
    ),
    Layout(
        "letter, twenty signatures over four lines",
        ".docx",
        ("doc", "pdf"),
        word(_signature_lines),
        {
            "number": "第226号",
            "session": "云泽市第六届人民代表大会第三次会议",
            "kind": "建议",
            "title": DOCTORS.title,
            "body": DOCTORS.body,
            "deputy": "孟庆余",
            "cosigners": "、".join([*TWENTY[:18], "方圆", "石磊"]),
            "phone": "13605980226",
        },
    ),
    Layout(
        "letter, a table of figures in its body",
        ".docx",
        ("doc", "pdf"),
        word(_figures_in_body),
        {
            "kind": "建议",
            "title": STRAW.title,
            "body": STRAW.body,
            "deputy": "苗壮",
            "phone": "13305980277",
        },
    ),
    Layout(
        "letter as text, the deputy above the body",
        ".txt",
        (),
        plain(_MAIL, "gb18030", str),
        {
            "number": "第9号",
            "session": "青岚县第十七届人民代表大会第六次会议",
            "kind": "建议",
            "title": LIBRARY.title,
            "body": LIBRARY.body,
            "deputy": "季风",
            "cosigners": "纪兰芳、舒畅、屈大江",
            "delegation": "柳林镇代表团",
        },
    ),
]
